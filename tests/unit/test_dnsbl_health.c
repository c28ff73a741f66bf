/* tests/unit/test_dnsbl_health.c - whether a list can be believed at the moment. */
#include "scanners/dnsbl_health.h"

#include "tests/kit/expect.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static const struct dnsbl_patience patience = {
    .aside_ms = 5 * MINUTE, .aside_most_ms = HOUR, .tries = 3, .test_every_ms = HOUR
};
static const int64_t start = 1767225600000;

static void a_refusal_puts_aside_at_once_and_for_longer_each_time(void **state)
{
    static const int minutes[] = { 5, 10, 20, 40, 60, 60 };
    struct dnsbl_health h = { 0 };
    int64_t now = start;

    (void)state;
    for (size_t i = 0; i < COUNT(minutes); i++) {
        EXPECT_FALSE(dnsbl_health_is_aside(&h, now));
        EXPECT_INT(i == 0, dnsbl_health_note(&h, &patience, now, DNSBL_REFUSED, false)); /* news only once */
        EXPECT_TRUE(dnsbl_health_is_aside(&h, now));
        now += minutes[i] * MINUTE;
        EXPECT_TRUE(dnsbl_health_is_aside(&h, now - 1));
    }
    EXPECT_TRUE(dnsbl_health_note(&h, &patience, now, DNSBL_FINE, false));
    EXPECT_NULL(h.why);
    EXPECT_TRUE(dnsbl_health_note(&h, &patience, now, DNSBL_REFUSED, false));
    EXPECT_INT(5 * MINUTE, h.until_ms - h.since_ms); /* it starts anew */
}

static void silence_puts_aside_only_when_it_lasts(void **state)
{
    struct dnsbl_health h = { 0 };

    (void)state;
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start, DNSBL_SILENT, false));
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start, DNSBL_SILENT, false));
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start, DNSBL_FINE, false)); /* an answer: counted anew */
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start, DNSBL_SILENT, false));
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start, DNSBL_SILENT, false));
    EXPECT_TRUE(dnsbl_health_note(&h, &patience, start, DNSBL_SILENT, false));
    EXPECT_TRUE(dnsbl_health_is_aside(&h, start));
}

static void a_list_with_a_test_comes_back_by_passing_it(void **state)
{
    struct dnsbl_health h = { 0 };
    int64_t later = start + 6 * MINUTE;

    (void)state;
    EXPECT_TRUE(dnsbl_health_is_test_due(&h, &patience, start));
    EXPECT_FALSE(dnsbl_health_tested(&h, &patience, start, DNSBL_FINE));
    EXPECT_FALSE(dnsbl_health_is_test_due(&h, &patience, start + HOUR - 1));
    EXPECT_TRUE(dnsbl_health_is_test_due(&h, &patience, start + HOUR));
    EXPECT_TRUE(dnsbl_health_note(&h, &patience, start, DNSBL_NONSENSE, true));
    EXPECT_FALSE(dnsbl_health_is_test_due(&h, &patience, start + MINUTE));
    EXPECT_TRUE(dnsbl_health_is_aside(&h, later)); /* time alone does not help */
    EXPECT_TRUE(dnsbl_health_is_test_due(&h, &patience, later));
    EXPECT_TRUE(dnsbl_health_tested(&h, &patience, later, DNSBL_EMPTY)); /* another reason: news */
    EXPECT_FALSE(dnsbl_health_is_test_due(&h, &patience, later + 10 * MINUTE - 1));
    EXPECT_FALSE(dnsbl_health_tested(&h, &patience, later + 10 * MINUTE, DNSBL_EMPTY));
    EXPECT_TRUE(dnsbl_health_tested(&h, &patience, later + 30 * MINUTE, DNSBL_FINE));
    EXPECT_FALSE(dnsbl_health_is_aside(&h, later + 30 * MINUTE));
}

static void what_another_mail_put_aside_is_left_alone(void **state)
{
    struct dnsbl_health h = { 0 };

    (void)state;
    dnsbl_health_note(&h, &patience, start, DNSBL_REFUSED, false);
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start + 1, DNSBL_REFUSED, false));
    EXPECT_FALSE(dnsbl_health_note(&h, &patience, start + 1, DNSBL_FINE, false)); /* asked before the refusal */
    EXPECT_TRUE(dnsbl_health_is_aside(&h, start + 2));
    EXPECT_INT(5 * MINUTE, h.until_ms - h.since_ms);
}

static void a_clock_set_back_does_not_keep_a_list_aside(void **state)
{
    struct dnsbl_health h = { 0 };

    (void)state;
    dnsbl_health_note(&h, &patience, start, DNSBL_REFUSED, false);
    EXPECT_FALSE(dnsbl_health_is_aside(&h, start - HOUR));
    dnsbl_health_tested(&h, &patience, start, DNSBL_FINE);
    EXPECT_TRUE(dnsbl_health_is_test_due(&h, &patience, start - HOUR));
}

RUN_TESTS(TEST(a_refusal_puts_aside_at_once_and_for_longer_each_time), TEST(silence_puts_aside_only_when_it_lasts),
          TEST(a_list_with_a_test_comes_back_by_passing_it), TEST(what_another_mail_put_aside_is_left_alone),
          TEST(a_clock_set_back_does_not_keep_a_list_aside))
