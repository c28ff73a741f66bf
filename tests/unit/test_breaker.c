/* tests/unit/test_breaker.c - the circuit breaker, by a clock of the test's own. */
#include "tests/kit/expect.h"

#include "gateway/net/breaker.h"

enum { FAILURES = 5, REST_MS = 1000, REST_MOST_MS = 15000 };

static const struct breaker_limits limits = { FAILURES, 0, REST_MS, REST_MOST_MS };

static void fail_until_open(struct breaker *b, int64_t now)
{
    for (int i = 0; i < FAILURES; i++) {
        EXPECT_INT(BREAKER_ASK, breaker_admits(b, now));
        breaker_failed(b, now, false, "no route");
    }
}

static void failures_in_a_row_open_it(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, &limits, 0);
    for (int i = 0; i < 3 * FAILURES; i++) { /* not in a row */
        breaker_failed(&b, 0, false, "late");
        if (i % (FAILURES - 1) == 0)
            breaker_worked(&b);
    }
    EXPECT_FALSE(b.is_open);
    breaker_worked(&b);
    fail_until_open(&b, 0);
    EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, REST_MS - 1));
    EXPECT_STR("no route", b.why);
}

static void one_trial_at_a_time_and_longer_rests(void **state)
{
    struct breaker b;
    int64_t now = 0;
    int rest = REST_MS;

    (void)state;
    breaker_init(&b, &limits, 0);
    fail_until_open(&b, now);
    for (int i = 0; i < 10; i++) {
        EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, now + rest - 1));
        now += rest;
        EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now));
        EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, now));
        breaker_failed(&b, now, false, "of an older question"); /* the trial is still under way */
        EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, now + 10 * rest));
        breaker_failed(&b, now, true, "again");
        rest = 2 * rest < REST_MOST_MS ? 2 * rest : REST_MOST_MS;
    }
    now += rest;
    EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now));
    breaker_untried(&b);
    EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now));
    breaker_worked(&b);
    EXPECT_INT(BREAKER_ASK, breaker_admits(&b, now));
    fail_until_open(&b, now);
    EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now + REST_MS)); /* the first rest is short again */
}

static void failures_too_far_apart_are_none_in_a_row(void **state)
{
    static const struct breaker_limits within = { .failures = 2, .within_ms = 100, .rest_ms = 1, .rest_most_ms = 1 };
    struct breaker b;

    (void)state;
    breaker_init(&b, &within, 0);
    EXPECT_FALSE(breaker_failed(&b, 0, false, "a"));
    EXPECT_FALSE(breaker_failed(&b, 101, false, "b"));
    EXPECT_TRUE(breaker_failed(&b, 201, false, "c"));
    EXPECT_FALSE(breaker_failed(&b, 202, false, "d")); /* it was open already */
    EXPECT_TRUE(breaker_worked(&b));
    EXPECT_FALSE(breaker_worked(&b));
}

static void rests_differ_by_chance_and_by_a_quarter_at_most(void **state)
{
    static const struct breaker_limits one = { .failures = 1, .rest_ms = 1000, .rest_most_ms = 60000 };
    struct breaker b;
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint32_t chance = 1; chance <= 100; chance++) {
        breaker_init(&b, &one, chance * 2654435761U);
        EXPECT_TRUE(breaker_failed(&b, 0, false, "gone"));
        EXPECT_TRUE(breaker_would_refuse(&b, b.rest_until_ms - 1));
        EXPECT_FALSE(breaker_would_refuse(&b, b.rest_until_ms));
        least = b.rest_until_ms < least ? b.rest_until_ms : least;
        most = b.rest_until_ms > most ? b.rest_until_ms : most;
    }
    EXPECT_TRUE(least >= 1000 && most <= 1250 && most - least > 100);
}

RUN_TESTS(TEST(failures_in_a_row_open_it), TEST(one_trial_at_a_time_and_longer_rests),
          TEST(failures_too_far_apart_are_none_in_a_row), TEST(rests_differ_by_chance_and_by_a_quarter_at_most))
