/* tests/unit/test_clock.c - what time it is. */
#include <stdlib.h>
#include <time.h>

#include "tests/kit/expect.h"

#include "gateway/base/clock.h"

static void dates_are_written_in_utc_and_english(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *iso, *rfc5322;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 +0000" },
        { 951782399999, "2000-02-28T23:59:59.999Z", "Mon, 28 Feb 2000 23:59:59 +0000" },
        { 951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 +0000" },
        { 1795413960123, "2026-11-23T06:06:00.123Z", "Mon, 23 Nov 2026 06:06:00 +0000" },
        { 4102444800000, "2100-01-01T00:00:00.000Z", "Fri, 01 Jan 2100 00:00:00 +0000" },
        { 253402300799999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 +0000" },
    };
    char out[CLOCK_TEXT_MAX];

    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    for (size_t i = 0; i < COUNT(cases); i++) {
        EXPECT_STR(cases[i].iso, clock_iso(cases[i].wall_ms, out));
        EXPECT_STR(cases[i].rfc5322, clock_rfc5322(cases[i].wall_ms, out));
    }
}

static void clocks_agree_with_the_systems(void **state)
{
    int64_t before = (int64_t)time(NULL), mono = clock_mono_us();
    int64_t wall = clock_wall_ms();

    (void)state;
    EXPECT_TRUE(wall / 1000 >= before && wall / 1000 <= (int64_t)time(NULL) + 1);
    for (int i = 0; i < 1000; i++) {
        int64_t next = clock_mono_us();

        EXPECT_TRUE(next >= mono);
        mono = next;
    }
    EXPECT_TRUE(clock_mono_ms() >= mono / 1000);
}

RUN_TESTS(TEST(dates_are_written_in_utc_and_english), TEST(clocks_agree_with_the_systems))
