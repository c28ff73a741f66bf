/* tests/check/test_greylist.c - unknown senders have to come again. */
#include "greylist/greylist.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define SECONDS(n) ((n)*INT64_C(1000))
#define MINUTES(n) SECONDS((n)*60)
#define HOURS(n)   MINUTES((n)*60)
#define DAYS(n)    HOURS((n)*24)

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

static const char *header_of(const struct desk *d, const char *name)
{
    for (size_t i = 0; i < d->run.header_count; i++)
        if (strcmp(d->run.headers[i].name, name) == 0)
            return d->run.headers[i].value;
    return NULL;
}

static void expect_wait(const struct desk *d, const char *text)
{
    EXPECT_TRUE(has_to_wait(d));
    EXPECT_STR(text, d->run.forced_text);
    EXPECT_TRUE(desk_finding(d, "GREYLIST"));
    EXPECT_NULL(header_of(d, "X-Greylist"));
    EXPECT_INT(GREYLISTING_DECIDED, d->evidence.greylist.state);
}

static void who_comes_again_passes(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);

    (void)state;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    expect_wait(d, "Greylisted, please try again in 300 seconds");
    EXPECT_STR("g:{203.0.113.0/24}/joe@a.example/ann@b.example (its network), always: new, 300 s to wait",
               desk_finding(d, "GREYLIST")->reason);

    desk_next_transaction(d, SECONDS(57) + 1);
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    expect_wait(d, "Greylisted, please try again in 243 seconds");
    EXPECT_STR("g:{203.0.113.0/24}/joe@a.example/ann@b.example (its network), always: came again after 57 s, 243 s to "
               "wait",
               desk_finding(d, "GREYLIST")->reason);

    desk_next_transaction(d, SECONDS(255)); /* another one of his servers, and who cares for case */
    mail(d, "203.0.113.99", "Joe@A.example", "ANN@b.example");
    EXPECT_FALSE(d->run.is_forced);
    EXPECT_TRUE(desk_finding(d, "GREYLIST_PASSED"));
    EXPECT_STR("delayed 312 seconds by postern-" POSTERN_VERSION " at mx.desk.example; Thu, 01 Jan 2026 00:05:12 +0000",
               header_of(d, "X-Greylist"));

    desk_next_transaction(d, DAYS(34)); /* another message */
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    EXPECT_FALSE(d->run.is_forced);
    EXPECT_TRUE(desk_finding(d, "GREYLIST_KNOWN"));
    EXPECT_NULL(header_of(d, "X-Greylist"));

    desk_next_transaction(d, DAYS(36)); /* forgotten */
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    expect_wait(d, "Greylisted, please try again in 300 seconds");
    desk_close(d);
}

static void who_comes_too_late_is_new(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS "delay = 10m retry_window = 4h");

    (void)state;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    expect_wait(d, "Greylisted, please try again in 600 seconds");
    desk_next_transaction(d, HOURS(5));
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    expect_wait(d, "Greylisted, please try again in 600 seconds");
    desk_next_transaction(d, HOURS(3));
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    EXPECT_FALSE(d->run.is_forced);
    desk_close(d);
}

