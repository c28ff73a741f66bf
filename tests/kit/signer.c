/* tests/kit/signer.c - makes signatures for tests. */
#include "tests/kit/signer.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/arcset.h"

struct signer {
    EVP_PKEY *key;
    bool is_rsa;
    char *p, *record;
};

static char *base64(const unsigned char *bytes, size_t len)
{
    char *text = mem_alloc(4 * ((len + 2) / 3) + 1);

    EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
    return text;
}

static char *public_part(const struct signer *s)
{
    unsigned char raw[32], *der = NULL;
    size_t len = sizeof raw;

    if (!s->is_rsa)
        return EVP_PKEY_get_raw_public_key(s->key, raw, &len) == 1 ? base64(raw, len) : NULL;
    int der_len = i2d_PUBKEY(s->key, &der);
    char *text = base64(der, (size_t)der_len);

    OPENSSL_free(der);
    return text;
}

struct signer *signer_new(unsigned bits)
{
    static const unsigned char seed[32] = "thirty-two bytes of no secret.";
    struct signer *s = mem_alloc(sizeof *s);
    size_t size;

    s->is_rsa = bits != 0;
    s->key = bits ? EVP_RSA_gen(bits) : EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
    if (!s->key)
        BUG("no key of %u bits", bits);
    s->p = public_part(s);
    size = strlen(s->p) + 64;
    s->record = mem_alloc(size);
    snprintf(s->record, size, "v=DKIM1; k=%s; p=%s", bits ? "rsa" : "ed25519", s->p);
    return s;
}

void signer_free(struct signer *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->key);
    free(s->p);
    free(s->record);
    free(s);
}

const char *signer_p(const struct signer *s)
{
    return s->p;
}

const char *signer_record(const struct signer *s)
{
    return s->record;
}

static char *sign_hash(struct signer *s, const unsigned char *hash, enum hash_kind kind)
{
    EVP_PKEY_CTX *rsa = NULL;
    EVP_MD_CTX *ctx = NULL;
    unsigned char out[1024];
    size_t len = sizeof out;
    bool is_good;

    if (s->is_rsa) {
        rsa = EVP_PKEY_CTX_new(s->key, NULL);
        is_good = EVP_PKEY_sign_init(rsa) == 1 && EVP_PKEY_CTX_set_rsa_padding(rsa, RSA_PKCS1_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_signature_md(rsa, kind == HASH_SHA1 ? EVP_sha1() : EVP_sha256()) == 1 &&
                  EVP_PKEY_sign(rsa, out, &len, hash, hash_bytes(kind)) == 1;
    } else {
        ctx = EVP_MD_CTX_new();
        is_good = EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) == 1 &&
                  EVP_DigestSign(ctx, out, &len, hash, hash_bytes(kind)) == 1;
    }
    EVP_PKEY_CTX_free(rsa);
    EVP_MD_CTX_free(ctx);
    if (!is_good)
        BUG("the signer cannot sign");
    return base64(out, len);
}

static enum signature_form form_of(const char *name)
{
    if (strcmp(name, "ARC-Seal") == 0)
        return SIGNATURE_SEAL;
    return strcmp(name, "ARC-Message-Signature") == 0 ? SIGNATURE_AMS : SIGNATURE_DKIM;
}

static struct span join(struct arena *a, const char *text, struct span message)
{
    size_t len = strlen(text);
    char *both = arena_alloc(a, len + message.len + 1);

    memcpy(both, text, len);
    if (message.len)
        memcpy(both + len, message.ptr, message.len);
    return span_make(both, len + message.len);
}

static const struct message_limits limits = { 1 << 20, 5000 };

static const char *body_tag(struct arena *a, const char *name, const char *tags, struct span message)
{
    struct message *m = message_new(join(a, arena_printf(a, "%s: %s\r\n", name, tags), message), &limits);
    struct signature read;

    signature_read(a, form_of(name), SIGNATURE_HISTORIC, &m->header.fields[0], &read);
    const struct body_hash *body = body_hash(m, read.body_canon, read.hash, read.length);
    char *text = base64(body->hash, hash_bytes(read.hash));
    const char *tag = arena_printf(a, "; bh=%s", text);

    free(text);
    message_free(m);
    return tag;
}

struct span signer_field(struct signer *s, struct arena *a, const char *name, const char *tags, struct span message)
{
    enum signature_form form = form_of(name);
    const char *bh = form == SIGNATURE_SEAL ? "" : body_tag(a, name, tags, message);
    const char *text = arena_printf(a, "%s: %s%s; b=", name, tags, bh);
    struct message *m = message_new(join(a, arena_printf(a, "%s\r\n", text), message), &limits);
    unsigned char hash[HASH_BYTES_MAX];
    struct signature read;
    struct arc_chain chain;

    signature_read(a, form, SIGNATURE_HISTORIC, &m->header.fields[0], &read);
    if (form == SIGNATURE_SEAL) {
        arc_chain_read(a, &m->header, &chain);
        arc_seal_hash(&chain, chain.count, hash);
    } else {
        signature_hash(&read, picker_new(a, &m->header), hash);
    }
    char *b = sign_hash(s, hash, read.hash);
    const char *field = arena_printf(a, "%s%s\r\n", text, b);

    free(b);
    message_free(m);
    return span_of(field);
}

struct span signer_signed(struct signer *s, struct arena *a, const char *name, const char *tags, struct span message)
{
    return join(a, signer_field(s, a, name, tags, message).ptr, message);
}

struct span signer_arc(struct signer *s, struct arena *a, unsigned instance, const char *domain, const char *cv,
                       const char *results, struct span message)
{
    const char *algorithm = s->is_rsa ? "rsa-sha256" : "ed25519-sha256";
    const char *ams =
        arena_printf(a, "i=%u; a=%s; c=relaxed/relaxed; d=%s; s=arc; h=from:to:subject", instance, algorithm, domain);
    const char *seal = arena_printf(a, "i=%u; a=%s; cv=%s; d=%s; s=arc", instance, algorithm, cv, domain);

    message = join(a, arena_printf(a, "ARC-Authentication-Results: i=%u; %s\r\n", instance, results), message);
    message = signer_signed(s, a, "ARC-Message-Signature", ams, message);
    return signer_signed(s, a, "ARC-Seal", seal, message);
}
