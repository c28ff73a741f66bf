/* store/breaker.h - a circuit breaker: after failures in a row a server is not asked for a while, so that mail does not
 * wait for it.
 *
 * Closed: everything is asked. Open: nothing is, until it has rested; then one question at a time goes as a trial.
 * What works closes it; a trial that fails lets it rest twice as long. One line in the log when it opens, one when it
 * closes.
 *
 * Threads: the loop's. Times are loop_now_ms()'s.
 */
#ifndef STORE_BREAKER_H
#define STORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_FAILURES = 5, BREAKER_REST_MS = 1000, BREAKER_REST_MOST_MS = 15000, BREAKER_TEXT = 280 };

struct breaker {
    char name[BREAKER_TEXT]; /* of the server, for the log */
    char why[BREAKER_TEXT];  /* it failed last */
    unsigned failures;       /* in a row */
    bool is_open, has_trial;
    int64_t opened_ms, rest_until_ms;
    int rest_ms;
};

void breaker_init(struct breaker *b, const char *name);
enum breaker_says { BREAKER_ASK, BREAKER_TRY, BREAKER_REFUSE };
/* breaker_admits - BREAKER_TRY: as the trial; breaker_worked(), breaker_failed() or breaker_untried() end it. */
enum breaker_says breaker_admits(struct breaker *b, int64_t now_ms);
void breaker_worked(struct breaker *b, int64_t now_ms);
void breaker_failed(struct breaker *b, int64_t now_ms, bool is_trial, const char *why);
/* breaker_untried - the trial ended without telling anything. */
void breaker_untried(struct breaker *b);

#endif