/* Two mails, the second one after the delay: is it the same triplet? */
static void what_makes_a_triplet(void **state)
{
    static const struct {
        const char *conf;
        const char *first[3], *second[3];
        bool is_same;
    } cases[] = {
        { "", { "203.0.113.7", "a@a.example", "x@b.example" }, { "203.0.113.250", "a@a.example", "x@b.example" }, 1 },
        { "", { "203.0.113.7", "a@a.example", "x@b.example" }, { "203.0.114.7", "a@a.example", "x@b.example" }, 0 },
        { "ip4_bits = 32",
          { "203.0.113.7", "a@a.example", "x@b.example" },
          { "203.0.113.8", "a@a.example", "x@b.example" },
          0 },
        { "ip4_bits = 19",
          { "203.0.113.7", "a@a.example", "x@b.example" },
          { "203.0.97.8", "a@a.example", "x@b.example" },
          1 },
        { "", { "2001:db8::7", "a@a.example", "x@b.example" }, { "2001:db8::9:1", "a@a.example", "x@b.example" }, 1 },
        { "", { "2001:db8::7", "a@a.example", "x@b.example" }, { "2001:db8:0:1::7", "a@a.example", "x@b.example" }, 0 },
        { "", { "203.0.113.7", "a@a.example", "x@b.example" }, { "203.0.113.7", "a@c.example", "x@b.example" }, 0 },
        { "", { "203.0.113.7", "a@a.example", "x@b.example" }, { "203.0.113.7", "a@a.example", "y@b.example" }, 0 },
        { "", { "203.0.113.7", "", "x@b.example" }, { "203.0.113.7", "", "x@b.example" }, 1 },
        { "", { "203.0.113.7", "", "x@b.example" }, { "203.0.113.7", "a@a.example", "x@b.example" }, 0 },
        { "",
          { "203.0.113.7", "prvs=3096b1c2d4=a@a.example", "x@b.example" },
          { "203.0.113.7", "prvs=4096f1c2d4=a@a.example", "x@b.example" },
          1 },
        { "",
          { "203.0.113.7", "bounce-1-x@a.example", "x@b.example" },
          { "203.0.113.7", "bounce-2-x@a.example", "x@b.example" },
          1 },
        { "private = yes",
          { "203.0.113.7", "a@a.example", "x@b.example" },
          { "203.0.113.9", "A@a.example", "x@B.example" },
          0 },
        { "private = yes",
          { "203.0.113.7", "a@a.example", "x@b.example" },
          { "203.0.113.9", "a@a.example", "x@b.example" },
          1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[128];

        snprintf(conf, sizeof conf, ALWAYS "%s", cases[i].conf);
        struct desk *d = desk_open(&greylist_module, conf);

        mail(d, cases[i].first[0], cases[i].first[1], cases[i].first[2]);
        EXPECT_TRUE(has_to_wait(d));
        desk_next_transaction(d, MINUTES(6));
        mail(d, cases[i].second[0], cases[i].second[1], cases[i].second[2]);
        if (has_to_wait(d) == cases[i].is_same)
            fail_msg("case %zu", i);
        desk_close(d);
    }
}

static void authenticated(struct desk *d, enum auth_result mailfrom, const char *domain, enum auth_result helo,
                          const char *helo_domain)
{
    d->evidence.spf_mailfrom = (struct spf_evidence){ .result = mailfrom, .domain = domain };
    d->evidence.spf_helo = (struct spf_evidence){ .result = helo, .domain = helo_domain };
}

static void an_authenticated_domain_stands_for_its_network(void **state)
{
    static const struct {
        const char *conf;
        enum auth_result mailfrom;
        const char *domain;
        enum auth_result helo;
        const char *helo_domain, *key;
    } cases[] = {
        { "", AUTH_PASS, "bounce.a.com", AUTH_NONE, "", "g:{a.com}/joe@bounce.a.com/ann@b.example (SPF passes)" },
        { "", AUTH_SOFTFAIL, "a.com", AUTH_PASS, "mx.c.com", "g:{c.com}/joe@bounce.a.com/ann@b.example (SPF passes)" },
        { "", AUTH_FAIL, "a.com", AUTH_NONE, "", "g:{203.0.113.0/24}/joe@bounce.a.com/ann@b.example (its network)" },
        { "", AUTH_PASS, "com", AUTH_NONE, "", "g:{com}/joe@bounce.a.com/ann@b.example (SPF passes)" },
        { "by_domain = no", AUTH_PASS, "a.com", AUTH_PASS, "mx.a.com",
          "g:{203.0.113.0/24}/joe@bounce.a.com/ann@b.example (its network)" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[128];

        snprintf(conf, sizeof conf, ALWAYS "%s", cases[i].conf);
        struct desk *d = desk_open(&greylist_module, conf);

        authenticated(d, cases[i].mailfrom, cases[i].domain, cases[i].helo, cases[i].helo_domain);
        mail(d, "203.0.113.7", "joe@bounce.a.com", "ann@b.example");
        const char *reason = desk_finding(d, "GREYLIST")->reason;

        if (strncmp(reason, cases[i].key, strlen(cases[i].key)) != 0)
            fail_msg("case %zu: %s", i, reason);
        desk_close(d);
    }
}

static void sender_pools_pass(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);

    (void)state;
    authenticated(d, AUTH_PASS, "a.com", AUTH_NONE, "");
    mail(d, "203.0.113.7", "joe@a.com", "ann@b.example");
    EXPECT_TRUE(has_to_wait(d));
    desk_next_transaction(d, MINUTES(6));
    authenticated(d, AUTH_PASS, "a.com", AUTH_NONE, "");
    mail(d, "2001:db8::7", "joe@a.com", "ann@b.example");
    EXPECT_FALSE(has_to_wait(d));
    EXPECT_TRUE(desk_finding(d, "GREYLIST_PASSED"));
    desk_close(d);
}

/* "+all" lets everybody be a.com, also who greets so, and with a bounce. */
static void plus_all_is_no_authentication(void **state)
{
    static const struct {
        const char *from;
        enum auth_result mailfrom, helo;
    } cases[] = {
        { "joe@a.com", AUTH_PASS, AUTH_NONE },
        { "joe@b.com", AUTH_NONE, AUTH_PASS },
        { "", AUTH_PASS, AUTH_PASS },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&greylist_module, ALWAYS);

        authenticated(d, cases[i].mailfrom, "a.com", cases[i].helo, "a.com");
        d->evidence.spf_mailfrom.is_open = d->evidence.spf_helo.is_open = true;
        mail(d, "203.0.113.7", cases[i].from, "ann@b.example");
        if (!strstr(desk_finding(d, "GREYLIST")->reason, "its network"))
            fail_msg("case %zu", i);
        desk_close(d);
    }
}

