/* tests/unit/test_records.c - the records of a mail domain, with a table of what the DNS says. */
#include "tests/kit/expect.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/cli/records.h"

struct said {
    const char *name;
    enum dns_type type;
    const char *text;
};

struct table {
    struct arena *arena;
    const struct said *rows, *usual;
};

static const struct said good[] = {
    { "example.org", DNS_MX, "10 mx.example.net" },
    { "mx.example.net", DNS_A, "192.0.2.1" },
    { "1.2.0.192.in-addr.arpa", DNS_PTR, "mx.example.net" },
    { "example.org", DNS_TXT, "v=spf1 mx include:spf.example.net -all | something=else" },
    { "spf.example.net", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 ~all" },
    { "_dmarc.example.org", DNS_TXT, "v=DMARC1\\; p=reject" },
    { "_mta-sts.example.org", DNS_TXT, "v=STSv1\\; id=20261123" },
    { "mta-sts.example.org", DNS_A, "192.0.2.2" },
    { "_smtp._tls.example.org", DNS_TXT, "v=TLSRPTv1\\; rua=mailto:a@example.org,https://example.org/tls" },
    { NULL, DNS_A, NULL },
};

static const char *find(const struct said *rows, const char *name, enum dns_type type)
{
    for (size_t i = 0; rows && rows[i].name; i++)
        if (strcmp(rows[i].name, name) == 0 && rows[i].type == type)
            return rows[i].text;
    return NULL;
}

static const struct dns_answer *look(void *arg, const char *name, enum dns_type type)
{
    struct table *t = arg;
    const char *text = find(t->rows, name, type);
    const struct dns_answer *answer = NULL;

    if (!text)
        text = find(t->usual, name, type);
    EXPECT_INT(FAULT_NONE, dns_answer_text(t->arena, name, type, span_of(text ? text : "NXDOMAIN"), &answer));
    return answer;
}

static const struct record_item *item_of(const struct records *r, const char *record)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->items[i].record, record) == 0)
            return &r->items[i];
    fail_msg("there is no %s", record);
    return NULL;
}

