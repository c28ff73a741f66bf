/* mail/hasher.h - a hash in the making, fed with pieces of canonical text.
 *
 * Short pieces are gathered, long ones go straight to the hash function, so that canonicalisation need not copy what
 * it leaves as it is. The context belongs to the thread (mail/crypto.h): one hasher at a time between start and end.
 */
#ifndef MAIL_HASHER_H
#define MAIL_HASHER_H

#include "gateway/base/strbuf.h"
#include "gateway/mail/crypto.h"

enum { HASHER_HOLD_BYTES = 4096 };

#define HASHER_ALL UINT64_MAX

struct hasher {
    uint64_t left;       /* bytes that still count */
    uint64_t total;      /* bytes that were put, counted or not */
    struct strbuf *copy; /* what was hashed, for tests and diagnosis; NULL */
    size_t held;
    char hold[HASHER_HOLD_BYTES];
};

/* hasher_start - only the first `most` bytes will be hashed, all are counted in `total`. */
void hasher_start(struct hasher *h, enum hash_kind kind, uint64_t most);
void hasher_put(struct hasher *h, struct span bytes);
void hasher_putc(struct hasher *h, char byte);
void hasher_end(struct hasher *h, unsigned char out[HASH_BYTES_MAX]);

#endif
