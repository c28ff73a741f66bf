/* core/inquiry.c - what a check asks for and what it says: the functions of check.h.
 *
 * Nothing here does I/O. ask_dns() notes the question in the book; the pipeline fetches (core/fetch.c).
 */
#include "gateway/core/weight.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"

void run_begin(struct run *run)
{
    run->finding_count = 0;
    run->is_permit = false;
    run->is_forced = false;
    run->forced_text = NULL;
    run->demanded_count = 0;
    run->failure = NULL;
    run->is_late = false;
    run->raised_count = 0;
    run->header_count = 0;
    run->removed_count = 0;
    run->subject = NULL;
    run->tarpit_ms = 0;
    run->asked = 0;
    run->awaited = 0;
    run->has_run = true;
    run->runs++;
    run->turn = ++run->book->turns;
}

static const struct dns_answer *answer_of_state(struct inquiry *q, const char *name, enum dns_type type,
                                                enum dns_state state)
{
    struct dns_answer *a = arena_alloc(q->arena, sizeof *a);

    *a = (struct dns_answer){ .name = arena_dup(q->arena, span_first(span_of(name), DNS_NAME_MAX)),
                              .type = type,
                              .state = state };
    return a;
}

/* A name that cannot stand in the DNS: too long, or with a label that is empty or too long [RFC1035 2.3.4]. */
static bool can_exist(const char *name)
{
    struct span rest = span_of(name), label;

    if (rest.len == 0 || rest.len >= DNS_NAME_MAX)
        return false;
    while (span_cut(&rest, '.', &label))
        if (label.len == 0 || label.len > 63)
            return false;
    return true;
}

/* Counts a look-up once per run, so that asking again is free and the limit does not depend on the run's number. */
static bool is_within_limit(struct run *run, struct answer_entry *e)
{
    if (e && e->seen_by == run && e->seen_turn == run->turn)
        return true;
    if (run->asked >= run->most_asks)
        return false;
    if (!e && run->book->lookups >= run->most_asks_in_book)
        return false;
    run->asked++;
    return true;
}

static void await(struct run *run, struct answer_entry *e)
{
    e->waiting |= 1ULL << run->settings->index;
    run->awaited++;
}

const struct dns_answer *ask_dns(struct inquiry *q, const char *name, enum dns_type type)
{
    struct run *run = q->run;

    if (!can_exist(name))
        return answer_of_state(q, name, type, DNS_NXDOMAIN);
    struct answer_entry *e = run->elder ? answers_find(run->elder, name, type) : NULL;

    if (!e)
        e = answers_find(run->book, name, type);
    if (!is_within_limit(run, e))
        return answer_of_state(q, name, type, DNS_CAPPED);
    if (!e) {
        e = answers_want(run->book, name, type);
        e->asked_by = run->settings->check->name;
        e->timeout_ms = run->settings->budget_ms / 2; /* so that the check still hears of a time-out, and says so */
    }
    e->seen_by = run;
    e->seen_turn = run->turn;
    if (!e->answer)
        await(run, e);
    return e->answer;
}

/* ---- the state store ---- */

const struct store_answer *ask_store(struct inquiry *q, const struct store_op *op)
{
    static const struct store_answer capped = { .state = STORE_CAPPED, .why = "too many questions for one message" };
    struct run *run = q->run;
    struct answer_entry *e = run->elder ? answers_find_op(run->elder, op) : NULL;

    if (!e)
        e = answers_find_op(run->book, op);
    if (!e && run->book->operations >= STORE_ASKS_MAX)
        return &capped;
    if (!e) {
        e = answers_want_op(run->book, op);
        e->asked_by = run->settings->check->name;
    }
    if (!e->stored)
        await(run, e);
    return e->stored;
}

bool asked_store(struct inquiry *q, const void **at, const struct store_op **op, const struct store_answer **answer)
{
    const struct answer_entry *e = *at ? ((const struct answer_entry *)*at)->next : q->run->book->first;

    while (e && !(e->op && e->asked_by == q->run->settings->check->name))
        e = e->next;
    if (!e)
        return false;
    *at = e;
    *op = e->op;
    *answer = e->stored;
    return true;
}

void *run_memo(struct inquiry *q, size_t bytes)
{
    if (!q->run->memo)
        q->run->memo = arena_alloc(q->arena, bytes);
    return q->run->memo;
}

