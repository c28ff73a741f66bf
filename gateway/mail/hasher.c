/* mail/hasher.c - a hash in the making. */
#include "gateway/mail/hasher.h"

/* From this length on a piece is not worth copying. */
enum { DIRECT_BYTES = 512 };

void hasher_start(struct hasher *h, enum hash_kind kind, uint64_t most)
{
    h->left = most;
    h->total = 0;
    h->copy = NULL;
    h->held = 0;
    crypto_hash_start(crypto_here(), kind);
}

static void flush(struct hasher *h)
{
    crypto_hash_put(crypto_here(), span_make(h->hold, h->held));
    h->held = 0;
}

void hasher_put(struct hasher *h, struct span bytes)
{
    h->total += bytes.len;
    if (bytes.len > h->left)
        bytes.len = (size_t)h->left;
    if (bytes.len == 0)
        return;
    h->left -= bytes.len;
    if (h->copy)
        strbuf_put(h->copy, bytes);
    if (h->held + bytes.len > sizeof h->hold || bytes.len >= DIRECT_BYTES)
        flush(h);
    if (bytes.len >= DIRECT_BYTES) {
        crypto_hash_put(crypto_here(), bytes);
    } else {
        memcpy(h->hold + h->held, bytes.ptr, bytes.len);
        h->held += bytes.len;
    }
}

void hasher_putc(struct hasher *h, char byte)
{
    hasher_put(h, span_make(&byte, 1));
}

void hasher_end(struct hasher *h, unsigned char out[HASH_BYTES_MAX])
{
    flush(h);
    crypto_hash_end(crypto_here(), out);
}
