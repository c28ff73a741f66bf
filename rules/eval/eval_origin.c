/* rules/eval/eval_origin.c - eval functions that ask whether a message comes from the mail service that it names: big
 * services leave the same marks in the fields of all their mail.
 */
#include "rules/eval/eval_parts.h"
#include "rules/view/relays.h"
#include "rules/shape.h"

enum { ALL_STEPS = 500000 };

/* All Received fields on one line. */
static struct span received_of(struct scanning *s)
{
    return eval_one_line(s, eval_text(s, "Received"));
}

static bool any_received(struct scanning *s, const char *shape)
{
    const struct rule_lines *all = scanning_values(s, "Received", HEADER_TEXT);
    struct shape_run run = { .steps = ALL_STEPS }; /* for all of them together: there may be thousands */

    for (size_t i = 0; i < all->count; i++) {
        run.text = all->items[i];
        if (shape_has(&run, shape))
            return true;
    }
    return false;
}

static unsigned fake_aol_relay(struct scanning *s, const struct rule *rule)
{
    struct span received = received_of(s);

    (void)rule;
    for (size_t at; (at = span_isearch(received, SPAN(" rly-"))) != SPAN_NPOS;) {
        received = span_skip(received, at + 5);
        if (received.len < 5 || !ascii_is_alpha(received.ptr[0]) || !ascii_is_alpha(received.ptr[1]) ||
            !ascii_is_digit(received.ptr[2]) || !ascii_is_digit(received.ptr[3]) || received.ptr[4] != '.')
            continue;
        struct span all = received_of(s);
        return !eval_has(all, "/AOL-{d}.{d}.{d})") && !eval_has(all, "ESMTP id {RELAY|MAILRELAY|MAILIN}");
    }
    return 0;
}

/* ezmlm and MSN's groups take Received fields out: what they should say is not known. */
static bool is_without_received(struct scanning *s)
{
    struct span received = eval_text(s, "Received");

    if (eval_has(eval_text(s, "Mailing-List"), "contact {s}@{s}; run by ezmlm") &&
        eval_has(eval_text(s, "Delivered-To"), "mailing list {s}@{s}") &&
        (eval_has(received, "qmail {d} invoked from network); {d} {s} {d}") ||
         eval_has(received, "qmail {d} invoked by {p}); {d} {s} {d}")))
        return true;
    return received.len == 0 || eval_has(received, "from groups.msn.com ({s}.msn.com ");
}

static unsigned without_received(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return is_without_received(s);
}

static bool is_from_msn_groups(struct scanning *s)
{
    struct span list = eval_found(eval_text(s, "To"), "<{s:l}@groups.msn.com>", 'l');
    struct span server =
        eval_found(eval_text(s, "Received"), "from mail pickup service by {s:s}.groups.msn.com{b}", 's');
    struct span id = eval_text(s, "Message-Id");

    if (list.len == 0 || server.len == 0)
        return false;
    if (span_is(list, "notifications"))
        return eval_starts(id, arena_printf(s->q->arena, "<{s}@%.*s.groups.msn.com", SPAN_ARG(server)));
    return span_starts(span_skip(id, 1), list) && eval_has(span_skip(id, 1 + list.len), "@groups.msn.com>") &&
           eval_is_under(eval_address(s, "EnvelopeFrom"), "groups.msn.com");
}

static unsigned msn_groups(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return is_from_msn_groups(s);
}

/* ---- Hotmail ---- */

