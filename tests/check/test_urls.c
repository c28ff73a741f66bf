/* tests/check/test_urls.c - what the URLs in a message look like. */
#include "scanners/urls.h"

#include "gateway/mail/message.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define L65  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOP  "From: a@sender.example\nTo: b@here.example\n"
#define HTML TOP "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nSubject: s\n\n"
#define TEXT TOP "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nSubject: s\n\n"

static void tricks_are_told(void **state)
{
    static const struct {
        const char *message, *symbols;
        int points;
    } cases[] = {
        { TEXT "see https://www.example.com/a?b=c\n", "", 0 },
        { TEXT "nothing at all\n", "", 0 },
        /* what is shown, and where it leads */
        { HTML "<a href=\"https://www.example.com/x\">www.example.com</a>", "", 0 },
        { HTML "<a href=\"https://click.example.com/x\">www.example.com</a>", "", 0 },
        { HTML "<a href=\"https://evil.com/x\">click here</a>", "", 0 },
        { HTML "<a href=\"https://evil.com/x\">www.paypal.com</a>", "PHISHING", 400 },
        { HTML "<a href=\"https://evil.com/x\">https://www.paypal.com/signin</a>", "PHISHING", 400 },
        { HTML "<a href=\"https://paypal.com.evil.com/x\">paypal.com</a>", "PHISHING", 400 },
        { HTML "<a href=\"https://paypal.de/x\">paypal.com</a>", "PHISHING_OTHER_TLD", 100 },
        { HTML "<a href=\"https://online.com/x\">News.com: Top CIOs</a>", "PHISHING_IN_WORDS", 0 },
        { HTML "<a href=\"https://evil.com/x\">Log in at https://paypal.com</a>", "PHISHING", 400 },
        { HTML "<a href=\"https://evil.com/x\">http://www.all-life/</a>", "", 0 },
        { HTML "<a href=\"https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.com\">example.com</a>",
          "REDIRECTOR_URL", 0 },
        { HTML "<a href=\"https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fevil.com\">example.com</a>",
          "PHISHING REDIRECTOR_URL", 400 },
        { HTML "<a href=\"https://evil.com/x?u=https://www.paypal.com/\">paypal.com</a>", "PHISHING", 400 },
        { HTML "<a href=\"https://example.com/\">x</a> <a href=\"https://www.google.com/url?q=https://example.com/\">"
               "example.com</a>",
          "REDIRECTOR_URL", 0 },
        { HTML "<a href=\"https://protect-us.mimecast.com/s/xyz\">example.com</a>", "REDIRECTOR_URL", 0 },
        /* names */
        { HTML "<a href=\"http://xn--80ak6aa92e.com/\">x</a>", "URL_HOMOGRAPH_ATTACK", 500 },
        { TEXT "http://\xce\xb1\xd0\xb6.com/\n", "OMOGRAPH_URL", 500 },
        { HTML "<a href=\"http://exam\xe2\x80\xaeple.com/\">x</a>", "URL_RTL_OVERRIDE", 600 },
        { HTML "<a href=\"http://exam&#8203;ple.com/\">x</a>", "URL_ZERO_WIDTH_SPACES", 700 },
        { TEXT "http://\xe2\x9d\xa4.ws/\n", "URL_BAD_UNICODE", 300 },
        { TEXT "http://a.b.c.d.e.f.g.example.com/\n", "URL_EXCESSIVE_DOTS", 200 },
        /* before the host */
        { TEXT "http://paypal.com@evil.com/\n", "URL_USER_PASSWORD", 200 },
        { TEXT "http://" L65 L65 "@evil.com/\n", "URL_USER_LONG", 300 },
        { TEXT "http://" L65 L65 L65 L65 "@evil.com/\n", "URL_USER_VERY_LONG", 500 },
        { TEXT "http://a@b@evil.com/\n", "URL_USER_PASSWORD URL_MULTIPLE_AT_SIGNS", 500 },
        /* addresses */
        { TEXT "http://203.0.113.7/\n", "URL_NUMERIC_IP", 150 },
        { TEXT "http://[2001:db8::7]/\n", "URL_NUMERIC_IP", 150 },
        { TEXT "http://x@203.0.113.7/\n", "URL_USER_PASSWORD URL_NUMERIC_IP_USER", 600 },
        { TEXT "http://192.168.1.1/\n", "URL_NUMERIC_PRIVATE_IP", 50 },
        { TEXT "http://0xcb.0.0x71.7/\n", "URL_NUMERIC_IP R_SUSPICIOUS_URL", 650 },
        { TEXT "http://3405803783/\n", "URL_NUMERIC_IP R_SUSPICIOUS_URL", 650 },
        /* writing */
        { HTML "<a href=\"http://ex%61mple.com/\">x</a>", "R_SUSPICIOUS_URL", 500 },
        { HTML "<a href=\"http:/\\example.com/\">x</a>", "URL_BACKSLASH_PATH", 200 },
        { TEXT "hxxp://example.com/\n", "URL_OBFUSCATED_TEXT", 50 },
        { TEXT "see example[.]com/x\n", "URL_OBFUSCATED_TEXT", 50 },
        { TEXT "see https://bit.ly/x\n", "REDIRECTOR_URL", 0 },
        { HTML "<a href=\"data:text/html;base64,PGI+\">x</a>", "DATA_URI_OBFU", 200 },
        { HTML "<img src=\"data:image/png;base64,iVBO\">", "", 0 },
        { HTML "<a href=\"javascript:alert(1)\">x</a>", "SCRIPT_URL", 100 },
        { HTML "<a href=\"javascript:void(0)\">x</a>", "", 0 },
        /* the subject */
        { TOP "Subject: https://example.com/\n\n", "URL_IN_SUBJECT", 250 },
        { TOP "Subject: news of example.com\n\n", "", 0 },
        { TOP "Subject: Covalent.NET\n\n", "URL_PART_OF_SUBJECT", 50 },
        { TEXT "write to joe@example.com/jane@example.com\n", "", 0 },
        { TOP "Subject: look at https://example.com/\n\n", "URL_PART_OF_SUBJECT", 50 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&urls_module, NULL);
        char found[512];

        desk_message(d, cases[i].message);
        EXPECT_INT(STEP_DONE, desk_run(d));
        if (desk_points(d) != cases[i].points || strcmp(cases[i].symbols, desk_symbols(d, found)) != 0)
            fail_msg("case %zu: %d points by \"%s\", not \"%s\"", i, desk_points(d), desk_symbols(d, found),
                     cases[i].symbols);
        desk_close(d);
    }
}

