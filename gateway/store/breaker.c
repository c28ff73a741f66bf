/* store/breaker.c - a circuit breaker. */
#include "gateway/store/breaker.h"

#include <stdio.h>

#include "gateway/base/log.h"

void breaker_init(struct breaker *b, const char *name)
{
    *b = (struct breaker){ .rest_ms = BREAKER_REST_MS };
    snprintf(b->name, sizeof b->name, "%s", name);
}

enum breaker_says breaker_admits(struct breaker *b, int64_t now_ms)
{
    if (!b->is_open)
        return BREAKER_ASK;
    if (b->has_trial || now_ms < b->rest_until_ms)
        return BREAKER_REFUSE;
    b->has_trial = true;
    return BREAKER_TRY;
}

void breaker_worked(struct breaker *b, int64_t now_ms)
{
    b->failures = 0;
    b->rest_ms = BREAKER_REST_MS;
    if (!b->is_open)
        return;
    b->is_open = b->has_trial = false;
    log_info("store", "%s works again after %lld ms", b->name, (long long)(now_ms - b->opened_ms));
}

static void rest(struct breaker *b, int64_t now_ms)
{
    b->has_trial = false;
    b->rest_until_ms = now_ms + b->rest_ms;
}

void breaker_failed(struct breaker *b, int64_t now_ms, bool is_trial, const char *why)
{
    snprintf(b->why, sizeof b->why, "%s", why);
    if (b->is_open && is_trial) {
        b->rest_ms = b->rest_ms * 2 < BREAKER_REST_MOST_MS ? b->rest_ms * 2 : BREAKER_REST_MOST_MS;
        rest(b, now_ms);
    }
    if (b->is_open || ++b->failures < BREAKER_FAILURES)
        return;
    b->is_open = true;
    b->opened_ms = now_ms;
    rest(b, now_ms);
    log_warn("store", "%s fails and is left alone for a while: %s", b->name, b->why);
}

void breaker_untried(struct breaker *b)
{
    b->has_trial = false;
}
