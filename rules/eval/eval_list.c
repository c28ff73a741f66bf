/* rules/eval/eval_list.c - WLBLEval and WelcomeListSubject: senders, recipients and subjects in lists of the rule
 * files.
 */
#include "gateway/mail/domain.h"
#include "rules/eval/eval_parts.h"
#include "rules/glob.h"
#include "rules/view/relays.h"
#include "rules/settings.h"
#include "rules/view/texts.h"

static const struct address_list *list_of(struct scanning *s, const char *name)
{
    return s->set->settings ? settings_addresses(s->set->settings, name) : NULL;
}

/* ---- all senders, all recipients ---- */

struct addresses {
    struct scanning *s;
    struct rule_lines *lines;
    size_t room;
};

static void put_address(struct addresses *out, struct span address)
{
    enum { ADDRESSES_MAX = 500 };

    if (address.len == 0 || out->lines->count == ADDRESSES_MAX)
        return;
    for (size_t i = 0; i < out->lines->count; i++)
        if (span_eq(out->lines->items[i], address))
            return;
    lines_add(out->s->q->arena, out->lines, &out->room, address);
}

/* "a@example..org" is taken for what it means. */
static struct span without_double_dots(struct scanning *s, struct span address)
{
    if (span_search(address, SPAN("..")) == SPAN_NPOS)
        return address;
    char *out = arena_alloc(s->q->arena, address.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < address.len; i++)
        if (address.ptr[i] != '.' || n == 0 || out[n - 1] != '.')
            out[n++] = address.ptr[i];
    return span_make(out, n);
}

static void put_field(struct addresses *out, const char *field)
{
    const struct rule_lines *all = eval_addresses(out->s, field);

    for (size_t i = 0; i < all->count; i++)
        put_address(out, without_double_dots(out->s, span_trim(all->items[i])));
}

const struct rule_lines *eval_senders(struct scanning *s)
{
    static const char *const fields[] = { "From", "Envelope-Sender", "Resent-Sender", "X-Envelope-From",
                                          "EnvelopeFrom" };
    struct eval_memo *memo = eval_memo(s);

    if (memo->senders)
        return memo->senders;
    struct addresses out = { .s = s, .lines = arena_alloc(s->q->arena, sizeof *out.lines) };
    put_field(&out, "Resent-From:first");
    for (size_t i = 0; out.lines->count == 0 && i < sizeof fields / sizeof *fields; i++) {
        for (; i < sizeof fields / sizeof *fields; i++)
            put_field(&out, fields[i]);
    }
    memo->senders = out.lines;
    return out.lines;
}

/* "for <b@example.net>;" in the newest Received fields. */
static void put_received(struct addresses *out)
{
    const struct rule_lines *all = scanning_values(out->s, "Received", HEADER_TEXT);

    for (size_t i = 0; i < all->count && i < 3; i++) {
        struct span to = eval_found(all->items[i], " for {?<}{s:a}>;", 'a');
        if (to.len == 0)
            to = eval_found(all->items[i], " for {s:a};", 'a');
        if (domain_is_fqdn(eval_behind_at(to)))
            put_address(out, to);
    }
}

static const struct rule_lines *recipients_of(struct scanning *s)
{
    static const char *const fields[] = { "To",
                                          "Apparently-To",
                                          "Delivered-To",
                                          "Envelope-Recipients",
                                          "Apparently-Resent-To",
                                          "X-Envelope-To",
                                          "Envelope-To",
                                          "X-Delivered-To",
                                          "X-Original-To",
                                          "X-Rcpt-To",
                                          "X-Real-To",
                                          "Cc" };
    struct eval_memo *memo = eval_memo(s);

    if (memo->recipients_all)
        return memo->recipients_all;
    struct addresses out = { .s = s, .lines = arena_alloc(s->q->arena, sizeof *out.lines) };
    for (size_t i = 0; i < s->q->session->recipient_count && i < 100; i++)
        put_address(&out, s->q->session->recipients[i].address.text);
    put_field(&out, "Resent-To:first");
    put_field(&out, "Resent-Cc:first");
    if (out.lines->count == s->q->session->recipient_count) {
        put_received(&out);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            put_field(&out, fields[i]);
    }
    memo->recipients_all = out.lines;
    return out.lines;
}

static unsigned any_in(const struct rule_lines *addresses, const struct address_list *list)
{
    for (size_t i = 0; list && i < addresses->count; i++)
        if (addresses_have(list, addresses->items[i]))
            return 1;
    return 0;
}

/* ---- plain lists ---- */

