/* tests/check/test_rates.c - limits by rate at RCPT: what is counted, what is over, and what goes back. */
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "policy/rates.h"

/* ---- what the tests say ---- */

static struct desk *open_limit(const char *limit)
{
    char conf[512];

    snprintf(conf, sizeof conf, "limit \"x\" { %s }", limit);
    struct desk *d = desk_open(&rates_module, conf);

    desk_client(d, "192.0.2.7");
    desk_helo(d, "Helo.Example");
    desk_from(d, "Joe@mail.From.example");
    d->session.auth_user = SPAN("joe");
    memcpy(d->session.id, "01TEST", 7);
    return d;
}

/* One recipient is tried; a refused one is dropped, as doors do. True: it was taken. */
static bool tries(struct desk *d, const char *recipient)
{
    desk_rcpt(d, recipient);
    desk_settle(d);
    if (!d->run.is_forced)
        return true;
    d->session.recipient_count--;
    return false;
}

/* A transaction to one recipient, `after_ms` after the last one. True: it was delivered. */
static bool sends(struct desk *d, int64_t after_ms)
{
    desk_next_transaction(d, after_ms);
    bool is_taken = tries(d, "ann@to.example");

    desk_settled(d, is_taken ? ACTION_ACCEPT : ACTION_DEFER, is_taken);
    return is_taken;
}

static unsigned count_sent(struct desk *d, unsigned tries_most)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tries_most; i++)
        n += sends(d, 0);
    return n;
}

/* ---- keys ---- */

static void an_envelope_has_its_bucket(void **state)
{
    static const struct {
        const char *key, *want; /* NULL: this mail is not counted */
    } cases[] = {
        { "client", "r:x/1h:192.0.2.7" },
        { "client/24", "r:x/1h:192.0.2.0/24" },
        { "client/24/64", "r:x/1h:192.0.2.0/24" },
        { "client/32/64", "r:x/1h:192.0.2.7" },
        { "helo", "r:x/1h:helo.example" },
        { "user", "r:x/1h:joe" },
        { "sender", "r:x/1h:joe@mail.from.example" },
        { "sender_domain", "r:x/1h:mail.from.example" },
        { "sender_organization", "r:x/1h:from.example" },
        { "recipient", "r:x/1h:ann%20b@to.example" },
        { "recipient_domain", "r:x/1h:to.example" },
        { "recipient_organization", "r:x/1h:to.example" },
        { "'all'", "r:x/1h:all" },
        { "'a' + user + client/16", "r:x/1h:a joe 192.0.0.0/16" },
        { "user+sender_domain", "r:x/1h:joe mail.from.example" },
        { "  User   HELO  ", "r:x/1h:joe helo.example" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char limit[128];

        snprintf(limit, sizeof limit, "key = \"%s\" rate = 10/h", cases[i].key);
        struct desk *d = open_limit(limit);

        EXPECT_TRUE(tries(d, "Ann B@TO.example"));
        EXPECT_INT(1, d->operations);
        EXPECT_SPAN(cases[i].want, d->book.first->op->key);
        desk_close(d);
    }
}

static void mail_that_lacks_a_part_is_not_counted(void **state)
{
    static const char *const keys[] = {
        "user", "user + client", "sender", "sender_domain", "sender_organization + 'x'", "helo", "client",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        char limit[128];

        snprintf(limit, sizeof limit, "key = \"%s\" rate = 10/h", keys[i]);
        struct desk *d = open_limit(limit);

        d->session.auth_user = d->session.helo = (struct span){ "", 0 };
        d->session.client.family = ADDR_NONE;
        desk_from(d, "");
        EXPECT_TRUE(tries(d, "ann@to.example"));
        EXPECT_INT(0, d->operations);
        desk_close(d);
    }
}

static void no_two_envelopes_meet_in_a_bucket_by_their_bytes(void **state)
{
    static const struct {
        const char *helo, *from;
    } cases[] = { { "a b", "c@d" }, { "a", "b c@d" }, { "a%20b", "c@d" }, { "a\tb", "c@d" }, { "a\xc3\xa9", "c@d" } };
    struct span seen[COUNT(cases)];
    struct desk *d = open_limit("key = \"helo + sender\" rate = 10/h");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        desk_next_transaction(d, 0);
        desk_helo(d, cases[i].helo);
        desk_from(d, cases[i].from);
        EXPECT_TRUE(tries(d, "ann@to.example"));
        seen[i] = arena_copy(&d->arena, d->book.first->op->key);
        for (size_t j = 0; j < i; j++)
            EXPECT_FALSE(span_eq(seen[i], seen[j]));
        for (size_t j = 0; j < seen[i].len; j++)
            EXPECT_TRUE(seen[i].ptr[j] >= ' ' && seen[i].ptr[j] < 0x7f);
    }
    desk_close(d);
}

