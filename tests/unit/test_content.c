/* tests/unit/test_content.c - what a message says: its texts, its subject, its URLs. */
#include "gateway/base/strbuf.h"
#include "tests/kit/expect.h"

#include "gateway/content/content.h"
#include "tests/kit/mime_view.h"

static const char letter[] = "MIME-Version: 1.0\r\n"
                             "From: Joe <joe@example.org>\r\n"
                             "Subject: =?utf-8?q?gr=C3=BCn?= http://subject.example/\r\n"
                             "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
                             "--b\r\n\r\nsee http://plain.example/\r\n"
                             "--b\r\nContent-Type: text/html\r\n\r\n"
                             "<p>see <a href=\"http://link.example/\">here</a>"
                             "<i style=\"display:none\"> http://hidden.example/</i>"
                             "\r\n"
                             "--b\r\nContent-Type: text/plain; name=a\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
                             "--b--\r\n";

static const struct url *url_of(const struct content *content, const char *host)
{
    for (size_t i = 0; i < content->urls.count; i++)
        if (strcmp(content->urls.items[i].host, host) == 0)
            return &content->urls.items[i];
    fail_msg("no URL of %s", host);
    return NULL;
}

static void texts_are_as_people_see_them(void **state)
{
    struct message *m = message_new(span_of(letter), &mime_view_limits);
    const struct content *content = message_content(m);

    (void)state;
    EXPECT_INT(3, content->text_count);
    EXPECT_SPAN("see http://plain.example/", content->texts[0].shown);
    EXPECT_NULL(content->texts[0].html);
    EXPECT_TRUE(span_search(content->texts[1].shown, SPAN("see here")) != SPAN_NPOS);
    EXPECT_TRUE(span_search(content->texts[1].shown, SPAN("hidden")) == SPAN_NPOS);
    EXPECT_TRUE(content->texts[1].html && span_starts(content->texts[1].source, SPAN("<p>")));
    EXPECT_TRUE(!content->texts[1].is_attachment && content->texts[2].is_attachment);
    EXPECT_SPAN("gr\xc3\xbcn http://subject.example/", content->subject);
    EXPECT_TRUE(content == message_content(m));
    message_free(m);
}

static void bodies_that_lie_elsewhere_are_urls(void **state)
{
    struct message *m =
        message_new(SPAN("MIME-Version: 1.0\r\nContent-Type: message/external-body; access-type=URL;\r\n"
                         " URL=\"http://\r\n elsewhere.example/a\"\r\n\r\nContent-Type: text/html\r\n\r\n"),
                    &mime_view_limits);

    (void)state;
    EXPECT_INT(URL_TEXT, url_of(message_content(m), "elsewhere.example")->source);
    message_free(m);
}

static void urls_are_of_all_places(void **state)
{
    struct message *m = message_new(span_of(letter), &mime_view_limits);
    const struct content *content = message_content(m);

    (void)state;
    EXPECT_INT(URL_TEXT, url_of(content, "plain.example")->source);
    EXPECT_INT(URL_LINK, url_of(content, "link.example")->source);
    EXPECT_SPAN("here", url_of(content, "link.example")->shown);
    EXPECT_INT(HTML_A, url_of(content, "link.example")->element);
    EXPECT_INT(URL_HIDDEN, url_of(content, "hidden.example")->source);
    EXPECT_INT(URL_HEADER, url_of(content, "subject.example")->source);
    EXPECT_INT(1, content->urls.email_count);
    EXPECT_SPAN("joe", content->urls.emails[0].local);
    EXPECT_STR("example.org", content->urls.emails[0].domain);
    EXPECT_SPAN("From", content->urls.emails[0].field);
    message_free(m);
}

#define ATTACHED(type, name, body)                                                                                     \
    "MIME-Version: 1.0\r\nContent-Type: " type "\r\nContent-Disposition: attachment; filename=\"" name "\"\r\n\r"      \
    "\n" body

