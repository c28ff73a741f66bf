/* net/breaker.c - a circuit breaker. */
#include "gateway/net/breaker.h"

#include <stdio.h>

void breaker_init(struct breaker *b, const struct breaker_limits *limits, uint32_t chance)
{
    *b = (struct breaker){ .limits = *limits, .rest_ms = limits->rest_ms, .chance = chance };
}

bool breaker_would_refuse(const struct breaker *b, int64_t now_ms)
{
    return b->is_open && (b->has_trial || now_ms < b->rest_until_ms);
}

enum breaker_says breaker_admits(struct breaker *b, int64_t now_ms)
{
    if (breaker_would_refuse(b, now_ms))
        return BREAKER_REFUSE;
    b->has_trial = b->is_open;
    return b->is_open ? BREAKER_TRY : BREAKER_ASK;
}

bool breaker_worked(struct breaker *b)
{
    bool was_open = b->is_open;

    b->failures = 0;
    b->rest_ms = b->limits.rest_ms;
    b->is_open = b->has_trial = false;
    return was_open;
}

/* xorshift: no secret, only no two alike. */
static int some_more(struct breaker *b)
{
    b->chance ^= b->chance << 13;
    b->chance ^= b->chance >> 17;
    b->chance ^= b->chance << 5;
    return b->chance ? (int)(b->chance % (unsigned)(b->rest_ms / 4 + 1)) : 0;
}

static void rest(struct breaker *b, int64_t now_ms)
{
    b->has_trial = false;
    b->rest_until_ms = now_ms + b->rest_ms + some_more(b);
}

static bool is_one_too_many(struct breaker *b, int64_t now_ms)
{
    if (!b->failures || (b->limits.within_ms && now_ms - b->first_ms > b->limits.within_ms)) {
        b->failures = 0;
        b->first_ms = now_ms;
    }
    return ++b->failures >= b->limits.failures;
}

bool breaker_failed(struct breaker *b, int64_t now_ms, bool is_trial, const char *why)
{
    snprintf(b->why, sizeof b->why, "%s", why);
    if (b->is_open && is_trial) {
        b->rest_ms = b->rest_ms * 2 < b->limits.rest_most_ms ? b->rest_ms * 2 : b->limits.rest_most_ms;
        rest(b, now_ms);
    }
    if (b->is_open || !is_one_too_many(b, now_ms))
        return false;
    b->is_open = true;
    b->opened_ms = now_ms;
    rest(b, now_ms);
    return true;
}

void breaker_untried(struct breaker *b)
{
    b->has_trial = false;
}
