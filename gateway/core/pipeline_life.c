/* core/pipeline_life.c - how pipelines and transactions begin and end.
 *
 * A transaction that a worker holds when the door ends it lives on as an orphan; done() in pipeline.c frees it, and the
 * pipeline after the last one.
 */
#include "gateway/core/pipeline_state.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/core/weight.h"

enum { CONNECTION_ARENA_BYTES = 1024 * 1024, TRANSACTION_ARENA_BYTES = 4 * 1024 * 1024 };

static void run_init(struct run *run, struct pipeline *p, size_t row, bool is_on)
{
    const struct check_settings *settings = &p->engine->checks[row];

    *run = (struct run){ .settings = settings,
                         .state = is_on ? RUN_IDLE : RUN_OFF,
                         .book = &p->book,
                         .most_asks = settings->check->asks,
                         .most_asks_in_book = (size_t)p->engine->conf->lookups_most };
}

/* Which rows are on, for good. Those that are off lie with the connection's, and are never looked at but by reports. */
static void find_rows(struct pipeline *p)
{
    for (size_t i = 0; i < p->engine->check_count; i++) {
        const struct check_settings *s = &p->engine->checks[i];
        uint64_t bit = 1ULL << i;

        if (!settings_is_used(s) || s->check->stage > p->last)
            continue;
        p->rows |= bit;
        if (is_connections(s->check->stage))
            p->earlier |= bit;
    }
}

static void make_connection_runs(struct pipeline *p)
{
    uint64_t others = p->rows & ~p->earlier;
    size_t count = p->engine->check_count - (size_t)__builtin_popcountll(others);
    struct run *run = p->own = mem_alloc((count + 1) * sizeof *run);

    p->view = mem_alloc((p->engine->check_count + 1) * sizeof *p->view);
    for (size_t i = 0; i < p->engine->check_count; i++) {
        if (others & 1ULL << i)
            continue;
        run_init(run, p, i, p->rows & 1ULL << i);
        run->view = p->view;
        p->view[i] = run;
        p->runs[i] = run++;
    }
}

static void session_init(struct pipeline *p, const char *door)
{
    p->session = (struct session){
        .arena = &p->arena, .door = door, .hostname = p->engine->hostname, .tls_version = "", .tls_cipher = ""
    };
}

static struct pipeline *pipeline_make(struct engine *engine, const char *door, enum stage last)
{
    struct pipeline *p = mem_alloc(sizeof *p);

    p->engine = engine;
    p->last = last;
    p->tarpit_most_ms = TARPIT_MOST_MS;
    arena_init(&p->arena, CONNECTION_ARENA_BYTES);
    answers_init(&p->book);
    fetcher_init(&p->fetcher, engine->dns, engine->store, &p->book, pipeline_on_news, p);
    session_init(p, door);
    p->timer = timer_new(engine->loop, pipeline_advance, p);
    p->soon = (struct task){ .fn = pipeline_advance, .arg = p };
    find_rows(p);
    make_connection_runs(p);
    return p;
}

struct pipeline *pipeline_new_until(struct engine *engine, const char *door, enum stage last)
{
    struct pipeline *p = pipeline_make(engine, door, last);

    pipeline_begin(p);
    return p;
}

struct pipeline *pipeline_new_resting(struct engine *engine, const char *door)
{
    struct pipeline *p = pipeline_make(engine, door, STAGE_MESSAGE);

    p->is_to_rest = true;
    return p;
}

struct pipeline *pipeline_new(struct engine *engine, const char *door)
{
    return pipeline_new_until(engine, door, STAGE_MESSAGE);
}

static void make_runs(struct pipeline *p, struct transaction *tx)
{
    struct run *run = tx->own;

    for (uint64_t left = p->rows & ~p->earlier; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);

        run_init(run, p, i, true);
        run->elder = &p->book;
        run->book = &tx->book;
        tx->runs[i] = run++;
    }
}

static struct transaction *transaction_new(struct pipeline *p)
{
    size_t count = (size_t)__builtin_popcountll(p->rows & ~p->earlier);
    struct transaction *tx = mem_alloc(sizeof *tx);

