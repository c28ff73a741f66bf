/* tests/unit/test_pipeline.c - when checks run, wait, fail and are cut short; with checks made to break.
 *
 * The resolver is the kit's fake.
 */
#include "tests/kit/pipeline_room.h"

#include <unistd.h>

/* ---- checks, good and broken ---- */

static const struct symbol symbols[] = { { "BAD", 2000, "" }, { "GOOD", -100, "" }, { NULL, 0, NULL } };

static enum step find_nothing(struct inquiry *q)
{
    (void)q;
    return STEP_DONE;
}

static enum step find_bad(struct inquiry *q)
{
    finding_add(q, 0, "because");
    return STEP_DONE;
}

static enum step ask_three(struct inquiry *q)
{
    bool is_here = true;

    finding_add(q, 1, "thrown away unless this run is the last");
    for (int i = 0; i < 3; i++) {
        char name[32];

        snprintf(name, sizeof name, "n%d.example", i);
        is_here &= ask_dns(q, name, DNS_A) != NULL;
    }
    return is_here ? STEP_DONE : STEP_WAIT;
}

static enum step wait_for_nothing(struct inquiry *q)
{
    (void)q;
    return STEP_WAIT;
}

static enum step wait_for_ever(struct inquiry *q)
{
    finding_add(q, 0, "not counted");
    return ask_dns(q, "never.example", DNS_A) ? STEP_DONE : STEP_WAIT;
}

static enum step ask_without_end(struct inquiry *q)
{
    for (unsigned i = 0;; i++) {
        char name[32];

        snprintf(name, sizeof name, "n%u.example", i);
        const struct dns_answer *a = ask_dns(q, name, DNS_A);

        if (!a)
            return STEP_WAIT;
        if (a->state == DNS_CAPPED)
            return i % 2 ? STEP_DONE : STEP_WAIT;
    }
}

static enum step eat_memory(struct inquiry *q)
{
    arena_alloc(q->arena, 16 << 20);
    return ask_dns(q, "n.example", DNS_A) ? STEP_DONE : STEP_WAIT;
}

static enum step say_it_failed(struct inquiry *q)
{
    finding_add(q, 0, "not counted");
    finding_fail(q, "the moon is full");
    return STEP_DONE;
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

/* ---- foresight, tarpits, settlements ---- */

static void foresee_three(struct inquiry *q)
{
    finding_add(q, 0, "nobody hears of this");
    ask_three(q);
}

static enum step hold_back(struct inquiry *q)
{
    finding_tarpit(q, 200);
    return STEP_DONE;
}

static unsigned settled;
static struct settlement settlement;

static void note_settlement(struct inquiry *q, const struct settlement *end)
{
    (void)q;
    settled++;
    settlement = *end;
}

static enum step ask_the_store(struct inquiry *q)
{
    const struct store_op op = { .kind = STORE_GET, .key = SPAN("k:one"), .now_ms = q->now_ms };
    const struct store_answer *a = ask_store(q, &op);

