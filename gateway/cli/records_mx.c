/* cli/records_mx.c - the MX records, and the mail host that they should name: its addresses, and their names. */
#include "gateway/base/bug.h"
#include "gateway/cli/records.h"

static const char *line(struct records *r, const char *before, const char *text)
{
    return *before ? arena_printf(r->arena, "%s\n%s", before, text) : text;
}

/* ---- MX [RFC5321 5.1] ---- */

static void judge_mx(struct records *r, const struct dns_answer *mx, struct record_item *item)
{
    const char *others = "";
    bool is_ours = false;

    for (uint32_t i = 0; i < mx->count; i++) {
        struct span host = mx->records[i].name;

        item->found =
            line(r, item->found, arena_printf(r->arena, "%u %.*s.", mx->records[i].preference, SPAN_ARG(host)));
        if (!host.len)
            record_is_wrong(item, "it says that the domain takes no mail [RFC 7505]");
        else if (span_is(host, r->hostname))
            is_ours = true;
        else
            others = arena_printf(r->arena, "%s%s%.*s", others, *others ? ", " : "", SPAN_ARG(host));
    }
    if (item->state == RECORD_OK && !is_ours)
        record_is_wrong(item, arena_printf(r->arena, "%s is not among them", r->hostname));
    else if (item->state == RECORD_OK && *others)
        item->why = arena_printf(r->arena, "mail that comes in over %s does not pass this gateway", others);
}

static void check_mx(struct records *r)
{
    const struct dns_answer *mx = records_ask(r, r->domain, DNS_MX);
    struct record_item *item;

    if (records_add(r, "MX", r->domain, mx, &item))
        judge_mx(r, mx, item);
    item->publish = arena_printf(r->arena, "%s. IN MX 10 %s.", r->domain, r->hostname);
}

/* ---- the host ---- */

static void show_addresses(struct records *r, const struct dns_answer *answer, struct record_item *item)
{
    char ip[ADDR_TEXT_MAX];

    for (uint32_t i = 0; answer->state == DNS_OK && i < answer->count; i++)
        item->found = line(r, item->found, arena_printf(r->arena, "%s", addr_text(&answer->records[i].ip, ip)));
}

static void check_addresses(struct records *r, const struct dns_answer *v4, const struct dns_answer *v6)
{
    const struct dns_answer *alias = records_ask(r, r->hostname, DNS_CNAME);
    const struct dns_answer *first = v4->state >= DNS_FAILED ? v4 : v6, *other = first == v4 ? v6 : v4;
    const struct dns_answer *better = other->state == DNS_OK ? other : first; /* who does not answer may have some */
    struct record_item *item;

    records_add(r, "address", r->hostname, better, &item);
    show_addresses(r, v4, item);
    show_addresses(r, v6, item);
    item->publish = arena_printf(r->arena, "%s. IN A <address of this host>", r->hostname);
    if (alias->state == DNS_OK)
        record_is_wrong(item, "it is an alias (CNAME), which no MX record may name [RFC 5321 5.1]");
}

static const char *reverse_name(struct records *r, const struct addr *ip)
{
    struct strbuf b;

    strbuf_init(&b, DNS_NAME_MAX);
    if (ip->family == ADDR_IP4)
        strbuf_putf(&b, "%u.%u.%u.%u.in-addr.arpa", ip->bytes[3], ip->bytes[2], ip->bytes[1], ip->bytes[0]);
    else
        for (size_t i = 16; i-- > 0;)
            strbuf_putf(&b, "%x.%x.%s", ip->bytes[i] & 15U, ip->bytes[i] >> 4U, i ? "" : "ip6.arpa");
    const char *name = arena_printf(r->arena, "%s", b.data);

    strbuf_release(&b);
    return name;
}

static void check_reverse(struct records *r, const struct addr *ip)
{
    const char *name = reverse_name(r, ip);
    const struct dns_answer *ptr = records_ask(r, name, DNS_PTR);
    struct record_item *item;
    bool is_ours = false;

    if (!records_add(r, "PTR", name, ptr, &item))
        return;
    for (uint32_t i = 0; i < ptr->count; i++) {
        item->found = line(r, item->found, arena_printf(r->arena, "%.*s.", SPAN_ARG(ptr->records[i].name)));
        is_ours |= span_is(ptr->records[i].name, r->hostname);
    }
    if (item->state == RECORD_OK && !is_ours)
        record_is_wrong(item, "the address has another name");
    item->publish = arena_printf(r->arena, "%s. IN PTR %s.", name, r->hostname);
}

void records_check_mx(struct records *r)
{
    const struct dns_answer *v4 = records_ask(r, r->hostname, DNS_A);
    const struct dns_answer *v6 = records_ask(r, r->hostname, DNS_AAAA);

    check_mx(r);
    check_addresses(r, v4, v6);
    for (uint32_t i = 0; v4->state == DNS_OK && i < v4->count && i < 8; i++)
        check_reverse(r, &v4->records[i].ip);
    for (uint32_t i = 0; v6->state == DNS_OK && i < v6->count && i < 8; i++)
        check_reverse(r, &v6->records[i].ip);
}
