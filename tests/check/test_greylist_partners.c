/* tests/check/test_greylist_partners.c - who has had mail of ours may write back at once. */
#include "greylist/greylist.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define DAYS(n) ((n)*INT64_C(86400000))

#define ALWAYS "when = always "

static void mail(struct desk *d, const char *ip, const char *from, const char *to)
{
    desk_client(d, ip);
    desk_from(d, from);
    desk_rcpt(d, to);
    desk_settle(d);
}

static bool has_to_wait(const struct desk *d)
{
    return d->run.is_forced && d->run.forced == ACTION_GREYLIST;
}

static void partners_write_back(void **state)
{
    static const struct {
        const char *conf, *from, *to;
        enum auth_result spf;
        int64_t after_ms;
        bool waits;
    } cases[] = {
        { "", "joe@a.example", "ann@b.example", AUTH_NONE, DAYS(10), false },
        { "", "JOE+reply@a.example", "ann@b.example", AUTH_PASS, DAYS(10), false },
        { "", "joe@a.example", "bob@b.example", AUTH_NONE, DAYS(10), false }, /* her colleague */
        { "", "joe@a.example", "ann@c.example", AUTH_NONE, DAYS(10), true },
        { "", "jim@a.example", "ann@b.example", AUTH_NONE, DAYS(10), true },
        { "", "joe@a.example", "ann@b.example", AUTH_SOFTFAIL, DAYS(10), true }, /* it is not he */
        { "", "joe@a.example", "ann@b.example", AUTH_FAIL, DAYS(10), true },
        { "", "joe@a.example", "ann@b.example", AUTH_NONE, DAYS(100), true },
        { "partners = 365d", "joe@a.example", "ann@b.example", AUTH_NONE, DAYS(100), false },
        { "partners = 0", "joe@a.example", "ann@b.example", AUTH_NONE, DAYS(10), true },
        { "private = yes", "joe@a.example", "ann@b.example", AUTH_NONE, DAYS(10), false },
        { "", "", "ann@b.example", AUTH_NONE, DAYS(10), true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[128];

        snprintf(conf, sizeof conf, ALWAYS "%s", cases[i].conf);
        struct desk *d = desk_open(&greylist_module, conf);

        d->session.auth_user = SPAN("ann");
        mail(d, "203.0.113.99", "ann@b.example", "joe@a.example");
        EXPECT_INT(0, d->run.finding_count);
        desk_settled(d, ACTION_ACCEPT, true);
        d->session.auth_user = SPAN("");
        desk_next_transaction(d, cases[i].after_ms);
        d->evidence.spf_mailfrom = (struct spf_evidence){ .result = cases[i].spf, .domain = "a.example" };
        mail(d, "203.0.113.7", cases[i].from, cases[i].to);
        if (has_to_wait(d) != cases[i].waits)
            fail_msg("case %zu", i);
        if (!cases[i].waits)
            EXPECT_TRUE(strstr(desk_finding(d, "GREYLIST_EXEMPT")->reason, "has had mail of b.example"));
        desk_close(d);
    }
}

/* She wrote to the domain in Unicode, and the answer comes from it in ASCII. */
static void a_partner_is_known_in_either_script(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);

    (void)state;
    d->session.auth_user = SPAN("ann");
    mail(d, "203.0.113.99", "ann@b.example", "joe@B\xc3\xbc\x63her.example");
    desk_settled(d, ACTION_ACCEPT, true);
    d->session.auth_user = SPAN("");
    desk_next_transaction(d, DAYS(10));
    mail(d, "203.0.113.7", "joe@xn--bcher-kva.example", "ann@b.example");
    EXPECT_FALSE(has_to_wait(d));
    desk_close(d);
}

enum sent { SENT, NOT_DELIVERED, BY_STRANGER, BOUNCE, NEWSLETTER, ONLY_SCANNED };

static void who_becomes_a_partner(void **state)
{
    (void)state;
    for (int how = SENT; how <= ONLY_SCANNED; how++) {
        struct desk *d = desk_open(&greylist_module, NULL);

        d->session.auth_user = how == BY_STRANGER ? SPAN("") : SPAN("ann");
        d->session.door = how == ONLY_SCANNED ? "scan" : "smtp";
        for (int i = 0; how == NEWSLETTER && i < 60; i++)
            desk_rcpt(d, "somebody@c.example");
        mail(d, "203.0.113.99", how == BOUNCE ? "" : "ann@b.example", "joe@a.example");
        desk_settled(d, ACTION_ACCEPT, how != NOT_DELIVERED);
        if ((d->operations > 0) != (how == SENT))
            fail_msg("case %d", how);
        desk_close(d);
    }
}

RUN_TESTS(TEST(partners_write_back), TEST(a_partner_is_known_in_either_script), TEST(who_becomes_a_partner))