/* Attachments that open in a browser, and lines that readers put together. */
static void files_say_what_they_show(void **state)
{
    static const struct {
        const char *message, *host;
    } cases[] = {
        { ATTACHED("image/svg+xml", "a", "<svg><a xlink:href=\"http://evil.example/\">x</a></svg>"), "evil.example" },
        { ATTACHED("application/octet-stream", "a.SVG", "<svg><a href=\"http://evil.example/\">x</a></svg>"),
          "evil.example" },
        { ATTACHED("application/octet-stream", "a.html. ", "<a href=\"http://evil.example/\">"), "evil.example" },
        { ATTACHED("application/octet-stream", "a.hta", "<a href=\"http://evil.example/\">"), "evil.example" },
        { ATTACHED("text/html", "a.html", "<script>location='http:\\/\\/evil.example/'</script>"), "evil.example" },
        { ATTACHED("text/calendar", "a.ics", "DESCRIPTION:see http://ev\r\n il.exa\r\n\tmple.org/\r\n"),
          "evil.example.org" },
        { ATTACHED("text/html", "a.html", "<body onfoo=x onload=\"location=&#39;http&colon;//evil.example/&#39;\">"),
          "evil.example" },
        { "MIME-Version: 1.0\r\nContent-Type: text/x-amp-html\r\n\r\n<a href='htt&#112;://evil.example/'>x</a>",
          "evil.example" },
        { ATTACHED("application/octet-stream", "a.url", "[InternetShortcut]\r\nURL=http://evil.example/\r\n"),
          "evil.example" },
        { ATTACHED("application/javascript", "a.JS", "open('http://evil.example/')"), "evil.example" },
        { ATTACHED("text/calendar", "a.ics", "DESCRIPTION:a\\nwww.evil.com\\,x\r\n"), "www.evil.com" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message *m = message_new(span_of(cases[i].message), &mime_view_limits);

        url_of(message_content(m), cases[i].host);
        message_free(m);
    }
    struct message *m = message_new(
        span_of("MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
                "<script>location='http://unrun.example/'</script><b onload=\"open('http://unrun.example')\">"
                "<a hidden href=http://unseen.example/>"),
        &mime_view_limits);

    EXPECT_INT(1, message_content(m)->urls.count); /* mail readers run nothing */
    EXPECT_INT(URL_UNSEEN, url_of(message_content(m), "unseen.example")->source);
    message_free(m);
}

/* The text that nobody reads must not use up the room for the links of the page that is shown. */
static void what_is_clicked_on_comes_first(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 22);
    strbuf_puts(&b, "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n");
    for (int i = 0; i < URL_READS_MAX + 1; i++)
        strbuf_putf(&b, "a%d.example.com/\r\n", i);
    strbuf_puts(&b,
                "--b\r\nContent-Type: text/html\r\n\r\n<a href=http://seen.com/>x</a> see www.shown.com\r\n--b--\r\n");
    struct message *m = message_new(strbuf_span(&b), &mime_view_limits);

    EXPECT_INT(URL_LINK, url_of(message_content(m), "seen.com")->source);
    EXPECT_INT(URL_SHOWN, url_of(message_content(m), "www.shown.com")->source);
    EXPECT_TRUE(message_content(m)->urls.is_cut);
    message_free(m);
    strbuf_release(&b);
}

static void other_readings_are_there_once(void **state)
{
    struct message *m = message_new(SPAN("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n"
                                         "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                                         "--a\r\n\r\none\r\n--a--\r\n--b\r\n\r\ntwo\r\n--b--\r\n"),
                                    &mime_view_limits);
    const struct content *content = message_content(m);

    (void)state;
    EXPECT_INT(2, content->text_count);
    EXPECT_SPAN("one", content->texts[0].shown);
    EXPECT_SPAN("two", content->texts[1].shown);
    EXPECT_TRUE(content->texts[1].part->is_reading);
    message_free(m);
}

RUN_TESTS(TEST(texts_are_as_people_see_them), TEST(urls_are_of_all_places), TEST(bodies_that_lie_elsewhere_are_urls),
          TEST(files_say_what_they_show), TEST(what_is_clicked_on_comes_first), TEST(other_readings_are_there_once))
