/* tests/unit/test_spf_record.c - SPF records as the RFC's grammar has them [RFC7208 12]. */
#include "scanners/spf_record.h"

#include "tests/kit/expect.h"

static void version_is_exact(void **state)
{
    static const struct {
        const char *text;
        bool is_record;
    } cases[] = {
        { "v=spf1", true },      { "v=spf1 ", true },       { "V=SPF1 -all", true },         { "v=spf10", false },
        { "v=spf1-all", false }, { "v=spf1\t-all", false }, { " v=spf1 -all", false },       { "v=spf", false },
        { "", false },           { "\"v=spf1\"", false },   { "v=spf1\xc2\xa0-all", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (spf_record_is(span_of(cases[i].text)) != cases[i].is_record)
            fail_msg("%s", cases[i].text);
}

static const char *parse(struct arena *a, struct span text, struct spf_record *out)
{
    struct span at;

    return spf_record_parse(a, text, out, &at);
}

static void terms_are_right_or_wrong(void **state)
{
    static const struct {
        const char *terms;
        bool is_right;
    } cases[] = {
        /* all */
        { "all", true },
        { "ALL", true },
        { "-all", true },
        { "--all", false },
        { "all.", false },
        { "all:", false },
        { "all/8", false },
        { "all=x", true },
        { "%all", false },
        { "- all", false },
        { "-", false },
        { "?", false },
        /* include, exists: a domain, and no prefix */
        { "include:a.example", true },
        { "include", false },
        { "include:", false },
        { "include:a.example/24", false },
        { "include:%{d}/24", false },
        { "include/24", false },
        { "exists", false },
        { "exists:%{ir}.a.example", true },
        { "exists:a.example//1", false },
        { "include=a.example", true },
        { "InClUdE:a.example", true },
        /* a, mx */
        { "a", true },
        { "a:a.example", true },
        { "a/24", true },
        { "a//64", true },
        { "a/24//64", true },
        { "a:a.example/24//64", true },
        { "a/0", true },
        { "a/32", true },
        { "a/33", false },
        { "a//128", true },
        { "a//129", false },
        { "a/024", false },
        { "a/00", false },
        { "a/", false },
        { "a//", false },
        { "a/24/64", false },
        { "a///64", false },
        { "a/24//", false },
        { "a/-1", false },
        { "a/99999999999999999999", false },
        { "a:", false },
        { "a:/24", false },
        { "a:a", false },
        { "a24", false },
        { "a/24:a.example", false },
        { "a:a.example//64/24", false },
        { "a:%{d}/24", true },
        { "a:%{d}//64", true },
        { "a:a/b.example", true },
        { "a:x:y.example", true },
        { "mx/24//64", true },
        { "mx:", false },
        { "mx:1.2.3.4", false },
        { "mxx", false },
        { "a:foo.123", false },
        /* ptr */
        { "ptr", true },
        { "ptr:a.example", true },
        { "ptr/24", false },
        { "ptr:a.example/24", false },
        /* networks */
        { "ip4:192.0.2.0/24", true },
        { "ip4:192.0.2.1", true },
        { "ip4:192.0.2.1/0", true },
        { "ip4:192.0.2", false },
        { "ip4:192.0.2.1/33", false },
        { "ip4:192.0.2.1/032", false },
        { "ip4:192.0.2.1//32", false },
        { "ip4:192.0.02.1", false },
        { "ip4:192.0.2.256", false },
        { "ip4:192.0.2.1:25", false },
        { "ip4", false },
        { "ip4:", false },
        { "ip4/24", false },
        { "ip4:::1", false },
        { "ip4:0x7f.1", false },
        { "ip4:a.example", false },
        { "ip4: 192.0.2.1", false },
        { "ip4:192.0.2.1/", false },
        { "ip6:2001:db8::/32", true },
        { "ip6:::1", true },
        { "ip6:::/0", true },
        { "ip6:::1/128", true },
        { "ip6:::1/129", false },
        { "ip6:::1//64", false },
        { "ip6:192.0.2.1", false },
        { "ip6:::ffff:192.0.2.1", true },
        { "ip6:2001:db8", false },
        { "ip6::2001::1", false },
        { "ip6:::1%eth0", false },
        { "ip6:12345::", false },
        /* modifiers */
        { "redirect=a.example", true },
        { "redirect=", false },
        { "redirect", false },
        { "redirect:a.example", false },
        { "redirect=a.example redirect=b.example", false },
        { "REDIRECT=a.example redirect=b.example", false },
        { "exp=a.example", true },
        { "exp=", false },
        { "exp=%{r}.example", false },
        { "exp=a.example -all exp=a.example", false },
        { "redirect=a.example exp=a.example", true },
        { "x=", true },
        { "x=y x=z", true },
        { "x.y-z_1=%{d}", true },
        { "1x=y", false },
        { "=y", false },
        { "x=%", false },
        { "x=%{c}", false },
        { "x=a:b/c", true },
        { "-x=y", false },
        { "x/y=z", false },
        { "x:y=z", false },
        { "v=spf1", true },
        /* between terms */
        { "   a    -all   ", true },
        { "a\t-all", false },
        { "a\r\n-all", false },
        { "a,-all", false },
        { "moo", false },
        { "-all moo", false },
        { "a:\xc3\xa9.example", false },
        { "prt", false },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct spf_record record;
        char *text = arena_printf(&arena, "v=spf1 %s", cases[i].terms);
        const char *fault = parse(&arena, span_of(text), &record);

        if (!fault != cases[i].is_right)
            fail_msg("\"%s\" is %s", cases[i].terms, fault ? fault : "right");
    }
    arena_release(&arena);
}

static void terms_are_kept_in_order(void **state)
{
    struct arena arena;
    struct spf_record r;

    (void)state;
    arena_init(&arena, 1 << 20);
    EXPECT_NULL(parse(&arena,
                      SPAN("v=spf1 redirect=_spf.%{d} ip4:192.0.2.7/24 ?include:b.example ~mx/20//40 exp=e.example "
                           "x=y -ip6:::ffff:192.0.2.1/120 +all"),
                      &r));
    EXPECT_INT(8, r.count);
    EXPECT_TRUE(r.redirect == &r.terms[0]);
    EXPECT_INT(SPF_IP4, r.terms[1].kind);
    EXPECT_INT(24, r.terms[1].bits4);
    EXPECT_INT(SPF_INCLUDE, r.terms[2].kind);
    EXPECT_INT(SPF_QUALIFIER_NEUTRAL, r.terms[2].qualifier);
    EXPECT_SPAN("b.example", r.terms[2].domain);
    EXPECT_INT(SPF_MX, r.terms[3].kind);
    EXPECT_INT(SPF_QUALIFIER_SOFTFAIL, r.terms[3].qualifier);
    EXPECT_INT(20, r.terms[3].bits4);
    EXPECT_INT(40, r.terms[3].bits6);
    EXPECT_INT(0, r.terms[3].domain.len);
    EXPECT_INT(SPF_UNKNOWN_MODIFIER, r.terms[5].kind);
    EXPECT_INT(SPF_QUALIFIER_FAIL, r.terms[6].qualifier);
    EXPECT_INT(ADDR_IP6, r.terms[6].ip.family);
    EXPECT_INT(120, r.terms[6].bits6);
    EXPECT_INT(SPF_QUALIFIER_PASS, r.terms[7].qualifier);
    EXPECT_SPAN("+all", r.terms[7].text);
    EXPECT_FALSE(r.terms[7].has_macros);
    EXPECT_TRUE(r.redirect->has_macros);
    EXPECT_SPAN("_spf.%{d}", r.redirect->domain);
    EXPECT_SPAN("redirect=_spf.%{d}", r.redirect->text);
    EXPECT_SPAN("e.example", r.exp->domain);
    EXPECT_NULL(parse(&arena, SPAN("v=spf1"), &r));
    EXPECT_INT(0, r.count);
    EXPECT_NULL(r.redirect);
    arena_release(&arena);
}

static void broken_terms_are_named(void **state)
{
    static const struct {
        const char *text, *at;
    } cases[] = {
        { "v=spf1 a mx:%{x}.example -all", "mx:%{x}.example" },
        { "v=spf1 a:192.0.2.1 -all", "a:192.0.2.1" },
        { "v=spf1 a -all exp=e.example exp=e.example", "exp=e.example" },
        { "v=spf1 a include:b.ex\x80mple -all", "include:b.ex" },
        { "v=spf1 \x01", "" },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct spf_record record;
        struct span at;

        assert_non_null(spf_record_parse(&arena, span_of(cases[i].text), &record, &at));
        EXPECT_SPAN(cases[i].at, at);
    }
    arena_release(&arena);
}

/* A record of `count` terms after v=spf1. */
static struct span record_of(struct arena *a, const char *term, size_t count)
{
    size_t len = strlen(term);
    char *text = arena_alloc(a, 6 + count * (len + 1) + 1);

    memcpy(text, "v=spf1", 6);
    for (size_t i = 0; i < count; i++) {
        text[6 + i * (len + 1)] = ' ';
        memcpy(text + 6 + i * (len + 1) + 1, term, len);
    }
    return span_of(text);
}

static void bounds_are_where_they_are_said_to_be(void **state)
{
    struct arena arena;
    struct spf_record r;
    char term[SPF_TERM_BYTES_MOST + 2];

    (void)state;
    arena_init(&arena, 1 << 24);
    EXPECT_NULL(parse(&arena, record_of(&arena, "?a", SPF_TERMS_MOST), &r));
    EXPECT_INT(SPF_TERMS_MOST, r.count);
    assert_non_null(parse(&arena, record_of(&arena, "?a", SPF_TERMS_MOST + 1), &r));
    assert_non_null(parse(&arena, record_of(&arena, "a", 30000), &r));
    memset(term, 'x', sizeof term);
    memcpy(term, "x=", 2);
    term[SPF_TERM_BYTES_MOST] = '\0';
    EXPECT_NULL(parse(&arena, record_of(&arena, term, 1), &r));
    term[SPF_TERM_BYTES_MOST] = 'x';
    term[SPF_TERM_BYTES_MOST + 1] = '\0';
    assert_non_null(parse(&arena, record_of(&arena, term, 1), &r));
    arena_release(&arena);
}

RUN_TESTS(TEST(version_is_exact), TEST(terms_are_right_or_wrong), TEST(terms_are_kept_in_order),
          TEST(broken_terms_are_named), TEST(bounds_are_where_they_are_said_to_be))
