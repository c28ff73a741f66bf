/* tests/check/test_sender_check.c - could anybody answer to the sender, and may this client write as him? */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "gateway/base/log.h"
#include "scanners/sender.h"

#define CONF                                                                                                           \
    "bad_mx = {\"198.51.100.0/24\"} bad_ns = {\"203.0.113.128/25\"} own_domains = {\"ours.example\", "                 \
    "\".under.example\"}"

static void senders_are_judged(void **state)
{
    static const struct {
        const char *from, *mx, *a, *host_a; /* MX and A of the domain, A of the host mx.example */
        const char *symbol;                 /* NULL: nothing is found; "": the check has failed */
        int points;
    } cases[] = {
        { "a@good.example", "10 mx.example", NULL, "192.0.2.1", NULL, 0 },
        { "a@good.example", "NODATA", "192.0.2.1", NULL, NULL, 0 }, /* no MX: the domain itself */
        { "a@good.example", "10 mx.example", NULL, "192.0.2.1 | 10.0.0.1", NULL, 0 },
        { "", NULL, NULL, NULL, "HFILTER_FROM_BOUNCE", 0 },
        { "root@localhost", NULL, NULL, NULL, "HFILTER_FROMHOST_NOT_FQDN", 300 },
        { "root", NULL, NULL, NULL, "HFILTER_FROMHOST_NOT_FQDN", 300 },
        { "a@b_c..example", NULL, NULL, NULL, "HFILTER_FROMHOST_NOT_FQDN", 300 },
        { "a@[192.0.2.1]", NULL, NULL, NULL, NULL, 0 },
        { "a@none.example", "NXDOMAIN", "NXDOMAIN", NULL, "HFILTER_FROMHOST_NORES_A_OR_MX", 150 },
        { "a@none.example", "NODATA", "NODATA", NULL, "HFILTER_FROMHOST_NORES_A_OR_MX", 150 },
        { "a@lame.example", "10 mx.example", NULL, "NXDOMAIN", "HFILTER_FROMHOST_NORESOLVE_MX", 50 },
        { "a@null.example", "0 .", "192.0.2.1", NULL, "SENDER_NULL_MX", 200 },
        { "a@bogon.example", "10 mx.example", NULL, "127.0.0.1", "SENDER_MX_BOGON", 200 },
        { "a@bogon.example", "NODATA", "10.0.0.1", NULL, "SENDER_MX_BOGON", 200 },
        { "a@bad.example", "10 mx.example", NULL, "192.0.2.1 | 198.51.100.7", "SENDER_MX_BAD", 500 },
        { "a@broken.example", "SERVFAIL", "NXDOMAIN", NULL, "", 0 },
        { "a@broken.example", "SERVFAIL", "192.0.2.1", NULL, NULL, 0 },
        { "a@broken.example", "10 mx.example", NULL, "TIMEOUT", "", 0 },
        { "a@ours.example", NULL, NULL, NULL, "SENDER_OWN_DOMAIN", 300 },
        { "a@OURS.example", NULL, NULL, NULL, "SENDER_OWN_DOMAIN", 300 },
        { "a@x.under.example", NULL, NULL, NULL, "SENDER_OWN_DOMAIN", 300 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&sender_module, CONF);
        struct span domain = span_of(cases[i].from);
        const char *name = arena_dup(&d->arena, span_skip(domain, span_find(domain, '@') + 1));

        desk_client(d, "203.0.113.7");
        desk_from(d, cases[i].from);
        if (cases[i].mx)
            desk_dns(d, name, DNS_MX, cases[i].mx);
        if (cases[i].a)
            desk_dns(d, name, DNS_A, cases[i].a);
        if (cases[i].host_a)
            desk_dns(d, "mx.example", DNS_A, cases[i].host_a);
        desk_settle(d);
        bool has_failed = cases[i].symbol && !cases[i].symbol[0];

        if (desk_points(d) != cases[i].points || (d->run.failure != NULL) != has_failed)
            fail_msg("case %zu, %s: %d, %s", i, cases[i].from, desk_points(d), d->run.failure ? d->run.failure : "");
        if (cases[i].symbol && !has_failed && !desk_finding(d, cases[i].symbol))
            fail_msg("case %zu, %s: no %s", i, cases[i].from, cases[i].symbol);
        EXPECT_INT(cases[i].symbol && !has_failed, d->run.finding_count);
        desk_close(d);
    }
}

