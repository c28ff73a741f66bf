/* tests/unit/test_pipeline_life.c - pipelines that serve client after client, doors that never see a message, and
 * answers that do not depend on who is done first. */
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/core/pipeline.h"
#include "tests/kit/fake_dns.h"

static const struct symbol symbols[] = { { "BAD", 2000, "" }, { "GOOD", -100, "" }, { NULL, 0, NULL } };

static enum step find_bad(struct inquiry *q)
{
    finding_add(q, 0, "because");
    return STEP_DONE;
}

static enum step ask_two(struct inquiry *q)
{
    const struct dns_answer *a = ask_dns(q, "a.example", DNS_A), *b = ask_dns(q, "b.example", DNS_A);

    if (!a || !b)
        return STEP_WAIT;
    finding_add(q, 1, "both are here");
    return STEP_DONE;
}

static enum step wait_for_ever(struct inquiry *q)
{
    return ask_dns(q, "never.example", DNS_A) ? STEP_DONE : STEP_WAIT;
}

static enum step ask_and_go(struct inquiry *q)
{
    ask_dns(q, "late.example", DNS_A);
    return STEP_DONE;
}

static enum step wait_for_late(struct inquiry *q)
{
    return ask_dns(q, "late.example", DNS_A) ? STEP_DONE : STEP_WAIT;
}

static enum step compute_long(struct inquiry *q)
{
    (void)q;
    usleep(300000);
    return STEP_DONE;
}

static enum step count_recipients(struct inquiry *q)
{
    finding_weigh(q, 0, (int)q->session->recipient_count, "recipients");
    return STEP_DONE;
}

static enum step weigh_greeting(struct inquiry *q)
{
    finding_weigh(q, 0, (int)q->session->helo.len, "greeting");
    return STEP_DONE;
}

static enum step hold_back(struct inquiry *q)
{
    finding_tarpit(q, 150);
    return STEP_DONE;
}

static enum step put_off(struct inquiry *q)
{
    finding_force(q, ACTION_DEFER, NULL);
    return STEP_DONE;
}

static enum step refuse_when_answered(struct inquiry *q)
{
    if (!ask_dns(q, "a.example", DNS_A))
        return STEP_WAIT;
    finding_force(q, ACTION_REJECT, NULL);
    return STEP_DONE;
}

/* Three names, of which a check with a limit of two hears two. */
static enum step count_answers(struct inquiry *q)
{
    static const char *const names[] = { "a.example", "b.example", "c.example" };
    int answered = 0;

    for (size_t i = 0; i < COUNT(names); i++) {
        const struct dns_answer *a = ask_dns(q, names[i], DNS_A);

        if (!a)
            return STEP_WAIT;
        answered += a->state == DNS_OK;
    }
    finding_weigh(q, 0, answered, "answers");
    return STEP_DONE;
}

#define MODULE(name, function) static const struct check_module name = { .symbols = symbols, .run = function }
MODULE(bad, find_bad);
MODULE(two, ask_two);
MODULE(for_ever, wait_for_ever);
MODULE(going, ask_and_go);
MODULE(waiting, wait_for_late);
MODULE(slow, compute_long);
MODULE(recipients, count_recipients);
MODULE(greeting, weigh_greeting);
MODULE(holding, hold_back);
MODULE(answers, count_answers);
MODULE(deferring, put_off);
MODULE(refusing, refuse_when_answered);

enum { ROOM_CHECKS = 3 };

struct room {
    struct check_settings settings[ROOM_CHECKS];
    struct engine_conf conf;
    struct actions_conf actions;
    struct engine engine;
    struct pipeline *pipeline;
    struct verdict verdict;
    unsigned verdicts;
};

static struct room *room_open(const struct check *checks, size_t count, enum stage last)
{
    static const int points[] = { 2000, -100 };
    struct room *r = mem_alloc(sizeof *r);

    fake_dns.loop = loop_new();
    fake_dns.asked = fake_dns.cancelled = 0;
    r->conf = (struct engine_conf){ .deadline_ms = 2000, .lookups_most = 200, .transactions_most = 10 };
    r->actions = (struct actions_conf){ .tag = 600, .reject = 1500, .subject = "" };
    for (unsigned i = 0; i < count; i++)
        r->settings[i] = (struct check_settings){ .check = &checks[i],
                                                  .index = i,
                                                  .mode = MODE_ENFORCE,
                                                  .points = points,
                                                  .on_failure = { FAIL_DEFER, FAIL_DEFER },
                                                  .budget_ms = checks[i].budget_ms,
                                                  .bounds = { -100, 2000, false, false } };
    r->engine = (struct engine){ .loop = fake_dns.loop,
                                 .crew = crew_new(fake_dns.loop, 1, 4, 4),
                                 .hostname = "mx.example",
                                 .conf = &r->conf,
                                 .actions = &r->actions,
                                 .checks = r->settings,
                                 .check_count = count };
    r->pipeline = pipeline_new_until(&r->engine, "test", last);
    return r;
}

