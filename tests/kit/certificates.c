/* tests/kit/certificates.c - certificates of the tests' own. */
#include "tests/kit/expect.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/kit/certificates.h"

enum { HOUR_S = 3600 };

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);

    assert_true(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *certificate, const struct certificate_order *order)
{
    X509 *issuer = order->issuer ? order->issuer : certificate;

    if (order->names)
        add_extension(certificate, issuer, NID_subject_alt_name, order->names);
    add_extension(certificate, issuer, NID_basic_constraints, order->is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (order->is_authority)
        add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
}

X509 *certificate_make(const struct certificate_order *order)
{
    static long serial;
    X509 *certificate = X509_new();
    bool has_dates = order->from_s || order->until_s;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), has_dates ? order->from_s : -HOUR_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), has_dates ? order->until_s : HOUR_S);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)order->common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(order->issuer ? order->issuer : certificate));
    X509_set_pubkey(certificate, order->key);
    add_extensions(certificate, order);
    assert_true(X509_sign(certificate, order->issuer ? order->issuer_key : order->key, EVP_sha256()) > 0);
    return certificate;
}

void certificate_write(const char *path, X509 *first, X509 *next)
{
    FILE *file = fopen(path, "we");

    assert_true(file && PEM_write_X509(file, first));
    assert_true(!next || PEM_write_X509(file, next));
    fclose(file);
}

void certificate_write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "we");

    assert_true(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
}
