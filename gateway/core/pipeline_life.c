/* core/pipeline_life.c - how pipelines and transactions begin and end.
 *
 * A transaction that a worker holds when the door ends it lives on as an orphan; done() in pipeline.c frees it, and the
 * pipeline after the last one.
 */
#include "gateway/core/pipeline_state.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

enum { CONNECTION_ARENA_BYTES = 1024 * 1024, TRANSACTION_ARENA_BYTES = 4 * 1024 * 1024 };

static struct run *run_new(struct pipeline *p, struct arena *a, size_t row)
{
    struct run *run = arena_alloc(a, sizeof *run);

    run->settings = &p->engine->checks[row];
    run->state = settings_is_used(run->settings) ? RUN_IDLE : RUN_OFF;
    run->most_asks = run->settings->check->asks;
    run->view = p->view;
    run->most_asks_in_book = (size_t)p->engine->conf->lookups_most;
    return run;
}

static void make_connection_runs(struct pipeline *p)
{
    for (size_t i = 0; i < p->engine->check_count; i++) {
        if (!is_connections(p->engine->checks[i].check->stage))
            continue;
        p->runs[i] = run_new(p, &p->arena, i);
        p->runs[i]->book = &p->book;
        p->view[i] = p->runs[i];
    }
}

struct pipeline *pipeline_new(struct engine *engine, const char *door)
{
    struct pipeline *p = mem_alloc(sizeof *p);

    p->engine = engine;
    arena_init(&p->arena, CONNECTION_ARENA_BYTES);
    answers_init(&p->book);
    fetcher_init(&p->fetcher, engine->dns, engine->store, &p->book, pipeline_on_news, p);
    p->session = (struct session){
        .arena = &p->arena, .door = door, .hostname = engine->hostname, .tls_version = "", .tls_cipher = ""
    };
    p->timer = timer_new(engine->loop, pipeline_advance, p);
    p->soon = timer_new(engine->loop, pipeline_advance, p);
    make_connection_runs(p);
    metrics_session(&engine->metrics, door, 1);
    pipeline_begin(p);
    return p;
}

static struct transaction *transaction_new(struct pipeline *p)
{
    struct transaction *tx = mem_alloc(sizeof *tx);

    tx->pipeline = p;
    arena_init(&tx->arena, TRANSACTION_ARENA_BYTES);
    arena_init(&tx->work, TRANSACTION_ARENA_BYTES);
    answers_init(&tx->book);
    fetcher_init(&tx->fetcher, p->engine->dns, p->engine->store, &tx->book, pipeline_on_news, p);
    tx->evidence.iprev = p->evidence.iprev;
    tx->begun_ms = clock_mono_ms();
    for (size_t i = 0; i < p->engine->check_count; i++) {
        if (is_connections(p->engine->checks[i].check->stage))
            continue;
        tx->runs[i] = run_new(p, &tx->work, i);
        tx->runs[i]->elder = &p->book;
        tx->runs[i]->book = &tx->book;
        p->view[i] = tx->runs[i];
    }
    return tx;
}

static bool wants_to_know(const struct run *run)
{
    const struct check_module *module = run ? run->settings->check->module : NULL;

    return module && module->settle && (run->state == RUN_DONE || (module->settles_unfinished && run->has_run));
}

void transaction_settle(struct transaction *tx)
{
    struct pipeline *p = tx->pipeline;
    const struct settlement end = { .action = tx->has_verdict ? tx->verdict.action : ACTION_ACCEPT,
                                    .score = tx->verdict.score,
                                    .has_verdict = tx->has_verdict,
                                    .is_delivered = tx->is_delivered };

    if (tx->is_settled)
        return;
    tx->is_settled = true;
    for (size_t i = 0; i < p->engine->check_count; i++) {
        struct run *run = tx->runs[i];

        if (!wants_to_know(run))
            continue;
        struct inquiry q = { .session = tx->is_reached[STAGE_MESSAGE] ? &tx->session : &p->session,
                             .message = tx->message,
                             .conf = run->settings->conf,
                             .actions = rules_actions(tx),
                             .evidence = &tx->evidence,
                             .arena = &tx->work,
                             .now_ms = clock_wall_ms(),
                             .is_exempt = tx->is_exempt,
                             .run = run };

        run->settings->check->module->settle(&q, &end);
        for (size_t j = 0; p->engine->store && j < run->told_count; j++)
            store_tell(p->engine->store, &run->told[j]);
    }
}

