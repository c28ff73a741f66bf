/* mail/address.c - mail addresses of the envelope [RFC5321 4.1.2].
 *
 * Strict, but where real mail is not: local parts with dots where none may be (mobile carriers gave them out), local
 * parts longer than 64 bytes (VERP, SRS), underscores in domains. UTF-8 is taken everywhere [RFC6531 3.3]; is_utf8 lets
 * the door refuse it where SMTPUTF8 was not asked for.
 *
 * Memory: addresses point into the text given. Threads: any.
 */
#include "gateway/mail/address.h"

#include "gateway/base/addr.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/domain.h"

/* atext [RFC5322 3.2.3] and the bytes of UTF-8. */
static bool is_atext(char c)
{
    return ascii_is_alnum(c) || (unsigned char)c > 0x7f || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_printable(char c)
{
    return (unsigned char)c >= ' ' && c != 0x7f;
}

/* Quoted-string [RFC5321 4.1.2]: its length with both quotes, 0 when it is none. */
static size_t quoted_length(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i + 1;
        if (s.ptr[i] == '\\')
            i++;
        if (i < s.len && !is_printable(s.ptr[i]))
            return 0;
    }
    return 0;
}

static size_t local_length(struct span s)
{
    size_t n = 0;

    if (s.len && s.ptr[0] == '"')
        return quoted_length(s);
    while (n < s.len && (is_atext(s.ptr[n]) || s.ptr[n] == '.'))
        n++;
    return n;
}

/* A literal [RFC5321 4.1.3]: its length with both brackets, 0 when it is none. No tag but IPv6 was ever registered. */
static size_t literal_length(struct span s)
{
    size_t end = span_find(s, ']');
    struct addr addr;

    if (end == SPAN_NPOS || end < 2)
        return 0;
    struct span inside = span_make(s.ptr + 1, end - 1);
    bool is_tagged = span_istarts(inside, SPAN("IPv6:"));

    if (is_tagged)
        inside = span_skip(inside, 5);
    bool has_colon = span_find(inside, ':') != SPAN_NPOS;

    return is_tagged == has_colon && !addr_parse(inside, &addr) ? end + 1 : 0;
}

static enum fault take_domain(struct span *rest, struct span *domain)
{
    char normal[DOMAIN_MAX];
    size_t n = 0;

    if (rest->len && rest->ptr[0] == '[') {
        n = literal_length(*rest);
        if (n == 0)
            return FAULT_SYNTAX;
    } else {
        while (n < rest->len && (is_atext(rest->ptr[n]) || rest->ptr[n] == '.'))
            n++;
        enum fault fault = domain_normal(span_first(*rest, n), normal);

        if (fault)
            return fault;
        if (rest->ptr[n - 1] == '.')
            return FAULT_SYNTAX;
    }
    *domain = span_first(*rest, n);
    *rest = span_skip(*rest, n);
    return FAULT_NONE;
}

/* Local-part "@" domain, off the front of *rest. */
static enum fault take_mailbox(struct span *rest, struct address *out)
{
    struct address found = { 0 };
    size_t n = local_length(*rest);

    if (n == 0 || !utf8_is_valid(span_first(*rest, n)))
        return FAULT_SYNTAX;
    found.local = span_first(*rest, n);
    struct span after = span_skip(*rest, n);

    if (after.len == 0 || after.ptr[0] != '@')
        return FAULT_SYNTAX;
    after = span_skip(after, 1);
    enum fault fault = take_domain(&after, &found.domain);

    if (fault)
        return fault;
    found.text = span_first(*rest, n + 1 + found.domain.len);
    if (found.text.len > ADDRESS_MAX || found.domain.len > ADDRESS_DOMAIN_MAX)
        return FAULT_TOO_LONG;
    found.is_utf8 = !ascii_is_all(found.text);
    *rest = after;
    *out = found;
    return FAULT_NONE;
}

/* A-d-l ":" [RFC5321 4.1.1.3]: must be taken, should be ignored. */
static enum fault skip_route(struct span *rest)
{
    struct span domain;

    while (rest->len && rest->ptr[0] == '@') {
        *rest = span_skip(*rest, 1);
        enum fault fault = take_domain(rest, &domain);

        if (fault)
            return fault;
        bool is_last = rest->len && rest->ptr[0] == ':';

        if (!is_last && !(rest->len && rest->ptr[0] == ','))
            return FAULT_SYNTAX;
        *rest = span_skip(*rest, 1);
        if (is_last)
            return FAULT_NONE;
    }
    return FAULT_SYNTAX;
}

enum fault address_path(struct span *rest, bool may_be_null, struct address *out)
{
    struct span after = *rest;
    struct address found = { .text = span_make("", 0) };
    enum fault fault = FAULT_NONE;

    if (after.len < 2 || after.ptr[0] != '<')
        return FAULT_SYNTAX;
    after = span_skip(after, 1);
    if (after.ptr[0] == '>') {
        if (!may_be_null)
            return FAULT_SYNTAX;
    } else if (span_istarts(after, SPAN("postmaster>"))) {
        found.text = found.local = span_first(after, strlen("postmaster"));
        after = span_skip(after, found.text.len);
    } else {
        if (after.ptr[0] == '@')
            fault = skip_route(&after);
        if (!fault)
            fault = take_mailbox(&after, &found);
        if (fault)
            return fault;
    }
    if (after.len == 0 || after.ptr[0] != '>')
        return FAULT_SYNTAX;
    *rest = span_skip(after, 1);
    *out = found;
    return FAULT_NONE;
}

enum fault address_parse(struct span text, struct address *out)
{
    struct address found;
    enum fault fault = take_mailbox(&text, &found);

    if (fault)
        return fault;
    if (text.len)
        return FAULT_SYNTAX;
    *out = found;
    return FAULT_NONE;
}

struct address address_copy(struct arena *a, const struct address *from)
{
    struct address to = *from;
    struct span text = arena_copy(a, from->text);

    to.text = text;
    to.local = span_make(text.ptr + (from->local.ptr - from->text.ptr), from->local.len);
    if (from->domain.len)
        to.domain = span_make(text.ptr + (from->domain.ptr - from->text.ptr), from->domain.len);
    return to;
}

bool address_eq(const struct address *a, const struct address *b)
{
    return span_eq(a->local, b->local) && span_ieq(a->domain, b->domain);
}
