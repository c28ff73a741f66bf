/* tests/check/test_recipient.c - recipients that no honest envelope has. */
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "scanners/recipient.h"

static void envelopes_are_judged(void **state)
{
    static const struct {
        const char *from, *to, *to2;
        bool is_user;
        const char *symbol;
        int points;
        bool is_put_off;
    } cases[] = {
        { "a@b.example", "x@good.example", NULL, false, NULL, 0, false },
        { "", "x@good.example", NULL, false, NULL, 0, false },
        { "", "x@good.example", "y@good.example", false, "HFILTER_RCPT_BOUNCEMOREONE", 150, false },
        { "", "x@good.example", "y@good.example", true, NULL, 0, false },
        { "a@b.example", "postmaster", NULL, false, NULL, 0, false },
        { "a@b.example", "x@[192.0.2.1]", NULL, false, NULL, 0, false },
        { "a@b.example", "x@host", NULL, false, "RCPT_NOT_FQDN", 0, false },
        { "a@b.example", "x@none.example", NULL, false, NULL, 0, false }, /* a stranger's: the door knows ours */
        { "a@b.example", "x@none.example", NULL, true, "RCPT_NORES_A_OR_MX", 0, false },
        { "a@b.example", "x@null.example", NULL, true, "RCPT_NULL_MX", 0, false },
        { "a@b.example", "x@good.example", "y@address.example", true, NULL, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&recipient_module, "look_up = yes");

        desk_client(d, "203.0.113.7");
        d->session.is_relay_client = cases[i].is_user;
        desk_from(d, cases[i].from);
        desk_rcpt(d, cases[i].to);
        if (cases[i].to2)
            desk_rcpt(d, cases[i].to2);
        desk_dns(d, "good.example", DNS_MX, "10 mx.example");
        desk_dns(d, "null.example", DNS_MX, "0 .");
        desk_dns(d, "address.example", DNS_A, "192.0.2.1");
        desk_settle(d);
        if (desk_points(d) != cases[i].points || d->run.finding_count != (cases[i].symbol != NULL) ||
            (cases[i].symbol && !desk_finding(d, cases[i].symbol)))
            fail_msg("case %zu: %d, %s", i, desk_points(d),
                     d->run.finding_count ? d->run.findings[0].symbol : "nothing");
        desk_close(d);
    }
}

static void a_domain_that_cannot_be_looked_up_is_a_failure(void **state)
{
    struct desk *d = desk_open(&recipient_module, "look_up = yes");

    (void)state;
    d->session.auth_user = SPAN("anna");
    desk_from(d, "a@b.example");
    desk_rcpt(d, "x@broken.example");
    desk_dns_else(d, "SERVFAIL");
    desk_settle(d);
    assert_non_null(d->run.failure);
    desk_close(d);
}

static void too_many_are_put_off(void **state)
{
    struct desk *d = desk_open(&recipient_module, "most = 2");

    (void)state;
    desk_from(d, "a@b.example");
    desk_rcpt(d, "x@good.example");
    desk_rcpt(d, "y@good.example");
    desk_settle(d);
    EXPECT_FALSE(d->run.is_forced);
    desk_rcpt(d, "z@good.example");
    desk_settle(d);
    EXPECT_INT(ACTION_DEFER, d->run.forced);
    EXPECT_TRUE(strncmp(d->run.forced_text, "452 4.5.3 ", 10) == 0);
    desk_close(d);
}

RUN_TESTS(TEST(envelopes_are_judged), TEST(a_domain_that_cannot_be_looked_up_is_a_failure), TEST(too_many_are_put_off))
