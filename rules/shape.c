/* rules/shape.c - see shape.h. Matching goes back at holes, as far as the steps reach. */
#include "rules/shape.h"

#include "gateway/base/addr.h"

static bool is_word(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_hex_or_colon(char c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
}

/* Four numbers of 0 to 255 without leading zeros. */
static size_t ip4_length(struct span text, size_t at)
{
    size_t i = at;

    for (int octet = 0; octet < 4; octet++) {
        unsigned value = 0;
        size_t from = i;

        while (i < text.len && i - from < 3 && ascii_is_digit(text.ptr[i]))
            value = value * 10 + (unsigned)(text.ptr[i++] - '0');
        if (i == from || value > 255 || (i - from > 1 && text.ptr[from] == '0'))
            return 0;
        if (octet < 3 && (i == text.len || text.ptr[i++] != '.'))
            return 0;
    }
    return i - at;
}

static size_t ip6_length(struct span text, size_t at)
{
    size_t colons = 0, end = at;
    struct addr a;

    while (end < text.len && end - at < ADDR_TEXT_MAX && is_hex_or_colon(text.ptr[end]))
        colons += text.ptr[end++] == ':';
    if (colons < 2)
        return 0;
    if (end < text.len && text.ptr[end] == '.') { /* an IPv4 address at its end */
        while (end > at && text.ptr[end - 1] != ':')
            end--;
        size_t tail = ip4_length(text, end);
        if (tail == 0)
            return 0;
        end += tail;
    }
    if (end < text.len && is_hex_or_colon(text.ptr[end]))
        return 0;
    return addr_parse(span_make(text.ptr + at, end - at), &a) == 0 ? end - at : 0;
}

size_t shape_address(struct span text, size_t at)
{
    static const struct span tag = { "IPv6:", 5 };
    char before = at > 0 ? text.ptr[at - 1] : ' ';
    size_t n;

    if (at >= text.len)
        return 0;
    if (span_istarts(span_skip(text, at), tag) && (n = ip6_length(text, at + tag.len)) != 0)
        return n + tag.len;
    if (ascii_is_digit(text.ptr[at]) && !is_word(before) && before != ':' && (n = ip4_length(text, at)) != 0 &&
        (at + n == text.len || !is_word(text.ptr[at + n])))
        return n;
    return is_hex_or_colon(text.ptr[at]) && !is_hex_or_colon(before) ? ip6_length(text, at) : 0;
}

static size_t local_length(struct span text, size_t at)
{
    static const struct span names[] = { { "localhost.localdomain", 21 }, { "localhost", 9 } };
    struct span rest = span_skip(text, at);
    struct addr a;

    for (size_t i = 0; i < 2; i++)
        if (span_istarts(rest, names[i]))
            return names[i].len;
    size_t n = shape_address(text, at);
    struct span ip = span_first(rest, n);
    if (span_istarts(ip, SPAN("IPv6:")))
        ip = span_skip(ip, 5);
    if (n == 0 || addr_parse(ip, &a) != 0)
        return 0;
    return span_is(ip, "127.0.0.1") || (a.family == ADDR_IP6 && addr_is_loopback(&a)) ||
                   (span_ends(ip, SPAN(":127.0.0.1")) && addr_is_loopback(&a))
               ? n
               : 0;
}

static bool fits(char kind, char c)
{
    switch (kind) {
    case 's':
    case 'S': return !is_blank(c);
    case 'd': return ascii_is_digit(c);
    case 'w': return is_word(c);
    case 'p': return c != ')';
    case 'P': return !is_blank(c) && c != '(' && c != ')';
    default: return true;
    }
}

static bool matches(struct shape_run *run, const char *shape, size_t at);

static void spend(struct shape_run *run, size_t bytes)
{
    size_t steps = bytes / 16;

    run->steps -= steps < run->steps ? (unsigned)steps : run->steps;
}

/* The rest after a hole that took the bytes from `at` to `end`. */
static bool filled(struct shape_run *run, char slot, const char *shape, size_t at, size_t end)
{
    if (run->steps == 0)
        return false;
    run->steps--;
    if (!matches(run, shape, end))
        return false;
    if (slot)
        run->slot[slot - 'a'] = span_make(run->text.ptr + at, end - at);
    return true;
}

static char folded(const struct shape_run *run, char c)
{
    return run->is_any_case ? ascii_lower(c) : c;
}

/* Whether what stands at `at` can be the rest's first byte: spares most of the steps. */
static bool may_follow(const struct shape_run *run, const char *shape, size_t at)
{
    if (*shape == '\0' || *shape == '{')
        return true;
    return at < run->text.len && folded(run, run->text.ptr[at]) == folded(run, *shape);
}

static bool greedy(struct shape_run *run, char kind, char slot, const char *shape, size_t at)
{
    size_t least = kind == 'S' || kind == 'P' || kind == 'A' ? 0 : 1, end = at;

    while (end < run->text.len && fits(kind, run->text.ptr[end]))
        end++;
    spend(run, end - at);
    for (;; end--) {
        if (end < at + least)
            return false;
        if (may_follow(run, shape, end) && filled(run, slot, shape, at, end))
            return true;
        if (end == at || run->steps == 0)
            return false;
    }
}

static bool reluctant(struct shape_run *run, char slot, const char *shape, size_t at)
{
    spend(run, run->text.len - at);
    for (size_t end = at; end <= run->text.len && run->steps; end++)
        if (may_follow(run, shape, end) && filled(run, slot, shape, at, end))
            return true;
    return false;
}

static bool literal_at(const struct shape_run *run, struct span literal, size_t at)
{
    struct span here = span_skip(run->text, at);

    return run->is_any_case ? span_istarts(here, literal) : span_starts(here, literal);
}

static bool one_of(struct shape_run *run, struct span choices, const char *shape, size_t at)
{
    struct span choice;

    while (span_cut(&choices, '|', &choice))
        if (literal_at(run, choice, at) && filled(run, 0, shape, at, at + choice.len))
            return true;
    return false;
}

static bool is_edge(struct span text, size_t at)
{
    bool before = at > 0 && is_word(text.ptr[at - 1]), after = at < text.len && is_word(text.ptr[at]);

    return before != after;
}

/* `hole` is what stands between the braces, `shape` what comes after them. */
static bool hole_matches(struct shape_run *run, struct span hole, const char *shape, size_t at)
{
    char kind = hole.ptr[0], slot = hole.len == 3 && hole.ptr[1] == ':' ? hole.ptr[2] : '\0';
    size_t n;

    if (kind == '?') {
        struct span maybe = span_skip(hole, 1);
        return (literal_at(run, maybe, at) && filled(run, 0, shape, at, at + maybe.len)) ||
               filled(run, 0, shape, at, at);
    }
    if (hole.len > 1 && !slot)
        return one_of(run, hole, shape, at);
    switch (kind) {
    case 'a': return reluctant(run, slot, shape, at);
    case 'i': return (n = shape_address(run->text, at)) != 0 && filled(run, slot, shape, at, at + n);
    case 'l': return (n = local_length(run->text, at)) != 0 && filled(run, slot, shape, at, at + n);
    case 'b': return is_edge(run->text, at) && filled(run, slot, shape, at, at);
    case '$': return at == run->text.len && filled(run, slot, shape, at, at);
    default: return greedy(run, kind, slot, shape, at);
    }
}

static bool matches(struct shape_run *run, const char *shape, size_t at)
{
    for (; *shape; shape++, at++) {
        if (*shape == '{') {
            const char *end = strchr(shape, '}');
            return hole_matches(run, span_make(shape + 1, (size_t)(end - shape - 1)), end + 1, at);
        }
        if (at >= run->text.len || folded(run, run->text.ptr[at]) != folded(run, *shape))
            return false;
    }
    return true;
}

bool shape_starts(struct shape_run *run, const char *shape)
{
    return matches(run, shape, 0);
}

bool shape_has(struct shape_run *run, const char *shape)
{
    size_t literal = strcspn(shape, "{");
    struct span first = span_make(shape, literal);

    for (size_t at = 0; at <= run->text.len && run->steps; at++) {
        struct span rest = span_skip(run->text, at);
        size_t next = literal == 0 ? 0 : run->is_any_case ? span_isearch(rest, first) : span_search(rest, first);

        if (next == SPAN_NPOS)
            return false;
        at += next;
        run->steps--;
        if (matches(run, shape, at))
            return true;
    }
    return false;
}

struct span shape_slot(const struct shape_run *run, char slot)
{
    struct span s = run->slot[slot - 'a'];

    return s.ptr ? s : SPAN("");
}