void *run_known(struct inquiry *q, size_t bytes)
{
    const struct session *s = q->session;
    struct run *run = q->run;
    size_t old = run->known_room;

    if (s->recipient_count > old) {
        run->known_room = s->recipient_count > 2 * old ? s->recipient_count : 2 * old;
        run->known = arena_grow(q->arena, run->known, old, run->known_room, bytes);
        run->whom = arena_grow(q->arena, run->whom, old, run->known_room, sizeof *run->whom);
    }
    for (size_t i = 0; i < s->recipient_count; i++) {
        if (span_eq(run->whom[i], s->recipients[i].address.text))
            continue;
        run->whom[i] = arena_copy(q->arena, s->recipients[i].address.text);
        memset((unsigned char *)run->known + i * bytes, 0, bytes);
    }
    return run->known;
}

void tell_store(struct inquiry *q, const struct store_op *op)
{
    struct run *run = q->run;

    if (run->told_count == STORE_ASKS_MAX)
        return;
    if (run->told_count == run->told_room) {
        run->told_room = run->told_room ? run->told_room * 2 : 4;
        run->told = arena_grow(q->arena, run->told, run->told_count, run->told_room, sizeof *run->told);
    }
    run->told[run->told_count++] = op_copy(q->arena, op);
}

/* ---- sisters ---- */

/* The rows to look at. While a worker runs a check the loop may already begin another transaction, whose rules the
 * connection's runs then follow. */
static uint64_t sisters(const struct inquiry *q)
{
    const struct check_settings *settings = q->run->settings;

    if (settings->check->place != ON_LOOP)
        BUG("%s: a worker may not look at its sisters", settings->check->name);
    return q->run->view ? settings->after : 0;
}

static bool counts(const struct run *sister)
{
    return sister->state == RUN_DONE && sister->settings->mode > MODE_SHADOW;
}

/* What one of them has taken out of another. */
static enum removal sisters_remove(const void *arg, const char *symbol)
{
    const struct inquiry *q = arg;
    const struct removed *removed = NULL;

    for (uint64_t left = sisters(q); left && !removed; left &= left - 1)
        removed = weight_removes(q->run->view[__builtin_ctzll(left)], symbol);
    return removed ? removed->removal : REMOVAL_NONE;
}

static int score_from(const struct inquiry *q, enum mode least)
{
    int sum = 0;

    for (uint64_t left = sisters(q); left; left &= left - 1) {
        const struct run *sister = q->run->view[__builtin_ctzll(left)];

        for (size_t i = 0; counts(sister) && i < sister->finding_count; i++)
            if (weight_mode(sister, &sister->findings[i]) >= least && !sisters_remove(q, sister->findings[i].symbol))
                sum += sister->findings[i].points;
    }
    return sum;
}

int score_of_sisters(const struct inquiry *q)
{
    return score_from(q, MODE_TAG);
}

int enforced_by_sisters(const struct inquiry *q)
{
    return score_from(q, MODE_ENFORCE);
}

bool sister_forced(const struct inquiry *q, enum action *out)
{
    bool is_forced = false;

    for (uint64_t left = sisters(q); left; left &= left - 1) {
        const struct run *sister = q->run->view[__builtin_ctzll(left)];
        struct demand demand;

        if (!counts(sister) || sister->settings->mode != MODE_ENFORCE ||
            !weight_forced(sister, sisters_remove, q, &demand))
            continue;
        if (!is_forced || weight_beats(demand.action, *out))
            *out = demand.action;
        is_forced = true;
    }
    return is_forced;
}

bool sister_permits(const struct inquiry *q)
{
    for (uint64_t left = sisters(q); left; left &= left - 1) {
        const struct run *sister = q->run->view[__builtin_ctzll(left)];

        if (sister->state == RUN_DONE && sister->is_permit && sister->settings->mode == MODE_ENFORCE)
            return true;
    }
    return false;
}

bool sister_found(const struct inquiry *q, const char *symbol)
{
    for (uint64_t left = sisters(q); left; left &= left - 1) {
        const struct run *sister = q->run->view[__builtin_ctzll(left)];

        for (size_t i = 0; counts(sister) && i < sister->finding_count; i++)
            if (strcmp(sister->findings[i].symbol, symbol) == 0 &&
                weight_mode(sister, &sister->findings[i]) > MODE_SHADOW)
                return true;
    }
    return false;
}

/* *at: the row, and the number of the finding. */
bool sister_next(const struct inquiry *q, size_t *at, struct sister_finding *out)
{
    size_t row = *at / FINDINGS_MAX, number = *at % FINDINGS_MAX;

    for (uint64_t rows = sisters(q); row < CHECKS_MAX; row++, number = 0) {
        const struct run *sister = rows >> row & 1 ? q->run->view[row] : NULL;

        for (; sister && counts(sister) && number < sister->finding_count; number++) {
            const struct finding *f = &sister->findings[number];

            if (weight_mode(sister, f) == MODE_SHADOW)
                continue;
            *out = (struct sister_finding){ sister->settings->check->name, f->symbol, f->points };
            *at = row * FINDINGS_MAX + number + 1;
            if (number + 1 == FINDINGS_MAX)
                *at = (row + 1) * FINDINGS_MAX;
            return true;
        }
    }
    return false;
}

