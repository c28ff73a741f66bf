/* tests/unit/test_url_text.c - what a reader would make links of in a text. */
#include "gateway/base/strbuf.h"
#include "gateway/content/url.h"
#include "tests/kit/expect.h"

/* All that was found, blanks between: URLs in normal form, then addresses. */
static void list(const struct urls *urls, struct strbuf *out)
{
    for (size_t i = 0; i < urls->count; i++) {
        strbuf_puts(out, out->len ? " " : "");
        strbuf_put(out, urls->items[i].text);
    }
    for (size_t i = 0; i < urls->email_count; i++)
        strbuf_putf(out, "%s%.*s@%s", out->len ? " " : "", SPAN_ARG(urls->emails[i].local), urls->emails[i].domain);
}

struct text_case {
    const char *text, *found;
};

static void expect_found(const struct text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct urls urls = { 0 };
        struct strbuf out;
        struct arena a;

        arena_init(&a, SIZE_MAX);
        strbuf_init(&out, 4096);
        urls_in_text(&a, &urls, span_of(cases[i].text), URL_TEXT, SPAN(""));
        list(&urls, &out);
        if (!span_is(strbuf_span(&out), cases[i].found))
            fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].text, out.data ? out.data : "", cases[i].found);
        strbuf_release(&out);
        arena_release(&a);
    }
}

static void urls_are_found(void **state)
{
    static const struct text_case cases[] = {
        { "", "" },
        { "no link here: at all. Nor @ here (dot)", "" },
        { "see http://example.com/a.", "http://example.com/a" },
        { "see http://example.com.", "http://example.com/" },
        { "http://example\xe2\x80\xa4"
          "com/a",
          "http://example.com/a" },
        { "open \\\\files.example.com\\share", "http://files.example.com/share" },
        { "C:\\files.example.com\\share", "" },
        { "feed:https://example.com/a", "https://example.com/a" },
        { "(http://example.com/a_(b))", "http://example.com/a_(b)" },
        { "(see http://example.com/a)", "http://example.com/a" },
        { "<http://example.com/a>", "http://example.com/a" },
        { "\"http://example.com/a\"", "http://example.com/a" },
        { "'http://example.com/a', and", "http://example.com/a" },
        { "[url=http://example.com/a]text[/url]", "http://example.com/a" },
        { "http://a.com,http://b.com;https://c.com", "http://a.com/ http://b.com/ https://c.com/" },
        { "xhttp://example.com/", "http://example.com/" },
        { "HTTPS://Example.COM/A?b=c&d#e!", "https://example.com/A?b=c&d#e" },
        { "ftp://ftp.example.com/pub", "ftp://ftp.example.com/pub" },
        { "http://example.com:8080/a", "http://example.com:8080/a" },
        { "http://localhost/ http://intranet/x", "" },
        { "http://192.0.2.1/ http://3221225985/a http://[2001:db8::1]/b",
          "http://192.0.2.1/ http://192.0.2.1/a http://[2001:db8::1]/b" },
        { "http://user@example.com/ http://paypal.com:login@evil.com/x",
          "http://user@example.com/ http://paypal.com:login@evil.com/x" },
        { "line\nhttp://example.com/a\nb", "http://example.com/a" },
        { "see http://m\xc3\xbcller.de/x", "http://xn--mller-kva.de/x" },
        { "\xe8\xaf\xb7http://example.com\xe8\xb0\xa2 www.example.org\xe3\x80\x82",
          "http://example.com/ http://www.example.org/" },
        { "\xe2\x80\x9chttp://example.com/a\xe2\x80\x9d", "http://example.com/a" },
        { "http://example.com.Then more", "http://example.com/" },
        { "URL: 1983@http://example.com/", "http://example.com/" },
    };

    (void)state;
    expect_found(cases, COUNT(cases));
}

