/* rules/eval/eval_subject.c - eval functions over senders, recipients and subjects.
 */
#include <stdlib.h>

#include "rules/eval/eval_parts.h"

enum { RECIPIENTS_MAX = 256, RECIPIENTS_SORTED_LEAST = 7, RECIPIENTS_SIMILAR_LEAST = 5, ALIKE_BYTES = 2 };

struct eval_recipients {
    bool are_sorted;
    double similarity; /* 0 to 2: pairs that begin alike, in name and in host */
};

/* ---- who the mail is for ---- */

static size_t add_addresses(struct scanning *s, const char *field, struct span *out, size_t count)
{
    const struct rule_lines *all = eval_addresses(s, field);

    for (size_t i = 0; i < all->count && count < RECIPIENTS_MAX; i++) {
        struct span one = span_trim(all->items[i]);
        if (one.len && (count == 0 || !span_ieq(one, out[count - 1])))
            out[count++] = one;
    }
    return count;
}

static int in_order(struct span a, struct span b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool begin_alike(struct span a, struct span b)
{
    return span_eq(span_first(a, ALIKE_BYTES), span_first(b, ALIKE_BYTES));
}

static double similarity_of(const struct span *all, size_t count)
{
    size_t hits = 0, pairs = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++, pairs++) {
            struct span a = eval_behind_at(all[i]), b = eval_behind_at(all[k]);
            hits += begin_alike(all[i], all[k]);
            hits += begin_alike(a, b) && !span_eq(a, b);
        }
    return pairs ? (double)hits / (double)pairs : 0;
}

static const struct eval_recipients *recipients_of(struct scanning *s)
{
    struct eval_memo *memo = eval_memo(s);

    if (memo->recipients)
        return memo->recipients;
    struct eval_recipients *r = arena_alloc(s->q->arena, sizeof *r);
    struct span *all = arena_alloc(s->q->arena, RECIPIENTS_MAX * sizeof *all);
    size_t n = add_addresses(s, "ToCc", all, 0);

    if (eval_addresses(s, "ToCc")->count < RECIPIENTS_SIMILAR_LEAST)
        n = add_addresses(s, "Bcc", all, n);
    r->are_sorted = n >= RECIPIENTS_SORTED_LEAST;
    for (size_t i = 1; i < n && r->are_sorted; i++)
        r->are_sorted = in_order(all[i - 1], all[i]) <= 0;
    if (n >= RECIPIENTS_SIMILAR_LEAST)
        r->similarity = similarity_of(all, n);
    memo->recipients = r;
    return r;
}

static unsigned sorted_recipients(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return recipients_of(s)->are_sorted;
}

static unsigned similar_recipients(struct scanning *s, const struct rule *rule)
{
    double similarity = recipients_of(s)->similarity;

    return (eval_is_unset(rule, 0) || similarity >= eval_number(rule, 0, 0)) &&
           (eval_is_unset(rule, 1) || similarity < eval_number(rule, 1, 0));
}

/* ---- subjects ---- */

/* Without "Re:" and its like in other languages. */
static struct span without_replies(struct span subject)
{
    static const char *const words[] = { "Re", "Fwd", "Fw", "Aw", "Antwort", "WG", "SV", "VB", "VS", "VL" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (span_istarts(subject, span_of(words[i])) && subject.len > n && subject.ptr[n] == ':') {
            subject = span_trim(span_skip(subject, n + 1));
            i = (size_t)-1;
        }
    }
    return subject;
}

/* A charset between "=?" and "?" whose encoded form is full of capitals. */
static bool has_capital_charset(struct span raw)
{
    for (size_t at; (at = span_search(raw, SPAN("=?"))) != SPAN_NPOS;) {
        raw = span_skip(raw, at + 2);
        size_t end = span_find(raw, '?');
        if (end != SPAN_NPOS && eval_charset_has_capitals(span_first(raw, end)))
            return true;
    }
    return false;
}

static unsigned subject_all_caps(struct scanning *s, const struct rule *rule)
{
    struct span subject = without_replies(span_trim(eval_text(s, "Subject")));
    size_t capitals = 0;
    bool has_blank = false;

    (void)rule;
    if (subject.len < 10)
        return 0;
    for (size_t i = 0; i < subject.len; i++) {
        char c = subject.ptr[i];
        if (c >= 'a' && c <= 'z')
            return 0;
        capitals += c >= 'A' && c <= 'Z';
        has_blank |= c == ' ' || (c >= '\t' && c <= '\r');
    }
    return has_blank && capitals && !has_capital_charset(eval_raw_all(s, "Subject"));
}

