/* cli/records_auth.c - by what others believe mail of the domain: SPF, DKIM and DMARC; read by the parsers that judge
 * mail.
 */
#include "gateway/base/bug.h"
#include "gateway/cli/records.h"
#include "gateway/mail/domain.h"
#include "gateway/mail/keyrecord.h"
#include "scanners/dmarc_record.h"
#include "scanners/spf_eval.h"
#include "scanners/spf_record.h"

/* ---- SPF ---- */

enum { SPF_TERMS_SEEN_MOST = 40, SPF_DEPTH_MOST = 10 };

/* All that a receiver may have to look up, counted to the end, so that the owner sees by how much it is too much. */
struct spf_count {
    struct records *r;
    unsigned lookups;
    const char *wrong; /* NULL, or what is */
    bool is_unknown;
};

static void count_record(struct spf_count *c, const char *domain, struct span text, unsigned depth);

static void count_domain(struct spf_count *c, const char *domain, unsigned depth)
{
    const struct dns_answer *answer = records_ask(c->r, domain, DNS_TXT);
    const struct dns_record *one = NULL;
    size_t n = 0;

    c->is_unknown |= answer->state >= DNS_FAILED;
    if (answer->state >= DNS_FAILED)
        return;
    for (uint32_t i = 0; i < answer->count; i++)
        if (spf_record_is(answer->records[i].data) && n++ == 0)
            one = &answer->records[i];
    if (n != 1)
        c->wrong =
            arena_printf(c->r->arena, "it includes %s, which has %s SPF record", domain, n ? "more than one" : "no");
    else
        count_record(c, domain, one->data, depth);
}

static bool is_lookup(enum spf_kind kind)
{
    return kind == SPF_INCLUDE || kind == SPF_A || kind == SPF_MX || kind == SPF_PTR || kind == SPF_EXISTS ||
           kind == SPF_REDIRECT;
}

static void count_term(struct spf_count *c, const struct spf_term *term, unsigned depth)
{
    char name[DOMAIN_MAX];

    if (!is_lookup(term->kind) || c->wrong || c->lookups >= SPF_TERMS_SEEN_MOST)
        return;
    c->lookups++;
    if (term->kind != SPF_INCLUDE && term->kind != SPF_REDIRECT)
        return;
    if (term->has_macros || depth == SPF_DEPTH_MOST || domain_normal(term->domain, name))
        return;
    count_domain(c, name, depth + 1);
}

static bool has_all(const struct spf_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->terms[i].kind == SPF_ALL)
            return true;
    return false;
}

static void count_record(struct spf_count *c, const char *domain, struct span text, unsigned depth)
{
    struct spf_record record;
    struct span at = SPAN("");
    const char *fault = spf_record_parse(c->r->arena, text, &record, &at);

    if (fault) {
        c->wrong =
            arena_printf(c->r->arena, "%s%s%.*s: %s", depth ? domain : "", depth ? ": " : "", SPAN_ARG(at), fault);
        return;
    }
    for (size_t i = 0; i < record.count; i++)
        if (&record.terms[i] != record.redirect || !has_all(&record))
            count_term(c, &record.terms[i], depth);
}

static void judge_spf(struct records *r, struct span text, struct record_item *item)
{
    struct spf_count c = { .r = r };
    struct spf_record record;
    struct span at;

    count_record(&c, r->domain, text, 0);
    if (c.wrong) {
        record_is_wrong(item, c.wrong);
    } else if (c.lookups > SPF_LOOKUPS_MOST) {
        record_is_wrong(item,
                        arena_printf(r->arena, "%s%u look-ups; receivers stop at %d and refuse it",
                                     c.lookups == SPF_TERMS_SEEN_MOST ? "at least " : "", c.lookups, SPF_LOOKUPS_MOST));
    } else if (c.is_unknown) {
        item->state = RECORD_UNKNOWN;
        item->why = "a record that it includes could not be looked up";
    } else {
        item->why = arena_printf(r->arena, "%u of %d look-ups", c.lookups, SPF_LOOKUPS_MOST);
    }
    if (item->state != RECORD_OK || spf_record_parse(r->arena, text, &record, &at))
        return;
    for (size_t i = 0; i < record.count; i++)
        if (record.terms[i].kind == SPF_ALL && record.terms[i].qualifier == SPF_QUALIFIER_PASS)
            record_is_wrong(item, "+all lets everybody send in its name");
}

