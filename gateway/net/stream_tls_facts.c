/* net/stream_tls_facts.c - what the log wants to know of a handshake: who the peer is, and how sure we are of it. */
#include "gateway/net/stream_parts.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "gateway/base/bug.h"

const char *tls_verified_text(enum tls_verified verified)
{
    static const char *const texts[] = { "none", "authority", "name", "dane-ta", "dane-ee" };

    return texts[verified];
}

static enum tls_verified verified_by(const struct stream *s)
{
    uint8_t usage = 0;

    if (SSL_get_verify_mode(s->ssl) == SSL_VERIFY_NONE || SSL_get_verify_result(s->ssl) != X509_V_OK)
        return TLS_VERIFIED_NONE;
    if (s->verify == TLS_VERIFY_DANE)
        return SSL_get0_dane_tlsa(s->ssl, &usage, NULL, NULL, NULL, NULL) < 0 ? TLS_VERIFIED_NONE
               : usage == TLSA_DANE_EE                                        ? TLS_VERIFIED_DANE_EE
                                                                              : TLS_VERIFIED_DANE_TA;
    return s->verify == TLS_VERIFY_NAME ? TLS_VERIFIED_NAME : TLS_VERIFIED_AUTHORITY;
}

/* OpenSSL escapes what is not printable, and whatever is not ASCII. */
static void write_name(const X509_NAME *name, char *out, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        fatal_memory(0);
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    int len = BIO_read(bio, out, (int)size - 1);

    out[len > 0 ? len : 0] = '\0';
    BIO_free(bio);
}

static void write_fingerprint(const X509 *certificate, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!X509_digest(certificate, EVP_sha256(), digest, &len))
        fatal_memory(0);
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void stream_tls_facts(const struct stream *s, struct tls_facts *out)
{
    *out = (struct tls_facts){ .version = "", .cipher = "" };
    if (!stream_is_tls(s))
        return;
    const X509 *certificate = SSL_get0_peer_certificate(s->ssl);
    const char *name = SSL_is_server(s->ssl) ? SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name) : NULL;

    snprintf(out->server_name, sizeof out->server_name, "%s", name ? name : "");
    out->version = stream_tls_version(s);
    out->cipher = stream_tls_cipher(s);
    out->bits = stream_tls_bits(s);
    out->is_resumed = SSL_session_reused(s->ssl);
    if (!certificate)
        return;
    out->verified = verified_by(s);
    write_name(X509_get_subject_name(certificate), out->subject, sizeof out->subject);
    write_name(X509_get_issuer_name(certificate), out->issuer, sizeof out->issuer);
    write_fingerprint(certificate, out->fingerprint);
    ERR_clear_error();
}