static void room_close(struct room *r)
{
    pipeline_free(r->pipeline);
    crew_free(r->engine.crew);
    loop_free(fake_dns.loop);
    free(r);
}

static void on_verdict(void *arg, const struct verdict *v)
{
    struct room *r = arg;

    r->verdict = *v;
    r->verdicts++;
}

static void decide_from(struct room *r, enum stage first, enum stage last, int budget_ms)
{
    unsigned number = r->verdicts + 1;
    int64_t end = clock_mono_ms() + 20000;

    for (enum stage stage = first; stage <= last; stage++)
        pipeline_reach(r->pipeline, stage);
    pipeline_decide(r->pipeline, last, budget_ms, on_verdict, r);
    while (r->verdicts < number && clock_mono_ms() < end)
        loop_run_once(fake_dns.loop, 50);
    EXPECT_INT(number, r->verdicts);
}

static void decide(struct room *r, enum stage last, int budget_ms)
{
    decide_from(r, STAGE_CONNECT, last, budget_ms);
}

static void take_message(struct room *r)
{
    static const struct message_limits limits = { 10000, 100 };

    pipeline_take_message(r->pipeline, message_new(SPAN("A: b\r\n\r\nbody\r\n"), &limits));
}

#define ROW(stage, place, budget, module)                                                                              \
    {                                                                                                                  \
        "row", stage, place, budget, 8, { FAIL_DEFER, FAIL_DEFER }, NULL, false, false, module                         \
    }

static void a_door_of_envelopes_decides_at_rcpt_for_good(void **state)
{
    const struct check rows[] = { ROW(STAGE_RCPT, ON_LOOP, 60000, &for_ever),
                                  ROW(STAGE_MESSAGE, ON_QUICK, 1000, &bad) };
    struct room *r = room_open(rows, 2, STAGE_RCPT);

    (void)state;
    decide(r, STAGE_RCPT, 50);
    EXPECT_INT(ACTION_DEFER, r->verdict.action);
    EXPECT_TRUE(r->verdict.is_certain);
    EXPECT_INT(1, r->verdict.missing_count);
    EXPECT_INT(RUN_OFF, pipeline_run(r->pipeline, 1)->state);
    room_close(r);
}

/* Whichever check is done first: the deferral is there at once, the refusal when a name server has answered. */
static void a_deferral_does_not_outrun_a_refusal(void **state)
{
    static const enum stage stages[] = { STAGE_RCPT, STAGE_MESSAGE };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(stages); i++) {
        enum stage stage = stages[i / 2];
        const struct check rows[] = { ROW(stage, ON_LOOP, 1000, i % 2 ? &deferring : &refusing),
                                      ROW(stage, ON_LOOP, 1000, i % 2 ? &refusing : &deferring) };
        struct room *r = room_open(rows, 2, STAGE_MESSAGE);

        r->settings[0].bounds = r->settings[1].bounds = (struct bounds){ .may_force_reject = true };
        if (stage == STAGE_MESSAGE)
            take_message(r);
        decide(r, stage, 1500);
        EXPECT_INT(ACTION_REJECT, r->verdict.action);
        EXPECT_TRUE(r->verdict.is_certain);
        room_close(r);
    }
}

static void a_deferral_waits_no_longer_than_told(void **state)
{
    const struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 60000, &for_ever),
                                  ROW(STAGE_RCPT, ON_LOOP, 1000, &deferring) };
    struct room *r = room_open(rows, 2, STAGE_MESSAGE);

    (void)state;
    decide(r, STAGE_RCPT, 100);
    EXPECT_INT(ACTION_DEFER, r->verdict.action);
    EXPECT_TRUE(r->verdict.is_certain);
    room_close(r);
}