static void a_long_key_still_fits_the_store(void **state)
{
    struct desk *d = open_limit("key = \"sender + recipient + helo\" rate = 1/h");
    char local[310];

    (void)state;
    memset(local, 1, sizeof local);
    memcpy(local + sizeof local - 12, "@to.example", 12);
    for (int i = 0; i < 2; i++) {
        desk_next_transaction(d, 0);
        desk_from(d, local);
        EXPECT_INT(i == 0, tries(d, local));
        EXPECT_INT(STORE_KEY_MAX, d->book.first->op->key.len);
        desk_settled(d, ACTION_ACCEPT, i == 0);
    }
    local[0] = 2; /* another one */
    desk_next_transaction(d, 0);
    EXPECT_TRUE(tries(d, local));
    desk_close(d);
}

/* ---- room ---- */

static void a_burst_passes_and_then_the_rate(void **state)
{
    struct desk *d = open_limit("key = user rate = \"60 / 1h\" burst = 5");

    (void)state;
    EXPECT_INT(5, count_sent(d, 20));
    EXPECT_FALSE(sends(d, 59000));
    EXPECT_TRUE(sends(d, 1000));
    EXPECT_FALSE(sends(d, 0));
    EXPECT_INT(3, sends(d, 180000) + count_sent(d, 20));
    desk_next_transaction(d, 48 * 3600000);
    EXPECT_INT(5, count_sent(d, 20));
    d->session.auth_user = SPAN("other");
    EXPECT_INT(5, count_sent(d, 20));
    desk_close(d);
}

static void what_is_told_is_when_there_is_room(void **state)
{
    struct desk *d = open_limit("key = user rate = \"60 / 1h\" burst = 2");

    (void)state;
    EXPECT_INT(2, count_sent(d, 2));
    EXPECT_FALSE(sends(d, 25000));
    EXPECT_INT(ACTION_DEFER, d->run.forced);
    EXPECT_STR("Too much mail (limit x), try again in 36 seconds", d->run.forced_text); /* a bit more than 35 */
    EXPECT_STR("x: joe is at 1.6 of 2 (60 / 1h)", desk_finding(d, "RATE_LIMITED")->reason);
    EXPECT_INT(0, desk_points(d));
    EXPECT_TRUE(sends(d, 35001));
    desk_close(d);
}

static void all_windows_must_have_room(void **state)
{
    struct desk *d = open_limit("key = user rate = {\"2 / 1m\", \"3 / 1d\"}");

    (void)state;
    EXPECT_INT(2, count_sent(d, 9)); /* the day's were given back: */
    EXPECT_TRUE(sends(d, 60000));
    EXPECT_FALSE(sends(d, 0));
    EXPECT_FALSE(sends(d, 60000));
    EXPECT_INT(2, count_sent(d, 0) + sends(d, 86400000) + sends(d, 0));
    desk_close(d);
}

