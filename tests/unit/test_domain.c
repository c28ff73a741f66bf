/* tests/unit/test_domain.c - domain names. */
#include "gateway/mail/domain.h"

#include "tests/kit/expect.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void normal_form_is_lower_case_a_labels(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        const char *normal;
    } cases[] = {
        { "Example.COM", FAULT_NONE, "example.com" },
        { "example.com.", FAULT_NONE, "example.com" },
        { "_dmarc.x_y.example", FAULT_NONE, "_dmarc.x_y.example" },
        { "localhost", FAULT_NONE, "localhost" },
        { "-a-.example", FAULT_NONE, "-a-.example" },
        { "r3---sn.example", FAULT_NONE, "r3---sn.example" },
        { "XN--bcher-KVA.example", FAULT_NONE, "xn--bcher-kva.example" },
        { "b\xc3\xbc"
          "cher.example",
          FAULT_NONE, "xn--bcher-kva.example" },
        { "B\xc3\x9c"
          "CHER.example",
          FAULT_NONE, "xn--bcher-kva.example" },
        { "fa\xc3\x9f.example", FAULT_NONE, "xn--fa-hia.example" }, /* non-transitional */
        { "\xef\xbd\x85xample.com", FAULT_NONE, "example.com" },    /* fullwidth e */
        { "example\xe3\x80\x82"
          "com",
          FAULT_NONE, "example.com" }, /* ideographic full stop */
        { L63 ".example", FAULT_NONE, L63 ".example" },
        { L63 "." L63 "." L63 "."
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          FAULT_NONE,
          L63 "." L63 "." L63 "."
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
        { "a" L63 ".example", FAULT_TOO_LONG, "" },
        { L63 "." L63 "." L63 "." L63, FAULT_TOO_LONG, "" },
        { "", FAULT_SYNTAX, "" },
        { ".", FAULT_SYNTAX, "" },
        { "..", FAULT_SYNTAX, "" },
        { ".com", FAULT_SYNTAX, "" },
        { "a..b", FAULT_SYNTAX, "" },
        { "a.b..", FAULT_SYNTAX, "" },
        { "a b.example", FAULT_SYNTAX, "" },
        { "a@b.example", FAULT_SYNTAX, "" },
        { "[192.0.2.1]", FAULT_SYNTAX, "" },
        { "a\tb.example", FAULT_SYNTAX, "" },
        { "a\xff.example", FAULT_SYNTAX, "" },
        { "\xe2\x84\x80.example", FAULT_SYNTAX, "" }, /* U+2100 maps to "a/c" */
        { "a\xef\xbc\xa0"
          "b.example",
          FAULT_SYNTAX, "" }, /* fullwidth @ */
    };
    char out[DOMAIN_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        out[0] = '\0';
        EXPECT_INT(cases[i].fault, domain_normal(span_of(cases[i].text), out));
        EXPECT_STR(cases[i].normal, out);
    }
    EXPECT_INT(FAULT_SYNTAX, domain_normal(SPAN("a\0b.example"), out));
    EXPECT_INT(FAULT_SYNTAX, domain_normal(SPAN("\xc3\xbc\0b.example"), out));
}

static void a_long_name_of_utf8_costs_little(void **state)
{
    char text[100000], out[DOMAIN_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '\xbc' : '\xc3';
    EXPECT_INT(FAULT_TOO_LONG, domain_normal(span_make(text, sizeof text), out));
}

static void fully_qualified_names_have_two_labels_and_a_top_that_is_no_number(void **state)
{
    (void)state;
    EXPECT_TRUE(domain_is_fqdn(SPAN("mail.example")));
    EXPECT_TRUE(domain_is_fqdn(SPAN("mail.example.")));
    EXPECT_TRUE(domain_is_fqdn(SPAN("1.2.3.4a")));
    EXPECT_FALSE(domain_is_fqdn(SPAN("example")));
    EXPECT_FALSE(domain_is_fqdn(SPAN("192.0.2.1")));
    EXPECT_FALSE(domain_is_fqdn(SPAN("[192.0.2.1]")));
    EXPECT_FALSE(domain_is_fqdn(SPAN("a..b")));
    EXPECT_FALSE(domain_is_fqdn(SPAN("")));
}

static void labels_and_parents(void **state)
{
    (void)state;
    EXPECT_INT(0, domain_labels(""));
    EXPECT_INT(1, domain_labels("com"));
    EXPECT_INT(3, domain_labels("a.b.com"));
    EXPECT_STR("b.com", domain_parent("a.b.com"));
    EXPECT_NULL(domain_parent("com"));
}

static void a_suffix_of_letters_is_no_parent(void **state)
{
    (void)state;
    EXPECT_TRUE(domain_is_under("x.com", "x.com"));
    EXPECT_TRUE(domain_is_under("a.x.com", "x.com"));
    EXPECT_FALSE(domain_is_under("ax.com", "x.com"));
    EXPECT_FALSE(domain_is_under("x.com", "a.x.com"));
    EXPECT_FALSE(domain_is_under("x.com", ""));
}

static void organizational_domains_by_the_list(void **state)
{
    static const struct {
        const char *domain, *org;
    } cases[] = {
        { "a.b.example.com", "example.com" },
        { "example.com", "example.com" },
        { "x.com", "x.com" },
        { "a.b.co.uk", "b.co.uk" },
        { "co.uk", NULL },
        { "com", NULL },
        { "a.example", "a.example" },
        { "example", NULL },
        { "a.b.c.ck", "b.c.ck" },
        { "www.ck", "www.ck" },
        { "xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *org = domain_org_psl(cases[i].domain);

        EXPECT_STR(cases[i].org ? cases[i].org : "-", org ? org : "-");
        EXPECT_INT(org == NULL, domain_is_public_suffix(cases[i].domain));
    }
}

static void registries_are_told_from_hosting_companies(void **state)
{
    (void)state;
    EXPECT_TRUE(domain_is_registry_suffix("com"));
    EXPECT_TRUE(domain_is_registry_suffix("co.uk"));
    EXPECT_FALSE(domain_is_registry_suffix("example"));
    EXPECT_FALSE(domain_is_registry_suffix("example.com"));
    EXPECT_FALSE(domain_is_registry_suffix("blogspot.com"));
    EXPECT_TRUE(domain_is_public_suffix("blogspot.com"));
}

RUN_TESTS(TEST(normal_form_is_lower_case_a_labels), TEST(a_long_name_of_utf8_costs_little),
          TEST(fully_qualified_names_have_two_labels_and_a_top_that_is_no_number), TEST(labels_and_parents),
          TEST(a_suffix_of_letters_is_no_parent), TEST(organizational_domains_by_the_list),
          TEST(registries_are_told_from_hosting_companies))