/* Nothing of a client is left for the next one, who gets the same memory. */
static void a_renewed_pipeline_is_as_new(void **state)
{
    const struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, &two), ROW(STAGE_HELO, ON_LOOP, 60000, &for_ever),
                                  ROW(STAGE_RCPT, ON_LOOP, 1000, &recipients) };
    struct room *r = room_open(rows, 3, STAGE_MESSAGE);
    struct session *s = pipeline_session(r->pipeline);

    (void)state;
    for (unsigned round = 1; round <= 3; round++) {
        s->helo = arena_copy(s->arena, SPAN("client.example"));
        s->recipients = arena_alloc(s->tx_arena, 3 * sizeof *s->recipients);
        s->recipient_count = round;
        s->is_esmtp = true;
        decide(r, STAGE_RCPT, 100);
        EXPECT_INT(3 * round, fake_dns.asked);
        EXPECT_INT((int)round - 100, r->verdict.score);
        EXPECT_TRUE(pipeline_renew(r->pipeline));
        EXPECT_INT(round, fake_dns.cancelled);
        EXPECT_INT(0, s->helo.len);
        EXPECT_INT(0, s->recipient_count);
        EXPECT_FALSE(s->is_esmtp);
        EXPECT_STR("test", s->door);
        EXPECT_INT(RUN_IDLE, pipeline_run(r->pipeline, 0)->state);
    }
    EXPECT_INT(3, r->engine.metrics.checks[0].done);
    room_close(r);
}

static void a_pipeline_that_a_worker_has_is_not_renewed(void **state)
{
    const struct check rows[] = { ROW(STAGE_MESSAGE, ON_QUICK, 60000, &slow) };
    struct room *r = room_open(rows, 1, STAGE_MESSAGE);

    (void)state;
    take_message(r);
    decide(r, STAGE_MESSAGE, 50);
    EXPECT_INT(ACTION_DEFER, r->verdict.action);
    EXPECT_FALSE(pipeline_renew(r->pipeline));
    room_close(r);
}

/* A worker still has the last message when the client greets anew: what it says now is judged. */
static void a_new_greeting_counts_while_a_worker_has_the_last_message(void **state)
{
    const struct check rows[] = { ROW(STAGE_MESSAGE, ON_QUICK, 60000, &slow),
                                  ROW(STAGE_HELO, ON_LOOP, 1000, &greeting) };
    struct room *r = room_open(rows, 2, STAGE_MESSAGE);
    struct session *s = pipeline_session(r->pipeline);

    (void)state;
    s->helo = SPAN("four");
    take_message(r);
    decide(r, STAGE_MESSAGE, 50);
    EXPECT_STR("row", r->verdict.missing[0].check);
    EXPECT_INT(4, r->verdict.score);
    pipeline_end(r->pipeline);
    s->helo = SPAN("eleven-long");
    take_message(r);
    decide(r, STAGE_MESSAGE, 0);
    EXPECT_INT(11, r->verdict.score);
    room_close(r);
}

static void a_tarpit_may_hold_back_a_verdict_that_came_by_the_deadline(void **state)
{
    const struct check rows[] = { ROW(STAGE_MESSAGE, ON_QUICK, 60000, &slow),
                                  ROW(STAGE_RCPT, ON_LOOP, 1000, &holding) };
    struct room *r = room_open(rows, 2, STAGE_MESSAGE);

    (void)state;
    take_message(r);
    decide(r, STAGE_MESSAGE, 50);
    EXPECT_INT(ACTION_DEFER, r->verdict.action);
    EXPECT_STR("the message's time was up while it was running", r->verdict.missing[0].why);
    room_close(r);
}

/* What the connection has asked already is found in its book; it counts for every message all the same. */
static void the_same_message_has_the_same_limits_the_next_time(void **state)
{
    struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, &answers), ROW(STAGE_MAIL, ON_LOOP, 1000, &answers) };
    struct room *r;

    (void)state;
    rows[1].asks = 2;
    r = room_open(rows, 2, STAGE_MESSAGE);
    for (unsigned round = 0; round < 3; round++) {
        take_message(r);
        decide_from(r, round ? STAGE_MAIL : STAGE_CONNECT, STAGE_MESSAGE, 0);
        EXPECT_INT(3 + 2, r->verdict.score);
        pipeline_end(r->pipeline);
    }
    room_close(r);
}

static void turn_until_rested(struct room *r)
{
    const struct session *s = pipeline_session(r->pipeline);
    int64_t end = clock_mono_ms() + 20000;

    while (s->tx_arena && clock_mono_ms() < end)
        loop_run_once(fake_dns.loop, 50);
    assert_null(s->tx_arena);
}