static void recipients_pass_until_it_is_full(void **state)
{
    struct desk *d = open_limit("key = user rate = 3/h cost = recipient");

    (void)state;
    EXPECT_TRUE(tries(d, "a@to.example"));
    EXPECT_TRUE(tries(d, "b@to.example"));
    EXPECT_TRUE(tries(d, "B@to.example")); /* the same again costs nothing */
    EXPECT_TRUE(tries(d, "c@to.example"));
    EXPECT_FALSE(tries(d, "d@to.example"));
    EXPECT_TRUE(tries(d, "postmaster@to.example"));
    EXPECT_FALSE(tries(d, "e@to.example"));
    EXPECT_INT(5, d->operations); /* a to e, once each, however often the check was run */
    desk_settled(d, ACTION_ACCEPT, true);
    EXPECT_INT(5, d->operations);
    EXPECT_INT(0, count_sent(d, 1));
    desk_close(d);
}

static void each_recipient_has_its_own_bucket_when_the_key_says_so(void **state)
{
    struct desk *d = open_limit("key = recipient rate = 1/h");

    (void)state;
    EXPECT_TRUE(tries(d, "a@to.example"));
    EXPECT_TRUE(tries(d, "b@to.example"));
    desk_settled(d, ACTION_ACCEPT, true);
    desk_next_transaction(d, 0);
    EXPECT_FALSE(tries(d, "a@to.example"));
    EXPECT_TRUE(tries(d, "c@to.example"));
    desk_close(d);
}

/* What earlier runs have learnt spares work, and changes nothing of what is found. */
static void what_is_over_stays_found_when_more_recipients_come(void **state)
{
    struct desk *d = open_limit("key = user rate = 2/h cost = recipient action = tag");
    char name[32];

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "r%d@to.example", i);
        EXPECT_TRUE(tries(d, name));
        EXPECT_INT(i < 2 ? 0 : 300, desk_points(d));
        if (i % 3 == 2)
            d->session.recipient_count--; /* the next hop does not know it; another one takes its place */
    }
    EXPECT_TRUE(tries(d, "postmaster@to.example"));
    EXPECT_STR("x: joe is at 2 of 2 (2 / 1h)", desk_finding(d, "RATE_EXCEEDED")->reason);
    EXPECT_INT(300, d->operations);
    d->session.recipient_count = 2;
    desk_settle(d);
    EXPECT_INT(0, desk_points(d));
    desk_close(d);
}

/* ---- what goes back ---- */

