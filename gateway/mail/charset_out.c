/* mail/charset_out.c - UTF-8 as it is made. */
#include "gateway/mail/charset_out.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

void charset_out_init(struct charset_out *o, size_t most)
{
    *o = (struct charset_out){ .most = most };
}

void charset_out_release(struct charset_out *o)
{
    free(o->data);
}

void charset_room(struct charset_out *o, size_t bytes)
{
    size_t capacity = o->capacity ? o->capacity : 64;

    if (o->capacity - o->len >= bytes)
        return;
    while (capacity - o->len < bytes)
        capacity *= 2;
    o->data = mem_grow(o->data, capacity);
    o->capacity = capacity;
}

void charset_put_bytes(struct charset_out *o, struct span utf8)
{
    if (utf8.len > o->most - o->len) {
        size_t fits = o->most - o->len;

        while (fits && ((unsigned char)utf8.ptr[fits] & 0xc0) == 0x80)
            fits--;
        utf8.len = fits;
        o->is_full = true;
    }
    charset_room(o, utf8.len);
    if (utf8.len)
        memcpy(o->data + o->len, utf8.ptr, utf8.len);
    o->len += utf8.len;
}

void charset_put(struct charset_out *o, uint32_t code)
{
    unsigned length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (o->most - o->len < length)
        o->is_full = true;
    if (o->is_full)
        return;
    charset_room(o, 4);
    char *p = o->data + o->len;

    o->len += length;
    if (length == 1) {
        p[0] = (char)code;
        return;
    }
    for (unsigned i = length - 1; i > 0; i--, code >>= 6)
        p[i] = (char)(0x80 | (code & 0x3f));
    p[0] = (char)((0xf00U >> length & 0xf0U) | code); /* 110....., 1110...., 11110... */
}

void charset_put_bad(struct charset_out *o)
{
    o->flaws |= CHARSET_INVALID;
    charset_put(o, 0xfffd);
}

size_t charset_put_ascii(struct charset_out *o, struct span text)
{
    size_t n = 0;

    while (n < text.len && (unsigned char)text.ptr[n] < 0x80)
        n++;
    charset_put_bytes(o, span_first(text, n));
    return n;
}

void charset_from_single(struct charset_out *o, const uint16_t index[128], struct span text)
{
    while (text.len && !o->is_full) {
        unsigned char c = (unsigned char)text.ptr[0];

        if (c < 0x80) {
            text = span_skip(text, charset_put_ascii(o, text));
            continue;
        }
        if (index[c - 0x80] == 0xfffd)
            charset_put_bad(o);
        else
            charset_put(o, index[c - 0x80]);
        text = span_skip(text, 1);
    }
}
