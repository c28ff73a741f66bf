/* tests/check/test_greylist_message.c - suspicious messages of unknown senders have to come again. */
#include "greylist/message.h"

#include "greylist/conf.h"
#include "greylist/greylist.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define MINUTES(n) ((n)*INT64_C(60000))
#define HOURS(n)   MINUTES((n)*60)

#define MESSAGE "From: joe@a.com\nSubject: Buy this\n\nIt is cheap.\n"
#define OTHER   "From: joe@a.com\nSubject: Buy that\n\nIt is cheap, too.\n"

/* The check's desk, and one for what the check greylist was told: its configuration. */
struct pair {
    struct desk *d, *other;
};

static struct pair open_pair(const char *conf, int points)
{
    struct pair p = { desk_open(&greylist_message_module, NULL), desk_open(&greylist_module, conf) };

    desk_sister(p.d, points);
    return p;
}

static void close_pair(struct pair p)
{
    desk_close(p.d);
    desk_close(p.other);
}

/* As greylist left it at RCPT. */
static void arrive(struct pair p, const char *ip, const char *from, const char *text)
{
    if (!p.d->evidence.greylist.state)
        p.d->evidence.greylist = (struct greylist_evidence){ GREYLISTING_OPEN, p.other->settings.conf };
    desk_client(p.d, ip);
    desk_from(p.d, from);
    desk_message(p.d, text);
}

static void mail(struct pair p, const char *ip, const char *from, const char *to, const char *text)
{
    arrive(p, ip, from, text);
    desk_rcpt(p.d, to);
    desk_settle(p.d);
}

static bool has_to_wait(struct pair p)
{
    return p.d->run.is_forced && p.d->run.forced == ACTION_GREYLIST;
}

static void who_comes_again_passes(void **state)
{
    struct pair p = open_pair("", 450);

    (void)state;
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
    EXPECT_TRUE(has_to_wait(p));
    EXPECT_STR("Greylisted, please try again in 300 seconds", p.d->run.forced_text);
    EXPECT_STR("g:{203.0.113.0/24}/joe@a.com/ann@b.example (its network): new, 300 s to wait",
               desk_finding(p.d, "GREYLIST_MESSAGE")->reason);
    desk_next_transaction(p.d, MINUTES(2));
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
    EXPECT_STR("Greylisted, please try again in 180 seconds", p.d->run.forced_text);
    desk_next_transaction(p.d, MINUTES(4));
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
    EXPECT_FALSE(has_to_wait(p));
    EXPECT_TRUE(desk_finding(p.d, "GREYLIST_MESSAGE_PASSED"));
    EXPECT_INT(1, p.d->run.header_count);
    EXPECT_STR("X-Greylist", p.d->run.headers[0].name);
    EXPECT_STR("delayed 360 seconds by postern-" POSTERN_VERSION " at mx.desk.example; Thu, 01 Jan 2026 00:06:00 +0000",
               p.d->run.headers[0].value);
    close_pair(p);
}

