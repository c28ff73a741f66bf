/* tests/unit/test_engine.c - the modules' care for themselves: at start, and again and again. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/core/engine.h"

/* A resolver of this file: it answers in the next turn, and can be cancelled. */
struct dns_query {
    char name[DNS_NAME_MAX];
    enum dns_type type;
    dns_fn *fn;
    void *arg;
    struct timer *timer;
};

static struct loop *loop;
static unsigned asked, turns;

static void answer(void *arg)
{
    struct dns_query *q = arg;
    const struct dns_answer *said = NULL;
    struct arena a;

    arena_init(&a, 1 << 20);
    EXPECT_INT(FAULT_NONE, dns_answer_text(&a, q->name, q->type, SPAN("127.0.0.2"), &said));
    q->fn(q->arg, said);
    arena_release(&a);
    timer_free(q->timer);
    free(q);
}

struct dns_query *dns_ask(struct dns *dns, const char *name, enum dns_type type, int timeout_ms, dns_fn *fn, void *arg)
{
    struct dns_query *q = mem_alloc(sizeof *q);

    (void)dns;
    (void)timeout_ms;
    asked++;
    *q = (struct dns_query){ .type = type, .fn = fn, .arg = arg };
    EXPECT_INT(FAULT_NONE, span_copy(span_of(name), q->name, sizeof q->name));
    q->timer = timer_new(loop, answer, q);
    if (strcmp(name, "never.example") != 0)
        timer_start(q->timer, 1);
    return q;
}

void dns_cancel(struct dns *dns, struct dns_query *q)
{
    (void)dns;
    timer_free(q->timer);
    free(q);
}

static enum step nothing(struct inquiry *q)
{
    (void)q;
    return STEP_DONE;
}

static enum step look_after(struct inquiry *q)
{
    EXPECT_NULL(q->session);
    EXPECT_NULL(q->message);
    const struct dns_answer *a = ask_dns(q, "test.example", DNS_A), *b = ask_dns(q, "other.example", DNS_A);

    if (!a || !b)
        return STEP_WAIT;
    turns++;
    return STEP_DONE;
}

static enum step never_done(struct inquiry *q)
{
    return ask_dns(q, "never.example", DNS_A) ? STEP_DONE : STEP_WAIT;
}

static const struct check_module caring = { .run = nothing, .upkeep = look_after, .upkeep_ms = 50 };
static const struct check_module stuck = { .run = nothing, .upkeep = never_done, .upkeep_ms = 50 };

static void start(struct engine *engine, const struct check_module *module, enum mode mode, struct check *check,
                  struct check_settings *settings)
{
    loop = loop_new();
    asked = turns = 0;
    *check = (struct check){ .name = "check", .budget_ms = 1000, .asks = 1, .module = module };
    *settings = (struct check_settings){ .check = check, .mode = mode, .budget_ms = 1000 };
    *engine = (struct engine){ .loop = loop, .checks = settings, .check_count = 1 };
    engine_start(engine);
}

static void run_for(int ms)
{
    for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end;)
        loop_run_once(loop, 5);
}

static void upkeep_is_done_at_start_and_again(void **state)
{
    struct check_settings settings;
    struct engine engine;
    struct check check;

    (void)state;
    start(&engine, &caring, MODE_ENFORCE, &check, &settings);
    EXPECT_FALSE(engine.is_ready);
    run_for(400);
    EXPECT_TRUE(engine.is_ready);
    EXPECT_TRUE(turns >= 2);
    EXPECT_TRUE(asked >= 2 * turns); /* every turn asks anew: what it looks after may have changed */
    engine_stop(&engine);
    loop_free(loop);
}

static void a_check_that_is_off_needs_none(void **state)
{
    struct check_settings settings;
    struct engine engine;
    struct check check;

    (void)state;
    start(&engine, &caring, MODE_OFF, &check, &settings);
    EXPECT_TRUE(engine.is_ready);
    run_for(60);
    EXPECT_INT(0, asked);
    engine_stop(&engine);
    loop_free(loop);
}

static void what_is_under_way_ends_with_the_engine(void **state)
{
    struct check_settings settings;
    struct engine engine;
    struct check check;

    (void)state;
    start(&engine, &stuck, MODE_ENFORCE, &check, &settings);
    run_for(60);
    EXPECT_INT(1, asked);
    EXPECT_FALSE(engine.is_ready);
    engine_stop(&engine);
    loop_free(loop);
}

RUN_TESTS(TEST(upkeep_is_done_at_start_and_again), TEST(a_check_that_is_off_needs_none),
          TEST(what_is_under_way_ends_with_the_engine))
