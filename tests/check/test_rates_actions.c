/* tests/check/test_rates_actions.c - limits by rate: who is exempt, what becomes of what is over, sizes, verdicts that
 * change a bucket, and a store that is out. */
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "policy/rates.h"

static struct desk *open_with(const struct check_module *module, const char *limits)
{
    struct desk *d = desk_open(module, limits);

    desk_client(d, "192.0.2.7");
    desk_helo(d, "helo.example");
    desk_from(d, "joe@from.example");
    d->session.auth_user = SPAN("joe@from.example");
    return d;
}

static struct desk *open_limits(const char *limits)
{
    return open_with(&rates_module, limits);
}

static bool tries(struct desk *d, const char *recipient)
{
    desk_rcpt(d, recipient);
    desk_settle(d);
    if (!d->run.is_forced)
        return true;
    d->session.recipient_count--;
    return false;
}

static bool sends(struct desk *d, int64_t after_ms)
{
    desk_next_transaction(d, after_ms);
    bool is_taken = tries(d, "ann@to.example");

    desk_settled(d, is_taken ? ACTION_ACCEPT : ACTION_DEFER, is_taken);
    return is_taken;
}

/* ---- for whom ---- */

static void a_limit_is_for_whom_it_says(void **state)
{
    static const struct {
        const char *keys;
        bool is_counted;
    } cases[] = {
        { "", true },
        { "direction = both", true },
        { "direction = authenticated", true },
        { "direction = inbound", false },
        { "exempt_clients = {192.0.2.0/24}", false },
        { "exempt_clients = {192.0.3.0/24, \"2001:db8::/32\"}", true },
        { "clients = {192.0.2.7}", true },
        { "clients = {192.0.2.8}", false },
        { "exempt_users = {JOE@from.example}", false },
        { "exempt_users = {\"@from.example\"}", false },
        { "exempt_users = {joe}", true },
        { "users = {joe@from.example}", true },
        { "users = {joe}", false },
        { "exempt_senders = {from.example}", false },
        { "exempt_senders = {joe@}", false },
        { "exempt_senders = {ann@}", true },
        { "senders = {joe@from.example}", true },
        { "senders = {\"<>\"}", false },
        { "exempt_recipients = {to.example}", false },
        { "exempt_recipients = {ann@to.example}", false },
        { "exempt_recipients = {}", true },
        { "recipients = {ann@}", true },
        { "recipients = {bob@}", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[256];

        snprintf(conf, sizeof conf, "limit \"x\" { key = \"'all'\" rate = 1/h %s }", cases[i].keys);
        struct desk *d = open_limits(conf);

        EXPECT_TRUE(sends(d, 0));
        if (sends(d, 0) == cases[i].is_counted)
            fail_msg("%s", cases[i].keys);
        desk_close(d);
    }
}

static void strangers_and_the_null_sender(void **state)
{
    struct desk *d = open_limits("limit \"in\" { key = client rate = 1/h direction = inbound }"
                                 "limit \"bounces\" { key = recipient rate = 2/h senders = {\"<>\"} }");

    (void)state;
    EXPECT_TRUE(sends(d, 0) && sends(d, 0) && sends(d, 0));
    d->session.auth_user = (struct span){ "", 0 };
    EXPECT_TRUE(sends(d, 0));
    EXPECT_FALSE(sends(d, 0));
    d->session.is_relay_client = true; /* one of ours */
    EXPECT_TRUE(sends(d, 0));
    desk_from(d, "");
    EXPECT_TRUE(sends(d, 0) && sends(d, 0));
    EXPECT_FALSE(sends(d, 0));
    desk_close(d);
}

static void postmaster_can_always_be_told(void **state)
{
    struct desk *d = open_limits("limit \"x\" { key = client rate = 1/h }");

    (void)state;
    EXPECT_TRUE(sends(d, 0));
    desk_next_transaction(d, 0);
    EXPECT_FALSE(tries(d, "ann@to.example"));
    EXPECT_TRUE(tries(d, "Postmaster@to.example"));
    EXPECT_TRUE(tries(d, "postmaster"));
    desk_close(d);
}

static void who_is_on_an_allow_list_is_not_counted(void **state)
{
    struct desk *d = open_limits("limit \"x\" { key = client rate = 1/h action = tarpit }");

    (void)state;
    desk_sister_forces(d, ACTION_ACCEPT);
    EXPECT_TRUE(sends(d, 0) && sends(d, 0));
    EXPECT_INT(0, d->operations);
    EXPECT_INT(0, d->run.tarpit_ms);
    desk_close(d);
}

/* ---- what becomes of it ---- */

static void what_is_over_is_treated_as_configured(void **state)
{
    static const struct {
        const char *keys, *symbol;
        int forced; /* -1: nothing */
        int points, tarpit_ms;
        const char *text;
    } cases[] = {
        { "", "RATE_LIMITED", ACTION_DEFER, 0, 0, "Too much mail (limit x), try again in " },
        { "text = \"Slow down\"", "RATE_LIMITED", ACTION_DEFER, 0, 0, "Slow down, try again in " },
        { "action = reject", "RATE_LIMITED", ACTION_REJECT, 0, 0, "Too much mail (limit x)" },
        { "action = reject text = \"No more\" score = 2", "RATE_LIMITED", ACTION_REJECT, 200, 0, "No more" },
        { "action = tag", "RATE_EXCEEDED", -1, 300, 0, NULL },
        { "action = tag score = 7.5", "RATE_EXCEEDED", -1, 750, 0, NULL },
        { "action = tag score = 1 symbol = MUCH", "MUCH", -1, 100, 0, NULL },
        { "action = tarpit", "RATE_LIMITED", -1, 0, 10000, NULL },
        { "action = tarpit tarpit = 3s symbol = SLOW", "SLOW", -1, 0, 3000, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[256];

        snprintf(conf, sizeof conf, "limit \"x\" { key = client rate = 1/h %s }", cases[i].keys);
        struct desk *d = open_limits(conf);

        EXPECT_TRUE(sends(d, 0));
        EXPECT_NULL(desk_finding(d, cases[i].symbol));
        sends(d, 0);
        EXPECT_TRUE(desk_finding(d, cases[i].symbol) != NULL);
        EXPECT_INT(cases[i].points, desk_points(d));
        EXPECT_INT(cases[i].forced, d->run.is_forced ? (int)d->run.forced : -1);
        EXPECT_INT(cases[i].tarpit_ms, d->run.tarpit_ms);
        if (cases[i].text && strncmp(cases[i].text, d->run.forced_text, strlen(cases[i].text)) != 0)
            fail_msg("%s: %s", cases[i].keys, d->run.forced_text);
        desk_close(d);
    }
}

static void the_hardest_of_several_limits_wins(void **state)
{
    struct desk *d = open_limits("limit a { key = client rate = 1/h action = tag }"
                                 "limit b { key = client rate = 2/h action = defer }"
                                 "limit c { key = client rate = 3/h action = reject }");

    (void)state;
    EXPECT_TRUE(sends(d, 0));
    EXPECT_TRUE(sends(d, 0)); /* tagged */
    EXPECT_INT(300, desk_points(d));
    EXPECT_FALSE(sends(d, 0));
    EXPECT_INT(ACTION_DEFER, d->run.forced); /* and c has got back what it took: */
    EXPECT_FALSE(sends(d, 0));
    EXPECT_INT(ACTION_DEFER, d->run.forced);
    desk_close(d);
}

static void what_never_has_room_is_refused_for_good(void **state)
{
    struct desk *d = open_limits("limit x { key = client rate = 1MiB/h cost = byte }");

    (void)state;
    d->session.declared_bytes = 1 << 21;
    EXPECT_FALSE(sends(d, 0));
    EXPECT_INT(ACTION_REJECT, d->run.forced);
    EXPECT_STR("This is more than may be sent at once (limit x)", d->run.forced_text);
    d->session.declared_bytes = 1 << 20;
    EXPECT_TRUE(sends(d, 0));
    EXPECT_FALSE(sends(d, 0));
    EXPECT_INT(ACTION_DEFER, d->run.forced);
    desk_close(d);
}

/* It was too much for the bucket as it is configured, but not for what it has become. */
static void what_has_room_in_a_bucket_that_grew_is_put_off(void **state)
{
    static const struct {
        size_t bytes;
        bool is_taken;
        enum action action;
    } cases[] = { { 1500, true, ACTION_ACCEPT }, { 1500, false, ACTION_DEFER }, { 5000, false, ACTION_REJECT } };
    struct desk *d =
        open_limits("limit x { key = client rate = 1000/h cost = byte ham_factor = 2.00 factor_most = 2.00 }");

    (void)state;
    desk_message(d, "Subject: x\n\n");
    EXPECT_TRUE(sends(d, 0));
    for (size_t i = 0; i < COUNT(cases); i++) {
        desk_next_transaction(d, 0);
        d->session.declared_bytes = cases[i].bytes;
        EXPECT_INT(cases[i].is_taken, tries(d, "ann@to.example"));
        if (!cases[i].is_taken)
            EXPECT_INT(cases[i].action, d->run.forced);
    }
    desk_close(d);
}

static void recipients_without_names_are_counted(void **state)
{
    struct desk *d = open_limits("limit x { key = client rate = 5/h cost = recipient }"
                                 "limit y { key = recipient rate = 1/h }"
                                 "limit z { key = client rate = 1/h recipients = {ann@} }");

    (void)state;
    for (int i = 0; i < 2; i++) {
        desk_next_transaction(d, 0);
        d->session.unnamed_recipients = 3;
        desk_settle(d);
        EXPECT_INT(i, d->run.is_forced);
        EXPECT_INT(1, d->book.count);
        desk_settled(d, i ? ACTION_DEFER : ACTION_ACCEPT, !i);
    }
    desk_close(d);
}

/* ---- sizes ---- */

static double level_of(struct desk *d, const char *key)
{
    const struct store_op op = { .kind = STORE_GET, .key = span_of(key), .now_ms = d->now_ms };
    struct store_rate_state seen = { 0 };
    struct store_answer answer;

    desk_do(d, &op, &answer);

    EXPECT_TRUE(store_rate_look(answer.value, 0, d->now_ms, &seen));
    return seen.level;
}

static void an_announced_size_is_corrected_by_the_real_one(void **state)
{
    static const struct {
        size_t announced;
        bool is_delivered;
        int level;
    } cases[] = { { 1000, true, 14 }, { 0, true, 14 }, { 5, true, 14 }, { 14, true, 14 }, { 1000, false, 0 } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = open_limits("limit x { key = client rate = 1000/d cost = byte }");

        d->session.declared_bytes = cases[i].announced;
        EXPECT_TRUE(tries(d, "ann@to.example"));
        desk_message(d, "Subject: x\n\n"); /* 14 bytes */
        desk_settled(d, ACTION_ACCEPT, cases[i].is_delivered);
        EXPECT_INT(cases[i].level, (int)level_of(d, "r:x/1d:192.0.2.7"));
        desk_close(d);
    }
}

static void sizes_are_exact_when_the_message_is_here(void **state)
{
    struct desk *d = open_with(&rates_message_module,
                               "limit x { key = client rate = 29/d cost = byte }"
                               "limit y { key = client rate = 9/h cost = recipient exempt_recipients = {c@} }");

    (void)state;
    for (int i = 0; i < 3; i++) {
        desk_next_transaction(d, 0);
        desk_message(d, "Subject: x\n\n");
        desk_rcpt(d, "a@to.example");
        desk_rcpt(d, "b@to.example");
        desk_rcpt(d, "c@to.example");
        desk_settle(d);
        EXPECT_INT(i < 2, !d->run.is_forced);
        EXPECT_INT(2, d->book.count); /* one operation each, for all recipients */
        desk_settled(d, i < 2 ? ACTION_ACCEPT : ACTION_DEFER, i < 2);
    }
    EXPECT_INT(28, (int)level_of(d, "r:x/1d/message:192.0.2.7"));
    EXPECT_INT(4, (int)level_of(d, "r:y/1h/message:192.0.2.7"));
    desk_close(d);
}

/* ---- verdicts ---- */

static double factor_after(const char *conf, enum action action, bool is_delivered, int times)
{
    struct desk *d = open_limits(conf);
    struct store_op op = { .kind = STORE_GET, .key = SPAN("r:x/1h:192.0.2.7") };
    struct store_rate_state seen = { 0 };
    struct store_answer answer;

    desk_message(d, "Subject: x\n\n");
    for (int i = 0; i < times; i++) {
        desk_next_transaction(d, 3600000);
        EXPECT_TRUE(tries(d, "ann@to.example"));
        desk_settled(d, action, is_delivered);
    }
    op.now_ms = d->now_ms;
    desk_do(d, &op, &answer);
    EXPECT_TRUE(store_rate_look(answer.value, 0, d->now_ms, &seen));
    desk_close(d);
    return seen.factor;
}

static void verdicts_make_a_bucket_larger_or_smaller(void **state)
{
    static const struct {
        enum action action;
        bool is_delivered;
        int times;
        double least, most;
    } cases[] = {
        { ACTION_ACCEPT, true, 1, 1.0199, 1.0201 },
        { ACTION_ACCEPT, true, 2, 1.0403, 1.0405 },
        { ACTION_ACCEPT, true, 90, 2, 2 },
        { ACTION_ACCEPT, false, 1, 1, 1 },
        { ACTION_TAG, true, 1, 0.9799, 0.9801 },
        { ACTION_REJECT, false, 1, 0.9799, 0.9801 },
        { ACTION_REJECT, false, 80, 0.4999, 0.5001 },
        { ACTION_DEFER, false, 3, 1, 1 },
        { ACTION_GREYLIST, false, 3, 1, 1 },
    };
    const char *conf = "limit x { key = client rate = 100/h ham_factor = 1.02 spam_factor = 0.98 factor_least = 0.5 "
                       "factor_most = 2 }";

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        double factor = factor_after(conf, cases[i].action, cases[i].is_delivered, cases[i].times);

        if (factor < cases[i].least || factor > cases[i].most)
            fail_msg("%s %d times: %f", action_text(cases[i].action), cases[i].times, factor);
    }
    EXPECT_TRUE(factor_after("limit x { key = client rate = 100/h }", ACTION_REJECT, false, 3) == 1);
}

/* ---- a store that is out ---- */

static void limits_hold_while_the_store_is_out(void **state)
{
    static const enum store_state outcomes[] = { STORE_TIMEOUT, STORE_FAILED };

    (void)state;
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        struct desk *d = open_limits("limit x { key = client rate = 3/h cost = recipient }");

        d->store_outcome = outcomes[i];
        EXPECT_TRUE(tries(d, "a@to.example"));
        EXPECT_INT(1, d->run.raised_count);
        EXPECT_STR("rates", d->run.raised[0].key);
        EXPECT_NULL(d->run.failure);
        EXPECT_TRUE(tries(d, "b@to.example"));
        EXPECT_TRUE(tries(d, "c@to.example"));
        EXPECT_FALSE(tries(d, "d@to.example"));
        d->session.recipient_count = 1;
        desk_settled(d, ACTION_ACCEPT, true); /* b and c go back, to where they were taken from */
        EXPECT_TRUE(sends(d, 0) && sends(d, 0));
        EXPECT_FALSE(sends(d, 0));
        d->store_outcome = STORE_OK; /* which has counted nothing so far */
        EXPECT_TRUE(sends(d, 0));
        EXPECT_INT(0, d->run.raised_count);
        desk_close(d);
    }
}