static bool is_hotmails_own(struct scanning *s, struct span received)
{
    struct span organization = eval_text(s, "X-OriginatorOrg");
    bool has_ip = eval_has_ip(eval_text(s, "X-Originating-Ip"));
    bool has_organization = span_search(organization, SPAN("hotmail.com")) != SPAN_NPOS ||
                            span_search(organization, SPAN("msonline-outlook")) != SPAN_NPOS;

    return (has_ip && (eval_has(received, "from {S}hotmail.com ({s}.hotmail{?.msn}.com{ |)}") ||
                       eval_has(received, "from {S}.hotmail.com ([{i}]{ |)|:}") ||
                       eval_has(received, "from {s} by {s}.hotmail{?.msn}.com with HTTP;") ||
                       eval_has(received, "from [66.218{s}] by {s}.yahoo.com"))) ||
           (has_organization &&
            (eval_has(received, "from {S}.outbound.protection.outlook.com ({s}.outbound.protection.outlook.com{ |)}") ||
             eval_has(received, "from {S}.{eur|nam}prd{d}.prod.outlook.com ({i})")));
}

enum hotmail { HOTMAIL_FINE, HOTMAIL_FORGED, HOTMAIL_UNSEEN };

static enum hotmail hotmail_of(struct scanning *s)
{
    struct span received = received_of(s);

    if (eval_has(received, "from mail pickup service by hotmail.com with Microsoft SMTPSVC;") ||
        is_from_msn_groups(s) || is_without_received(s) || is_hotmails_own(s, received))
        return HOTMAIL_FINE;
    if (eval_has(received, "from {S}hotmail.com{b}") || eval_has(received, "HELO {S}hotmail.com{b}") ||
        eval_has(received, "helo={S}hotmail.com{b}"))
        return HOTMAIL_FORGED;
    return eval_is_under(eval_address(s, "From"), "hotmail.com") ? HOTMAIL_UNSEEN : HOTMAIL_FINE;
}

static unsigned forged_hotmail(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return hotmail_of(s) == HOTMAIL_FORGED;
}

static unsigned no_hotmail(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return hotmail_of(s) == HOTMAIL_UNSEEN;
}

/* ---- others ---- */

static unsigned forged_eudoramail(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    if (!eval_is_under(eval_address(s, "From"), "eudoramail.com") || is_without_received(s))
        return 0;
    return !(eval_has_ip(eval_text(s, "X-Sender-Ip")) && eval_has(received_of(s), "by {S}whowhere.com;"));
}

static bool is_yahoo_relay(const struct relay *r)
{
    return r->rdns.len > strlen(".yahoo.com") && span_ends(r->rdns, SPAN(".yahoo.com"));
}

static bool came_by_yahoo(struct scanning *s)
{
    const struct relays *relays = relays_of(s);

    for (size_t i = 0; i < relays->trusted; i++)
        if (is_yahoo_relay(&relays->items[i]))
            return true;
    return relays->trusted < relays->count && is_yahoo_relay(&relays->items[relays->trusted]);
}

static unsigned forged_yahoo(struct scanning *s, const struct rule *rule)
{
    static const char *const shapes[] = {
        "by web{s}.mail{S}.yahoo.com via HTTP",
        "by sonic{s}.consmr.mail{S}.yahoo.com with HTTP",
        "by smtp{s}.yahoo.com with SMTP",
        "from [{i}] by {s}.{groups|scd|dcn}.yahoo.com with NNFMP",
        "by {w}.{w}.yahoo.com ({d}.{d}.{d}/{d}.{d}.{d}){? with ESMTP} id {w}",
    };
    struct span from = eval_address(s, "From"), received = eval_text(s, "Received");

    (void)rule;
    if (!eval_is_under(from, "yahoo.com") || is_without_received(s) || came_by_yahoo(s))
        return 0;
    if (eval_text(s, "Resent-From").len && eval_text(s, "Resent-To").len && eval_text(s, "X-Received").len)
        received = eval_text(s, "X-Received");
    received = eval_one_line(s, received);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (eval_has(received, shapes[i]))
            return 0;
    return !(eval_has(received, "{b}mailer{d}.bulk.scd.yahoo.com{b}") && span_iends(from, SPAN("@reply.yahoo.com")));
}

