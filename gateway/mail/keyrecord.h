/* mail/keyrecord.h - public keys as they stand in the DNS [RFC6376 3.6.1, RFC8301, RFC8463].
 *
 * Parsing a key costs more than verifying with it, so each thread keeps the records that it has parsed, good and bad
 * ones, by the digest of their text: what is kept can never be stale, and how long an answer lives stays the DNS'
 * business. At most KEYS_KEPT of them, about 5 KiB each.
 */
#ifndef MAIL_KEYRECORD_H
#define MAIL_KEYRECORD_H

#include <openssl/evp.h>

#include "gateway/mail/crypto.h"

enum { KEYS_KEPT = 512, RSA_BITS_LEAST = 1024, RSA_BITS_MOST = 4096 };

enum key_kind { KEY_RSA, KEY_ED25519 };

enum key_state {
    KEY_USABLE,
    KEY_FOREIGN,   /* no key record at all: no p=, or of another version; to be passed over [RFC6376 3.6.1] */
    KEY_MALFORMED, /* syntax of the record or of the key in it */
    KEY_REVOKED,   /* p= is empty */
    KEY_UNKNOWN,   /* of a kind that we do not know */
    KEY_SHORT,     /* RSA below 1024 bits: must not be used [RFC8301 3.2] */
    KEY_LONG,      /* RSA above 4096 bits: would cost too much */
};

struct key_record {
    enum key_state state;
    enum key_kind kind;
    unsigned bits;
    bool is_testing;         /* t=y */
    bool is_strict;          /* t=s: i= must be of the same domain as d= */
    bool allows[HASH_KINDS]; /* h= names it, or nothing */
    bool allows_mail;        /* s= */
    EVP_PKEY *key;           /* when usable or short */
    EVP_PKEY_CTX *rsa;       /* ready to verify SHA-256 with */
};

/* key_record_of - parsed, or from this thread's cache. Valid on this thread until its next key_record_of(). */
const struct key_record *key_record_of(struct span text);
/* key_state_text - what to say of a key that cannot be used. */
const char *key_state_text(enum key_state state);
/* key_verifies - whether `signature` is one of `hash` by this key, which must be usable or short. */
bool key_verifies(const struct key_record *key, enum hash_kind kind, const unsigned char *hash, struct span signature);

/* key_record_parse, key_record_release - without the cache. */
void key_record_parse(struct span text, struct key_record *out);
void key_record_release(struct key_record *key);

#endif
