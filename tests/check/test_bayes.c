/* tests/check/test_bayes.c - what was learned from other messages says of this one. */
#include "rules/bayes/bayes.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define SPAM "From: win@spam.example\nSubject: You won\n\nClaim your prize money today, dear winner, click here now\n"
#define HAM                                                                                                            \
    "From: ann@work.example\nSubject: Minutes\n\nAttached are the minutes of our meeting about the budget, regards\n"

static void learn(struct desk *d, const char *text, enum bayes_as as, const char *whom, int times)
{
    struct store_answer answer;

    desk_message(d, text);
    for (int i = 0; i < times; i++) {
        struct store_op op = bayes_op(d->settings.conf, STORE_BAYES_LEARN, bayes_class(&d->arena, span_of(whom)),
                                      tokens_of(&d->arena, d->message), d->now_ms);

        op.bayes.as = as;
        op.bayes.digest[0] = (uint8_t)i; /* so many different ones */
        desk_do(d, &op, &answer);
        EXPECT_INT(STORE_OK, answer.state);
    }
}

static void judge(struct desk *d, const char *text)
{
    desk_next_transaction(d, 1000);
    desk_from(d, "win@spam.example");
    desk_message(d, text);
    desk_rcpt(d, "joe@a.example");
    desk_settle(d);
}

static void it_says_nothing_before_it_has_learned(void **state)
{
    struct desk *d = desk_open(&bayes_module, "learned = 3");

    (void)state;
    learn(d, SPAM, BAYES_SPAM, "", 3);
    learn(d, HAM, BAYES_HAM, "", 2);
    judge(d, SPAM);
    EXPECT_INT(0, desk_points(d));
    EXPECT_FALSE(d->evidence.bayes.is_known);
    learn(d, HAM, BAYES_HAM, "", 3);
    judge(d, SPAM);
    EXPECT_INT(510, desk_points(d));
    EXPECT_TRUE(d->evidence.bayes.is_known && d->evidence.bayes.probability > 0.99);
    EXPECT_TRUE(strstr(desk_finding(d, "BAYES_SPAM")->reason, "probability "));
    judge(d, HAM);
    EXPECT_INT(-300, desk_points(d));
    EXPECT_TRUE(d->evidence.bayes.is_known && d->evidence.bayes.probability < 0.01);
    EXPECT_TRUE(desk_finding(d, "BAYES_HAM"));
    desk_close(d);
}

static void what_is_unsure_counts_less(void **state)
{
    struct desk *d = desk_open(&bayes_module, "learned = 3");

    (void)state;
    learn(d, SPAM, BAYES_SPAM, "", 3);
    learn(d, HAM, BAYES_HAM, "", 3);
    judge(d, "From: x@y.example\nSubject: Prize\n\nClaim your prize money, or the minutes of our meeting, regards\n");
    EXPECT_TRUE(d->evidence.bayes.is_known);
    EXPECT_TRUE(d->evidence.bayes.probability > 0.01 && d->evidence.bayes.probability < 0.99);
    EXPECT_TRUE(desk_points(d) > -300 && desk_points(d) < 510);
    judge(d, "Zyx: abc\n\nnothing known\n");
    EXPECT_FALSE(d->evidence.bayes.is_known);
    EXPECT_INT(0, desk_points(d));
    desk_close(d);
}

static void a_recipient_may_have_learned_otherwise(void **state)
{
    struct desk *d = desk_open(&bayes_module, "learned = 3  per = recipient");

    (void)state;
    learn(d, SPAM, BAYES_SPAM, "", 3);
    learn(d, HAM, BAYES_HAM, "", 3);
    learn(d, SPAM, BAYES_HAM, "Joe@a.example", 3);
    judge(d, SPAM);
    EXPECT_INT(510, desk_points(d)); /* he has not learned enough */
    learn(d, HAM, BAYES_SPAM, "joe@A.example", 3);
    judge(d, SPAM);
    EXPECT_INT(-300, desk_points(d));
    desk_next_transaction(d, 1000);
    desk_message(d, SPAM);
    desk_rcpt(d, "joe@a.example");
    desk_rcpt(d, "ann@a.example");
    desk_settle(d);
    EXPECT_INT(510, desk_points(d)); /* to both: what all have learned */
    desk_close(d);
}

