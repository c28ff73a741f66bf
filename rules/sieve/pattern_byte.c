/* rules/sieve/pattern_byte.c - what one byte may be in a pattern, and the places between bytes. A class goes on as it
 * was written; what Hyperscan might read otherwise in one is not read.
 */
#include "rules/sieve/pattern_parts.h"

#include "gateway/base/bug.h"

/* How many bytes a class has: roughly, for nothing depends on it but what is looked for. */
static unsigned class_size(struct span inner)
{
    unsigned count = 0;
    bool is_not = inner.len && inner.ptr[0] == '^';

    for (size_t i = is_not; i < inner.len; i++) {
        unsigned char c = (unsigned char)inner.ptr[i];

        if (c == '\\' && i + 1 < inner.len) {
            char what = inner.ptr[++i];

            count += strchr("wWDS", what) ? 63 : strchr("ds", what) ? 8 : 1;
            i += what == 'x' ? 2 : 0;
        } else if (c == '[') {
            count += 30;
        } else if (c == '-' && i > is_not && i + 1 < inner.len) {
            unsigned from = (unsigned char)inner.ptr[i - 1], to = (unsigned char)inner.ptr[i + 1];

            count += to > from ? to - from : 20;
            i++;
        } else {
            count++;
        }
    }
    count = count < 255 ? count : 255;
    return is_not ? 256 - count : count ? count : 1;
}

/* -1: it is none. */
static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, ascii_lower(c)) : NULL;

    return found ? (int)(found - digits) : -1;
}

static bool is_octal_digit(char c)
{
    return c >= '0' && c <= '7';
}

/* Escapes that mean the same to PCRE2 and to Hyperscan in a class; at the backslash. */
static bool skip_class_escape(struct pattern_reader *r)
{
    char c = pattern_peek(r, 1);
    bool is_hex = c == 'x' && hex_digit(pattern_peek(r, 2)) >= 0 && hex_digit(pattern_peek(r, 3)) >= 0;
    bool is_octal = c >= '0' && c <= '3' && is_octal_digit(pattern_peek(r, 2)) && is_octal_digit(pattern_peek(r, 3));

    if (!c || (ascii_is_alnum(c) && !strchr("dDwWsSnrtfaeb", c) && !is_hex && !is_octal))
        return false;
    r->at += is_hex || is_octal ? 4 : 2;
    return true;
}

/* [:name:]; what else begins like it is not read. */
static bool skip_class_name(struct pattern_reader *r)
{
    r->at += pattern_peek(r, 2) == '^' ? 3 : 2;
    while (ascii_is_alpha(pattern_peek(r, 0)))
        r->at++;
    return pattern_take(r, ":]");
}

struct pattern_node *pattern_read_class(struct pattern_reader *r)
{
    const char *from = r->at++;

    r->at += pattern_peek(r, 0) == '^';
    r->at += pattern_peek(r, 0) == ']';
    while (r->at < r->end && *r->at != ']') {
        bool is_escape = *r->at == '\\',
             is_name = *r->at == '[' && pattern_peek(r, 1) && strchr(":.=", pattern_peek(r, 1));

        if ((is_escape && !skip_class_escape(r)) || (is_name && !skip_class_name(r)))
            return pattern_wrong(r);
        r->at += !is_escape && !is_name;
    }
    if (r->at >= r->end)
        return pattern_wrong(r);
    r->at++;
    return pattern_leaf(r, PATTERN_BYTE, span_make(from, (size_t)(r->at - from)),
                        class_size(span_make(from + 1, (size_t)(r->at - from) - 2)));
}

struct pattern_node *pattern_literal(struct pattern_reader *r, char c)
{
    bool is_plain = ascii_is_alnum(c) || c == '_';
    const char *text = is_plain ? arena_printf(r->arena, "%c", c) : arena_printf(r->arena, "\\x%02x", (unsigned char)c);

    return pattern_leaf(r, PATTERN_BYTE, span_of(text), ascii_is_alpha(c) ? 2 : 1);
}

/* \x9, \x9f, \x{9f}; at the x. */
static struct pattern_node *read_hex(struct pattern_reader *r)
{
    bool has_brace = pattern_peek(r, 1) == '{';
    unsigned value = 0, digits = 0;

