/* core/engine.c - what all pipelines share: configuration, admission, and the modules' upkeep. */
#include "gateway/core/engine.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/core/fetch.h"

#define AT(member) offsetof(struct engine_conf, member)

static const struct conf_key engine_keys[] = {
    { .name = "workers",
      .type = CONF_INT,
      .at = AT(workers),
      .initial = "0",
      .least = "0",
      .most = "64",
      .help = "threads for checks that compute; 0: one per core" },
    { .name = "quick_queue",
      .type = CONF_INT,
      .at = AT(quick_most),
      .initial = "2000",
      .least = "1",
      .most = "100000",
      .help = "messages that may wait for a worker; new mail is put off (421, 451) before that is full" },
    { .name = "heavy_queue",
      .type = CONF_INT,
      .at = AT(heavy_most),
      .initial = "500",
      .least = "1",
      .most = "100000",
      .help = "the same for costly checks" },
    { .name = "deadline",
      .type = CONF_MS,
      .at = AT(deadline_ms),
      .initial = "60s",
      .least = "1s",
      .most = "10m",
      .help = "from a message's last byte to its verdict; checks that are not done by then have failed" },
    { .name = "lookups",
      .type = CONF_INT,
      .at = AT(lookups_most),
      .initial = "200",
      .least = "10",
      .most = "2000",
      .help = "DNS look-ups that one message may cause" },
    { .name = "messages",
      .type = CONF_INT,
      .at = AT(transactions_most),
      .initial = "2000",
      .least = "1",
      .most = "100000",
      .help = "messages that may wait for their verdict at once; new mail is put off beyond" },
    { 0 },
};

const struct conf_section engine_section = {
    .name = "engine",
    .help = "how much is done at once",
    .size = sizeof(struct engine_conf),
    .keys = engine_keys,
};

/* A module's care for itself: an inquiry without mail, under the same contract as a check. */
struct upkeep {
    struct engine *engine;
    struct run run;
    struct answers book;
    struct fetcher fetcher;
    struct arena arena;
    struct timer *timer; /* its next turn, or its deadline */
    bool is_at_work, was_done;
};

enum { UPKEEP_ARENA_BYTES = 1 << 20, UPKEEP_BUDGET_MS = 20000, UPKEEP_ASKS = 10000 };

static const struct check_module *module_of(const struct upkeep *u)
{
    return u->run.settings->check->module;
}

static void note_ready(struct engine *engine)
{
    for (size_t i = 0; i < engine->upkeep_count; i++)
        if (!engine->upkeeps[i].was_done)
            return;
    engine->is_ready = true;
}

static void upkeep_end(struct upkeep *u)
{
    engine_raise(u->engine, &u->run);
    fetcher_stop(&u->fetcher);
    answers_clear(&u->book);
    arena_clear(&u->arena);
    u->is_at_work = false;
    u->was_done = true;
    note_ready(u->engine);
    timer_start(u->timer, module_of(u)->upkeep_ms);
}

static void upkeep_step(struct upkeep *u)
{
    struct inquiry q = { .conf = u->run.settings->conf,
                         .actions = u->engine->actions,
                         .arena = &u->arena,
                         .now_ms = clock_wall_ms(),
                         .state = u->engine->state,
                         .run = &u->run };

    run_begin(&u->run);
    if (module_of(u)->upkeep(&q) == STEP_DONE)
        upkeep_end(u);
    else
        fetcher_start(&u->fetcher);
}

static void upkeep_news(void *arg, uint64_t waiting)
{
    struct upkeep *u = arg;

    (void)waiting;
    timer_start(u->timer, 0);
}

/* The timer means: begin a turn; or, in the midst of one, news, or that its time is up. */
static void upkeep_turn(void *arg)
{
    struct upkeep *u = arg;

    if (u->is_at_work && clock_mono_us() - u->run.started_mono_us > UPKEEP_BUDGET_MS * 1000LL) {
        upkeep_end(u);
        return;
    }
    if (!u->is_at_work) {
        u->is_at_work = true;
        u->run.started_mono_us = clock_mono_us();
        u->run.runs = 0;
    }
    timer_start(u->timer, UPKEEP_BUDGET_MS + 1);
    upkeep_step(u);
}

void engine_start(struct engine *engine)
{
    engine->metrics.started_wall_ms = clock_wall_ms();
    engine->upkeeps = mem_alloc(engine->check_count * sizeof *engine->upkeeps);
    for (size_t i = 0; i < engine->check_count; i++) {
        const struct check_settings *s = &engine->checks[i];
        struct upkeep *u = &engine->upkeeps[engine->upkeep_count];

        if (!s->check->module->upkeep || !settings_is_used(s))
            continue;
        engine->upkeep_count++;
        u->engine = engine;
        arena_init(&u->arena, UPKEEP_ARENA_BYTES);
        answers_init(&u->book);
        u->run =
            (struct run){ .settings = s, .book = &u->book, .most_asks = UPKEEP_ASKS, .most_asks_in_book = UPKEEP_ASKS };
        fetcher_init(&u->fetcher, engine->dns, engine->store, &u->book, upkeep_news, u);
        u->timer = timer_new(engine->loop, upkeep_turn, u);
        timer_start(u->timer, 0);
    }
    note_ready(engine);
}

void engine_stop(struct engine *engine)
{
    for (size_t i = 0; i < engine->upkeep_count; i++) {
        struct upkeep *u = &engine->upkeeps[i];

        fetcher_stop(&u->fetcher);
        answers_release(&u->book);
        arena_release(&u->arena);
        timer_free(u->timer);
    }
    free(engine->upkeeps);
    engine->upkeeps = NULL;
    engine->upkeep_count = 0;
}

const char *engine_is_busy(struct engine *engine)
{
    if (engine->deciding >= engine->conf->transactions_most)
        return "too many messages are being examined";
    if (crew_is_busy(engine->crew, 90))
        return "too many messages wait for examination";
    return NULL;
}

const char *engine_admits(struct engine *engine)
{
    const char *busy = engine_is_busy(engine);

    engine->metrics.admission_refused += busy != NULL;
    return busy;
}

void engine_raise(struct engine *engine, const struct run *run)
{
    for (size_t i = 0; i < run->raised_count; i++)
        alarms_raise(&engine->alarms, run->raised[i].key, run->raised[i].text);
}
