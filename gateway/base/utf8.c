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

bool utf8_is_valid(struct span s)
{
    while (s.len) {
        size_t length = utf8_length(s);

        if (length == 0)
            return false;
        s = span_skip(s, length);
    }
    return true;
}

bool ascii_is_all(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > 0x7f)
            return false;
    return true;
}