static void names_without_a_scheme_are_found(void **state)
{
    static const struct text_case cases[] = {
        { "go to www.example.com now", "http://www.example.com/" },
        { "go to WWW.Example.Com/A.", "http://www.example.com/A" },
        { "www2.example.com", "http://www2.example.com/" },
        { "go to example.com, now", "http://example.com/" },
        { "example.co.uk/x?y", "http://example.co.uk/x?y" },
        { "example.com:8080/x", "http://example.com:8080/x" },
        { "sub.domain.example.net", "http://sub.domain.example.net/" },
        { "m\xc3\xbcller.de", "http://xn--mller-kva.de/" },
        { "*example.com*", "http://example.com/" },
        { "www.example.com.Click here", "http://www.example.com.click/ http://www.example.com/" },
        { "pills at evil.cc and evil.us", "http://evil.cc/ http://evil.us/" },
        /* what is none */
        { "the end.Then it goes on", "" },
        { "this is done.it was easy", "" },
        { "readme.md, run.sh and a.zip", "" },
        { "report.pdf index.html main.c", "" },
        { "version 1.2.3.4 of 10.20", "" },
        { "foo.com(bar)", "" },
        { "/usr/lib/example.com", "" },
        { "e.g. this, i.e. that... etc.", "" },
        { "www.nothing.invalid", "" },
        { "done.it/x", "http://done.it/x" }, /* with a path it is one */
    };

    (void)state;
    expect_found(cases, COUNT(cases));
}

static void addresses_are_found(void **state)
{
    static const struct text_case cases[] = {
        { "write to joe@example.com.", "joe@example.com" },
        { "<Joe.Doe+tag@Example.COM>", "Joe.Doe+tag@example.com" },
        { "mailto:joe@example.com?subject=x", "joe@example.com" },
        { "john.doe@sub.example.co.uk, x_y@example.org", "john.doe@sub.example.co.uk x_y@example.org" },
        { "joe@m\xc3\xbcller.de", "joe@xn--mller-kva.de" },
        { "a@b @example.com joe@ @@@ joe@localhost", "" },
        { "joe (at) example (dot) com", "joe@example.com" },
        { "joe[at]example[dot]com joe@example.com", "joe@example.com" },
        { "www.paypal.com@evil.com/login", "http://www.paypal.com@evil.com/login www.paypal.com@evil.com" },
    };

    (void)state;
    expect_found(cases, COUNT(cases));
}

static void disguises_are_seen_through(void **state)
{
    static const struct text_case cases[] = {
        { "hxxp://example.com/a", "http://example.com/a" },
        { "hxxps://example[.]com/a", "https://example.com/a" },
        { "http://www[.]example[.]com/a", "http://www.example.com/a" },
        { "www(dot)example(dot)com", "http://www.example.com/" },
        { "example[.]com/x", "http://example.com/x" },
        { "example [dot] com", "http://example.com/" },
        { "visit example dot com today", "http://example.com/" },
        { "connect the dot in the middle", "" },
        { "http: //www.example.com/a", "http://www.example.com/a" },
        { "http:\\\\www.example.com\\a", "http://www.example.com/a" },
        { "http:www.example.com/a", "http://www.example.com/a" },
        { "http:///www.example.com/a", "http://www.example.com/a" },
        { "http://ex%61mple.com/a", "http://example.com/a" },
        { "http://example\xe3\x80\x82"
          "com/a",
          "http://example.com/a" },
        { "www.exam\xe2\x80\x8bple.com", "http://www.example.com/" },
        { "www.exam\xc2\xadple.com", "http://www.example.com/" },
    };

    (void)state;
    expect_found(cases, COUNT(cases));
}

static void what_comes_again_is_counted(void **state)
{
    struct urls urls = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    urls_in_text(&a, &urls, SPAN("http://example.com/a HTTP://EXAMPLE.com/a http://example.com/a x@a.com X@A.com"),
                 URL_TEXT, SPAN(""));
    urls_in_text(&a, &urls, SPAN("http://example.com/a"), URL_HEADER, SPAN("Subject"));
    EXPECT_INT(1, urls.count);
    EXPECT_INT(4, urls.items[0].count);
    EXPECT_INT(URL_TEXT, urls.items[0].source);
    EXPECT_INT(1U << URL_TEXT | 1U << URL_HEADER, urls.items[0].sources);
    EXPECT_SPAN("http://example.com/a", urls.items[0].raw);
    EXPECT_INT(1, urls.email_count);
    EXPECT_INT(2, urls.emails[0].count);
    EXPECT_SPAN("x@a.com", urls.emails[0].key);
    arena_release(&a);
}