static void clients_are_learned(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS "client_passes = 3");
    char from[32];

    (void)state;
    for (int i = 0; i < 4; i++) {
        snprintf(from, sizeof from, "%c@a.example", 'a' + i);
        mail(d, "203.0.113.7", from, "ann@b.example");
        EXPECT_INT(i < 3, has_to_wait(d));
        desk_next_transaction(d, HOURS(2));
        mail(d, "203.0.113.7", from, "ann@b.example");
        EXPECT_FALSE(has_to_wait(d));
        desk_next_transaction(d, 0);
    }
    EXPECT_TRUE(strstr(desk_finding(d, "GREYLIST_KNOWN")->reason, "the client has passed 3 times"));
    mail(d, "203.0.113.8", "e@a.example", "ann@b.example"); /* his neighbour has not */
    EXPECT_TRUE(has_to_wait(d));
    desk_close(d);
}

static void passes_close_together_count_once(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS "client_passes = 2");
    char from[32];

    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(from, sizeof from, "%c@a.example", 'a' + i);
        desk_next_transaction(d, 0);
        mail(d, "203.0.113.7", from, "ann@b.example");
        EXPECT_TRUE(has_to_wait(d));
    }
    for (int i = 0; i < 10; i++) {
        snprintf(from, sizeof from, "%c@a.example", 'a' + i);
        desk_next_transaction(d, MINUTES(i ? 0 : 6));
        mail(d, "203.0.113.7", from, "ann@b.example");
        EXPECT_TRUE(desk_finding(d, "GREYLIST_PASSED"));
    }
    desk_next_transaction(d, 0);
    mail(d, "203.0.113.7", "new@a.example", "ann@b.example");
    EXPECT_TRUE(has_to_wait(d));
    desk_close(d);
}

static void only_suspicious_mail_waits_unless_told(void **state)
{
    static const struct {
        const char *conf;
        int points;
        bool waits;
    } cases[] = {
        { "", 0, false },
        { "", 199, false },
        { "", 200, true },
        { "", 1499, true },
        { "", 1500, false }, /* refused anyway */
        { "suspicious = 5.0", 450, false },
        { "suspicious = 5.0", 500, true },
        { "when = never", 900, false },
        { ALWAYS, -500, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&greylist_module, cases[i].conf);

        desk_sister(d, cases[i].points);
        mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
        if (has_to_wait(d) != cases[i].waits)
            fail_msg("case %zu", i);
        EXPECT_INT(cases[i].waits, d->operations > 0);
        EXPECT_INT(cases[i].waits           ? GREYLISTING_DECIDED
                   : cases[i].points < 1500 ? GREYLISTING_OPEN
                                            : GREYLISTING_ABSENT,
                   d->evidence.greylist.state);
        desk_close(d);
    }
}

