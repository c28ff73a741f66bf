/* core/pipeline.c - when: which check runs now, which waits, and when the verdict is certain.
 *
 * All is driven by pipeline_advance(): run what is ready on the loop, fetch what was asked, decide if it can be
 * decided, lend the rest to a worker. While a worker holds a transaction nothing of this connection's checks runs on
 * the loop, and answers wait aside (core/fetch.h): a check never meets another one.
 *
 * A door may end a transaction that is lent. It then lives on as an orphan until the worker gives it back; the
 * connection's memory, which checks read, too, stays until the last orphan is home.
 */
#include "gateway/core/pipeline_state.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/content/content.h"

enum {
    RUNS_MOST = 250, /* of one check in one transaction: more is a check that does not converge */
    CREW_RETRY_MS = 10,
};

static bool is_finished(const struct run *run)
{
    return run->state == RUN_DONE || run->state == RUN_FAILED || run->state == RUN_OFF || run->state == RUN_SKIPPED;
}

static const struct check *check_of(const struct run *run)
{
    return run->settings->check;
}

/* ---- running ---- */

static struct inquiry inquiry_of(struct pipeline *p, struct run *run)
{
    enum stage stage = check_of(run)->stage;
    struct transaction *tx = p->tx;
    bool is_ours = is_connections(stage);

    return (struct inquiry){
        .session = stage == STAGE_MESSAGE ? &tx->session : &p->session,
        .message = stage == STAGE_MESSAGE ? tx->message : NULL,
        .conf = run->settings->conf,
        .actions = tx ? rules_actions(tx) : p->engine->actions,
        .evidence = is_ours ? &p->evidence : &tx->evidence,
        .arena = is_ours ? &p->arena : &tx->work,
        .now_ms = p->session.started_wall_ms,
        .is_exempt = tx && tx->is_exempt,
        .run = run,
    };
}

/* While it rests there are the connection's alone. */
static uint64_t rows_of(const struct pipeline *p)
{
    return p->tx ? p->rows : p->earlier;
}

static void fail_run(struct run *run, const char *why)
{
    run->state = RUN_FAILED;
    run->failure = why;
    run->finding_count = 0;
    run->is_permit = false;
    run->is_forced = false;
    run->demanded_count = 0;
}

static void fail_late(struct run *run, const char *why)
{
    fail_run(run, why);
    run->is_late = true;
}

/* One turn of one check; on the loop or on a worker. */
static void run_check(struct run *run, struct inquiry *q)
{
    int64_t begin = clock_mono_us();

    if (!run->runs)
        run->started_mono_us = begin;
    run_begin(run);
    enum step step = check_of(run)->module->run(q);

    run->took_us = clock_mono_us() - run->started_mono_us;
    if (step == STEP_WAIT && !run->awaited)
        fail_run(run, "it waits, but for no answer");
    else if (step == STEP_WAIT && run->runs >= RUNS_MOST)
        fail_run(run, "it does not come to an end");
    else if (step == STEP_WAIT && arena_is_over(q->arena))
        fail_run(run, "it needs too much memory");
    else if (step == STEP_WAIT)
        run->state = RUN_PARKED;
    else
        run->state = run->failure ? RUN_FAILED : RUN_DONE;
}

static void after_run(struct pipeline *p, struct run *run)
{
    engine_raise(p->engine, run);
    if (is_connections(check_of(run)->stage) && p->tx)
        p->tx->evidence.iprev = p->evidence.iprev;
}

static bool is_reached(const struct pipeline *p, enum stage stage)
{
    return is_connections(stage) ? p->is_reached[stage] : p->tx->is_reached[stage];
}

static bool is_after_done(const struct run *run)
{
    for (uint64_t left = run->settings->after; left; left &= left - 1)
        if (!is_finished(run->view[__builtin_ctzll(left)]))
            return false;
    return true;
}

static struct run *run_at(struct pipeline *p, size_t row)
{
    return p->runs[row] ? p->runs[row] : p->tx->runs[row];
}

static size_t next_row(uint64_t rows)
{
    return (size_t)__builtin_ctzll(rows);
}

/* What a check will ask is asked while the sisters that it waits for still work. */
static void foresee(struct pipeline *p, struct run *run)
{
    const struct check_module *module = check_of(run)->module;

    if (!module->foresee || run->has_foreseen)
        return;
    struct inquiry q = inquiry_of(p, run);

    run->has_foreseen = true;
    module->foresee(&q);
    run->asked = run->awaited = 0;
}

/* What a message says is made by a worker, for it may take long. */
static bool awaits_content(const struct pipeline *p, const struct run *run)
{
    return run->state == RUN_READY && check_of(run)->module->reads_content && p->tx && p->tx->message &&
           !p->tx->message->content;
}