    if (!a)
        return STEP_WAIT;
    if (a->state != STORE_OK)
        finding_fail(q, "%s", a->why);
    return STEP_DONE;
}

#define MODULE(function)                                                                                               \
    {                                                                                                                  \
        .symbols = symbols, .run = function                                                                            \
    }
static const struct check_module nothing = MODULE(find_nothing), bad = MODULE(find_bad), three = MODULE(ask_three),
                                 for_nothing = MODULE(wait_for_nothing), for_ever = MODULE(wait_for_ever),
                                 without_end = MODULE(ask_without_end), memory = MODULE(eat_memory),
                                 failing = MODULE(say_it_failed), slow = MODULE(compute_long),
                                 recipients = MODULE(count_recipients), asking_store = MODULE(ask_the_store),
                                 holding = MODULE(hold_back);
static const struct check_module seeing = { .symbols = symbols, .run = ask_three, .foresee = foresee_three };
static bool content_was_made;

static enum step look_for_content(struct inquiry *q)
{
    content_was_made = q->message->content != NULL;
    return STEP_DONE;
}

static const struct check_module reading = { .symbols = symbols, .run = look_for_content, .reads_content = true };
static const struct check_module settling = { .symbols = symbols, .run = find_nothing, .settle = note_settlement };

static int64_t rcpt_takes_ms(struct room *r, int budget_ms)
{
    int64_t begin = clock_mono_ms();

    for (enum stage stage = STAGE_CONNECT; stage <= STAGE_RCPT; stage++)
        pipeline_reach(r->pipeline, stage);
    pipeline_decide(r->pipeline, STAGE_RCPT, budget_ms, on_verdict, r);
    wait_for_verdict(r, r->verdicts + 1);
    return clock_mono_ms() - begin;
}

static void start_message_from(struct room *r, enum stage stage)
{
    static const struct message_limits limits = { 10000, 100 };

    pipeline_take_message(r->pipeline, message_new(SPAN("A: b\r\n\r\nbody\r\n"), &limits));
    for (; stage < STAGE_COUNT; stage++)
        pipeline_reach(r->pipeline, stage);
    pipeline_decide(r->pipeline, STAGE_MESSAGE, 0, on_verdict, r);
}

static void start_message(struct room *r)
{
    start_message_from(r, STAGE_CONNECT);
}

static void judge(struct room *r)
{
    start_message(r);
    wait_for_verdict(r, r->verdicts + 1);
}

/* ---- what must hold ---- */

static void before_the_message_only_what_could_refuse_is_waited_for(void **state)
{
    static const struct {
        struct bounds bounds;
        enum mode mode;
        bool is_waited_for;
    } cases[] = {
        { { 0, 1499, false, false, false }, MODE_ENFORCE, false },
        { { 0, 1500, false, false, false }, MODE_ENFORCE, true },
        { { 0, 0, false, true, false }, MODE_ENFORCE, true },
        { { 0, 2000, false, true, false }, MODE_TAG, false },
        { { 0, 2000, false, true, false }, MODE_SHADOW, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct check row[] = { ROW(STAGE_MAIL, ON_LOOP, 10000, 8, NULL, &for_ever) };
        struct room *r = room_open(row, 1);

        r->settings[0].bounds = cases[i].bounds;
        r->settings[0].mode = cases[i].mode;
        EXPECT_INT(cases[i].is_waited_for, rcpt_takes_ms(r, 1500) >= 1400);
        EXPECT_INT(ACTION_ACCEPT, r->verdict.action);
        room_close(r);
    }
}

static void a_check_is_run_again_until_its_answers_are_here(void **state)
{
    static const enum place places[] = { ON_LOOP, ON_QUICK, ON_HEAVY };

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct check row[] = { ROW(STAGE_MESSAGE, places[i], 1000, 8, NULL, &three) };
        struct room *r = room_open(row, 1);

        judge(r);
        EXPECT_INT(3, fake_dns.asked);
        EXPECT_INT(ACTION_ACCEPT, r->verdict.action);
        EXPECT_INT(-100, r->verdict.score);
        EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 0)->state);
        EXPECT_TRUE(pipeline_run(r->pipeline, 0)->runs >= 2);
        room_close(r);
    }
}