/* Each: one thing otherwise than in a domain where all is well. */
static const struct {
    const char *record;
    struct said said[3];
    enum record_state state;
    const char *why; /* it begins so */
} cases[] = {
    { "MX", { { NULL, 0, NULL } }, RECORD_OK, "" },
    { "MX", { { "example.org", DNS_MX, "NODATA" } }, RECORD_MISSING, "" },
    { "MX", { { "example.org", DNS_MX, "SERVFAIL" } }, RECORD_UNKNOWN, "the look-up failed" },
    { "MX", { { "example.org", DNS_MX, "TIMEOUT" } }, RECORD_UNKNOWN, "no answer in time" },
    { "MX", { { "example.org", DNS_MX, "10 other.example.net" } }, RECORD_WRONG, "mx.example.net is not among them" },
    { "MX", { { "example.org", DNS_MX, "0 ." } }, RECORD_WRONG, "it says that the domain takes no mail" },
    { "MX",
      { { "example.org", DNS_MX, "10 mx.example.net | 20 b.example.net" } },
      RECORD_OK,
      "mail that comes in over b.example.net" },
    { "address", { { NULL, 0, NULL } }, RECORD_OK, "" },
    { "address", { { "mx.example.net", DNS_A, "NODATA" } }, RECORD_MISSING, "" },
    { "address", { { "mx.example.net", DNS_CNAME, "b.example.net" } }, RECORD_WRONG, "it is an alias" },
    { "address",
      { { "mx.example.net", DNS_A, "NODATA" }, { "mx.example.net", DNS_AAAA, "2001:db8::1" } },
      RECORD_OK,
      "" },
    { "address",
      { { "mx.example.net", DNS_A, "NODATA" }, { "mx.example.net", DNS_AAAA, "TIMEOUT" } },
      RECORD_UNKNOWN,
      "no answer in time" },
    { "address",
      { { "mx.example.net", DNS_A, "SERVFAIL" }, { "mx.example.net", DNS_AAAA, "NODATA" } },
      RECORD_UNKNOWN,
      "the look-up failed" },
    { "PTR", { { NULL, 0, NULL } }, RECORD_OK, "" },
    { "PTR", { { "1.2.0.192.in-addr.arpa", DNS_PTR, "NXDOMAIN" } }, RECORD_MISSING, "" },
    { "PTR", { { "1.2.0.192.in-addr.arpa", DNS_PTR, "dsl-1.example.com" } }, RECORD_WRONG, "the address has another" },
    { "SPF", { { NULL, 0, NULL } }, RECORD_OK, "2 of 10 look-ups" },
    { "SPF", { { "example.org", DNS_TXT, "something=else" } }, RECORD_MISSING, "" },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 -all | v=spf1 mx -all" } }, RECORD_WRONG, "there may be one" },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 ipv4:192.0.2.1 -all" } }, RECORD_WRONG, "ipv4:192.0.2.1: " },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 mx +all" } }, RECORD_WRONG, "+all lets everybody" },
    { "SPF",
      { { "example.org", DNS_TXT, "v=spf1 a:a a:b a:c a:d a:e a:f a:g a:h a:i mx ptr -all" } },
      RECORD_WRONG,
      "" },
    { "SPF",
      { { "example.org", DNS_TXT, "v=spf1 a:a.example a:b.example a:c.example mx a a a a a a ptr -all" } },
      RECORD_WRONG,
      "11 look-ups" },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 include:example.org -all" } }, RECORD_WRONG, "11 look-ups" },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 include:no.example -all" } }, RECORD_WRONG, "it includes no.example" },
    { "SPF",
      { { "example.org", DNS_TXT, "v=spf1 include:x.example -all" }, { "x.example", DNS_TXT, "TIMEOUT" } },
      RECORD_UNKNOWN,
      "a record that it includes" },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 redirect=spf.example.net" } }, RECORD_OK, "1 of 10" },
    { "SPF", { { "example.org", DNS_TXT, "v=spf1 -all redirect=no.example" } }, RECORD_OK, "0 of 10" },
    { "DKIM", { { "s1._domainkey.example.org", DNS_TXT, "NXDOMAIN" } }, RECORD_MISSING, "" },
    { "DKIM", { { "s1._domainkey.example.org", DNS_TXT, "v=DKIM1\\; p=" } }, RECORD_WRONG, "" },
    { "DKIM", { { "s1._domainkey.example.org", DNS_TXT, "v=DKIM1\\; p=AAAA" } }, RECORD_WRONG, "" },
    { "DKIM",
      { { "s1._domainkey.example.org", DNS_TXT,
          "v=DKIM1\\; k=ed25519\\; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" } },
      RECORD_OK,
      "Ed25519, 256 bits" },
    { "DMARC", { { NULL, 0, NULL } }, RECORD_OK, "p=reject" },
    { "DMARC", { { "_dmarc.example.org", DNS_TXT, "NXDOMAIN" } }, RECORD_MISSING, "" },
    { "DMARC",
      { { "_dmarc.example.org", DNS_TXT, "v=DMARC1\\; p=none" } },
      RECORD_OK,
      "p=none: receivers only report" },
    { "DMARC", { { "_dmarc.example.org", DNS_TXT, "v=DMARC1\\; p=deny" } }, RECORD_WRONG, "its p=" },
    { "MTA-STS", { { NULL, 0, NULL } }, RECORD_OK, "see that https://mta-sts.example.org/" },
    { "MTA-STS",
      { { "mta-sts.example.org", DNS_A, "TIMEOUT" } },
      RECORD_UNKNOWN,
      "mta-sts.example.org, where the policy belongs, could not" },
    { "MTA-STS", { { "_mta-sts.example.org", DNS_TXT, "v=STSv1\\; id=2026-11-23" } }, RECORD_WRONG, "its id=" },
    { "MTA-STS", { { "_mta-sts.example.org", DNS_TXT, "v=STSv2\\; id=1" } }, RECORD_MISSING, "" },
    { "MTA-STS", { { "mta-sts.example.org", DNS_A, "NXDOMAIN" } }, RECORD_WRONG, "mta-sts.example.org, where" },
    { "TLSA", { { NULL, 0, NULL } }, RECORD_UNKNOWN, "there is no smtp.tls_certificate, so" },
    { "TLSA",
      { { "_25._tcp.mx.example.net", DNS_TLSA, "secure 2 1 1 00" } },
      RECORD_WRONG,
      "there is no smtp.tls_cert" },
    { "TLS-RPT", { { NULL, 0, NULL } }, RECORD_OK, "" },
    { "TLS-RPT",
      { { "_smtp._tls.example.org", DNS_TXT, "v=TLSRPTv1\\; rua=a@example.org" } },
      RECORD_WRONG,
      "its rua=" },
    { "TLS-RPT", { { "_smtp._tls.example.org", DNS_TXT, "NODATA" } }, RECORD_MISSING, "" },
};

