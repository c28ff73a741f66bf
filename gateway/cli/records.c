/* cli/records.c - the order of the records; and those that are a line of text: MTA-STS [RFC8461], TLS-RPT [RFC8460]. */
#include "gateway/cli/records.h"

#include <time.h>

#include "gateway/base/bug.h"

const char *record_state_text(enum record_state state)
{
    static const char *const texts[] = { "ok", "missing", "wrong", "unknown" };

    return texts[state];
}

const struct dns_answer *records_ask(struct records *r, const char *name, enum dns_type type)
{
    const struct dns_answer *answer = r->look(r->arg, name, type);

    r->has_trouble |= answer->state >= DNS_FAILED;
    return answer;
}

static const char *why_failed(const struct dns_answer *answer)
{
    if (answer->security == DNS_BOGUS)
        return "the answer does not pass DNSSEC";
    return answer->state == DNS_TIMEOUT ? "no answer in time" : "the look-up failed";
}

bool records_add(struct records *r, const char *record, const char *name, const struct dns_answer *answer,
                 struct record_item **out)
{
    struct record_item *item = &r->items[r->count];

    if (r->count++ == RECORDS_MOST)
        BUG("more than %d records", RECORDS_MOST);
    *item = (struct record_item){
        .record = record, .name = arena_printf(r->arena, "%s", name), .why = "", .found = "", .publish = ""
    };
    *out = item;
    if (answer->state >= DNS_FAILED) {
        item->state = RECORD_UNKNOWN;
        item->why = why_failed(answer);
        return false;
    }
    item->state = answer->state == DNS_OK ? RECORD_OK : RECORD_MISSING;
    return true;
}

void record_is_wrong(struct record_item *item, const char *why)
{
    item->state = RECORD_WRONG;
    item->why = why;
}

/* Printable: what is in the DNS is anybody's. */
static const char *shown(struct records *r, const char *before, struct span text)
{
    struct strbuf b;

    strbuf_init(&b, RECORDS_TEXT_MOST);
    strbuf_puts(&b, before);
    if (*before)
        strbuf_putc(&b, '\n');
    for (size_t i = 0; i < text.len; i++)
        strbuf_putc(&b, text.ptr[i] < ' ' || text.ptr[i] > '~' ? '?' : text.ptr[i]);
    const char *kept = arena_printf(r->arena, "%s", b.data);

    strbuf_release(&b);
    return kept;
}

size_t records_txt(struct records *r, const struct dns_answer *answer, bool (*is_one)(struct span text),
                   struct record_item *item, struct span *out)
{
    size_t n = 0;

    for (uint32_t i = 0; i < answer->count; i++) {
        if (!is_one(answer->records[i].data))
            continue;
        if (n++ == 0)
            *out = answer->records[i].data;
        item->found = shown(r, item->found, answer->records[i].data);
    }
    if (n == 0)
        item->state = RECORD_MISSING;
    else if (n > 1)
        record_is_wrong(item, "there may be one such record only");
    return n;
}

bool records_tag(struct span text, const char *tag, struct span *out)
{
    struct span part, name;

    while (span_cut(&text, ';', &part)) {
        span_cut(&part, '=', &name);
        if (part.ptr && span_is(span_trim(name), tag)) {
            *out = span_trim(part);
            return true;
        }
    }
    return false;
}

/* ---- MTA-STS ---- */

static bool is_version(struct span text, const char *version)
{
    struct span first, value;

    span_cut(&text, ';', &first);
    return records_tag(first, "v", &value) && span_is(value, version);
}

static bool is_sts(struct span text)
{
    return is_version(text, "STSv1");
}

static bool is_sts_id(struct span id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!ascii_is_alnum(id.ptr[i]))
            return false;
    return id.len >= 1 && id.len <= 32;
}

static const char *make_sts_id(struct records *r)
{
    time_t now = (time_t)(r->now_ms / 1000);
    struct tm tm;
    char text[40];

    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
    return arena_printf(r->arena, "%s", text);
}

/* Without TLS there is nothing to promise; and with a certificate that senders would refuse nothing to insist on. */
static const char *sts_mode(const struct records *r)
{
    return !r->certificate_count ? "none" : records_are_certified(r) ? "enforce" : "testing";
}

