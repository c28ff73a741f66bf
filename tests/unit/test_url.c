/* tests/unit/test_url.c - one URL taken apart: as browsers read it, and as people mean it. */
#include "gateway/content/url.h"

#include "tests/kit/expect.h"

static bool read(struct arena *a, const char *text, struct url *out)
{
    return url_read(a, span_of(text), out);
}

static void urls_have_a_normal_form(void **state)
{
    static const struct {
        const char *text, *normal;
    } cases[] = {
        { "http://example.com", "http://example.com/" },
        { "HTTP://EXAMPLE.com/A", "http://example.com/A" },
        { "  http://example.com/ \t", "http://example.com/" },
        { "http://example.com:80/", "http://example.com/" },
        { "https://example.com:443/", "https://example.com/" },
        { "http://example.com:8080/", "http://example.com:8080/" },
        { "http://example.com:/", "http://example.com/" },
        { "http://example.com./", "http://example.com/" },
        { "http://example.com?q", "http://example.com/?q" },
        { "http://example.com#f", "http://example.com/#f" },
        { "http://example.com/a/./b/../c", "http://example.com/a/c" },
        { "http://example.com/a/../../../b", "http://example.com/b" },
        { "http://example.com/a/..", "http://example.com/" },
        { "http://example.com/a/b/..", "http://example.com/a/" },
        { "http://example.com/a/.", "http://example.com/a/" },
        { "http://example.com//a//", "http://example.com//a//" },
        { "http://example.com/%2e%2E/a", "http://example.com/a" },
        { "http://example.com/%41%7e%2f", "http://example.com/A~%2F" },
        { "http://example.com/a b", "http://example.com/a%20b" },
        { "http://example.com/\xc3\xbc", "http://example.com/%C3%BC" },
        { "http://example.com/%zz%", "http://example.com/%25zz%25" },
        { "http://example.com/?a=<b>", "http://example.com/?a=%3Cb%3E" },
        { "http://user:pw@example.com/", "http://user:pw@example.com/" },
        { "http://a@b@example.com/", "http://a%40b@example.com/" },
        /* what browsers forgive */
        { "http:example.com", "http://example.com/" },
        { "http:/example.com", "http://example.com/" },
        { "http:///example.com", "http://example.com/" },
        { "http:\\\\example.com\\a\\b", "http://example.com/a/b" },
        { "http://exa\nmple\t.com/a\r\nb", "http://example.com/ab" },
        { "http://ex%61mple.com/", "http://example.com/" },
        { "http://%65%78ample%2ecom/", "http://example.com/" },
        { "http://\xef\xbd\x85xample\xef\xbc\x8e"
          "com/",
          "http://example.com/" },
        { "http://example\xe3\x80\x82"
          "com/",
          "http://example.com/" },
        { "http://example\xe2\x80\xa4"
          "com/",
          "http://example.com/" },
        { "http://example\xef\xb9\x92"
          "com/",
          "http://example.com/" },
        { "http://example%E2%80%A4com/", "http://example.com/" },
        { "http://exa\xc2\xadmple.com/", "http://example.com/" },
        { "\\\\example.com\\share\\x", "http://example.com/share/x" },
        { "Feed:https://example.com/", "feed:https://example.com/" },
        { "http://exa\xe2\x80\x8bmple.com/", "http://example.com/" },
        { "http://\xe2\x91\xa0.com/", "http://1.com/" },
        /* names of other scripts */
        { "http://m\xc3\xbcller.de/", "http://xn--mller-kva.de/" },
        { "http://xn--mller-kva.de/", "http://xn--mller-kva.de/" },
        { "http://fa\xc3\x9f.de/", "http://xn--fa-hia.de/" },
        { "http://i\xe2\x9d\xa4.ws/", "http://xn--i-7iq.ws/" }, /* a picture: IDNA forbids it, browsers go there */
        { "http://\xf0\x9f\x92\xa9.la/", "http://xn--ls8h.la/" },
        /* addresses */
        { "http://192.0.2.1/", "http://192.0.2.1/" },
        { "http://3221225985/", "http://192.0.2.1/" },
        { "http://0xc0000201/", "http://192.0.2.1/" },
        { "http://0300.0.2.1/", "http://192.0.2.1/" },
        { "http://0xC0.0x0.0x02.0x1/", "http://192.0.2.1/" },
        { "http://192.513/", "http://192.0.2.1/" },
        { "http://192.0.513/", "http://192.0.2.1/" },
        { "http://0300.0x0.513/", "http://192.0.2.1/" },
        { "http://192.0.2.1./", "http://192.0.2.1/" },
        { "http://%31%39%32.0.2.1/", "http://192.0.2.1/" },
        { "http://\xef\xbc\x91\xef\xbc\x99\xef\xbc\x92.0.2.1/", "http://192.0.2.1/" },
        { "http://[2001:DB8::1]/", "http://[2001:db8::1]/" },
        { "http://[2001:db8:0:0::1]:8080/x", "http://[2001:db8::1]:8080/x" },
        { "http://[::ffff:192.0.2.1]/", "http://192.0.2.1/" },
        { "http://256.256.256.256/", NULL },
        { "http://192.0.2.1.5/", NULL },
        { "http://4294967296/", NULL },
        { "http://1.2.3.09/", NULL },
        { "http://[1.2.3.4]/", NULL },
        { "http://[::1/", NULL },
        /* what leads nowhere */
        { "", NULL },
        { "http://", NULL },
        { "http:///", NULL },
        { "http://?a", NULL },
        { "http://a b/", NULL },
        { "http://exa<mple.com/", NULL },
        { "http://a%2fb.com/", NULL },
        { "/path", NULL },
        { "#x", NULL },
        { "page.html", NULL },
        { "304704", NULL },
        { "192.0.2.1/a", "http://192.0.2.1/a" },
        { "foo:bar", NULL },
        /* disguises, and none */
        { "hxxp://example.com/", "http://example.com/" },
        { "hXXps://example.com/", "https://example.com/" },
        { "www.example.com", "http://www.example.com/" },
        { "example.com/a", "http://example.com/a" },
        { "example.com:8080/a", "http://example.com:8080/a" },
        { "//example.com/a", "http://example.com/a" },
        /* other schemes */
        { "ftp://example.com/a", "ftp://example.com/a" },
        { "foo://example.com/a", "foo://example.com/a" },
        { "mailto:a@example.com", "mailto:a@example.com" },
        { "JavaScript:alert(1)", "javascript:alert(1)" },
        { "java\nscript:alert(1)", "javascript:alert(1)" },
        { "data:text/html,<b>", "data:text/html,<b>" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url u;
        bool is_url = read(&a, cases[i].text, &u);

        if (is_url != (cases[i].normal != NULL) || (is_url && !span_is(u.text, cases[i].normal)))
            fail_msg("\"%s\": %.*s", cases[i].text, is_url ? (int)u.text.len : 4, is_url ? u.text.ptr : "none");
    }
    arena_release(&a);
}

static void each_trick_leaves_its_flag(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
    } cases[] = {
        { "http://example.com/", 0 },
        { "https://example.com:443/a?b#c", 0 },
        { "http://example.com:8080/", 0 },
        { "http://example.com:22/", URL_PORT },
        { "www.example.com", URL_SCHEMELESS },
        { "http://paypal.com@evil.com/", URL_USERINFO },
        { "http://@evil.com/", 0 },
        { "http://192.0.2.1/", URL_NUMERIC_HOST },
        { "http://[2001:db8::1]/", URL_NUMERIC_HOST },
        { "http://3221225985/", URL_NUMERIC_HOST | URL_ODD_NUMERIC },
        { "http://0300.0.2.1/", URL_NUMERIC_HOST | URL_ODD_NUMERIC },
        { "http://m\xc3\xbcller.de/", URL_IDN },
        { "http://xn--mller-kva.de/", URL_IDN },
        { "http://i\xe2\x9d\xa4.ws/", URL_IDN | URL_BAD_IDN },
        /* all Cyrillic, looks like apple.com */
        { "http://\xd0\xb0\xd1\x80\xd1\x80\xd3\x8f\xd0\xb5.com/", URL_IDN | URL_HOMOGRAPH },
        { "http://xn--80ak6aa92e.com/", URL_IDN | URL_HOMOGRAPH },
        /* a Cyrillic a in paypal.com */
        { "http://p\xd0\xb0ypal.com/", URL_IDN | URL_MIXED_SCRIPT | URL_HOMOGRAPH },
        /* at home: names of Cyrillic letters that all look like Latin ones, under .ru and under a Cyrillic suffix */
        { "http://\xd1\x81\xd0\xbe\xd1\x80.ru/", URL_IDN },
        { "http://\xd1\x81\xd0\xbe\xd1\x80.\xd1\x80\xd1\x84/", URL_IDN },
        { "http://\xd1\x81\xd0\xbe\xd1\x80.com/", URL_IDN | URL_HOMOGRAPH },
        { "http://\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0.com/",
          URL_IDN },                                              /* Moscow looks like nothing else */
        { "http://k\xc4\xb1rm\xc4\xb1z\xc4\xb1.com/", URL_IDN },  /* Turkish */
        { "http://\xc9\xa1oogle.com/", URL_IDN | URL_HOMOGRAPH }, /* script g */
        { "http://\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88"
          "abc.jp/",
          URL_IDN }, /* kana and Latin go together */
        { "http://exa\xe2\x80\x8bmple.com/", URL_ZERO_WIDTH },
        { "http://exa\xc2\xadmple.com/", URL_ZERO_WIDTH },
        { "http://exa\xe2\x80\xaemple.com/", URL_DIRECTION },
        { "hxxp://example.com/", URL_OBFUSCATED },
        { "http:/\\example.com/", URL_OBFUSCATED },
        { "http:////example.com/", URL_OBFUSCATED },
        { "http://example.com\\a", URL_OBFUSCATED },
        { "http://exam\tple.com/", URL_OBFUSCATED },
        { "http://example..com/", URL_OBFUSCATED },
        { "http://ex%61mple.com/", URL_OBFUSCATED | URL_ESCAPED_HOST },
        { "http://\xef\xbd\x85xample.com/", URL_OBFUSCATED },
        { "https://bit.ly/x", URL_SHORTENER },
        { "https://www.tinyurl.com/x", URL_SHORTENER },
        { "https://zws.im/x", URL_SHORTENER },
        { "https://bit.lyx.com/x", 0 },
        { "javascript:x", URL_SCRIPT },
        { "vbscript:x", URL_SCRIPT },
        { "data:text/html,x", URL_DATA },
    };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url u;

        if (!read(&a, cases[i].text, &u) || u.flags != cases[i].flags)
            fail_msg("\"%s\": %x, not %x", cases[i].text, u.flags, cases[i].flags);
    }
    arena_release(&a);
}