static struct records check(struct arena *a, const struct said *rows, const char *domain)
{
    static const char *const selector = "s1";
    struct table table = { a, rows, good };
    struct records r = { .arena = a,
                         .look = look,
                         .arg = &table,
                         .domain = domain,
                         .hostname = "mx.example.net",
                         .selectors = &selector,
                         .selector_count = 1,
                         .now_ms = 1795449600000 };

    records_check(&r);
    return r;
}

static void each_record_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;

        arena_init(&a, 1 << 22);
        struct records r = check(&a, cases[i].said, "example.org");
        const struct record_item *item = item_of(&r, cases[i].record);

        if (item->state != cases[i].state || !span_starts(span_of(item->why), span_of(cases[i].why)))
            print_error("case %zu: %s: %s: %s\n", i, cases[i].record, record_state_text(item->state), item->why);
        EXPECT_INT(cases[i].state, item->state);
        assert_true(span_starts(span_of(item->why), span_of(cases[i].why)));
        arena_release(&a);
    }
}

static void put_name(X509_NAME *of, const char *text)
{
    assert_true(X509_NAME_add_entry_by_txt(of, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0));
}

/* A certificate, in a file of this name. */
static void make_certificate(const char *file, const char *subject, const char *issuer)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *f = fopen(file, "w");

    assert_true(key && x && f);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    put_name(X509_get_subject_name(x), subject);
    put_name(X509_get_issuer_name(x), issuer);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_true(PEM_write_X509(f, x));
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

static enum record_state tlsa(struct arena *a, const char *certificate, const char *text, const char **publish)
{
    const struct said rows[] = { { "_25._tcp.mx.example.net", DNS_TLSA, text }, { NULL, DNS_A, NULL } };
    struct table table = { a, text ? rows : NULL, good };
    struct records r = { .arena = a,
                         .look = look,
                         .arg = &table,
                         .domain = "example.org",
                         .hostname = "mx.example.net",
                         .certificates = &certificate,
                         .certificate_count = 1 };

    records_check(&r);
    *publish = item_of(&r, "TLSA")->publish;
    return item_of(&r, "TLSA")->state;
}

