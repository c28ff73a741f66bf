/* tests/check/test_dnsbl.c - DNS lists: of the client's address, and of domains. */
#include "scanners/dnsbl.h"

#include "scanners/dnsbl_conf.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define REVERSED6 "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"

enum { MINUTE = 60 * 1000 };

struct rr {
    const char *name, *answer;
};

static struct desk *desk_with(const struct check_module *module, const char *conf, const struct rr *world)
{
    struct desk *d = desk_open(module, conf);

    for (; world && world->name; world++)
        desk_dns(d, world->name, DNS_A, world->answer);
    return d;
}

static void expect_findings(size_t row, const struct desk *d, int points, const char *symbols)
{
    char found[512];

    if (points != desk_points(d) || strcmp(symbols, desk_symbols(d, found)) != 0)
        fail_msg("case %zu: %d points by \"%s\"", row, desk_points(d), found);
}

static void answers_about_the_client_are_weighed(void **state)
{
    static const char one[] = "zone \"bl.example\" { score = 4.0 test = no }";
    static const char parts[] = "zone \"bl.example\" { test = no"
                                "  answer \"127.0.0.2\" { symbol = \"RBL_A\" score = 4.0 }"
                                "  answer \"127.0.0.4-127.0.0.7\" { symbol = \"RBL_B\" score = 2.0 }"
                                "  answer \"127.0.1.0/24\" { symbol = \"RBL_C\" score = 1.0 }"
                                "  answer \"127.0.[2;4..5].9\" { symbol = \"RBL_D\" score = 3.0 }"
                                "  answer \"127.0.9.0/24\" { symbol = \"RWL_E\" score = -2.5 } }";
    static const char bits[] = "zone \"bl.example\" { test = no"
                               "  answer \"mask 0.0.0.8\" { symbol = \"RBL_8\" score = 4.0 }"
                               "  answer \"mask 0.0.0.16\" { symbol = \"RBL_16\" score = 2.0 }"
                               "  answer \"127.0.0.2\" { symbol = \"RBL_2\" score = 1.0 } }";
    static const struct {
        const char *conf, *client, *asked, *answer;
        int points;
        const char *symbols;
    } cases[] = {
        { one, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.2", 400, "RBL_BL_EXAMPLE" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "127.9.8.7", 400, "RBL_BL_EXAMPLE" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "NXDOMAIN", 0, "" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "NODATA", 0, "" },
        { one, "203.0.113.8", "7.113.0.203.bl.example", "127.0.0.2", 0, "" },
        { one, "2001:db8::7", REVERSED6 ".bl.example", "127.0.0.2", 400, "RBL_BL_EXAMPLE" },
        { one, "::ffff:203.0.113.7", "7.113.0.203.bl.example", "127.0.0.2", 400, "RBL_BL_EXAMPLE" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.2", 400, "RBL_A" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.3", 0, "" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.7", 200, "RBL_B" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.1.200", 100, "RBL_C" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.5.9", 300, "RBL_D" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.9.9", -250, "RWL_E" },
        /* several answers of one list: the one that counts most is counted, the others are told */
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.4 | 127.0.0.2 | 127.0.0.5", 400, "RBL_A RBL_B" },
        { parts, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.4 | 127.0.9.1", -250, "RWL_E RBL_B" },
        /* bits count each */
        { bits, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.8", 400, "RBL_8" },
        { bits, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.24", 600, "RBL_8 RBL_16" },
        { bits, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.8 | 127.0.0.24 | 127.0.0.2", 700,
          "RBL_2 RBL_8 RBL_16" },
        /* what is never a hit */
        { one, "203.0.113.7", "7.113.0.203.bl.example", "127.255.255.254", 0, "RBL_BLOCKED" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.2 | 127.255.255.252", 0, "RBL_BLOCKED" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.1", 0, "RBL_BLOCKED" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "198.51.100.1", 0, "RBL_BROKEN" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "127.0.0.2 | 198.51.100.1", 0, "RBL_BROKEN" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "0.0.0.0", 0, "RBL_BROKEN" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "TIMEOUT", 0, "RBL_NO_ANSWER" },
        { one, "203.0.113.7", "7.113.0.203.bl.example", "SERVFAIL", 0, "RBL_NO_ANSWER" },
        /* refusals as configured */
        { "zone \"bl.example\" { score = 4.0 refusals = {\"127.0.0.9\"} test = no }", "203.0.113.7",
          "7.113.0.203.bl.example", "127.0.0.9", 0, "RBL_BLOCKED" },
        { "zone \"bl.example\" { score = 4.0 refusals = {\"127.0.0.9\"} test = no }", "203.0.113.7",
          "7.113.0.203.bl.example", "127.0.0.1", 400, "RBL_BL_EXAMPLE" },
        /* families */
        { "zone \"bl.example\" { score = 4.0 families = ip4 test = no }", "2001:db8::7", REVERSED6 ".bl.example",
          "127.0.0.2", 0, "" },
        { "zone \"bl.example\" { score = 4.0 families = ip6 test = no }", "2001:db8::7", REVERSED6 ".bl.example",
          "127.0.0.2", 400, "RBL_BL_EXAMPLE" },
        { "zone \"bl.example\" { score = 4.0 families = ip6 test = no }", "203.0.113.7", "7.113.0.203.bl.example",
          "127.0.0.2", 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rr world[] = { { cases[i].asked, cases[i].answer }, { 0 } };
        struct desk *d = desk_with(&dnsbl_module, cases[i].conf, world);

        desk_client(d, cases[i].client);
        desk_settle(d);
        expect_findings(i, d, cases[i].points, cases[i].symbols);
        desk_close(d);
    }
}

static void known_lists_need_no_more_than_their_name(void **state)
{
    static const struct {
        const char *conf, *asked, *answer;
        int points;
        const char *symbols;
    } cases[] = {
        { "zone \"zen.spamhaus.org\" {}", "7.113.0.203.zen.spamhaus.org", "127.0.0.2", 400, "RBL_SPAMHAUS_SBL" },
        { "zone \"zen.spamhaus.org\" {}", "7.113.0.203.zen.spamhaus.org", "127.0.0.2 | 127.0.0.9 | 127.0.0.11", 700,
          "RBL_SPAMHAUS_DROP RBL_SPAMHAUS_SBL RBL_SPAMHAUS_PBL" },
        { "zone \"zen.spamhaus.org\" {}", "7.113.0.203.zen.spamhaus.org", "127.255.255.254", 0, "RBL_BLOCKED" },
        { "zone \"zen\" { name = \"k3y.zen.dq.spamhaus.net\" }", "7.113.0.203.k3y.zen.dq.spamhaus.net", "127.0.0.4",
          400, "RBL_SPAMHAUS_XBL" },
        { "zone \"mirror\" { name = \"zen.mirror.example\" like = \"zen.spamhaus.org\" }",
          "7.113.0.203.zen.mirror.example", "127.0.0.3", 200, "RBL_SPAMHAUS_CSS" },
        { "zone \"zen.spamhaus.org\" { score = 9.0 }", "7.113.0.203.zen.spamhaus.org", "127.0.0.11", 900,
          "RBL_ZEN_SPAMHAUS_ORG" },
        { "zone \"zen.spamhaus.org\" { answer \"127.0.0.2\" { score = 9.0 symbol = \"SBL\" } }",
          "7.113.0.203.zen.spamhaus.org", "127.0.0.2 | 127.0.0.11", 900, "SBL" },
        { "zone \"list.dnswl.org\" {}", "7.113.0.203.list.dnswl.org", "127.0.5.3", -50, "RCVD_IN_DNSWL_HI" },
        { "zone \"list.dnswl.org\" {}", "7.113.0.203.list.dnswl.org", "127.0.5.0", 0, "RCVD_IN_DNSWL_NONE" },
        { "zone \"list.dnswl.org\" {}", "7.113.0.203.list.dnswl.org", "127.0.0.255", 0, "RBL_BLOCKED" },
        { "zone \"list.dnswl.org\" {}", "7.113.0.203.list.dnswl.org", "127.0.10.3", 0, "RBL_BLOCKED" },
        { "zone \"rep.mailspike.net\" {}", "7.113.0.203.rep.mailspike.net", "127.0.0.10", 200, "RBL_MAILSPIKE_WORST" },
        { "zone \"rep.mailspike.net\" {}", "7.113.0.203.rep.mailspike.net", "127.0.0.20", -40,
          "RWL_MAILSPIKE_EXCELLENT" },
    };
    static const struct rr points[] = {
        { "2.0.0.127.zen.spamhaus.org", "127.0.0.2 | 127.0.0.4 | 127.0.0.10" },
        { "2.0.0.127.k3y.zen.dq.spamhaus.net", "127.0.0.2" },
        { "2.0.0.127.zen.mirror.example", "127.0.0.2" },
        { 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_with(&dnsbl_module, cases[i].conf, points);

        desk_dns(d, cases[i].asked, DNS_A, cases[i].answer);
        desk_client(d, "203.0.113.7");
        desk_settle(d);
        expect_findings(i, d, cases[i].points, cases[i].symbols);
        desk_close(d);
    }
}

static void a_key_is_never_shown(void **state)
{
    struct desk *d = desk_with(&dnsbl_module,
                               "zone \"zen\" { name = \"s3cret.zen.dq.spamhaus.net\" } "
                               "zone \"other\" { name = \"s3cret.bl.example\" score = 1.0 test = no }",
                               NULL);
    const char *answers[] = { "127.0.0.2", "127.255.255.254", "198.51.100.1", "TIMEOUT" };

    (void)state;
    desk_client(d, "203.0.113.7");
    for (size_t i = 0; i < COUNT(answers); i++) {
        answers_clear(&d->world);
        answers_clear(&d->book);
        desk_dns(d, "2.0.0.127.s3cret.zen.dq.spamhaus.net", DNS_A, "127.0.0.2");
        desk_dns(d, "7.113.0.203.s3cret.zen.dq.spamhaus.net", DNS_A, answers[i]);
        desk_dns(d, "7.113.0.203.s3cret.bl.example", DNS_A, answers[COUNT(answers) - 1 - i]);
        desk_settle(d);
        EXPECT_TRUE(d->run.finding_count > 0);
        for (size_t f = 0; f < d->run.finding_count; f++)
            EXPECT_NULL(strstr(d->run.findings[f].reason, "s3cret"));
        for (size_t r = 0; r < d->run.raised_count; r++) {
            EXPECT_NULL(strstr(d->run.raised[r].text, "s3cret"));
            EXPECT_NULL(strstr(d->run.raised[r].key, "s3cret"));
        }
    }
    desk_close(d);
}

static void nobody_asks_about_our_own_people(void **state)
{
    static const struct {
        const char *client;
        bool is_relay, is_authenticated;
    } cases[] = {
        { "203.0.113.7", true, false }, { "203.0.113.7", false, true }, { "192.168.1.9", false, false },
        { "127.0.0.1", false, false },  { "::1", false, false },        { "fd00::1", false, false },
        { "100.64.0.9", false, false }, { NULL, false, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&dnsbl_module, "zone \"bl.example\" { score = 4.0 }");

        if (cases[i].client)
            desk_client(d, cases[i].client);
        d->session.is_relay_client = cases[i].is_relay;
        d->session.auth_user = cases[i].is_authenticated ? SPAN("anna") : SPAN("");
        EXPECT_INT(STEP_DONE, desk_run(d));
        EXPECT_INT(0, d->book.count);
        desk_close(d);
    }
}

static void nothing_is_asked_by_default(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, NULL);

    (void)state;
    desk_client(d, "203.0.113.7");
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_INT(0, d->book.count);
    desk_upkeep(d);
    desk_close(d);
}

static void all_lists_are_asked_at_once(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, "zone \"a.example\" { score = 1.0 } zone \"b.example\" { score = 1.0 } "
                                              "zone \"c.example\" { score = 1.0 test = no }");

    (void)state;
    desk_client(d, "203.0.113.7");
    EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(3 + 4, d->book.count); /* and their test points, for they were never tested */
    desk_close(d);
}

static void domains_are_asked_about(void **state)
{
    static const char all[] = "zone \"dbl.example\" { score = 4.0 test = no }";
    static const char sender[] = "zone \"dbl.example\" { score = 4.0 of = {sender} test = no }";
    static const char org[] = "zone \"dbl.example\" { score = 4.0 organizational = yes test = no }";
    static const struct {
        const char *conf, *listed;
        int points;
        unsigned asked;
    } cases[] = {
        { all, "mail.spam.co.uk.dbl.example", 400, 3 },    { all, "helo.example.net.dbl.example", 400, 3 },
        { all, "ptr.example.org.dbl.example", 400, 3 },    { all, "spam.co.uk.dbl.example", 0, 3 },
        { sender, "mail.spam.co.uk.dbl.example", 400, 1 }, { sender, "helo.example.net.dbl.example", 0, 1 },
        { org, "spam.co.uk.dbl.example", 400, 3 },         { org, "mail.spam.co.uk.dbl.example", 0, 3 },
        { org, "example.net.dbl.example", 400, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rr world[] = { { cases[i].listed, "127.0.1.2" }, { 0 } };
        struct desk *d = desk_with(&rhsbl_module, cases[i].conf, world);

        desk_from(d, "x@Mail.Spam.CO.UK");
        desk_helo(d, "helo.example.net");
        d->evidence.iprev = (struct iprev_evidence){ AUTH_PASS, "ptr.example.org" };
        desk_settle(d);
        expect_findings(i, d, cases[i].points, cases[i].points ? "RHSBL_DBL_EXAMPLE" : "");
        EXPECT_INT(cases[i].asked, d->book.count);
        desk_close(d);
    }
}

static void what_is_no_domain_is_not_asked_about(void **state)
{
    struct desk *d = desk_open(&rhsbl_module, "zone \"dbl.example\" { score = 4.0 test = no }");

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_from(d, "x@[203.0.113.7]");
    desk_helo(d, "localhost");
    d->evidence.iprev = (struct iprev_evidence){ AUTH_FAIL, "ptr.example.org" }; /* not confirmed */
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_INT(0, d->book.count);
    desk_from(d, "");
    desk_helo(d, "203.0.113.7");
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_INT(0, d->book.count);
    desk_close(d);
}

static void a_list_counts_once_for_all_its_subjects(void **state)
{
    static const struct rr world[] = {
        { "a.example.dbl.example", "127.0.1.2" },   { "b.example.dbl.example", "127.0.1.4" },
        { "c.example.dbl.example", "127.0.1.2" },   { "a.example.multi.example", "127.0.0.24" },
        { "b.example.multi.example", "127.0.0.8" }, { 0 },
    };
    struct desk *d = desk_with(&rhsbl_module,
                               "zone \"dbl.example\" { like = \"dbl.spamhaus.org\" test = no }"
                               "zone \"multi.example\" { like = \"multi.surbl.org\" test = no }",
                               world);

    (void)state;
    desk_from(d, "x@a.example");
    desk_helo(d, "b.example");
    d->evidence.iprev = (struct iprev_evidence){ AUTH_PASS, "c.example" };
    desk_settle(d);
    expect_findings(0, d, 750 + 750 + 750, "DBL_PHISH DBL_SPAM PH_SURBL_MULTI MW_SURBL_MULTI");
    EXPECT_STR("HELO b.example is listed by dbl.example (127.0.1.4)", desk_finding(d, "DBL_PHISH")->reason);
    EXPECT_STR("sender domain a.example is listed by dbl.example (127.0.1.2); client name c.example is listed by "
               "dbl.example (127.0.1.2)",
               desk_finding(d, "DBL_SPAM")->reason);
    desk_close(d);
}

static void an_allow_list_may_stop_the_others(void **state)
{
    static const char conf[] = "zone \"bl.example\" { score = 4.0 test = no }"
                               "zone \"wl.example\" { %s test = no answer \"127.0.1.3\" { score = -1.0 } "
                               "  answer \"127.0.1.0\" { score = 0.0 symbol = \"WL_NONE\" } }";
    static const struct {
        const char *stops, *white;
        int points;
    } cases[] = {
        { "stops = yes", "127.0.1.3", -100 }, { "stops = no", "127.0.1.3", 300 },
        { "stops = yes", "127.0.1.0", 400 }, /* it lists, but does not vouch */
        { "stops = yes", "NXDOMAIN", 400 },   { "stops = yes", "127.255.255.254", 400 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rr world[] = { { "7.113.0.203.bl.example", "127.0.0.2" },
                                    { "7.113.0.203.wl.example", cases[i].white },
                                    { 0 } };
        struct desk *d;
        char text[512];

        snprintf(text, sizeof text, conf, cases[i].stops);
        d = desk_with(&dnsbl_module, text, world);
        desk_client(d, "203.0.113.7");
        desk_settle(d);
        if (desk_points(d) != cases[i].points)
            fail_msg("case %zu: %d points", i, desk_points(d));
        EXPECT_TRUE(desk_finding(d, "RBL_BL_EXAMPLE")); /* told, even when it counts nothing */
        desk_close(d);
    }
}

static void an_allow_list_vouches_for_whom_it_lists_only(void **state)
{
    static const struct rr world[] = {
        { "a.example.wl.example", "127.0.0.2" },
        { "a.example.bits.example", "127.0.0.8" },
        { "b.example.bits.example", "127.0.0.8" },
        { 0 },
    };
    struct desk *d = desk_with(&rhsbl_module,
                               "zone \"wl.example\" { score = -1.0 stops = yes test = no }"
                               "zone \"bits.example\" { test = no answer \"mask 0.0.0.8\" { score = 2.0 } }",
                               world);

    (void)state;
    desk_from(d, "x@a.example");
    desk_helo(d, "b.example");
    desk_settle(d);
    EXPECT_INT(200 - 100, desk_points(d));
    EXPECT_INT(200, desk_finding(d, "RHSBL_BITS_EXAMPLE")->points);
    desk_close(d);
}

static void explanations_are_asked_for_when_listed(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, "zone \"a.example\" { score = 1.0 explain = yes test = no } "
                                              "zone \"b.example\" { score = 1.0 explain = yes test = no } "
                                              "zone \"c.example\" { score = 1.0 test = no }");

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_dns(d, "7.113.0.203.a.example", DNS_A, "127.0.0.2");
    desk_dns(d, "7.113.0.203.c.example", DNS_A, "127.0.0.2");
    desk_dns(d, "7.113.0.203.a.example", DNS_TXT, "see https://a.example/why");
    desk_settle(d);
    EXPECT_INT(4, d->book.count);
    EXPECT_STR("client 203.0.113.7 is listed by a.example (127.0.0.2): see https://a.example/why",
               desk_finding(d, "RBL_A_EXAMPLE")->reason);
    EXPECT_STR("client 203.0.113.7 is listed by c.example (127.0.0.2)", desk_finding(d, "RBL_C_EXAMPLE")->reason);
    desk_close(d);
}

/* ---- health */

static void next_mail(struct desk *d, int minutes)
{
    answers_clear(&d->book);
    d->now_ms += (int64_t)minutes * MINUTE;
    desk_settle(d);
}

static void a_list_that_refuses_is_put_aside(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, "zone \"bl.example\" { score = 4.0 test = no }");

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_dns(d, "7.113.0.203.bl.example", DNS_A, "127.255.255.254");
    desk_settle(d);
    EXPECT_TRUE(desk_finding(d, "RBL_BLOCKED"));
    EXPECT_INT(1, d->run.raised_count);
    EXPECT_STR("dnsbl/bl.example", d->run.raised[0].key);
    EXPECT_STR("list bl.example refuses our questions; it counts nothing, and is put aside for 300 s",
               d->run.raised[0].text);
    next_mail(d, 4);
    EXPECT_TRUE(desk_finding(d, "RBL_ASIDE"));
    EXPECT_INT(0, d->book.count); /* not asked */
    EXPECT_INT(0, d->run.raised_count);
    answers_clear(&d->world);
    desk_dns(d, "7.113.0.203.bl.example", DNS_A, "127.0.0.2");
    next_mail(d, 2);
    EXPECT_INT(400, desk_points(d));
    desk_close(d);
}

static void a_list_is_tested_with_its_first_question(void **state)
{
    static const struct {
        const char *listed, *unlisted;
        int points;
        bool alarm;
    } cases[] = {
        { "127.0.0.2", "NXDOMAIN", 400, false },
        { "127.0.0.2", "127.0.0.2", 0, true }, /* lists everything */
        { "NXDOMAIN", "NXDOMAIN", 0, true },   /* lists nothing */
        { "127.255.255.254", "127.255.255.254", 0, true },
        { "198.51.100.1", "198.51.100.1", 0, true },
        { "TIMEOUT", "NXDOMAIN", 400, false }, /* says nothing */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rr world[] = { { "2.0.0.127.bl.example", cases[i].listed },
                                    { "1.0.0.127.bl.example", cases[i].unlisted },
                                    { "7.113.0.203.bl.example", "127.0.0.2" },
                                    { 0 } };
        struct desk *d = desk_with(&dnsbl_module, "zone \"bl.example\" { score = 4.0 }", world);

        desk_client(d, "203.0.113.7");
        desk_settle(d);
        if (desk_points(d) != cases[i].points || (d->run.raised_count == 1) != cases[i].alarm)
            fail_msg("case %zu: %d points, %zu alarms", i, desk_points(d), d->run.raised_count);
        EXPECT_INT(cases[i].alarm, desk_finding(d, "RBL_BROKEN") || desk_finding(d, "RBL_BLOCKED"));
        next_mail(d, 1);
        EXPECT_INT(cases[i].points, desk_points(d)); /* and so it stays */
        desk_close(d);
    }
}

static void upkeep_puts_dead_lists_aside_and_brings_them_back(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, "zone \"bl.example\" { score = 4.0 }");

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_dns(d, "7.113.0.203.bl.example", DNS_A, "127.0.0.2");
    desk_upkeep(d); /* dead: NXDOMAIN to all else */
    EXPECT_INT(1, d->run.raised_count);
    next_mail(d, 1);
    EXPECT_INT(0, desk_points(d));
    EXPECT_INT(0, d->book.count);
    desk_dns(d, "2.0.0.127.bl.example", DNS_A, "127.0.0.2");
    desk_upkeep(d); /* too early to look again */
    next_mail(d, 5);
    EXPECT_TRUE(desk_finding(d, "RBL_ASIDE"));
    desk_upkeep(d);
    EXPECT_INT(0, d->run.raised_count);
    next_mail(d, 0);
    EXPECT_INT(400, desk_points(d));
    EXPECT_INT(1, d->book.count); /* tested: not again with each mail */
    desk_close(d);
}

static void test_points_are_those_of_the_kind_of_list(void **state)
{
    static const struct {
        const struct check_module *module;
        const char *conf, *listed, *unlisted;
    } cases[] = {
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 }", "2.0.0.127.bl.example", "1.0.0.127.bl.example" },
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 families = ip6 }",
          "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example",
          "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example" },
        { &rhsbl_module, "zone \"dbl.example\" { score = 1.0 }", "test.dbl.example", "invalid.dbl.example" },
        { &rhsbl_module, "zone \"dbl.spamhaus.org\" {}", "dbltest.com.dbl.spamhaus.org", "invalid.dbl.spamhaus.org" },
        { &rhsbl_module, "zone \"dbl.example\" { score = 1.0 test_listed = \"bad\" test_unlisted = \"good\" }",
          "bad.dbl.example", "good.dbl.example" },
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 test = unlisted }", NULL, "1.0.0.127.bl.example" },
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 test = no }", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(cases[i].module, cases[i].conf);
        struct inquiry q = { .conf = d->settings.conf, .arena = &d->arena, .now_ms = d->now_ms, .run = &d->run };

        run_begin(&d->run);
        EXPECT_INT(cases[i].unlisted ? STEP_WAIT : STEP_DONE, cases[i].module->upkeep(&q));
        EXPECT_TRUE(!cases[i].listed || answers_find(&d->book, cases[i].listed, DNS_A));
        EXPECT_TRUE(!cases[i].unlisted || answers_find(&d->book, cases[i].unlisted, DNS_A));
        EXPECT_INT((cases[i].listed != NULL) + (cases[i].unlisted != NULL), d->book.count);
        desk_close(d);
    }
}