    r->at += has_brace ? 2 : 1;
    for (; hex_digit(pattern_peek(r, 0)) >= 0 && (has_brace || digits < 2) && value < 256; digits++)
        value = value * 16 + (unsigned)hex_digit(*r->at++);
    if (value > 255 || (has_brace && !pattern_take(r, "}")))
        return pattern_wrong(r);
    return pattern_literal(r, (char)value);
}

static struct pattern_node *read_octal(struct pattern_reader *r)
{
    unsigned value = 0;

    for (int digits = 0; digits < 3 && is_octal_digit(pattern_peek(r, 0)); digits++)
        value = value * 8 + (unsigned)(*r->at++ - '0');
    return pattern_literal(r, (char)value);
}

/* Escapes that stand for a place or for a set: what Hyperscan is given for them. */
static const struct escape {
    char letter;
    enum pattern_node_kind kind;
    const char *text;
    unsigned bytes;
} escapes[] = {
    { 'A', PATTERN_PLACE, "^", 0 },
    { 'G', PATTERN_NOTHING, "", 0 }, /* where the search began, which may be anywhere */
    { 'z', PATTERN_PLACE, "$", 0 },
    { 'Z', PATTERN_PLACE, "$", 0 },
    { 'b', PATTERN_PLACE, "\\b", 0 },
    { 'B', PATTERN_PLACE, "\\B", 0 },
    { 'K', PATTERN_NOTHING, "", 0 },
    { 'd', PATTERN_BYTE, "\\d", 10 },
    { 'D', PATTERN_BYTE, "\\D", 246 },
    { 'w', PATTERN_BYTE, "\\w", 63 },
    { 'W', PATTERN_BYTE, "\\W", 193 },
    { 's', PATTERN_BYTE, "\\s", 6 },
    { 'S', PATTERN_BYTE, "\\S", 250 },
    { 'h', PATTERN_BYTE, "[\\x09\\x20\\xa0]", 3 },
    { 'H', PATTERN_BYTE, "[^\\x09\\x20\\xa0]", 253 },
    { 'v', PATTERN_BYTE, "[\\x0a-\\x0d\\x85]", 5 },
    { 'V', PATTERN_BYTE, "[^\\x0a-\\x0d\\x85]", 251 },
    { 'N', PATTERN_BYTE, "[^\\x0a]", 255 },
    { 'n', PATTERN_BYTE, "\\x0a", 1 },
    { 'r', PATTERN_BYTE, "\\x0d", 1 },
    { 't', PATTERN_BYTE, "\\x09", 1 },
    { 'f', PATTERN_BYTE, "\\x0c", 1 },
    { 'a', PATTERN_BYTE, "\\x07", 1 },
    { 'e', PATTERN_BYTE, "\\x1b", 1 },
};

static struct pattern_node *read_reference(struct pattern_reader *r)
{
    while (pattern_peek(r, 0) >= '0' && pattern_peek(r, 0) <= '9')
        r->at++;
    return pattern_node_new(r, PATTERN_ANY);
}

/* \g{1}, \k<name> and their like. */
static struct pattern_node *read_named_reference(struct pattern_reader *r)
{
    char close = pattern_peek(r, 1) == '{'    ? '}'
                 : pattern_peek(r, 1) == '<'  ? '>'
                 : pattern_peek(r, 1) == '\'' ? '\''
                                              : '\0';
    bool is_call = pattern_peek(r, 0) == 'g' && close != '}';

    r->at++;
    if (is_call || !close)
        return pattern_wrong(r);
    r->at++;
    while (r->at < r->end && *r->at != close)
        r->at++;
    if (!pattern_peek(r, 0))
        return pattern_wrong(r);
    r->at++;
    return pattern_node_new(r, PATTERN_ANY);
}

struct pattern_node *pattern_read_escape(struct pattern_reader *r)
{
    char c = (++r->at, pattern_peek(r, 0));

    if (r->at >= r->end)
        return pattern_wrong(r);
    for (size_t i = 0; i < COUNT(escapes); i++)
        if (escapes[i].letter == c) {
            r->at++;
            return pattern_leaf(r, escapes[i].kind, span_of(escapes[i].text), escapes[i].bytes);
        }
    switch (c) {
    case 'x': return read_hex(r);
    case '0': return read_octal(r);
    case 'g':
    case 'k': return read_named_reference(r);
    default: break;
    }
    if (c >= '1' && c <= '9')
        return read_reference(r);
    if (ascii_is_alpha(c))
        return pattern_wrong(r);
    r->at++;
    return pattern_literal(r, c);
}