static void tlsa_is_compared_with_the_certificate(void **state)
{
    char file[] = "/tmp/postern-records-XXXXXX";
    int fd = mkstemp(file);
    const char *publish, *other, *fits, *differs, *proved;
    struct arena a;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    arena_init(&a, 1 << 22);
    make_certificate(file, "mx.example.net", "mx.example.net");
    EXPECT_INT(RECORD_MISSING, tlsa(&a, file, NULL, &publish));
    assert_true(span_starts(span_of(publish), SPAN("_25._tcp.mx.example.net. IN TLSA 3 1 1 ")));
    EXPECT_INT(strlen("_25._tcp.mx.example.net. IN TLSA 3 1 1 ") + 64, strlen(publish));
    fits = strstr(publish, "3 1 1 ");
    proved = arena_printf(&a, "secure %s", fits);
    differs = arena_printf(&a, "secure %.60s0000", fits);
    EXPECT_INT(RECORD_OK, tlsa(&a, file, proved, &other));
    EXPECT_INT(RECORD_UNKNOWN, tlsa(&a, file, fits, &other));
    EXPECT_INT(RECORD_WRONG, tlsa(&a, file, differs, &other));
    EXPECT_STR(publish, other);
    EXPECT_INT(RECORD_OK, tlsa(&a, file, arena_printf(&a, "%s | %s", differs, fits), &other));
    EXPECT_INT(RECORD_WRONG, tlsa(&a, file, arena_printf(&a, "secure 1 %s", fits + 2), &other)); /* PKIX-EE */
    EXPECT_INT(RECORD_WRONG, tlsa(&a, file, arena_printf(&a, "secure 2 %s", fits + 2), &other)); /* not its issuer */
    unlink(file);
    arena_release(&a);
}

/* Who goes by the policy refuses a certificate of another name, and one that nobody has signed. */
static void a_policy_insists_on_a_good_certificate_alone(void **state)
{
    static const struct {
        const char *subject, *issuer, *mode;
    } rows[] = { { "mx.example.net", "An Authority", "mode: enforce\n" },
                 { "mx.example.net", "mx.example.net", "mode: testing\n" },
                 { "other.example.net", "An Authority", "mode: testing\n" } };
    char file[] = "/tmp/postern-records-XXXXXX";
    const char *certificate = file;
    int fd = mkstemp(file);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena a;
        struct table table = { &a, NULL, good };
        struct records r = { .arena = &a,
                             .look = look,
                             .arg = &table,
                             .domain = "example.org",
                             .hostname = "mx.example.net",
                             .certificates = &certificate,
                             .certificate_count = 1 };

        arena_init(&a, 1 << 22);
        make_certificate(file, rows[i].subject, rows[i].issuer);
        records_check(&r);
        assert_non_null(strstr(item_of(&r, "MTA-STS")->policy, rows[i].mode));
        arena_release(&a);
    }
    unlink(file);
}

static void a_subdomain_has_the_policy_of_its_organization(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 22);
    struct records r = check(&a, NULL, "sub.example.org");

    EXPECT_INT(RECORD_OK, item_of(&r, "DMARC")->state);
    EXPECT_STR("p=reject; from _dmarc.example.org", item_of(&r, "DMARC")->why);
    arena_release(&a);
}

static void what_to_publish_is_a_line_of_a_zone_file(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 22);
    struct records r = check(&a, NULL, "new.example");

    EXPECT_STR("new.example. IN MX 10 mx.example.net.", item_of(&r, "MX")->publish);
    EXPECT_STR("new.example. IN TXT \"v=spf1 mx -all\"", item_of(&r, "SPF")->publish);
    EXPECT_STR("1.2.0.192.in-addr.arpa. IN PTR mx.example.net.", item_of(&r, "PTR")->publish);
    EXPECT_STR("_mta-sts.new.example. IN TXT \"v=STSv1; id=20261123160000Z\"", item_of(&r, "MTA-STS")->publish);
    EXPECT_STR("version: STSv1\nmode: none\nmx: mx.example.net\nmax_age: 604800\n", item_of(&r, "MTA-STS")->policy);
    assert_false(r.has_trouble);
    arena_release(&a);
}

RUN_TESTS(TEST(each_record_is_judged), TEST(tlsa_is_compared_with_the_certificate),
          TEST(a_policy_insists_on_a_good_certificate_alone), TEST(a_subdomain_has_the_policy_of_its_organization),
          TEST(what_to_publish_is_a_line_of_a_zone_file))
