/* tests/unit/test_stream_dane.c - a server verified by TLSA records alone [RFC7672 3.1]. */
#include "tests/kit/expect.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/certificates.h"
#include "tests/kit/two_ends.h"

static char folder[] = "/tmp/postern-test-XXXXXX";
static char key_file[64];
static EVP_PKEY *key, *root_key, *other_key;
static X509 *root, *good, *expired, *other_root;

static X509 *order(const char *names, X509 *issuer, long from_s, long until_s)
{
    return certificate_make(&(struct certificate_order){ .common_name = "mx",
                                                         .names = names,
                                                         .key = key,
                                                         .issuer = issuer,
                                                         .issuer_key = root_key,
                                                         .from_s = from_s,
                                                         .until_s = until_s });
}

static int make_files(void **state)
{
    (void)state;
    assert_true(mkdtemp(folder) != NULL);
    snprintf(key_file, sizeof key_file, "%s/key.pem", folder);
    key = EVP_EC_gen("P-256"), root_key = EVP_EC_gen("P-256"), other_key = EVP_EC_gen("P-256");
    certificate_write_key(key_file, key);
    root =
        certificate_make(&(struct certificate_order){ .common_name = "root", .key = root_key, .is_authority = true });
    other_root =
        certificate_make(&(struct certificate_order){ .common_name = "other", .key = other_key, .is_authority = true });
    good = order("DNS:mx.example", root, 0, 0);
    expired = order("DNS:mx.example", root, -7200, -3600);
    return 0;
}

static int remove_files(void **state)
{
    X509 *all[] = { root, good, expired, other_root };

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        X509_free(all[i]);
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(other_key);
    unlink(key_file);
    return rmdir(folder);
}

static size_t digest_of(X509 *certificate, const char *fixed, unsigned char *out)
{
    const EVP_MD *md = fixed[2] == TLSA_SHA512 ? EVP_sha512() : EVP_sha256();
    unsigned char *der = NULL;
    unsigned len = 0;
    int der_len = fixed[1] == TLSA_KEY ? i2d_PUBKEY(X509_get0_pubkey(certificate), &der) : i2d_X509(certificate, &der);

    if (fixed[2] == TLSA_WHOLE) {
        memcpy(out, der, (size_t)der_len);
        len = (unsigned)der_len;
    } else {
        EVP_Digest(der, (size_t)der_len, out, &len, md, NULL);
    }
    OPENSSL_free(der);
    return len;
}

/* a record for the certificate, in `room` */
static struct tlsa record(X509 *certificate, const char *fixed, char *room)
{
    struct tlsa tlsa;

    memcpy(room, fixed, 3);
    size_t len = digest_of(certificate, fixed, (unsigned char *)room + 3);

    EXPECT_INT(FAULT_NONE, tlsa_parse(span_make(room, len + 3), &tlsa));
    return tlsa;
}

struct outcome {
    bool is_good;
    struct tls_facts facts;
    char error[300];
};

static struct outcome shake(X509 *certificate, X509 *issuer, const struct tls_peer *peer)
{
    struct outcome out = { 0 };
    struct two_ends d;
    char error[300], cert_file[64];

    snprintf(cert_file, sizeof cert_file, "%s/cert.pem", folder);
    certificate_write(cert_file, certificate, issuer);
    struct tls_context *server = two_ends_server(cert_file, key_file, error, sizeof error);
    struct tls_context *client = tls_client_new(TLS_VERIFY_DANE, NULL, error, sizeof error);

    assert_true(server && client);
    two_ends_open(&d, server, client);
    two_ends_shake(&d, peer);
    out.is_good = d.client.shakes;
    stream_tls_facts(d.client.stream, &out.facts);
    snprintf(out.error, sizeof out.error, "%s", stream_error_text(d.client.stream));
    two_ends_close(&d);
    unlink(cert_file);
    return out;
}

static void what_a_record_names_is_good(void **state)
{
    static const char fixed[][4] = { "\3\1\1", "\3\1\2", "\3\0\1", "\3\0\2", "\3\1", "\3", "\2\1\1", "\2\0\2", "\2\0" };
    X509 *self_signed = order("DNS:mx.example", NULL, 0, 0);
    char room[2000];

    (void)state;
    for (size_t i = 0; i < COUNT(fixed); i++) {
        bool is_ta = fixed[i][0] == TLSA_DANE_TA;
        const struct tlsa tlsa = record(is_ta ? root : good, fixed[i], room);
        struct outcome o = shake(good, root, &(struct tls_peer){ "mx.example", NULL, &tlsa, 1 });

        EXPECT_STR("", o.error);
        EXPECT_STR(is_ta ? "dane-ta" : "dane-ee", tls_verified_text(o.facts.verified));
        EXPECT_STR("CN=mx", o.facts.subject);
        EXPECT_STR("CN=root", o.facts.issuer);
    }
    const struct tlsa tlsa = record(self_signed, "\3\1\1", room);

    EXPECT_TRUE(shake(self_signed, NULL, &(struct tls_peer){ "mx.example", NULL, &tlsa, 1 }).is_good);
    X509_free(self_signed);
}

static void what_no_record_names_fails(void **state)
{
    char room[2000], room2[2000];
    const struct tlsa ee = record(other_root, "\3\1\1", room), ta = record(other_root, "\2\1\1", room2);
    const struct tlsa both[] = { ee, ta };
    struct outcome o = shake(good, root, &(struct tls_peer){ "mx.example", NULL, both, 2 });

    (void)state;
    EXPECT_FALSE(o.is_good);
    EXPECT_STR("", o.facts.subject);
    EXPECT_TRUE(o.error[0] != '\0');
    EXPECT_FALSE(shake(good, root, &(struct tls_peer){ "mx.example", NULL, NULL, 0 }).is_good);
}

/* One that fits is enough, whatever stands beside it. */
static void the_records_are_alternatives(void **state)
{
    char room[2000], room2[2000];
    const struct tlsa both[] = { record(other_root, "\3\1\1", room), record(good, "\3\1\1", room2) };
    struct outcome o = shake(good, root, &(struct tls_peer){ "mx.example", NULL, both, 2 });

    (void)state;
    EXPECT_STR("dane-ee", tls_verified_text(o.facts.verified));
}

/* Usage 3 knows neither names nor dates [RFC7672 3.1.1]; usage 2 does [RFC7672 3.1.2]. */
static void names_and_dates_count_for_usage_2_alone(void **state)
{
    static const struct {
        const char *fixed, *name, *other_name;
        bool is_expired, is_good;
    } cases[] = {
        { "\3\1\1", "elsewhere.example", NULL, false, true },
        { "\3\1\1", "mx.example", NULL, true, true },
        { "\2\1\1", "mx.example", NULL, false, true },
        { "\2\1\1", "elsewhere.example", NULL, false, false },
        { "\2\1\1", "elsewhere.example", "mx.example", false, true },
        { "\2\1\1", "mx.example", NULL, true, false },
    };
    char room[2000];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        X509 *shown = cases[i].is_expired ? expired : good;
        const struct tlsa tlsa = record(cases[i].fixed[0] == TLSA_DANE_TA ? root : shown, cases[i].fixed, room);
        const struct tls_peer peer = { cases[i].name, cases[i].other_name, &tlsa, 1 };

        EXPECT_INT(cases[i].is_good, shake(shown, root, &peer).is_good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_record_names_is_good),
        TEST(what_no_record_names_fails),
        TEST(the_records_are_alternatives),
        TEST(names_and_dates_count_for_usage_2_alone),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
