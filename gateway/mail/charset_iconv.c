/* mail/charset_iconv.c - charsets that the C library knows: those of East Asia, and old ones. */
#include "gateway/mail/charset_out.h"

#include <errno.h>
#include <iconv.h>

/* The euro sign of Windows, which GB18030's table lacks. */
static bool is_gb_euro(const struct charset_set *set, struct span text)
{
    return set == &charset_sets[SET_GB18030] && text.ptr[0] == '\x80';
}

/* What cannot be read is one byte, or two when the second one cannot begin or be anything by itself: ASCII is never
 * swallowed (the Encoding Standard's way). */
static size_t put_bad(struct charset_out *o, const struct charset_set *set, struct span text)
{
    if (is_gb_euro(set, text)) {
        charset_put(o, 0x20ac);
        return 1;
    }
    charset_put_bad(o);
    return set->kind == KIND_MULTI && text.len > 1 && (unsigned char)text.ptr[0] > 0x80 &&
                   (unsigned char)text.ptr[1] >= 0x80
               ? 2
               : 1;
}

/* Moves *text forward; false when there is no more room. */
static bool step(struct charset_converter *c, struct charset_out *o, struct span *text)
{
    char *in = (char *)text->ptr, *out; /* iconv() does not write to `in` */
    size_t left = text->len, room;

    charset_room(o, left + 16);
    room = o->capacity - o->len < o->most - o->len ? o->capacity - o->len : o->most - o->len;
    out = o->data + o->len;
    size_t done = iconv(c->handle, &in, &left, &out, &room);
    int why = done == (size_t)-1 ? errno : 0;

    o->len = (size_t)(out - o->data);
    *text = span_make(in, left);
    if (why == E2BIG)
        o->is_full = o->most - o->len < 16;
    else if (why && left)
        *text = span_skip(*text, put_bad(o, c->set, *text));
    return !o->is_full;
}

static void put_ascii_alone(struct charset_out *o, struct span text)
{
    while (text.len && !o->is_full) {
        text = span_skip(text, charset_put_ascii(o, text));
        if (text.len)
            charset_put_bad(o);
        text = span_skip(text, 1);
    }
}

void charset_converter_open(struct charset_converter *c, const struct charset_set *set)
{
    iconv_t handle = iconv_open("UTF-8", set->name);

    *c = (struct charset_converter){ .set = set, .handle = handle == (iconv_t)-1 ? NULL : handle };
}

void charset_converter_close(struct charset_converter *c)
{
    if (c->handle)
        iconv_close(c->handle);
}

void charset_converter_put(struct charset_converter *c, struct charset_out *o, struct span text)
{
    size_t held = 16;

    if (!c->handle) {
        put_ascii_alone(o, text);
        return;
    }
    while (text.len && step(c, o, &text))
        ;
    if (o->most - o->len < held)
        return;
    charset_room(o, held);
    char *out = o->data + o->len;

    iconv(c->handle, NULL, NULL, &out, &held); /* a character that waits for what combines with it */
    o->len = (size_t)(out - o->data);
}

void charset_from_iconv(struct charset_out *o, const struct charset_set *set, struct span text)
{
    struct charset_converter c;

    charset_converter_open(&c, set);
    charset_converter_put(&c, o, text);
    charset_converter_close(&c);
}