/* What only tags is suspicious, but refuses nothing. */
static void points_that_only_tag_refuse_nobody(void **state)
{
    struct desk *d = desk_open(&greylist_module, NULL);
    struct check_settings settings;

    (void)state;
    desk_sister(d, 2000);
    settings = *d->sister.settings;
    settings.mode = MODE_TAG;
    d->sister.settings = &settings;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    EXPECT_TRUE(has_to_wait(d));
    desk_close(d);
}

static void mail_is_suspicious_when_nobody_could_be_asked(void **state)
{
    struct desk *d = desk_open(&greylist_module, NULL);
    struct check_settings settings;
    struct check sister;

    (void)state;
    desk_sister(d, 0);
    d->sister.state = RUN_FAILED;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    EXPECT_FALSE(has_to_wait(d)); /* it asks nobody */
    sister = *d->sister.settings->check;
    sister.asks = 1;
    settings = *d->sister.settings;
    settings.check = &sister;
    d->sister.settings = &settings;
    mail(d, "203.0.113.7", "joe@a.example", "bob@b.example");
    EXPECT_TRUE(has_to_wait(d));
    EXPECT_TRUE(strstr(desk_finding(d, "GREYLIST")->reason, "sister knows nothing"));
    desk_close(d);
}

static void some_never_wait(void **state)
{
    static const char postmaster[] = "postmaster@b.example";
    static const struct {
        const char *conf, *ip, *name, *to;
        const char *why; /* of GREYLIST_EXEMPT; NULL: has to wait */
    } cases[] = {
        { "", "127.0.0.1", NULL, "ann@b.example", "the client is in `skip`" },
        { "", "10.9.8.7", NULL, "ann@b.example", "the client is in `skip`" },
        { "", "fd00::1", NULL, "ann@b.example", "the client is in `skip`" },
        { "skip = {}", "127.0.0.1", NULL, "ann@b.example", NULL },
        { "clients = {\"friend.example\"}", "203.0.113.7", "mx.friend.example", "ann@b.example",
          "the client is listed: .friend.example" },
        { "clients = {\"friend.example\"}", "203.0.113.7", NULL, "ann@b.example", NULL },
        { "clients = {\"203.0.113.0/28\"}", "203.0.113.7", NULL, "ann@b.example",
          "the client is listed: 203.0.113.0/28" },
        { "clients = {\"/^mx[0-9]+\\\\.friend/\"}", "203.0.113.7", "MX1.friend.example", "ann@b.example",
          "the client is listed: /^mx[0-9]+\\.friend/" },
        { "", "203.0.113.7", NULL, postmaster, "the recipient is listed: postmaster@" },
        { "", "203.0.113.7", NULL, "Abuse@b.example", "the recipient is listed: abuse@" },
        { "recipients = {}", "203.0.113.7", NULL, postmaster, NULL },
        { "recipients = {\"b.example\"}", "203.0.113.7", NULL, "ann@b.example", "the recipient is listed: b.example" },
        { "symbols = {\"SISTER\"}", "203.0.113.7", NULL, "ann@b.example", "SISTER was found" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&greylist_module, cases[i].conf);

        desk_sister(d, 400);
        if (cases[i].name)
            d->evidence.iprev = (struct iprev_evidence){ AUTH_PASS, cases[i].name };
        mail(d, cases[i].ip, "joe@a.example", cases[i].to);
        if (has_to_wait(d) != !cases[i].why)
            fail_msg("case %zu", i);
        if (cases[i].why)
            EXPECT_STR(cases[i].why, desk_finding(d, "GREYLIST_EXEMPT")->reason);
        desk_close(d);
    }
}

enum stranger { STRANGER, USER, RELAY, SCANNED, UNKNOWN_ADDRESS, PERMITTED, ALLOWED, REFUSED, DISCARDED, DEFERRED };