/* A message is not remembered longer than its tokens: to forget it would take from the counts of others. */
static void it_is_remembered_as_long_as_its_tokens(void **state)
{
    static const struct {
        const char *conf;
        int days;
    } cases[] = { { "remember = 30d", 30 },
                  { "remember = 30d  life = 10d", 10 },
                  { "remember = 30d  life = 40d", 30 } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&bayes_module, cases[i].conf);

        desk_message(d, SPAM);
        struct store_op op =
            bayes_op(d->settings.conf, STORE_BAYES_LEARN, SPAN("b:{*}:"), tokens_of(&d->arena, d->message), d->now_ms);

        EXPECT_INT(cases[i].days * 86400000LL, op.bayes.remember_ms);
        desk_close(d);
    }
}

static void without_a_store_it_has_failed(void **state)
{
    struct desk *d = desk_open(&bayes_module, NULL);

    (void)state;
    d->store_outcome = STORE_TIMEOUT;
    judge(d, SPAM);
    EXPECT_TRUE(d->run.failure);
    EXPECT_INT(0, desk_points(d));
    desk_close(d);
}

/* ---- learning by itself ---- */

static double learned(struct desk *d, enum bayes_as as)
{
    const struct store_op op = { .kind = STORE_BAYES_LOOK, .key = SPAN("b:{*}:"), .now_ms = d->now_ms };
    struct store_answer answer;

    desk_do(d, &op, &answer);
    return as == BAYES_SPAM ? answer.bayes.totals.spam : answer.bayes.totals.ham;
}

#define LONG                                                                                                           \
    "From: ann@work.example\nSubject: A longer one\n\nOne two three four five six seven eight nine ten eleven twelve " \
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty\n"

#define MOST 5

struct lesson {
    struct sister_finding found[MOST];
    int untaught;
    enum auth_result dmarc;
    bool is_ours;
    enum bayes_as as;
};

/* What a message of which others have found that was learned as. */
static enum bayes_as auto_learned(struct desk *d, const struct lesson *lesson)
{
    double spam = learned(d, BAYES_SPAM), ham = learned(d, BAYES_HAM);
    struct settlement end = { .has_verdict = true, .is_delivered = true, .found = lesson->found };

    while (end.found_count < MOST && lesson->found[end.found_count].check)
        end.score += lesson->found[end.found_count++].points;
    judge(d, LONG);
    d->session.auth_user = lesson->is_ours ? SPAN("joe") : SPAN("");
    d->evidence.dmarc.result = lesson->dmarc;
    d->evidence.rules_untaught = lesson->untaught;
    desk_settled_as(d, &end);
    return learned(d, BAYES_SPAM) > spam ? BAYES_SPAM : learned(d, BAYES_HAM) > ham ? BAYES_HAM : BAYES_FORGET;
}

static const struct lesson sure_spam = { .found = { { "dnsbl", "LISTED", 1700 }, { "rules", "PILLS", 300 } },
                                         .as = BAYES_SPAM };
static const struct lesson our_own = { .is_ours = true, .as = BAYES_HAM };

static void it_learns_by_itself_only_when_told_to(void **state)
{
    struct desk *d = desk_open(&bayes_module, NULL);

    (void)state;
    EXPECT_INT(BAYES_FORGET, auto_learned(d, &sure_spam));
    EXPECT_INT(BAYES_FORGET, auto_learned(d, &our_own));
    desk_close(d);
}

