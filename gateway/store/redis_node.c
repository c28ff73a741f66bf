/* store/redis_node.c - one server that is asked: found, connected to, given up and connected to again. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/store/redis_parts.h"

static const struct breaker_limits redis_breaker = { .failures = 5, .rest_ms = 1000, .rest_most_ms = 15000 };

static void failed(struct redis_node *node, const char *why);

/* ---- does it work? ---- */

void redis_node_worked(struct redis_node *node)
{
    int64_t now_ms = redis_now(node->redis);
    char text[ENDPOINT_TEXT_MAX];

    if (breaker_worked(&node->breaker))
        log_info("store", "%s works again after %lld ms", endpoint_text(&node->at, text),
                 (long long)(now_ms - node->breaker.opened_ms));
}

void redis_node_failed(struct redis_node *node, bool is_trial, const char *why)
{
    char text[ENDPOINT_TEXT_MAX];

    if (breaker_failed(&node->breaker, redis_now(node->redis), is_trial, why))
        log_warn("store", "%s fails and is left alone for a while: %s", endpoint_text(&node->at, text),
                 node->breaker.why);
}

/* ---- its connection ---- */

static void on_up(void *arg)
{
    struct redis_node *node = arg;
    struct redis_list *waiting = &node->waiting;

    if (node->role == ROLE_MAP) {
        redis_cluster_ask(node->redis); /* a map is what shows that it works */
        return;
    }
    if (node->breaker.is_open)
        redis_node_worked(node);
    while (waiting->first && redis_link_is_up(node->link))
        redis_query_send(waiting->first, node);
    redis_node_settle(node);
}

static void on_down(void *arg, const char *why)
{
    struct redis_node *node = arg;

    redis_link_free(node->link);
    node->link = NULL;
    failed(node, why);
}

static const struct redis_link_events link_events = { .on_up = on_up, .on_down = on_down };

static int backoff_ms(struct redis_node *node)
{
    int ms = REDIS_BACKOFF_MS;
    uint16_t random = 0;

    for (unsigned i = 0; i < node->tries && ms < REDIS_BACKOFF_MOST_MS; i++)
        ms *= 2;
    node->tries++;
    if (ms > REDIS_BACKOFF_MOST_MS)
        ms = REDIS_BACKOFF_MOST_MS;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = UINT16_MAX / 2;
    return ms * 3 / 4 + ms / 2 * random / UINT16_MAX;
}

static void failed(struct redis_node *node, const char *why)
{
    redis_node_failed(node, false, why);
    node->turn++;
    if (node->is_retired) {
        redis_node_settle(node);
        return;
    }
    timer_start(node->rest, backoff_ms(node));
    if (node->redis->is_cluster && node->role != ROLE_MAP)
        redis_cluster_refresh(node->redis);
}

static void link_to(struct redis_node *node, const struct endpoint *at)
{
    node->at = *at;
    node->links++;
    node->link = redis_link_new(&node->redis->means, node->role, &node->at, &link_events, node);
}

static void on_master(void *arg, const struct endpoint *master, const char *why)
{
    struct redis_node *node = arg;
    struct endpoint at;
    char text[REDIS_WHY];

    node->turn = redis_sentinel_turn(node->search);
    if (master)
        at = *master;
    else
        snprintf(text, sizeof text, "%s", why);
    redis_sentinel_free(node->search);
    node->search = NULL;
    if (master)
        link_to(node, &at);
    else
        failed(node, text);
}

void redis_node_connect(struct redis_node *node)
{
    const struct conf_endpoints *servers = &node->redis->conf->servers;

    if (node->link || node->search)
        return;
    if (node->role == ROLE_NODE)
        link_to(node, &node->at);
    else if (node->role == ROLE_MAP)
        link_to(node, redis_cluster_server(node->redis, node->turn));
    else if (node->redis->conf->sentinel[0])
        node->search = redis_sentinel_new(&node->redis->means, node->turn, on_master, node);
    else
        link_to(node, &servers->items[node->turn % servers->count]);
}

static void rested(void *arg)
{
    redis_node_connect(arg);
}

/* ---- its life ---- */

static void bury(void *arg)
{
    redis_node_free(arg);
}

struct redis_node *redis_node_new(struct redis *redis, enum redis_role role, const struct endpoint *at)
{
    struct redis_node *node = mem_alloc(sizeof *node);

    *node = (struct redis_node){ .redis = redis, .role = role, .at = *at };
    node->rest = timer_new(redis->means.loop, rested, node);
    node->bury = (struct task){ .fn = bury, .arg = node };
    breaker_init(&node->breaker, &redis_breaker, 0);
    return node;
}

static void route_waiting(struct redis_node *node)
{
    struct redis_query *last = node->waiting.last, *q;
    bool is_last = !last;

    while (!is_last && (q = node->waiting.first)) {
        is_last = q == last;
        redis_query_route(q);
    }
}

/* Those that were there last, and are on no list of the node's. */
static void forget_node(struct redis_list *list, const struct redis_node *node)
{
    for (struct redis_query *q = list->first; q; q = q->next)
        if (q->node == node)
            q->node = node->redis->home;
}

void redis_node_free(struct redis_node *node)
{
    struct redis *redis = node->redis;
    struct redis_link *link = node->link;

    for (struct redis_node **at = &redis->nodes; *at; at = &(*at)->next) {
        if (*at == node) {
            *at = node->next;
            break;
        }
    }
    for (size_t slot = 0; slot < REDIS_SLOTS; slot++)
        if (redis->owner[slot] == node)
            redis->owner[slot] = NULL;
    node->link = NULL;
    redis_link_free(link);
    route_waiting(node);
    forget_node(&redis->later, node);
    forget_node(&redis->refused, node);
    redis_sentinel_free(node->search);
    loop_drop_task(redis->means.loop, &node->bury);
    timer_free(node->rest);
    free(node);
}

void redis_node_retire(struct redis_node *node)
{
    if (node->is_retired)
        return;
    node->is_retired = true;
    timer_stop(node->rest);
    route_waiting(node);
    redis_node_settle(node);
}

void redis_node_settle(struct redis_node *node)
{
    if (node->is_retired && !node->waiting.first && (!node->link || !redis_link_waiting(node->link)))
        loop_run_task(node->redis->means.loop, &node->bury);
}