static void parts_are_told_apart(void **state)
{
    struct arena a;
    struct url u;

    (void)state;
    arena_init(&a, SIZE_MAX);
    EXPECT_TRUE(read(&a,
                     "https://joe:x@www.b\xc3\xbc"
                     "cher.co.uk:8443/a/b?c=d#e",
                     &u));
    EXPECT_STR("https", u.scheme);
    EXPECT_STR("www.xn--bcher-kva.co.uk", u.host);
    EXPECT_STR("www.b\xc3\xbc"
               "cher.co.uk",
               u.host_unicode);
    EXPECT_STR("xn--bcher-kva.co.uk", u.domain);
    EXPECT_SPAN("joe:x", u.userinfo);
    EXPECT_INT(8443, u.port);
    EXPECT_SPAN("/a/b", u.path);
    EXPECT_SPAN("c=d", u.query);
    EXPECT_SPAN("e", u.fragment);
    EXPECT_TRUE(read(&a, "http://[2001:db8::1]/", &u));
    EXPECT_STR("2001:db8::1", u.host);
    EXPECT_STR("2001:db8::1", u.domain);
    EXPECT_INT(ADDR_IP6, u.address.family);
    EXPECT_TRUE(read(&a, "http://co.uk/", &u));
    EXPECT_STR("co.uk", u.domain);
    EXPECT_TRUE(read(&a, "mailto:a@example.com", &u));
    EXPECT_STR("", u.host);
    EXPECT_SPAN("a@example.com", u.path);
    arena_release(&a);
}

