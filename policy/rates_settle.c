/* policy/rates_settle.c - how what was taken for a transaction is settled when it has ended.
 *
 * All that was asked is gone through once more. What the envelope as it stood at the end would take is kept if the mail
 * was taken in (or was judged, by `counts`), all else goes back: recipients that were refused, rates that had room when
 * another one had none. What was never answered is left: it may not have been taken, and giving it back would make room
 * that is not there. So would giving back what has leaked out meanwhile: who holds transactions open and then drops
 * them must not come to more than a burst at once by that.
 */
#include "policy/rates_settle.h"

#include <stdlib.h>

#include "policy/rates_take.h"

/* What was asked, and is answered. */
struct taken {
    const struct rates_limit *limit;
    const struct store_op *op;
    const struct store_answer *answer;
    bool is_over;   /* and so not taken */
    bool is_wanted; /* by the envelope as it is now */
};

struct settling {
    struct inquiry *q;
    const struct settlement *end;
    struct taken *items; /* by bucket */
    size_t count;
    bool is_ours; /* we have refused the mail ourselves */
};

/* ---- what was asked ---- */

static int compare_bucket(const struct store_op *x, const struct store_op *y)
{
    int c = memcmp(x->key.ptr, y->key.ptr, x->key.len < y->key.len ? x->key.len : y->key.len);

    if (c || x->key.len != y->key.len)
        return c ? c : x->key.len < y->key.len ? -1 : 1;
    return (int)x->is_local - (int)y->is_local;
}

static int compare(const void *a, const void *b)
{
    const struct store_op *x = ((const struct taken *)a)->op, *y = ((const struct taken *)b)->op;
    int c = compare_bucket(x, y);

    return c ? c : (x->nonce > y->nonce) - (x->nonce < y->nonce);
}

static const struct rates_limit *limit_of(const struct inquiry *q, const struct store_op *op)
{
    struct rates_name name;

    return op->kind == STORE_RATE_TAKE && rates_name_parse(op->key, &name) ? rates_find(q->conf, name.limit) : NULL;
}

static void collect(struct settling *w)
{
    const struct store_answer *answer;
    const struct store_op *op;
    size_t room = 0;

    for (const void *at = NULL; asked_store(w->q, &at, &op, &answer);) {
        const struct rates_limit *limit = limit_of(w->q, op);

        if (!limit || !answer || answer->state != STORE_OK)
            continue;
        if (w->count == room) {
            room = room ? 2 * room : 8;
            w->items = arena_grow(w->q->arena, w->items, w->count, room, sizeof *w->items);
        }
        w->items[w->count++] = (struct taken){ limit, op, answer, answer->rate.is_over, false };
    }
    if (w->count > 1)
        qsort(w->items, w->count, sizeof *w->items, compare);
}

static bool refuses(const struct rates_limit *limit)
{
    return limit->action == RATES_DEFER || limit->action == RATES_REJECT;
}

static void mark(void *arg, const struct rates_take *take)
{
    struct settling *w = arg;
    struct store_op op = take->op;

    for (int i = 0; i < 2; i++) {
        op.is_local = i;
        const struct taken want = { .op = &op };
        struct taken *found = bsearch(&want, w->items, w->count, sizeof want, compare);

        if (!found)
            continue;
        found->is_wanted = true;
        w->is_ours |= found->is_over && refuses(found->limit);
    }
}

/* ---- what becomes of it ---- */

static bool is_refusal(enum action action)
{
    return action == ACTION_REJECT || action == ACTION_DISCARD || action == ACTION_QUARANTINE;
}

static bool was_judged(const struct settling *w)
{
    return w->end->has_verdict && w->q->message && is_refusal(w->end->action) && !w->is_ours;
}

static bool is_kept(const struct settling *w, const struct taken *t)
{
    if (t->limit->counted == RATES_ATTEMPTS)
        return true;
    if (!t->is_wanted)
        return false;
    return w->end->is_delivered || (t->limit->counted == RATES_JUDGED && was_judged(w));
}

/* What is to go back of what was taken; below 0 when the message was larger than announced. */
static double excess(const struct settling *w, const struct taken *t, bool is_message)
{
    if (t->is_over)
        return 0;
    if (!is_kept(w, t))
        return t->op->rate.cost;
    if (t->limit->cost != RATES_BYTE_COST || is_message || !t->is_wanted)
        return 0;
    return t->op->rate.cost - (double)(w->q->message ? w->q->message->bytes.len : w->q->session->declared_bytes);
}

/* By what a bucket's factor is multiplied. */
static double factor(const struct settling *w, const struct taken *t)
{
    enum action action = w->end->action;

    if (!w->end->has_verdict || !w->q->message || !t->is_wanted || w->is_ours)
        return 1;
    if (is_refusal(action) || action == ACTION_TAG)
        return t->limit->spam / 100.0;
    return action == ACTION_ACCEPT && w->end->is_delivered ? t->limit->ham / 100.0 : 1;
}

/* What may have leaked since the first of them was taken. */
static double leaked(const struct settling *w, size_t from, size_t to)
{
    const struct store_rate *rate = &w->items[from].op->rate;
    int64_t first_ms = w->q->now_ms;
    double most = 0;

    for (size_t i = from; i < to; i++) {
        double capacity = w->items[i].answer->rate.capacity;

        most = capacity > most ? capacity : most;
        first_ms = w->items[i].op->now_ms < first_ms ? w->items[i].op->now_ms : first_ms;
    }
    return (double)(w->q->now_ms - first_ms) / 1000 * rate->rate * (most / rate->capacity);
}

static double at_least_0(double value)
{
    return value > 0 ? value : 0;
}

static void settle_bucket(struct settling *w, size_t from, size_t to, bool is_message)
{
    struct store_op op = *w->items[from].op;
    double by = 1, cost = 0;

    op.kind = STORE_RATE_GIVE;
    op.now_ms = w->q->now_ms;
    op.nonce = 0;
    for (size_t i = from; i < to; i++) {
        cost += excess(w, &w->items[i], is_message);
        by = by != 1 ? by : factor(w, &w->items[i]);
    }
    op.rate.cost = cost > 0 ? at_least_0(cost - leaked(w, from, to)) : cost;
    op.rate.by = by;
    if (op.rate.cost != 0 || by != 1)
        tell_store(w->q, &op);
}

static void settle(struct inquiry *q, const struct settlement *end, bool is_message)
{
    const struct rates_conf *conf = q->conf;
    const struct rates_limit *limits = conf->limits.items;
    struct settling w = { .q = q, .end = end };
    const struct rates_taker taker = { .take = mark, .arg = &w };

    collect(&w);
    if (!w.count)
        return;
    for (size_t i = 0; i < conf->limits.count; i++)
        rates_takes(&limits[i], q->session, is_message ? q->message : NULL, &taker);
    for (size_t from = 0, to = 0; from < w.count; from = to) {
        while (to < w.count && !compare_bucket(w.items[from].op, w.items[to].op))
            to++;
        settle_bucket(&w, from, to, is_message);
    }
}

void rates_settle(struct inquiry *q, const struct settlement *end)
{
    settle(q, end, false);
}

void rates_message_settle(struct inquiry *q, const struct settlement *end)
{
    settle(q, end, true);
}