static unsigned from_in_list(struct scanning *s, const struct rule *rule)
{
    return any_in(eval_senders(s), list_of(s, eval_argument(rule, 0)));
}

static unsigned to_in_list(struct scanning *s, const struct rule *rule)
{
    return any_in(recipients_of(s), list_of(s, eval_argument(rule, 0)));
}

static unsigned reply_to_in_list(struct scanning *s, const struct rule *rule)
{
    const struct address_list *list = list_of(s, eval_argument(rule, 0));
    struct span address = eval_address(s, "Reply-To");

    return list && address.len && addresses_have(list, address);
}

static unsigned from_in_blocklist(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return any_in(eval_senders(s), list_of(s, "blocklist_from"));
}

static unsigned to_in_blocklist(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return any_in(recipients_of(s), list_of(s, "blocklist_to"));
}

static unsigned to_in_welcomelist(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return any_in(recipients_of(s), list_of(s, "welcomelist_to"));
}

static unsigned to_in_more_spam(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return any_in(recipients_of(s), list_of(s, "more_spam_to"));
}

static unsigned to_in_all_spam(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return any_in(recipients_of(s), list_of(s, "all_spam_to"));
}

/* ---- senders that only some relays may send for ---- */

/* "[192.0.2.0/24]", "[192.0.2.1]", "[192.0.2]"; else the end of the relay's name. */
static bool relay_is(struct scanning *s, const struct relay *r, const char *wanted)
{
    struct span text = span_of(wanted);
    struct addr_net net;

    if (!span_starts(text, SPAN("["))) {
        char before = r->rdns.len > text.len ? r->rdns.ptr[r->rdns.len - text.len - 1] : '.';
        return r->rdns.len && span_iends(r->rdns, text) && before == '.';
    }
    size_t end = span_find(text, ']');
    if (end == SPAN_NPOS)
        return false;
    struct span inner = span_make(text.ptr + 1, end - 1), bits = span_skip(text, end + 1);
    struct span plain = span_of(arena_printf(s->q->arena, "%.*s%.*s", SPAN_ARG(inner), SPAN_ARG(bits)));
    if (addr_net_parse(plain, &net) == 0)
        return r->address.family != ADDR_NONE && addr_in(&r->address, &net);
    struct span prefix = plain;
    while (prefix.len && prefix.ptr[prefix.len - 1] == '.')
        prefix.len--;
    return span_starts(r->ip, prefix) && r->ip.len > prefix.len && r->ip.ptr[prefix.len] == '.';
}

/* Of the relays that hand over to us: the first that is not trusted; when all are, any. */
static bool any_relay_is(struct scanning *s, const struct relays *r, const char *wanted)
{
    size_t from = r->trusted < r->count ? r->trusted : 0, to = r->trusted < r->count ? r->trusted + 1 : r->count;

    for (size_t i = from; i < to; i++)
        if (relay_is(s, &r->items[i], wanted))
            return true;
    return false;
}

enum standing { STANDING_NONE, STANDING_LISTED, STANDING_FORGED };

static enum standing standing_of(struct scanning *s, const char *list, struct span address)
{
    const struct relays *relays = relays_of(s);
    const struct address_pattern *p;
    bool is_forged = false;

    if (relays->count == 0 || !list_of(s, list))
        return STANDING_NONE;
    for (size_t at = 0; (p = addresses_match(list_of(s, list), address, &at));)
        for (size_t i = 0; i < p->value_count; i++) {
            if (any_relay_is(s, relays, p->values[i]))
                return STANDING_LISTED;
            is_forged = true;
        }
    const struct address_list *others = list_of(s, "welcomelist_allows_relays");
    return is_forged && !(others && addresses_have(others, address)) ? STANDING_FORGED : STANDING_NONE;
}

static enum standing senders_in(struct scanning *s, const char *plain, const char *by_relay)
{
    const struct rule_lines *all = eval_senders(s);
    enum standing standing = STANDING_NONE;

    for (size_t i = 0; i < all->count; i++) {
        if (plain && list_of(s, plain) && addresses_have(list_of(s, plain), all->items[i]))
            return STANDING_LISTED;
        enum standing one = standing_of(s, by_relay, all->items[i]);
        if (one == STANDING_LISTED)
            return one;
        standing = one == STANDING_FORGED ? one : standing;
    }
    return standing;
}

static enum standing in_welcomelist(struct scanning *s)
{
    return senders_in(s, "welcomelist_from", "welcomelist_from_rcvd");
}

static enum standing in_default(struct scanning *s)
{
    return senders_in(s, NULL, "def_welcomelist_from_rcvd");
}

