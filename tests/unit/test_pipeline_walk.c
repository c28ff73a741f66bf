/* tests/unit/test_pipeline_walk.c - a door, name servers and workers that do at random what each of them may: whatever
 * the order, nothing of what has gone is touched, and a decision is given once at most.
 *
 * SEED=n begins elsewhere, ROUNDS=n goes on for longer: `SEED=1000 ROUNDS=100000 build/dev/tests/test_pipeline_walk`.
 */
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/core/pipeline.h"
#include "tests/kit/fake_dns.h"

enum { ROWS = 8, ROUNDS = 60, STEPS_MOST = 60, WORK_US = 2000 };

static const char *const names[] = { "late1.example", "late2.example", "a.example", "b.example", "never.example" };
static unsigned salt; /* of this round: what each check does */

static unsigned below(unsigned n)
{
    return (unsigned)random() % n;
}

/* ---- checks ---- */

static const struct symbol symbols[] = { { "BAD", 300, "" }, { "GOOD", -100, "" }, { NULL, 0, NULL } };

static enum step wander(struct inquiry *q)
{
    unsigned mine = (unsigned)q->run->settings->index * 7 + salt;
    const struct dns_answer *a = ask_dns(q, names[mine % COUNT(names)], DNS_A);
    const struct dns_answer *b = ask_dns(q, names[mine / 3 % COUNT(names)], DNS_A);

    if (mine % 3 && (!a || !b))
        return STEP_WAIT;
    if (mine % 11 == 0)
        finding_force(q, mine % 2 ? ACTION_REJECT : ACTION_DEFER, NULL);
    if (mine % 17 == 0)
        finding_tarpit(q, 5);
    finding_add(q, mine % 2, "found");
    return STEP_DONE;
}

static enum step toil(struct inquiry *q)
{
    unsigned mine = (unsigned)q->run->settings->index + salt;

    if (mine % 3 == 0)
        usleep(WORK_US);
    if (!ask_dns(q, names[mine % (COUNT(names) - 1)], DNS_A))
        return STEP_WAIT;
    finding_add(q, 0, "found");
    return STEP_DONE;
}

static const struct check_module wandering = { .symbols = symbols, .run = wander };
static const struct check_module toiling = { .symbols = symbols, .run = toil };

#define ROW(stage, place, budget, module)                                                                              \
    {                                                                                                                  \
        "row", stage, place, budget, 8, { FAIL_DEFER, FAIL_DEFER }, NULL, false, false, module                         \
    }

static const struct check rows[ROWS] = {
    ROW(STAGE_CONNECT, ON_LOOP, 6, &wandering), ROW(STAGE_CONNECT, ON_LOOP, 1000, &wandering),
    ROW(STAGE_HELO, ON_LOOP, 6, &wandering),    ROW(STAGE_MAIL, ON_LOOP, 8, &wandering),
    ROW(STAGE_MAIL, ON_LOOP, 1000, &wandering), ROW(STAGE_RCPT, ON_LOOP, 8, &wandering),
    ROW(STAGE_MESSAGE, ON_QUICK, 8, &toiling),  ROW(STAGE_MESSAGE, ON_HEAVY, 50, &toiling),
};

/* ---- the door ---- */

struct door {
    struct check_settings settings[ROWS];
    struct engine engine;
    struct pipeline *pipeline;
    bool is_connected;
    enum stage stage; /* that was reached */
    unsigned asked, told;
};

static void on_verdict(void *arg, const struct verdict *v)
{
    struct door *d = arg;

    (void)v;
    d->told++;
}

static void ask(struct door *d)
{
    if (below(2) || d->stage == STAGE_MESSAGE) {
        d->asked++;
        pipeline_decide(d->pipeline, d->stage, 1 + (int)below(10), on_verdict, d);
    }
}

static void reach(struct door *d, enum stage stage)
{
    d->stage = stage;
    pipeline_reach(d->pipeline, stage);
}

/* As the SMTP door does it: what rests is begun by MAIL, and what is to rest, but does not yet, is not. */
static void say_mail(struct door *d)
{
    if (!pipeline_session(d->pipeline)->tx_arena)
        pipeline_begin(d->pipeline);
    reach(d, STAGE_MAIL);
    ask(d);
}