    tx->pipeline = p;
    tx->own = mem_alloc((count + 1) * sizeof *tx->own);
    arena_init(&tx->arena, TRANSACTION_ARENA_BYTES);
    arena_init(&tx->work, TRANSACTION_ARENA_BYTES);
    answers_init(&tx->book);
    fetcher_init(&tx->fetcher, p->engine->dns, p->engine->store, &tx->book, pipeline_on_news, p);
    return tx;
}

/* The connection's runs look at their sisters in the transaction that is there now; one that has become an orphan keeps
 * its own view. */
static void make_view(struct pipeline *p, struct transaction *tx)
{
    for (size_t i = 0; i < p->engine->check_count; i++) {
        struct run *run = p->runs[i] ? p->runs[i] : tx->runs[i];

        run->view = tx->view;
        tx->view[i] = run;
    }
}

static void transaction_begin(struct pipeline *p)
{
    struct transaction *tx = p->spare ? p->spare : transaction_new(p);

    p->spare = NULL;
    p->tx = tx;
    tx->evidence.iprev = p->evidence.iprev;
    make_runs(p, tx);
    make_view(p, tx);
}

static bool wants_to_know(const struct run *run)
{
    const struct check_module *module = run->settings->check->module;

    return module->settle && (run->state == RUN_DONE || (module->settles_unfinished && run->has_run));
}

/* What counts in the score, of all that have been run. */
static const struct sister_finding *list_found(struct transaction *tx, size_t *count)
{
    const size_t rows = tx->pipeline->engine->check_count;
    struct sister_finding *found;
    size_t most = 0;

    *count = 0;
    for (size_t i = 0; i < rows; i++)
        most += tx->view[i]->state == RUN_DONE ? tx->view[i]->finding_count : 0;
    found = arena_alloc(&tx->work, (most + 1) * sizeof *found);
    for (size_t i = 0; i < rows; i++) {
        const struct run *run = tx->view[i];

        if (run->state != RUN_DONE || verdict_is_moot(tx->view, rows, &tx->verdict, run))
            continue;
        for (size_t k = 0; k < run->finding_count; k++)
            if (weight_mode(run, &run->findings[k]) > MODE_SHADOW &&
                !weight_removal(tx->view, rows, run->findings[k].symbol))
                found[(*count)++] = (struct sister_finding){ run->settings->check->name, run->findings[k].symbol,
                                                             run->findings[k].points };
    }
    return found;
}

void transaction_settle(struct transaction *tx)
{
    struct pipeline *p = tx->pipeline;
    struct settlement end = { .action = tx->has_verdict ? tx->verdict.action : ACTION_ACCEPT,
                              .score = tx->verdict.score,
                              .has_verdict = tx->has_verdict,
                              .is_delivered = tx->is_delivered };

    if (tx->is_settled)
        return;
    tx->is_settled = true;
    if (tx->has_verdict)
        end.found = list_found(tx, &end.found_count);
    for (uint64_t left = p->rows & ~p->earlier; left; left &= left - 1) {
        struct run *run = tx->runs[__builtin_ctzll(left)];

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

    for (uint64_t left = tx->pipeline->rows & ~tx->pipeline->earlier; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);

        metrics_run(&engine->metrics, tx->overdue && tx->overdue[i].settings ? &tx->overdue[i] : tx->runs[i]);
    }
    if (tx->has_verdict)
        metrics_verdict(&engine->metrics, tx->pipeline->session.door, tx->verdict.action);
}

/* Ends it; what is left is memory. */
static void transaction_stop(struct transaction *tx)
{
    transaction_settle(tx);
    count(tx);
    fetcher_stop(&tx->fetcher);
    message_free(tx->message);
    free(tx->overdue);
}

static void free_memory(struct transaction *tx)
{
    if (!tx)
        return;
    answers_release(&tx->book);
    arena_release(&tx->arena);
    arena_release(&tx->work);
    free(tx->own);
    free(tx);
}

void transaction_free(struct transaction *tx)
{
    transaction_stop(tx);
    free_memory(tx);
}