static void it_learns_what_others_are_sure_of(void **state)
{
    static const struct lesson cases[] = {
        { .found = { { "dnsbl", "LISTED", 900 }, { "rules", "PILLS", 300 } }, .as = BAYES_SPAM },
        { .found = { { "dnsbl", "LISTED", 900 }, { "rules", "PILLS", 299 } }, .as = BAYES_FORGET },
        { .found = { { "dnsbl", "LISTED", 2000 } },
          .as = BAYES_FORGET }, /* of what the message says nothing is known */
        { .found = { { "rules", "PILLS", 1200 } }, .as = BAYES_SPAM },
        { .found = { { "rules", "BAYES_99", 800 }, { "rules", "PILLS", 400 } }, .untaught = 800, .as = BAYES_FORGET },
        { .found = { { "bayes", "BAYES_SPAM", 510 }, { "rules", "PILLS", 700 } }, .as = BAYES_FORGET },
        { .found = { { "rules", "PILLS", 1200 }, { "rules", "WELCOME", -10000 } },
          .untaught = -10000,
          .as = BAYES_SPAM },
        { .found = { { "dnsbl", "LISTED", 1200 } }, .untaught = -500, .as = BAYES_FORGET }, /* rules are in shadow */
        { .is_ours = true, .as = BAYES_HAM },
        { .is_ours = true, .found = { { "rules", "ODD", 1 } }, .as = BAYES_FORGET },
        { .is_ours = true, .found = { { "bayes", "BAYES_HAM", -300 }, { "rules", "ODD", 100 } }, .as = BAYES_FORGET },
        { .found = { { "spf", "R_SPF_ALLOW", -20 },
                     { "dkim", "R_DKIM_ALLOW", -20 },
                     { "arc", "ARC_ALLOW", -100 },
                     { "dmarc", "DMARC_POLICY_ALLOW", -50 } },
          .dmarc = AUTH_PASS,
          .as = BAYES_FORGET }, /* that anybody can have */
        { .found = { { "dnsbl", "RCVD_IN_DNSWL_HI", -50 }, { "dmarc", "DMARC_POLICY_ALLOW", -50 } },
          .dmarc = AUTH_PASS,
          .as = BAYES_HAM },
        { .found = { { "dnsbl", "RCVD_IN_DNSWL_HI", -50 },
                     { "dmarc", "DMARC_POLICY_ALLOW", -50 },
                     { "rules", "ODD", 60 } },
          .dmarc = AUTH_PASS,
          .as = BAYES_FORGET },
        { .found = { { "dnsbl", "RCVD_IN_DNSWL_HI", -50 } }, .dmarc = AUTH_FAIL, .as = BAYES_FORGET },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&bayes_module, "autolearn = yes");

        EXPECT_INT(cases[i].as, auto_learned(d, &cases[i]));
        EXPECT_INT(BAYES_FORGET, auto_learned(d, &cases[i])); /* and not twice */
        desk_close(d);
    }
}

static void it_keeps_its_balance(void **state)
{
    struct desk *d = desk_open(&bayes_module, "autolearn = yes  learned = 4  per = recipient");

    (void)state;
    learn(d, SPAM, BAYES_SPAM, "", 5);
    learn(d, SPAM, BAYES_SPAM, "joe@a.example", 4); /* of his own balance is nothing to be said: all learn from it */
    learn(d, HAM, BAYES_HAM, "joe@a.example", 90);
    EXPECT_INT(BAYES_FORGET, auto_learned(d, &sure_spam));
    learn(d, HAM, BAYES_HAM, "", 1);
    EXPECT_INT(BAYES_SPAM, auto_learned(d, &sure_spam));
    desk_close(d);
}

RUN_TESTS(TEST(it_says_nothing_before_it_has_learned), TEST(what_is_unsure_counts_less),
          TEST(a_recipient_may_have_learned_otherwise), TEST(it_is_remembered_as_long_as_its_tokens),
          TEST(without_a_store_it_has_failed), TEST(it_learns_by_itself_only_when_told_to),
          TEST(it_learns_what_others_are_sure_of), TEST(it_keeps_its_balance))