const char *sister_failed(const struct inquiry *q)
{
    for (uint64_t left = sisters(q); left; left &= left - 1) {
        const struct run *sister = q->run->view[__builtin_ctzll(left)];

        if (sister->state == RUN_FAILED && sister->settings->mode > MODE_SHADOW && sister->settings->check->asks)
            return sister->settings->check->name;
    }
    return NULL;
}

static const char *reason_text(struct inquiry *q, const char *format, va_list args)
{
    char text[REASON_MAX];

    vsnprintf(text, sizeof text, format, args);
    return arena_dup(q->arena, span_of(text));
}

/* When there is no more room, who weighs least has to go. */
static struct finding *lightest(struct run *run)
{
    struct finding *least = &run->findings[0];

    for (size_t i = 1; i < run->finding_count; i++)
        if (abs(run->findings[i].points) < abs(least->points))
            least = &run->findings[i];
    return least;
}

static void add(struct inquiry *q, const char *symbol, int points, enum mode mode, const char *reason)
{
    struct run *run = q->run;
    const struct finding new = { symbol, points, reason, mode };

    for (size_t i = 0; i < run->finding_count; i++) {
        struct finding *f = &run->findings[i];

        if (strcmp(f->symbol, symbol) != 0)
            continue;
        if (strlen(f->reason) + strlen(reason) < REASON_MAX)
            f->reason = arena_printf(q->arena, "%s; %s", f->reason, reason);
        return;
    }
    if (run->finding_count == FINDINGS_MAX) {
        struct finding *least = lightest(run);

        if (abs(points) > abs(least->points))
            *least = new;
        return;
    }
    if (run->finding_count == run->finding_room) {
        run->finding_room = run->finding_room ? run->finding_room * 2 : 4;
        run->findings =
            arena_grow(q->arena, run->findings, run->finding_count, run->finding_room, sizeof *run->findings);
    }
    run->findings[run->finding_count++] = new;
}

#define REASON(name, format)                                                                                           \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    const char *name = reason_text(q, format, args);                                                                   \
    va_end(args)

static void make_demand(struct inquiry *q, unsigned index)
{
    const struct demand *demands = q->run->settings->demands;

    if (demands && demands[index].is_made)
        finding_force_for(q, q->run->settings->check->module->symbols[index].name, demands[index].action,
                          demands[index].text);
}

void finding_add(struct inquiry *q, unsigned index, const char *format, ...)
{
    REASON(reason, format);
    add(q, q->run->settings->check->module->symbols[index].name, q->run->settings->points[index], MODE_ENFORCE, reason);
    make_demand(q, index);
}

int symbol_points(const struct inquiry *q, unsigned index)
{
    return q->run->settings->points[index];
}

void finding_weigh(struct inquiry *q, unsigned index, int points, const char *format, ...)
{
    REASON(reason, format);
    add(q, q->run->settings->check->module->symbols[index].name, points, MODE_ENFORCE, reason);
    make_demand(q, index);
}

void finding_name(struct inquiry *q, const char *name, int points, const char *format, ...)
{
    REASON(reason, format);
    add(q, arena_dup(q->arena, span_of(name)), points, MODE_ENFORCE, reason);
}

void finding_name_as(struct inquiry *q, const char *name, int points, enum mode mode, const char *format, ...)
{
    REASON(reason, format);
    add(q, arena_dup(q->arena, span_of(name)), points, mode, reason);
}

void finding_only_tags(struct inquiry *q)
{
    if (q->run->finding_count)
        q->run->findings[q->run->finding_count - 1].mode = MODE_TAG;
}

void finding_remove(struct inquiry *q, const char *symbol, enum removal removal, const char *by)
{
    struct run *run = q->run;

    if (run->removed_count == run->removed_room) {
        run->removed_room = run->removed_room ? run->removed_room * 2 : 8;
        run->removed = arena_grow(q->arena, run->removed, run->removed_count, run->removed_room, sizeof *run->removed);
    }
    run->removed[run->removed_count++] = (struct removed){ .symbol = arena_dup(q->arena, span_of(symbol)),
                                                           .removal = removal,
                                                           .by = arena_dup(q->arena, span_of(by)) };
}

