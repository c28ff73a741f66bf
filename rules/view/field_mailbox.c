/* rules/view/field_mailbox.c - see field_mailbox.h. */
#include "rules/view/field_mailbox.h"

#include "gateway/mail/domain.h"

/* One mailbox as it was found; ptr NULL: not there. */
struct found {
    struct span phrase, framed, bare, comment;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_one_of(char c, const char *bytes)
{
    return c && strchr(bytes, c);
}

static size_t skip_blanks(struct span s, size_t at)
{
    while (at < s.len && is_blank(s.ptr[at]))
        at++;
    return at;
}

/* Behind the quoted string at `at`; SPAN_NPOS: it does not end, or is none. */
static size_t quoted_end(struct span s, size_t at)
{
    if (at >= s.len || s.ptr[at] != '"')
        return SPAN_NPOS;
    for (at++; at < s.len; at++) {
        if (s.ptr[at] == '"')
            return at + 1;
        if (s.ptr[at] == '\\')
            at++;
    }
    return SPAN_NPOS;
}

/* Behind the comment at `at`, that has no other inside; SPAN_NPOS. */
static size_t comment_end(struct span s, size_t at)
{
    if (at >= s.len || s.ptr[at] != '(')
        return SPAN_NPOS;
    for (at++; at < s.len && s.ptr[at] != '('; at++) {
        if (s.ptr[at] == ')')
            return at + 1;
        if (s.ptr[at] == '\\')
            at++;
    }
    return SPAN_NPOS;
}

/* Quoted strings and what else is in a name. */
static size_t phrase_end(struct span s, size_t at)
{
    while (at < s.len) {
        size_t end = quoted_end(s, at);

        if (end != SPAN_NPOS) {
            at = end;
            continue;
        }
        if (is_one_of(s.ptr[at], "\",;<"))
            break;
        while (at < s.len && !is_one_of(s.ptr[at], "\",;<"))
            at++;
    }
    return at;
}

/* local@domain at `at`; SPAN_NPOS: none. */
static size_t mail_end(struct span s, size_t at)
{
    size_t end = quoted_end(s, at);

    if (end == SPAN_NPOS || end >= s.len || s.ptr[end] != '@')
        for (end = at; end < s.len && !is_blank(s.ptr[end]) && !is_one_of(s.ptr[end], "@<>()[],:;");)
            end++;
    if (end == at || end >= s.len || s.ptr[end] != '@')
        return SPAN_NPOS;
    size_t from = ++end;
    if (end < s.len && s.ptr[end] == '[') {
        for (end++; end < s.len && (ascii_is_digit(s.ptr[end]) || is_one_of(s.ptr[end], ":."));)
            end++;
        return end < s.len && s.ptr[end] == ']' && end > from + 1 ? end + 1 : SPAN_NPOS;
    }
    while (end < s.len && !is_blank(s.ptr[end]) && !is_one_of(s.ptr[end], "\"<>()[],:;"))
        end++;
    return end > from ? end : SPAN_NPOS;
}

static bool is_mail(struct span s)
{
    return mail_end(s, 0) == s.len;
}

/* What stands between < (behind which `at` is) and >: up to the last > of its last word. Returns where the > is. */
static size_t frame_end(struct span s, size_t at)
{
    size_t sign = at;

    while (sign < s.len && s.ptr[sign] != '>' && s.ptr[sign] != '@')
        sign++;
    size_t end = sign, last = SPAN_NPOS;
    for (; end < s.len && !is_blank(s.ptr[end]); end++)
        if (s.ptr[end] == '>')
            last = end;
    size_t behind = skip_blanks(s, end);
    if (end > sign && behind < s.len && s.ptr[behind] == '>')
        return behind;
    return last;
}

/* "<<a@b>" and "<a@b> <a@b>": the frame once more. */
static size_t skip_frames(struct span s, size_t at)
{
    for (;;) {
        size_t open = skip_blanks(s, at);
        size_t end = open < s.len && s.ptr[open] == '<' ? frame_end(s, open + 1) : SPAN_NPOS;

        if (end == SPAN_NPOS)
            return at;
        at = end + 1;
    }
}

/* Behind a mailbox: perhaps a comment, then what parts it from the next. Returns behind that; SPAN_NPOS: there is
 * something else. */
static size_t rest_end(struct span s, size_t at, struct span *comment)
{
    size_t open = skip_blanks(s, at), end = comment_end(s, open);

    comment->ptr = NULL;
    if (end != SPAN_NPOS) {
        size_t behind = skip_blanks(s, end);
        if (behind == s.len || is_one_of(s.ptr[behind], ",;")) {
            *comment = span_make(s.ptr + open + 1, end - open - 2);
            at = end;
        }
    }
    at = skip_blanks(s, at);
    if (at == s.len)
        return at;
    return is_one_of(s.ptr[at], ",;") ? at + 1 : SPAN_NPOS;
}

/* "Name <a@b>". */
static size_t framed_end(struct span s, size_t at, struct found *out)
{
    size_t phrase = phrase_end(s, at), open = skip_blanks(s, phrase);

    if (open >= s.len || s.ptr[open] != '<')
        return SPAN_NPOS;
    size_t from = skip_blanks(s, open + 1), close = frame_end(s, from);
    if (close == SPAN_NPOS)
        return SPAN_NPOS;
    size_t end = close;
    while (end > from && is_blank(s.ptr[end - 1]))
        end--;
    *out = (struct found){ .framed = span_make(s.ptr + from, end - from) };
    if (phrase > at)
        out->phrase = span_make(s.ptr + at, phrase - at);
    return rest_end(s, skip_frames(s, close + 1), &out->comment);
}

static size_t bare_end(struct span s, size_t at, struct found *out)
{
    size_t end = mail_end(s, at);

    if (end == SPAN_NPOS)
        return SPAN_NPOS;
    *out = (struct found){ .bare = span_make(s.ptr + at, end - at) };
    return rest_end(s, end, &out->comment);
}

static size_t name_end(struct span s, size_t at, struct found *out)
{
    size_t end = phrase_end(s, at);

    if (end == at)
        return SPAN_NPOS;
    *out = (struct found){ .phrase = span_make(s.ptr + at, end - at) };
    return rest_end(s, end, &out->comment);
}

/* ---- what was found, as rules have it ---- */

/* Without quotes and escapes inside of them, without comments outside. */
static struct span plain_phrase(struct arena *a, struct span phrase)
{
    char *out = arena_alloc(a, phrase.len + 1);
    size_t n = 0;

