/* store/redis_query.c - one question's way: to a node, through its pipeline, perhaps on to others, to its one answer.
 *
 * What a lost connection leaves open (was it done, or not?) is asked again where that does no harm: reading, writing a
 * value, touching a triplet. Taking from a rate or counting twice would be wrong, and so these fail.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/store/redis_parts.h"

enum { SPLITS_MOST = 5 };

static const bool may_repeat[STORE_KIND_COUNT] = {
    [STORE_GREYLIST] = true,   [STORE_GET] = true,         [STORE_PUT] = true, [STORE_DELETE] = true,
    [STORE_BAYES_LOOK] = true, [STORE_BAYES_LEARN] = true, /* what is learned already is not learned again */
};

/* ---- lists ---- */

void redis_list_add(struct redis_list *list, struct redis_query *q)
{
    q->list = list;
    q->next = NULL;
    q->previous = list->last;
    if (list->last)
        list->last->next = q;
    else
        list->first = q;
    list->last = q;
}

void redis_list_remove(struct redis_query *q)
{
    struct redis_list *list = q->list;

    if (!list)
        return;
    if (q->previous)
        q->previous->next = q->next;
    else
        list->first = q->next;
    if (q->next)
        q->next->previous = q->previous;
    else
        list->last = q->previous;
    q->list = NULL;
    q->next = q->previous = NULL;
}

/* By deadline. Most come with the same time-out, and so go to the end at once. */
static void add_deadline(struct redis_query *q)
{
    struct redis *redis = q->redis;
    struct redis_query *before = redis->latest;

    while (before && before->deadline_ms > q->deadline_ms)
        before = before->sooner;
    q->sooner = before;
    q->later = before ? before->later : redis->soonest;
    *(q->sooner ? &q->sooner->later : &redis->soonest) = q;
    *(q->later ? &q->later->sooner : &redis->latest) = q;
    if (redis->soonest == q)
        timer_start(redis->deadline, (int)(q->deadline_ms - redis_now(redis)));
}

static void remove_deadline(struct redis_query *q)
{
    *(q->sooner ? &q->sooner->later : &q->redis->soonest) = q->later;
    *(q->later ? &q->later->sooner : &q->redis->latest) = q->sooner;
    if (!q->redis->soonest)
        timer_stop(q->redis->deadline);
}

/* ---- birth and end ---- */

static unsigned slot_of(const struct redis *redis, struct span key)
{
    char text[REDIS_PREFIX_MAX + STORE_KEY_MAX];

    return redis_slot(redis_question_key(redis->means.prefix, key, text));
}

struct redis_query *redis_query_new(struct redis *redis, const struct store_op *op, int timeout_ms, void *arg)
{
    struct redis_query *q = mem_alloc(sizeof *q + op_bytes(op));
    int most_ms = redis->conf->timeout_ms;

    q->redis = redis;
    q->op = op_copy_into(op, q->bytes);
    q->question.op = &q->op;
    q->node = redis->home;
    q->arg = arg;
    q->asked_us = clock_mono_us();
    q->deadline_ms = redis_now(redis) + (timeout_ms > 0 && timeout_ms < most_ms ? timeout_ms : most_ms);
    q->slot = redis->is_cluster && op_is_good(op) ? slot_of(redis, op->key) : 0;
    add_deadline(q);
    redis->count++;
    redis->counters.asked++;
    return q;
}

static void detach(struct redis_query *q)
{
    if (q->is_trial)
        breaker_untried(&q->node->breaker);
    q->is_trial = false;
    if (q->stand == QUERY_SENT && q->node->link)
        redis_link_forget(q->node->link, q->number);
    redis_list_remove(q);
    q->stand = QUERY_NOWHERE;
}

static void remove_query(struct redis_query *q)
{
    detach(q);
    remove_deadline(q);
    q->redis->count--;
}

static void answer(struct redis_query *q, const struct store_answer *a, int64_t expires_ms)
{
    struct store_counters *counters = &q->redis->counters;

    remove_query(q);
    counters->busy_us += (uint64_t)(clock_mono_us() - q->asked_us);
    counters->failed += a->state == STORE_FAILED;
    counters->timed_out += a->state == STORE_TIMEOUT;
    if (q->value_fn)
        q->value_fn(q->arg, a, expires_ms);
    else if (q->fn)
        q->fn(q->arg, a);
    free(q);
}

static void fail(struct redis_query *q, enum store_state state, const char *why)
{
    answer(q, &(struct store_answer){ .state = state, .why = why }, 0);
}

