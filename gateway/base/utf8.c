/* base/utf8.c - is it UTF-8? [RFC3629] */
#include "gateway/base/utf8.h"

size_t utf8_length(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;

    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;

    if (length == 0 || s.len < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool is_too_high = p[0] == 0xf4 && p[1] > 0x8f;

    return is_overlong || is_surrogate || is_too_high ? 0 : length;
}

uint32_t utf8_code_point(struct span s, size_t length)
{
    static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t code = (unsigned char)s.ptr[0] & first_bits[length];

    for (size_t i = 1; i < length; i++)
        code = code << 6U | ((unsigned char)s.ptr[i] & 0x3fU);
    return code;
}

/* Most text is ASCII, most of the rest has a few characters between long runs of it. */
size_t utf8_valid_length(struct span s)
{
    size_t at = 0, length = 1;

    while (length) {
        at += ascii_length(span_skip(s, at));
        length = utf8_length(span_skip(s, at));
        at += length;
    }
    return at;
}

bool utf8_is_valid(struct span s)
{
    return utf8_valid_length(s) == s.len;
}

static uint64_t eight(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

size_t ascii_length(struct span s)
{
    static const uint64_t high_bits = 0x8080808080808080;
    size_t n = 0;

    for (; s.len - n >= 32; n += 32)
        if ((eight(s.ptr + n) | eight(s.ptr + n + 8) | eight(s.ptr + n + 16) | eight(s.ptr + n + 24)) & high_bits)
            break;
    while (n < s.len && (unsigned char)s.ptr[n] < 0x80)
        n++;
    return n;
}

bool ascii_is_all(struct span s)
{
    return ascii_length(s) == s.len;
}