/* The checks of the connection run all the same, and what they found counts for the mail that comes in the end. */
static void a_connection_without_mail_rests(void **state)
{
    const struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, &two), ROW(STAGE_HELO, ON_LOOP, 1000, &greeting),
                                  ROW(STAGE_RCPT, ON_LOOP, 1000, &recipients) };
    struct room *r = room_open(rows, 3, STAGE_MESSAGE);
    struct session *s = pipeline_session(r->pipeline);
    int64_t end = clock_mono_ms() + 20000;

    (void)state;
    pipeline_rest(r->pipeline);
    assert_null(s->tx_arena);
    pipeline_reach(r->pipeline, STAGE_CONNECT);
    s->helo = arena_copy(s->arena, SPAN("client.example"));
    pipeline_reach(r->pipeline, STAGE_HELO);
    while (fake_dns.asked < 2 && clock_mono_ms() < end)
        loop_run_once(fake_dns.loop, 50);
    assert_null(s->tx_arena);
    for (unsigned round = 0; round < 3; round++) {
        pipeline_begin(r->pipeline);
        s->recipients = arena_alloc(s->tx_arena, sizeof *s->recipients);
        s->recipient_count = 1;
        decide_from(r, STAGE_MAIL, STAGE_RCPT, 0);
        EXPECT_INT(-100 + 14 + 1, r->verdict.score);
        pipeline_end(r->pipeline);
        pipeline_rest(r->pipeline);
        assert_null(s->tx_arena);
        EXPECT_FALSE(pipeline_is_over(r->pipeline));
    }
    EXPECT_INT(2, fake_dns.asked);
    room_close(r);
}

static void it_rests_when_its_checks_are_done(void **state)
{
    const struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, &two),
                                  ROW(STAGE_RCPT, ON_LOOP, 1000, &recipients) };
    struct room *r = room_open(rows, 2, STAGE_MESSAGE);

    (void)state;
    pipeline_reach(r->pipeline, STAGE_CONNECT);
    pipeline_rest(r->pipeline);
    assert_non_null(pipeline_session(r->pipeline)->tx_arena);
    turn_until_rested(r);
    EXPECT_INT(2, fake_dns.asked);
    decide_from(r, STAGE_MAIL, STAGE_RCPT, 0); /* a door that does not say pipeline_begin() gets one all the same */
    EXPECT_INT(-100, r->verdict.score);
    room_close(r);
}

/* A check of the connection needs no answer any more that one of a transaction waits for, and that one is gone. */
static void an_answer_may_come_while_it_rests(void **state)
{
    const struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, &going), ROW(STAGE_MAIL, ON_LOOP, 1000, &waiting) };
    struct room *r = room_open(rows, 2, STAGE_MESSAGE);
    int64_t end = clock_mono_ms() + 20000;

    (void)state;
    pipeline_reach(r->pipeline, STAGE_CONNECT);
    pipeline_reach(r->pipeline, STAGE_MAIL);
    while (pipeline_run(r->pipeline, 1)->state != RUN_PARKED && clock_mono_ms() < end)
        loop_run_once(fake_dns.loop, 0);
    pipeline_end(r->pipeline);
    pipeline_rest(r->pipeline);
    turn_until_rested(r);
    assert_non_null(fake_dns.late);
    fake_dns_answer(fake_dns.late);
    loop_run_once(fake_dns.loop, 0);
    pipeline_begin(r->pipeline);
    decide_from(r, STAGE_MAIL, STAGE_MAIL, 0);
    EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 1)->state);
    EXPECT_INT(1, fake_dns.asked);
    room_close(r);
}

/* It was to rest as soon as its checks are done, and then mail came before they were. */
static void mail_comes_before_it_rests(void **state)
{
    const struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 60000, &waiting),
                                  ROW(STAGE_RCPT, ON_LOOP, 1000, &recipients) };
    struct room *r = room_open(rows, 2, STAGE_MESSAGE);
    struct session *s = pipeline_session(r->pipeline);
    int64_t end = clock_mono_ms() + 20000;

    (void)state;
    pipeline_reach(r->pipeline, STAGE_CONNECT);
    while (!fake_dns.late && clock_mono_ms() < end)
        loop_run_once(fake_dns.loop, 0);
    pipeline_rest(r->pipeline);
    pipeline_reach(r->pipeline, STAGE_MAIL);
    assert_non_null(fake_dns.late);
    fake_dns_answer(fake_dns.late);
    loop_run_once(fake_dns.loop, 0);
    assert_non_null(s->tx_arena);
    s->recipients = arena_alloc(s->tx_arena, sizeof *s->recipients);
    s->recipient_count = 1;
    decide_from(r, STAGE_RCPT, STAGE_RCPT, 0);
    EXPECT_INT(1, r->verdict.score);
    room_close(r);
}

