/* mail/keyrecord.c - public keys as they stand in the DNS.
 *
 * The DER around an RSA key is taken apart here, not by OpenSSL's decoders: they take 100 us and any kind of key; this
 * takes the modulus' length before anything is computed with it.
 */
#include "gateway/mail/keyrecord.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/tagvalue.h"

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_OID = 0x06, DER_SEQUENCE = 0x30 };
/* A key of RSA_BITS_MOST takes 550 bytes; what is longer is not looked at. */
enum { KEY_BYTES_MAX = 2100, EXPONENT_BYTES_MAX = 8, ED25519_KEY_BYTES = 32 };

/* rsaEncryption [RFC8017 A.1]: 1.2.840.113549.1.1.1 */
#define OID_RSA SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")

/* Takes an element of that tag off *rest; its contents into *out. */
static bool der_take(struct span *rest, int tag, struct span *out)
{
    if (rest->len < 2 || (unsigned char)rest->ptr[0] != tag)
        return false;
    size_t len = (unsigned char)rest->ptr[1], head = 2;

    if (len > 0x80) {
        size_t bytes = len - 0x80;

        if (bytes > 2 || rest->len < 2 + bytes)
            return false;
        for (len = 0; head < 2 + bytes; head++)
            len = len << 8 | (unsigned char)rest->ptr[head];
    } else if (len == 0x80) {
        return false;
    }
    *out = span_skip(*rest, head);
    if (out->len < len)
        return false;
    *out = span_first(*out, len);
    *rest = span_skip(*rest, head + len);
    return true;
}

/* A positive number without its leading zeros. */
static bool der_number(struct span *rest, struct span *out)
{
    if (!der_take(rest, DER_INTEGER, out) || out->len == 0 || (unsigned char)out->ptr[0] > 0x7f)
        return false;
    while (out->len && out->ptr[0] == 0)
        *out = span_skip(*out, 1);
    return out->len > 0;
}

/* RSAPublicKey, or SubjectPublicKeyInfo around it: RFC 6376 says the one, all the world publishes the other. */
static bool der_rsa(struct span der, struct span *modulus, struct span *exponent)
{
    struct span outer, algorithm, oid, bits, inner;

    if (!der_take(&der, DER_SEQUENCE, &outer))
        return false;
    inner = outer;
    if (der_take(&outer, DER_SEQUENCE, &algorithm)) {
        if (!der_take(&algorithm, DER_OID, &oid) || !span_eq(oid, OID_RSA))
            return false;
        if (!der_take(&outer, DER_BITS, &bits) || bits.len == 0 || bits.ptr[0] != 0)
            return false;
        bits = span_skip(bits, 1);
        if (!der_take(&bits, DER_SEQUENCE, &inner))
            return false;
    }
    return der_number(&inner, modulus) && der_number(&inner, exponent);
}

static unsigned bit_length(struct span number)
{
    unsigned top = (unsigned char)number.ptr[0], bits = (unsigned)(number.len - 1) * 8;

    for (; top; top >>= 1)
        bits++;
    return bits;
}

static BIGNUM *number_of(struct span bytes)
{
    BIGNUM *number = BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);

    if (!number)
        fatal_memory(bytes.len);
    return number;
}

static EVP_PKEY *rsa_new(struct span modulus, struct span exponent)
{
    BIGNUM *n = number_of(modulus), *e = number_of(exponent);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build && ctx && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

/* A context that verifies PKCS#1 v1.5 signatures of SHA-256 hashes, again and again. */
static EVP_PKEY_CTX *rsa_verifier(EVP_PKEY *key, const EVP_MD *sha256)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (ctx && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, sha256) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static enum key_state read_rsa(struct span der, struct key_record *out)
{
    struct span modulus, exponent;

    out->kind = KEY_RSA;
    if (!der_rsa(der, &modulus, &exponent))
        return KEY_MALFORMED;
    out->bits = bit_length(modulus);
    if (out->bits > RSA_BITS_MOST)
        return KEY_LONG;
    /* An even number, or one for the exponent, makes no RSA key; a long exponent makes a slow one. */
    bool is_odd = (modulus.ptr[modulus.len - 1] & 1) && (exponent.ptr[exponent.len - 1] & 1);

    if (!is_odd || exponent.len > EXPONENT_BYTES_MAX || bit_length(exponent) < 2)
        return KEY_MALFORMED;
    out->key = rsa_new(modulus, exponent);
    out->rsa = out->key ? rsa_verifier(out->key, crypto_here()->algorithms[HASH_SHA256]) : NULL;
    if (out->bits < RSA_BITS_LEAST)
        return KEY_SHORT; /* whatever else may be wrong with it */
    return out->rsa ? KEY_USABLE : KEY_MALFORMED;
}

static enum key_state read_ed25519(struct span raw, struct key_record *out)
{
    out->kind = KEY_ED25519;
    if (raw.len != ED25519_KEY_BYTES)
        return KEY_MALFORMED;
    out->bits = 256;
    out->key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)raw.ptr, raw.len);
    return out->key ? KEY_USABLE : KEY_MALFORMED;
}

static enum key_state read_key(const struct tag_list *tags, struct key_record *out)
{
    unsigned char bytes[KEY_BYTES_MAX];
    size_t len = 0;
    struct span kind = tags_value(tags, "k"), p = tags_value(tags, "p");
    bool is_rsa = !kind.ptr || span_iis(kind, "rsa");

    if (p.len == 0)
        return KEY_REVOKED;
    if (!is_rsa && !span_iis(kind, "ed25519"))
        return KEY_UNKNOWN;
    enum fault fault = tag_base64(p, bytes, sizeof bytes, &len);

    if (fault)
        return fault == FAULT_TOO_LONG ? KEY_LONG : KEY_MALFORMED;
    struct span key = span_make((const char *)bytes, len);

