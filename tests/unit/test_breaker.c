/* tests/unit/test_breaker.c - the circuit breaker, by a clock of the test's own. */
#include "tests/kit/expect.h"

#include "gateway/store/breaker.h"

static void fail_until_open(struct breaker *b, int64_t now)
{
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        EXPECT_INT(BREAKER_ASK, breaker_admits(b, now));
        breaker_failed(b, now, false, "no route");
    }
}

static void failures_in_a_row_open_it(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, "test");
    for (int i = 0; i < 3 * BREAKER_FAILURES; i++) { /* not in a row */
        breaker_failed(&b, 0, false, "late");
        if (i % (BREAKER_FAILURES - 1) == 0)
            breaker_worked(&b, 0);
    }
    EXPECT_FALSE(b.is_open);
    breaker_worked(&b, 0);
    fail_until_open(&b, 0);
    EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, BREAKER_REST_MS - 1));
    EXPECT_STR("no route", b.why);
}

static void one_trial_at_a_time_and_longer_rests(void **state)
{
    struct breaker b;
    int64_t now = 0;
    int rest = BREAKER_REST_MS;

    (void)state;
    breaker_init(&b, "test");
    fail_until_open(&b, now);
    for (int i = 0; i < 10; i++) {
        EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, now + rest - 1));
        now += rest;
        EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now));
        EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, now));
        breaker_failed(&b, now, false, "of an older question"); /* the trial is still under way */
        EXPECT_INT(BREAKER_REFUSE, breaker_admits(&b, now + 10 * rest));
        breaker_failed(&b, now, true, "again");
        rest = 2 * rest < BREAKER_REST_MOST_MS ? 2 * rest : BREAKER_REST_MOST_MS;
    }
    now += rest;
    EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now));
    breaker_untried(&b);
    EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now));
    breaker_worked(&b, now);
    EXPECT_INT(BREAKER_ASK, breaker_admits(&b, now));
    fail_until_open(&b, now);
    EXPECT_INT(BREAKER_TRY, breaker_admits(&b, now + BREAKER_REST_MS)); /* the first rest is short again */
}

RUN_TESTS(TEST(failures_in_a_row_open_it), TEST(one_trial_at_a_time_and_longer_rests))