static void time_may_be_up_before_there_is_a_transaction(void **state)
{
    const struct check rows[] = { ROW(STAGE_HELO, ON_LOOP, 20, &for_ever) };
    struct room *r = room_open(rows, 1, STAGE_MESSAGE);
    int64_t end = clock_mono_ms() + 200;

    (void)state;
    pipeline_rest(r->pipeline);
    pipeline_reach(r->pipeline, STAGE_HELO);
    do
        loop_run_once(fake_dns.loop, 20);
    while (clock_mono_ms() < end);
    pipeline_begin(r->pipeline);
    EXPECT_INT(1, r->engine.metrics.checks[0].timed_out);
    room_close(r);
}

/* A good word can end nobody's mail: decisions do not wait for it, but who awaits it hears it. */
static void what_cannot_refuse_can_be_awaited(void **state)
{
    static const int scores[] = { 0, -100 };

    (void)state;
    for (size_t i = 0; i < COUNT(scores); i++) {
        const struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, &two) };
        struct room *r = room_open(rows, 1, STAGE_MESSAGE);
        int64_t end = clock_mono_ms() + 20000;

        r->settings[0].bounds = (struct bounds){ .least = -100 };
        pipeline_reach(r->pipeline, STAGE_CONNECT);
        (i ? pipeline_await : pipeline_decide)(r->pipeline, STAGE_CONNECT, 10000, on_verdict, r);
        while (!r->verdicts && clock_mono_ms() < end)
            loop_run_once(fake_dns.loop, 50);
        EXPECT_INT(1, r->verdicts);
        EXPECT_INT(scores[i], r->verdict.score);
        room_close(r);
    }
}

/* ---- settling ---- */

static struct {
    size_t found;
    int points, score;
} settled;

static void note_what_counted(struct inquiry *q, const struct settlement *end)
{
    (void)q;
    settled.found = end->found_count;
    settled.score = end->score;
    settled.points = 0;
    for (size_t i = 0; i < end->found_count; i++)
        settled.points += strcmp(end->found[i].check, "row") == 0 ? end->found[i].points : 0;
}

static const struct check_module settling = { .symbols = symbols,
                                              .run = count_recipients,
                                              .settle = note_what_counted };

static void who_settles_is_told_what_counted(void **state)
{
    static const struct {
        enum mode mode;
        size_t found;
        int points;
    } cases[] = { { MODE_ENFORCE, 2, 2000 }, { MODE_SHADOW, 1, 0 } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, &settling),
                                      ROW(STAGE_MESSAGE, ON_LOOP, 1000, &bad) };
        struct room *r = room_open(rows, 2, STAGE_MESSAGE);

        r->settings[1].mode = cases[i].mode;
        take_message(r);
        decide(r, STAGE_MESSAGE, 10000);
        pipeline_settle(r->pipeline, true);
        EXPECT_INT(cases[i].found, settled.found);
        EXPECT_INT(cases[i].points, settled.points);
        EXPECT_INT(settled.score, settled.points);
        room_close(r);
    }
}

RUN_TESTS(TEST(who_settles_is_told_what_counted), TEST(a_connection_without_mail_rests),
          TEST(it_rests_when_its_checks_are_done), TEST(an_answer_may_come_while_it_rests),
          TEST(time_may_be_up_before_there_is_a_transaction), TEST(mail_comes_before_it_rests),
          TEST(what_cannot_refuse_can_be_awaited), TEST(a_door_of_envelopes_decides_at_rcpt_for_good),
          TEST(a_renewed_pipeline_is_as_new), TEST(a_pipeline_that_a_worker_has_is_not_renewed),
          TEST(a_new_greeting_counts_while_a_worker_has_the_last_message),
          TEST(a_tarpit_may_hold_back_a_verdict_that_came_by_the_deadline),
          TEST(the_same_message_has_the_same_limits_the_next_time), TEST(a_deferral_does_not_outrun_a_refusal),
          TEST(a_deferral_waits_no_longer_than_told))
