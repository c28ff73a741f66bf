/* scanners/dnsbl_health.c - whether a list can be believed at the moment. */
#include "scanners/dnsbl_health.h"

#include <stddef.h>

static const char *const reasons[] = {
    [DNSBL_REFUSED] = "refuses our questions",
    [DNSBL_NONSENSE] = "gives answers that no list gives: its name is parked, or the resolver rewrites answers",
    [DNSBL_ALL] = "lists its test point that must not be listed: it may be listing everything",
    [DNSBL_EMPTY] = "does not list its test point: it may be dead",
    [DNSBL_SILENT] = "does not answer",
};

const char *dnsbl_verdict_text(enum dnsbl_verdict verdict)
{
    return reasons[verdict];
}

/* A wall clock that was set back must not keep a list aside for longer than it was meant to be. */
static bool is_time_over(const struct dnsbl_health *h, int64_t now_ms)
{
    return now_ms >= h->until_ms || now_ms < h->since_ms - h->aside_ms;
}

bool dnsbl_health_is_aside(const struct dnsbl_health *h, int64_t now_ms)
{
    return h->why && (h->must_pass || !is_time_over(h, now_ms));
}

bool dnsbl_health_is_test_due(const struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms)
{
    if (h->why)
        return is_time_over(h, now_ms);
    return h->tested_ms == 0 || now_ms >= h->tested_ms + patience->test_every_ms || now_ms < h->tested_ms;
}

static bool put_aside(struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms,
                      enum dnsbl_verdict verdict, bool must_pass)
{
    bool is_new = !h->why || h->why != reasons[verdict];

    h->aside_ms = h->aside_ms == 0                            ? patience->aside_ms
                  : h->aside_ms > patience->aside_most_ms / 2 ? patience->aside_most_ms
                                                              : h->aside_ms * 2;
    h->why = reasons[verdict];
    h->since_ms = now_ms;
    h->until_ms = now_ms + h->aside_ms;
    h->must_pass = must_pass;
    h->misses = 0;
    return is_new;
}

static bool bring_back(struct dnsbl_health *h)
{
    bool was_aside = h->why;

    h->why = NULL;
    h->aside_ms = 0;
    h->misses = 0;
    h->must_pass = false;
    return was_aside;
}

/* One silence is nothing: mail comes from people who have us ask slow lists. */
static bool note_silence(struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms, bool must_pass)
{
    if (!h->why && ++h->misses < patience->tries)
        return false;
    return put_aside(h, patience, now_ms, DNSBL_SILENT, must_pass);
}

bool dnsbl_health_note(struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms,
                       enum dnsbl_verdict verdict, bool has_test)
{
    if (dnsbl_health_is_aside(h, now_ms))
        return false; /* another message put it aside while this one was waiting */
    if (verdict == DNSBL_FINE)
        return bring_back(h);
    if (verdict == DNSBL_SILENT)
        return note_silence(h, patience, now_ms, has_test);
    return put_aside(h, patience, now_ms, verdict, has_test);
}

bool dnsbl_health_tested(struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms,
                         enum dnsbl_verdict verdict)
{
    if (verdict == DNSBL_SILENT)
        return note_silence(h, patience, now_ms, true);
    if (verdict != DNSBL_FINE)
        return put_aside(h, patience, now_ms, verdict, true);
    h->tested_ms = now_ms;
    return bring_back(h);
}