/* Runs every check of the loop's that can run now; true when one did (its sisters may be ready then). */
static bool run_on_loop(struct pipeline *p)
{
    bool did_run = false;

    for (uint64_t left = rows_of(p); left; left &= left - 1) {
        struct run *run = run_at(p, next_row(left));

        if (run->state == RUN_IDLE && is_reached(p, check_of(run)->stage)) {
            if (is_after_done(run))
                run->state = RUN_READY;
            else
                foresee(p, run);
        }
        if (run->state != RUN_READY || check_of(run)->place != ON_LOOP || awaits_content(p, run))
            continue;
        struct inquiry q = inquiry_of(p, run);

        run_check(run, &q);
        after_run(p, run);
        did_run = true;
    }
    return did_run;
}

/* A row of a transaction may have waited for what the connection asked, and the transaction may be gone by now. */
void pipeline_on_news(void *arg, uint64_t waiting)
{
    struct pipeline *p = arg;

    for (waiting &= rows_of(p); waiting; waiting &= waiting - 1) {
        struct run *run = run_at(p, next_row(waiting));

        if (run->state == RUN_PARKED)
            run->state = RUN_READY;
    }
    loop_run_task(p->engine->loop, &p->soon);
}

/* ---- workers ---- */

static void work(struct job *job)
{
    struct transaction *tx = (struct transaction *)job;

    if (!tx->lent)
        message_content(tx->message);
    for (uint64_t left = tx->lent; left; left &= left - 1) {
        struct run *run = tx->runs[__builtin_ctzll(left)];
        struct inquiry q = { .session = &tx->session,
                             .message = tx->message,
                             .conf = run->settings->conf,
                             .actions = rules_actions(tx),
                             .evidence = &tx->evidence,
                             .arena = &tx->work,
                             .now_ms = tx->session.started_wall_ms,
                             .is_exempt = tx->is_exempt,
                             .runner = job->worker,
                             .run = run };

        run_check(run, &q);
    }
}

static void come_home(struct pipeline *p, struct transaction *tx)
{
    for (uint64_t left = tx->lent; left; left &= left - 1)
        after_run(p, tx->runs[__builtin_ctzll(left)]);
    tx->lent = 0;
    fetcher_release(&tx->fetcher);
}

static void done(struct job *job)
{
    struct transaction *tx = (struct transaction *)job;
    struct pipeline *p = tx->pipeline;

    p->lent--;
    tx->is_lent = false;
    if (tx->is_orphan)
        transaction_free(tx);
    else
        come_home(p, tx);
    if (p->is_closed && !p->lent) {
        pipeline_destroy(p);
        return;
    }
    if (!p->lent && !p->is_closed) {
        fetcher_release(&p->fetcher);
        pipeline_advance(p);
    }
}

static uint64_t ready_in(struct pipeline *p, enum place place)
{
    uint64_t rows = 0;

    for (uint64_t left = p->rows & ~p->earlier; left; left &= left - 1) {
        const struct run *run = run_at(p, next_row(left));

        if (run->state == RUN_READY && check_of(run)->place == place)
            rows |= left & -left;
    }
    return rows;
}

static bool is_content_awaited(struct pipeline *p)
{
    for (uint64_t left = p->rows & ~p->earlier; left; left &= left - 1)
        if (awaits_content(p, run_at(p, next_row(left))))
            return true;
    return false;
}

/* The checks for workers that can run now; when there is none, but one of the loop's waits for the message's content,
 * that alone is made. */
static void lend(struct pipeline *p)
{
    struct transaction *tx = p->tx;
    uint64_t quick = ready_in(p, ON_QUICK);

    tx->lent = quick ? quick : ready_in(p, ON_HEAVY);
    p->crew_was_full = false;
    bool is_quick = quick || !tx->lent;

    if (!tx->lent && !is_content_awaited(p))
        return;
    tx->job = (struct job){ .work = work, .done = done };
    tx->evidence_before = tx->evidence;
    fetcher_hold(&tx->fetcher);
    fetcher_hold(&p->fetcher);
    if (crew_give(p->engine->crew, is_quick ? LANE_QUICK : LANE_HEAVY, &tx->job)) {
        tx->is_lent = true;
        p->lent++;
        return;
    }
    tx->lent = 0;
    fetcher_release(&tx->fetcher);
    fetcher_release(&p->fetcher);
    p->crew_was_full = true;
}

/* ---- deadlines ---- */

static int64_t run_deadline_ms(const struct run *run)
{
    return run->started_mono_us / 1000 + run->settings->budget_ms;
}

static void expire(struct pipeline *p, int64_t now_ms)
{
    for (uint64_t left = rows_of(p); left; left &= left - 1) {
        struct run *run = run_at(p, next_row(left));

        if (run->state == RUN_PARKED && now_ms >= run_deadline_ms(run))
            fail_late(run, run_awaits(run, p->tx ? &p->tx->arena : &p->arena));
    }
}

