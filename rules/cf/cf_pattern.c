/* rules/cf/cf_pattern.c - Perl's patterns, as rule files have them, for PCRE2.
 *
 * SpamAssassin matches bytes, and so do we. What PCRE2 10.42 has otherwise than Perl 5.36 is rewritten here, or refused
 * with a reason: code in patterns, characters above 0xff, \b{...}, \N{name}, rules of charsets ((?a), (?u)), {,n}.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "gateway/base/bug.h"
#include "rules/cf/cf.h"

/* ---- delimiters and modifiers ---- */

static char closing(char open)
{
    switch (open) {
    case '{': return '}';
    case '(': return ')';
    case '<': return '>';
    case '[': return ']';
    default: return open;
    }
}

/* Where the pattern begins, and its delimiter. */
static const char *open_pattern(struct span *text, char *delimiter)
{
    size_t skip = span_starts(*text, SPAN("qr")) ? 2 : span_starts(*text, SPAN("m")) ? 1 : 0;
    struct span rest = span_skip(*text, skip);

    if (!rest.len || (skip == 0 && *rest.ptr != '/') || ascii_is_alnum(*rest.ptr) || *rest.ptr == '_')
        return "the pattern has no delimiters: write /pattern/ or m{pattern}";
    if (*rest.ptr == '\\')
        return "a backslash cannot delimit a pattern";
    *delimiter = *rest.ptr;
    *text = span_skip(rest, 1);
    return NULL;
}

static const char *read_modifiers(struct arena *a, struct span modifiers, unsigned *options)
{
    for (size_t i = 0; i < modifiers.len; i++) {
        switch (modifiers.ptr[i]) {
        case 'i': *options |= PCRE2_CASELESS; break;
        case 'm': *options |= PCRE2_MULTILINE; break;
        case 's': *options |= PCRE2_DOTALL; break;
        case 'n': *options |= PCRE2_NO_AUTO_CAPTURE; break;
        case 'x': *options |= *options & PCRE2_EXTENDED ? PCRE2_EXTENDED_MORE : PCRE2_EXTENDED; break;
        case 'a':
        case 'd':
        case 'p': break; /* bytes are matched by ASCII's rules anyway; nothing is kept of a match */
        default: return arena_printf(a, "modifier %c of the pattern is not supported", modifiers.ptr[i]);
        }
    }
    return NULL;
}

/* An end delimiter inside, without a backslash: the pattern was meant to end there. */
static bool has_unescaped(struct span pattern, char delimiter)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] == '\\')
            i++;
        else if (pattern.ptr[i] == delimiter)
            return true;
    }
    return false;
}

const char *cf_pattern_split(struct arena *a, struct span text, struct span *pattern, unsigned *options)
{
    char open = 0;
    const char *wrong = open_pattern(&text, &open);

    if (wrong)
        return wrong;
    size_t end = text.len;

    while (end > 0 && ascii_is_alpha(text.ptr[end - 1]))
        end--;
    if (end == 0 || text.ptr[end - 1] != closing(open))
        return arena_printf(a, "the pattern has no closing %c", closing(open));
    *pattern = span_first(text, end - 1);
    if (closing(open) == open && has_unescaped(*pattern, open))
        return arena_printf(a, "%c stands in the pattern without a backslash", open);
    *options = PCRE2_DUPNAMES;
    return read_modifiers(a, span_skip(text, end), options);
}

/* ---- from Perl to PCRE2 ---- */

struct converter {
    struct arena *arena;
    struct span rest;
    struct strbuf *out;
    bool is_extended; /* # begins a comment */
    const char *wrong;
};

static void refuse(struct converter *c, const char *wrong)
{
    if (!c->wrong)
        c->wrong = wrong;
}

static void copy(struct converter *c, size_t count)
{
    strbuf_put(c->out, span_first(c->rest, count));
    c->rest = span_skip(c->rest, count);
}

