/* tests/unit/test_engine.c - the modules' care for themselves: at start, and again and again. */
#include "tests/kit/fake_dns.h"

#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/core/engine.h"

static struct loop *loop;
static unsigned turns;

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
    fake_dns.loop = loop = loop_new();
    fake_dns.answer = "127.0.0.2";
    fake_dns.asked = turns = 0;
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
    EXPECT_TRUE(fake_dns.asked >= 2 * turns); /* every turn asks anew: what it looks after may have changed */
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
    EXPECT_INT(0, fake_dns.asked);
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
    EXPECT_INT(1, fake_dns.asked);
    EXPECT_FALSE(engine.is_ready);
    engine_stop(&engine);
    loop_free(loop);
}

RUN_TESTS(TEST(upkeep_is_done_at_start_and_again), TEST(a_check_that_is_off_needs_none),
          TEST(what_is_under_way_ends_with_the_engine))
