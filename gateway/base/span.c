/* base/span.c - bytes of somebody else's. */
#include "gateway/base/span.h"

bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_ieq(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool span_is(struct span a, const char *text)
{
    return span_eq(a, span_of(text));
}

/* Most of what is compared differs in its first letter: the text is not measured before. */
bool span_iis(struct span a, const char *text)
{
    for (size_t i = 0; i < a.len; i++)
        if (!text || !text[i] || ascii_lower(a.ptr[i]) != ascii_lower(text[i]))
            return false;
    return !text || !text[a.len];
}

bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq(span_first(s, prefix.len), prefix);
}

bool span_istarts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_ieq(span_first(s, prefix.len), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_eq(span_skip(s, s.len - suffix.len), suffix);
}

bool span_iends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_ieq(span_skip(s, s.len - suffix.len), suffix);
}

size_t span_find(struct span s, char byte)
{
    const char *p = s.len ? memchr(s.ptr, byte, s.len) : NULL;

    return p ? (size_t)(p - s.ptr) : SPAN_NPOS;
}

size_t span_rfind(struct span s, char byte)
{
    const char *p = s.len ? memrchr(s.ptr, byte, s.len) : NULL;

    return p ? (size_t)(p - s.ptr) : SPAN_NPOS;
}

size_t span_search(struct span s, struct span needle)
{
    if (needle.len == 0)
        return 0;
    const char *p = s.len >= needle.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;

    return p ? (size_t)(p - s.ptr) : SPAN_NPOS;
}

size_t span_isearch(struct span s, struct span needle)
{
    for (size_t i = 0; i + needle.len <= s.len; i++)
        if (span_ieq(span_make(s.ptr + i, needle.len), needle))
            return i;
    return SPAN_NPOS;
}

struct span span_skip(struct span s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return span_make(s.ptr ? s.ptr + n : NULL, s.len - n);
}

struct span span_first(struct span s, size_t n)
{
    return span_make(s.ptr, n < s.len ? n : s.len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool span_cut(struct span *rest, char byte, struct span *part)
{
    if (!rest->ptr)
        return false;
    size_t at = span_find(*rest, byte);

    if (at == SPAN_NPOS) {
        *part = *rest;
        *rest = span_make(NULL, 0);
    } else {
        *part = span_first(*rest, at);
        *rest = span_skip(*rest, at + 1);
    }
    return true;
}

bool span_word(struct span *rest, struct span *word)
{
    while (rest->len && ascii_is_wsp(rest->ptr[0]))
        *rest = span_skip(*rest, 1);
    size_t n = 0;

    while (n < rest->len && !ascii_is_wsp(rest->ptr[n]))
        n++;
    *word = span_first(*rest, n);
    *rest = span_skip(*rest, n);
    return n > 0;
}

enum fault span_u64(struct span s, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return FAULT_SYNTAX;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]))
            return FAULT_SYNTAX;
        unsigned digit = (unsigned)(s.ptr[i] - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return FAULT_RANGE;
        value = value * 10 + digit;
    }
    if (value > most)
        return FAULT_RANGE;
    *out = value;
    return FAULT_NONE;
}

enum fault span_copy(struct span s, char *out, size_t size)
{
    if (s.len >= size)
        return FAULT_TOO_LONG;
    if (span_find(s, '\0') != SPAN_NPOS)
        return FAULT_SYNTAX;
    if (s.len)
        memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return FAULT_NONE;
}
