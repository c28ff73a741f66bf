/* tests/check/test_bayes.c - what was learned from other messages says of this one. */
#include "rules/bayes.h"

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

/* A message of so many points without ours, and what it was learned as. */
static enum bayes_as auto_learned(struct desk *d, int score, enum auth_result dmarc)
{
    double spam = learned(d, BAYES_SPAM), ham = learned(d, BAYES_HAM);
    struct settlement end = { .score = score, .has_verdict = true, .is_delivered = true };

    judge(d, LONG);
    d->evidence.dmarc.result = dmarc;
    desk_settled_as(d, &end);
    return learned(d, BAYES_SPAM) > spam ? BAYES_SPAM : learned(d, BAYES_HAM) > ham ? BAYES_HAM : BAYES_FORGET;
}

static void it_learns_by_itself_only_when_told_to(void **state)
{
    struct desk *d = desk_open(&bayes_module, NULL);

    (void)state;
    EXPECT_INT(BAYES_FORGET, auto_learned(d, 5000, AUTH_PASS));
    EXPECT_INT(BAYES_FORGET, auto_learned(d, -5000, AUTH_PASS));
    desk_close(d);
}

static void it_learns_what_others_are_sure_of(void **state)
{
    static const struct {
        int score;
        enum auth_result dmarc;
        enum bayes_as as;
    } cases[] = {
        { 1200, AUTH_FAIL, BAYES_SPAM },  { 1199, AUTH_FAIL, BAYES_FORGET }, { -50, AUTH_PASS, BAYES_HAM },
        { -50, AUTH_NONE, BAYES_FORGET }, { -49, AUTH_PASS, BAYES_FORGET },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&bayes_module, "autolearn = yes");

        EXPECT_INT(cases[i].as, auto_learned(d, cases[i].score, cases[i].dmarc));
        EXPECT_INT(BAYES_FORGET, auto_learned(d, cases[i].score, cases[i].dmarc)); /* and not twice */
        desk_close(d);
    }
}

static void it_keeps_its_balance(void **state)
{
    struct desk *d = desk_open(&bayes_module, "autolearn = yes  learned = 4");

    (void)state;
    learn(d, SPAM, BAYES_SPAM, "", 5);
    EXPECT_INT(BAYES_FORGET, auto_learned(d, 2000, AUTH_NONE));
    learn(d, HAM, BAYES_HAM, "", 1);
    EXPECT_INT(BAYES_SPAM, auto_learned(d, 2000, AUTH_NONE));
    desk_close(d);
}

RUN_TESTS(TEST(it_says_nothing_before_it_has_learned), TEST(what_is_unsure_counts_less),
          TEST(a_recipient_may_have_learned_otherwise), TEST(without_a_store_it_has_failed),
          TEST(it_learns_by_itself_only_when_told_to), TEST(it_learns_what_others_are_sure_of),
          TEST(it_keeps_its_balance))
