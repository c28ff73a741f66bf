/* tests/unit/test_url_wrap.c - what redirectors and safe links lead to. */
#include "gateway/base/strbuf.h"
#include "gateway/content/url.h"
#include "tests/kit/expect.h"

static void list(const struct urls *urls, struct strbuf *out)
{
    strbuf_clear(out);
    for (size_t i = 1; i < urls->count; i++)
        strbuf_putf(out, "%s%.*s", out->len ? " " : "", SPAN_ARG(urls->items[i].text));
}

static void targets_are_taken_out(void **state)
{
    static const struct {
        const char *text, *wrapped;
        unsigned flags;
    } cases[] = {
        { "https://example.com/a?b=c", "", 0 },
        /* safe links */
        { "https://nam02.safelinks.protection.outlook.com/"
          "?url=https%3A%2F%2Fevil.com%2Fa%3Fb%3Dc&data=05%7C01&reserved=0",
          "https://evil.com/a?b=c", URL_REDIRECTOR },
        { "https://eur01.safelinks.protection.outlook.com/ap/w-59584e83/?url=http%3A%2F%2Fevil.com%2F&amp;data=04",
          "http://evil.com/", URL_REDIRECTOR },
        { "https://urldefense.proofpoint.com/v1/url?u=http://www.evil.com/a%3Fb&k=oIvRg1%2BdGAgOoM1BIlLLqw%3D%3D",
          "http://www.evil.com/a?b", URL_REDIRECTOR },
        { "https://urldefense.proofpoint.com/v2/url?u=https-3A__evil.com_a-2Db-5Fc-3Fd-3De&d=DwMBaQ&c=x",
          "https://evil.com/a-b_c?d=e", URL_REDIRECTOR },
        { "https://urldefense.com/v3/__https://evil.com/a?b=c__;!!Ab12!token$", "https://evil.com/a?b=c",
          URL_REDIRECTOR },
        { "https://urldefense.com/v3/__https://evil.com/*a*b__;Iys!!Ab12!token$", "https://evil.com/#a+b",
          URL_REDIRECTOR },
        { "https://urldefense.com/v3/__https://evil.com/**B/x__;w7zDvMO8!!Ab12!t$",
          "https://evil.com/%C3%BC%C3%BC%C3%BC/x", URL_REDIRECTOR },
        { "https://urldefense.com/v3/__https://evil.com/a*b__;!!Ab12!token$", "https://evil.com/a*b", URL_REDIRECTOR },
        { "https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fevil.com%2fa&c=E,1,xyz&typo=1", "https://evil.com/a",
          URL_REDIRECTOR },
        { "https://protect-us.mimecast.com/s/AbCdEfGh1234?domain=evil.com", "http://evil.com/",
          URL_REDIRECTOR | URL_OPAQUE },
        { "https://secure-web.cisco.com/1abcDEF/https%3A%2F%2Fevil.com%2Fa", "https://evil.com/a", URL_REDIRECTOR },
        { "https://us-west-2.protection.sophos.com?d=evil.com&u=aHR0cHM6Ly93d3cuZXZpbC5jb20vYQ==&i=x",
          "http://evil.com/ https://www.evil.com/a", URL_REDIRECTOR },
        { "https://url.avanan.click/v2/___https://evil.com/a___.YXAzOmV2aWw", "https://evil.com/a", URL_REDIRECTOR },
        { "https://clicktime.symantec.com/15siFx?h=abc&u=https://evil.com/a", "https://evil.com/a",
          URL_REDIRECTOR | URL_OPAQUE },
        /* search engines, social networks */
        { "https://www.google.com/url?sa=t&q=https://evil.com/a&usg=AOv", "https://evil.com/a", URL_REDIRECTOR },
        { "https://www.google.co.uk/url?q=https%3A%2F%2Fevil.com%2Fa", "https://evil.com/a", URL_REDIRECTOR },
        { "https://google.com.evil.example/url?q=x", "", 0 },
        { "https://www.google.com/amp/s/evil.com/a", "https://evil.com/a", URL_REDIRECTOR },
        { "https://evil-com.cdn.ampproject.org/c/s/evil.com/a", "https://evil.com/a", URL_REDIRECTOR },
        { "https://my--evil-com.translate.goog/a", "http://my-evil.com/a", URL_REDIRECTOR },
        { "https://www.bing.com/ck/a?!&&p=abc&u=a1aHR0cHM6Ly9ldmlsLmNvbS9h&ntb=1", "https://evil.com/a",
          URL_REDIRECTOR },
        { "https://r.search.yahoo.com/_ylt=A;_ylu=B/RV=2/RE=1/RO=10/RU=https%3a%2f%2fevil.com%2fa/RK=2/RS=x",
          "https://evil.com/a", URL_REDIRECTOR },
        { "https://l.facebook.com/l.php?u=https%3A%2F%2Fevil.com%2Fa&h=AT0", "https://evil.com/a", URL_REDIRECTOR },
        { "https://www.youtube.com/redirect?event=x&q=evil.com%2Fa", "http://evil.com/a", URL_REDIRECTOR },
        { "https://duckduckgo.com/l/?uddg=https%3A%2F%2Fevil.com%2F&rut=x", "https://evil.com/", URL_REDIRECTOR },
        /* any other */
        { "https://example.com/go?to=http://evil.com/a", "http://evil.com/a", 0 },
        { "https://example.com/go?to=http%253A%252F%252Fevil.com%252Fa", "http://evil.com/a", 0 },
        { "https://example.com/go?aHR0cDovL2V2aWwuY29tL2E", "http://evil.com/a", 0 },
        { "https://example.com/go#url=http://evil.com/a", "http://evil.com/a", 0 },
        { "https://example.com/http://evil.com/a?b", "http://evil.com/a", 0 },
        { "https://web.archive.org/web/2020/https://evil.com/a", "https://evil.com/a", URL_REDIRECTOR },
        { "https://example.com/&#65279;http://evil.com/a", "http://evil.com/a", 0 },
        { "https://example.com/?a=http://b.com/&c=https://d.com/", "http://b.com/ https://d.com/", 0 },
        { "https://example.com/go?to=httpd&x=aHR0", "", 0 },
        { "javascript:location='http://evil.com/a'", "http://evil.com/a", URL_SCRIPT },
        { "ms-word:ofe|u|https://evil.com/a.docx", "https://evil.com/a.docx", 0 },
        /* one in the other */
        { "https://www.google.com/url?q=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fevil.com%252F",
          "https://l.facebook.com/l.php?u=https%3A%2F%2Fevil.com%2F https://evil.com/", URL_REDIRECTOR },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct urls urls = { 0 };
        struct strbuf out;
        struct arena a;

        arena_init(&a, SIZE_MAX);
        strbuf_init(&out, 4096);
        urls_add(&a, &urls, span_of(cases[i].text), SPAN(""), SPAN(""), URL_LINK, 0);
        list(&urls, &out);
        if (!span_is(strbuf_span(&out), cases[i].wrapped) || urls.items[0].flags != cases[i].flags)
            print_error("\"%s\": \"%s\", %x, not \"%s\", %x\n", cases[i].text, out.data ? out.data : "",
                        urls.items[0].flags, cases[i].wrapped, cases[i].flags);
        EXPECT_SPAN(cases[i].wrapped, strbuf_span(&out));
        EXPECT_INT(cases[i].flags, urls.items[0].flags);
        for (size_t k = 1; k < urls.count; k++) {
            EXPECT_INT(URL_WRAPPED, urls.items[k].source);
            EXPECT_TRUE(urls.items[k].wrapper >= 0 && urls.items[k].wrapper < (int)k);
        }
        strbuf_release(&out);
        arena_release(&a);
    }
}

static void wrappers_inside_of_each_other_end(void **state)
{
    struct urls urls = { 0 };
    struct strbuf text;
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++)
        strbuf_putf(&text, "http://h%d.example/?u=", i);
    urls_add(&a, &urls, strbuf_span(&text), SPAN(""), SPAN(""), URL_LINK, 0);
    EXPECT_INT(1 + URL_HOPS_MAX, urls.count);
    EXPECT_TRUE(urls.is_cut);
    EXPECT_TRUE(urls.items[0].flags & URL_LONG);
    strbuf_release(&text);
    arena_release(&a);
}

RUN_TESTS(TEST(targets_are_taken_out), TEST(wrappers_inside_of_each_other_end))
