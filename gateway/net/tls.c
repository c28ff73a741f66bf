/* net/tls.c - TLS contexts.
 *
 * Opportunistic TLS (a server of mail, a client that verifies nobody) takes OpenSSL's level 1: the other choice of a
 * peer with a weak key is no encryption at all. Who verifies gets level 2.
 */
#include "gateway/net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/net/tls_parts.h"

/* of a peer's certificate; chains of four and of 8 KiB are long ones */
enum { CHAIN_MOST = 10, CHAIN_BYTES_MOST = 65536 };

/* an encrypted key would have OpenSSL ask for its password on a terminal */
static int no_password(char *buf, int size, int is_writing, void *arg)
{
    (void)buf, (void)size, (void)is_writing, (void)arg;
    return -1;
}

SSL_CTX *tls_make(const SSL_METHOD *method, int level)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION))
        fatal_memory(0);
    SSL_CTX_set_security_level(ctx, level);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_verify_depth(ctx, CHAIN_MOST);
    SSL_CTX_set_max_cert_list(ctx, CHAIN_BYTES_MOST);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    return ctx;
}

void tls_explain(const char *what, const char *file, char *error, size_t size)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    if (code && ERR_GET_LIB(code) == ERR_LIB_SYS)
        reason = strerror(ERR_GET_REASON(code));
    snprintf(error, size, "%s %s: %s", what, file, reason ? reason : "not of PEM format");
    ERR_clear_error();
}

bool tls_use_pair(SSL_CTX *ctx, const char *cert_file, const char *key_file, char *error, size_t size)
{
    const char *what = NULL, *file = key_file;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        what = "cannot use the certificate", file = cert_file;
    else if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        what = "cannot use the key";
    else if (SSL_CTX_check_private_key(ctx) != 1)
        what = "the key does not belong to the certificate:";
    if (what)
        tls_explain(what, file, error, size);
    return !what;
}

struct tls_context *tls_client_new(enum tls_verify verify, const char *ca_file, char *error, size_t size)
{
    struct tls_context *tls = mem_alloc(sizeof *tls);

    tls->ssl = tls_make(TLS_client_method(), verify == TLS_VERIFY_NONE ? 1 : 2);

    ERR_clear_error();
    tls->verify = verify;
    if (verify == TLS_VERIFY_NONE)
        return tls;
    SSL_CTX_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
    if (verify == TLS_VERIFY_DANE) {
        if (SSL_CTX_dane_enable(tls->ssl) <= 0)
            fatal_memory(0);
        return tls;
    }
    int is_loaded = ca_file ? SSL_CTX_load_verify_file(tls->ssl, ca_file) : SSL_CTX_set_default_verify_paths(tls->ssl);

    if (is_loaded == 1)
        return tls;
    tls_explain("cannot use the authorities in", ca_file ? ca_file : "the system's store", error, size);
    tls_context_free(tls);
    return NULL;
}

enum fault tls_client_identify(struct tls_context *tls, const char *cert_file, const char *key_file, char *error,
                               size_t size)
{
    return tls_use_pair(tls->ssl, cert_file, key_file, error, size) ? FAULT_NONE : FAULT_UNKNOWN;
}

static bool has_cipher(const char *list)
{
    return list && *list;
}

bool tls_apply_terms(SSL_CTX *ctx, const struct tls_terms *terms, char *error, size_t size)
{
    const char *what = NULL, *list = terms->ciphers;

    ERR_clear_error();
    if (!SSL_CTX_set_min_proto_version(ctx, terms->least == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION))
        fatal_memory(0);
    if (has_cipher(terms->ciphers) && SSL_CTX_set_cipher_list(ctx, terms->ciphers) != 1)
        what = "no such cipher of TLS 1.2:";
    else if (has_cipher(terms->ciphersuites) && SSL_CTX_set_ciphersuites(ctx, terms->ciphersuites) != 1)
        what = "no such cipher suite of TLS 1.3:", list = terms->ciphersuites;
    if (what)
        tls_explain(what, list, error, size);
    return !what;
}

enum fault tls_context_restrict(struct tls_context *tls, const struct tls_terms *terms, char *error, size_t size)
{
    return tls_apply_terms(tls->ssl, terms, error, size) ? FAULT_NONE : FAULT_UNKNOWN;
}

void tls_context_free(struct tls_context *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->ssl);
    tls_server_free(tls->server);
    free(tls);
}