/* Our own name first, and the other mail hosts that the domain has now. */
static const char *make_sts_policy(struct records *r)
{
    const struct dns_answer *mx = records_ask(r, r->domain, DNS_MX);
    struct strbuf b;

    strbuf_init(&b, RECORDS_TEXT_MOST);
    strbuf_putf(&b, "version: STSv1\nmode: %s\nmx: %s\n", sts_mode(r), r->hostname);
    for (uint32_t i = 0; mx->state == DNS_OK && i < mx->count; i++)
        if (mx->records[i].name.len && !span_is(mx->records[i].name, r->hostname))
            strbuf_putf(&b, "mx: %.*s\n", SPAN_ARG(mx->records[i].name));
    strbuf_puts(&b, "max_age: 604800\n");
    const char *kept = arena_printf(r->arena, "%s", b.data);

    strbuf_release(&b);
    return kept;
}

static void check_policy_host(struct records *r, struct record_item *item)
{
    const char *host = arena_printf(r->arena, "mta-sts.%s", r->domain);
    const struct dns_answer *v4 = records_ask(r, host, DNS_A);
    const struct dns_answer *v6 = v4->state == DNS_OK ? v4 : records_ask(r, host, DNS_AAAA);

    if (v4->state == DNS_OK || v6->state == DNS_OK) {
        item->why = arena_printf(r->arena, "see that %s has the policy: it is not fetched", item->url);
        return;
    }
    if (v4->state >= DNS_FAILED || v6->state >= DNS_FAILED) {
        item->state = RECORD_UNKNOWN;
        item->why = arena_printf(r->arena, "%s, where the policy belongs, could not be looked up", host);
        return;
    }
    record_is_wrong(item, arena_printf(r->arena, "%s, where the policy belongs, has no address", host));
}

static void check_mta_sts(struct records *r)
{
    const char *name = arena_printf(r->arena, "_mta-sts.%s", r->domain);
    const struct dns_answer *answer = records_ask(r, name, DNS_TXT);
    struct record_item *item;
    struct span text, id;
    bool is_known = records_add(r, "MTA-STS", name, answer, &item);

    item->publish = arena_printf(r->arena, "%s. IN TXT \"v=STSv1; id=%s\"", name, make_sts_id(r));
    item->policy = make_sts_policy(r);
    item->url = arena_printf(r->arena, "https://mta-sts.%s/.well-known/mta-sts.txt", r->domain);
    if (!is_known || records_txt(r, answer, is_sts, item, &text) != 1)
        return;
    if (!records_tag(text, "id", &id) || !is_sts_id(id))
        record_is_wrong(item, "its id= is not 1 to 32 letters and digits");
    else
        check_policy_host(r, item);
}

/* ---- TLS-RPT ---- */

static bool is_tlsrpt(struct span text)
{
    return is_version(text, "TLSRPTv1");
}

static bool are_addresses(struct span list)
{
    struct span one;

    while (span_cut(&list, ',', &one)) {
        one = span_trim(one);
        if (!(span_istarts(one, SPAN("mailto:")) && span_find(one, '@') != SPAN_NPOS) &&
            !(span_istarts(one, SPAN("https://")) && one.len > 8))
            return false;
    }
    return true;
}

static void check_tlsrpt(struct records *r)
{
    const char *name = arena_printf(r->arena, "_smtp._tls.%s", r->domain);
    const struct dns_answer *answer = records_ask(r, name, DNS_TXT);
    struct record_item *item;
    struct span text, rua;
    bool is_known = records_add(r, "TLS-RPT", name, answer, &item);

    item->publish = arena_printf(r->arena, "%s. IN TXT \"v=TLSRPTv1; rua=mailto:tls-reports@%s\"", name, r->domain);
    if (!is_known || records_txt(r, answer, is_tlsrpt, item, &text) != 1)
        return;
    if (!records_tag(text, "rua", &rua) || !are_addresses(rua))
        record_is_wrong(item, "its rua= is no list of mailto: and https: addresses");
}

/* ---- all of them ---- */

void records_check(struct records *r)
{
    records_check_mx(r);
    records_check_spf(r);
    records_check_dkim(r);
    records_check_dmarc(r);
    check_mta_sts(r);
    records_check_tlsa(r);
    check_tlsrpt(r);
}
