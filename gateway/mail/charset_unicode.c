/* mail/charset_unicode.c - UTF-8 that is broken, UTF-16, UTF-32 and UTF-7 [RFC3629, RFC2781, RFC2152]. */
#include "gateway/mail/charset_out.h"

#include "gateway/base/utf8.h"
#include "gateway/mail/codec_run.h"

/* How many bytes one U+FFFD stands for: the beginning of a character as far as it goes, or one byte (the Encoding
 * Standard's way: what follows is never swallowed). */
static size_t bad_length(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t want = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 1;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    size_t n = 1;

    while (n < want && n < s.len && p[n] >= low && p[n] <= high) {
        low = 0x80;
        high = 0xbf;
        n++;
    }
    return n;
}

enum { NEAR = 16 }; /* characters behind a bad byte that are looked at one by one: more of those may come */

void charset_from_utf8(struct charset_out *o, struct span text)
{
    unsigned near = 0;

    while (text.len && !o->is_full) {
        size_t good = near ? utf8_length(text) : utf8_valid_length(text);

        if (good == 0) {
            charset_put_bad(o);
            text = span_skip(text, bad_length(text));
            near = NEAR;
            continue;
        }
        near -= near > 0;
        charset_put_bytes(o, span_first(text, good));
        text = span_skip(text, good);
    }
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Units of UTF-16 as they come: `high` waits for its other half. */
struct units {
    struct charset_out *out;
    uint32_t high;
};

static void unit_put(struct units *u, uint32_t unit)
{
    uint32_t high = u->high;

    u->high = 0;
    if (high && is_low_surrogate(unit)) {
        charset_put(u->out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
        return;
    }
    if (high)
        charset_put_bad(u->out);
    if (is_high_surrogate(unit))
        u->high = unit;
    else if (is_low_surrogate(unit))
        charset_put_bad(u->out);
    else
        charset_put(u->out, unit);
}

static void units_end(struct units *u)
{
    if (u->high)
        charset_put_bad(u->out);
    u->high = 0;
}

void charset_from_utf16(struct charset_out *o, struct span text, bool is_big_endian)
{
    struct units u = { .out = o };
    const unsigned char *p = (const unsigned char *)text.ptr;

    for (size_t i = 0; i + 2 <= text.len && !o->is_full; i += 2)
        unit_put(&u, is_big_endian ? (uint32_t)p[i] << 8 | p[i + 1] : (uint32_t)p[i + 1] << 8 | p[i]);
    units_end(&u);
    if (text.len % 2)
        charset_put_bad(o);
}

void charset_from_utf32(struct charset_out *o, struct span text, bool is_big_endian)
{
    const unsigned char *p = (const unsigned char *)text.ptr;

    for (size_t i = 0; i + 4 <= text.len && !o->is_full; i += 4) {
        uint32_t code = 0;

        for (size_t k = 0; k < 4; k++)
            code = code << 8 | p[i + (is_big_endian ? k : 3 - k)];
        if (i == 0 && code == 0xfeff)
            continue;
        if (code > 0x10ffff || is_high_surrogate(code) || is_low_surrogate(code))
            charset_put_bad(o);
        else
            charset_put(o, code);
    }
    if (text.len % 4)
        charset_put_bad(o);
}

/* The base64 behind a plus: units of UTF-16, without padding. Returns its length, with the minus that may end it. */
static size_t put_shifted(struct charset_out *o, struct span text)
{
    struct units u = { .out = o };
    uint32_t held = 0;
    unsigned bits = 0;
    size_t n = 0;

    for (; n < text.len && base64_sixes[(unsigned char)text.ptr[n]] < 64; n++) {
        held = held << 6 | base64_sixes[(unsigned char)text.ptr[n]];
        bits += 6;
        if (bits >= 16) {
            bits -= 16;
            unit_put(&u, held >> bits & 0xffff);
        }
    }
    units_end(&u);
    if (bits >= 6)
        charset_put_bad(o);
    return n < text.len && text.ptr[n] == '-' ? n + 1 : n;
}

void charset_from_utf7(struct charset_out *o, struct span text)
{
    while (text.len && !o->is_full) {
        size_t plain = 0;

        while (plain < text.len && text.ptr[plain] != '+' && (unsigned char)text.ptr[plain] < 0x80)
            plain++;
        charset_put_bytes(o, span_first(text, plain));
        text = span_skip(text, plain);
        if (text.len == 0)
            return;
        if (text.ptr[0] != '+') {
            charset_put_bad(o);
            text = span_skip(text, 1);
        } else if (span_starts(text, SPAN("+-"))) {
            charset_put(o, '+');
            text = span_skip(text, 2);
        } else {
            size_t shifted = put_shifted(o, span_skip(text, 1));

            if (shifted == 0) /* a plus alone is one, to readers */
                charset_put(o, '+');
            text = span_skip(text, 1 + shifted);
        }
    }
}
