/* tests/unit/test_route_file.c - lines of the file of routes: what they mean, whom they fit, what is refused. */
#include "tests/kit/expect.h"

#include "gateway/mail/domain.h"
#include "gateway/smtp/route_file.h"

static struct route_table *table_of(const char *const *lines, size_t count)
{
    struct route_table *t = route_reader.make(HOP_TLS_MAY, 10);

    for (size_t i = 0; i < count; i++) {
        const char *wrong = route_reader.add(t, span_of(lines[i]), (unsigned)i + 1);

        if (wrong)
            fail_msg("%s: %s", lines[i], wrong);
    }
    return t;
}

/* The pattern that a recipient fits, "" for none. */
static const char *pattern_of(const struct route_table *t, const char *recipient, const char *delimiters,
                              struct file_match *match)
{
    struct address address;
    char domain[DOMAIN_MAX];

    EXPECT_INT(FAULT_NONE, address_parse(span_of(recipient), &address));
    if (domain_normal(address.domain, domain))
        domain[0] = '\0';
    return route_table_find(t, &address, domain, delimiters, match) ? match->pattern : "";
}

static void recipients_have_the_route_that_fits_most_closely(void **state)
{
    static const char *const lines[] = {
        "# a comment",
        "",
        "example.org smtp://10.0.0.1",
        "\t.example.org   smtp://10.0.0.2   # behind a blank\r",
        ".a.example.org smtp://10.0.0.3\r",
        "Joe@Example.ORG smtp://10.0.0.4",
        "list+archive@example.org smtp://10.0.0.5",
        "m\xc3\xbcnchen.example smtp://10.0.0.6",
        "*.wild.example smtp://10.0.0.7",
        "@at.example smtp://10.0.0.8",
    };
    static const struct {
        const char *recipient, *delimiters, *pattern;
    } cases[] = {
        { "x@example.org", "", "example.org" },
        { "x@EXAMPLE.org", "", "example.org" },
        { "joe@example.org", "", "joe@example.org" },
        { "JOE@example.org", "", "joe@example.org" },
        { "joe+tag@example.org", "", "example.org" },
        { "joe+tag@example.org", "+", "joe@example.org" },
        { "joe-tag@example.org", "+", "example.org" },
        { "joe-tag@example.org", "+-", "joe@example.org" },
        { "+tag@example.org", "+", "example.org" },
        { "list+archive@example.org", "+", "list+archive@example.org" },
        { "joe@a.example.org", "", ".example.org" },
        { "joe@b.a.example.org", "", ".a.example.org" },
        { "x@xn--mnchen-3ya.example", "", "xn--mnchen-3ya.example" },
        { "x@wild.example", "", "" },
        { "x@y.wild.example", "", ".wild.example" },
        { "x@at.example", "", "at.example" },
        { "x@org", "", "" },
        { "x@other.example", "", "" },
        { "x@[192.0.2.1]", "", "" },
    };
    struct route_table *t = table_of(lines, COUNT(lines));
    struct file_match match;

    (void)state;
    EXPECT_INT(8, route_table_count(t));
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].pattern, pattern_of(t, cases[i].recipient, cases[i].delimiters, &match));
    route_reader.free(t);
}

static void a_star_takes_what_nothing_else_fits(void **state)
{
    static const char *const lines[] = { "* smtp://10.0.0.1", "example.org smtp://10.0.0.2" };
    struct route_table *t = table_of(lines, COUNT(lines));
    struct file_match match;

    (void)state;
    EXPECT_STR("*", pattern_of(t, "x@other.example", "", &match));
    EXPECT_STR("smtp://10.0.0.1", match.route->targets.items[0].text);
    EXPECT_STR("*", pattern_of(t, "x@[192.0.2.1]", "", &match));
    EXPECT_STR("example.org", pattern_of(t, "x@example.org", "", &match));
    route_reader.free(t);
}

static void words_belong_to_their_target_or_to_the_line(void **state)
{
    static const char *const lines[] = {
        "a.example smtp://10.0.0.2:26 priority=1 weight=2 tls=verify smtp:unix:/run/x weight=7 verify=none "
        "smtp://[::1]",
        "b.example maildir:/var/mail/b",
    };
    struct route_table *t = table_of(lines, COUNT(lines));
    struct file_match match;

    (void)state;
    EXPECT_STR("a.example", pattern_of(t, "x@a.example", "", &match));
    const struct file_route *route = match.route;

    assert_int_equal(3, route->targets.count);
    EXPECT_INT(26, route->targets.items[0].at.port);
    EXPECT_INT(1, route->targets.items[0].priority);
    EXPECT_INT(2, route->targets.items[0].weight);
    EXPECT_STR("smtp://10.0.0.2:26", route->targets.items[0].text);
    EXPECT_STR("/run/x", route->targets.items[1].at.path);
    EXPECT_INT(7, route->targets.items[1].weight);
    EXPECT_INT(10, route->targets.items[2].priority);
    EXPECT_INT(HOP_TLS_VERIFY, route->tls);
    EXPECT_INT(VERIFY_NONE, route->verify.kind);
    EXPECT_STR("b.example", pattern_of(t, "x@b.example", "", &match));
    EXPECT_STR("/var/mail/b", match.route->targets.items[0].maildir);
    EXPECT_INT(-1, match.route->tls);
    EXPECT_INT(VERIFY_UNSAID, match.route->verify.kind);
    route_reader.free(t);
}

