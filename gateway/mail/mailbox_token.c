/* mail/mailbox_token.c - the words and signs of an address list.
 *
 * A quote, bracket or parenthesis that is never closed is a bad byte by itself, and what follows is read as if it were
 * not there. That none of a kind is closed is found out once: the text is not searched for its other half again.
 */
#include "gateway/mail/mailbox_token.h"

#include "gateway/mail/mailbox_scan.h"

enum { TOKENS_MAX = 8192 };

struct lexer {
    struct span rest;
    bool no_quote_end, no_bracket_end, no_comment_end;
    bool has_gap;
    bool has_comment_address;
};

static bool is_atext(char c)
{
    return ascii_is_alnum(c) || (unsigned char)c > 0x7f || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Length up to and with the unquoted `end`, 0 without one. */
static size_t framed_length(struct span s, char end)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == end)
            return i + 1;
        if (s.ptr[i] == '\\')
            i++;
    }
    return 0;
}

size_t mailbox_comment(struct span s)
{
    size_t depth = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '(')
            depth++;
        else if (s.ptr[i] == ')' && --depth == 0)
            return i + 1;
    }
    return 0;
}

static bool skip_comment(struct lexer *l)
{
    size_t n = l->no_comment_end ? 0 : mailbox_comment(l->rest);

    if (n == 0) {
        l->no_comment_end = true;
        return false;
    }
    l->has_comment_address |= has_at_sign(span_first(l->rest, n));
    l->rest = span_skip(l->rest, n);
    return true;
}

static void skip_gap(struct lexer *l)
{
    l->has_gap = false;
    while (l->rest.len) {
        char c = l->rest.ptr[0];

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            l->rest = span_skip(l->rest, 1);
        else if (c != '(' || !skip_comment(l))
            return;
        l->has_gap = true;
    }
}

static size_t frame(struct span s, char end, bool *no_end)
{
    size_t n = *no_end ? 0 : framed_length(s, end);

    if (n == 0)
        *no_end = true;
    return n;
}

static int kind_and_length(struct lexer *l, size_t *length)
{
    char c = l->rest.ptr[0];
    size_t n = 0;

    *length = 1;
    while (n < l->rest.len && is_atext(l->rest.ptr[n]))
        n++;
    if (n) {
        *length = n;
        return TOKEN_ATOM;
    }
    if (c && strchr("<>@,;:.", c))
        return c;
    if (c == '"' || c == '[') {
        n = c == '"' ? frame(l->rest, '"', &l->no_quote_end) : frame(l->rest, ']', &l->no_bracket_end);
        if (n) {
            *length = n;
            return c == '"' ? TOKEN_QUOTED : TOKEN_LITERAL;
        }
    }
    return TOKEN_BAD;
}

void mailbox_tokens(struct arena *a, struct span text, struct tokens *out)
{
    struct lexer l = { .rest = text };
    size_t capacity = 16, length;

    *out = (struct tokens){ .items = arena_alloc(a, (capacity + 1) * sizeof *out->items) };
    for (skip_gap(&l); l.rest.len && out->count < TOKENS_MAX; skip_gap(&l)) {
        if (out->count == capacity) {
            capacity *= 2;
            out->items = arena_grow(a, out->items, out->count, capacity + 1, sizeof *out->items);
        }
        int kind = kind_and_length(&l, &length);

        out->items[out->count++] = (struct token){ kind, span_first(l.rest, length), l.has_gap };
        l.rest = span_skip(l.rest, length);
    }
    out->is_cut = l.rest.len > 0;
    out->has_comment_address = l.has_comment_address;
    out->items[out->count++] = (struct token){ TOKEN_END, span_first(l.rest, 0), l.has_gap };
}