/* A broken check never takes the message with it: its failure policy applies, and the others count. */
static void broken_checks_fail_alone(void **state)
{
    static const struct {
        const struct check_module *module;
        const char *why;
        enum place place;
        int budget;
    } cases[] = {
        { &for_nothing, "it waits, but for no answer", ON_LOOP, 1000 },
        { &for_nothing, "it waits, but for no answer", ON_QUICK, 1000 },
        { &for_ever, "no answer for never.example A within 150 ms", ON_LOOP, 150 },
        { &for_ever, "no answer for never.example A within 150 ms", ON_HEAVY, 150 },
        { &for_ever, "the message's time was up", ON_LOOP, 60000 },
        { &without_end, "it waits, but for no answer", ON_LOOP, 5000 },
        { &memory, "it needs too much memory", ON_QUICK, 5000 },
        { &failing, "the moon is full", ON_LOOP, 1000 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct check rows[] = { ROW(STAGE_MESSAGE, cases[i].place, cases[i].budget, 20, NULL, cases[i].module),
                                ROW(STAGE_MESSAGE, ON_LOOP, 1000, 8, NULL, &three) };
        struct room *r = room_open(rows, 2);

        judge(r);
        EXPECT_STR(cases[i].why, r->verdict.missing[0].why);
        EXPECT_INT(1, r->verdict.missing_count);
        EXPECT_INT(ACTION_DEFER, r->verdict.action);
        EXPECT_INT(-100, r->verdict.score);
        pipeline_end(r->pipeline);
        EXPECT_INT(1, r->engine.metrics.checks[0].failed);
        EXPECT_INT(cases[i].module == &for_ever, r->engine.metrics.checks[0].timed_out);
        room_close(r);
    }
}

static void a_verdict_comes_in_time_though_a_worker_is_stuck(void **state)
{
    struct check rows[] = { ROW(STAGE_MESSAGE, ON_QUICK, 60000, 8, NULL, &slow),
                            ROW(STAGE_CONNECT, ON_LOOP, 1000, 8, NULL, &three) };
    struct room *r = room_open(rows, 2);
    int64_t begin = clock_mono_ms();

    (void)state;
    r->conf.deadline_ms = 100;
    judge(r);
    EXPECT_TRUE(clock_mono_ms() - begin < 250);
    EXPECT_STR("the message's time was up while it was running", r->verdict.missing[0].why);
    EXPECT_INT(ACTION_DEFER, r->verdict.action);
    pipeline_end(r->pipeline); /* the worker still has it */
    r->conf.deadline_ms = 2000;
    judge(r);
    EXPECT_INT(ACTION_ACCEPT, r->verdict.action);
    EXPECT_INT(0, r->verdict.missing_count);
    room_close(r);
}

static void a_pipeline_may_be_freed_while_a_worker_has_it(void **state)
{
    struct check rows[] = { ROW(STAGE_MESSAGE, ON_HEAVY, 60000, 8, NULL, &slow),
                            ROW(STAGE_MAIL, ON_LOOP, 60000, 8, NULL, &for_ever) };
    struct room *r = room_open(rows, 2);

    (void)state;
    start_message(r);
    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 10);
    pipeline_free(r->pipeline);
    r->pipeline = NULL;
    for (int i = 0; i < 50; i++)
        loop_run_once(loop, 10);
    EXPECT_INT(0, r->verdicts);
    EXPECT_INT(0, r->engine.deciding);
    EXPECT_INT(1, fake_dns.cancelled);
    room_close(r);
}

static void a_certain_refusal_skips_what_is_costly(void **state)
{
    struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &bad),
                            ROW(STAGE_MESSAGE, ON_HEAVY, 60000, 8, NULL, &slow) };
    struct room *r = room_open(rows, 2);

    (void)state;
    judge(r);
    EXPECT_INT(ACTION_REJECT, r->verdict.action);
    EXPECT_TRUE(r->verdict.is_early);
    EXPECT_INT(RUN_SKIPPED, pipeline_run(r->pipeline, 1)->state);
    room_close(r);
}

/* Else a client would send one message that is refused at once, and behind it all others unseen. */
static void what_one_message_did_not_need_is_asked_for_the_next(void **state)
{
    struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &bad),
                            ROW(STAGE_CONNECT, ON_LOOP, 1000, 8, NULL, &three) };
    struct room *r = room_open(rows, 2);

    (void)state;
    r->points[0] = 2000;
    judge(r);
    EXPECT_INT(ACTION_REJECT, r->verdict.action);
    EXPECT_INT(RUN_SKIPPED, pipeline_run(r->pipeline, 1)->state);
    pipeline_end(r->pipeline);
    r->points[0] = 700;
    start_message_from(r, STAGE_MAIL);
    wait_for_verdict(r, 2);
    EXPECT_INT(ACTION_TAG, r->verdict.action);
    EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 1)->state);
    EXPECT_INT(700 - 100, r->verdict.score);
    room_close(r);
}

static void who_asks_why_hears_all_checks(void **state)
{
    struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &bad),
                            ROW(STAGE_MESSAGE, ON_LOOP, 1000, 8, NULL, &three) };
    struct room *r = room_open(rows, 2);

    (void)state;
    r->engine.is_thorough = true;
    judge(r);
    EXPECT_INT(ACTION_REJECT, r->verdict.action);
    EXPECT_INT(2000 - 100, r->verdict.score);
    EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 1)->state);
    room_close(r);
}