    return is_rsa ? read_rsa(key, out) : read_ed25519(key, out);
}

static bool names_none_or(const struct tag_list *tags, const char *tag, const char *word, const char *other)
{
    struct span value = tags_value(tags, tag);

    return !value.ptr || tag_has_item(value, word) || (other && tag_has_item(value, other));
}

void key_record_parse(struct span text, struct key_record *out)
{
    struct tag_list tags;
    enum fault fault = tags_parse(text, &tags);
    const struct tag *version = tags_find(&tags, "v");

    *out = (struct key_record){ .state = KEY_FOREIGN };
    if (version && (version != tags.items || !span_is(version->value, "DKIM1")))
        return;
    if (fault) { /* a record of something else, unless it looks like ours */
        out->state = version || tags_find(&tags, "p") || tags_find(&tags, "k") ? KEY_MALFORMED : KEY_FOREIGN;
        return;
    }
    if (!tags_find(&tags, "p"))
        return;
    struct span flags = tags_value(&tags, "t");

    out->is_testing = tag_has_item(flags, "y");
    out->is_strict = tag_has_item(flags, "s");
    out->allows[HASH_SHA256] = names_none_or(&tags, "h", "sha256", NULL);
    out->allows[HASH_SHA1] = names_none_or(&tags, "h", "sha1", NULL);
    out->allows_mail = names_none_or(&tags, "s", "email", "*");
    out->state = read_key(&tags, out);
    if (out->state != KEY_USABLE)
        ERR_clear_error();
}

void key_record_release(struct key_record *key)
{
    EVP_PKEY_CTX_free(key->rsa);
    EVP_PKEY_free(key->key);
    *key = (struct key_record){ .state = KEY_FOREIGN };
}

/* SHA-1 is so rare that it has no context of its own. */
static bool rsa_verifies(const struct key_record *key, enum hash_kind kind, const unsigned char *hash,
                         struct span signature)
{
    EVP_PKEY_CTX *ctx = kind == HASH_SHA256 ? key->rsa : rsa_verifier(key->key, crypto_here()->algorithms[kind]);
    bool verifies =
        ctx && EVP_PKEY_verify(ctx, (const unsigned char *)signature.ptr, signature.len, hash, hash_bytes(kind)) == 1;

    if (ctx != key->rsa)
        EVP_PKEY_CTX_free(ctx);
    return verifies;
}

/* PureEdDSA of the hash [RFC8463 3]. */
static bool ed25519_verifies(const struct key_record *key, const unsigned char *hash, struct span signature)
{
    EVP_MD_CTX *ctx = crypto_here()->one_shot;

    return EVP_MD_CTX_reset(ctx) == 1 && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key->key, NULL) == 1 &&
           EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len, hash, hash_bytes(HASH_SHA256)) ==
               1;
}

bool key_verifies(const struct key_record *key, enum hash_kind kind, const unsigned char *hash, struct span signature)
{
    bool verifies = key->key && (key->kind == KEY_RSA ? rsa_verifies(key, kind, hash, signature)
                                                      : ed25519_verifies(key, hash, signature));

    if (!verifies)
        ERR_clear_error(); /* or TLS on this thread would take them for its own */
    return verifies;
}

static const char *const state_texts[] = {
    [KEY_USABLE] = "key is usable",
    [KEY_FOREIGN] = "what is published there is no DKIM key record",
    [KEY_MALFORMED] = "key record is malformed",
    [KEY_REVOKED] = "key is revoked",
    [KEY_UNKNOWN] = "key is of an unknown kind",
    [KEY_SHORT] = "RSA key has less than 1024 bits",
    [KEY_LONG] = "RSA key has more than 4096 bits",
};

const char *key_state_text(enum key_state state)
{
    if ((size_t)state >= COUNT(state_texts))
        BUG("key state %d", (int)state);
    return state_texts[state];
}

/* The cache: sets of a few places each; the set follows from the digest, the place least recently used is given up. */
enum { PLACES = 4, SETS = KEYS_KEPT / PLACES };

struct kept_key {
    unsigned char digest[HASH_BYTES_MAX];
    uint64_t used; /* when, in look-ups; 0: empty */
    struct key_record record;
};

struct key_cache {
    uint64_t now;
    struct kept_key places[SETS][PLACES];
};

static void key_cache_free(void *kept)
{
    struct key_cache *cache = kept;

    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < PLACES; j++)
            key_record_release(&cache->places[i][j].record);
    free(cache);
}

static struct key_cache *key_cache_here(void)
{
    struct crypto *here = crypto_here();

    if (!here->keys) {
        here->keys = mem_alloc(sizeof(struct key_cache));
        here->free_keys = key_cache_free;
    }
    return here->keys;
}

static void digest_of(struct span text, unsigned char out[HASH_BYTES_MAX])
{
    struct crypto *here = crypto_here();

    crypto_hash_start(here, HASH_SHA256);
    crypto_hash_put(here, text);
    crypto_hash_end(here, out);
}

const struct key_record *key_record_of(struct span text)
{
    struct key_cache *cache = key_cache_here();
    unsigned char digest[HASH_BYTES_MAX];

    digest_of(text, digest);
    struct kept_key *set = cache->places[(digest[0] | digest[1] << 8) % SETS], *oldest = set;

    cache->now++;
    for (size_t i = 0; i < PLACES; i++) {
        if (set[i].used && memcmp(set[i].digest, digest, sizeof digest) == 0) {
            set[i].used = cache->now;
            return &set[i].record;
        }
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    key_record_release(&oldest->record);
    key_record_parse(text, &oldest->record);
    memcpy(oldest->digest, digest, sizeof digest);
    oldest->used = cache->now;
    return &oldest->record;
}