/* Behind the name: a sign of address, and a blank or the end. */
static bool is_greeting(struct span rest)
{
    while (rest.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t'))
        rest = span_skip(rest, 1);
    return rest.len && strchr(",:;!?-", rest.ptr[0]) && (rest.len == 1 || rest.ptr[1] == ' ' || rest.ptr[1] == '\n');
}

static bool names_user(struct span subject, struct span user)
{
    struct span line = span_ends(subject, SPAN("\n")) ? span_first(subject, subject.len - 1) : subject;
    struct span rest = line, word;

    if (span_ieq(line, user) || (span_starts(line, user) && is_greeting(span_skip(line, user.len))))
        return true;
    if (span_starts(line, SPAN(","))) {
        rest = span_trim(span_skip(line, 1));
        return rest.len == user.len + 1 && span_istarts(rest, user) && strchr(",:;!?-", rest.ptr[user.len]);
    }
    if (!span_istarts(line, SPAN("re:")) && !span_istarts(line, SPAN("fw:")))
        return false;
    rest = span_trim(span_skip(line, 3));
    if (span_ieq(rest, user))
        return true;
    return span_word(&rest, &word) && span_ieq(span_trim(rest), user);
}

static unsigned to_in_subject(struct scanning *s, const struct rule *rule)
{
    struct span to = eval_address(s, "To"), subject = eval_text(s, "Subject");
    const char *what = eval_argument(rule, 0);

    if (to.len == 0)
        return 0;
    if (strcmp(what, "address") == 0) {
        size_t at = span_search(eval_lower(s, subject), eval_lower(s, to));

        return at != SPAN_NPOS && (at == 0 || !ascii_is_alnum(subject.ptr[at - 1])) &&
               (at + to.len == subject.len || !ascii_is_alnum(subject.ptr[at + to.len]));
    }
    if (strcmp(what, "user") != 0)
        return 0;
    size_t at = span_find(to, '@');
    return names_user(subject, at == SPAN_NPOS ? to : span_first(to, at));
}

/* Where the last ?= begins; 0: there is none. */
static size_t last_end(struct span raw)
{
    size_t at = raw.len;

    while (at > 1 && !(raw.ptr[at - 2] == '?' && raw.ptr[at - 1] == '='))
        at--;
    return at > 1 ? at - 2 : 0;
}

static unsigned faraway_charset(struct scanning *s, const struct rule *rule)
{
    static const char *const fields[] = { "From", "Subject" };

    (void)rule;
    for (size_t i = 0; i < 2; i++) {
        struct span raw = eval_raw_all(s, fields[i]);
        const char *last = raw.ptr + last_end(raw);

        for (size_t at; (at = span_search(raw, SPAN("=?"))) != SPAN_NPOS;) {
            raw = span_skip(raw, at + 2);
            size_t end = span_find(raw, '?');
            if (end == SPAN_NPOS || end == 0 || raw.ptr + end > last)
                break;
            if (eval_charset_is_foreign(s, span_first(raw, end)))
                return 1;
        }
    }
    return 0;
}

/* ---- what a program for sending spam leaves ---- */

static bool may_have_percent(struct span name)
{
    static const char *const names[] = { "X-VMS-To",
                                         "X-UIDL",
                                         "X-Face",
                                         "To",
                                         "Cc",
                                         "From",
                                         "Subject",
                                         "References",
                                         "In-Reply-To",
                                         "Message-Id",
                                         "X-Message-Id",
                                         "Resent-Message-Id",
                                         "X-Original-Message-Id" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_iis(name, names[i]))
            return true;
    return false;
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* %NAME or %X-: a place that nobody has filled in. */
static bool has_place(struct span text)
{
    for (size_t at; (at = span_find(text, '%')) != SPAN_NPOS; text = span_skip(text, at + 1))
        if (at + 2 < text.len && is_capital(text.ptr[at + 1]) &&
            (is_capital(text.ptr[at + 2]) || text.ptr[at + 2] == '_' || text.ptr[at + 2] == '-'))
            return true;
    return false;
}

static unsigned unresolved_template(struct scanning *s, const struct rule *rule)
{
    const struct rule_lines *all = scanning_values(s, "ALL", HEADER_TEXT);

    (void)rule;
    for (size_t i = 0; i < all->count; i++) {
        size_t colon = span_find(all->items[i], ':');
        if (colon != SPAN_NPOS && has_place(all->items[i]) && !may_have_percent(span_first(all->items[i], colon)))
            return 1;
    }
    return 0;
}

static unsigned ratware_name_id(struct scanning *s, const struct rule *rule)
{
    enum { CAPITALS = 28 };
    struct span id = eval_text(s, "MESSAGEID"), from = eval_text(s, "From");

    (void)rule;
    for (size_t at; (at = span_find(id, '<')) != SPAN_NPOS;) {
        size_t n = 0;

        id = span_skip(id, at + 1);
        while (n < id.len && is_capital(id.ptr[n]))
            n++;
        size_t end = span_find(id, '>');
        if (n != CAPITALS || n + 2 > id.len || id.ptr[n] != '.' || end == SPAN_NPOS || end < n + 2)
            continue;
        struct span mark = span_make(id.ptr + n + 1, end - n - 1);
        size_t quote = span_rfind(from, '"');
        struct span behind = quote == SPAN_NPOS ? SPAN("") : span_trim(span_skip(from, quote + 1));
        return span_starts(behind, span_of(arena_printf(s->q->arena, "<%.*s>", SPAN_ARG(mark))));
    }
    return 0;
}

/* Our recipient's name and domain turned round in the sender's address: VERP by somebody who has no list. */
static unsigned ratware_envelope_from(struct scanning *s, const struct rule *rule)
{
    struct span to = eval_address(s, "To"), from = eval_address(s, "EnvelopeFrom");
    size_t at = span_find(to, '@');

    (void)rule;
    if (from.len == 0 || at == SPAN_NPOS || at == 0)
        return 0;
    if (span_istarts(from, SPAN("SRS")) && from.len > 4 && ascii_is_digit(from.ptr[3]) && strchr("=+-", from.ptr[4]))
        return 0;
    struct span user = span_first(to, at), domain = eval_domain(s, span_skip(to, at + 1));
    if (!eval_is_host(s, domain))
        return 0;
    for (size_t i = 0; i + domain.len + user.len + 1 < from.len; i++)
        if ((i == 0 || !ascii_is_alnum(from.ptr[i - 1])) && span_istarts(span_skip(from, i), domain) &&
            span_istarts(span_skip(from, i + domain.len + 1), user) &&
            span_starts(span_skip(from, i + domain.len + 1 + user.len), SPAN("@")))
            return 1;
    return 0;
}

/* ---- From and the envelope ---- */

static unsigned same_sender(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return span_ieq(eval_address(s, "EnvelopeFrom"), eval_address(s, "From"));
}

/* The last two labels behind the last @. */
static struct span two_labels(struct span address)
{
    struct span domain = eval_behind_at(address);
    size_t last = span_rfind(domain, '.');
    size_t before = last == SPAN_NPOS ? SPAN_NPOS : span_rfind(span_first(domain, last), '.');

    return before == SPAN_NPOS || before == 0 ? domain : span_skip(domain, before + 1);
}

static unsigned different_domains(struct scanning *s, const struct rule *rule)
{
    struct span from = two_labels(eval_address(s, "From")), envelope = two_labels(eval_address(s, "EnvelopeFrom"));

    (void)rule;
    return from.len && envelope.len && !span_ieq(from, envelope);
}

#define HEADER SA_PLUGIN("HeaderEval")

const struct eval_function eval_subject_functions[] = {
    { "sorted_recipients", HEADER, sorted_recipients, 0, 0 },
    { "similar_recipients", HEADER, similar_recipients, 2, 2 },
    { "subject_is_all_caps", HEADER, subject_all_caps, 0, 0 },
    { "check_for_to_in_subject", HEADER, to_in_subject, 1, 1 },
    { "check_for_faraway_charset_in_headers", HEADER, faraway_charset, 0, 0 },
    { "check_unresolved_template", HEADER, unresolved_template, 0, 0 },
    { "check_ratware_name_id", HEADER, ratware_name_id, 0, 0 },
    { "check_ratware_envelope_from", HEADER, ratware_envelope_from, 0, 0 },
    { "check_for_matching_env_and_hdr_from", HEADER, same_sender, 0, 0 },
    { "check_equal_from_domains", HEADER, different_domains, 0, 0 },
    { 0 },
};
