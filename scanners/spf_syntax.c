/* scanners/spf_syntax.c - the grammar of macros and domain-specs [RFC7208 7.1]. */
#include "scanners/spf_syntax.h"

#include "gateway/base/bug.h"

enum { KEEP_MOST = 1024 };

static bool is_delimiter(char c)
{
    return c == '.' || c == '-' || c == '+' || c == ',' || c == '/' || c == '_' || c == '=';
}

static const char *parse_escape(struct span text, struct spf_macro *out)
{
    static const struct {
        char byte;
        const char *stands_for;
    } escapes[] = { { '%', "%" }, { '_', " " }, { '-', "%20" } };

    for (size_t i = 0; i < COUNT(escapes); i++) {
        if (text.ptr[1] == escapes[i].byte) {
            *out = (struct spf_macro){ .literal = span_of(escapes[i].stands_for), .len = 2 };
            return NULL;
        }
    }
    return "\"%\" is followed by neither \"{\", \"%\", \"_\" nor \"-\"";
}

static size_t parse_digits(struct span text, size_t at, struct spf_macro *m, const char **fault)
{
    size_t start = at;

    for (; at < text.len && ascii_is_digit(text.ptr[at]); at++)
        if (m->keep < KEEP_MOST) /* more parts than a value can have: all */
            m->keep = m->keep * 10 + (unsigned)(text.ptr[at] - '0');
    if (at > start && m->keep == 0)
        *fault = "a macro keeps 0 parts"; /* [RFC7208 7.3] */
    return at;
}

const char *spf_macro_parse(struct span text, enum spf_macro_use use, struct spf_macro *out)
{
    const char *fault = NULL;
    struct spf_macro m = { 0 };
    size_t at = 3;

    if (text.len < 2)
        return "\"%\" at the end";
    if (text.ptr[1] != '{')
        return parse_escape(text, out);
    if (text.len < 3)
        return "a macro does not end";
    m.letter = ascii_lower(text.ptr[2]);
    m.is_escaped = m.letter != text.ptr[2];
    if (!memchr("slodiphv", m.letter, 8) && (!memchr("crt", m.letter, 3) || use == SPF_MACRO_DOMAIN))
        return memchr("crt", m.letter, 3) ? "%{c}, %{r} and %{t} are for explanations only" : "an unknown macro letter";
    at = parse_digits(text, at, &m, &fault);
    if (at < text.len && ascii_lower(text.ptr[at]) == 'r') {
        m.is_reversed = true;
        at++;
    }
    size_t first = at;

    while (at < text.len && is_delimiter(text.ptr[at]))
        at++;
    m.splits = span_make(text.ptr + first, at - first);
    if (at >= text.len || text.ptr[at] != '}')
        return "a macro does not end";
    m.len = at + 1;
    *out = m;
    return fault;
}

/* literal_length - the bytes before the next "%"; *fault is set when one of them may not stand here. */
static size_t literal_length(struct span text, enum spf_macro_use use, const char **fault)
{
    size_t n = 0;

    for (; n < text.len && text.ptr[n] != '%'; n++) {
        unsigned char c = (unsigned char)text.ptr[n];

        if (c < 0x20 || c > 0x7e || (c == ' ' && use == SPF_MACRO_DOMAIN))
            *fault = "a byte that is not printable ASCII";
    }
    return n;
}

/* check_string - a macro-string; and whether a macro or an escape is the last thing in it. */
static const char *check_string(struct span text, enum spf_macro_use use, bool *ends_in_macro)
{
    const char *fault = NULL;

    *ends_in_macro = false;
    while (text.len && !fault) {
        struct spf_macro m = { .len = 0 };

        text = span_skip(text, literal_length(text, use, &fault));
        if (text.len && !fault)
            fault = spf_macro_parse(text, use, &m);
        text = span_skip(text, m.len);
        *ends_in_macro = m.len > 0;
    }
    return fault;
}

const char *spf_macro_check(struct span text, enum spf_macro_use use)
{
    bool ends_in_macro;

    return check_string(text, use, &ends_in_macro);
}

/* check_toplabel - letters, digits and inner hyphens, not digits alone [RFC7208 7.1]. */
static const char *check_toplabel(struct span label)
{
    bool has_other = false;

    if (label.len == 0)
        return "it ends in an empty label";
    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
            return "it ends in something that is not a top level domain";
        has_other = has_other || !ascii_is_digit(label.ptr[i]);
    }
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "its top level domain begins or ends with a hyphen";
    return has_other ? NULL : "its top level domain is a number (an address is written with ip4:)";
}

const char *spf_domain_spec_check(struct span text)
{
    bool ends_in_macro = false;
    const char *fault = text.len ? check_string(text, SPF_MACRO_DOMAIN, &ends_in_macro) : "its domain is empty";

    if (fault || ends_in_macro)
        return fault;
    if (text.ptr[text.len - 1] == '.')
        text.len--;
    size_t dot = span_rfind(text, '.');

    if (dot == SPAN_NPOS)
        return "its domain has one label only";
    return check_toplabel(span_skip(text, dot + 1));
}

bool spf_macro_uses(struct span text, char letter)
{
    const char *fault = NULL;

    while (text.len) {
        struct spf_macro m = { 0 };

        text = span_skip(text, literal_length(text, SPF_MACRO_EXPLANATION, &fault));
        if (!text.len || spf_macro_parse(text, SPF_MACRO_EXPLANATION, &m))
            return false;
        if (m.letter == letter)
            return true;
        text = span_skip(text, m.len);
    }
    return false;
}
