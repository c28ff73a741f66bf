/* tests/unit/test_rates_report.c - what `postern rates` makes of a record. */
#include "gateway/cli/rates.h"

#include <stdlib.h>

#include "tests/kit/expect.h"

enum { NOW_MS = 1000000000 };

static struct rates_limit limits[] = {
    { .title = "x", .windows = { { 10, 5, 3600000, "1h" }, { 50, 50, 86400000, "1d" } }, .window_count = 2 },
};
static const struct rates_conf at_rcpt = { { limits, 1 } }, at_message = { { NULL, 0 } };

static bool make(struct rates_row *row, const char *key, double level, double factor, double refused, int64_t at_ms)
{
    const double record[] = { level, (double)at_ms, factor, refused, refused > 0 ? (double)at_ms : 0 };

    return rates_row_make(row, span_of(key), span_make((const char *)record, sizeof record), NOW_MS, &at_rcpt,
                          &at_message);
}

static void a_bucket_is_seen_as_it_stands_now(void **state)
{
    static const struct {
        const char *key;
        double level, factor;
        int64_t age_ms;
        double capacity, filled;
        int64_t retry_ms;
        bool is_configured;
    } cases[] = {
        { "r:x/1h:joe", 0, 1, 0, 5, 0, 0, true },         { "r:x/1h:joe", 4, 1, 0, 5, 0.8, 0, true },
        { "r:x/1h:joe", 5, 1, 0, 5, 1, 360001, true },    { "r:x/1h:joe", 5, 1, 360000, 5, 0.8, 0, true },
        { "r:x/1h:joe", 5, 2, 0, 10, 0.5, 0, true },      { "r:x/1h:joe", 5, 0.5, 0, 2.5, 2, 2520001, true },
        { "r:x/1d:joe", 50, 1, 0, 50, 1, 1728001, true }, { "r:x/7d:joe", 50, 1, 0, 0, 0, 0, false },
        { "r:y/1h:joe", 50, 1, 0, 0, 0, 0, false },       { "r:x/1h/message:joe", 50, 1, 0, 0, 0, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rates_row row;

        EXPECT_TRUE(make(&row, cases[i].key, cases[i].level, cases[i].factor, 3, NOW_MS - cases[i].age_ms));
        EXPECT_INT(cases[i].is_configured, row.window != NULL);
        EXPECT_SPAN("joe", row.name.value);
        if (row.capacity != cases[i].capacity || row.filled < cases[i].filled - 1e-9 ||
            row.filled > cases[i].filled + 1e-9 || llabs(row.retry_ms - cases[i].retry_ms) > 1)
            fail_msg("%zu: %f of %f, room in %lld", i, row.filled, row.capacity, (long long)row.retry_ms);
        EXPECT_INT(3, (int)row.state.refused);
    }
}

/* Room for one more is not room for a message of many bytes, nor for who sends without end. */
static void who_was_refused_lately_is_limited(void **state)
{
    static const struct {
        const char *key;
        double level, refused;
        int64_t age_ms;
        bool is_limited;
    } cases[] = {
        { "r:x/1h:joe", 5, 1, 0, true },        { "r:x/1h:joe", 5, 0, 0, true },
        { "r:x/1h:joe", 4, 0, 0, false },       { "r:x/1h:joe", 4, 1, 1000, true },
        { "r:x/1h:joe", 2, 1, 1000, false },    { "r:x/1h:joe", 4, 1, 3600000, false },
        { "r:x/1d:joe", 49, 1, 3000000, true }, { "r:x/1d:joe", 49, 1, 3600000, false },
        { "r:y/1h:joe", 5, 1, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rates_row row;

        EXPECT_TRUE(make(&row, cases[i].key, cases[i].level, 1, cases[i].refused, NOW_MS - cases[i].age_ms));
        EXPECT_INT(cases[i].is_limited, row.is_limited);
    }
}

static void other_records_are_left_out(void **state)
{
    static const char *const keys[] = { "", "r:", "r:x", "r:x/1h", "r:x:joe", "g:x/1h:joe", "r:x/1h/data:joe" };
    struct rates_row row;

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++)
        EXPECT_FALSE(make(&row, keys[i], 1, 1, 0, NOW_MS));
    EXPECT_FALSE(rates_row_make(&row, SPAN("r:x/1h:joe"), SPAN("short"), NOW_MS, &at_rcpt, &at_message));
}

static void the_fullest_comes_first(void **state)
{
    static const char *const want[] = { "x/1h:full", "x/1h:refused", "x/1h:a", "x/1h:b", "x/1d:empty" };
    struct rates_row rows[5];

    (void)state;
    EXPECT_TRUE(make(&rows[0], "r:x/1h:b", 2, 1, 1, NOW_MS));
    EXPECT_TRUE(make(&rows[1], "r:x/1d:empty", 0, 1, 9, NOW_MS));
    EXPECT_TRUE(make(&rows[2], "r:x/1h:full", 5, 1, 0, NOW_MS));
    EXPECT_TRUE(make(&rows[3], "r:x/1h:a", 2, 1, 1, NOW_MS));
    EXPECT_TRUE(make(&rows[4], "r:x/1h:refused", 2, 1, 2, NOW_MS));
    qsort(rows, 5, sizeof *rows, rates_row_compare);
    for (size_t i = 0; i < 5; i++)
        EXPECT_SPAN(want[i], rows[i].key);
}

RUN_TESTS(TEST(a_bucket_is_seen_as_it_stands_now), TEST(who_was_refused_lately_is_limited),
          TEST(other_records_are_left_out), TEST(the_fullest_comes_first))
