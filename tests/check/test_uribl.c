/* tests/check/test_uribl.c - DNS lists, asked about the URLs and mail addresses in a message. */
#include "scanners/uribl.h"

#include "gateway/mail/message.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define MAIL(body)                                                                                                     \
    "From: joe@sender.example\nTo: b@here.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"       \
    "Subject: s\n\n" body
#define PAGE(body)                                                                                                     \
    "From: joe@sender.example\nTo: b@here.example\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"        \
    "Subject: s\n\n" body

/* sha1 of "badguy@gmail.com" */
#define GUY_SHA1 "8bef3beff0e00b4855b30c646ca9e52a1ef5652d"

struct rr {
    const char *name, *answer;
};

static struct desk *desk_of(const char *conf, const char *message)
{
    struct desk *d = desk_open(&uribl_module, conf);

    desk_client(d, "203.0.113.7");
    desk_message(d, message);
    return d;
}

static void lists_are_asked_about_what_they_list(void **state)
{
    static const char names[] = "zone \"bl.example\" { score = 4.0 test = no }";
    static const char full[] = "zone \"bl.example\" { score = 4.0 organizational = no test = no }";
    static const char numbers[] = "zone \"bl.example\" { score = 4.0 of = {numbers} test = no }";
    static const char addresses[] = "zone \"bl.example\" { score = 4.0 of = {addresses} test = no }";
    static const char servers[] = "zone \"bl.example\" { score = 4.0 of = {name_servers} test = no }";
    static const char surbl[] = "zone \"bl.example\" { like = \"multi.surbl.org\" test = no }";
    static const char uribl[] = "zone \"bl.example\" { like = \"multi.uribl.com\" test = no }";
    static const char dbl[] = "zone \"bl.example\" { like = \"dbl.spamhaus.org\" test = no }";
    static const char sbl[] = "zone \"bl.example\" { like = \"sbl.spamhaus.org\" test = no }";
    static const char ebl[] = "zone \"bl.example\" { like = \"ebl.msbl.org\" test = no }";
    static const char hbl[] = "zone \"bl.example\" { like = \"k.hbl.dq.spamhaus.net\" test = no }";
    static const char sha256[] = "zone \"bl.example\" { score = 4.0 hash = sha256-base32 test = no }";
    static const char md5[] = "zone \"bl.example\" { score = 4.0 hash = md5 test = no }";
    static const struct {
        const char *conf, *message, *asked, *answer, *symbols;
        int points;
    } cases[] = {
        { names, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { names, MAIL("http://www.evil.com/\n"), "www.evil.com.bl.example", "127.0.0.2", "", 0 },
        { full, MAIL("http://www.evil.com/\n"), "www.evil.com.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { names, MAIL("evil.co.uk/x\n"), "evil.co.uk.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { names, PAGE("<a href=\"https://l.facebook.com/l.php?u=https%3A%2F%2Fevil.com\">x</a>"), "evil.com.bl.example",
          "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { names, MAIL("http://203.0.113.9/\n"), "9.113.0.203.bl.example", "127.0.0.2", "", 0 },
        { numbers, MAIL("http://203.0.113.9/\n"), "9.113.0.203.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { numbers, MAIL("http://0xcb007109/\n"), "9.113.0.203.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { numbers, MAIL("http://192.168.0.1/\n"), "1.0.168.192.bl.example", "127.0.0.2", "", 0 },
        { addresses, MAIL("http://www.evil.com/\n"), "9.113.0.203.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { servers, MAIL("http://www.evil.com/\n"), "10.113.0.203.bl.example", "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { surbl, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "127.0.0.72", "PH_SURBL_MULTI ABUSE_SURBL",
          1250 },
        { surbl, MAIL("http://203.0.113.9/\n"), "9.113.0.203.bl.example", "127.0.0.8", "PH_SURBL_MULTI", 750 },
        { uribl, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "127.0.0.2", "URIBL_BLACK", 750 },
        { uribl, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "127.0.0.1", "URIBL_BLOCKED", 0 },
        { dbl, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "127.0.1.2", "DBL_SPAM", 650 },
        { dbl, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "127.0.1.255", "URIBL_BLOCKED", 0 },
        { dbl, MAIL("http://203.0.113.9/\n"), "9.113.0.203.bl.example", "127.0.1.2", "", 0 },
        { dbl, MAIL("http://www.evil.com/\n"), "evil.com.bl.example", "198.51.100.1", "URIBL_BROKEN", 0 },
        { sbl, MAIL("http://www.evil.com/\n"), "9.113.0.203.bl.example", "127.0.0.2", "URIBL_SBL", 650 },
        { sha256, MAIL("http://www.evil.com/\n"), "dbt3jgv6e22rfui4wrjjjza27jxxfbuxoblrjei4lqabc6px6k5q.bl.example",
          "127.0.0.2", "URIBL_BL_EXAMPLE", 400 },
        { md5, MAIL("http://www.evil.com/\n"), "6d3af727a4e7b025fd59a5469b3a9c57.bl.example", "127.0.0.2",
          "URIBL_BL_EXAMPLE", 400 },
        { ebl, MAIL("write to Bad.Guy+x@googlemail.com\n"), GUY_SHA1 ".bl.example", "127.0.0.2", "MSBL_EBL", 750 },
        { ebl, "Reply-To: B.adguy@gmail.com\n" MAIL("hello\n"), GUY_SHA1 ".bl.example", "127.0.0.2", "MSBL_EBL", 750 },
        { hbl, MAIL("write to BadGuy@gmail.com\n"), GUY_SHA1 ".bl.example", "127.0.3.2", "SPAMHAUS_HBL_EMAIL", 700 },
        { hbl, MAIL("write to bad.guy@gmail.com\n"), GUY_SHA1 ".bl.example", "127.0.3.2", "", 0 },
        { names, MAIL("http://www.google.com/\n"), "google.com.bl.example", "127.0.0.2", "", 0 },   /* excluded */
        { names, MAIL("http://printer.local/\n"), "printer.local.bl.example", "127.0.0.2", "", 0 }, /* ours alone */
        { names, MAIL("http://x.onion/\n"), "x.onion.bl.example", "127.0.0.2", "", 0 },
        { names, MAIL("http://www.example.com/\n"), "example.com.bl.example", "127.0.0.2", "", 0 },
        { names, MAIL("nothing\n"), "evil.com.bl.example", "127.0.0.2", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_of(cases[i].conf, cases[i].message);
        char found[512];

        desk_dns(d, cases[i].asked, DNS_A, cases[i].answer);
        desk_dns(d, "www.evil.com", DNS_A, "203.0.113.9");
        desk_dns(d, "evil.com", DNS_NS, "ns.evil.com");
        desk_dns(d, "ns.evil.com", DNS_A, "203.0.113.10");
        desk_settle(d);
        if (desk_points(d) != cases[i].points || strcmp(cases[i].symbols, desk_symbols(d, found)) != 0)
            fail_msg("case %zu: %d points by \"%s\", not \"%s\"", i, desk_points(d), desk_symbols(d, found),
                     cases[i].symbols);
        desk_close(d);
    }
}

/* The worst are asked about first, and each domain once. */
static void a_message_costs_a_bounded_number_of_questions(void **state)
{
    struct strbuf mail;
    struct desk *d;

    (void)state;
    strbuf_init(&mail, 1 << 20);
    strbuf_puts(&mail, MAIL(""));
    for (int i = 0; i < 500; i++)
        strbuf_putf(&mail, "http://h%d.com/ http://x%d.h0.com/\n", i, i);
    strbuf_puts(&mail, "http://paypal.com@evil.com/\n");
    d = desk_of("names_most = 5 zone \"bl.example\" { score = 4.0 test = no }", mail.data);
    EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(5, d->book.count);
    desk_dns(d, "evil.com.bl.example", DNS_A, "127.0.0.2");
    desk_settle(d);
    EXPECT_INT(400, desk_points(d));
    EXPECT_STR("URL's domain evil.com is listed by bl.example (127.0.0.2)",
               desk_finding(d, "URIBL_BL_EXAMPLE")->reason);
    desk_close(d);
    strbuf_release(&mail);
}

/* Of two hosts the one that a reader goes to. */
static void what_is_clicked_on_is_asked_about_first(void **state)
{
    static const char *const pages[] = {
        PAGE("<img src=http://picture.com/><a href=http://evil.com/>x</a>"),
        PAGE("<img src=http://picture.com/><form action=http://evil.com/>"),
        PAGE("<img src=http://picture.com/><meta http-equiv=refresh content='0;url=http://evil.com/'>"),
        PAGE("<a hidden href=http://unseen.com/>y</a><a href=http://evil.com/>x</a>"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++) {
        struct desk *d = desk_of("names_most = 1 zone \"bl.example\" { score = 4.0 test = no }", pages[i]);

        desk_dns(d, "evil.com.bl.example", DNS_A, "127.0.0.2");
        desk_settle(d);
        EXPECT_INT(400, desk_points(d));
        desk_close(d);
    }
}

static void an_allow_list_may_stop_the_others(void **state)
{
    struct desk *d = desk_of("zone \"bl.example\" { score = 4.0 test = no }"
                             "zone \"wl.example\" { score = -1.0 stops = yes test = no }",
                             MAIL("http://good.com/ http://evil.com/\n"));

    (void)state;
    desk_dns(d, "good.com.bl.example", DNS_A, "127.0.0.2");
    desk_dns(d, "good.com.wl.example", DNS_A, "127.0.0.2");
    desk_settle(d);
    EXPECT_INT(-100, desk_points(d));
    desk_dns(d, "evil.com.bl.example", DNS_A, "127.0.0.2");
    answers_clear(&d->book);
    desk_settle(d);
    EXPECT_INT(300, desk_points(d));
    desk_close(d);
}

static void nothing_is_asked_by_default_nor_about_our_own_mail(void **state)
{
    struct desk *d = desk_of(NULL, MAIL("http://evil.com/\n"));

    (void)state;
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_INT(0, d->book.count);
    desk_close(d);
    d = desk_of("zone \"bl.example\" { score = 4.0 test = no }", MAIL("http://evil.com/\n"));
    d->session.is_relay_client = true;
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_INT(0, d->book.count);
    desk_close(d);
}

static void a_list_that_refuses_is_put_aside(void **state)
{
    struct desk *d = desk_of("zone \"bl.example\" { score = 4.0 test = no }", MAIL("http://evil.com/\n"));

    (void)state;
    desk_dns(d, "evil.com.bl.example", DNS_A, "127.255.255.254");
    desk_settle(d);
    EXPECT_TRUE(desk_finding(d, "URIBL_BLOCKED"));
    EXPECT_STR("uribl/bl.example", d->run.raised[0].key);
    answers_clear(&d->book);
    desk_settle(d);
    EXPECT_TRUE(desk_finding(d, "URIBL_ASIDE"));
    EXPECT_INT(0, d->book.count);
    desk_close(d);
}

RUN_TESTS(TEST(lists_are_asked_about_what_they_list), TEST(a_message_costs_a_bounded_number_of_questions),
          TEST(what_is_clicked_on_is_asked_about_first), TEST(an_allow_list_may_stop_the_others),
          TEST(nothing_is_asked_by_default_nor_about_our_own_mail), TEST(a_list_that_refuses_is_put_aside))
