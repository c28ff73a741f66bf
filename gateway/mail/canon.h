/* mail/canon.h - simple and relaxed canonicalisation [RFC6376 3.4], and the body hashes that signatures share.
 *
 * A line ends in CRLF and in nothing else; the doors see to it. Text that canonicalisation leaves as it is goes to the
 * hash function where it lies.
 */
#ifndef MAIL_CANON_H
#define MAIL_CANON_H

#include "gateway/mail/hasher.h"
#include "gateway/mail/message.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* canon_body - all of it [RFC6376 3.4.3, 3.4.4]. */
void canon_body(struct hasher *h, enum canon canon, struct span body);
/* canon_field - one field with its CRLF [RFC6376 3.4.1, 3.4.2]. */
void canon_field(struct hasher *h, enum canon canon, const struct header_field *field);
/* canon_signature - the field that holds the signature itself: without `cut`, which lies in its body (the value of
 * b=), and without the final CRLF [RFC6376 3.7]. */
void canon_signature(struct hasher *h, enum canon canon, const struct header_field *field, struct span cut);

#define BODY_WHOLE UINT64_MAX

struct body_hash {
    enum canon canon;
    enum hash_kind kind;
    uint64_t length;      /* of the canonical body, as asked for: BODY_WHOLE, or l= */
    uint64_t whole_bytes; /* of the canonical body, all of it */
    unsigned char hash[HASH_BYTES_MAX];
};

/* body_hash - of the first `length` bytes of the canonical body, computed when first asked for and kept in
 * the message. NULL when the message has been asked for BODY_HASHES_MAX different ones: a hostile message must not
 * have its body hashed without end. */
enum { BODY_HASHES_MAX = 24 };
const struct body_hash *body_hash(struct message *m, enum canon canon, enum hash_kind kind, uint64_t length);

#endif