static void links_are_resolved(void **state)
{
    static const struct {
        const char *target, *base, *normal;
    } cases[] = {
        { "http://a.example/x", "", "http://a.example/x" },
        { "b/c", "http://a.example/x/y?z", "http://a.example/x/b/c" },
        { "/b", "http://a.example/x/y", "http://a.example/b" },
        { "../b", "http://a.example/x/y/z", "http://a.example/x/b" },
        { "?q", "http://a.example/x/y?z", "http://a.example/x/y?q" },
        { "#f", "http://a.example/x", "http://a.example/x#f" },
        { "//b.example/", "https://a.example/x", "https://b.example/" },
        { "http://b.example/", "https://a.example/x", "http://b.example/" },
        { "b/c", "", NULL },
        { "#", "", NULL },
        { "cid:x@y", "http://a.example/", "cid:x@y" },
        { "joe@example.com", "", NULL },
        { "joe@example.com/", "", "http://joe@example.com/" },
        { "chrome://branding/x", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct urls urls = { 0 };
        struct arena a;

        arena_init(&a, SIZE_MAX);
        const struct url *u =
            urls_add(&a, &urls, span_of(cases[i].target), span_of(cases[i].base), SPAN("shown"), URL_LINK, 3);

        if (!u != !cases[i].normal || (u && !span_is(u->text, cases[i].normal)))
            fail_msg("%zu: %.*s", i, u ? (int)u->text.len : 4, u ? u->text.ptr : "none");
        if (u) {
            EXPECT_INT(3, u->element);
            EXPECT_SPAN("shown", u->shown);
            EXPECT_STR("", u->shown_domain);
        }
        arena_release(&a);
    }
}

static void what_a_link_shows_is_read(void **state)
{
    static const struct {
        const char *shown, *domain;
        bool is_url;
    } cases[] = {
        { "click here", "", false },
        { "www.paypal.com", "paypal.com", true },
        { "https://www.paypal.com/signin", "paypal.com", true },
        { "Log in at www.paypal.com now", "paypal.com", true },
        { "Log in at paypal.com/login now", "paypal.com", true },
        { "Log in at https://paypal.com now", "paypal.com", true },
        { "Log in at paypal.com now", "paypal.com", false },
        { "paypal.com", "paypal.com", true },
        { "> paypal.com!", "paypal.com", true },
        { "paypal\xe2\x80\xa4"
          "com",
          "paypal.com", true },
        { "PayPal.com: Top CIOs", "paypal.com", false },
        { "http://www.all-life/", "", false },
        { "joe@paypal.com", "", false },
    };
    struct urls urls = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char target[64];

        snprintf(target, sizeof target, "http://evil.example/%zu", i);
        const struct url *u = urls_add(&a, &urls, span_of(arena_dup(&a, span_of(target))), SPAN(""),
                                       span_of(cases[i].shown), URL_LINK, 0);

        EXPECT_STR(cases[i].domain, u->shown_domain);
        if (u->shows_url != cases[i].is_url)
            fail_msg("\"%s\"", cases[i].shown);
    }
    /* of several links to one place, the one that misleads is kept */
    const struct url *u =
        urls_add(&a, &urls, SPAN("http://evil.example/0"), SPAN(""), SPAN("www.bank.com"), URL_LINK, 0);

    EXPECT_STR("bank.com", u->shown_domain);
    u = urls_add(&a, &urls, SPAN("http://evil.example/0"), SPAN(""), SPAN("here"), URL_LINK, 0);
    EXPECT_STR("bank.com", u->shown_domain);
    EXPECT_INT(3, u->count);
    u = urls_add(&a, &urls, SPAN("http://evil.example/6"), SPAN(""), SPAN("paypal.com"), URL_LINK, 0);
    EXPECT_TRUE(u->shows_url);
    arena_release(&a);
}

/* What opens in a browser runs: of its scripts those URLs that say their scheme. */
static void urls_in_scripts_are_found(void **state)
{
    struct urls urls = { 0 };
    struct strbuf out;
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&out, 4096);
    urls_in_code(
        &a, &urls,
        SPAN("window.top.location=\"https:\\/\\/evil.com\\/a\"; document.body.style = a.com; 'http://b.com/'"));
    list(&urls, &out);
    EXPECT_SPAN("https://evil.com/a http://b.com/", strbuf_span(&out));
    EXPECT_INT(URL_DECODED, urls.items[0].source);
    EXPECT_INT(0, urls.items[0].flags);
    strbuf_release(&out);
    arena_release(&a);
}

RUN_TESTS(TEST(urls_are_found), TEST(names_without_a_scheme_are_found), TEST(addresses_are_found),
          TEST(disguises_are_seen_through), TEST(what_comes_again_is_counted), TEST(links_are_resolved),
          TEST(what_a_link_shows_is_read), TEST(urls_in_scripts_are_found))