static void our_own_domain_is_no_strangers_unless_spf_passes(void **state)
{
    struct desk *d = desk_open(&sender_module, CONF);

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_from(d, "a@ours.example");
    d->evidence.spf_mailfrom.result = AUTH_PASS;
    desk_settle(d);
    EXPECT_INT(0, d->run.finding_count);
    desk_close(d);
}

static void name_servers_are_looked_at_when_some_are_bad(void **state)
{
    static const char *const confs[] = { CONF, "" };

    (void)state;
    for (size_t i = 0; i < COUNT(confs); i++) {
        struct desk *d = desk_open(&sender_module, confs[i]);

        desk_client(d, "203.0.113.7");
        desk_from(d, "a@mail.gang.com");
        desk_dns(d, "mail.gang.com", DNS_MX, "10 mx.example");
        desk_dns(d, "mx.example", DNS_A, "192.0.2.1");
        desk_dns(d, "gang.com", DNS_NS, "ns.gang.com");
        desk_dns(d, "ns.gang.com", DNS_A, "203.0.113.200");
        desk_settle(d);
        EXPECT_INT(i == 0 ? 500 : 0, desk_points(d));
        EXPECT_INT(i == 0, desk_finding(d, "SENDER_NS_BAD") != NULL);
        EXPECT_INT(i == 0, answers_find(&d->book, "gang.com", DNS_NS) != NULL);
        desk_close(d);
    }
}

static void all_is_asked_at_once(void **state)
{
    struct desk *d = desk_open(&sender_module, NULL);

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_from(d, "a@good.example");
    EXPECT_INT(STEP_WAIT, desk_run(d));
    EXPECT_INT(3, d->book.lookups); /* MX, A, AAAA */
    desk_close(d);
}

static void strangers_alone_are_judged(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct desk *d = desk_open(&sender_module, CONF);

        desk_client(d, i == 0 ? "10.0.0.1" : "203.0.113.7");
        d->session.is_relay_client = i == 1;
        if (i == 2)
            d->session.auth_user = SPAN("anna");
        desk_from(d, "root@localhost");
        EXPECT_INT(STEP_DONE, desk_run(d));
        EXPECT_INT(0, d->run.finding_count);
        desk_close(d);
    }
}

/* ---- logins ---- */

static char path[64] = "/tmp/postern-logins-XXXXXX";

static int make_file(void **state)
{
    static const char text[] = "# whose\nanna@ours.example  anna, boss\nours.example  admin\n carl\n";
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void an_address_is_its_owners(void **state)
{
    static const struct {
        const char *user, *from;
        bool is_refused;
    } cases[] = {
        { "anna", "anna@ours.example", false }, { "ANNA", "Anna@Ours.example", false },
        { "boss", "anna@ours.example", false }, { "carl", "anna@ours.example", true },
        { "carl", "ted@ours.example", false },  { "anna", "ted@ours.example", true },
        { "anna", "x@else.example", false },    { "anna", "", false },
        { "", "anna@ours.example", false },
    };
    char conf[128];

    (void)state;
    snprintf(conf, sizeof conf, "logins = \"%s\"", path);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&sender_module, conf);

        desk_client(d, "203.0.113.7");
        d->session.is_relay_client = !cases[i].user[0];
        d->session.auth_user = span_of(cases[i].user);
        desk_from(d, cases[i].from);
        desk_settle(d);
        if (d->run.is_forced != cases[i].is_refused)
            fail_msg("%s as %s", cases[i].user, cases[i].from);
        EXPECT_INT(cases[i].is_refused, desk_finding(d, "SENDER_LOGIN_MISMATCH") != NULL);
        desk_upkeep(d);
        EXPECT_INT(0, d->run.raised_count);
        desk_close(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(senders_are_judged),
        TEST(our_own_domain_is_no_strangers_unless_spf_passes),
        TEST(name_servers_are_looked_at_when_some_are_bad),
        TEST(all_is_asked_at_once),
        TEST(strangers_alone_are_judged),
        TEST(an_address_is_its_owners),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
