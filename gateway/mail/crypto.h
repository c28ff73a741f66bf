/* mail/crypto.h - what each thread keeps for hashing and verifying: OpenSSL's contexts, and the keys it has parsed.
 *
 * Fetching an algorithm or making a context costs more than hashing a short header, so a thread makes them once. They
 * are released when the thread ends. Nothing here is shared, so nothing is locked.
 */
#ifndef MAIL_CRYPTO_H
#define MAIL_CRYPTO_H

#include <openssl/evp.h>

#include "gateway/base/arena.h"
#include "gateway/base/span.h"

/* SHA-1 is here for historic mail alone; mail/signature.h says who may ask for it. */
enum hash_kind { HASH_SHA256, HASH_SHA1, HASH_KINDS };

enum { HASH_BYTES_MAX = 32 };

struct crypto {
    EVP_MD *algorithms[HASH_KINDS];
    EVP_MD_CTX *digests[HASH_KINDS];
    EVP_MD_CTX *hashing;  /* the one in the making; NULL */
    EVP_MD_CTX *one_shot; /* free between two calls */
    void *keys;           /* mail/keyrecord.c's cache */
    void (*free_keys)(void *keys);
};

/* crypto_here - this thread's. */
struct crypto *crypto_here(void);
/* crypto_forget - releases this thread's early; the next crypto_here() makes it anew. */
void crypto_forget(void);

/* One hash at a time: start, put, end. */
void crypto_hash_start(struct crypto *c, enum hash_kind kind);
void crypto_hash_put(struct crypto *c, struct span bytes);
void crypto_hash_end(struct crypto *c, unsigned char out[HASH_BYTES_MAX]);

/* crypto_digest_two - 32 hex digits for keys: half of the SHA-256 of both texts, a NUL between them. In `a`. */
struct span crypto_digest_two(struct arena *a, struct span first, struct span second);

static inline size_t hash_bytes(enum hash_kind kind)
{
    return kind == HASH_SHA1 ? 20 : 32;
}

#endif
