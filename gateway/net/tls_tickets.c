/* net/tls_tickets.c - session tickets [RFC5077 4, RFC8446 4.6.1]: what a client gives back to be spared a full
 * handshake.
 *
 * Whoever gets hold of a ticket key can read the TLS 1.2 sessions that were resumed with it. So it is random, never
 * leaves this process, and is forgotten after four hours, also when nobody comes meanwhile.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/net/tls_parts.h"

enum { NAME_BYTES = 16, KEY_BYTES = 32, NO_TICKET = 0, TAKEN = 1, TAKEN_GIVE_ANOTHER = 2, TROUBLE = -1 };

struct ticket_key {
    unsigned char name[NAME_BYTES], cipher[KEY_BYTES], mac[KEY_BYTES];
};

struct tls_tickets {
    int64_t (*now_ms)(void);
    int64_t made_ms[2]; /* of the keys */
    bool has_previous;
    struct ticket_key keys[2]; /* the current one and the one before */
};

static void make_key(struct tls_tickets *t, int64_t now_ms)
{
    if (RAND_bytes((unsigned char *)&t->keys[0], sizeof t->keys[0]) != 1)
        BUG("no random bytes");
    t->made_ms[0] = now_ms;
}

void tls_tickets_turn(struct tls_tickets *t)
{
    const int64_t term_ms = TLS_TICKET_S * INT64_C(1000), now_ms = t->now_ms();

    if (now_ms - t->made_ms[0] >= term_ms) {
        t->keys[1] = t->keys[0];
        t->made_ms[1] = t->made_ms[0];
        t->has_previous = true;
        make_key(t, now_ms);
    }
    if (t->has_previous && now_ms - t->made_ms[1] >= 2 * term_ms) {
        OPENSSL_cleanse(&t->keys[1], sizeof t->keys[1]);
        t->has_previous = false;
    }
}

static bool set_up(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                   int is_sealing)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, KEY_BYTES),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0), OSSL_PARAM_construct_end()
    };

    return EVP_MAC_CTX_set_params(mac, params) &&
           EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, is_sealing);
}

static int seal(const struct tls_tickets *t, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac)
{
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
        return TROUBLE;
    memcpy(name, t->keys[0].name, NAME_BYTES);
    return set_up(&t->keys[0], iv, cipher, mac, 1) ? TAKEN : TROUBLE;
}

/* In TLS 1.3 a client uses each ticket once, and is given another for its next time [RFC8446 C.4]. */
static int open_ticket(const struct tls_tickets *t, SSL *ssl, const unsigned char *name, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    bool is_current = CRYPTO_memcmp(name, t->keys[0].name, NAME_BYTES) == 0;

    if (!is_current && !(t->has_previous && CRYPTO_memcmp(name, t->keys[1].name, NAME_BYTES) == 0))
        return NO_TICKET;
    if (!set_up(&t->keys[is_current ? 0 : 1], iv, cipher, mac, 0))
        return TROUBLE;
    return is_current && SSL_version(ssl) < TLS1_3_VERSION ? TAKEN : TAKEN_GIVE_ANOTHER;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int is_sealing)
{
    struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    tls_tickets_turn(t);
    return is_sealing ? seal(t, name, iv, cipher, mac) : open_ticket(t, ssl, name, iv, cipher, mac);
}

struct tls_tickets *tls_tickets_new(int64_t (*now_ms)(void))
{
    struct tls_tickets *t = mem_alloc(sizeof *t);

    t->now_ms = now_ms;
    make_key(t, now_ms());
    return t;
}

void tls_tickets_serve(struct tls_tickets *tickets, SSL_CTX *ctx)
{
    SSL_CTX_set_app_data(ctx, tickets);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    SSL_CTX_set_timeout(ctx, TLS_TICKET_S);
}

void tls_tickets_free(struct tls_tickets *tickets)
{
    if (!tickets)
        return;
    OPENSSL_cleanse(tickets, sizeof *tickets);
    free(tickets);
}