static void who_tries_too_many_recipients_is_put_off(void **state)
{
    struct desk *d = open_limits("limit x { key = client rate = 100000/h cost = recipient }");

    (void)state;
    d->store_outcome = STORE_CAPPED;
    EXPECT_FALSE(tries(d, "a@to.example"));
    EXPECT_STR("Too much mail (limit x), try again later", d->run.forced_text);
    desk_close(d);
}

static void without_limits_nothing_is_asked(void **state)
{
    struct desk *d = open_limits("");

    (void)state;
    EXPECT_TRUE(sends(d, 0));
    EXPECT_INT(0, d->operations);
    desk_close(d);
}

RUN_TESTS(TEST(a_limit_is_for_whom_it_says), TEST(strangers_and_the_null_sender), TEST(postmaster_can_always_be_told),
          TEST(who_is_on_an_allow_list_is_not_counted), TEST(what_is_over_is_treated_as_configured),
          TEST(the_hardest_of_several_limits_wins), TEST(what_never_has_room_is_refused_for_good),
          TEST(what_has_room_in_a_bucket_that_grew_is_put_off), TEST(recipients_without_names_are_counted),
          TEST(an_announced_size_is_corrected_by_the_real_one), TEST(sizes_are_exact_when_the_message_is_here),
          TEST(verdicts_make_a_bucket_larger_or_smaller), TEST(limits_hold_while_the_store_is_out),
          TEST(who_tries_too_many_recipients_is_put_off), TEST(without_limits_nothing_is_asked))