static void whom_it_does_not_concern(void **state)
{
    (void)state;
    for (int who = STRANGER; who <= DEFERRED; who++) {
        struct desk *d = desk_open(&greylist_module, ALWAYS);

        desk_client(d, "203.0.113.7");
        desk_from(d, "joe@a.example");
        desk_rcpt(d, "ann@b.example");
        d->session.auth_user = who == USER ? SPAN("joe") : SPAN("");
        d->session.is_relay_client = who == RELAY;
        d->session.door = who == SCANNED ? "scan" : "smtp";
        if (who == UNKNOWN_ADDRESS)
            d->session.client = (struct addr){ 0 };
        if (who == PERMITTED) {
            desk_sister(d, 400);
            d->sister.is_permit = true;
        }
        if (who >= ALLOWED)
            desk_sister_forces(d, who == ALLOWED     ? ACTION_ACCEPT
                                  : who == REFUSED   ? ACTION_REJECT
                                  : who == DISCARDED ? ACTION_DISCARD
                                                     : ACTION_DEFER);
        desk_settle(d);
        bool is_concerned = who == STRANGER || who == DEFERRED; /* who is put off may well wait meanwhile */

        if (has_to_wait(d) != is_concerned || (d->operations > 0) != is_concerned)
            fail_msg("case %d", who);
        EXPECT_INT(is_concerned ? GREYLISTING_DECIDED : GREYLISTING_ABSENT, d->evidence.greylist.state);
        desk_close(d);
    }
}

static void each_recipient_has_his_own_triplet(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);

    (void)state;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    EXPECT_TRUE(has_to_wait(d));
    desk_next_transaction(d, MINUTES(10));
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example"); /* RCPT, in the dialogue: passes */
    EXPECT_FALSE(has_to_wait(d));
    unsigned before = d->operations;

    desk_rcpt(d, "bob@b.example"); /* the next RCPT: the check runs again, with both */
    desk_settle(d);
    EXPECT_TRUE(has_to_wait(d));
    EXPECT_STR("Greylisted, please try again in 300 seconds", d->run.forced_text);
    EXPECT_INT(before + 1, d->operations); /* Ann's triplet is not touched again */
    d->session.recipient_count = 1;        /* the door drops him */
    desk_settle(d);
    EXPECT_FALSE(has_to_wait(d));
    EXPECT_TRUE(header_of(d, "X-Greylist"));
    desk_rcpt(d, "postmaster@b.example");
    desk_settle(d);
    EXPECT_FALSE(has_to_wait(d));
    EXPECT_INT(before + 1, d->operations);
    desk_close(d);
}

static void all_recipients_are_asked_for_at_once(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS "text = \"%r: %s s, 100%\"");

    (void)state;
    desk_client(d, "203.0.113.7");
    desk_from(d, "joe@a.example");
    for (int i = 0; i < 50; i++) {
        char to[48];

        snprintf(to, sizeof to, "user%d@b%d.example", i, i);
        desk_rcpt(d, to);
    }
    desk_settle(d);
    EXPECT_INT(1, d->rounds); /* partners and triplets */
    EXPECT_INT(100, d->operations);
    EXPECT_STR("b49.example: 300 s, 100%", d->run.forced_text);
    desk_close(d);
}

/* A thousand recipients, one after the other, who all have passed before: each RCPT runs the check for all so far. */
static void many_recipients_cost_little(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);
    char to[48];

    (void)state;
    for (int round = 0; round < 2; round++) {
        desk_next_transaction(d, MINUTES(6));
        desk_client(d, "203.0.113.7");
        desk_from(d, "joe@a.example");
        for (int i = 0; i < 1000; i++) {
            snprintf(to, sizeof to, "user%d@b.example", i);
            desk_rcpt(d, to);
        }
        size_t before = d->arena.used_bytes;

        for (size_t n = round ? 1 : 1000; n <= 1000; n++) {
            d->session.recipient_count = n;
            desk_settle(d);
        }
        EXPECT_INT(!round, has_to_wait(d));
        if (round && d->arena.used_bytes - before > 3 << 20) /* a transaction may use up 4 MiB */
            fail_msg("%zu bytes", d->arena.used_bytes - before);
    }
    EXPECT_TRUE(desk_finding(d, "GREYLIST_PASSED"));
    desk_close(d);
}

