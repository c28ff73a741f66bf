/* mail/params.c - a structured field's value and its parameters [RFC2045 5.1], as readers read them: cut into pieces
 * here, put together in params_join.c.
 *
 * Where readers differ over a value that is not quoted well, the most plausible reading comes first and the other one
 * behind it.
 */
#include "gateway/mail/words.h"

#include "gateway/mail/header.h"
#include "gateway/mail/mailbox_token.h"
#include "gateway/mail/params_join.h"

struct reader {
    struct span rest;
    bool has_open_comment; /* one that never ends: from there on parentheses are ordinary */
    struct param_pieces *pieces;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip(struct reader *r, size_t n)
{
    r->rest = span_skip(r->rest, n);
}

static bool is_at(const struct reader *r, char c)
{
    return r->rest.len && r->rest.ptr[0] == c;
}

static void flaw(struct reader *r, enum params_flaw flaw)
{
    r->pieces->flaws |= flaw;
}

/* Blanks and comments at the front of `s`. */
static size_t gap_length(struct reader *r, struct span s)
{
    size_t n = 0, comment = 1;

    while (n < s.len && comment) {
        if (is_blank(s.ptr[n])) {
            n++;
            continue;
        }
        comment = s.ptr[n] == '(' && !r->has_open_comment ? mailbox_comment(span_skip(s, n)) : 0;
        r->has_open_comment |= s.ptr[n] == '(' && comment == 0;
        if (comment)
            flaw(r, PARAMS_COMMENT);
        n += comment;
    }
    return n;
}

static void skip_gap(struct reader *r)
{
    skip(r, gap_length(r, r->rest));
}

static bool is_name_byte(char c)
{
    return !is_blank(c) && !memchr(";=\"(),/<>@:\\[]?", c, 15);
}

/* "name=", with nothing between: a parameter whose semicolon is missing? */
static bool begins_param(struct span s)
{
    size_t n = 0;

    while (n < s.len && is_name_byte(s.ptr[n]))
        n++;
    return n && n < s.len && s.ptr[n] == '=';
}

static bool is_end(const struct reader *r)
{
    return r->rest.len == 0 || r->rest.ptr[0] == ';';
}

/* Goes to the next semicolon, or to what begins a parameter without one. */
static void skip_junk(struct reader *r)
{
    flaw(r, PARAMS_SYNTAX);
    while (!is_end(r)) {
        while (!is_end(r) && !is_blank(r->rest.ptr[0]))
            skip(r, 1);
        while (r->rest.len && is_blank(r->rest.ptr[0]))
            skip(r, 1);
        if (begins_param(r->rest))
            return;
    }
}

/* What stands before the first semicolon: "text/plain", also from "text / (comment) plain". */
static struct span read_value(struct reader *r)
{
    char *out = arena_alloc(r->pieces->arena, r->rest.len + 1);
    size_t n = 0;

    for (skip_gap(r); !is_end(r); skip_gap(r)) {
        bool goes_on = n == 0 || out[n - 1] == '/' || is_at(r, '/');

        if (begins_param(r->rest)) {
            flaw(r, PARAMS_SYNTAX);
            break;
        }
        if (!goes_on) {
            skip_junk(r);
            break;
        }
        while (!is_end(r) && !is_blank(r->rest.ptr[0]) && (!is_at(r, '(') || r->has_open_comment)) {
            if (!is_at(r, '"'))
                out[n++] = r->rest.ptr[0];
            skip(r, 1);
        }
    }
    return span_make(out, n);
}

static struct span before_semicolon(struct span s)
{
    return span_first(s, span_find(s, ';'));
}

/* The other reading of a value; a very long one says nothing. */
static void add_other(struct reader *r, struct span name, struct span value)
{
    if (value.len <= PARAM_OTHER_MAX)
        param_piece_add(r->pieces, name, header_unfold(r->pieces->arena, value), true);
}

/* Where the quoted text ends that `s` begins with (the quote itself is not in `s`); SPAN_NPOS. */
static size_t quote_end(struct span s, bool *is_plain)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i;
        *is_plain &= s.ptr[i] != '\\' && s.ptr[i] != '\r' && s.ptr[i] != '\n';
        i += s.ptr[i] == '\\';
    }
    return SPAN_NPOS;
}

static struct span unquoted(struct arena *a, struct span s)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len)
            i++;
        else if (s.ptr[i] == '\r' || s.ptr[i] == '\n')
            continue;
        out[n++] = s.ptr[i];
    }
    return span_make(out, n);
}

/* Without the quotes that stand in it. */
static struct span glued(struct arena *a, struct span s)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '"')
            out[n++] = s.ptr[i];
    return span_make(out, n);
}