static void a_long_url_is_cut_and_its_host_is_not(void **state)
{
    struct arena a;
    struct url u;
    char text[9000];

    (void)state;
    arena_init(&a, SIZE_MAX);
    memset(text, 'a', sizeof text);
    memcpy(text, "http://", 7);
    memcpy(text + sizeof text - 20, "@evil.example/b", 16);
    EXPECT_TRUE(read(&a, text, &u));
    EXPECT_STR("evil.example", u.host);
    EXPECT_TRUE(u.text.len <= URL_BYTES_MAX);
    EXPECT_SPAN("/b", u.path);
    memset(text, 'a', sizeof text);
    memcpy(text, "http://good.example/", 20);
    text[sizeof text - 1] = '\0';
    EXPECT_TRUE(read(&a, text, &u));
    EXPECT_TRUE(u.flags & URL_LONG);
    EXPECT_INT(URL_BYTES_MAX, u.text.len);
    EXPECT_STR("good.example", u.host);
    arena_release(&a);
}

static void flags_and_sources_have_names(void **state)
{
    (void)state;
    EXPECT_STR("schemeless", url_flag_name(URL_SCHEMELESS));
    EXPECT_STR("bad_idn", url_flag_name(URL_BAD_IDN));
    EXPECT_STR("opaque", url_flag_name(URL_OPAQUE));
    EXPECT_STR("decoded", url_source_name(URL_DECODED));
}

RUN_TESTS(TEST(urls_have_a_normal_form), TEST(each_trick_leaves_its_flag), TEST(parts_are_told_apart),
          TEST(a_long_url_is_cut_and_its_host_is_not), TEST(flags_and_sources_have_names))