static void a_decision_at_rcpt_does_not_wait_longer_than_told(void **state)
{
    struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 60000, 8, NULL, &for_ever),
                            ROW(STAGE_MESSAGE, ON_LOOP, 1000, 8, NULL, &nothing) };
    struct room *r = room_open(rows, 2);
    int64_t begin = clock_mono_ms();

    (void)state;
    for (enum stage stage = STAGE_CONNECT; stage <= STAGE_RCPT; stage++)
        pipeline_reach(r->pipeline, stage);
    pipeline_decide(r->pipeline, STAGE_RCPT, 100, on_verdict, r);
    wait_for_verdict(r, 1);
    EXPECT_TRUE(clock_mono_ms() - begin >= 99);
    EXPECT_FALSE(r->verdict.is_certain);
    EXPECT_INT(ACTION_ACCEPT, r->verdict.action);
    room_close(r);
}

static void a_check_comes_after_the_sisters_it_names(void **state)
{
    struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 1000, 8, NULL, &bad),
                            ROW(STAGE_CONNECT, ON_LOOP, 150, 8, NULL, &for_ever) };
    struct room *r = room_open(rows, 2);

    (void)state;
    r->settings[0].after = 1 << 1;
    r->settings[0].on_failure[0] = r->settings[1].on_failure[0] = FAIL_SKIP;
    judge(r);
    EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 0)->state);
    EXPECT_INT(RUN_FAILED, pipeline_run(r->pipeline, 1)->state);
    room_close(r);
}

static void each_recipient_is_seen(void **state)
{
    struct check rows[] = { ROW(STAGE_RCPT, ON_LOOP, 1000, 8, NULL, &recipients) };
    struct room *r = room_open(rows, 1);
    struct session *s = pipeline_session(r->pipeline);

    (void)state;
    s->recipients = arena_alloc(s->tx_arena, 3 * sizeof *s->recipients);
    for (unsigned n = 1; n <= 3; n++) {
        s->recipient_count = n;
        for (enum stage stage = n > 1 ? STAGE_RCPT : STAGE_CONNECT; stage <= STAGE_RCPT; stage++)
            pipeline_reach(r->pipeline, stage);
        pipeline_decide(r->pipeline, STAGE_RCPT, 1000, on_verdict, r);
        wait_for_verdict(r, n);
        EXPECT_INT(n, r->verdict.score);
    }
    s->recipient_count = 2; /* the next hop did not want the third */
    judge(r);
    EXPECT_INT(2, r->verdict.score);
    room_close(r);
}

static void modes_decide_what_counts(void **state)
{
    static const struct {
        enum mode mode;
        enum action action;
        enum run_state state;
    } cases[] = { { MODE_OFF, ACTION_ACCEPT, RUN_OFF },
                  { MODE_SHADOW, ACTION_ACCEPT, RUN_DONE },
                  { MODE_TAG, ACTION_TAG, RUN_DONE },
                  { MODE_ENFORCE, ACTION_REJECT, RUN_DONE } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &bad) };
        struct room *r = room_open(rows, 1);

        r->settings[0].mode = cases[i].mode;
        pipeline_free(r->pipeline);
        r->pipeline = pipeline_new(&r->engine, "test");
        judge(r);
        EXPECT_INT(cases[i].action, r->verdict.action);
        EXPECT_INT(cases[i].state, pipeline_run(r->pipeline, 0)->state);
        room_close(r);
    }
}

static void new_mail_is_put_off_when_too_much_is_being_judged(void **state)
{
    struct check rows[] = { ROW(STAGE_MESSAGE, ON_LOOP, 60000, 8, NULL, &for_ever) };
    struct room *r = room_open(rows, 1);

    (void)state;
    r->conf.transactions_most = 1;
    EXPECT_NULL(engine_admits(&r->engine));
    start_message(r);
    EXPECT_STR("too many messages are being examined", engine_admits(&r->engine));
    pipeline_end(r->pipeline);
    EXPECT_NULL(engine_admits(&r->engine));
    room_close(r);
}

