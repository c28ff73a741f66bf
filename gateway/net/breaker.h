/* net/breaker.h - a circuit breaker: after failures in a row a server is not asked for a while, so that mail does not
 * wait for it.
 *
 * Closed: everything is asked. Open: nothing is, until it has rested; then one question at a time goes as a trial.
 * What works closes it; a trial that fails lets it rest twice as long, and up to a quarter more by chance, so that many
 * who wait for the same server do not come all at once.
 *
 * Threads: the loop's. Times are loop_now_ms()'s.
 */
#ifndef NET_BREAKER_H
#define NET_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_TEXT = 400 };

struct breaker_limits {
    unsigned failures; /* in a row open it */
    int within_ms;     /* when no more time lies between them; 0: however much */
    int rest_ms, rest_most_ms;
};

struct breaker {
    struct breaker_limits limits;
    char why[BREAKER_TEXT]; /* it failed last */
    unsigned failures;      /* in a row */
    int64_t first_ms;       /* of them */
    bool is_open, has_trial;
    int64_t opened_ms, rest_until_ms;
    int rest_ms;
    uint32_t chance; /* 0: no rest is longer than it must be */
};

/* breaker_init - `chance`: random bits. */
void breaker_init(struct breaker *b, const struct breaker_limits *limits, uint32_t chance);
enum breaker_says { BREAKER_ASK, BREAKER_TRY, BREAKER_REFUSE };
/* breaker_admits - BREAKER_TRY: as the trial; breaker_worked(), breaker_failed() or breaker_untried() end it. */
enum breaker_says breaker_admits(struct breaker *b, int64_t now_ms);
/* breaker_would_refuse - what breaker_admits() would say, without taking the trial. */
bool breaker_would_refuse(const struct breaker *b, int64_t now_ms);
/* breaker_worked, breaker_failed - true when that has closed or opened it. */
bool breaker_worked(struct breaker *b);
bool breaker_failed(struct breaker *b, int64_t now_ms, bool is_trial, const char *why);
/* breaker_untried - the trial ended without telling anything. */
void breaker_untried(struct breaker *b);

#endif
