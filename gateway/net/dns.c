/* net/dns.c - look-ups: joined, timed, answered once, by libunbound.
 *
 * A look-up has any number of askers, each with its own time-out. libunbound answers from its cache inside
 * ub_resolve_event() and from the network inside its own event calls; neither is a place to call an asker from, who
 * may ask again. So an answer is only parsed there, and delivered by a task at the end of the turn.
 *
 * A look-up whose askers have all gone stays until libunbound is done with it, and counts against inflight_most:
 * libunbound cannot give up a look-up, and what it has under way must stay bounded.
 *
 * Memory: answers lie in an arena until they are delivered. There are two, so that what is answered during a delivery
 * does not grow, or lose, the one that is being delivered.
 */
#include "gateway/net/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unbound.h>
#include <unbound-event.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/net/dns_name.h"
#include "gateway/net/dns_resolver.h"

enum { SLOTS = 4096, CLASS_IN = 1, RCODE_NXDOMAIN = 3, IS_BOGUS = 1, IS_SECURE = 2, ARENA_MOST = 16 << 20 };

struct lookup {
    struct dns *dns;
    enum dns_type type;
    struct dns_query *askers;
    struct lookup *next, **link;     /* in its slot */
    struct lookup *next_answered;    /* waits for delivery */
    const struct dns_answer *answer; /* once it has one */
    char name[DNS_NAME_MAX];         /* lower case, no final dot */
};

struct dns_query {
    struct lookup *lookup;
    struct dns_query *next, **link;
    dns_fn *fn;
    void *arg;
    struct timer *timer; /* NULL for an answer that was here at once */
};

struct dns {
    struct loop *loop;
    struct ub_ctx *ub;
    int timeout_ms;
    size_t inflight, inflight_most;
    struct dns_counters counters;
    struct task deliver;
    struct lookup *answered, **last_answered;
    struct arena arenas[2];
    unsigned arena; /* the one for new answers */
    bool is_closing;
    uint64_t seed;
    struct lookup *slots[SLOTS];
};

/* --- the table of look-ups --- */

static size_t slot_of(const struct dns *dns, const char *name, enum dns_type type)
{
    uint64_t h = dns->seed ^ (uint64_t)type;

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3;
    h ^= h >> 29;
    return h % SLOTS;
}

static struct lookup *find(const struct dns *dns, size_t slot, const char *name, enum dns_type type)
{
    struct lookup *l = dns->slots[slot];

    while (l && (l->type != type || strcmp(l->name, name) != 0))
        l = l->next;
    return l;
}

static struct lookup *lookup_new(struct dns *dns, size_t slot, const char *name, enum dns_type type)
{
    struct lookup *l = mem_alloc(sizeof *l);

    *l = (struct lookup){ .dns = dns, .type = type, .next = dns->slots[slot], .link = &dns->slots[slot] };
    memcpy(l->name, name, strlen(name) + 1);
    if (l->next)
        l->next->link = &l->next;
    dns->slots[slot] = l;
    return l;
}

static void unhash(struct lookup *l)
{
    if (!l->link)
        return;
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    l->link = NULL;
}

/* --- askers --- */

static void query_free(struct dns_query *q)
{
    *q->link = q->next;
    if (q->next)
        q->next->link = q->link;
    timer_free(q->timer);
    free(q);
}

static void answer_query(struct dns_query *q, const struct dns_answer *answer)
{
    dns_fn *fn = q->fn;
    void *arg = q->arg;

    query_free(q);
    fn(arg, answer);
}

static void query_is_late(void *arg)
{
    struct dns_query *q = arg;
    char name[DNS_NAME_MAX]; /* the look-up may be gone before the asker is done with his answer */

    q->lookup->dns->counters.late++;
    memcpy(name, q->lookup->name, sizeof name);
    const struct dns_answer answer = { .name = name, .type = q->lookup->type, .state = DNS_TIMEOUT };

    answer_query(q, &answer);
}

static struct dns_query *query_new(struct lookup *l, dns_fn *fn, void *arg)
{
    struct dns_query *q = mem_alloc(sizeof *q);

    *q = (struct dns_query){ .lookup = l, .next = l->askers, .link = &l->askers, .fn = fn, .arg = arg };
    if (q->next)
        q->next->link = &q->next;
    l->askers = q;
    return q;
}

void dns_cancel(struct dns *dns, struct dns_query *query)
{
    (void)dns;
    query_free(query);
}

/* --- answers --- */

static void lookup_free(struct lookup *l)
{
    unhash(l);
    free(l);
}

static void deliver(void *arg)
{
    struct dns *dns = arg;
    struct lookup *l = dns->answered;
    struct arena *arena = &dns->arenas[dns->arena];

    dns->answered = NULL;
    dns->last_answered = &dns->answered;
    dns->arena ^= 1;
    while (l) {
        struct lookup *next = l->next_answered;

        unhash(l); /* who asks from now on, asks anew */
        while (l->askers)
            answer_query(l->askers, l->answer);
        lookup_free(l);
        l = next;
    }
    arena_clear(arena);
}

static void settle(struct lookup *l, const struct dns_answer *answer)
{
    struct dns *dns = l->dns;

    l->answer = answer;
    dns->counters.answers[answer->state]++;
    *dns->last_answered = l;
    dns->last_answered = &l->next_answered;
    loop_run_task(dns->loop, &dns->deliver);
}

static void settle_state(struct lookup *l, enum dns_state state, enum dns_security security)
{
    struct dns_answer *answer = arena_alloc(&l->dns->arenas[l->dns->arena], sizeof *answer);

    *answer = (struct dns_answer){ .name = l->name, .type = l->type, .state = state, .security = security };
    settle(l, answer);
}

