/* mail/charset_out.c - UTF-8 as it is made. */
#include "gateway/mail/charset_out.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"

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
    if (o->is_full)
        return;
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

void charset_put_bad(struct charset_out *o)
{
    o->flaws |= CHARSET_INVALID;
    charset_put(o, 0xfffd);
}

size_t charset_put_ascii(struct charset_out *o, struct span text)
{
    size_t n = ascii_length(text);

    charset_put_bytes(o, span_first(text, n));
    return n;
}

enum { BLOCK = 4096, CHARACTER_MOST = 3 }; /* bytes of UTF-8 that a byte becomes */

/* A block that has room for whatever it becomes. */
static void single_block(struct charset_out *o, const uint16_t index[128], struct span block)
{
    char *p = o->data + o->len;

    for (size_t i = 0; i < block.len; i++) {
        unsigned char c = (unsigned char)block.ptr[i];
        uint32_t code = c < 0x80 ? c : index[c - 0x80];

        if (code == 0xfffd)
            o->flaws |= CHARSET_INVALID;
        p += charset_encode(p, code);
    }
    o->len = (size_t)(p - o->data);
}

void charset_from_single(struct charset_out *o, const uint16_t index[128], struct span text)
{
    while (text.len && !o->is_full) {
        struct span block = span_first(text, BLOCK);

        if (o->most - o->len >= block.len * CHARACTER_MOST) {
            charset_room(o, block.len * CHARACTER_MOST + 1);
            single_block(o, index, block);
        } else {
            block = span_first(block, 1);
            unsigned char c = (unsigned char)block.ptr[0];
            uint32_t code = c < 0x80 ? c : index[c - 0x80];

            if (code == 0xfffd)
                o->flaws |= CHARSET_INVALID;
            charset_put(o, code);
        }
        text = span_skip(text, block.len);
    }
}