static void set_timer(struct pipeline *p)
{
    int64_t now = clock_mono_ms(), next = p->want.fn ? p->want.deadline_ms : INT64_MAX;

    if (p->want.fn && p->want.release_ms > now)
        next = p->want.release_ms;
    if (!p->lent) {
        for (uint64_t left = rows_of(p); left; left &= left - 1) {
            const struct run *run = run_at(p, next_row(left));

            if (run->state == RUN_PARKED && run_deadline_ms(run) < next)
                next = run_deadline_ms(run);
        }
        if (p->crew_was_full && now + CREW_RETRY_MS < next)
            next = now + CREW_RETRY_MS;
    }
    if (next == INT64_MAX)
        timer_stop(p->timer);
    else
        timer_start(p->timer, next > now ? (int)(next - now) : 0);
}

/* ---- deciding ---- */

static bool is_stage_finished(const struct pipeline *p, enum stage stage)
{
    for (uint64_t left = p->rows; left; left &= left - 1) {
        const struct run *run = p->tx->view[next_row(left)];

        if (check_of(run)->stage <= stage && run->settings->mode != MODE_OFF && !is_finished(run))
            return false;
    }
    return true;
}

static void note_verdict(struct pipeline *p)
{
    metrics_latency(&p->engine->metrics, p->session.door, clock_mono_us() - p->tx->complete_us);
    pipeline_stop_deciding(p, p->tx);
}

static void give_verdict(struct pipeline *p)
{
    struct want want = p->want;

    p->want.fn = NULL;
    p->tx->has_verdict |= !is_connections(want.stage); /* what is said of a client alone is no mail's */
    if (want.stage == STAGE_MESSAGE)
        note_verdict(p);
    want.fn(want.arg, &p->tx->verdict);
}

static void make_verdict(struct pipeline *p, bool is_late)
{
    verdict_make(p->tx->view, p->engine->check_count, rules_actions(p->tx), session_direction(&p->session),
                 is_late ? 0 : (unsigned)p->want.stage + 1, &p->tx->verdict);
    p->tx->verdict.is_certain &= rules_are_known(p);
}

static void skip_unfinished(struct pipeline *p)
{
    for (uint64_t left = p->rows; left; left &= left - 1)
        if (!is_finished(run_at(p, next_row(left))))
            run_at(p, next_row(left))->state = RUN_SKIPPED;
}

/* The message's time is up. What a worker still holds must not be looked at: a stand-in takes its place. */
static void fail_unfinished(struct pipeline *p)
{
    struct transaction *tx = p->tx;

    if (tx->is_lent && !tx->overdue) /* a tarpit may come between two calls */
        tx->overdue = mem_alloc(p->engine->check_count * sizeof *tx->overdue);
    for (uint64_t left = p->rows; left; left &= left - 1) {
        size_t i = next_row(left);
        struct run *run = run_at(p, i);

        if (tx->is_lent && (tx->lent & 1ULL << i)) {
            tx->overdue[i].settings = run->settings;
            fail_late(&tx->overdue[i], "the message's time was up while it was running");
            tx->view[i] = &tx->overdue[i];
        } else if (!is_finished(run)) {
            fail_late(run, "the message's time was up");
        }
    }
}

/* Who is sent through a tarpit hears of the verdict later. */
static bool is_held_back(struct pipeline *p)
{
    int64_t now = clock_mono_ms();
    int ms = 0;

    if (!p->want.release_ms) {
        for (uint64_t left = p->rows; left; left &= left - 1) {
            const struct run *run = p->tx->view[next_row(left)];

            if (run->state == RUN_DONE && run->settings->mode == MODE_ENFORCE && run->tarpit_ms > ms)
                ms = run->tarpit_ms;
        }
        p->want.release_ms = now + (ms < p->tarpit_most_ms ? ms : p->tarpit_most_ms);
    }
    return now < p->want.release_ms;
}

/* The message waits for all; what comes before it only for checks that could still refuse, or let in. */
static bool is_worth_waiting(const struct pipeline *p)
{
    const struct transaction *tx = p->tx;

    if (is_stage_finished(p, p->want.stage))
        return false;
    return p->want.stage == p->last || p->want.is_patient || p->is_thorough || p->engine->is_thorough ||
           verdict_may_refuse(tx->view, p->engine->check_count, rules_actions(tx), p->want.stage, &tx->verdict);
}