static unsigned forged_juno(struct scanning *s, const struct rule *rule)
{
    struct span mailer = eval_text(s, "X-Mailer"), origin = eval_text(s, "X-Originating-IP");

    (void)rule;
    if (!eval_is_under(eval_address(s, "From"), "juno.com") || is_without_received(s))
        return 0;
    if (origin.len) {
        bool is_juno = any_received(s, "from{a}{b}{juno|untd}.com{a}{[|(}{i}{]|)}{a}by") ||
                       any_received(s, " cookie.{juno|untd}.com ");
        return !is_juno || span_search(mailer, SPAN("Juno ")) == SPAN_NPOS;
    }
    return 1; /* without that field neither of the other forms is complete */
}

static unsigned forged_gmail(struct scanning *s, const struct rule *rule)
{
    enum { LEAST = 60 };
    struct span again = eval_text(s, "X-Received");

    (void)rule;
    if (!eval_is_under(eval_address(s, "From"), "gmail.com"))
        return 0;
    if (eval_has(again, "by 10.{s} with SMTP id {s}") || eval_has(again, "by 2002:a{d}:{w}:{s} with SMTP id {s}") ||
        eval_has(eval_text(s, "Received"), "by smtp.googlemail.com with ESMTPSA id {s}"))
        return 0;
    return !(eval_text(s, "X-Gm-Message-State").len >= LEAST && eval_text(s, "X-Google-Smtp-Source").len >= LEAST);
}

static unsigned forged_gw05(struct scanning *s, const struct rule *rule)
{
    const struct rule_lines *all = scanning_values(s, "Received", HEADER_TEXT);

    (void)rule;
    if (all->count < 2)
        return 0;
    struct span last = span_trim(all->items[all->count - 1]);
    struct span by = eval_found(last, "from {s} by {s:b} with ESMTP; {s}, {d} {s} {d} {d}:{d}:{d} {s}{$}", 'b');
    return by.len && span_find(by, '.') == SPAN_NPOS;
}

static unsigned id_not_usable(struct scanning *s, const struct rule *rule)
{
    struct span unsubscribe = span_trim(eval_text(s, "List-Unsubscribe")), received = eval_text(s, "Received");

    (void)rule;
    return eval_has_any_case(unsubscribe, "<mailto:leave-{s}@{s}>{$}") ||
           eval_has_any_case(unsubscribe, "<mailto:{s}-unsubscribe@{s}>{$}") || is_without_received(s) ||
           span_search(received, SPAN("/CWT/DCE)")) != SPAN_NPOS ||
           span_search(received, SPAN("iPlanet Messaging Server")) != SPAN_NPOS;
}

static unsigned never(struct scanning *s, const struct rule *rule)
{
    (void)s;
    (void)rule;
    return 0;
}

#define HEADER SA_PLUGIN("HeaderEval")

const struct eval_function eval_origin_functions[] = {
    { "check_for_fake_aol_relay_in_rcvd", HEADER, fake_aol_relay, 0, 0 },
    { "check_for_forged_hotmail_received_headers", HEADER, forged_hotmail, 0, 0 },
    { "check_for_no_hotmail_received_headers", HEADER, no_hotmail, 0, 0 },
    { "check_for_msn_groups_headers", HEADER, msn_groups, 0, 0 },
    { "check_for_forged_eudoramail_received_headers", HEADER, forged_eudoramail, 0, 0 },
    { "check_for_forged_yahoo_received_headers", HEADER, forged_yahoo, 0, 0 },
    { "check_for_forged_juno_received_headers", HEADER, forged_juno, 0, 0 },
    { "check_for_forged_gmail_received_headers", HEADER, forged_gmail, 0, 0 },
    { "check_for_forged_gw05_received_headers", HEADER, forged_gw05, 0, 0 },
    { "gated_through_received_hdr_remover", HEADER, without_received, 0, 0 },
    { "check_messageid_not_usable", HEADER, id_not_usable, 0, 0 },
    { "check_for_unique_subject_id", HEADER, never, 0, 0 },
    { 0 },
};
