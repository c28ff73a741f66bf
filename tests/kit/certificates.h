/* tests/kit/certificates.h - certificates of the tests' own: self-signed ones, authorities, what they sign. */
#ifndef KIT_CERTIFICATES_H
#define KIT_CERTIFICATES_H

#include <openssl/x509.h>

struct certificate_order {
    const char *common_name;
    const char *names; /* "DNS:mx.example,IP:127.0.0.1"; NULL: none */
    EVP_PKEY *key;
    X509 *issuer; /* NULL: self-signed */
    EVP_PKEY *issuer_key;
    long from_s, until_s; /* from now; both 0: an hour before to an hour after */
    bool is_authority;
};

X509 *certificate_make(const struct certificate_order *order);
/* certificate_write - a chain in PEM; `next` may be NULL. */
void certificate_write(const char *path, X509 *first, X509 *next);
void certificate_write_key(const char *path, EVP_PKEY *key);

#endif
