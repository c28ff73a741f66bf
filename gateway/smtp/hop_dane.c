/* smtp/hop_dane.c - what the DNS says of a next hop that is verified by DANE. */
#include "gateway/smtp/hop_dane.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"

enum { TTL_LEAST_S = 1, TTL_MOST_S = 3600 };

enum question { ASK_A, ASK_AAAA, ASK_TLSA, QUESTIONS };

struct asked {
    struct hop_dane *dane;
    struct dns_query *query; /* under way */
    const struct dns_answer *answer;
};

struct hop_dane {
    struct loop *loop;
    struct dns *dns;
    const struct hop_target *target;
    loop_fn *fn;
    void *arg;
    char tlsa_name[ENDPOINT_HOST_MAX + 32];
    struct asked asked[QUESTIONS];
    struct arena arenas[2]; /* of the answers: those that hold, and those that come */
    unsigned arena;         /* the latter */
    int64_t until_ms;
    struct addr addrs[HOP_DANE_ADDRESSES_MAX];
    size_t addr_count;
    struct tlsa tlsa[HOP_DANE_TLSA_MAX];
    size_t tlsa_count;
    char error[300];
};

/* ---- what the answers are worth ---- */

static const char *trouble_of(const struct dns_answer *answer)
{
    switch (answer->state) {
    case DNS_OK:
    case DNS_NODATA:
    case DNS_NXDOMAIN:
        return answer->security == DNS_SECURE ? "there are none" : "they are not signed, or dns.dnssec is off";
    case DNS_TIMEOUT: return "the name servers do not answer";
    default: return answer->security == DNS_BOGUS ? "their signature is wrong" : "the name servers fail";
    }
}

static bool is_good(const struct dns_answer *answer)
{
    return answer->state == DNS_OK && answer->security == DNS_SECURE;
}

static void note_ttl(const struct dns_answer *answer, uint32_t *ttl_s)
{
    if (answer->ttl_s < *ttl_s)
        *ttl_s = answer->ttl_s;
}

static void take_addresses(struct hop_dane *d, const struct dns_answer *answer, uint32_t *ttl_s)
{
    if (!is_good(answer))
        return;
    note_ttl(answer, ttl_s);
    for (uint32_t i = 0; i < answer->count && d->addr_count < HOP_DANE_ADDRESSES_MAX; i++)
        d->addrs[d->addr_count++] = answer->records[i].ip;
}

static void take_tlsa(struct hop_dane *d, const struct dns_answer *answer, uint32_t *ttl_s)
{
    if (!is_good(answer))
        return;
    note_ttl(answer, ttl_s);
    for (uint32_t i = 0; i < answer->count && d->tlsa_count < HOP_DANE_TLSA_MAX; i++)
        d->tlsa_count += !tlsa_parse(answer->records[i].data, &d->tlsa[d->tlsa_count]);
}

/* Of two address families the worse is told: one that does not exist says nothing of the other. */
static const struct dns_answer *worse(const struct dns_answer *a, const struct dns_answer *b)
{
    bool is_plain_no = a->state == DNS_NODATA && a->security == DNS_SECURE;

    return is_plain_no ? b : a;
}

static void explain(struct hop_dane *d)
{
    const struct dns_answer *tlsa = d->asked[ASK_TLSA].answer;
    const char *host = d->target->at.host;

    if (!d->addr_count)
        snprintf(d->error, sizeof d->error, "DANE: no secure address of %.100s: %s", host,
                 trouble_of(worse(d->asked[ASK_A].answer, d->asked[ASK_AAAA].answer)));
    else if (!is_good(tlsa))
        snprintf(d->error, sizeof d->error, "DANE: no secure TLSA records of %.150s: %s", d->tlsa_name,
                 trouble_of(tlsa));
    else if (!d->tlsa_count)
        snprintf(d->error, sizeof d->error, "DANE: no TLSA record of %.150s can be used: their usage must be 2 or 3",
                 d->tlsa_name);
}

static void conclude(struct hop_dane *d)
{
    uint32_t ttl_s = TTL_MOST_S;

    d->addr_count = d->tlsa_count = 0;
    d->until_ms = 0;
    d->error[0] = '\0';
    take_addresses(d, d->asked[ASK_AAAA].answer, &ttl_s);
    take_addresses(d, d->asked[ASK_A].answer, &ttl_s);
    take_tlsa(d, d->asked[ASK_TLSA].answer, &ttl_s);
    explain(d);
    if (!d->error[0])
        d->until_ms = loop_now_ms(d->loop) + 1000 * (int64_t)(ttl_s < TTL_LEAST_S ? TTL_LEAST_S : ttl_s);
    d->fn(d->arg);
}

/* ---- look-ups ---- */

static bool is_under_way(const struct hop_dane *d)
{
    for (size_t i = 0; i < QUESTIONS; i++)
        if (d->asked[i].query)
            return true;
    return false;
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct asked *asked = arg;

    asked->query = NULL;
    asked->answer = dns_answer_copy(&asked->dane->arenas[asked->dane->arena], answer);
    if (!is_under_way(asked->dane))
        conclude(asked->dane);
}

void hop_dane_start(struct hop_dane *d)
{
    const char *names[QUESTIONS] = { d->target->at.host, d->target->at.host, d->tlsa_name };
    static const enum dns_type types[QUESTIONS] = { DNS_A, DNS_AAAA, DNS_TLSA };

    if (is_under_way(d))
        return;
    d->arena ^= 1; /* handshakes that are under way have the records of before */
    arena_clear(&d->arenas[d->arena]);
    for (size_t i = 0; i < QUESTIONS; i++)
        d->asked[i].query = dns_ask(d->dns, names[i], types[i], 0, on_answer, &d->asked[i]);
}

struct hop_dane *hop_dane_new(struct loop *loop, struct dns *dns, const struct hop_target *target, loop_fn *fn,
                              void *arg)
{
    struct hop_dane *d = mem_alloc(sizeof *d);

    *d = (struct hop_dane){ .loop = loop, .dns = dns, .target = target, .fn = fn, .arg = arg };
    snprintf(d->tlsa_name, sizeof d->tlsa_name, "_%u._tcp.%s", target->at.port, target->at.host);
    arena_init(&d->arenas[0], SIZE_MAX);
    arena_init(&d->arenas[1], SIZE_MAX);
    for (size_t i = 0; i < QUESTIONS; i++)
        d->asked[i].dane = d;
    return d;
}

void hop_dane_free(struct hop_dane *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < QUESTIONS; i++)
        if (d->asked[i].query)
            dns_cancel(d->dns, d->asked[i].query);
    arena_release(&d->arenas[0]);
    arena_release(&d->arenas[1]);
    free(d);
}

bool hop_dane_is_fresh(const struct hop_dane *d)
{
    return d->until_ms && loop_now_ms(d->loop) < d->until_ms;
}

size_t hop_dane_count(const struct hop_dane *d)
{
    return d->addr_count;
}

const struct addr *hop_dane_addr(const struct hop_dane *d, size_t index)
{
    if (index >= d->addr_count)
        BUG("address %zu of %zu", index, d->addr_count);
    return &d->addrs[index];
}

struct tls_peer hop_dane_peer(const struct hop_dane *d)
{
    return (struct tls_peer){ .name = d->target->at.host, .tlsa = d->tlsa, .tlsa_count = d->tlsa_count };
}

const char *hop_dane_error(const struct hop_dane *d)
{
    return d->error;
}