static void a_silent_list_is_put_aside_after_some_tries(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, "tries = 3 zone \"dead.example\" { score = 4.0 test = no } "
                                              "zone \"bl.example\" { score = 1.0 test = no }");

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_dns(d, "7.113.0.203.dead.example", DNS_A, "TIMEOUT");
    desk_dns(d, "7.113.0.203.bl.example", DNS_A, "127.0.0.2");
    for (int i = 0; i < 3; i++) {
        next_mail(d, 0);
        EXPECT_INT(100, desk_points(d));
        EXPECT_TRUE(desk_finding(d, "RBL_NO_ANSWER"));
        EXPECT_INT(i == 2, d->run.raised_count);
    }
    next_mail(d, 0);
    EXPECT_TRUE(desk_finding(d, "RBL_ASIDE"));
    EXPECT_INT(1, d->book.count);
    desk_close(d);
}

static void the_check_fails_when_no_list_answers(void **state)
{
    static const struct {
        const char *a, *b;
        bool fails;
    } cases[] = {
        { "TIMEOUT", "SERVFAIL", true },
        { "TIMEOUT", "NXDOMAIN", false },
        { "TIMEOUT", "127.0.0.2", false },
        { "NXDOMAIN", "NXDOMAIN", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rr world[] = { { "7.113.0.203.a.example", cases[i].a },
                                    { "7.113.0.203.b.example", cases[i].b },
                                    { 0 } };
        struct desk *d = desk_with(&dnsbl_module,
                                   "zone \"a.example\" { score = 1.0 test = no } "
                                   "zone \"b.example\" { score = 1.0 test = no }",
                                   world);

        desk_client(d, "203.0.113.7");
        desk_settle(d);
        EXPECT_INT(cases[i].fails, d->run.failure != NULL);
        desk_close(d);
    }
}

static void look_ups_that_were_not_allowed_count_nothing(void **state)
{
    struct desk *d = desk_open(&dnsbl_module, "zone \"a.example\" { score = 1.0 } zone \"b.example\" { score = 1.0 }");

    (void)state;
    desk_client(d, "203.0.113.7");
    d->run.most_asks = 1;
    desk_dns(d, "7.113.0.203.a.example", DNS_A, "127.0.0.2");
    desk_dns(d, "7.113.0.203.b.example", DNS_A, "127.0.0.2");
    desk_settle(d);
    EXPECT_INT(100, desk_points(d)); /* the questions go first, the test points last */
    EXPECT_NULL(d->run.failure);
    EXPECT_INT(0, d->run.raised_count);
    desk_close(d);
}

/* ---- configuration */

static void bounds_are_exact(void **state)
{
    static const struct {
        const char *conf;
        int least, most;
    } cases[] = {
        { "", 0, 0 },
        { "zone \"bl.example\" { score = 4.0 }", 0, 400 },
        { "zone \"wl.example\" { score = -4.0 }", -400, 0 },
        { "zone \"zen.spamhaus.org\" {}", 0, 700 },
        { "zone \"list.dnswl.org\" {}", -50, 0 },
        { "zone \"rep.mailspike.net\" {}", -40, 200 },
        { "zone \"zen.spamhaus.org\" {} zone \"rep.mailspike.net\" {}", -40, 900 },
        { "zone \"bl.example\" { answer \"mask 0.0.0.8\" { symbol = A score = 1.0 } "
          "answer \"mask 0.0.0.4\" { symbol = B score = 2.0 } answer \"mask 0.0.0.16\" { symbol = A score = 1.0 } "
          "answer \"mask 0.0.0.2\" { symbol = C score = -0.5 } answer \"127.0.1.0/24\" { symbol = D score = 4.0 } "
          "answer \"127.0.2.0/24\" { symbol = E score = 3.0 } }",
          -50, 700 },
    };
    const int points[8] = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&dnsbl_module, cases[i].conf);
        struct bounds b;

        dnsbl_module.bounds(d->settings.conf, points, &b);
        if (b.least != cases[i].least || b.most != cases[i].most)
            fail_msg("case %zu: %d to %d", i, b.least, b.most);
        desk_close(d);
    }
}

