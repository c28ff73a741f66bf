/* net/dns.h - the resolver: libunbound's event mode on our loop; recursing, or forwarding to `servers`.
 *
 * Identical look-ups in flight are joined. Every look-up ends in exactly one answer, also when the resolver is
 * stopped. With `dnssec` answers are validated from the root's trust anchor down: one that fails is DNS_FAILED with
 * DNS_BOGUS. /etc/hosts plays no part. Threads: the loop's.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "gateway/conf/conf.h"
#include "gateway/net/dns_answer.h"
#include "gateway/net/loop.h"

struct dns_conf {
    struct conf_endpoints servers; /* none: as /etc/resolv.conf says ("system"), or recurse: see `recurse` */
    bool recurse;                  /* from the roots, when servers is empty */
    bool dnssec;
    const char *trust_anchor; /* file; used with dnssec */
    int timeout_ms;           /* of one look-up, all tries together */
    size_t cache_bytes;
    int64_t inflight_most; /* look-ups at once; more are DNS_FAILED at once */
};

extern const struct conf_section dns_section;

struct dns;
struct dns_query;
typedef void dns_fn(void *arg, const struct dns_answer *answer);

/* dns_new - NULL with a sentence for the operator in `error`. */
struct dns *dns_new(struct loop *loop, const struct dns_conf *conf, char *error, size_t size);
/* dns_free - answers what is in flight with DNS_FAILED first. Not inside a dns_fn. NULL is fine. */
void dns_free(struct dns *dns);

/* dns_ask - fn(arg, answer) is called once, on the loop, never before dns_ask() has returned; the answer is borrowed
 * until fn returns. `timeout_ms`: at most the configured one, which 0 stands for; the look-up goes on for the cache
 * after it. Bytes of `name` stand for themselves (no escapes); one final dot is fine. A name that cannot exist (too
 * long, empty label) is DNS_NXDOMAIN. Returns a handle for dns_cancel(), valid until fn is called. */
struct dns_query *dns_ask(struct dns *dns, const char *name, enum dns_type type, int timeout_ms, dns_fn *fn, void *arg);
void dns_cancel(struct dns *dns, struct dns_query *query);
/* dns_inflight - look-ups under way, also those that nobody waits for any more. */
size_t dns_inflight(const struct dns *dns);

struct dns_counters {
    uint64_t asked;
    uint64_t joined;                  /* of them: to a look-up that was under way */
    uint64_t cached;                  /* of them: answered without asking anybody */
    uint64_t late;                    /* of them: not answered in time */
    uint64_t answers[DNS_CAPPED + 1]; /* look-ups that came to an end, by enum dns_state */
};
void dns_counters(const struct dns *dns, struct dns_counters *out);

#endif