static void lines_that_say_the_same_are_one_route(void **state)
{
    static const char *const lines[] = {
        "a.example smtp://10.0.0.1 tls=none",
        "b.example   smtp://10.0.0.1\ttls=none",
        "c.example smtp://10.0.0.1",
    };
    struct route_table *t = table_of(lines, COUNT(lines));
    struct file_match a, b, c;

    (void)state;
    pattern_of(t, "x@a.example", "", &a);
    pattern_of(t, "x@b.example", "", &b);
    pattern_of(t, "x@c.example", "", &c);
    EXPECT_TRUE(a.route == b.route);
    EXPECT_TRUE(a.route != c.route);
    EXPECT_TRUE(route_table_route(t, 0) == a.route && route_table_route(t, 1) == c.route);
    EXPECT_NULL(route_table_route(t, 2));
    route_reader.free(t);
}

static void a_line_that_cannot_be_meant_is_refused_with_a_remedy(void **state)
{
    static const struct {
        const char *line, *wrong;
    } cases[] = {
        { "b.example", "has no target" },
        { "b.example tls=verify", "has no target" },
        { "b.example 10.0.0.1", "neither a target" },
        { "b.example http://10.0.0.1", "write \"smtp://HOST:PORT\"" },
        { "b.example smtp://10.0.0.1 priority=x", "means nothing there" },
        { "b.example priority=1 smtp://10.0.0.1", "neither a target" },
        { "b.example smtp://10.0.0.1 smtp://10.0.0.1:25", "twice" },
        { "b.example smtp://10.0.0.1 maildir:/x", "the only one" },
        { "b.example maildir:/x weight=1", "neither a target" },
        { "b.example smtp://10.0.0.1 tls=always", "none may encrypt" },
        { "b.example smtp://10.0.0.1 verify=perhaps", "write rcpt" },
        { "b.example smtp://10.0.0.1 verify=list:/does/not/exist", "cannot be read" },
        { "b.example smtps://10.0.0.1 tls=none", "TLS from the first byte" },
        { "b..example smtp://10.0.0.1", "is no address" },
        { "joe@ smtp://10.0.0.1", "without a domain" },
        { "<> smtp://10.0.0.1", "without a domain" },
        { "A.Example smtp://10.0.0.9", "line 1 already" },
        { "* smtp://10.0.0.9", "line 2 already" },
    };
    static const char *const lines[] = { "a.example smtp://10.0.0.1", "* smtp://10.0.0.1" };
    struct route_table *t = table_of(lines, COUNT(lines));

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *wrong = route_reader.add(t, span_of(cases[i].line), 9);

        if (!wrong || !strstr(wrong, cases[i].wrong))
            fail_msg("%s: %s", cases[i].line, wrong ? wrong : "taken");
    }
    route_reader.free(t);
}

/* With next_hop_tls = dane, which looks names up in the DNS. */
static void lines_that_do_not_say_are_spoken_to_as_usual(void **state)
{
    static const struct {
        const char *line;
        bool is_good;
    } cases[] = {
        { "a.example smtp://hop.example", true },  { "b.example smtp://10.0.0.1", false },
        { "c.example smtp:unix:/run/mta", false }, { "d.example smtp://10.0.0.1 tls=verify", true },
        { "e.example maildir:/var/mail/e", true },
    };
    struct route_table *t = route_reader.make(HOP_TLS_DANE, 10);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *wrong = route_reader.add(t, span_of(cases[i].line), 9);

        EXPECT_INT(cases[i].is_good, !wrong);
        EXPECT_TRUE(!wrong || strstr(wrong, "has no host name"));
    }
    route_reader.free(t);
}

RUN_TESTS(TEST(recipients_have_the_route_that_fits_most_closely), TEST(a_star_takes_what_nothing_else_fits),
          TEST(lines_that_do_not_say_are_spoken_to_as_usual), TEST(words_belong_to_their_target_or_to_the_line),
          TEST(lines_that_say_the_same_are_one_route), TEST(a_line_that_cannot_be_meant_is_refused_with_a_remedy))