/* As new, with the memory that it has. */
static void transaction_clear(struct transaction *tx)
{
    struct transaction kept;

    transaction_stop(tx);
    arena_clear(&tx->arena);
    arena_clear(&tx->work);
    kept = (struct transaction){ .pipeline = tx->pipeline,
                                 .arena = tx->arena,
                                 .work = tx->work,
                                 .book = tx->book,
                                 .fetcher = tx->fetcher,
                                 .own = tx->own };
    *tx = kept;
    answers_clear(&tx->book);
}

static void count_connection(struct pipeline *p)
{
    for (uint64_t left = p->earlier; left; left &= left - 1)
        metrics_run(&p->engine->metrics, p->runs[__builtin_ctzll(left)]);
}

void pipeline_destroy(struct pipeline *p)
{
    count_connection(p);
    fetcher_stop(&p->fetcher);
    free_memory(p->spare);
    answers_release(&p->book);
    arena_release(&p->arena);
    timer_free(p->timer);
    loop_drop_task(p->engine->loop, &p->soon);
    free(p->view);
    free(p->own);
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
    if (tx->is_lent) {
        tx->is_orphan = true;
        return;
    }
    transaction_clear(tx);
    p->spare = tx;
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
    loop_drop_task(p->engine->loop, &p->soon);
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
    for (uint64_t left = p->earlier; left; left &= left - 1) {
        struct run *run = p->runs[__builtin_ctzll(left)];

        if (run->state != RUN_FAILED && run->state != RUN_SKIPPED)
            continue;
        metrics_run(&p->engine->metrics, run);
        run->state = RUN_IDLE;
        run->runs = 0;
    }
}

void pipeline_begin(struct pipeline *p)
{
    struct session *s = &p->session;

    p->is_to_rest = false;
    drop_transaction(p);
    retry_unfinished(p);
    transaction_begin(p);
    rules_begin(p);
    s->tx_arena = &p->tx->arena;
    s->mail_from = (struct address){ 0 };
    s->recipients = NULL;
    s->recipient_count = s->recipient_room = s->unnamed_recipients = 0;
    s->is_8bit = s->is_binary = s->is_smtputf8 = s->is_require_tls = false;
    s->ret = DSN_RET_UNSAID;
    s->envid = s->mail_auth = SPAN("");
    s->declared_bytes = 0;
    s->started_wall_ms = clock_wall_ms();
    ulid_make(s->started_wall_ms, s->id);
}

static bool is_at_work(const struct pipeline *p)
{
    for (uint64_t left = p->earlier; left; left &= left - 1) {
        const struct run *run = p->runs[__builtin_ctzll(left)];
        bool is_due = run->state == RUN_IDLE && p->is_reached[run->settings->check->stage];

        if (is_due || run->state == RUN_READY || run->state == RUN_PARKED)
            return true;
    }
    return false;
}

void pipeline_try_rest(struct pipeline *p)
{
    if (!p->is_to_rest || !p->tx || p->want.fn || p->lent || is_at_work(p))
        return;
    drop_transaction(p);
    free_memory(p->spare);
    p->spare = NULL;
    p->session.tx_arena = NULL;
    for (size_t i = 0; i < p->engine->check_count; i++)
        if (p->runs[i])
            p->runs[i]->view = p->view;
}

void pipeline_rest(struct pipeline *p)
{
    p->is_to_rest = true;
    pipeline_try_rest(p);
}

bool pipeline_renew(struct pipeline *p)
{
    drop_transaction(p);
    if (p->lent)
        return false;
    count_connection(p);
    timer_stop(p->timer);
    loop_drop_task(p->engine->loop, &p->soon);
    fetcher_stop(&p->fetcher);
    answers_clear(&p->book);
    arena_clear(&p->arena);
    p->evidence = (struct evidence){ 0 };
    p->crew_was_full = false;
    for (size_t i = 0; i < STAGE_COUNT; i++)
        p->is_reached[i] = false;
    for (uint64_t left = p->earlier; left; left &= left - 1)
        run_init(p->runs[__builtin_ctzll(left)], p, (size_t)__builtin_ctzll(left), true);
    session_init(p, p->session.door);
    pipeline_begin(p);
    return true;
}

void pipeline_end(struct pipeline *p)
{
    pipeline_begin(p);
}
