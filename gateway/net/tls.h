/* net/tls.h - TLS contexts of clients, such as we are to a next hop; our own side has tls_server.h.
 *
 * TLS 1.2 is the least [RFC8996], there is no renegotiation and no compression. Threads: the loop's. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "gateway/net/tlsa.h"

struct tls_context;

enum tls_verify {
    TLS_VERIFY_NONE, /* encrypt, whoever answers */
    TLS_VERIFY_NAME, /* certificate chain to `ca_file` (the system's when NULL) and host name [RFC6125] */
    TLS_VERIFY_DANE, /* by the TLSA records of tls_peer [RFC7672]: authorities play no part */
};

/* Whom a client expects to find. */
struct tls_peer {
    /* asked for by SNI [RFC6066 3], and to stand in the certificate; an address is only the latter. NULL: nobody, with
     * TLS_VERIFY_NONE alone. With TLS_VERIFY_DANE: the TLSA base domain, mostly the host's name [RFC7672 3.2.2]. */
    const char *name;
    /* TLS_VERIFY_DANE: another name that a certificate may bear: the domain whose mail it is. NULL: none */
    const char *other_name;
    const struct tlsa *tlsa; /* TLS_VERIFY_DANE: those that tlsa_parse() took; none at all: verification fails */
    size_t tlsa_count;
};

/* Who the peer is proved to be: none, by an authority, by an authority and name, by TLSA records. */
enum tls_verified {
    TLS_VERIFIED_NONE,
    TLS_VERIFIED_AUTHORITY,
    TLS_VERIFIED_NAME,
    TLS_VERIFIED_DANE_TA,
    TLS_VERIFIED_DANE_EE
};

enum { TLS_NAME_MAX = 256, TLS_FINGERPRINT_MAX = 65 };

/* What the log wants to know of a handshake that is done. Texts are printable ASCII, cut to their size. */
struct tls_facts {
    const char *version, *cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; live for ever */
    unsigned bits;
    enum tls_verified verified;
    bool is_resumed;
    char server_name[TLS_NAME_MAX];                   /* our side's: the name that the client asked for; "": none */
    char subject[TLS_NAME_MAX], issuer[TLS_NAME_MAX]; /* [RFC2253]; "" when the peer showed no certificate */
    char fingerprint[TLS_FINGERPRINT_MAX];            /* SHA-256 of its certificate, hex */
};

/* tls_verified_text - "none", "authority", "name", "dane-ta", "dane-ee". */
const char *tls_verified_text(enum tls_verified verified);

/* tls_client_new - NULL on failure, with a sentence for the operator in `error` (size bytes). */
struct tls_context *tls_client_new(enum tls_verify verify, const char *ca_file, char *error, size_t size);
/* tls_client_identify - the certificate that we show to a server that asks for one. FAULT_UNKNOWN and a sentence in
 * `error` when the files will not do. */
enum fault tls_client_identify(struct tls_context *tls, const char *cert_file, const char *key_file, char *error,
                               size_t size);

enum tls_version { TLS_1_2, TLS_1_3 };

/* The words of enum tls_version, for keys of the configuration. */
#define TLS_VERSION_WORDS "TLSv1.2 TLSv1.3"

struct tls_terms {
    enum tls_version least;
    const char *ciphers;      /* of TLS 1.2, as openssl-ciphers(1) has them; NULL, "": OpenSSL's choice */
    const char *ciphersuites; /* of TLS 1.3 */
};
/* tls_context_restrict - FAULT_UNKNOWN and a sentence in `error` for a list that leaves no cipher. */
enum fault tls_context_restrict(struct tls_context *tls, const struct tls_terms *terms, char *error, size_t size);
void tls_context_free(struct tls_context *tls); /* NULL is fine; streams that use it keep it alive */

#endif
