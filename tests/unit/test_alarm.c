/* tests/unit/test_alarm.c - what is wrong is told once an hour per cause. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/alarm.h"

static unsigned causes(const struct alarms *alarms)
{
    unsigned n = 0;

    for (size_t i = 0; i < ALARMS_MAX; i++)
        n += alarms->items[i].key[0] != '\0';
    return n;
}

static void a_cause_is_told_once(void **state)
{
    struct alarms *alarms = mem_alloc(sizeof *alarms);
    char key[ALARM_KEY_MAX * 3];

    (void)state;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    for (int i = 0; i < 5; i++) {
        alarms_raise(alarms, "short", "text");
        alarms_raise(alarms, key, "a file's path may be longer than a key");
    }
    EXPECT_INT(2, causes(alarms));
    EXPECT_INT(5, alarms->items[0].count);
    EXPECT_INT(5, alarms->items[1].count);
    free(alarms);
}

static void there_are_never_too_many(void **state)
{
    struct alarms *alarms = mem_alloc(sizeof *alarms);
    char key[32];

    (void)state;
    for (int i = 0; i < 2 * ALARMS_MAX; i++) {
        snprintf(key, sizeof key, "cause %d", i);
        alarms_raise(alarms, key, "text");
    }
    EXPECT_INT(ALARMS_MAX, causes(alarms));
    free(alarms);
}

RUN_TESTS(TEST(a_cause_is_told_once), TEST(there_are_never_too_many))