/* Who has proven to be what is shown may have clicks counted elsewhere. */
static void a_sender_who_is_known_may_use_a_tracker(void **state)
{
    static const char message[] = HTML "<a href=\"https://click.counts.com/x\">www.shop.com</a>";
    struct dkim_evidence signatures[] = {
        { .result = AUTH_PASS, .domain = "counts.com" },
        { .result = AUTH_PASS, .domain = "mail.shop.com" },
    };
    struct desk *d = desk_open(&urls_module, NULL);

    (void)state;
    desk_message(d, message);
    d->evidence.dkim = signatures;
    d->evidence.dkim_count = 1; /* the tracker's own signature says nothing of what is shown */
    desk_run(d);
    EXPECT_TRUE(desk_finding(d, "PHISHING"));
    EXPECT_STR("shows shop.com, leads to counts.com", desk_finding(d, "PHISHING")->reason);
    d->evidence.dkim_count = 2;
    desk_run(d);
    EXPECT_NULL(desk_finding(d, "PHISHING"));
    signatures[1].is_weak = true;
    desk_run(d);
    EXPECT_TRUE(desk_finding(d, "PHISHING"));
    d->evidence.dmarc = (struct dmarc_evidence){ .result = AUTH_PASS, .domain = "shop.com" };
    desk_run(d);
    EXPECT_NULL(desk_finding(d, "PHISHING"));
    desk_close(d);

    d = desk_open(&urls_module, "trackers = {counts.com}");
    desk_message(d, message);
    desk_run(d);
    EXPECT_NULL(desk_finding(d, "PHISHING"));
    desk_close(d);
}

RUN_TESTS(TEST(tricks_are_told), TEST(a_sender_who_is_known_may_use_a_tracker))
