/* tests/check/test_rdns.c - the client's name. */
#include "scanners/rdns.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

struct rr {
    const char *name;
    enum dns_type type;
    const char *answer;
};

#define REVERSED4 "7.113.0.203.in-addr.arpa"
#define REVERSED6 "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

static void names_are_confirmed(void **state)
{
    static const struct {
        const char *client, *told;
        struct rr world[4];
        enum auth_result result;
        const char *name;
        int points;
        const char *symbol;
    } cases[] = {
        { "203.0.113.7",
          NULL,
          { { REVERSED4, DNS_PTR, "mx.example.net" }, { "mx.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "mx.example.net",
          0,
          NULL },
        { "2001:db8::7",
          NULL,
          { { REVERSED6, DNS_PTR, "mx.example.net" }, { "mx.example.net", DNS_AAAA, "2001:db8::7" } },
          AUTH_PASS,
          "mx.example.net",
          0,
          NULL },
        /* the second name, and its second address */
        { "203.0.113.7",
          NULL,
          { { REVERSED4, DNS_PTR, "gone.example.net | mx.example.net" },
            { "mx.example.net", DNS_A, "203.0.113.8 | 203.0.113.7" } },
          AUTH_PASS,
          "mx.example.net",
          0,
          NULL },
        /* one name fails, another one is confirmed */
        { "203.0.113.7",
          NULL,
          { { REVERSED4, DNS_PTR, "broken.example | mx.example.net" },
            { "broken.example", DNS_A, "SERVFAIL" },
            { "mx.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "mx.example.net",
          0,
          NULL },
        /* no name */
        { "203.0.113.7", NULL, { { REVERSED4, DNS_PTR, "NXDOMAIN" } }, AUTH_PERMERROR, "", 450, "RDNS_NONE" },
        { "203.0.113.7", NULL, { { REVERSED4, DNS_PTR, "NODATA" } }, AUTH_PERMERROR, "", 450, "RDNS_NONE" },
        /* a name that is another's */
        { "203.0.113.7",
          NULL,
          { { REVERSED4, DNS_PTR, "mx.bank.example" }, { "mx.bank.example", DNS_A, "192.0.2.1" } },
          AUTH_FAIL,
          "mx.bank.example",
          250,
          "RDNS_FCRDNS_FAIL" },
        { "203.0.113.7",
          NULL,
          { { REVERSED4, DNS_PTR, "mx.gone.example" } },
          AUTH_FAIL,
          "mx.gone.example",
          250,
          "HFILTER_HOSTNAME_UNKNOWN" },
        /* the DNS failed: that is not "no name" */
        { "203.0.113.7", NULL, { { REVERSED4, DNS_PTR, "SERVFAIL" } }, AUTH_TEMPERROR, "", 0, "RDNS_DNSFAIL" },
        { "203.0.113.7", NULL, { { REVERSED4, DNS_PTR, "TIMEOUT" } }, AUTH_TEMPERROR, "", 0, "RDNS_DNSFAIL" },
        { "203.0.113.7",
          NULL,
          { { REVERSED4, DNS_PTR, "mx.example.net" }, { "mx.example.net", DNS_A, "TIMEOUT" } },
          AUTH_TEMPERROR,
          "mx.example.net",
          0,
          "RDNS_FCRDNS_DNSFAIL" },
        /* told by a trusted peer */
        { "203.0.113.7",
          "MX.example.net.",
          { { "mx.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "mx.example.net",
          0,
          NULL },
        { "203.0.113.7",
          "mx.bank.example",
          { { "mx.bank.example", DNS_A, "192.0.2.1" } },
          AUTH_FAIL,
          "mx.bank.example",
          250,
          "RDNS_FCRDNS_FAIL" },
        { "203.0.113.7",
          "[UNAVAILABLE]",
          { { REVERSED4, DNS_PTR, "mx.example.net" } },
          AUTH_PERMERROR,
          "",
          450,
          "RDNS_NONE" },
        { "203.0.113.7", "unknown", { { 0 } }, AUTH_PERMERROR, "", 450, "RDNS_NONE" },
        { "203.0.113.7", "[TEMPUNAVAIL]", { { 0 } }, AUTH_TEMPERROR, "", 0, "RDNS_DNSFAIL" },
        /* what can be no name */
        { "203.0.113.7", "mx..example", { { 0 } }, AUTH_FAIL, "mx..example", 250, "RDNS_FCRDNS_FAIL" },
        /* names that providers give */
        { "203.0.113.7",
          "203-0-113-7.dyn.example.net",
          { { "203-0-113-7.dyn.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "203-0-113-7.dyn.example.net",
          300,
          "HFILTER_HOSTNAME_5" },
        { "203.0.113.7",
          "adsl-203-0-113-7.example.net",
          { { "adsl-203-0-113-7.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "adsl-203-0-113-7.example.net",
          250,
          "HFILTER_HOSTNAME_4" },
        { "203.0.113.7",
          "h203-0-113-7.example.net",
          { { "h203-0-113-7.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "h203-0-113-7.example.net",
          200,
          "HFILTER_HOSTNAME_3" },
        { "203.0.113.7",
          "ppp9.example.net",
          { { "ppp9.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "ppp9.example.net",
          100,
          "HFILTER_HOSTNAME_2" },
        { "203.0.113.7",
          "static-203-0-113-7.example.net",
          { { "static-203-0-113-7.example.net", DNS_A, "203.0.113.7" } },
          AUTH_PASS,
          "static-203-0-113-7.example.net",
          50,
          "HFILTER_HOSTNAME_1" },
        /* not asked about */
        { "192.168.1.9", NULL, { { 0 } }, AUTH_ABSENT, "", 0, NULL },
        { "127.0.0.1", NULL, { { 0 } }, AUTH_ABSENT, "", 0, NULL },
        { "fe80::1", NULL, { { 0 } }, AUTH_ABSENT, "", 0, NULL },
        /* told all the same: evidence without points */
        { "192.168.1.9",
          "pc.example.net",
          { { "pc.example.net", DNS_A, "192.168.1.9" } },
          AUTH_PASS,
          "pc.example.net",
          0,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&rdns_module, NULL);

        desk_client(d, cases[i].client);
        if (cases[i].told)
            desk_client_ptr(d, cases[i].told);
        for (size_t k = 0; k < COUNT(cases[i].world) && cases[i].world[k].name; k++)
            desk_dns(d, cases[i].world[k].name, cases[i].world[k].type, cases[i].world[k].answer);
        desk_settle(d);
        if (d->evidence.iprev.result != cases[i].result || desk_points(d) != cases[i].points)
            fail_msg("case %zu: %s, %d points", i, auth_text(d->evidence.iprev.result), desk_points(d));
        EXPECT_STR(cases[i].name, d->evidence.iprev.name ? d->evidence.iprev.name : "");
        EXPECT_TRUE(!cases[i].symbol || desk_finding(d, cases[i].symbol));
        EXPECT_TRUE(cases[i].symbol || d->run.finding_count == 0);
        desk_close(d);
    }
}

static void no_more_than_ten_names_are_asked_for(void **state)
{
    struct desk *d = desk_open(&rdns_module, NULL);
    struct strbuf names;

    (void)state;
    strbuf_init(&names, 1 << 16);
    for (int i = 0; i < 200; i++)
        strbuf_putf(&names, "%sh%d.example", i ? " | " : "", i);
    desk_client(d, "203.0.113.7");
    desk_dns(d, REVERSED4, DNS_PTR, names.data);
    desk_dns(d, "h9.example", DNS_A, "203.0.113.7");
    desk_settle(d);
    EXPECT_INT(AUTH_PASS, d->evidence.iprev.result);
    EXPECT_INT(11, d->book.count);
    EXPECT_INT(2, d->rounds); /* all of them at once */
    strbuf_release(&names);
    desk_close(d);
}

static void relay_clients_get_a_name_but_no_points(void **state)
{
    struct desk *d = desk_open(&rdns_module, NULL);

    (void)state;
    desk_client(d, "203.0.113.7");
    d->session.is_relay_client = true;
    desk_settle(d);
    EXPECT_INT(AUTH_PERMERROR, d->evidence.iprev.result);
    EXPECT_INT(0, d->run.finding_count);
    desk_close(d);
}

static void a_name_that_was_confirmed_is_not_asked_for_again(void **state)
{
    struct desk *d = desk_open(&rdns_module, NULL);

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_client_ptr(d, "dsl-203-0-113-7.example.net");
    d->session.is_client_ptr_confirmed = true;
    EXPECT_INT(STEP_DONE, desk_run(d));
    EXPECT_INT(AUTH_PASS, d->evidence.iprev.result);
    EXPECT_STR("dsl-203-0-113-7.example.net", d->evidence.iprev.name);
    EXPECT_TRUE(desk_points(d) > 0); /* and judged as any other */
    desk_close(d);
}

static void bounds_are_the_worst_case_not_the_sum(void **state)
{
    int points[16] = { 0 };
    struct bounds b;

    (void)state;
    for (size_t i = 0; rdns_module.symbols[i].name; i++)
        points[i] = rdns_module.symbols[i].points;
    rdns_module.bounds(NULL, points, &b);
    EXPECT_INT(450, b.most);
    EXPECT_INT(0, b.least);
}

RUN_TESTS(TEST(names_are_confirmed), TEST(no_more_than_ten_names_are_asked_for),
          TEST(relay_clients_get_a_name_but_no_points), TEST(a_name_that_was_confirmed_is_not_asked_for_again),
          TEST(bounds_are_the_worst_case_not_the_sum))