void finding_subject(struct inquiry *q, const char *prefix)
{
    q->run->subject = arena_dup(q->arena, span_of(prefix));
}

void finding_fail(struct inquiry *q, const char *format, ...)
{
    REASON(reason, format);
    q->run->failure = reason;
}

void finding_tarpit(struct inquiry *q, int ms)
{
    int least = ms < TARPIT_MOST_MS ? ms : TARPIT_MOST_MS;

    if (least > q->run->tarpit_ms)
        q->run->tarpit_ms = least;
}

void finding_header(struct inquiry *q, const char *name, const char *value)
{
    if (!q->run->header_count)
        q->run->headers = arena_alloc(q->arena, HEADERS_MAX * sizeof *q->run->headers);
    if (q->run->header_count < HEADERS_MAX)
        q->run->headers[q->run->header_count++] =
            (struct added_header){ arena_dup(q->arena, span_of(name)), arena_dup(q->arena, span_of(value)) };
}

void finding_alarm(struct inquiry *q, const char *key, const char *format, ...)
{
    REASON(text, format);
    if (!q->run->raised_count)
        q->run->raised = arena_alloc(q->arena, RAISED_MAX * sizeof *q->run->raised);
    if (q->run->raised_count < RAISED_MAX)
        q->run->raised[q->run->raised_count++] = (struct raised){ arena_dup(q->arena, span_of(key)), text };
}

void finding_force(struct inquiry *q, enum action action, const char *text)
{
    struct run *run = q->run;

    if (run->is_forced && !weight_beats(action, run->forced))
        return;
    run->is_forced = true;
    run->forced = action;
    run->forced_text = text ? arena_dup(q->arena, span_of(text)) : NULL;
}

static struct demanded *demanded_for(struct run *run, const char *symbol)
{
    for (size_t i = 0; i < run->demanded_count; i++)
        if (strcmp(run->demanded[i].symbol, symbol) == 0)
            return &run->demanded[i];
    return NULL;
}

/* Beyond the most it stands whatever is taken out: what is demanded is not lost. */
void finding_force_for(struct inquiry *q, const char *symbol, enum action action, const char *text)
{
    struct run *run = q->run;
    struct demanded *d = demanded_for(run, symbol);

    if (!d && run->demanded_count == FINDINGS_MAX) {
        finding_force(q, action, text);
        return;
    }
    if (d && !weight_beats(action, d->action))
        return;
    if (!d && run->demanded_count == run->demanded_room) {
        run->demanded_room = run->demanded_room ? run->demanded_room * 2 : 4;
        run->demanded =
            arena_grow(q->arena, run->demanded, run->demanded_count, run->demanded_room, sizeof *run->demanded);
    }
    if (!d)
        d = &run->demanded[run->demanded_count++];
    *d = (struct demanded){ symbol, action, text ? arena_dup(q->arena, span_of(text)) : NULL };
}

void finding_permit(struct inquiry *q)
{
    q->run->is_permit = true;
}

static const char *const state_words[] = {
    [RUN_OFF] = "off",   [RUN_IDLE] = "idle",     [RUN_READY] = "ready",     [RUN_PARKED] = "waiting",
    [RUN_DONE] = "done", [RUN_FAILED] = "failed", [RUN_SKIPPED] = "skipped",
};
static const char *const mode_words[] = { "off", "shadow", "tag", "enforce" };
static const char *const action_words[] = { "accept", "tag", "greylist", "defer", "quarantine", "reject", "discard" };

const char *run_state_text(enum run_state state)
{
    return state_words[state];
}

const char *mode_text(enum mode mode)
{
    return mode_words[mode];
}

const char *action_text(enum action action)
{
    return action_words[action];
}

static const char *unanswered(struct arena *a, const struct run *run, const struct answer_entry *e)
{
    int ms = run->settings->budget_ms;

    if (e->op)
        return arena_printf(a, "no answer from the state store (%s) within %d ms", store_kind_text(e->op->kind), ms);
    return arena_printf(a, "no answer for %s %s within %d ms",
                        run->settings->check->module->hides_names ? "a name" : e->name, dns_type_text(e->type), ms);
}

const char *run_awaits(const struct run *run, struct arena *a)
{
    const struct answers *books[] = { run->book, run->elder };

    for (size_t b = 0; b < COUNT(books); b++)
        for (const struct answer_entry *e = books[b] ? books[b]->first : NULL; e; e = e->next)
            if (!answer_is_here(e) && (e->waiting & 1ULL << run->settings->index))
                return unanswered(a, run, e);
    return "out of time";
}