    for (size_t at = 0; at < phrase.len;) {
        size_t end = quoted_end(phrase, at);

        if (end != SPAN_NPOS) {
            for (size_t i = at + 1; i + 1 < end; i++)
                if (phrase.ptr[i] != '\\')
                    out[n++] = phrase.ptr[i];
            at = end;
        } else if ((end = comment_end(phrase, at)) != SPAN_NPOS) {
            at = end;
        } else {
            if (phrase.ptr[at] != '"')
                out[n++] = phrase.ptr[at];
            at++;
        }
    }
    return span_make(out, n);
}

static struct span without_comments(struct arena *a, struct span text)
{
    if (span_find(text, '(') == SPAN_NPOS)
        return text;
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (size_t at = 0; at < text.len;) {
        size_t end = comment_end(text, at);
        if (end != SPAN_NPOS)
            at = end;
        else
            out[n++] = text.ptr[at++];
    }
    return span_make(out, n);
}

static bool is_valid(struct span address)
{
    size_t quotes = 0;

    for (size_t i = 0; i < address.len; i++)
        quotes += address.ptr[i] == '"';
    return quotes != 1 && !span_starts(address, SPAN("\"\"@"));
}

/* Up to the second @. */
static struct span one_address(struct span text)
{
    size_t at = span_find(text, '@');
    size_t second = at == SPAN_NPOS ? SPAN_NPOS : span_find(span_skip(text, at + 1), '@');