/* Gives the verdict if it can be given; true when it did, and then nothing of p may be touched any more. */
static bool decide(struct pipeline *p)
{
    struct want *want = &p->want;

    if (!want->fn)
        return false;
    bool is_late = want->deadline_ms && clock_mono_ms() >= want->deadline_ms;

    if (p->lent && !is_late)
        return false;
    if (is_late && want->stage == p->last)
        fail_unfinished(p);
    if (p->lent && want->stage != STAGE_MESSAGE) {
        p->tx->verdict = (struct verdict){ .decided_by = "score" };
        give_verdict(p);
        return true;
    }
    make_verdict(p, is_late);
    bool is_certain = p->tx->verdict.is_certain && !p->engine->is_thorough && !p->is_thorough;

    if (!is_late && !is_certain && is_worth_waiting(p))
        return false;
    if (is_held_back(p))
        return false;
    if (want->stage == STAGE_MESSAGE && !is_late)
        skip_unfinished(p);
    give_verdict(p);
    return true;
}

void pipeline_advance(void *arg)
{
    struct pipeline *p = arg;

    if (!p->lent) {
        expire(p, clock_mono_ms());
        while (run_on_loop(p))
            ;
        fetcher_start(&p->fetcher);
        if (p->tx)
            fetcher_start(&p->tx->fetcher);
    }
    if (decide(p))
        return;
    if (!p->lent && p->tx)
        lend(p);
    set_timer(p);
    pipeline_try_rest(p);
}

/* ---- what the door says ---- */

static void run_again(struct pipeline *p, enum stage stage)
{
    for (uint64_t left = rows_of(p); left; left &= left - 1) {
        struct run *run = run_at(p, next_row(left));

        if (check_of(run)->stage == stage) {
            run->state = RUN_IDLE;
            run->runs = 0;
        }
    }
}

static void reach_message(struct pipeline *p)
{
    struct transaction *tx = p->tx;

    if (!tx->message)
        BUG("STAGE_MESSAGE without a message");
    if (tx->recipients_seen != p->session.recipient_count)
        run_again(p, STAGE_RCPT);
    tx->session = p->session;
    tx->is_deciding = true;
    tx->complete_us = clock_mono_us();
    p->engine->deciding++;
}

void pipeline_reach(struct pipeline *p, enum stage stage)
{
    if (!p->tx && !is_connections(stage))
        pipeline_begin(p);
    if (!is_connections(stage)) /* there is mail: a rest that was still to come is off */
        p->is_to_rest = false;
    bool *reached = is_connections(stage) ? p->is_reached : p->tx->is_reached;

    if (reached[stage] && !(p->tx && p->tx->is_lent)) /* what an orphan's worker holds is the orphan's */
        run_again(p, stage);
    rules_choose(p, stage);
    if (stage == STAGE_MESSAGE)
        reach_message(p);
    if (stage == STAGE_RCPT)
        p->tx->recipients_seen = p->session.recipient_count;
    reached[stage] = true;
    loop_run_task(p->engine->loop, &p->soon);
}

void pipeline_be_thorough(struct pipeline *p)
{
    p->is_thorough = true;
}

void pipeline_limit_tarpit(struct pipeline *p, int most_ms)
{
    p->tarpit_most_ms = most_ms;
}

void pipeline_take_message(struct pipeline *p, struct message *message)
{
    if (p->tx->message)
        BUG("a second message in one transaction");
    p->tx->message = message;
}

struct message *pipeline_message(struct pipeline *p)
{
    return p->tx->message;
}

void pipeline_decide(struct pipeline *p, enum stage stage, int budget_ms, pipeline_fn *fn, void *arg)
{
    int budget = budget_ms ? budget_ms : p->engine->conf->deadline_ms;

    if (!p->tx)
        pipeline_begin(p);
    p->want = (struct want){ .fn = fn, .arg = arg, .stage = stage, .deadline_ms = clock_mono_ms() + budget };
    loop_run_task(p->engine->loop, &p->soon);
}

void pipeline_await(struct pipeline *p, enum stage stage, int budget_ms, pipeline_fn *fn, void *arg)
{
    pipeline_decide(p, stage, budget_ms, fn, arg);
    p->want.is_patient = true;
}

const struct evidence *pipeline_evidence(struct pipeline *p)
{
    return p->tx->is_lent ? &p->tx->evidence_before : &p->tx->evidence;
}

size_t pipeline_run_count(const struct pipeline *p)
{
    return p->engine->check_count;
}

const struct run *pipeline_run(const struct pipeline *p, size_t index)
{
    return p->tx->view[index];
}

struct verdict_reply pipeline_reply(struct pipeline *p, const struct verdict *verdict)
{
    return verdict_reply(&p->tx->arena, verdict, p->tx->view, p->engine->check_count);
}

bool pipeline_is_over(const struct pipeline *p)
{
    const struct transaction *tx = p->tx;

    return arena_is_over(&p->arena) || (tx && arena_is_over(&tx->arena)) ||
           (tx && !tx->is_lent && arena_is_over(&tx->work));
}
