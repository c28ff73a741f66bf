/* tests/unit/test_metrics.c - what is counted, and where. */
#include "tests/kit/expect.h"

#include "gateway/core/metrics.h"

static void a_duration_falls_into_the_first_bucket_that_holds_it(void **state)
{
    struct histogram h = { .count = 0 };

    (void)state;
    histogram_add(&h, -5); /* a clock that stepped back */
    histogram_add(&h, 100);
    histogram_add(&h, 101);
    histogram_add(&h, histogram_bounds_us[HISTOGRAM_BUCKETS - 1]);
    histogram_add(&h, histogram_bounds_us[HISTOGRAM_BUCKETS - 1] + 1);
    EXPECT_INT(2, h.buckets[0]);
    EXPECT_INT(1, h.buckets[1]);
    EXPECT_INT(1, h.buckets[HISTOGRAM_BUCKETS - 1]);
    EXPECT_INT(5, h.count);
    EXPECT_INT(201 + 2 * histogram_bounds_us[HISTOGRAM_BUCKETS - 1] + 1, h.sum_us);
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
        EXPECT_TRUE(histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
}

static void doors_are_told_apart_by_name(void **state)
{
    struct metrics m = { .started_wall_ms = 0 };
    char smtp[] = "smtp"; /* not the same pointer */

    (void)state;
    metrics_session(&m, "smtp", 1);
    metrics_session(&m, smtp, 1);
    metrics_session(&m, "smtp", -1);
    metrics_session(&m, "http", 1);
    metrics_verdict(&m, smtp, ACTION_REJECT);
    EXPECT_INT(1, metrics_door(&m, "smtp")->sessions);
    EXPECT_INT(2, metrics_door(&m, "smtp")->sessions_total);
    EXPECT_INT(1, metrics_door(&m, "smtp")->verdicts[ACTION_REJECT]);
    EXPECT_INT(1, metrics_door(&m, "http")->sessions);
    EXPECT_INT(0, metrics_door(&m, "http")->verdicts[ACTION_REJECT]);
}

static void a_door_too_many_is_not_counted(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
    struct metrics m = { .started_wall_ms = 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        metrics_session(&m, names[i], 1);
    EXPECT_TRUE(metrics_door(&m, "h") != NULL);
    EXPECT_TRUE(metrics_door(&m, "i") == NULL);
    metrics_verdict(&m, "i", ACTION_ACCEPT);
    metrics_latency(&m, "i", 1);
}

static void a_check_is_counted_by_how_it_ended(void **state)
{
    static const struct {
        enum run_state state;
        bool is_late;
        unsigned done, failed, timed_out, skipped;
    } cases[] = {
        { RUN_DONE, false, 1, 0, 0, 0 },    { RUN_FAILED, false, 0, 1, 0, 0 }, { RUN_FAILED, true, 0, 1, 1, 0 },
        { RUN_SKIPPED, false, 0, 0, 0, 1 }, { RUN_IDLE, false, 0, 0, 0, 0 },   { RUN_OFF, false, 0, 0, 0, 0 },
        { RUN_PARKED, false, 0, 0, 0, 0 },
    };
    const struct check_settings settings = { .index = 3 };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct metrics m = { .started_wall_ms = 0 };
        const struct run run = {
            .settings = &settings, .state = cases[i].state, .is_late = cases[i].is_late, .took_us = 7
        };

        metrics_run(&m, &run);
        EXPECT_INT(cases[i].done, m.checks[3].done);
        EXPECT_INT(cases[i].done, m.checks[3].latency.count);
        EXPECT_INT(cases[i].failed, m.checks[3].failed);
        EXPECT_INT(cases[i].timed_out, m.checks[3].timed_out);
        EXPECT_INT(cases[i].skipped, m.checks[3].skipped);
    }
}

RUN_TESTS(TEST(a_duration_falls_into_the_first_bucket_that_holds_it), TEST(doors_are_told_apart_by_name),
          TEST(a_door_too_many_is_not_counted), TEST(a_check_is_counted_by_how_it_ended))