    return second == SPAN_NPOS ? text : span_first(text, at + 1 + second);
}

static void put(struct arena *a, struct field_mailboxes *all, const struct field_mailbox *one)
{
    if (all->count == FIELD_MAILBOXES_MAX)
        return;
    if (all->count == all->room) {
        all->room = all->room ? all->room * 2 : 8;
        all->items = arena_grow(a, all->items, all->count, all->room, sizeof *all->items);
    }
    all->items[all->count++] = *one;
}

static void put_found(struct arena *a, struct field_mailboxes *all, const struct found *f)
{
    struct field_mailbox one = { 0 };

    if (f->framed.ptr) {
        one.address = without_comments(a, f->framed);
        one.has_address = is_mail(one.address) && is_valid(one.address);
    } else if (f->bare.ptr) {
        one.address = f->bare;
        one.has_address = is_valid(f->bare);
    }
    if (f->phrase.ptr) {
        one.name = plain_phrase(a, f->phrase);
        size_t at = span_find(one.name, '@');
        if (!one.has_address && at != SPAN_NPOS && is_mail(one.name) && is_valid(one.name) &&
            domain_is_fqdn(span_skip(one.name, at + 1))) {
            one.address = one.name;
            one.has_address = true;
        } else {
            one.has_name = one.name.len && !(one.has_address && span_eq(one.name, one.address));
        }
    }
    if (!one.has_name && f->comment.ptr) {
        one.name = f->comment;
        one.has_name = true;
    }
    one.address = one.has_address ? one_address(one.address) : SPAN("");
    put(a, all, &one);
}

/* Addresses in <> in what could not be taken apart. */
static void put_rest(struct arena *a, struct field_mailboxes *all, struct span s)
{
    for (size_t at = 0; at < s.len; at++) {
        size_t open = span_find(span_skip(s, at), '<');

        if (open == SPAN_NPOS)
            return;
        at += open;
        size_t end = mail_end(s, at + 1);
        struct span address = end == SPAN_NPOS ? SPAN("") : span_make(s.ptr + at + 1, end - at - 1);
        if (address.len && end < s.len && s.ptr[end] == '>' && is_valid(address)) {
            struct field_mailbox one = { .has_address = true, .address = one_address(address) };
            put(a, all, &one);
            at = end;
        }
    }
}

/* "Group: a, b;" is its members. */
static struct span without_group(struct span s)
{
    size_t n = 0, colon = SPAN_NPOS;

    for (; n < s.len && !is_one_of(s.ptr[n], "\"()<>"); n++)
        if (s.ptr[n] == ':' && n > 0)
            colon = n;
    if (colon == SPAN_NPOS)
        return s;
    s = span_skip(s, skip_blanks(s, colon + 1));
    return span_starts(s, SPAN(";")) ? SPAN("") : s;
}

static struct span without_double_backslashes(struct arena *a, struct span s)
{
    if (span_search(s, SPAN("\\\\")) == SPAN_NPOS)
        return s;
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] == '\\')
            i++;
        else
            out[n++] = s.ptr[i];
    return span_make(out, n);
}

struct field_mailboxes field_mailboxes(struct arena *a, struct span value)
{
    struct field_mailboxes all = { 0 };
    struct span s = without_group(without_double_backslashes(a, value));
    size_t at = 0;

    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    while (skip_blanks(s, at) < s.len && all.count < FIELD_MAILBOXES_MAX) {
        struct found f;
        size_t from = skip_blanks(s, at), end = framed_end(s, from, &f);

        if (end == SPAN_NPOS && (end = bare_end(s, from, &f)) == SPAN_NPOS &&
            (end = name_end(s, from, &f)) == SPAN_NPOS)
            break;
        put_found(a, &all, &f);
        at = end;
    }
    put_rest(a, &all, span_skip(s, at));
    return all;
}