static void an_outage_lets_mail_through(void **state)
{
    static const enum store_state outages[] = { STORE_TIMEOUT, STORE_FAILED };

    (void)state;
    for (size_t i = 0; i < COUNT(outages); i++) {
        struct desk *d = desk_open(&greylist_module, ALWAYS);

        d->store_outcome = outages[i];
        mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
        EXPECT_FALSE(d->run.is_forced);
        EXPECT_STR("the state store has no answer: the desk says so", d->run.failure);
        EXPECT_INT(1, d->run.raised_count);
        EXPECT_STR("greylist/store", d->run.raised[0].key);
        EXPECT_INT(GREYLISTING_ABSENT, d->evidence.greylist.state);
        desk_close(d);
    }
}

/* Who tries out so many recipients that no more can be asked for does not pass by it, nor raise an alarm. */
static void too_many_questions_are_no_outage(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);

    (void)state;
    d->store_outcome = STORE_CAPPED;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    expect_wait(d, "Greylisted, please try again in 300 seconds");
    EXPECT_INT(0, d->run.raised_count);
    desk_close(d);
}

/* One recipient's answer is there, the other's is not: nothing is demanded of the message. */
static void a_part_of_an_outage_lets_mail_through(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS "partners = 0");

    (void)state;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    EXPECT_TRUE(has_to_wait(d));
    d->store_outcome = STORE_TIMEOUT;
    desk_rcpt(d, "bob@b.example");
    desk_settle(d);
    EXPECT_FALSE(d->run.is_forced);
    EXPECT_TRUE(d->run.failure);
    desk_close(d);
}

static void keys_can_be_hidden(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS "private = yes");

    (void)state;
    mail(d, "203.0.113.7", "joe@a.example", "ann@b.example");
    for (const struct answer_entry *e = d->book.first; e; e = e->next) {
        EXPECT_INT(SPAN_NPOS, span_search(e->op->key, SPAN("example")));
        EXPECT_INT(SPAN_NPOS, span_search(e->op->key, SPAN("203.0")));
        if (e->op->kind == STORE_GREYLIST)
            EXPECT_INT(SPAN_NPOS, span_search(e->op->greylist.client, SPAN("203.0")));
    }
    desk_close(d);
}

/* A sender as long as can be, with bytes that would forge lines or keys. */
static void odd_addresses_make_sound_keys(void **state)
{
    struct desk *d = desk_open(&greylist_module, ALWAYS);
    char from[400], to[400];

    (void)state;
    memset(from, 'x', sizeof from);
    snprintf(from + 250, sizeof from - 250, "\x01\n {}/}@a.example");
    memset(to, 'y', sizeof to);
    snprintf(to + 300, sizeof to - 300, "@b.example");
    mail(d, "203.0.113.7", from, to);
    EXPECT_TRUE(has_to_wait(d));
    for (const struct answer_entry *e = d->book.first; e; e = e->next) {
        EXPECT_TRUE(e->op->key.len <= STORE_KEY_MAX);
        for (size_t i = 0; i < e->op->key.len; i++)
            EXPECT_TRUE(e->op->key.ptr[i] > ' ' && e->op->key.ptr[i] < 0x7f);
    }
    desk_next_transaction(d, MINUTES(6));
    mail(d, "203.0.113.7", from, to);
    EXPECT_FALSE(has_to_wait(d));
    desk_close(d);
}

RUN_TESTS(TEST(who_comes_again_passes), TEST(who_comes_too_late_is_new), TEST(what_makes_a_triplet),
          TEST(an_authenticated_domain_stands_for_its_network), TEST(sender_pools_pass),
          TEST(plus_all_is_no_authentication), TEST(clients_are_learned), TEST(passes_close_together_count_once),
          TEST(only_suspicious_mail_waits_unless_told), TEST(mail_is_suspicious_when_nobody_could_be_asked),
          TEST(some_never_wait), TEST(whom_it_does_not_concern), TEST(each_recipient_has_his_own_triplet),
          TEST(all_recipients_are_asked_for_at_once), TEST(an_outage_lets_mail_through),
          TEST(a_part_of_an_outage_lets_mail_through), TEST(keys_can_be_hidden), TEST(odd_addresses_make_sound_keys),
          TEST(points_that_only_tag_refuse_nobody), TEST(many_recipients_cost_little),
          TEST(too_many_questions_are_no_outage))