static unsigned from_welcome(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return in_welcomelist(s) == STANDING_LISTED;
}

static unsigned from_default(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return in_default(s) == STANDING_LISTED;
}

static unsigned forged_welcome(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return in_welcomelist(s) == STANDING_FORGED && in_default(s) == STANDING_NONE;
}

static unsigned forged_default(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return in_default(s) == STANDING_FORGED && in_welcomelist(s) == STANDING_NONE;
}

/* The envelope's sender is of the domain that the mail comes from. */
static unsigned mailfrom_matches(struct scanning *s, const struct rule *rule)
{
    struct span domain = eval_behind_at(eval_address(s, "EnvelopeFrom"));
    const struct relays *r = relays_of(s);
    size_t from = r->trusted < r->count ? r->trusted : 0, to = r->trusted < r->count ? r->trusted + 1 : r->count;

    (void)rule;
    if (span_find(domain, '.') == SPAN_NPOS)
        return 0;
    for (size_t i = from; i < to; i++)
        if (r->items[i].rdns.len && span_eq(eval_domain(s, r->items[i].rdns), eval_domain(s, domain)))
            return 1;
    return 0;
}

/* ---- subjects ---- */

/* A pattern stands anywhere in the subject. */
static unsigned subject_in(struct scanning *s, const char *const *patterns, size_t count)
{
    struct span subject = eval_lower(s, span_trim(eval_text(s, "Subject")));

    for (size_t i = 0; subject.len && i < count; i++) {
        struct span lower = eval_lower(s, span_of(patterns[i]));
        if (glob_matches(span_of(arena_printf(s->q->arena, "*%.*s*", SPAN_ARG(lower))), subject))
            return 1;
    }
    return 0;
}

static unsigned subject_welcome(struct scanning *s, const struct rule *rule)
{
    const struct ruleset_settings *set = s->set->settings;

    (void)rule;
    return set ? subject_in(s, set->subject_welcomelist, set->subject_welcomelist_count) : 0;
}

static unsigned subject_blocked(struct scanning *s, const struct rule *rule)
{
    const struct ruleset_settings *set = s->set->settings;

    (void)rule;
    return set ? subject_in(s, set->subject_blocklist, set->subject_blocklist_count) : 0;
}

#define WLBL    SA_PLUGIN("WLBLEval")
#define SUBJECT SA_PLUGIN("WelcomeListSubject")

const struct eval_function eval_list_functions[] = {
    { "check_from_in_list", WLBL, from_in_list, 1, 1 },
    { "check_replyto_in_list", WLBL, reply_to_in_list, 1, 1 },
    { "check_to_in_list", WLBL, to_in_list, 1, 1 },
    { "check_from_in_blocklist", WLBL, from_in_blocklist, 0, 0 },
    { "check_from_in_blacklist", WLBL, from_in_blocklist, 0, 0 },
    { "check_to_in_blocklist", WLBL, to_in_blocklist, 0, 0 },
    { "check_to_in_blacklist", WLBL, to_in_blocklist, 0, 0 },
    { "check_to_in_welcomelist", WLBL, to_in_welcomelist, 0, 0 },
    { "check_to_in_whitelist", WLBL, to_in_welcomelist, 0, 0 },
    { "check_to_in_more_spam", WLBL, to_in_more_spam, 0, 0 },
    { "check_to_in_all_spam", WLBL, to_in_all_spam, 0, 0 },
    { "check_from_in_welcomelist", WLBL, from_welcome, 0, 0 },
    { "check_from_in_whitelist", WLBL, from_welcome, 0, 0 },
    { "check_from_in_default_welcomelist", WLBL, from_default, 0, 0 },
    { "check_from_in_default_whitelist", WLBL, from_default, 0, 0 },
    { "check_forged_in_welcomelist", WLBL, forged_welcome, 0, 0 },
    { "check_forged_in_whitelist", WLBL, forged_welcome, 0, 0 },
    { "check_forged_in_default_welcomelist", WLBL, forged_default, 0, 0 },
    { "check_forged_in_default_whitelist", WLBL, forged_default, 0, 0 },
    { "check_mailfrom_matches_rcvd", WLBL, mailfrom_matches, 0, 0 },
    { "check_subject_in_welcomelist", SUBJECT, subject_welcome, 0, 0 },
    { "check_subject_in_whitelist", SUBJECT, subject_welcome, 0, 0 },
    { "check_subject_in_blocklist", SUBJECT, subject_blocked, 0, 0 },
    { "check_subject_in_blacklist", SUBJECT, subject_blocked, 0, 0 },
    { 0 },
};
