/* tests/unit/test_spf_macro.c - the macros of SPF [RFC7208 7]. */
#include "scanners/spf_macro.h"

#include "tests/kit/expect.h"

static struct spf_macro_values values_for(const char *client)
{
    struct spf_macro_values v = { .local = SPAN("strong-bad"),
                                  .sender_domain = SPAN("email.example.com"),
                                  .domain = SPAN("email.example.com"),
                                  .helo = SPAN("mx.example.org"),
                                  .validated = SPAN("mx.example.org"),
                                  .receiver = SPAN("mx.desk.example"),
                                  .now_s = 1767225600 };

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(client), &v.client));
    return v;
}

static void expect_domain(const char *want, const char *text, const struct spf_macro_values *v)
{
    char out[DNS_NAME_MAX] = "";
    bool can_exist = spf_macro_domain(span_of(text), v, out);

    if (!can_exist || strcmp(out, want) != 0)
        print_error("%s\n", text);
    EXPECT_TRUE(can_exist);
    EXPECT_STR(want, out);
}

/* [RFC7208 7.4], and what it does not show. */
static void domains_are_expanded(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "%{s}", "strong-bad@email.example.com" },
        { "%{o}", "email.example.com" },
        { "%{d}", "email.example.com" },
        { "%{d4}", "email.example.com" },
        { "%{d3}", "email.example.com" },
        { "%{d2}", "example.com" },
        { "%{d1}", "com" },
        { "%{dr}", "com.example.email" },
        { "%{d2r}", "example.email" },
        { "%{l}", "strong-bad" },
        { "%{l-}", "strong.bad" },
        { "%{lr}", "strong-bad" },
        { "%{lr-}", "bad.strong" },
        { "%{l1r-}", "strong" },
        { "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
        { "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
        { "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
        { "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com" },
        { "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
        { "%{DR2}.example", "" }, /* digits go before the "r": refused by the check, and expands to nothing */
        { "%{D2R}.example", "example.email.example" },
        { "%{d127}", "email.example.com" },
        { "%{d99999999999999999999}", "email.example.com" },
        { "%{h1}", "org" },
        { "%{p2}", "example.org" },
        { "%{L}.x", "strong-bad.x" },
        { "%{S}.x", "strong-bad%40email.example.com.x" },
        { "a%%b%_c%-d.x", "a%b c%20d.x" },
        { "example.com.", "example.com" },
        { "%{s@}.x", "" },
        { "%{s.-}.x", "strong.bad@email.example.com.x" },
        { "%{o=+,/_}.x", "email.example.com.x" },
    };
    struct spf_macro_values v = values_for("192.0.2.3");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (*cases[i].want)
            expect_domain(cases[i].want, cases[i].text, &v);
        else
            assert_non_null(spf_macro_check(span_of(cases[i].text), SPF_MACRO_DOMAIN));
    }
}

static void ip6_is_written_in_nibbles(void **state)
{
    struct spf_macro_values v = values_for("2001:db8::cb01");

    (void)state;
    expect_domain("1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com",
                  "%{ir}.%{v}._spf.%{d2}", &v);
    expect_domain("C.B.0.1.x", "%{i4}.x", &v);
}

static void parts_may_be_empty(void **state)
{
    struct spf_macro_values v = values_for("192.0.2.3");

    (void)state;
    v.local = SPAN("--a--b");
    expect_domain("b", "%{l1-}", &v);
    char out[DNS_NAME_MAX];

    EXPECT_FALSE(spf_macro_domain(SPAN("%{l-}.x"), &v, out)); /* ..a..b.x */
    EXPECT_FALSE(spf_macro_domain(SPAN("%{l3r-}.x"), &v, out));
    v.local = SPAN("");
    EXPECT_FALSE(spf_macro_domain(SPAN("%{l}.x"), &v, out));
    EXPECT_FALSE(spf_macro_domain(SPAN("%{lr-}.x"), &v, out));
    expect_domain("x", "%{l}x", &v);
}

static void explanations_have_more_letters(void **state)
{
    static const struct {
        const char *client, *text, *want;
    } cases[] = {
        { "192.0.2.3", "%{c} at %{r}, %{t}.", "192.0.2.3 at mx.desk.example, 1767225600." },
        { "2001:db8::cb01", "%{c}", "2001:db8::cb01" },
        { "192.0.2.3", "http://x/?s=%{S}&i=%{C}", "http://x/?s=strong-bad%40email.example.com&i=192.0.2.3" },
        { "192.0.2.3", "100%% of %{d2}%_.", "100% of example.com ." },
        { "192.0.2.3", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct spf_macro_values v = values_for(cases[i].client);
        char out[SPF_EXPLANATION_MAX];

        EXPECT_NULL(spf_macro_check(span_of(cases[i].text), SPF_MACRO_EXPLANATION));
        EXPECT_STR(cases[i].want, spf_macro_explanation(span_of(cases[i].text), &v, out));
    }
}

static void explanations_never_carry_control_or_foreign_bytes(void **state)
{
    static const char *const locals[] = { "a\r\nb", "a\tb", "\xc3\xa9", "\x7f" };
    struct spf_macro_values v = values_for("192.0.2.3");
    char out[SPF_EXPLANATION_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(locals); i++) {
        v.local = span_of(locals[i]);
        EXPECT_STR("", spf_macro_explanation(SPAN("see %{l}"), &v, out));
    }
    EXPECT_STR("see %7F", spf_macro_explanation(SPAN("see %{L}"), &v, out));
}

static void names_are_cut_from_the_left_by_labels(void **state)
{
    struct spf_macro_values v = values_for("192.0.2.3");
    char text[2048] = "", want[DNS_NAME_MAX] = "", out[DNS_NAME_MAX];

    (void)state;
    for (int i = 0; i < 60; i++)
        strncat(text, "abcdefghi.", sizeof text - strlen(text) - 1);
    for (int i = 0; i < 25; i++)
        strncat(want, "abcdefghi.", sizeof want - strlen(want) - 1);
    strncat(text, "xyz", sizeof text - strlen(text) - 1);
    strncat(want, "xyz", sizeof want - strlen(want) - 1);
    EXPECT_INT(253, strlen(want));
    EXPECT_TRUE(spf_macro_domain(span_of(text), &v, out));
    EXPECT_STR(want, out);
    strncat(text, "w", sizeof text - strlen(text) - 1); /* one byte more: a whole label less */
    EXPECT_TRUE(spf_macro_domain(span_of(text), &v, out));
    EXPECT_INT(254 - 10, strlen(out));
}

static void floods_are_cut_and_cost_no_memory(void **state)
{
    struct spf_macro_values v = values_for("192.0.2.3");
    char local[400], text[2049] = "", out[DNS_NAME_MAX], said[SPF_EXPLANATION_MAX];

    (void)state;
    memset(local, '=', sizeof local);
    v.local = span_make(local, sizeof local);
    for (int i = 0; i < 400; i++)
        strncat(text, "%{S}", sizeof text - strlen(text) - 1);
    EXPECT_NULL(spf_macro_check(span_of(text), SPF_MACRO_DOMAIN));
    expect_domain("example.com", text, &v); /* the label before it has 1200 bytes */
    EXPECT_INT(SPF_EXPLANATION_MAX - 1, strlen(spf_macro_explanation(span_of(text), &v, said)));
    strncat(text, ".tail.example", sizeof text - strlen(text) - 1);
    expect_domain("example.com.tail.example", text, &v);
    v.sender_domain = SPAN("");
    EXPECT_FALSE(spf_macro_domain(span_first(span_of(text), 1600), &v, out)); /* no dot in all of it */
}

static void what_cannot_be_a_name_is_none(void **state)
{
    static const char *const texts[] = {
        "a..b.example", ".example.com", "a.\\046.example",
        "%{l}.example", "%_",           "a123456789012345678901234567890123456789012345678901234567890123.example",
    };
    struct spf_macro_values v = values_for("192.0.2.3");
    char out[DNS_NAME_MAX];

    (void)state;
    v.local = SPAN("caf\xc3\xa9");
    for (size_t i = 0; i < COUNT(texts); i++)
        if (spf_macro_domain(span_of(texts[i]), &v, out) != (strcmp(texts[i], "%_") == 0))
            fail_msg("%s gives %s", texts[i], out);
    v.local = span_make("a\0b", 3);
    EXPECT_FALSE(spf_macro_domain(SPAN("%{l}.example"), &v, out));
}

RUN_TESTS(TEST(domains_are_expanded), TEST(ip6_is_written_in_nibbles), TEST(parts_may_be_empty),
          TEST(explanations_have_more_letters), TEST(explanations_never_carry_control_or_foreign_bytes),
          TEST(names_are_cut_from_the_left_by_labels), TEST(floods_are_cut_and_cost_no_memory),
          TEST(what_cannot_be_a_name_is_none))
