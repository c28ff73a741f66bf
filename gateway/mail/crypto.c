/* mail/crypto.c - what each thread keeps for hashing and verifying.
 *
 * OpenSSL fails here only when it has no memory or no such hash, neither of which mail can bring about.
 */
#include "gateway/mail/crypto.h"

#include <pthread.h>
#include <stdlib.h>

#include "gateway/base/bug.h"

enum { DIGEST_SHOWN = 16 };

static pthread_key_t at_thread_end;
static _Thread_local struct crypto *here;

static void crypto_free(void *kept)
{
    struct crypto *c = kept;

    if (c->free_keys)
        c->free_keys(c->keys);
    EVP_MD_CTX_free(c->one_shot);
    for (size_t i = 0; i < HASH_KINDS; i++) {
        EVP_MD_CTX_free(c->digests[i]);
        EVP_MD_free(c->algorithms[i]);
    }
    free(c);
}

/* Before main(), when there is only one thread. */
__attribute__((constructor)) static void make_key(void)
{
    if (pthread_key_create(&at_thread_end, crypto_free))
        fatal_memory(sizeof(struct crypto));
}

static const char *const hash_names[HASH_KINDS] = { [HASH_SHA256] = "SHA256", [HASH_SHA1] = "SHA1" };

static struct crypto *crypto_new(void)
{
    struct crypto *c = mem_alloc(sizeof *c);

    c->one_shot = EVP_MD_CTX_new();
    for (size_t i = 0; i < HASH_KINDS; i++) {
        c->algorithms[i] = EVP_MD_fetch(NULL, hash_names[i], NULL);
        c->digests[i] = EVP_MD_CTX_new();
        if (!c->one_shot || !c->digests[i] || EVP_DigestInit_ex2(c->digests[i], c->algorithms[i], NULL) != 1)
            BUG("OpenSSL offers no %s", hash_names[i]);
    }
    if (pthread_setspecific(at_thread_end, c))
        fatal_memory(sizeof *c);
    return c;
}

struct crypto *crypto_here(void)
{
    if (!here)
        here = crypto_new();
    return here;
}

void crypto_forget(void)
{
    if (!here)
        return;
    pthread_setspecific(at_thread_end, NULL);
    crypto_free(here);
    here = NULL;
}

void crypto_hash_start(struct crypto *c, enum hash_kind kind)
{
    if (c->hashing)
        BUG("a second hash was begun before the first was ended");
    c->hashing = c->digests[kind];
    if (EVP_DigestInit_ex2(c->hashing, NULL, NULL) != 1)
        BUG("a hash cannot be begun");
}

void crypto_hash_put(struct crypto *c, struct span bytes)
{
    if (bytes.len && EVP_DigestUpdate(c->hashing, bytes.ptr, bytes.len) != 1)
        BUG("a hash cannot take %zu bytes", bytes.len);
}

void crypto_hash_end(struct crypto *c, unsigned char out[HASH_BYTES_MAX])
{
    if (EVP_DigestFinal_ex(c->hashing, out, NULL) != 1)
        BUG("a hash cannot be ended");
    c->hashing = NULL;
}

struct span crypto_digest_two(struct arena *a, struct span first, struct span second)
{
    unsigned char hash[HASH_BYTES_MAX];
    char *hex = arena_alloc(a, 2 * DIGEST_SHOWN + 1);
    struct crypto *crypto = crypto_here();

    crypto_hash_start(crypto, HASH_SHA256);
    crypto_hash_put(crypto, first);
    crypto_hash_put(crypto, span_make("", 1)); /* a NUL, so that nothing can move from one to the other */
    crypto_hash_put(crypto, second);
    crypto_hash_end(crypto, hash);
    for (size_t i = 0; i < DIGEST_SHOWN; i++) {
        hex[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    return span_make(hex, 2 * DIGEST_SHOWN);
}