static void read_open_quote(struct reader *r, struct span name, struct span text)
{
    flaw(r, PARAMS_UNQUOTED);
    if (param_piece_add(r->pieces, name, unquoted(r->pieces->arena, text), false) && span_find(text, ';') != SPAN_NPOS)
        add_other(r, name, before_semicolon(text));
    skip(r, r->rest.len);
}

/* As readers have it that know of no backslashes, or that cut a field at every semicolon. */
static void add_cut(struct reader *r, struct span name, struct span text)
{
    size_t quote = span_find(text, '"'), semicolon = span_find(text, ';');

    if (quote != SPAN_NPOS && quote > 1)
        add_other(r, name, span_first(text, quote - 1));
    if (semicolon != SPAN_NPOS && semicolon)
        add_other(r, name, span_first(text, semicolon));
}

static void read_quoted(struct reader *r, struct span name)
{
    struct span whole = r->rest, text = span_skip(whole, 1);
    bool is_plain = true;
    size_t end = quote_end(text, &is_plain);

    if (end == SPAN_NPOS) {
        read_open_quote(r, name, text);
        return;
    }
    text = span_first(text, end);
    bool is_added = param_piece_add(r->pieces, name, is_plain ? text : unquoted(r->pieces->arena, text), false);

    if (is_added)
        add_cut(r, name, text);
    skip(r, end + 2);
    skip_gap(r);
    if (is_end(r))
        return;
    flaw(r, PARAMS_SYNTAX);
    if (begins_param(r->rest))
        return;
    if (is_added)
        add_other(r, name, glued(r->pieces->arena, before_semicolon(span_first(whole, PARAM_OTHER_MAX))));
    skip_junk(r);
}

static bool needs_quotes(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (memchr("()<>@,;:\\\"/[]?=", s.ptr[i], 15))
            return true;
    return false;
}

/* A value without quotes ends at a blank, to the standard; to readers, often, at the semicolon. */
static void read_token(struct reader *r, struct span name)
{
    struct span whole = r->rest;
    size_t n = 0;

    while (n < whole.len && whole.ptr[n] != ';' && !is_blank(whole.ptr[n]))
        n++;
    struct span token = span_first(whole, n);

    skip(r, n);
    skip_gap(r);
    if (needs_quotes(token))
        flaw(r, PARAMS_UNQUOTED);
    if (is_end(r)) {
        param_piece_add(r->pieces, name, token, false);
        return;
    }
    flaw(r, PARAMS_UNQUOTED);
    if (begins_param(r->rest)) {
        flaw(r, PARAMS_SYNTAX);
        if (param_piece_add(r->pieces, name, token, false))
            add_other(r, name, before_semicolon(span_first(whole, PARAM_OTHER_MAX)));
        return;
    }
    struct span longer = before_semicolon(whole);

    if (param_piece_add(r->pieces, name, header_unfold(r->pieces->arena, longer), false) &&
        !span_starts(token, SPAN("=?")))
        add_other(r, name, token);
    r->rest = span_skip(whole, longer.len);
}

/* At a byte that is neither blank nor semicolon. */
static void read_param(struct reader *r)
{
    size_t n = 0;

    while (n < r->rest.len && !is_blank(r->rest.ptr[n]) && !memchr("=;", r->rest.ptr[n], 2) &&
           (r->has_open_comment || r->rest.ptr[n] != '('))
        n++;
    struct span name = span_first(r->rest, n);

    skip(r, n);
    skip_gap(r);
    if (!is_at(r, '=')) {
        flaw(r, PARAMS_SYNTAX);
        return;
    }
    skip(r, 1);
    skip_gap(r);
    if (name.len == 0)
        skip_junk(r);
    else if (is_at(r, '"'))
        read_quoted(r, name);
    else
        read_token(r, name);
}

void params_read(struct arena *a, struct span body, struct params *out)
{
    struct param_piece items[PARAMS_PIECES_MAX];
    struct param_pieces pieces = { .arena = a, .items = items };
    struct reader r = { .rest = body, .pieces = &pieces };

    *out = (struct params){ .value = read_value(&r) };
    while (r.rest.len && pieces.count < PARAMS_PIECES_MAX) {
        skip_gap(&r);
        if (is_at(&r, ';'))
            skip(&r, 1);
        else if (r.rest.len)
            read_param(&r);
    }
    if (span_trim(r.rest).len)
        pieces.flaws |= PARAMS_TOO_MANY;
    size_t most = pieces.count * PARAM_READINGS_MAX;

    out->items = most ? arena_alloc(a, (most < PARAMS_MAX ? most : PARAMS_MAX) * sizeof *out->items) : NULL;
    params_join(&pieces, out);
}

const struct param *params_find(const struct params *p, const char *name, size_t nth)
{
    for (size_t i = 0; i < p->count; i++)
        if (span_iis(p->items[i].name, name) && nth-- == 0)
            return &p->items[i];
    return NULL;
}