/* It is the server's fault, and the breaker is told. */
static void fail_by_node(struct redis_query *q, enum store_state state, const char *why)
{
    redis_node_failed(q->node, q->is_trial, why);
    fail(q, state, why);
}

void redis_query_cancel(struct redis_query *q)
{
    remove_query(q);
    free(q);
}

void redis_query_refuse(struct redis_query *q, const char *why)
{
    detach(q);
    snprintf(q->why, sizeof q->why, "%s", why);
    q->stand = QUERY_REFUSED;
    redis_list_add(&q->redis->refused, q);
    loop_run_task(q->redis->means.loop, &q->redis->refuse);
}

void redis_query_on_refuse(void *arg)
{
    struct redis *redis = arg;
    struct redis_query *last = redis->refused.last, *q;
    bool is_last = !last;

    while (!is_last && (q = redis->refused.first)) { /* what is refused meanwhile waits for the next turn */
        is_last = q == last;
        fail(q, STORE_FAILED, q->why);
    }
    if (redis->refused.first)
        loop_run_task(redis->means.loop, &redis->refuse);
}

void redis_query_fail_all(struct redis *redis, const char *why)
{
    while (redis->soonest)
        fail(redis->soonest, STORE_FAILED, why);
}

/* ---- its way ---- */

static struct redis_node *node_of(const struct redis_query *q)
{
    struct redis *redis = q->redis;
    struct redis_node *owner = redis->is_cluster ? redis->owner[q->slot] : NULL;

    return owner ? owner : redis->home;
}

static bool can_send(const struct redis_node *node)
{
    return node->role != ROLE_MAP && node->link && redis_link_is_up(node->link);
}

static enum breaker_says admits(struct redis_node *node)
{
    if (node->breaker.is_open && !(node->link && redis_link_is_up(node->link)))
        return BREAKER_REFUSE; /* it closes when there is a connection again */
    return breaker_admits(&node->breaker, redis_now(node->redis));
}

/* To a node that a server or the map names. */
static void go_to(struct redis_query *q, struct redis_node *node)
{
    detach(q);
    enum breaker_says says = admits(node);

    q->node = node;
    q->is_trial = says == BREAKER_TRY;
    if (says == BREAKER_REFUSE) {
        redis_query_refuse(q, node->breaker.why);
    } else if (can_send(node)) {
        redis_query_send(q, node);
    } else {
        q->stand = QUERY_WAITS;
        redis_list_add(&node->waiting, q);
        if (node->role == ROLE_MAP)
            redis_cluster_refresh(q->redis);
    }
}

static bool has_two_slots(const struct redis_query *q)
{
    return q->redis->is_cluster && q->op.kind == STORE_GREYLIST && q->op.greylist.client.len &&
           !q->question.without_client && slot_of(q->redis, q->op.greylist.client) != q->slot;
}

void redis_query_route(struct redis_query *q)
{
    q->is_asking = false;
    if (!op_is_good(&q->op))
        redis_query_refuse(q, "a key or value of that length is not stored");
    else if (q->redis->count > REDIS_QUESTIONS_MOST)
        redis_query_refuse(q, "too many questions wait for an answer");
    else if (has_two_slots(q))
        redis_query_refuse(q, "the keys of a triplet and of its client have different hash tags");
    else
        go_to(q, node_of(q));
}

static void on_reply(void *arg, const struct redis_reply *reply);

void redis_query_send(struct redis_query *q, struct redis_node *node)
{
    struct redis_command c;

    if (redis_link_is_full(node->link)) {
        redis_query_refuse(q, "the server takes no more");
        return;
    }
    if (q->is_asking) {
        redis_command_init(&c);
        redis_command_add(&c, SPAN("ASKING"));
        redis_link_send(node->link, &c, NULL, NULL);
    }
    redis_question_command(&c, &q->question, q->redis->means.prefix,
                           q->redis->means.sha[redis_question_script(&q->question)]);
    redis_list_remove(q);
    q->stand = QUERY_SENT;
    q->node = node;
    q->number = redis_link_send(node->link, &c, on_reply, q);
}

/* ---- replies ---- */

static bool is_repeatable(const struct store_op *op)
{
    return may_repeat[op->kind] || (op->kind == STORE_BAYES_ADD && op->bayes.is_once);
}

static void lost(struct redis_query *q)
{
    q->stand = QUERY_NOWHERE;
    if (is_repeatable(&q->op) && ++q->tries <= REDIS_TRIES_MOST && !q->redis->is_closing)
        redis_query_route(q);
    else
        fail_by_node(q, STORE_FAILED, "the connection was lost before the answer came");
}