/* Either envelope or content is known: two mails, the second one after the delay. */
static void what_is_the_same_mail(void **state)
{
    static const struct {
        const char *first[4], *second[4];
        bool is_same;
    } cases[] = {
        { { "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE },
          { "203.0.113.7", "joe@a.com", "ann@b.example", OTHER },
          true },
        { { "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE },
          { "198.51.100.7", "joe@a.com", "ann@b.example", MESSAGE },
          true },
        { { "203.0.113.7", "list-1@a.com", "ann@b.example", MESSAGE },
          { "198.51.100.7", "other@c.com", "ann@b.example", MESSAGE },
          true },
        { { "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE },
          { "198.51.100.7", "joe@a.com", "ann@b.example", OTHER },
          false },
        { { "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE },
          { "198.51.100.7", "joe@a.com", "bob@b.example", MESSAGE },
          false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p = open_pair("", 450);
        const char *const *m = cases[i].first;

        mail(p, m[0], m[1], m[2], m[3]);
        EXPECT_TRUE(has_to_wait(p));
        desk_next_transaction(p.d, MINUTES(6));
        m = cases[i].second;
        mail(p, m[0], m[1], m[2], m[3]);
        if (has_to_wait(p) == cases[i].is_same)
            fail_msg("case %zu", i);
        close_pair(p);
    }
}

/* Only the first 10 KiB of a body count. */
static void content_is_its_beginning(void **state)
{
    struct pair p = open_pair("", 450);
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    for (int i = 0; i < 2; i++) {
        strbuf_clear(&b);
        strbuf_puts(&b, "Subject: long\n\n");
        for (int line = 0; line < 1000; line++)
            strbuf_puts(&b, "line after line after line\n");
        strbuf_putf(&b, "end %d\n", i);
        mail(p, i ? "203.0.113.7" : "198.51.100.1", "joe@a.com", "ann@b.example", b.data);
        EXPECT_INT(!i, has_to_wait(p));
        desk_next_transaction(p.d, MINUTES(6));
    }
    strbuf_release(&b);
    close_pair(p);
}

static void only_from_the_threshold_on(void **state)
{
    static const struct {
        int points;
        enum greylisting rcpt;
        int forced; /* by a sister; -1: nothing */
        bool waits;
    } cases[] = {
        { 399, GREYLISTING_OPEN, -1, false },
        { 400, GREYLISTING_OPEN, -1, true },
        { 900, GREYLISTING_OPEN, -1, true }, /* tagged mail, too */
        { 1499, GREYLISTING_OPEN, -1, true },
        { 1500, GREYLISTING_OPEN, -1, false },
        { 900, GREYLISTING_DECIDED, -1, false }, /* it has waited already, or its sender is known */
        { 900, GREYLISTING_OPEN, ACTION_ACCEPT, false },
        { 900, GREYLISTING_OPEN, ACTION_TAG, true },
        { 900, GREYLISTING_OPEN, ACTION_DEFER, false },
        { 900, GREYLISTING_OPEN, ACTION_QUARANTINE, false },
        { 900, GREYLISTING_OPEN, ACTION_REJECT, false },
        { 900, GREYLISTING_OPEN, ACTION_DISCARD, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p = open_pair("when = never", cases[i].points);

        p.d->evidence.greylist = (struct greylist_evidence){ cases[i].rcpt, p.other->settings.conf };
        if (cases[i].forced >= 0)
            desk_sister_forces(p.d, (enum action)cases[i].forced);
        mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
        if (has_to_wait(p) != cases[i].waits)
            fail_msg("case %zu", i);
        EXPECT_INT(cases[i].waits, p.d->operations > 0);
        close_pair(p);
    }
}

/* Greylist is off, failed, or the mail is its door's or our users': it left no evidence. */
static void nothing_without_evidence(void **state)
{
    struct desk *d = desk_open(&greylist_message_module, NULL);

    (void)state;
    desk_sister(d, 900);
    desk_client(d, "203.0.113.7");
    desk_from(d, "joe@a.com");
    desk_rcpt(d, "ann@b.example");
    desk_message(d, MESSAGE);
    desk_settle(d);
    EXPECT_FALSE(d->run.is_forced);
    EXPECT_INT(0, d->operations);
    desk_close(d);
}

static void exemptions_hold_here_too(void **state)
{
    static const struct {
        const char *conf, *ip, *to;
        bool waits;
    } cases[] = {
        { "", "203.0.113.7", "ann@b.example", true },
        { "", "192.168.7.7", "ann@b.example", false },
        { "", "203.0.113.7", "postmaster@b.example", false },
        { "clients = {\"203.0.113\"}", "203.0.113.7", "ann@b.example", false },
        { "symbols = {\"SISTER\"}", "203.0.113.7", "ann@b.example", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p = open_pair(cases[i].conf, 450);

        mail(p, cases[i].ip, "joe@a.com", cases[i].to, MESSAGE);
        if (has_to_wait(p) != cases[i].waits)
            fail_msg("case %zu", i);
        EXPECT_INT(!cases[i].waits, desk_finding(p.d, "GREYLIST_MESSAGE_EXEMPT") != NULL);
        close_pair(p);
    }
}

static void domains_that_dkim_or_dmarc_vouch_for(void **state)
{
    static const struct {
        enum auth_result spf, dmarc, dkim;
        bool is_weak;
        const char *key;
    } cases[] = {
        { AUTH_PASS, AUTH_PASS, AUTH_PASS, false, "g:{spf.com}/joe@a.com/ann@b.example (SPF passes)" },
        { AUTH_FAIL, AUTH_PASS, AUTH_PASS, false, "g:{dmarc.com}/joe@a.com/ann@b.example (DMARC passes)" },
        { AUTH_FAIL, AUTH_FAIL, AUTH_PASS, false, "g:{dkim.com}/joe@a.com/ann@b.example (DKIM passes)" },
        { AUTH_FAIL, AUTH_FAIL, AUTH_PASS, true, "g:{203.0.113.0/24}/joe@a.com/ann@b.example (its network)" },
        { AUTH_FAIL, AUTH_FAIL, AUTH_FAIL, false, "g:{203.0.113.0/24}/joe@a.com/ann@b.example (its network)" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair p = open_pair("", 450);
        struct dkim_evidence signature = { .result = cases[i].dkim,
                                           .domain = "mail.dkim.com",
                                           .is_weak = cases[i].is_weak };

        p.d->evidence.spf_mailfrom = (struct spf_evidence){ .result = cases[i].spf, .domain = "x.spf.com" };
        p.d->evidence.dmarc = (struct dmarc_evidence){ .result = cases[i].dmarc, .organizational_domain = "dmarc.com" };
        p.d->evidence.dkim = &signature;
        p.d->evidence.dkim_count = 1;
        mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
        const char *reason = desk_finding(p.d, "GREYLIST_MESSAGE")->reason;

        if (strncmp(reason, cases[i].key, strlen(cases[i].key)) != 0)
            fail_msg("case %zu: %s", i, reason);
        close_pair(p);
    }
}

/* Ann knows the sender, Bob does not: the message has one answer, and it has come again before. */
static void one_recipient_is_enough(void **state)
{
    struct pair p = open_pair("", 450);

    (void)state;
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
    EXPECT_TRUE(has_to_wait(p));
    desk_next_transaction(p.d, HOURS(1));
    desk_rcpt(p.d, "bob@b.example");
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", OTHER);
    EXPECT_FALSE(has_to_wait(p));
    close_pair(p);
}

/* Somebody exempt among the recipients does not let the others' mail pass. */
static void one_who_is_exempt_is_not(void **state)
{
    struct pair p = open_pair("", 450);

    (void)state;
    desk_rcpt(p.d, "postmaster@b.example");
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
    EXPECT_TRUE(has_to_wait(p));
    close_pair(p);
}

static void many_recipients_cost_little(void **state)
{
    struct pair p = open_pair("partners = 0", 450);

    (void)state;
    arrive(p, "203.0.113.7", "joe@a.com", MESSAGE);
    for (int i = 0; i < 1000; i++) {
        char to[48];

        snprintf(to, sizeof to, "user%d@b.example", i);
        desk_rcpt(p.d, to);
    }
    desk_settle(p.d);
    EXPECT_TRUE(has_to_wait(p));
    EXPECT_INT(200, p.d->operations);
    EXPECT_INT(1, p.d->rounds);
    close_pair(p);
}

static void an_outage_lets_mail_through(void **state)
{
    struct pair p = open_pair("", 450);

    (void)state;
    p.d->store_outcome = STORE_FAILED;
    mail(p, "203.0.113.7", "joe@a.com", "ann@b.example", MESSAGE);
    EXPECT_FALSE(p.d->run.is_forced);
    EXPECT_TRUE(p.d->run.failure);
    EXPECT_INT(1, p.d->run.raised_count);
    close_pair(p);
}

RUN_TESTS(TEST(who_comes_again_passes), TEST(what_is_the_same_mail), TEST(content_is_its_beginning),
          TEST(only_from_the_threshold_on), TEST(nothing_without_evidence), TEST(exemptions_hold_here_too),
          TEST(domains_that_dkim_or_dmarc_vouch_for), TEST(one_recipient_is_enough), TEST(one_who_is_exempt_is_not),
          TEST(many_recipients_cost_little), TEST(an_outage_lets_mail_through))