static void say_rcpt(struct door *d)
{
    static const struct address nobody;

    session_add_recipient(pipeline_session(d->pipeline), &nobody);
    reach(d, STAGE_RCPT);
    ask(d);
}

static void send_message(struct door *d)
{
    static const struct message_limits limits = { 10000, 100 };

    pipeline_take_message(d->pipeline, message_new(SPAN("A: b\r\n\r\nbody\r\n"), &limits));
    reach(d, STAGE_MESSAGE);
    ask(d);
}

static void end_mail(struct door *d)
{
    if (d->stage == STAGE_MESSAGE && below(2))
        pipeline_settle(d->pipeline, below(2));
    pipeline_end(d->pipeline);
    d->stage = STAGE_HELO;
}

static void connect_it(struct door *d)
{
    d->is_connected = true;
    reach(d, STAGE_CONNECT);
    if (below(3))
        return;
    d->asked++;
    pipeline_await(d->pipeline, STAGE_CONNECT, 1 + (int)below(10), on_verdict, d);
}

static void go_on(struct door *d)
{
    if (!d->is_connected)
        connect_it(d);
    else if (d->stage == STAGE_CONNECT)
        reach(d, STAGE_HELO);
    else if (d->stage == STAGE_HELO)
        say_mail(d);
    else if (d->stage == STAGE_MAIL || (d->stage == STAGE_RCPT && below(2)))
        say_rcpt(d);
    else if (d->stage == STAGE_RCPT)
        send_message(d);
}

static void look(struct door *d)
{
    if (pipeline_session(d->pipeline)->tx_arena) {
        pipeline_run(d->pipeline, below(ROWS));
        pipeline_evidence(d->pipeline);
    }
    pipeline_is_over(d->pipeline);
}

static void take_step(struct door *d)
{
    switch (below(8)) {
    case 0:
    case 1: loop_run_once(fake_dns.loop, (int)below(12)); break;
    case 2:
        if (fake_dns.late)
            fake_dns_answer(fake_dns.late);
        break;
    case 3:
        if (d->stage < STAGE_MAIL)
            pipeline_rest(d->pipeline);
        break;
    case 4:
        if (d->stage >= STAGE_MAIL)
            end_mail(d);
        break;
    case 5: look(d); break;
    default: go_on(d); break;
    }
}

static void make_settings(struct door *d)
{
    static const int points[] = { 300, -100 };

    for (unsigned i = 0; i < ROWS; i++)
        d->settings[i] = (struct check_settings){ .check = &rows[i],
                                                  .index = i,
                                                  .mode = MODE_ENFORCE,
                                                  .points = points,
                                                  .on_failure = { FAIL_DEFER, FAIL_DEFER },
                                                  .budget_ms = rows[i].budget_ms,
                                                  .bounds = { -100, 2000, true, true },
                                                  .after = i && below(3) == 0 ? 1ULL << below(i) : 0 };
}

static void walk(unsigned seed)
{
    const struct engine_conf conf = { .deadline_ms = 20, .lookups_most = 200, .transactions_most = 10 };
    const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    struct door d = { .stage = STAGE_CONNECT };

    srandom(seed);
    salt = below(1000);
    fake_dns.loop = loop_new();
    make_settings(&d);
    d.engine = (struct engine){ .loop = fake_dns.loop,
                                .crew = crew_new(fake_dns.loop, 1, 4, 4),
                                .hostname = "mx.example",
                                .conf = &conf,
                                .actions = &actions,
                                .checks = d.settings,
                                .check_count = ROWS };
    d.pipeline = (below(2) ? pipeline_new_resting : pipeline_new)(&d.engine, "smtp");
    for (unsigned left = below(STEPS_MOST); left; left--)
        take_step(&d);
    EXPECT_TRUE(d.told <= d.asked);
    pipeline_free(d.pipeline);
    loop_run_once(fake_dns.loop, 1);
    crew_free(d.engine.crew);
    loop_free(fake_dns.loop);
}

static unsigned number(const char *name, unsigned initial)
{
    return getenv(name) ? (unsigned)strtoul(getenv(name), NULL, 10) : initial;
}

static void nothing_that_has_gone_is_touched(void **state)
{
    unsigned seed = number("SEED", 1);

    (void)state;
    for (unsigned round = 0; round < number("ROUNDS", ROUNDS); round++)
        walk(seed + round);
}

RUN_TESTS(TEST(nothing_that_has_gone_is_touched))
