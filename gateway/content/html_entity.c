/* content/html_entity.c - character references, by number and by name. */
#include "gateway/content/html_entity.h"

enum { NAME_MOST = 31, ALONE_MOST = 6, ALONE_LEAST = 2 };

/* What numbers from 128 to 159 mean: the characters of windows-1252 [HTML 13.2.5.80]. */
static const uint16_t from_windows[32] = {
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
    0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
};

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static int digit_of(char c, unsigned base)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t by_number(struct span s, char *out, size_t *bytes)
{
    bool is_hex = s.len > 2 && (s.ptr[2] | 32) == 'x';
    size_t at = is_hex ? 3 : 2, from = at;
    uint32_t number = 0;

    for (int digit; at < s.len && (digit = digit_of(s.ptr[at], is_hex ? 16 : 10)) >= 0; at++)
        if (number <= 0x10ffff)
            number = number * (is_hex ? 16 : 10) + (uint32_t)digit;
    if (at == from)
        return 0;
    if (number >= 0x80 && number < 0xa0)
        number = from_windows[number - 0x80];
    if (!number || number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
        number = 0xfffd;
    *bytes = put_utf8(number, out);
    return at + (at < s.len && s.ptr[at] == ';');
}

static const struct html_entity_name *find_name(struct span name)
{
    size_t low = 0, high = html_entity_name_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(name.ptr, html_entity_names[middle].name, name.len);

        if (!order && !html_entity_names[middle].name[name.len])
            return &html_entity_names[middle];
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static size_t name_found(const struct html_entity_name *found, size_t taken, char *out, size_t *bytes)
{
    *bytes = strlen(found->utf8);
    memcpy(out, found->utf8, *bytes);
    return taken;
}

static size_t by_name(struct span s, bool in_attribute, char *out, size_t *bytes)
{
    const struct html_entity_name *found;
    size_t len = 0;

    while (len < NAME_MOST && len + 1 < s.len && ascii_is_alnum(s.ptr[1 + len]))
        len++;
    if (len + 1 < s.len && s.ptr[len + 1] == ';' && (found = find_name(span_make(s.ptr + 1, len))))
        return name_found(found, len + 2, out, bytes);
    for (size_t n = len < ALONE_MOST ? len : ALONE_MOST; n >= ALONE_LEAST; n--) {
        if (!(found = find_name(span_make(s.ptr + 1, n))) || !found->stands_alone)
            continue;
        char next = n + 1 < s.len ? s.ptr[n + 1] : 0;

        /* href="?a=b&copy=c": query strings have such names */
        if (in_attribute && (next == '=' || ascii_is_alnum(next)))
            return 0;
        return name_found(found, n + 1, out, bytes);
    }
    return 0;
}

size_t html_entity(struct span s, bool in_attribute, char out[HTML_ENTITY_BYTES_MAX], size_t *bytes)
{
    if (s.len < 2)
        return 0;
    return s.ptr[1] == '#' ? by_number(s, out, bytes) : by_name(s, in_attribute, out, bytes);
}

bool html_has_odd_entity(struct span value)
{
    for (size_t amp; (amp = span_find(value, '&')) != SPAN_NPOS; value = span_skip(value, 1)) {
        char utf8[HTML_ENTITY_BYTES_MAX];
        size_t bytes;

        value = span_skip(value, amp);
        if (html_entity(value, true, utf8, &bytes) && html_entity_is_odd(utf8, bytes))
            return true;
    }
    return false;
}

struct span html_decode(struct arena *a, struct span value)
{
    size_t amp = span_find(value, '&');

    if (amp == SPAN_NPOS)
        return value;
    char *out = arena_alloc(a, value.len + value.len / 5 + 1); /* &nGt; becomes six bytes, nothing grows more */
    size_t len = 0;

    for (struct span rest = value; rest.len;) {
        size_t plain = span_find(rest, '&'), bytes = 1;

        plain = plain == SPAN_NPOS ? rest.len : plain;
        memcpy(out + len, rest.ptr, plain);
        len += plain;
        rest = span_skip(rest, plain);
        if (!rest.len)
            break;
        char utf8[HTML_ENTITY_BYTES_MAX] = "&";
        size_t taken = html_entity(rest, true, utf8, &bytes);

        memcpy(out + len, utf8, bytes);
        len += bytes;
        rest = span_skip(rest, taken ? taken : 1);
    }
    return span_make(out, len);
}
