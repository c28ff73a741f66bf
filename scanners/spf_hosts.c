/* scanners/spf_hosts.c - mx, ptr and %{p}: terms that go by the names of hosts [RFC7208 5.4, 5.5, 7.3]. */
#include "scanners/spf_eval.h"

#include <stdio.h>

#include "gateway/mail/domain.h"

enum dns_type spf_address_type(const struct spf_eval *e)
{
    return e->values.client.family == ADDR_IP6 ? DNS_AAAA : DNS_A;
}

bool spf_prefix_is_same(const struct addr *a, const struct addr *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool spf_addresses_match(const struct spf_eval *e, const struct dns_answer *answer, unsigned bits4, unsigned bits6)
{
    const struct addr *client = &e->values.client;
    unsigned bits = client->family == ADDR_IP6 ? bits6 : bits4;

    for (uint32_t i = 0; i < answer->count; i++) {
        const struct addr *ip = &answer->records[i].ip;

        if (ip->family == client->family && spf_prefix_is_same(ip, client, bits))
            return true;
    }
    return false;
}

const char *spf_reverse_name(const struct addr *client, char out[DNS_NAME_MAX])
{
    char reversed[ADDR_REVERSED_MAX];

    snprintf(out, DNS_NAME_MAX, "%s.%s.arpa", addr_reversed(client, reversed),
             client->family == ADDR_IP6 ? "ip6" : "in-addr");
    return out;
}

/* Names in answers bear \DDD for bytes that no host name has; names that we ask for stand for themselves. */
bool spf_host(struct span name, char out[DNS_NAME_MAX])
{
    size_t len = 0;

    if (name.len == 0)
        return false; /* a null MX [RFC7505] */
    for (size_t i = 0; i < name.len; i++) {
        uint64_t byte = (unsigned char)name.ptr[i];

        if (byte == '\\') {
            if (i + 3 >= name.len || span_u64(span_make(name.ptr + i + 1, 3), 0x7e, &byte) || byte <= ' ' ||
                byte == '.' || byte == '\\')
                return false;
            i += 3;
        }
        if (len + 1 >= DNS_NAME_MAX)
            return false;
        out[len++] = (char)byte;
    }
    out[len] = '\0';
    return true;
}

enum spf_flow spf_match_mx(struct spf_eval *e, struct spf_term *term, const char *name)
{
    const struct dns_answer *mx = spf_ask(e, term, name), *failed = NULL;
    enum spf_flow flow = spf_answer(e, mx);
    bool is_waiting = false;

    if (flow != SPF_MATCH)
        return flow;
    if (mx->count > SPF_HOSTS_MOST) /* [RFC7208 4.6.4] */
        return spf_fault(e, SPF_PERMERROR, "%s has more than %d mail exchangers", name, SPF_HOSTS_MOST);
    for (uint32_t i = 0; i < mx->count; i++) {
        char host[DNS_NAME_MAX];
        const struct dns_answer *a;

        if (!spf_host(mx->records[i].name, host))
            continue;
        a = ask_dns(e->q, host, spf_address_type(e));
        if (!a)
            is_waiting = true;
        else if (a->state == DNS_OK && spf_addresses_match(e, a, term->bits4, term->bits6))
            return SPF_MATCH;
        else if (a->state != DNS_OK && a->state != DNS_NODATA && a->state != DNS_NXDOMAIN)
            failed = a;
    }
    if (is_waiting)
        return SPF_WAIT;
    return failed ? spf_answer(e, failed) : SPF_NO_MATCH;
}

/* host_is_validated - one of the host's addresses is the client's. */
static enum spf_flow host_is_validated(struct spf_eval *e, const char *host)
{
    const struct dns_answer *a = ask_dns(e->q, host, spf_address_type(e));

    if (!a)
        return SPF_WAIT;
    return a->state == DNS_OK && spf_addresses_match(e, a, 32, 128) ? SPF_MATCH : SPF_NO_MATCH;
}

enum spf_flow spf_match_ptr(struct spf_eval *e, struct spf_term *term, const char *target)
{
    char host[DNS_NAME_MAX];
    const struct dns_answer *ptr = spf_ask(e, term, target);
    enum spf_flow result = SPF_NO_MATCH;

    if (ptr && ptr->state != DNS_OK && ptr->state != DNS_NODATA && ptr->state != DNS_NXDOMAIN)
        return SPF_NO_MATCH; /* not an error of the domain's [RFC7208 5.5] */
    enum spf_flow flow = spf_answer(e, ptr);

    if (flow != SPF_MATCH)
        return flow;
    for (uint32_t i = 0; i < ptr->count && i < SPF_HOSTS_MOST; i++) {
        if (!spf_host(ptr->records[i].name, host) || !domain_is_under(host, target))
            continue;
        flow = host_is_validated(e, host);
        if (flow == SPF_MATCH)
            return flow;
        if (flow == SPF_WAIT)
            result = SPF_WAIT;
    }
    return result;
}

/* Whether a host is one that %{p} prefers: the domain itself, then what is under it, then any. */
static bool is_of_rank(const char *host, const char *domain, int rank)
{
    bool is_under = domain_is_under(host, domain);
    bool is_same = is_under && strlen(host) == strlen(domain);

    return rank == 0 ? is_same : rank == 1 ? is_under && !is_same : !is_under;
}

static enum spf_flow validated_of_rank(struct spf_eval *e, const struct dns_answer *ptr, const char *domain, int rank,
                                       struct span *out)
{
    enum spf_flow result = SPF_NO_MATCH;
    char host[DNS_NAME_MAX];

    for (uint32_t i = 0; i < ptr->count && i < SPF_HOSTS_MOST; i++) {
        if (!spf_host(ptr->records[i].name, host) || !is_of_rank(host, domain, rank))
            continue;
        enum spf_flow flow = host_is_validated(e, host);

        if (flow == SPF_MATCH && result == SPF_NO_MATCH) {
            *out = arena_copy(e->scratch, span_of(host));
            return SPF_MATCH;
        }
        if (flow == SPF_WAIT)
            result = SPF_WAIT; /* the first in the DNS' order it shall be; go on asking for the others */
    }
    return result;
}

enum spf_flow spf_validated(struct spf_eval *e, const char *domain, struct span *out)
{
    char name[DNS_NAME_MAX];
    const struct dns_answer *ptr = ask_dns(e->q, spf_reverse_name(&e->values.client, name), DNS_PTR);
    bool is_waiting = false;

    if (!ptr)
        return SPF_WAIT;
    *out = SPAN("unknown");
    for (int rank = 0; rank < 3 && ptr->state == DNS_OK; rank++) {
        enum spf_flow flow = validated_of_rank(e, ptr, domain, rank, out);

        if (flow == SPF_MATCH && !is_waiting)
            return SPF_MATCH;
        if (flow != SPF_NO_MATCH)
            is_waiting = true;
    }
    return is_waiting ? SPF_WAIT : SPF_MATCH;
}