static void what_was_not_taken_in_goes_back(void **state)
{
    static const struct {
        const char *counts;
        enum action action;
        bool has_message, is_delivered;
        unsigned left; /* of two */
    } cases[] = {
        { "delivered", ACTION_ACCEPT, true, true, 1 },   { "delivered", ACTION_ACCEPT, true, false, 2 },
        { "delivered", ACTION_REJECT, true, false, 2 },  { "delivered", ACTION_TAG, true, true, 1 },
        { "judged", ACTION_ACCEPT, true, true, 1 },      { "judged", ACTION_ACCEPT, true, false, 2 },
        { "judged", ACTION_REJECT, true, false, 1 },     { "judged", ACTION_DISCARD, true, true, 1 },
        { "judged", ACTION_QUARANTINE, true, false, 1 }, { "judged", ACTION_DEFER, true, false, 2 },
        { "judged", ACTION_GREYLIST, true, false, 2 },   { "judged", ACTION_REJECT, false, false, 2 },
        { "attempts", ACTION_ACCEPT, true, true, 1 },    { "attempts", ACTION_ACCEPT, false, false, 1 },
        { "attempts", ACTION_DEFER, true, false, 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char limit[128];

        snprintf(limit, sizeof limit, "key = user rate = 2/h counts = %s", cases[i].counts);
        struct desk *d = open_limit(limit);

        EXPECT_TRUE(tries(d, "a@to.example"));
        if (cases[i].has_message)
            desk_message(d, "Subject: x\n\nx\n");
        desk_settled(d, cases[i].action, cases[i].is_delivered);
        EXPECT_INT(cases[i].left, count_sent(d, 3));
        desk_close(d);
    }
}

static void recipients_that_were_dropped_go_back(void **state)
{
    struct desk *d = open_limit("key = user rate = 4/h cost = recipient");

    (void)state;
    EXPECT_TRUE(tries(d, "unknown1@to.example"));
    d->session.recipient_count--; /* the next hop does not know it */
    EXPECT_TRUE(tries(d, "ann@to.example"));
    EXPECT_TRUE(tries(d, "unknown2@to.example"));
    d->session.recipient_count--;
    desk_settled(d, ACTION_ACCEPT, true);
    EXPECT_INT(3, count_sent(d, 9));
    desk_close(d);

    d = open_limit("key = user rate = 4/h cost = recipient counts = attempts");
    EXPECT_TRUE(tries(d, "unknown1@to.example"));
    d->session.recipient_count--;
    EXPECT_TRUE(tries(d, "ann@to.example"));
    desk_settled(d, ACTION_ACCEPT, true);
    EXPECT_INT(2, count_sent(d, 9));
    desk_close(d);
}

static void what_was_never_answered_is_not_given_back(void **state)
{
    struct desk *d = open_limit("key = user rate = 2/h");

    (void)state;
    EXPECT_INT(2, count_sent(d, 2));
    for (int i = 0; i < 5; i++) { /* clients that go away before the answer */
        desk_next_transaction(d, 0);
        desk_rcpt(d, "ann@to.example");
        EXPECT_INT(STEP_WAIT, desk_run(d));
        desk_settled(d, ACTION_ACCEPT, false);
    }
    EXPECT_INT(2, d->operations);
    EXPECT_INT(0, count_sent(d, 1));
    desk_close(d);
}

static void what_has_leaked_is_not_given_back(void **state)
{
    struct desk *d = open_limit("key = user rate = \"10 / 10s\" cost = recipient");

    (void)state;
    for (int i = 0; i < 10; i++) {
        char to[32];

        snprintf(to, sizeof to, "r%d@to.example", i);
        EXPECT_TRUE(tries(d, to));
    }
    d->now_ms += 4000;
    desk_settled(d, ACTION_ACCEPT, false); /* six are left, which go back */
    EXPECT_INT(10, count_sent(d, 20));
    desk_close(d);
}

static void settling_a_delivered_message_asks_nothing_of_the_store(void **state)
{
    struct desk *d =
        desk_open(&rates_module, "limit a { key = user rate = {9/h, 99/d} } limit b { key = client rate = 9/h }");

    (void)state;
    desk_client(d, "192.0.2.7");
    d->session.auth_user = SPAN("joe");
    EXPECT_TRUE(tries(d, "a@to.example"));
    EXPECT_TRUE(tries(d, "b@to.example"));
    desk_settled(d, ACTION_ACCEPT, true);
    EXPECT_INT(3, d->operations);
    desk_close(d);
}

RUN_TESTS(TEST(an_envelope_has_its_bucket), TEST(mail_that_lacks_a_part_is_not_counted),
          TEST(no_two_envelopes_meet_in_a_bucket_by_their_bytes), TEST(a_long_key_still_fits_the_store),
          TEST(a_burst_passes_and_then_the_rate), TEST(what_is_told_is_when_there_is_room),
          TEST(all_windows_must_have_room), TEST(recipients_pass_until_it_is_full),
          TEST(each_recipient_has_its_own_bucket_when_the_key_says_so),
          TEST(what_is_over_stays_found_when_more_recipients_come), TEST(what_was_not_taken_in_goes_back),
          TEST(recipients_that_were_dropped_go_back), TEST(what_was_never_answered_is_not_given_back),
          TEST(what_has_leaked_is_not_given_back), TEST(settling_a_delivered_message_asks_nothing_of_the_store))
