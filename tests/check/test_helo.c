/* tests/check/test_helo.c - the name that the client greets with. */
#include "scanners/helo.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

static void greetings_are_judged(void **state)
{
    static const struct {
        const char *client, *helo, *a, *aaaa, *mx; /* answers for the name; NULL: NXDOMAIN */
        int points;
        const char *symbol; /* NULL: nothing to say */
    } cases[] = {
        { "203.0.113.7", "mx.example.net", "203.0.113.7", NULL, NULL, 0, NULL },
        { "203.0.113.7", "MX.Example.NET.", "192.0.2.1 | 203.0.113.7", NULL, NULL, 0, NULL },
        { "2001:db8::7", "mx.example.net", "192.0.2.1", "2001:db8::7", NULL, 0, NULL },
        { "203.0.113.7", "example.net", "NODATA", "NODATA", "10 mx.example.net", 0, NULL },
        { "203.0.113.7", "mx.example.net", NULL, NULL, NULL, 30, "HFILTER_HELO_NORES_A_OR_MX" },
        { "203.0.113.7", "mx.example.net", "NODATA", "NODATA", "NODATA", 30, "HFILTER_HELO_NORES_A_OR_MX" },
        { "203.0.113.7", "mx.example.net", "192.0.2.1", NULL, NULL, 100, "HFILTER_HELO_IP_A" },
        { "2001:db8::7", "mx.example.net", "192.0.2.1", "2001:db8::8", NULL, 100, "HFILTER_HELO_IP_A" },
        { "2001:db8::7", "mx.example.net", "192.0.2.1", "NODATA", NULL, 0, NULL }, /* another family: says nothing */
        { "203.0.113.7", "mx.example.net", "TIMEOUT", NULL, NULL, 0, "HFILTER_HELO_DNSFAIL" },
        { "203.0.113.7", "mx.example.net", NULL, NULL, "SERVFAIL", 0, "HFILTER_HELO_DNSFAIL" },

        { "203.0.113.7", "203.0.113.7", NULL, NULL, NULL, 300, "HFILTER_HELO_BAREIP" },
        { "203.0.113.7", "192.0.2.1", NULL, NULL, NULL, 450, "HFILTER_HELO_BADIP" },
        { "203.0.113.7", "[203.0.113.7]", NULL, NULL, NULL, 50, "HFILTER_HELO_LITERAL" },
        { "203.0.113.7", "[192.168.1.2]", NULL, NULL, NULL, 450, "HFILTER_HELO_BADIP" },
        { "2001:db8::7", "[IPv6:2001:db8::7]", NULL, NULL, NULL, 50, "HFILTER_HELO_LITERAL" },
        { "2001:db8::7", "[IPv6:2001:db8::8]", NULL, NULL, NULL, 450, "HFILTER_HELO_BADIP" },
        { "203.0.113.7", "[203.0.113.7", NULL, NULL, NULL, 150, "HFILTER_HELO_SYNTAX" },
        { "203.0.113.7", "[unknown]", NULL, NULL, NULL, 150, "HFILTER_HELO_SYNTAX" },

        { "203.0.113.7", "mx.desk.example", NULL, NULL, NULL, 500, "HFILTER_HELO_OWN_NAME" },
        { "203.0.113.7", "MX.desk.example.", NULL, NULL, NULL, 500, "HFILTER_HELO_OWN_NAME" },
        { "203.0.113.7", "desk.example", NULL, NULL, NULL, 500, "HFILTER_HELO_OWN_NAME" },
        { "203.0.113.7", "[198.51.100.25]", NULL, NULL, NULL, 500, "HFILTER_HELO_OWN_IP" },
        { "203.0.113.7", "198.51.100.25", NULL, NULL, NULL, 500, "HFILTER_HELO_OWN_IP" },

        { "203.0.113.7", "localhost", NULL, NULL, NULL, 300, "HFILTER_HELO_LOCALHOST" },
        { "203.0.113.7", "LOCALHOST.localdomain", NULL, NULL, NULL, 300, "HFILTER_HELO_LOCALHOST" },
        { "203.0.113.7", "exchange.corp.local", NULL, NULL, NULL, 30, "HFILTER_HELO_NORES_A_OR_MX" },
        { "203.0.113.7", "friend", NULL, NULL, NULL, 200, "HFILTER_HELO_NOT_FQDN" },
        { "203.0.113.7", "example.123", NULL, NULL, NULL, 200, "HFILTER_HELO_NOT_FQDN" },
        { "203.0.113.7", "mx..example.net", NULL, NULL, NULL, 150, "HFILTER_HELO_SYNTAX" },
        { "203.0.113.7", "mx.exa(mple.net", NULL, NULL, NULL, 150, "HFILTER_HELO_SYNTAX" },
        { "203.0.113.7", ".", NULL, NULL, NULL, 150, "HFILTER_HELO_SYNTAX" },
        { "203.0.113.7", "my_mx.example.net", "203.0.113.7", NULL, NULL, 50, "HFILTER_HELO_UNDERSCORE" },

        { "203.0.113.7", "203-0-113-7.dyn.example.net", "203.0.113.7", NULL, NULL, 300, "HFILTER_HELO_5" },
        { "203.0.113.7", "static-203-0-113-7.example.net", "203.0.113.7", NULL, NULL, 50, "HFILTER_HELO_1" },
        { "203.0.113.7", "dyn-203-0-113-7.known.example", "203.0.113.7", NULL, NULL, 0, NULL }, /* the rDNS name */

        { "192.168.1.9", "pc", NULL, NULL, NULL, 0, NULL }, /* private: exempt */
        { "127.0.0.1", "localhost", NULL, NULL, NULL, 0, NULL },
        { NULL, "friend", NULL, NULL, NULL, 200, "HFILTER_HELO_NOT_FQDN" }, /* no client: the name alone */
        { NULL, "mx.example.net", "192.0.2.1", NULL, NULL, 0, NULL },
        { NULL, "192.0.2.1", NULL, NULL, NULL, 300, "HFILTER_HELO_BAREIP" },
        { "203.0.113.7", "", NULL, NULL, NULL, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d =
            desk_open(&helo_module, "own_names = {\"desk.example\"} own_addresses = {\"198.51.100.0/24\"}");
        struct span name = span_of(cases[i].helo);
        char host[256];

        if (span_ends(name, SPAN(".")))
            name.len--;
        EXPECT_INT(FAULT_NONE, span_copy(name, host, sizeof host));
        if (cases[i].client)
            desk_client(d, cases[i].client);
        desk_helo(d, cases[i].helo);
        d->evidence.iprev = (struct iprev_evidence){ AUTH_PASS, "dyn-203-0-113-7.known.example" };
        desk_dns(d, host, DNS_A, cases[i].a ? cases[i].a : "NXDOMAIN");
        desk_dns(d, host, DNS_AAAA, cases[i].aaaa ? cases[i].aaaa : "NXDOMAIN");
        desk_dns(d, host, DNS_MX, cases[i].mx ? cases[i].mx : "NXDOMAIN");
        desk_settle(d);
        if (desk_points(d) != cases[i].points || d->run.finding_count != (cases[i].symbol != NULL))
            fail_msg("\"%s\" of %s: %d points, %s", cases[i].helo, cases[i].client ? cases[i].client : "nobody",
                     desk_points(d), d->run.finding_count ? d->run.findings[0].symbol : "nothing");
        EXPECT_TRUE(!cases[i].symbol || desk_finding(d, cases[i].symbol));
        desk_close(d);
    }
}

static void our_own_people_may_greet_as_they_like(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct desk *d = desk_open(&helo_module, NULL);

        desk_client(d, "203.0.113.7");
        desk_helo(d, "localhost");
        if (i == 0)
            d->session.is_relay_client = true;
        else
            d->session.auth_user = SPAN("anna");
        EXPECT_INT(STEP_DONE, desk_run(d));
        EXPECT_INT(0, d->run.finding_count);
        desk_close(d);
    }
}

static void a_greeting_is_missed_where_one_is_told(void **state)
{
    static const struct {
        const char *door;
        bool is_missed;
    } cases[] = { { "milter", true }, { "policy", true }, { "scan", false }, { "http", false } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&helo_module, NULL);

        desk_client(d, "203.0.113.7");
        d->session.door = cases[i].door;
        EXPECT_INT(STEP_DONE, desk_run(d));
        EXPECT_INT(cases[i].is_missed, desk_finding(d, "HFILTER_HELO_MISSING") != NULL);
        desk_close(d);
    }
}

static void bounds_are_those_of_one_finding(void **state)
{
    int points[32] = { 0 };
    struct bounds b;

    (void)state;
    for (size_t i = 0; helo_module.symbols[i].name; i++)
        points[i] = helo_module.symbols[i].points;
    helo_module.bounds(NULL, points, &b);
    EXPECT_INT(500, b.most);
    EXPECT_INT(0, b.least);
}

RUN_TESTS(TEST(greetings_are_judged), TEST(our_own_people_may_greet_as_they_like),
          TEST(a_greeting_is_missed_where_one_is_told), TEST(bounds_are_those_of_one_finding))