static void what_can_be_foreseen_is_asked_before_the_sisters_are_done(void **state)
{
    struct check rows[] = { ROW(STAGE_CONNECT, ON_LOOP, 150, 8, NULL, &for_ever),
                            ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &seeing) };
    struct room *r = room_open(rows, 2);

    (void)state;
    r->settings[1].after = 1 << 0;
    r->settings[0].on_failure[0] = FAIL_SKIP;
    for (enum stage stage = STAGE_CONNECT; stage <= STAGE_MAIL; stage++)
        pipeline_reach(r->pipeline, stage);
    loop_run_once(loop, 50);
    EXPECT_INT(1 + 3, fake_dns.asked);
    EXPECT_INT(RUN_IDLE, pipeline_run(r->pipeline, 1)->state);
    start_message_from(r, STAGE_RCPT);
    wait_for_verdict(r, 1);
    EXPECT_INT(1 + 3, fake_dns.asked);
    EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 1)->state);
    EXPECT_INT(1, pipeline_run(r->pipeline, 1)->runs);
    EXPECT_INT(-100, r->verdict.score);
    room_close(r);
}

static void a_tarpit_holds_the_verdict_back(void **state)
{
    struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &holding) };
    struct room *r = room_open(rows, 1);
    int64_t begin = clock_mono_ms();

    (void)state;
    judge(r);
    EXPECT_TRUE(clock_mono_ms() - begin >= 200);
    EXPECT_INT(ACTION_ACCEPT, r->verdict.action);
    room_close(r);
}

static void each_transaction_is_settled_once(void **state)
{
    struct check rows[] = { ROW(STAGE_MAIL, ON_LOOP, 1000, 8, NULL, &settling),
                            ROW(STAGE_MESSAGE, ON_LOOP, 1000, 8, NULL, &bad) };
    struct room *r = room_open(rows, 2);

    (void)state;
    settled = 0;
    judge(r);
    EXPECT_INT(0, settled);
    pipeline_settle(r->pipeline, true);
    pipeline_end(r->pipeline);
    EXPECT_INT(1, settled);
    EXPECT_TRUE(settlement.is_delivered);
    EXPECT_INT(ACTION_REJECT, settlement.action);
    EXPECT_INT(2000, settlement.score);
    start_message_from(r, STAGE_MAIL);
    wait_for_verdict(r, 2);
    pipeline_free(r->pipeline); /* the client has gone */
    r->pipeline = NULL;
    EXPECT_INT(2, settled);
    EXPECT_FALSE(settlement.is_delivered);
    room_close(r);
}

static void what_a_message_says_is_read_by_a_worker(void **state)
{
    const struct check checks[] = { ROW(STAGE_MESSAGE, ON_LOOP, 1000, 0, NULL, &reading) };
    struct room *r = room_open(checks, 1);

    (void)state;
    content_was_made = false;
    judge(r);
    EXPECT_INT(RUN_DONE, pipeline_run(r->pipeline, 0)->state);
    EXPECT_TRUE(content_was_made);
    room_close(r);
}

static void without_a_store_its_questions_fail_and_mail_goes_on(void **state)
{
    struct check rows[] = { ROW(STAGE_RCPT, ON_LOOP, 1000, 8, NULL, &asking_store) };
    struct room *r = room_open(rows, 1);

    (void)state;
    r->settings[0].on_failure[0] = FAIL_SKIP;
    judge(r);
    EXPECT_STR("there is no state store", r->verdict.missing[0].why);
    EXPECT_INT(ACTION_ACCEPT, r->verdict.action);
    room_close(r);
}

RUN_TESTS(TEST(before_the_message_only_what_could_refuse_is_waited_for),
          TEST(a_check_is_run_again_until_its_answers_are_here), TEST(broken_checks_fail_alone),
          TEST(a_verdict_comes_in_time_though_a_worker_is_stuck), TEST(a_pipeline_may_be_freed_while_a_worker_has_it),
          TEST(a_certain_refusal_skips_what_is_costly), TEST(what_one_message_did_not_need_is_asked_for_the_next),
          TEST(who_asks_why_hears_all_checks), TEST(a_decision_at_rcpt_does_not_wait_longer_than_told),
          TEST(a_check_comes_after_the_sisters_it_names), TEST(each_recipient_is_seen), TEST(modes_decide_what_counts),
          TEST(what_can_be_foreseen_is_asked_before_the_sisters_are_done), TEST(a_tarpit_holds_the_verdict_back),
          TEST(each_transaction_is_settled_once), TEST(without_a_store_its_questions_fail_and_mail_goes_on),
          TEST(new_mail_is_put_off_when_too_much_is_being_judged), TEST(what_a_message_says_is_read_by_a_worker))