static void what_cannot_work_is_refused_at_start(void **state)
{
    static const struct {
        const struct check_module *module;
        const char *conf, *fault;
    } cases[] = {
        { &dnsbl_module, "zone \"bl.example\" {}", "no list that we know" },
        { &dnsbl_module, "zone \"not a name\" { score = 1.0 }", "no domain name" },
        { &dnsbl_module, "zone \"bl..example\" { score = 1.0 }", "no domain name" },
        { &dnsbl_module, "zone \"bl.example\" { like = \"zen\" }", "is no list that we know" },
        { &dnsbl_module, "zone \"dbl.spamhaus.org\" {}", "write it into check \"rhsbl\"" },
        { &rhsbl_module, "zone \"zen.spamhaus.org\" {}", "write it into check \"dnsbl\"" },
        { &rhsbl_module, "zone \"dbl.example\" { score = 1.0 of = {client} }", "is nobody" },
        { &rhsbl_module, "zone \"dbl.example\" { score = 1.0 of = {} }", "asks about nobody" },
        { &dnsbl_module, "zone \"bl.example\" { answer \"10.0.0.2\" { score = 1.0 } }", "can never come" },
        { &dnsbl_module, "zone \"bl.example\" { answer \"bad\" { score = 1.0 } }", "is none; write" },
        { &dnsbl_module, "zone \"bl.example\" { answer \"127.255.255.254\" { score = 1.0 } }", "is a refusal" },
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 refusals = {\"x\"} }", "refusal \"x\"" },
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 answer \"127.0.0.2\" { score = 1.0 } }",
          "a score and answers" },
        { &dnsbl_module, "zone \"bl.example\" { answer \"127.0.0.2\" {} }", "score" },
        { &dnsbl_module, "zone \"bl.example\" { score = 1.0 symbol = \"A B\" }", "symbol \"A B\"" },
        { &dnsbl_module,
          "zone \"bl.example\" { answer \"127.0.0.2\" { score = 1.0 } answer \"127.0.0.3\" { score = 2.0 } }",
          "share the symbol" },
        { &dnsbl_module, "zone \"zen.spamhaus.org\" {} zone \"sbl.spamhaus.org\" {}", "share the symbol" },
        { &dnsbl_module, "aside = 2h zone \"bl.example\" { score = 1.0 }", "aside_most is less" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        void *values = NULL;

        strbuf_init(&faults, 1 << 16);
        struct conf *conf = conf_load_text(cases[i].module->section, "test", span_of(cases[i].conf), &values, &faults);

        if (conf || !strstr(faults.data, cases[i].fault))
            fail_msg("case %zu: %s", i, conf ? "taken" : faults.data);
        strbuf_release(&faults);
    }
}

RUN_TESTS(TEST(answers_about_the_client_are_weighed), TEST(known_lists_need_no_more_than_their_name),
          TEST(a_key_is_never_shown), TEST(nobody_asks_about_our_own_people), TEST(nothing_is_asked_by_default),
          TEST(all_lists_are_asked_at_once), TEST(domains_are_asked_about), TEST(what_is_no_domain_is_not_asked_about),
          TEST(a_list_counts_once_for_all_its_subjects), TEST(an_allow_list_may_stop_the_others),
          TEST(an_allow_list_vouches_for_whom_it_lists_only), TEST(explanations_are_asked_for_when_listed),
          TEST(a_list_that_refuses_is_put_aside), TEST(a_list_is_tested_with_its_first_question),
          TEST(upkeep_puts_dead_lists_aside_and_brings_them_back), TEST(test_points_are_those_of_the_kind_of_list),
          TEST(a_silent_list_is_put_aside_after_some_tries), TEST(the_check_fails_when_no_list_answers),
          TEST(look_ups_that_were_not_allowed_count_nothing), TEST(bounds_are_exact),
          TEST(what_cannot_work_is_refused_at_start))
