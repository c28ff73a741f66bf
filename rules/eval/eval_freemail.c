/* rules/eval/eval_freemail.c - FreeMail: addresses at services where everybody gets one, as senders, for answers, in
 * the text.
 */
#include "rules/eval/eval_parts.h"
#include "rules/glob.h"
#include "rules/settings.h"

enum { BODY_EMAILS_MAX = 40, USER_MAX = 64 };

/* Addresses of free services in the body. */
struct eval_emails {
    bool are_too_many; /* a list of addresses: nothing can be said of it */
    struct span items[BODY_EMAILS_MAX];
    size_t count;
};

/* ---- is an address one of a free service ---- */

static bool is_hex(struct span s, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        if (i >= s.len || !(ascii_is_digit(s.ptr[i]) || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return true;
}

/* Names that no person has: the services' own, and what programs make up. */
static bool is_nobody(struct span user)
{
    static const char *const names[] = { "abuse",   "support", "sales",      "info",       "helpdesk",
                                         "contact", "kontakt", "postmaster", "hostmaster", "domainmaster" };
    size_t equal = span_find(user, '=');

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(user, names[i]))
            return true;
    if (span_starts(user, SPAN("undisclosed")) || span_is(user, "bounce-") || span_is(user, "bounced-"))
        return true;
    if (span_starts(user, SPAN("request-")) && user.len == 24 && is_hex(user, 8, 16))
        return true;
    if (is_hex(user, 0, 8) && ((user.len == 17 && user.ptr[8] == '.' && is_hex(user, 9, 8)) ||
                               (user.len == 36 && user.ptr[8] == '-' && is_hex(user, 9, 4) && is_hex(user, 24, 12))))
        return true;
    if (equal == SPAN_NPOS || equal == 0)
        return false;
    struct span rest = span_skip(user, equal + 2);
    size_t second = span_find(rest, '=');
    return second != SPAN_NPOS && second + 1 < rest.len;
}

/* A domain with * and ?, where * stands for no dot. */
static bool is_wild(const char *pattern, struct span domain)
{
    struct span rest = span_of(pattern), label;

    while (span_cut(&rest, '.', &label)) {
        char one[256];
        size_t dot = span_find(domain, '.');
        struct span here = dot == SPAN_NPOS ? domain : span_first(domain, dot);

        if (span_copy(label, one, sizeof one) != 0 || !glob_matches(span_of(one), here) ||
            (dot == SPAN_NPOS) != !rest.ptr)
            return false;
        domain = dot == SPAN_NPOS ? SPAN("") : span_skip(domain, dot + 1);
    }
    return true;
}

static bool has(const struct ruleset_settings *settings, const char *list, struct span word)
{
    const struct words *words = settings_words(settings, list);

    return words && words_have(words, word, NULL);
}

/* `address` in lower case. */
static bool is_free(struct scanning *s, struct span address)
{
    const struct ruleset_settings *settings = s->set->settings;
    struct span domain = eval_behind_at(address);

    if (!settings || domain.len == 0 || domain.len + 1 >= address.len)
        return false;
    if (has(settings, "freemail_welcomelist", address) || has(settings, "freemail_welcomelist", domain) ||
        is_nobody(span_first(address, address.len - domain.len - 1)))
        return false;
    if (settings->freemail_import_welcomelist_auth &&
        addresses_have(settings_addresses(settings, "welcomelist_auth"), address))
        return false;
    if (settings->freemail_import_def_welcomelist_auth &&
        addresses_have(settings_addresses(settings, "def_welcomelist_auth"), address))
        return false;
    if (has(settings, "freemail_domains", domain))
        return true;
    for (size_t i = 0; i < settings->freemail_wildcard_count; i++)
        if (is_wild(settings->freemail_wildcards[i], domain))
            return true;
    return false;
}

/* ---- addresses in text ---- */

static bool is_user_byte(char c)
{
    return ascii_is_alnum(c) || (c && strchr("!#$%&'*+/=?^_`{|}~-", c));
}

/* Where the name before the @ begins; `at` itself when there is none. Dots stand between its parts. */
static size_t user_start(struct span text, size_t at)
{
    size_t from = at;

    while (from > 0 && at - from < USER_MAX && (is_user_byte(text.ptr[from - 1]) || text.ptr[from - 1] == '.'))
        from--;
    if (from > 0 && is_user_byte(text.ptr[from - 1]))
        return at;
    while (from < at && text.ptr[from] == '.')
        from++;
    if (from < at && text.ptr[at - 1] == '.')
        return at;
    for (size_t i = at; i > from + 1; i--)
        if (text.ptr[i - 1] == '.' && text.ptr[i - 2] == '.')
            return i < at ? i : at;
    return from;
}

/* Behind the @: labels, the last of them a top level domain. Returns where it ends; `from` when it is none. */
static size_t domain_end(struct scanning *s, struct span text, size_t from)
{
    size_t end = from;

    while (end < text.len && end - from < 255 &&
           (ascii_is_alnum(text.ptr[end]) || text.ptr[end] == '-' || text.ptr[end] == '.'))
        end++;
    while (end > from && (text.ptr[end - 1] == '.' || text.ptr[end - 1] == '-'))
        end--;
    struct span domain = span_make(text.ptr + from, end - from);
    size_t labels = 1;
    for (size_t i = 0; i < domain.len; i++)
        labels += domain.ptr[i] == '.';
    return labels > 1 && labels <= 5 && eval_is_host(s, domain) ? end : from;
}

/* "name@host wrote:": who is quoted, not who writes. */
static bool is_quoted(struct span rest)
{
    static const char *const kinds[] = { "fax", "facsi", "tel", "phone", "email", "e-mail", "mail" };
    size_t blanks = 0, letters = 0;

    while (blanks < rest.len && (rest.ptr[blanks] == ' ' || rest.ptr[blanks] == '\n' || rest.ptr[blanks] == '\t'))
        blanks++;
    if (blanks == 0 || blanks > 10)
        return false;
    rest = span_skip(rest, blanks);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (span_istarts(rest, span_of(kinds[i])))
            return false;
    while (letters < rest.len && ascii_is_alpha(rest.ptr[letters]))
        letters++;
    return letters >= 2 && letters <= 11 && letters < rest.len && rest.ptr[letters] == ':';
}

/* In a web address with an @ inside. */
static bool is_in_url(struct span text, size_t at)
{
    size_t from = at;

    while (from > 0 && at - from < 300 && text.ptr[from - 1] > ' ')
        from--;
    struct span word = span_make(text.ptr + from, at - from);
    return span_isearch(word, SPAN("http://")) != SPAN_NPOS || span_isearch(word, SPAN("https://")) != SPAN_NPOS;
}

static void put_email(struct scanning *s, struct eval_emails *all, struct span address)
{
    address = eval_lower(s, address);
    for (size_t i = 0; i < all->count; i++)
        if (span_eq(all->items[i], address))
            return;
    if (all->count < BODY_EMAILS_MAX)
        all->items[all->count++] = address;
}

static void find_emails(struct scanning *s, struct eval_emails *all, struct span text)
{
    size_t behind = 0; /* of the address before */

    for (size_t at = 0; at < text.len; at++) {
        size_t next = span_find(span_skip(text, at), '@');
        if (next == SPAN_NPOS)
            return;
        at += next;
        size_t from = user_start(text, at), end = domain_end(s, text, at + 1);
        if (from == at || end == at + 1 || from < behind || is_in_url(text, from))
            continue;
        behind = end;
        bool is_mailto = from >= 7 && span_istarts(span_make(text.ptr + from - 7, 7), SPAN("mailto:"));
        bool is_framed = end < text.len && text.ptr[end] == '>';
        if (is_mailto || (!is_framed && !is_quoted(span_skip(text, end))))
            put_email(s, all, span_make(text.ptr + from, end - from));
    }
}

/* Targets of links, that the text does not show. */
static void find_links(struct scanning *s, struct eval_emails *all)
{
    const struct content_text *text;

    for (size_t at = 0; (text = eval_html_next(s, &at));)
        for (size_t i = 0; i < text->html->link_count; i++) {
            struct span target = text->html->links[i].target;
            if (text->html->links[i].kind == HTML_A && span_istarts(target, SPAN("mailto:"))) {
                target = span_skip(target, 7);
                size_t sign = span_find(target, '@');
                size_t end = sign == SPAN_NPOS ? 0 : domain_end(s, target, sign + 1);
                if (sign != SPAN_NPOS && user_start(target, sign) == 0 && sign > 0 && end > sign + 1)
                    put_email(s, all, span_first(target, end));
            }
        }
}

static const struct eval_emails *emails_of(struct scanning *s)
{
    struct eval_memo *memo = eval_memo(s);
    const struct ruleset_settings *settings = s->set->settings;

    if (memo->emails)
        return memo->emails;
    struct eval_emails *all = arena_alloc(s->q->arena, sizeof *all);
    memo->emails = all;
    if (!settings)
        return all;
    find_links(s, all);
    for (size_t i = 0; i < s->body.count && all->count < BODY_EMAILS_MAX; i++)
        find_emails(s, all, s->body.items[i]);
    size_t free = 0, found = all->count;
    for (size_t i = 0; i < found; i++)
        if (is_free(s, all->items[i]))
            all->items[free++] = all->items[i];
    all->count = free;
    all->are_too_many =
        settings->freemail_skip_when_over_max &&
        ((settings->freemail_max_body_emails > 0 && found >= (size_t)settings->freemail_max_body_emails) ||
         (settings->freemail_max_body_freemails > 0 && free >= (size_t)settings->freemail_max_body_freemails));
    return all;
}

/* ---- the functions ---- */

static bool fits(struct scanning *s, const struct rule *rule, size_t pattern, struct span address)
{
    return is_free(s, address) && (!eval_argument(rule, pattern) || eval_matches(s, rule, pattern, address));
}

static unsigned in_header(struct scanning *s, const struct rule *rule)
{
    const struct rule_lines *all = eval_addresses(s, eval_argument(rule, 0));

    for (size_t i = 0; i < all->count; i++)
        if (fits(s, rule, 1, eval_lower(s, span_trim(all->items[i]))))
            return 1;
    return 0;
}

static unsigned in_from(struct scanning *s, const struct rule *rule)
{
    const struct rule_lines *all = eval_senders(s);

    for (size_t i = 0; i < all->count; i++)
        if (fits(s, rule, 0, eval_lower(s, all->items[i])))
            return 1;
    return 0;
}

static unsigned in_body(struct scanning *s, const struct rule *rule)
{
    const struct eval_emails *all = emails_of(s);

    for (size_t i = 0; i < all->count && !all->are_too_many; i++)
        if (!eval_argument(rule, 0) || eval_matches(s, rule, 0, all->items[i]))
            return 1;
    return 0;
}

/* Lists, bounces and what wants no reply write from such addresses. */
static bool is_bulk(struct span sender)
{
    static const char *const starts[] = { "sentto-",  "owner-",    "return-",    "returns-",     "bounce-",
                                          "bounced-", "grbounce-", "grbounced-", "double-bounce" };
    static const char *const ends[] = { "-request", "-bounce", "-bounces", "-admin", "-owner" };
    static const char *const names[] = { "postmaster", "hostmaster", "domainmaster" };
    static const char *const parts[] = { "noreply",   "no-reply",   "no_reply",     "no.reply",
                                         "noreplies", "donotreply", "do-not-reply", "do_not_reply" };
    size_t at = span_rfind(sender, '@');
    struct span user = at == SPAN_NPOS ? SPAN("") : span_first(sender, at);
    size_t equal = span_find(user, '=');

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_istarts(user, span_of(starts[i])))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (span_iends(user, span_of(ends[i])))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_iis(user, names[i]))
            return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (span_iends(user, span_of(parts[i])))
            return true;
    return equal != SPAN_NPOS && equal > 0 && equal + 1 < user.len;
}

