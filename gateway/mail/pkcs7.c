/* mail/pkcs7.c - the way through the BER of a SignedData to its content [RFC5652 5.1].
 *
 * Values are entered and left out one after the other; where one ends that has no length is found by what follows.
 * Chunks of a text may lie in each other: they are read as one run, whatever their levels.
 */
#include "gateway/mail/pkcs7.h"

enum {
    BER_OCTETS = 0x04,
    BER_OID = 0x06,
    BER_CHUNKS = 0x24, /* octets in pieces */
    BER_SEQUENCE = 0x30,
    BER_FIRST = 0xa0, /* [0] */
    LEVELS_MAX = 16,
};

#define OID_SIGNED SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")

struct value {
    unsigned tag;
    struct span content; /* of one without length: all that is left */
    bool is_open;        /* without length: up to two NULs */
    size_t length;       /* that it says */
};

/* Takes tag and length off the front of *rest; false: there are none. */
static bool take_head(struct span *rest, struct value *out)
{
    const unsigned char *p = (const unsigned char *)rest->ptr;
    size_t head = 2, length;

    if (rest->len < 2 || (p[0] & 0x1f) == 0x1f)
        return false;
    *out = (struct value){ .tag = p[0], .is_open = p[1] == 0x80 };
    length = p[1];
    if (length > 0x80) {
        size_t bytes = length & 0x7f;

        if (bytes > 8 || rest->len < 2 + bytes)
            return false;
        length = 0;
        for (size_t i = 0; i < bytes; i++)
            length = length << 8 | p[2 + i];
        head += bytes;
    }
    *rest = span_skip(*rest, head);
    out->length = out->is_open ? rest->len : length;
    out->content = span_first(*rest, out->length);
    return true;
}

static bool is_end(const struct value *v)
{
    return v->tag == 0 && v->length == 0;
}

/* Goes into the next value, which must be a `tag`. */
static bool enter(struct span *rest, unsigned tag)
{
    struct value v;

    if (!take_head(rest, &v) || v.tag != tag)
        return false;
    *rest = v.content;
    return true;
}

/* Goes behind the next value. */
static bool leave_out(struct span *rest)
{
    size_t levels = 0;
    struct value v;

    do {
        if (!take_head(rest, &v))
            return false;
        if (v.is_open && ++levels > LEVELS_MAX)
            return false;
        if (is_end(&v) && levels)
            levels--;
        else if (!v.is_open)
            *rest = span_skip(*rest, v.content.len);
    } while (levels);
    return true;
}

/* The octets at the front of `rest`, in one piece or in many. */
static enum pkcs7_kind join(struct arena *a, struct span rest, size_t most, struct span *content)
{
    struct value v;
    char *out = NULL;
    size_t len = 0;

    if (!take_head(&rest, &v) || (v.tag != BER_OCTETS && v.tag != BER_CHUNKS))
        return PKCS7_OTHER;
    if (v.tag == BER_OCTETS) {
        *content = span_first(v.content, most);
        return content->len == v.length ? PKCS7_SIGNED : PKCS7_BROKEN;
    }
    bool is_open = v.is_open;
    size_t room = v.content.len < most ? v.content.len : most;

    rest = v.content;
    out = arena_alloc(a, room + 1);
    while (take_head(&rest, &v) && (v.tag == BER_OCTETS || v.tag == BER_CHUNKS || is_end(&v))) {
        struct span piece = v.tag == BER_OCTETS ? span_first(v.content, room - len) : SPAN("");

        if (piece.len)
            memcpy(out + len, piece.ptr, piece.len);
        len += piece.len;
        if (v.tag != BER_CHUNKS)
            rest = span_skip(rest, v.content.len);
        if (v.tag == BER_OCTETS && piece.len < v.length) {
            *content = span_make(out, len);
            return PKCS7_BROKEN;
        }
    }
    *content = span_make(out, len);
    return rest.len == 0 || is_open ? PKCS7_SIGNED : PKCS7_BROKEN;
}

enum pkcs7_kind pkcs7_signed(struct arena *a, struct span wrapped, size_t most, struct span *content)
{
    struct span rest = wrapped, oid;
    struct value v;

    *content = SPAN("");
    if (!enter(&rest, BER_SEQUENCE) || !take_head(&rest, &v) || v.tag != BER_OID)
        return PKCS7_OTHER;
    oid = v.content;
    rest = span_skip(rest, oid.len);
    if (!span_eq(oid, OID_SIGNED))
        return PKCS7_OTHER;
    if (!enter(&rest, BER_FIRST) || !enter(&rest, BER_SEQUENCE) || !leave_out(&rest) || !leave_out(&rest) ||
        !enter(&rest, BER_SEQUENCE) || !leave_out(&rest))
        return PKCS7_BROKEN;
    return enter(&rest, BER_FIRST) ? join(a, rest, most, content) : PKCS7_OTHER;
}
