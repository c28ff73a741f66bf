/* tests/check/test_spf.c - the check "spf": results, symbols, reasons, and what the administrator can choose. */
#include "tests/kit/spf_desk.h"

static void results_have_symbols_points_and_reasons(void **state)
{
    static const struct {
        const char *zone;
        enum auth_result result;
        const char *symbol;
        int points;
        const char *reason;
    } cases[] = {
        { "example.org TXT v=spf1 ip4:192.0.2.0/24 -all", AUTH_PASS, "R_SPF_ALLOW", -20,
          "ip4:192.0.2.0/24 of example.org, after 0 look-ups" },
        { "example.org TXT v=spf1 a mx include:b.example -all\nb.example TXT v=spf1 -all", AUTH_FAIL, "R_SPF_FAIL", 100,
          "-all of example.org, after 3 look-ups" },
        { "example.org TXT v=spf1 ~all", AUTH_SOFTFAIL, "R_SPF_SOFTFAIL", 0, "~all of example.org, after 0 look-ups" },
        { "example.org TXT v=spf1 ?all", AUTH_NEUTRAL, "R_SPF_NEUTRAL", 0, "?all of example.org, after 0 look-ups" },
        { "example.org TXT v=spf1 ip4:198.51.100.1", AUTH_NEUTRAL, "R_SPF_NEUTRAL", 0,
          "no term of example.org matches, after 0 look-ups" },
        { "example.org TXT hello", AUTH_NONE, "R_SPF_NA", 0, "example.org has no SPF record" },
        { "", AUTH_NONE, "R_SPF_NA", 0, "example.org has no SPF record" },
        { "example.org TXT TIMEOUT", AUTH_TEMPERROR, "R_SPF_DNSFAIL", 0,
          "the look-up of example.org TXT failed (TIMEOUT)" },
        { "example.org TXT SERVFAIL", AUTH_TEMPERROR, "R_SPF_DNSFAIL", 0,
          "the look-up of example.org TXT failed (SERVFAIL)" },
        { "example.org TXT v=spf1 a:192.0.2.1 -all", AUTH_PERMERROR, "R_SPF_PERMFAIL", 0,
          "\"a:192.0.2.1\" of example.org: its top level domain is a number (an address is written with ip4:)" },
        { "example.org TXT v=spf1 -all | v=spf1 +all", AUTH_PERMERROR, "R_SPF_PERMFAIL", 0,
          "example.org: it has more than one SPF record" },
        { "example.org TXT v=spf1 include:b.example -all\nb.example TXT v=spf1 moo", AUTH_PERMERROR, "R_SPF_PERMFAIL",
          0, "\"moo\" of b.example: an unknown mechanism" },
        { "example.org TXT v=spf1 include:b.example -all", AUTH_PERMERROR, "R_SPF_PERMFAIL", 0,
          "\"include:b.example\" of example.org: b.example has no SPF record" },
        { "example.org TXT v=spf1 redirect=b.example", AUTH_PERMERROR, "R_SPF_PERMFAIL", 0,
          "\"redirect=b.example\" of example.org: b.example has no SPF record" },
        { "example.org TXT v=spf1 redirect=_b..example", AUTH_PERMERROR, "R_SPF_PERMFAIL", 0,
          "\"redirect=_b..example\" of example.org: it leads to no name that can exist" },
        { "example.org TXT v=spf1 include:b.example -all\n"
          "b.example TXT v=spf1 include:c.example ?all\n"
          "c.example TXT v=spf1 mx:d.example -all\n"
          "d.example MX 10 x.example | 20 y.example\n"
          "y.example A 192.0.2.1",
          AUTH_PASS, "R_SPF_ALLOW", -20,
          "include:b.example of example.org (by mx:d.example of c.example), after 3 look-ups" },
        { "example.org TXT v=spf1 include:b.example -all\nb.example TXT v=spf1 a:c.example\nc.example A TIMEOUT",
          AUTH_TEMPERROR, "R_SPF_DNSFAIL", 0,
          "\"a:c.example\" of b.example: the look-up of c.example A failed (TIMEOUT)" },
        { "example.org TXT v=spf1 redirect=b.example\nb.example TXT v=spf1 a -all\nb.example A 192.0.2.1", AUTH_PASS,
          "R_SPF_ALLOW", -20, "a of b.example, after 2 look-ups" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("helo = no", cases[i].zone);
        const struct spf_evidence *e = &d->evidence.spf_mailfrom;

        desk_settle(d);
        EXPECT_STR(cases[i].reason, e->reason);
        EXPECT_INT(cases[i].result, e->result);
        EXPECT_STR("example.org", e->domain);
        EXPECT_STR("user@example.org", e->sender);
        EXPECT_INT(1, d->run.finding_count);
        EXPECT_STR(cases[i].symbol, d->run.findings[0].symbol);
        EXPECT_STR(cases[i].reason, d->run.findings[0].reason);
        EXPECT_INT(cases[i].points, desk_points(d));
        EXPECT_INT(AUTH_ABSENT, d->evidence.spf_helo.result);
        desk_close(d);
    }
}

static void records_that_let_everybody_send_are_told(void **state)
{
    static const struct {
        const char *client, *zone;
        bool is_open;
    } cases[] = {
        { "192.0.2.1", "example.org TXT v=spf1 mx +all", true },
        { "192.0.2.1", "example.org TXT v=spf1 all", true },
        { "192.0.2.1", "example.org TXT v=spf1 ip4:0.0.0.0/0 -all", true },
        { "192.0.2.1", "example.org TXT v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", true },
        { "192.0.2.1", "example.org TXT v=spf1 ip4:192.0.0.0/8 -all", false },
        { "192.0.2.1", "example.org TXT v=spf1 a/0 -all\nexample.org A 198.51.100.1", true },
        { "192.0.2.1", "example.org TXT v=spf1 include:b.example -all\nb.example TXT v=spf1 +all", true },
        { "192.0.2.1", "example.org TXT v=spf1 include:b.example +all\nb.example TXT v=spf1 ip4:192.0.2.1", false },
        { "192.0.2.1", "example.org TXT v=spf1 redirect=b.example\nb.example TXT v=spf1 +all", true },
        { "2001:db8::1", "example.org TXT v=spf1 ip6:::/0 -all", true },
        { "2001:db8::1", "example.org TXT v=spf1 ip6:2001:db8::/32 -all", false },
        { "192.0.2.1", "example.org TXT v=spf1 exists:a.example -all\na.example A 127.0.0.2", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("helo = no", cases[i].zone);

        desk_client(d, cases[i].client);
        desk_settle(d);
        EXPECT_INT(AUTH_PASS, d->evidence.spf_mailfrom.result);
        EXPECT_STR(cases[i].is_open ? "R_SPF_PLUSALL" : "R_SPF_ALLOW", d->run.findings[0].symbol);
        EXPECT_INT(cases[i].is_open, d->evidence.spf_mailfrom.is_open);
        EXPECT_INT(cases[i].is_open ? 400 : -20, desk_points(d));
        desk_close(d);
    }
}

static void helo_is_judged_beside_the_sender(void **state)
{
    static const struct {
        const char *helo, *record;
        enum auth_result result;
        const char *symbol;
        int points;
    } cases[] = {
        { "mail.example", "v=spf1 ip4:192.0.2.1 -all", AUTH_PASS, "SPF_HELO_PASS", -20 },
        { "mail.example", "v=spf1 +all", AUTH_PASS, "SPF_HELO_PASS", -20 },
        { "mail.example", "v=spf1 -all", AUTH_FAIL, "SPF_HELO_FAIL", 80 },
        { "mail.example", "v=spf1 ~all", AUTH_SOFTFAIL, "SPF_HELO_SOFTFAIL", -20 },
        { "mail.example", "v=spf1", AUTH_NEUTRAL, "SPF_HELO_NEUTRAL", -20 },
        { "mail.example", "v=spf1 x", AUTH_PERMERROR, "SPF_HELO_PERMERROR", -20 },
        { "mail.example", "TIMEOUT", AUTH_TEMPERROR, "SPF_HELO_TEMPERROR", -20 },
        { "mail.example", "NODATA", AUTH_NONE, NULL, -20 },
        { "MAIL.Example.", "v=spf1 -all", AUTH_FAIL, "SPF_HELO_FAIL", 80 },
        { "localhost", "v=spf1 -all", AUTH_NONE, NULL, -20 },
        { "[192.0.2.1]", "v=spf1 -all", AUTH_NONE, NULL, -20 },
        { "192.0.2.1", "v=spf1 -all", AUTH_NONE, NULL, -20 },
        { "", "v=spf1 -all", AUTH_NONE, NULL, -20 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk(NULL, "example.org TXT v=spf1 ip4:192.0.2.1 -all");

        desk_helo(d, cases[i].helo);
        desk_dns(d, "mail.example", DNS_TXT, cases[i].record);
        desk_settle(d);
        EXPECT_INT(AUTH_PASS, d->evidence.spf_mailfrom.result);
        EXPECT_INT(cases[i].result, d->evidence.spf_helo.result);
        EXPECT_STR(cases[i].helo, d->evidence.spf_helo.sender);
        EXPECT_INT(cases[i].symbol ? 2 : 1, d->run.finding_count);
        if (cases[i].symbol)
            assert_non_null(desk_finding(d, cases[i].symbol));
        EXPECT_INT(cases[i].points, desk_points(d));
        desk_close(d);
    }
}

static void null_sender_is_postmaster_at_helo(void **state)
{
    static const char *const confs[] = { "helo = yes", "helo = no" };

    (void)state;
    for (size_t i = 0; i < COUNT(confs); i++) {
        struct desk *d = spf_desk(confs[i], "mail.example TXT v=spf1 exists:%{l}.%{o} -all\n"
                                            "postmaster.mail.example A 127.0.0.1");

        desk_from(d, "");
        desk_settle(d);
        EXPECT_INT(AUTH_PASS, d->evidence.spf_mailfrom.result);
        EXPECT_STR("mail.example", d->evidence.spf_mailfrom.domain);
        EXPECT_STR("postmaster@mail.example", d->evidence.spf_mailfrom.sender);
        EXPECT_INT(AUTH_PASS, d->evidence.spf_helo.result);
        EXPECT_STR("mail.example", d->evidence.spf_helo.sender);
        EXPECT_INT(1, d->run.finding_count);
        EXPECT_STR("R_SPF_ALLOW", d->run.findings[0].symbol);
        desk_close(d);
    }
}

static void senders_that_are_no_domains_have_no_policy(void **state)
{
    static const char *const senders[] = {
        "user@localhost",
        "user@[192.0.2.1]",
        "user@a..example",
        "user",
        "user@",
        "user@1.2.3.4",
        "u@a b.example",
        "u@\xff.example",
        "u@a123456789012345678901234567890123456789012345678901234567890123.example",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(senders); i++) {
        struct desk *d = spf_desk("helo = no", "");

        desk_dns_else(d, "v=spf1 -all");
        desk_from(d, senders[i]);
        EXPECT_INT(STEP_DONE, desk_run(d));
        EXPECT_INT(AUTH_NONE, d->evidence.spf_mailfrom.result);
        EXPECT_STR("", d->evidence.spf_mailfrom.domain);
        for (const char *c = d->evidence.spf_mailfrom.reason; *c; c++)
            EXPECT_TRUE(*c >= ' ' && *c <= '~');
        EXPECT_STR("R_SPF_NA", d->run.findings[0].symbol);
        desk_close(d);
    }
}

static void unicode_domains_are_asked_for_in_ascii(void **state)
{
    struct desk *d = spf_desk("helo = no", "xn--caf-dma.example TXT v=spf1 exists:%{l}.x.example a:%{o} -all\n"
                                           "xn--caf-dma.example A 192.0.2.1");

    (void)state;
    desk_from(d, "ren\xc3\xa9@CAF\xc3\x89.example");
    desk_settle(d);
    EXPECT_INT(AUTH_PASS, d->evidence.spf_mailfrom.result);
    EXPECT_STR("xn--caf-dma.example", d->evidence.spf_mailfrom.domain);
    EXPECT_STR("a:%{o} of xn--caf-dma.example, after 2 look-ups", d->evidence.spf_mailfrom.reason);
    desk_close(d);
}

static void our_own_users_are_not_judged(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct desk *d = spf_desk(i == 2 ? "skip = {\"192.0.2.0/24\"}" : "", "example.org TXT v=spf1 -all");

        d->session.auth_user = i == 0 ? SPAN("user") : SPAN("");
        d->session.is_relay_client = i == 1;
        if (i == 3)
            d->session.client = (struct addr){ .family = ADDR_NONE };
        EXPECT_INT(STEP_DONE, desk_run(d));
        EXPECT_INT(0, d->book.count);
        EXPECT_INT(0, d->run.finding_count);
        EXPECT_INT(AUTH_ABSENT, d->evidence.spf_mailfrom.result);
        EXPECT_INT(AUTH_ABSENT, d->evidence.spf_helo.result);
        EXPECT_TRUE(span_starts(span_of(d->evidence.spf_mailfrom.reason), SPAN("not judged: ")));
        desk_close(d);
    }
}

static void failures_are_explained_in_the_domains_words(void **state)
{
    static const struct {
        const char *zone, *explanation;
    } cases[] = {
        { "why.example TXT %{c} is not ours, %{l}. See http://x.example/?s=%{S}&r=%{R}",
          "192.0.2.1 is not ours, user. See http://x.example/?s=user%40example.org&r=mx.desk.example" },
        { "why.example TXT one | two", "" },
        { "why.example TXT caf\\195\\169", "" },
        { "why.example TXT %{x}", "" },
        { "why.example TXT TIMEOUT", "" },
        { "why.example TXT \"\"", "" },
        { "why.example TXT by %{p}", "by unknown" },
        { "why.example TXT by %{p}\n1.2.0.192.in-addr.arpa PTR a.example | b.example | c.example.org\n"
          "b.example A 192.0.2.1\nc.example.org A 192.0.2.1",
          "by c.example.org" },
        { "why.example TXT by %{p}\n1.2.0.192.in-addr.arpa PTR a.example | b.example | example.org\n"
          "a.example A 192.0.2.1\nexample.org A 192.0.2.1\nb.example A TIMEOUT",
          "by example.org" },
        { "why.example TXT by %{p}\n1.2.0.192.in-addr.arpa PTR a.example | b.example\na.example A TIMEOUT\n"
          "b.example A 192.0.2.1",
          "by b.example" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk("helo = no", "example.org TXT v=spf1 exp=why.example -all");

        spf_zone(d, cases[i].zone);
        desk_settle(d);
        EXPECT_INT(AUTH_FAIL, d->evidence.spf_mailfrom.result);
        EXPECT_STR(cases[i].explanation, d->evidence.spf_mailfrom.explanation);
        EXPECT_INT(0, d->evidence.spf_mailfrom.void_lookups);
        desk_close(d);
    }
}

static void explanations_are_not_asked_for_when_off_or_when_nothing_fails(void **state)
{
    static const struct {
        const char *conf, *record;
    } cases[] = {
        { "helo = no  explain = no", "v=spf1 exp=why.example -all" },
        { "helo = no", "v=spf1 exp=why.example ~all" },
        { "helo = no", "v=spf1 exp=why.example +all" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk(cases[i].conf, "");

        desk_dns(d, "example.org", DNS_TXT, cases[i].record);
        desk_settle(d);
        EXPECT_INT(1, d->book.count);
        EXPECT_STR("", d->evidence.spf_mailfrom.explanation);
        desk_close(d);
    }
}

static void administrators_can_have_results_enforced(void **state)
{
    static const struct {
        const char *conf, *record;
        bool is_forced;
        enum action action;
        const char *text;
    } cases[] = {
        { "", "v=spf1 -all", false, ACTION_ACCEPT, NULL },
        { "reject = yes", "v=spf1 -all", true, ACTION_REJECT,
          "SPF: example.org does not let 192.0.2.1 send mail for it" },
        { "reject = yes", "v=spf1 exp=why.example -all", true, ACTION_REJECT,
          "SPF: example.org does not let 192.0.2.1 send mail for it; its explanation: go away" },
        { "reject = yes", "v=spf1 ~all", false, ACTION_ACCEPT, NULL },
        { "reject = yes", "v=spf1 x", false, ACTION_ACCEPT, NULL },
        { "permerror_reject = yes", "v=spf1 x", true, ACTION_REJECT,
          "the SPF record of example.org is broken: \"x\" of example.org: an unknown mechanism" },
        { "temperror_defer = yes", "TIMEOUT", true, ACTION_DEFER,
          "the SPF record of example.org cannot be looked up now" },
        { "temperror_defer = yes", "v=spf1 -all", false, ACTION_ACCEPT, NULL },
        { "helo_reject = yes", "v=spf1 ?all", true, ACTION_REJECT,
          "SPF: mail.example does not let 192.0.2.1 send mail for it" },
        { "helo_reject = yes  helo = no", "v=spf1 ?all", false, ACTION_ACCEPT, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = spf_desk(cases[i].conf, "mail.example TXT v=spf1 -all\nwhy.example TXT go away");

        desk_dns(d, "example.org", DNS_TXT, cases[i].record);
        desk_settle(d);
        EXPECT_INT(cases[i].is_forced, d->run.is_forced);
        if (cases[i].is_forced) {
            EXPECT_INT(cases[i].action, d->run.forced);
            EXPECT_STR(cases[i].text, d->run.forced_text);
        }
        desk_close(d);
    }
}

static void bounds_take_one_result_of_each_identity(void **state)
{
    struct desk *d = spf_desk("", "");
    struct bounds b;

    (void)state;
    spf_module.bounds(d->settings.conf, d->settings.points, &b);
    EXPECT_INT(-20, b.least);
    EXPECT_INT(500, b.most);
    EXPECT_FALSE(b.may_force_reject);
    EXPECT_FALSE(b.may_force_accept);
    desk_close(d);
    d = spf_desk("helo = no  reject = yes", "");
    spf_module.bounds(d->settings.conf, d->settings.points, &b);
    EXPECT_INT(400, b.most);
    EXPECT_TRUE(b.may_force_reject);
    desk_close(d);
}

RUN_TESTS(TEST(results_have_symbols_points_and_reasons), TEST(records_that_let_everybody_send_are_told),
          TEST(helo_is_judged_beside_the_sender), TEST(null_sender_is_postmaster_at_helo),
          TEST(senders_that_are_no_domains_have_no_policy), TEST(unicode_domains_are_asked_for_in_ascii),
          TEST(our_own_users_are_not_judged), TEST(failures_are_explained_in_the_domains_words),
          TEST(explanations_are_not_asked_for_when_off_or_when_nothing_fails),
          TEST(administrators_can_have_results_enforced), TEST(bounds_take_one_result_of_each_identity))
