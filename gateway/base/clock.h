/* base/clock.h - what time it is. Checks never call these: they read the time from their inquiry. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* clock_mono_ms - milliseconds of a clock that only goes forward; for deadlines and durations. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* clock_thread_us - microseconds of the processor that this thread has used. */
int64_t clock_thread_us(void);
/* clock_wall_ms - milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

enum { CLOCK_TEXT_MAX = 40 };
/* clock_iso - "2026-11-23T05:46:00.123Z"; clock_rfc5322 - "Mon, 23 Nov 2026 05:46:00 +0000" [RFC5322 3.3];
 * both into `out` (CLOCK_TEXT_MAX), which they return. */
const char *clock_iso(int64_t wall_ms, char *out);
const char *clock_rfc5322(int64_t wall_ms, char *out);

#endif