static enum dns_security security_of(int secure)
{
    return secure == IS_SECURE ? DNS_SECURE : secure == IS_BOGUS ? DNS_BOGUS : DNS_INSECURE;
}

static void settle_packet(struct lookup *l, struct span packet, int secure)
{
    struct arena *arena = &l->dns->arenas[l->dns->arena];
    const struct dns_answer *parsed = NULL;

    if (dns_answer_wire(arena, l->name, l->type, packet, &parsed)) {
        settle_state(l, DNS_FAILED, DNS_INSECURE);
        return;
    }
    struct dns_answer *answer = arena_alloc(arena, sizeof *answer);

    *answer = *parsed;
    answer->security = security_of(secure);
    settle(l, answer);
}

static void resolved(void *arg, int rcode, void *packet, int packet_bytes, int secure, char *why_bogus,
                     int was_ratelimited)
{
    struct lookup *l = arg;

    (void)was_ratelimited;
    l->dns->inflight--;
    if (secure == IS_BOGUS && why_bogus)
        log_debug("dns", "%s", why_bogus);
    if (!l->askers)
        lookup_free(l);
    else if (rcode == RCODE_NXDOMAIN)
        settle_state(l, DNS_NXDOMAIN, security_of(secure));
    else if (rcode || !packet || packet_bytes < 0 || secure == IS_BOGUS)
        settle_state(l, DNS_FAILED, security_of(secure));
    else
        settle_packet(l, span_make(packet, (size_t)packet_bytes), secure);
}

/* --- asking --- */

/* what may be said of a name without asking: false when it must be asked for */
static bool is_plain_no(const struct dns *dns, size_t packed, enum dns_state *state)
{
    *state = packed ? DNS_FAILED : DNS_NXDOMAIN;
    return !packed || dns->is_closing || dns->inflight >= dns->inflight_most;
}

static void resolve(struct lookup *l, const uint8_t *wire)
{
    char escaped[DNS_ESCAPED_MAX];

    if (dns_name_text(wire, escaped, sizeof escaped))
        BUG("a name of more than %zu bytes", sizeof escaped);
    l->dns->inflight++;
    if (!ub_resolve_event(l->dns->ub, escaped[0] ? escaped : ".", (int)l->type, CLASS_IN, l, resolved, NULL)) {
        l->dns->counters.cached += l->answer != NULL;
        return;
    }
    l->dns->inflight--;
    settle_state(l, DNS_FAILED, DNS_INSECURE);
}

/* lower case, without final dot, cut where no name goes on */
static void normalise(const char *name, char out[DNS_NAME_MAX])
{
    size_t len = strnlen(name, DNS_NAME_MAX - 1);

    for (size_t i = 0; i < len; i++)
        out[i] = ascii_lower(name[i]);
    if (len > 1 && out[len - 1] == '.')
        len--;
    out[len] = '\0';
}

struct dns_query *dns_ask(struct dns *dns, const char *name, enum dns_type type, int timeout_ms, dns_fn *fn, void *arg)
{
    uint8_t wire[DNS_WIRE_MAX];
    char lower[DNS_NAME_MAX];
    enum dns_state state = DNS_FAILED;
    size_t packed = dns_name_pack(span_of(name), wire);

    normalise(name, lower);
    size_t slot = slot_of(dns, lower, type);
    struct lookup *l = packed ? find(dns, slot, lower, type) : NULL;
    bool is_new = !l;

    dns->counters.asked++;
    dns->counters.joined += !is_new;

    if (is_new)
        l = lookup_new(dns, slot, lower, type);
    struct dns_query *q = query_new(l, fn, arg);

    if (is_new && is_plain_no(dns, packed, &state))
        settle_state(l, state, DNS_INSECURE);
    else if (is_new)
        resolve(l, wire);
    if (!l->answer) {
        q->timer = timer_new(dns->loop, query_is_late, q);
        timer_start(q->timer, timeout_ms > 0 && timeout_ms < dns->timeout_ms ? timeout_ms : dns->timeout_ms);
    }
    return q;
}

size_t dns_inflight(const struct dns *dns)
{
    return dns->inflight;
}

void dns_counters(const struct dns *dns, struct dns_counters *out)
{
    *out = dns->counters;
}

/* --- the resolver as a whole --- */

struct dns *dns_new(struct loop *loop, const struct dns_conf *conf, char *error, size_t size)
{
    struct ub_ctx *ub = dns_resolver_new(loop_base(loop), conf, error, size);

    if (!ub)
        return NULL;
    struct dns *dns = mem_alloc(sizeof *dns);

    dns->loop = loop;
    dns->ub = ub;
    dns->timeout_ms = conf->timeout_ms;
    dns->inflight_most = (size_t)conf->inflight_most;
    dns->deliver = (struct task){ .fn = deliver, .arg = dns };
    dns->last_answered = &dns->answered;
    arena_init(&dns->arenas[0], ARENA_MOST);
    arena_init(&dns->arenas[1], ARENA_MOST);
    if (getrandom(&dns->seed, sizeof dns->seed, 0) != sizeof dns->seed)
        BUG("getrandom");
    return dns;
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    dns->is_closing = true;
    ub_ctx_delete(dns->ub); /* fails what it has under way: resolved() is called */
    for (size_t i = 0; i < SLOTS; i++)
        for (struct lookup *l = dns->slots[i]; l; l = l->next)
            if (!l->answer)
                settle_state(l, DNS_FAILED, DNS_INSECURE);
    while (dns->answered) /* also what is asked for in despair meanwhile */
        deliver(dns);
    loop_drop_task(dns->loop, &dns->deliver);
    arena_release(&dns->arenas[0]);
    arena_release(&dns->arenas[1]);
    free(dns);
}
