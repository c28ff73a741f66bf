/* tests/unit/test_address.c - addresses of the envelope [RFC5321 4.1.2]. */
#include "gateway/mail/address.h"

#include "tests/kit/expect.h"

#define A10       "aaaaaaaaaa"
#define A50       A10 A10 A10 A10 A10
#define LABEL63   A50 A10 "aaa"
#define DOMAIN255 LABEL63 "." LABEL63 "." LABEL63 "." LABEL63

static void paths_follow_the_grammar(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        const char *address, *local, *domain, *rest;
    } cases[] = {
        { "<a@b.example>", FAULT_NONE, "a@b.example", "a", "b.example", "" },
        { "<a@b.example> SIZE=1", FAULT_NONE, "a@b.example", "a", "b.example", " SIZE=1" },
        { "<>", FAULT_NONE, "", "", "", "" },
        { "<Postmaster>", FAULT_NONE, "Postmaster", "Postmaster", "", "" },
        { "<postmaster@x.example>", FAULT_NONE, "postmaster@x.example", "postmaster", "x.example", "" },
        { "<@a.example,@b.example:c@d.example>", FAULT_NONE, "c@d.example", "c", "d.example", "" },
        { "<@[192.0.2.1]:c@d.example>", FAULT_NONE, "c@d.example", "c", "d.example", "" },
        { "<\"a b@c\\\" \\\\>\"@d.example>", FAULT_NONE, "\"a b@c\\\" \\\\>\"@d.example", "\"a b@c\\\" \\\\>\"",
          "d.example", "" },
        { "<\"\"@d.example>", FAULT_NONE, "\"\"@d.example", "\"\"", "d.example", "" },
        { "<a@[192.0.2.1]>", FAULT_NONE, "a@[192.0.2.1]", "a", "[192.0.2.1]", "" },
        { "<a@[IPv6:2001:db8::1]>", FAULT_NONE, "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]", "" },
        { "<a@b>", FAULT_NONE, "a@b", "a", "b", "" },
        { "<a@x_y.example>", FAULT_NONE, "a@x_y.example", "a", "x_y.example", "" },
        { "<a..b.@docomo.example>", FAULT_NONE, "a..b.@docomo.example", "a..b.", "docomo.example", "" },
        { "<!#$%&'*+-/=?^_`{|}~@b.example>", FAULT_NONE, "!#$%&'*+-/=?^_`{|}~@b.example", "!#$%&'*+-/=?^_`{|}~",
          "b.example", "" },
        { "<" A50 A50 "@b.example>", FAULT_NONE, A50 A50 "@b.example", A50 A50, "b.example", "" },
        { "<j\xc3\xbcrgen@b\xc3\xbc"
          "cher.example>",
          FAULT_NONE,
          "j\xc3\xbcrgen@b\xc3\xbc"
          "cher.example",
          "j\xc3\xbcrgen",
          "b\xc3\xbc"
          "cher.example",
          "" },
        { "", FAULT_SYNTAX, "", "", "", "" },
        { "<", FAULT_SYNTAX, "", "", "", "" },
        { "a@b.example", FAULT_SYNTAX, "", "", "", "" },
        { "<a>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@>", FAULT_SYNTAX, "", "", "", "" },
        { "<@b.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<@b.example:>", FAULT_SYNTAX, "", "", "", "" },
        { "<@b.example,:a@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<@:a@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b.example", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a b@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b.example >", FAULT_SYNTAX, "", "", "", "" },
        { "< a@b.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b..example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@.b.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b.example.>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b/c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@[192.0.2.256]>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@[2001:db8::1]>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@[IPv6:192.0.2.1]>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@[x:y]>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@[]>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@[192.0.2.1>", FAULT_SYNTAX, "", "", "", "" },
        { "<\"a\nb\"@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<\"a\\\nb\"@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<\"a\"b@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<\"a@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<\"a\\", FAULT_SYNTAX, "", "", "", "" },
        { "<a(x)@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<\xc3(@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<\xff@c.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@\xff.example>", FAULT_SYNTAX, "", "", "", "" },
        { "<a@b\xef\xbc\xa0"
          "c.example>",
          FAULT_SYNTAX, "", "", "", "" },
        { "<a@" LABEL63 "a.example>", FAULT_TOO_LONG, "", "", "", "" },
        { "<a@" DOMAIN255 ">", FAULT_TOO_LONG, "", "", "", "" },
        { "<" A50 A50 A50 A50 A50 A50 A50 "@b.example>", FAULT_TOO_LONG, "", "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span rest = span_of(cases[i].text);
        struct address a = { 0 };

        EXPECT_INT(cases[i].fault, address_path(&rest, true, &a));
        EXPECT_SPAN(cases[i].address, a.text);
        EXPECT_SPAN(cases[i].local, a.local);
        EXPECT_SPAN(cases[i].domain, a.domain);
        EXPECT_SPAN(cases[i].fault ? cases[i].text : cases[i].rest, rest);
    }
}

static void a_path_with_nul_is_refused(void **state)
{
    struct span rest = SPAN("<a\0b@c.example>"), domain = SPAN("<a@c\0.example>");
    struct address a;

    (void)state;
    EXPECT_INT(FAULT_SYNTAX, address_path(&rest, false, &a));
    EXPECT_INT(FAULT_SYNTAX, address_path(&domain, false, &a));
}

static void the_null_path_is_taken_only_where_it_may_stand(void **state)
{
    struct span rest = SPAN("<>");
    struct address a;

    (void)state;
    EXPECT_INT(FAULT_SYNTAX, address_path(&rest, false, &a));
}

static void addresses_stand_alone(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        bool is_utf8;
    } cases[] = {
        { "a@b.example", FAULT_NONE, false },
        { "a@b.example ", FAULT_SYNTAX, false },
        { "<a@b.example>", FAULT_SYNTAX, false },
        { "", FAULT_SYNTAX, false },
        { "a", FAULT_SYNTAX, false },
        { "\xc3\xa9@b.example", FAULT_NONE, true },
        { "a@\xc3\xa9.example", FAULT_NONE, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address a = { 0 };

        EXPECT_INT(cases[i].fault, address_parse(span_of(cases[i].text), &a));
        EXPECT_INT(cases[i].is_utf8, a.is_utf8);
    }
}

static void domains_compare_without_case_and_local_parts_with_it(void **state)
{
    struct address a, b, c;

    (void)state;
    EXPECT_INT(FAULT_NONE, address_parse(SPAN("Joe@B.example"), &a));
    EXPECT_INT(FAULT_NONE, address_parse(SPAN("Joe@b.EXAMPLE"), &b));
    EXPECT_INT(FAULT_NONE, address_parse(SPAN("joe@b.example"), &c));
    EXPECT_TRUE(address_eq(&a, &b));
    EXPECT_FALSE(address_eq(&a, &c));
}

RUN_TESTS(TEST(paths_follow_the_grammar), TEST(a_path_with_nul_is_refused),
          TEST(the_null_path_is_taken_only_where_it_may_stand), TEST(addresses_stand_alone),
          TEST(domains_compare_without_case_and_local_parts_with_it))