static bool any_free(struct scanning *s, const struct rule_lines *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (is_free(s, eval_lower(s, span_trim(all->items[i]))))
            return true;
    return false;
}

static bool have_common(const struct rule_lines *a, const struct rule_lines *b)
{
    for (size_t i = 0; i < a->count && i < 100; i++)
        for (size_t k = 0; k < b->count && k < 100; k++)
            if (span_ieq(span_trim(a->items[i]), span_trim(b->items[k])))
                return true;
    return false;
}

static bool body_has_other(struct scanning *s, const struct rule_lines *answers)
{
    const struct eval_emails *body = emails_of(s);

    for (size_t i = 0; i < body->count && !body->are_too_many; i++)
        for (size_t k = 0; k < answers->count; k++)
            if (!span_ieq(body->items[i], span_trim(answers->items[k])))
                return true;
    return false;
}

/* Answers go to another free address than the mail comes from, or than the text gives. */
static unsigned in_reply_to(struct scanning *s, const struct rule *rule)
{
    const struct ruleset_settings *settings = s->set->settings;
    const char *what = eval_argument(rule, 0);
    bool is_any = what && strcmp(what, "reply") == 0;

    if (!settings || (settings->freemail_skip_bulk_envfrom && is_bulk(eval_address(s, "EnvelopeFrom"))))
        return 0;
    const struct rule_lines *from = eval_addresses(s, "From"), *answers = eval_addresses(s, "Reply-To");
    bool from_is_free = any_free(s, from), answer_is_free = any_free(s, answers);
    if (from_is_free && answer_is_free && !have_common(from, answers))
        return 1;
    if (!answer_is_free && (!is_any || answers->count || !from_is_free))
        return 0;
    return body_has_other(s, answer_is_free ? answers : from);
}

#define FREEMAIL SA_PLUGIN("FreeMail")

const struct eval_function eval_freemail_functions[] = {
    { "check_freemail_header", FREEMAIL, in_header, 1, 2 },
    { "check_freemail_from", FREEMAIL, in_from, 0, 1 },
    { "check_freemail_body", FREEMAIL, in_body, 0, 1 },
    { "check_freemail_replyto", FREEMAIL, in_reply_to, 0, 1 },
    { 0 },
};