/* \N{U+263a}, \N{name}, \N{3,4}. */
enum { NAMED_MAX = 200, CLASS_NAME_MAX = 20 };

static void convert_named(struct converter *c)
{
    size_t end = span_find(span_first(c->rest, NAMED_MAX), '}');
    struct span name = span_skip(span_first(c->rest, end == SPAN_NPOS ? 0 : end), 3);

    if (!span_starts(c->rest, SPAN("\\N{")) || (name.len && (ascii_is_digit(*name.ptr) || *name.ptr == ','))) {
        copy(c, 2);
        return;
    }
    if (!span_starts(name, SPAN("U+"))) {
        refuse(c, "\\N{...} names a character; text is matched as bytes");
        return;
    }
    strbuf_putf(c->out, "\\x{%.*s}", SPAN_ARG(span_skip(name, 2)));
    c->rest = span_skip(c->rest, end + 1);
}

static void convert_escape(struct converter *c, bool is_in_class)
{
    char kind = c->rest.len > 1 ? c->rest.ptr[1] : 0;
    bool has_brace = c->rest.len > 2 && c->rest.ptr[2] == '{';

    if (kind == 'N')
        convert_named(c);
    else if ((kind == 'b' || kind == 'B') && has_brace && !is_in_class)
        refuse(c, "\\b{...} is a boundary by Unicode's rules; text is matched as bytes");
    else if (kind && strchr("QELUluF", kind))
        refuse(c, arena_printf(c->arena, "\\%c has no meaning in a pattern of a rule file", kind));
    else
        copy(c, 2);
}

/* [...], of which a ] may be the first. */
static void convert_class(struct converter *c)
{
    copy(c, 1);
    if (c->rest.len && *c->rest.ptr == '^')
        copy(c, 1);
    if (c->rest.len && *c->rest.ptr == ']')
        copy(c, 1);
    while (c->rest.len && *c->rest.ptr != ']' && !c->wrong) {
        size_t end =
            span_starts(c->rest, SPAN("[:")) ? span_search(span_first(c->rest, CLASS_NAME_MAX), SPAN(":]")) : SPAN_NPOS;

        if (end != SPAN_NPOS)
            copy(c, end + 2);
        else if (*c->rest.ptr == '\\')
            convert_escape(c, true);
        else
            copy(c, 1);
    }
    copy(c, 1);
}

/* (?flags) and (?flags:, of which c->rest holds what follows the (?. What is neither is left. */
static void convert_flags(struct converter *c)
{
    size_t len = 0;
    bool is_off = false;

    while (len < c->rest.len &&
           (ascii_is_alpha(c->rest.ptr[len]) || c->rest.ptr[len] == '-' || c->rest.ptr[len] == '^'))
        len++;
    if (len == c->rest.len || (c->rest.ptr[len] != ')' && c->rest.ptr[len] != ':') ||
        span_is(span_first(c->rest, len), "R"))
        return;
    for (size_t i = 0; i < len; i++) {
        char flag = c->rest.ptr[i];

        is_off |= flag == '-';
        if (flag == 'u' || flag == 'l')
            refuse(c, "(?u) and (?l) want Unicode's or a locale's rules; text is matched as bytes");
        else if (flag == 'x' && !is_off)
            c->is_extended = true;
        if (!strchr("adp", flag))
            strbuf_putc(c->out, flag);
    }
    c->rest = span_skip(c->rest, len);
}

/* (*VERB): PCRE2 has more of them than Perl, some of which change what a pattern is. */
static void convert_verb(struct converter *c)
{
    static const char *const verbs[] = { "ACCEPT", "COMMIT", "FAIL", "F", "MARK", "PRUNE", "SKIP", "THEN" };
    struct span verb = span_skip(c->rest, 2);
    size_t len = 0;

    while (len < verb.len && verb.ptr[len] >= 'A' && verb.ptr[len] <= 'Z')
        len++;
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (span_is(span_first(verb, len), verbs[i])) {
            copy(c, len + 2);
            return;
        }
    refuse(c, "(*...) with a verb that Perl does not have");
}

