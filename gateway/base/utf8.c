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

/* A machine of nine states: a byte's word holds, at the place that is a state's number, the next state. So a byte costs
 * one shift. States: E0, ED, F0 and F4 are behind those bytes, whose next ones have bounds of their own. */
enum { ERROR = 0, ACCEPT = 6, NEED1 = 12, NEED2 = 18, NEED3 = 24, E0 = 30, ED = 36, F0 = 42, F4 = 48 };

#define TO(from, to) ((uint64_t)(to) << (from))
#define CONTINUATION (TO(NEED1, ACCEPT) | TO(NEED2, NEED1) | TO(NEED3, NEED2))

static const uint64_t next_states[256] = {
    [0x00 ... 0x7f] = TO(ACCEPT, ACCEPT),
    [0x80 ... 0x8f] = CONTINUATION | TO(ED, NEED1) | TO(F4, NEED2),
    [0x90 ... 0x9f] = CONTINUATION | TO(ED, NEED1) | TO(F0, NEED2),
    [0xa0 ... 0xbf] = CONTINUATION | TO(E0, NEED1) | TO(F0, NEED2),
    [0xc2 ... 0xdf] = TO(ACCEPT, NEED1),
    [0xe0] = TO(ACCEPT, E0),
    [0xe1 ... 0xec] = TO(ACCEPT, NEED2),
    [0xed] = TO(ACCEPT, ED),
    [0xee ... 0xef] = TO(ACCEPT, NEED2),
    [0xf0] = TO(ACCEPT, F0),
    [0xf1 ... 0xf3] = TO(ACCEPT, NEED3),
    [0xf4] = TO(ACCEPT, F4),
};

enum { STEP = 32 };

/* Whole characters at the front of `s`, as many steps as are well-formed. */
static size_t valid_steps(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    uint64_t state = ACCEPT;
    size_t n = 0;

    while (s.len - n >= STEP) {
        uint64_t before = state;

        for (size_t i = 0; i < STEP; i++)
            state = next_states[p[n + i]] >> (state & 63);
        if ((state & 63) == ERROR) {
            state = before;
            break;
        }
        n += STEP;
    }
    if ((state & 63) == ACCEPT)
        return n;
    while (n && (p[n - 1] & 0xc0) == 0x80) /* back to where the character begins that is not whole */
        n--;
    return n - (n > 0);
}

size_t utf8_valid_length(struct span s)
{
    size_t at = ascii_length(s), length = 1;

    if (s.len - at >= STEP)
        at += valid_steps(span_skip(s, at));
    while (length) {
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
