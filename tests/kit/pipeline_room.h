/* tests/kit/pipeline_room.h - an engine and one pipeline with checks of a test's own, and the kit's fake resolver.
 *
 * For one test program that includes it once.
 */
#ifndef KIT_PIPELINE_ROOM_H
#define KIT_PIPELINE_ROOM_H

#include "tests/kit/fake_dns.h"

#include "gateway/base/clock.h"
#include "gateway/core/pipeline.h"

static struct loop *loop;

enum { ROOM_CHECKS = 3 };

struct room {
    struct check checks[ROOM_CHECKS];
    struct check_settings settings[ROOM_CHECKS];
    int points[2];
    struct engine_conf conf;
    struct actions_conf actions;
    struct engine engine;
    struct pipeline *pipeline;
    struct verdict verdict;
    unsigned verdicts;
};

static struct room *room_open(const struct check *checks, size_t count)
{
    struct room *r = mem_alloc(sizeof *r);

    fake_dns.loop = loop = loop_new();
    fake_dns.asked = fake_dns.cancelled = 0;
    r->points[0] = 2000;
    r->points[1] = -100;
    r->conf = (struct engine_conf){
        .quick_most = 4, .heavy_most = 4, .deadline_ms = 2000, .lookups_most = 200, .transactions_most = 10
    };
    r->actions = (struct actions_conf){ .tag = 600, .reject = 1500, .subject = "" };
    for (size_t i = 0; i < count; i++) {
        r->checks[i] = checks[i];
        r->settings[i] = (struct check_settings){ .check = &r->checks[i],
                                                  .index = (unsigned)i,
                                                  .mode = MODE_ENFORCE,
                                                  .points = r->points,
                                                  .on_failure = { checks[i].on_failure[0], checks[i].on_failure[1] },
                                                  .budget_ms = checks[i].budget_ms,
                                                  .bounds = { -100, 2000, false, false } };
    }
    r->engine = (struct engine){ .loop = loop,
                                 .crew = crew_new(loop, 1, 4, 4),
                                 .hostname = "mx.example",
                                 .conf = &r->conf,
                                 .actions = &r->actions,
                                 .checks = r->settings,
                                 .check_count = count };
    r->pipeline = pipeline_new(&r->engine, "test");
    return r;
}

static void room_close(struct room *r)
{
    pipeline_free(r->pipeline);
    crew_free(r->engine.crew);
    loop_free(loop);
    free(r);
}

static void on_verdict(void *arg, const struct verdict *v)
{
    struct room *r = arg;

    r->verdict = *v;
    r->verdicts++;
}

static void wait_for_verdict(struct room *r, unsigned number)
{
    int64_t end = clock_mono_ms() + 20000;

    while (r->verdicts < number && clock_mono_ms() < end)
        loop_run_once(loop, 50);
    EXPECT_INT(number, r->verdicts);
}

#define ROW(stage, place, budget, asks, after, module)                                                                 \
    {                                                                                                                  \
        "row", stage, place, budget, asks, { FAIL_DEFER, FAIL_DEFER }, after, false, false, module                     \
    }

#endif
