/* scanners/dnsbl_health.h - whether a list can be believed at the moment.
 *
 * A list that refuses us, answers nonsense, lists everything or nothing, or does not answer at all is put aside: it is
 * not asked, and counts nothing, for a while that doubles each time up to a maximum. A list with test points
 * [RFC5782 5] comes back when it passes its test; one without when the time is over and its next answer is in order.
 *
 * A plain state machine: no clock, no DNS, no log. Threads: the loop's.
 */
#ifndef SCANNERS_DNSBL_HEALTH_H
#define SCANNERS_DNSBL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

/* How patient we are with a list; keys of the check. */
struct dnsbl_patience {
    int aside_ms, aside_most_ms;
    int64_t tries; /* look-ups in a row without an answer */
    int test_every_ms;
};

/* What an answer, or the answers to the test points, say of the list. */
enum dnsbl_verdict {
    DNSBL_FINE,
    DNSBL_REFUSED,  /* it will not answer us */
    DNSBL_NONSENSE, /* an answer that no list gives: a hijacked or parked zone */
    DNSBL_ALL,      /* lists what must not be listed */
    DNSBL_EMPTY,    /* does not list what must be */
    DNSBL_SILENT,   /* no answer, or the name servers' failure */
};

struct dnsbl_health {
    const char *why; /* it was put aside: words for people; NULL: in use */
    int64_t since_ms, until_ms;
    int aside_ms;      /* how long it was last put aside: the next time is twice that */
    unsigned misses;   /* look-ups in a row without an answer */
    int64_t tested_ms; /* when it last passed its test; 0: never yet */
    bool must_pass;    /* it comes back by passing its test only */
};

/* dnsbl_verdict_text - what the list does, for people: "refuses our questions"; not of DNSBL_FINE. */
const char *dnsbl_verdict_text(enum dnsbl_verdict verdict);

/* dnsbl_health_is_aside - not to be asked now. */
bool dnsbl_health_is_aside(const struct dnsbl_health *h, int64_t now_ms);
/* dnsbl_health_is_test_due - never tested, not tested for long, or aside and its time is over. */
bool dnsbl_health_is_test_due(const struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms);
/* dnsbl_health_note - after a look-up. Returns true when that put the list aside, or brought it back: `why` tells. */
bool dnsbl_health_note(struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms,
                       enum dnsbl_verdict verdict, bool has_test);
/* dnsbl_health_tested - after its test; the same result. */
bool dnsbl_health_tested(struct dnsbl_health *h, const struct dnsbl_patience *patience, int64_t now_ms,
                         enum dnsbl_verdict verdict);

#endif