static void count(struct transaction *tx)
{
    struct engine *engine = tx->pipeline->engine;

    for (size_t i = 0; i < engine->check_count; i++)
        if (tx->runs[i])
            metrics_run(&engine->metrics, tx->overdue && tx->overdue[i].settings ? &tx->overdue[i] : tx->runs[i]);
    if (tx->has_verdict)
        metrics_verdict(&engine->metrics, tx->pipeline->session.door, tx->verdict.action);
}

void transaction_free(struct transaction *tx)
{
    transaction_settle(tx);
    count(tx);
    fetcher_stop(&tx->fetcher);
    answers_release(&tx->book);
    message_free(tx->message);
    arena_release(&tx->arena);
    arena_release(&tx->work);
    free(tx->overdue);
    free(tx);
}

void pipeline_destroy(struct pipeline *p)
{
    for (size_t i = 0; i < p->engine->check_count; i++)
        if (p->runs[i])
            metrics_run(&p->engine->metrics, p->runs[i]);
    metrics_session(&p->engine->metrics, p->session.door, -1);
    fetcher_stop(&p->fetcher);
    answers_release(&p->book);
    arena_release(&p->arena);
    timer_free(p->timer);
    timer_free(p->soon);
    free(p);
}

void pipeline_stop_deciding(struct pipeline *p, struct transaction *tx)
{
    p->engine->deciding -= tx->is_deciding;
    tx->is_deciding = false;
}

static void drop_transaction(struct pipeline *p)
{
    struct transaction *tx = p->tx;

    p->tx = NULL;
    p->want.fn = NULL;
    if (!tx)
        return;
    pipeline_stop_deciding(p, tx);
    if (tx->is_lent)
        tx->is_orphan = true;
    else
        transaction_free(tx);
}

/* One that a worker holds is settled when it comes home. */
void pipeline_settle(struct pipeline *p, bool is_delivered)
{
    p->tx->is_delivered = is_delivered;
    if (!p->tx->is_lent)
        transaction_settle(p->tx);
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    drop_transaction(p);
    p->is_closed = true;
    timer_stop(p->timer);
    timer_stop(p->soon);
    if (!p->lent)
        pipeline_destroy(p);
}

struct session *pipeline_session(struct pipeline *p)
{
    return &p->session;
}

/* What failed for one message, perhaps because its time was up, is tried again for the next; and what an early verdict
 * made needless for one is not needless for the next: who sends a message that is refused at once must not send others
 * behind it that no list has seen. */
static void retry_unfinished(struct pipeline *p)
{
    for (size_t i = 0; i < p->engine->check_count; i++) {
        if (!p->runs[i] || (p->runs[i]->state != RUN_FAILED && p->runs[i]->state != RUN_SKIPPED))
            continue;
        metrics_run(&p->engine->metrics, p->runs[i]);
        p->runs[i]->state = RUN_IDLE;
        p->runs[i]->runs = 0;
    }
}

void pipeline_begin(struct pipeline *p)
{
    struct session *s = &p->session;

    drop_transaction(p);
    retry_unfinished(p);
    p->tx = transaction_new(p);
    rules_begin(p);
    s->tx_arena = &p->tx->arena;
    s->mail_from = (struct address){ 0 };
    s->recipients = NULL;
    s->recipient_count = 0;
    s->is_8bit = s->is_smtputf8 = false;
    s->declared_bytes = 0;
    s->started_wall_ms = clock_wall_ms();
    ulid_make(s->started_wall_ms, s->id);
}

void pipeline_end(struct pipeline *p)
{
    pipeline_begin(p);
}