static bool is_code(struct span rest)
{
    return span_starts(rest, SPAN("(?{")) || span_starts(rest, SPAN("(??{")) || span_starts(rest, SPAN("(?p{"));
}

static void convert_group(struct converter *c)
{
    char first = c->rest.len > 1 ? c->rest.ptr[1] : 0;

    if (is_code(c->rest)) {
        refuse(c, "the pattern has Perl code in it, (?{...})");
    } else if (span_starts(c->rest, SPAN("(?#"))) {
        size_t end = span_find(c->rest, ')');

        copy(c, end == SPAN_NPOS ? c->rest.len : end + 1);
    } else if (first == '*' && c->rest.len > 2 && !(c->rest.ptr[2] >= 'a' && c->rest.ptr[2] <= 'z')) {
        convert_verb(c);
    } else {
        copy(c, first == '?' ? 2 : 1);
        if (first == '?')
            convert_flags(c);
    }
}

/* Perl since 5.34: {,n} is {0,n}, and blanks may stand beside the numbers; to PCRE2 10.42 such braces are text. */
static void convert_brace(struct converter *c)
{
    struct strbuf *out = c->out;
    char least[12] = "", most[12] = "";
    size_t at = 1, n = 0;
    bool has_comma = false;

    for (; at < c->rest.len && c->rest.ptr[at] != '}'; at++) {
        char byte = c->rest.ptr[at];

        if (byte == ',' && !has_comma) {
            has_comma = true;
            n = 0;
        } else if (ascii_is_digit(byte) && n < sizeof least - 1) {
            (has_comma ? most : least)[n++] = byte;
        } else if (!ascii_is_wsp(byte)) {
            copy(c, 1);
            return;
        }
    }
    if (at == c->rest.len || (!least[0] && !most[0])) {
        copy(c, 1);
        return;
    }
    strbuf_putf(out, "{%s%s%s}", least[0] ? least : "0", has_comma ? "," : "", most);
    c->rest = span_skip(c->rest, at + 1);
}

static void convert(struct converter *c)
{
    while (c->rest.len && !c->wrong) {
        switch (*c->rest.ptr) {
        case '\\': convert_escape(c, false); break;
        case '[': convert_class(c); break;
        case '(': convert_group(c); break;
        case '{': convert_brace(c); break;
        case '#': {
            size_t end = c->is_extended ? span_find(c->rest, '\n') : 0;

            copy(c, end == SPAN_NPOS ? c->rest.len : end + 1);
            break;
        }
        default: copy(c, 1); break;
        }
    }
}

/* What PCRE2 says, as a part of a sentence. */
static const char *try_out(struct arena *a, const char *pattern, size_t len, unsigned options)
{
    int error;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, len, options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C,
                      &error, &at, NULL);
    unsigned char text[160] = "";

    pcre2_code_free(code);
    if (code)
        return NULL;
    pcre2_get_error_message(error, text, sizeof text);
    return arena_printf(a, RULE_REFUSED " the pattern: %s, at \"%.20s\"", (const char *)text,
                        at < len ? pattern + at : "its end");
}

const char *cf_pattern_convert(struct arena *a, struct span pattern, unsigned options, const char **out)
{
    struct strbuf converted;
    struct converter c = { .arena = a, .rest = pattern, .out = &converted, .is_extended = options & PCRE2_EXTENDED };
    const char *wrong;

    strbuf_init(&converted, CF_PATTERN_MAX);
    convert(&c);
    if (converted.is_full)
        refuse(&c, "the pattern is longer than 64 KiB");
    wrong = c.wrong ? c.wrong : try_out(a, strbuf_span(&converted).ptr, converted.len, options);
    if (!wrong)
        *out = arena_dup(a, strbuf_span(&converted));
    strbuf_release(&converted);
    return wrong;
}
