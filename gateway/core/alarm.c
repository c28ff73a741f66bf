/* core/alarm.c - what is wrong in our world, told once an hour per cause.
 *
 * A worker may raise an alarm, too: it is noted with the run and logged on the loop. This table is the loop's.
 */
#include "gateway/core/alarm.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

enum { ALARM_AGAIN_MS = 3600 * 1000 };

void alarms_raise(struct alarms *alarms, const char *key, const char *text)
{
    int64_t now = clock_mono_ms();
    struct alarm *oldest = &alarms->items[0];
    char cut[ALARM_KEY_MAX] = "";

    span_copy(span_first(span_of(key), ALARM_KEY_MAX - 1), cut, sizeof cut);

    for (size_t i = 0; i < ALARMS_MAX; i++) {
        struct alarm *a = &alarms->items[i];

        if (strcmp(a->key, cut) == 0 && now - a->raised_mono_ms < ALARM_AGAIN_MS) {
            a->count++;
            return;
        }
        if (strcmp(a->key, cut) == 0) {
            oldest = a;
            break;
        }
        if (a->raised_mono_ms < oldest->raised_mono_ms)
            oldest = a;
    }
    memcpy(oldest->key, cut, sizeof cut);
    oldest->raised_mono_ms = now;
    oldest->count = 1;
    struct log_line line;

    log_start(&line, LOG_WARN, "alarm");
    log_cstr(&line, "key", key);
    log_cstr(&line, "text", text);
    log_send(&line);
}