static void ask_later(struct redis_query *q, const char *why)
{
    struct redis *redis = q->redis;

    detach(q);
    snprintf(q->why, sizeof q->why, "%s", why);
    q->stand = QUERY_LATER;
    redis_list_add(&redis->later, q);
    if (!timer_is_running(redis->again))
        timer_start(redis->again, REDIS_LATER_MS);
    if (redis->is_cluster)
        redis_cluster_refresh(redis);
}

void redis_query_on_again(void *arg)
{
    struct redis *redis = arg;
    struct redis_query *last = redis->later.last, *q;
    bool is_last = !last;

    while (!is_last && (q = redis->later.first)) {
        is_last = q == last;
        redis_query_route(q);
    }
}

static void follow(struct redis_query *q, const struct redis_trouble *trouble, const char *why)
{
    struct redis *redis = q->redis;

    if (!redis->is_cluster) {
        fail_by_node(q, STORE_FAILED, "the server belongs to a cluster: write store { cluster = yes }");
        return;
    }
    struct redis_node *node = redis_cluster_node(redis, &trouble->to);

    if (!node) {
        fail_by_node(q, STORE_FAILED, why);
        return;
    }
    q->is_asking = trouble->kind == TROUBLE_ASK;
    if (trouble->kind == TROUBLE_MOVED) {
        redis->owner[trouble->slot] = node;
        redis_cluster_refresh(redis);
    }
    go_to(q, node);
}

static void on_error(struct redis_query *q, struct span text)
{
    struct redis_node *node = q->node;
    struct redis_trouble trouble;
    char why[REDIS_WHY];

    redis_trouble_of(text, &node->at, &trouble);
    redis_trouble_text(text, &trouble, why, sizeof why);
    if (trouble.kind == TROUBLE_OWN)
        redis_node_worked(node);
    else if (trouble.kind == TROUBLE_LEAVE)
        redis_link_break(node->link, why);
    if (trouble.kind == TROUBLE_OWN) {
        fail(q, STORE_FAILED, why);
    } else if (trouble.kind == TROUBLE_OUTAGE || ++q->tries > REDIS_TRIES_MOST) {
        fail_by_node(q, STORE_FAILED, why);
    } else if (trouble.kind == TROUBLE_LATER || trouble.kind == TROUBLE_SPLIT) {
        q->tries--; /* its deadline is bound enough */
        /* While a slot is being moved, new keys can only be made by commands for one key alone. */
        if (trouble.kind == TROUBLE_SPLIT && ++q->splits >= SPLITS_MOST)
            q->question.without_client = true;
        ask_later(q, why);
    } else if (trouble.kind == TROUBLE_SCRIPT) {
        redis_link_load_scripts(node->link, q->number);
        redis_query_send(q, node);
    } else if (trouble.kind == TROUBLE_LEAVE) {
        redis_query_route(q);
    } else {
        follow(q, &trouble, why);
    }
}

static void on_reply(void *arg, const struct redis_reply *reply)
{
    struct redis_query *q = arg;
    struct redis_node *node = q->node;
    struct store_answer a;
    int64_t expires_ms = 0;

    if (!reply) {
        lost(q);
        return;
    }
    q->stand = QUERY_NOWHERE;
    if (reply->type == REDIS_ERROR) {
        on_error(q, reply->text);
    } else if (redis_question_answer(&q->question, reply, &a, &expires_ms)) {
        redis_link_break(node->link, "the server's answer is not what our script gives");
        fail_by_node(q, STORE_FAILED, "the server's answer is not what our script gives");
    } else {
        redis_node_worked(node);
        node->tries = 0;
        answer(q, &a, expires_ms);
    }
    redis_node_settle(node);
}

/* ---- too late ---- */

static void expire(struct redis_query *q)
{
    int waited_ms = (int)((clock_mono_us() - q->asked_us) / 1000);
    const char *what = q->stand == QUERY_LATER   ? q->why
                       : q->stand == QUERY_SENT  ? "the server did not answer"
                       : q->node->breaker.why[0] ? q->node->breaker.why
                                                 : "no connection yet";
    char why[REDIS_WHY];

    snprintf(why, sizeof why, "%.200s (%d ms)", what, waited_ms);
    if (q->stand == QUERY_REFUSED)
        fail(q, STORE_FAILED, q->why);
    else
        fail_by_node(q, STORE_TIMEOUT, why);
}

void redis_query_on_deadline(void *arg)
{
    struct redis *redis = arg;

    while (redis->soonest && redis->soonest->deadline_ms <= redis_now(redis))
        expire(redis->soonest);
    if (redis->soonest)
        timer_start(redis->deadline, (int)(redis->soonest->deadline_ms - redis_now(redis)));
}
