/* mail/charset_out.h - UTF-8 as it is made, and the converters that make it: parts of charset.c.
 *
 * Every converter reads all of `text`, puts U+FFFD and notes CHARSET_INVALID for what it cannot read, and stops when
 * `out` is full. Each is linear.
 */
#ifndef MAIL_CHARSET_OUT_H
#define MAIL_CHARSET_OUT_H

#include "gateway/mail/charset.h"
#include "gateway/mail/charset_sets.h"

struct charset_out {
    char *data;
    size_t len, capacity, most;
    bool is_full; /* there would have been more than `most` bytes */
    unsigned flaws;
};

void charset_out_init(struct charset_out *o, size_t most);
void charset_out_release(struct charset_out *o);
/* charset_room - room for `bytes` more behind data + len. */
void charset_room(struct charset_out *o, size_t bytes);
/* charset_encode - a character as UTF-8 at `p`, which has room for four bytes; returns how many. charset_put - a
 * character. charset_put_bytes - UTF-8 as it is. charset_put_bad - what cannot be read. */
void charset_put_bytes(struct charset_out *o, struct span utf8);
void charset_put_bad(struct charset_out *o);
/* charset_put_ascii - what is ASCII at the front of `text`; returns how many bytes. */
size_t charset_put_ascii(struct charset_out *o, struct span text);

static inline size_t charset_encode(char *p, uint32_t code)
{
    if (code < 0x80) {
        p[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        p[0] = (char)(0xc0 | code >> 6);
        p[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        p[0] = (char)(0xe0 | code >> 12);
        p[1] = (char)(0x80 | (code >> 6 & 0x3f));
        p[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    p[0] = (char)(0xf0 | code >> 18);
    p[1] = (char)(0x80 | (code >> 12 & 0x3f));
    p[2] = (char)(0x80 | (code >> 6 & 0x3f));
    p[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static inline void charset_put(struct charset_out *o, uint32_t code)
{
    char bytes[4];

    if (o->most - o->len < sizeof bytes) { /* near the end */
        charset_put_bytes(o, span_make(bytes, charset_encode(bytes, code)));
        return;
    }
    if (o->capacity - o->len < sizeof bytes)
        charset_room(o, sizeof bytes);
    o->len += charset_encode(o->data + o->len, code);
}

void charset_from_single(struct charset_out *o, const uint16_t index[128], struct span text);
void charset_from_utf8(struct charset_out *o, struct span text);
void charset_from_utf16(struct charset_out *o, struct span text, bool is_big_endian);
void charset_from_utf32(struct charset_out *o, struct span text, bool is_big_endian);
/* charset_from_utf7 - [RFC2152], as mail readers have it: what should not be encoded may be. */
void charset_from_utf7(struct charset_out *o, struct span text);
/* charset_from_iconv - a set that the C library knows. Where a text changes between sets: charset_converter_open(), any
 * number of ..._put() with whole characters, ..._close(). */
void charset_from_iconv(struct charset_out *o, const struct charset_set *set, struct span text);

struct charset_converter {
    const struct charset_set *set;
    void *handle; /* iconv_t; NULL: the C library lacks it, and only ASCII can be read */
};

void charset_converter_open(struct charset_converter *c, const struct charset_set *set);
void charset_converter_put(struct charset_converter *c, struct charset_out *o, struct span text);
void charset_converter_close(struct charset_converter *c);
/* Charsets that change by escapes. A line end goes back to ASCII, as their standards want it [RFC1468, RFC1557,
 * RFC1843], so that an escape that is never taken back hides no more than its line. */
void charset_from_iso2022jp(struct charset_out *o, struct span text);
void charset_from_iso2022kr(struct charset_out *o, struct span text);
void charset_from_hz(struct charset_out *o, struct span text);

#endif
