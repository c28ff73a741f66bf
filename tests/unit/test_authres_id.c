/* tests/unit/test_authres_id.c - whose Authentication-Results field is this? */
#include "gateway/mail/authres_id.h"

#include "tests/kit/expect.h"

static void fields_with_our_name_are_ours_however_it_is_written(void **state)
{
    static const struct {
        const char *body;
        bool is_ours;
    } cases[] = {
        { " mx.example.org; spf=pass", true },
        { "MX.Example.ORG; spf=pass", true },
        { "mx.example.org", true },
        { "mx.example.org 1; spf=pass", true },
        { "mx.example.org.; spf=pass", true },
        { "\r\n\t(a (nested) comment)\r\n mx.example.org (x) 1 (y); none", true },
        { "(a \\) b) mx.example.org; none", true },
        { "\"mx.example.org\"; none", true },
        { "\"mx\\.example.org\"; none", true },
        { "mx.example.org(c);spf=pass", true },
        { "mx.example.net; spf=pass", false },
        { "mail.mx.example.org; spf=pass", false },
        { "xmx.example.org; spf=pass", false },
        { "mx.example.net; spf=pass smtp.mailfrom=mx.example.org", false },
        { "mx.example.net (mx.example.org); spf=pass", false },
        { "", false },
        { "; spf=pass", false },
        /* what is malformed is removed when it names us where the name belongs */
        { "(mx.example.org; spf=pass", true },
        { "\"mx.example.org; spf=pass", true },
        { "mx.example.net mx.example.org; spf=pass", true },
        { "mx.example.org spf=pass", true },
        { "mx.example.org x; spf=pass", true },
        { "mx.example.net x; spf=pass smtp.mailfrom=mx.example.org", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].is_ours != authres_is_from(span_of(cases[i].body), "mx.example.org"))
            print_error("%s\n", cases[i].body);
        EXPECT_INT(cases[i].is_ours, authres_is_from(span_of(cases[i].body), "mx.example.org"));
    }
}

static void names_agree_in_every_spelling(void **state)
{
    (void)state;
    EXPECT_TRUE(authres_is_from(SPAN("m\xc3\xbcx.example; none"), "xn--mx-xka.example"));
    EXPECT_TRUE(authres_is_from(SPAN("xn--mx-xka.example; none"), "m\xc3\xbcx.example"));
    EXPECT_TRUE(authres_is_from(SPAN("Our Filter; none"), "Our Filter"));
    EXPECT_TRUE(authres_is_from(SPAN("mx\0.example; none"), "mx")); /* readers that stop at NUL see our name */
}

static void a_long_field_costs_one_pass(void **state)
{
    static char body[1 << 20];

    (void)state;
    memset(body, '(', sizeof body);
    EXPECT_FALSE(authres_is_from(span_make(body, sizeof body), "mx.example.org"));
    memset(body, 'm', sizeof body);
    EXPECT_FALSE(authres_is_from(span_make(body, sizeof body), "mx.example.org"));
}

RUN_TESTS(TEST(fields_with_our_name_are_ours_however_it_is_written), TEST(names_agree_in_every_spelling),
          TEST(a_long_field_costs_one_pass))