void records_check_spf(struct records *r)
{
    const struct dns_answer *answer = records_ask(r, r->domain, DNS_TXT);
    struct record_item *item;
    struct span text;

    if (records_add(r, "SPF", r->domain, answer, &item) && records_txt(r, answer, spf_record_is, item, &text) == 1)
        judge_spf(r, text, item);
    item->publish = arena_printf(r->arena, "%s. IN TXT \"v=spf1 mx -all\"", r->domain);
}

/* ---- DKIM ---- */

static bool is_any(struct span text)
{
    (void)text;
    return true;
}

static void judge_key(struct records *r, struct span text, struct record_item *item)
{
    struct key_record key;

    key_record_parse(text, &key);
    if (key.state != KEY_USABLE)
        record_is_wrong(item, key_state_text(key.state));
    else if (!key.allows_mail)
        record_is_wrong(item, "its s= does not allow mail");
    else if (key.is_testing)
        item->why = "t=y: receivers may take no notice of its signatures";
    else
        item->why = arena_printf(r->arena, "%s, %u bits%s", key.kind == KEY_RSA ? "RSA" : "Ed25519", key.bits,
                                 key.kind == KEY_RSA && key.bits < 2048 ? "; 2048 are better" : "");
    key_record_release(&key);
}

static void check_selector(struct records *r, const char *selector)
{
    const char *name = arena_printf(r->arena, "%s._domainkey.%s", selector, r->domain);
    const struct dns_answer *answer = records_ask(r, name, DNS_TXT);
    struct record_item *item;
    struct span text;

    if (records_add(r, "DKIM", name, answer, &item) && records_txt(r, answer, is_any, item, &text) == 1)
        judge_key(r, text, item);
    item->publish = arena_printf(r->arena, "%s. IN TXT \"v=DKIM1; k=rsa; p=<public key, base 64>\"", name);
}

void records_check_dkim(struct records *r)
{
    static const struct dns_answer nothing = { .state = DNS_NODATA };
    struct record_item *item;

    for (size_t i = 0; i < r->selector_count; i++)
        check_selector(r, r->selectors[i]);
    if (r->selector_count)
        return;
    records_add(r, "DKIM", arena_printf(r->arena, "<selector>._domainkey.%s", r->domain), &nothing, &item);
    item->state = RECORD_UNKNOWN;
    item->why = "the DNS does not tell selectors: name those that sign, with --selector";
}

/* ---- DMARC ---- */

static bool is_dmarc(struct span text)
{
    struct dmarc_record record;

    return dmarc_record_parse(text, &record);
}

static void judge_dmarc(struct records *r, struct span text, struct record_item *item)
{
    struct dmarc_record record;

    dmarc_record_parse(text, &record);
    if (record.has_bad_policy)
        record_is_wrong(item, "its p= or sp= is none of none, quarantine and reject");
    else if (record.policy == DMARC_NONE)
        item->why = "p=none: receivers only report";
    else
        item->why = arena_printf(r->arena, "p=%s%s", dmarc_policy_text(record.policy),
                                 record.is_testing ? ", in test (t=y): one level milder" : "");
}

/* A domain without one has that of its organizational domain [RFC9989 4.10]. */
static bool is_inherited(struct records *r, struct record_item *item)
{
    const char *org = domain_org_psl(r->domain);
    struct span text;

    if (!org || strcmp(org, r->domain) == 0)
        return false;
    const char *name = arena_printf(r->arena, "_dmarc.%s", org);
    const struct dns_answer *answer = records_ask(r, name, DNS_TXT);

    item->state = RECORD_OK;
    if (answer->state >= DNS_FAILED || records_txt(r, answer, is_dmarc, item, &text) != 1) {
        item->state = RECORD_MISSING;
        item->found = "";
        return false;
    }
    judge_dmarc(r, text, item);
    if (item->state == RECORD_OK)
        item->why = arena_printf(r->arena, "%s; from %s", item->why, name);
    return true;
}

void records_check_dmarc(struct records *r)
{
    const char *name = arena_printf(r->arena, "_dmarc.%s", r->domain);
    const struct dns_answer *answer = records_ask(r, name, DNS_TXT);
    struct record_item *item;
    struct span text;
    bool is_known = records_add(r, "DMARC", name, answer, &item);
    size_t n = is_known ? records_txt(r, answer, is_dmarc, item, &text) : 0;

    item->publish =
        arena_printf(r->arena, "%s. IN TXT \"v=DMARC1; p=none; rua=mailto:dmarc-reports@%s\"", name, r->domain);
    if (n == 1)
        judge_dmarc(r, text, item);
    else if (is_known && n == 0)
        is_inherited(r, item);
}
