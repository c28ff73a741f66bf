/* tests/unit/test_tlsa.c - which TLSA records count for mail. */
#include "tests/kit/expect.h"

#include <openssl/x509.h>

#include "gateway/net/tlsa.h"
#include "tests/kit/certificates.h"

enum { ROOM = TLSA_DATA_MAX + 8 };

static enum fault parse(const char *fixed, const void *data, size_t len, struct tlsa *out)
{
    static char rdata[ROOM];

    memcpy(rdata, fixed, 3);
    memcpy(rdata + 3, data, len);
    return tlsa_parse(span_make(rdata, len + 3), out);
}

static void digests_have_their_length(void **state)
{
    static const struct {
        const char fixed[4];
        size_t len;
        enum fault fault;
    } cases[] = {
        { "\3\1\1", 32, FAULT_NONE },    { "\2\0\1", 32, FAULT_NONE },    { "\3\0\2", 64, FAULT_NONE },
        { "\3\1\1", 31, FAULT_SYNTAX },  { "\3\1\1", 33, FAULT_SYNTAX },  { "\3\1\2", 32, FAULT_SYNTAX },
        { "\0\1\1", 32, FAULT_UNKNOWN }, { "\1\1\1", 32, FAULT_UNKNOWN }, { "\4\1\1", 32, FAULT_UNKNOWN },
        { "\3\2\1", 32, FAULT_UNKNOWN }, { "\3\1\3", 32, FAULT_UNKNOWN }, { "\3\1\1", 0, FAULT_SYNTAX },
        { "\3\1\0", 32, FAULT_SYNTAX },  { "\3\0\0", 32, FAULT_SYNTAX },  { "\3\0\0", 16385, FAULT_TOO_LONG },
    };
    static const char zeros[ROOM];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tlsa tlsa = { 0 };

        EXPECT_INT(cases[i].fault, parse(cases[i].fixed, zeros, cases[i].len, &tlsa));
        EXPECT_INT(cases[i].fault ? 0 : cases[i].len, tlsa.data.len);
        EXPECT_INT(cases[i].fault ? 0 : cases[i].fixed[0], tlsa.usage);
    }
    EXPECT_INT(FAULT_SYNTAX, tlsa_parse(SPAN(""), &(struct tlsa){ 0 }));
    EXPECT_INT(FAULT_SYNTAX, tlsa_parse(SPAN("\3\1"), &(struct tlsa){ 0 }));
    EXPECT_STR("dane-ta", tlsa_usage_text(TLSA_DANE_TA));
}

static void a_whole_certificate_or_key_must_be_one(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = certificate_make(&(struct certificate_order){ .common_name = "a", .key = key });
    unsigned char *cert_der = NULL, *key_der = NULL;
    size_t cert_len = (size_t)i2d_X509(certificate, &cert_der), key_len = (size_t)i2d_PUBKEY(key, &key_der);
    struct tlsa tlsa;

    (void)state;
    EXPECT_INT(FAULT_NONE, parse("\3\0\0", cert_der, cert_len, &tlsa));
    EXPECT_INT(cert_len, tlsa.data.len);
    EXPECT_INT(FAULT_NONE, parse("\3\1\0", key_der, key_len, &tlsa));
    EXPECT_INT(TLSA_KEY, tlsa.selector);
    EXPECT_INT(FAULT_SYNTAX, parse("\3\1\0", cert_der, cert_len, &tlsa));
    EXPECT_INT(FAULT_SYNTAX, parse("\3\0\0", key_der, key_len, &tlsa));
    EXPECT_INT(FAULT_SYNTAX, parse("\3\0\0", cert_der, cert_len - 1, &tlsa));
    EXPECT_INT(FAULT_SYNTAX, parse("\3\1\0", key_der, key_len - 1, &tlsa));
    OPENSSL_free(cert_der);
    OPENSSL_free(key_der);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

RUN_TESTS(TEST(digests_have_their_length), TEST(a_whole_certificate_or_key_must_be_one))
