/* core/alarm.h - what is wrong in our world (a list refuses us, a resolver is silent), told once an hour per cause.
 *
 * Bounded: the oldest of ALARMS_MAX causes makes room. Threads: the loop's.
 */
#ifndef CORE_ALARM_H
#define CORE_ALARM_H

#include "gateway/base/span.h"

enum { ALARMS_MAX = 256, ALARM_KEY_MAX = 128 };

struct alarm {
    char key[ALARM_KEY_MAX];
    int64_t raised_mono_ms;
    uint64_t count;
};

struct alarms {
    struct alarm items[ALARMS_MAX];
};

void alarms_raise(struct alarms *alarms, const char *key, const char *text);

#endif
