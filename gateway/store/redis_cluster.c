/* store/redis_cluster.c - the map of a Redis Cluster: asked for at the start, after a MOVED, when a node is lost, and
 * again while something is wrong; at most every REDIS_REFRESH_MS.
 *
 * A node may have an old map, as one has that is cut off from the others. When maps change nothing and still something
 * is wrong, the next node is asked.
 */
#include <stdio.h>

#include "gateway/store/redis_parts.h"

enum { SAME_MOST = 5, GAPS_MS = 500, NODES_KNOWN_MOST = 2 * REDIS_NODES_MOST };

static struct redis_node *find(struct redis *redis, const struct endpoint *at)
{
    struct redis_node *node = redis->nodes;

    while (node && !endpoint_eq(&node->at, at))
        node = node->next;
    return node;
}

static size_t count_nodes(const struct redis *redis)
{
    size_t count = 0;

    for (const struct redis_node *node = redis->nodes; node; node = node->next)
        count++;
    return count;
}

struct redis_node *redis_cluster_node(struct redis *redis, const struct endpoint *at)
{
    struct redis_node *node = find(redis, at);

    if (node) {
        if (node->is_retired && !node->link)
            timer_start(node->rest, 0);
        loop_drop_task(redis->means.loop, &node->bury);
        node->is_retired = false;
        return node;
    }
    if (count_nodes(redis) >= NODES_KNOWN_MOST)
        return NULL;
    node = redis_node_new(redis, ROLE_NODE, at);
    node->next = redis->nodes;
    redis->nodes = node;
    redis_node_connect(node);
    return node;
}

const struct endpoint *redis_cluster_server(struct redis *redis, unsigned turn)
{
    const struct conf_endpoints *servers = &redis->conf->servers;
    size_t i = turn % (servers->count + count_nodes(redis));
    const struct redis_node *node = redis->nodes;

    if (i < servers->count)
        return &servers->items[i];
    for (i -= servers->count; i; i--)
        node = node->next;
    return &node->at;
}

/* ---- a new map ---- */

static bool is_in(const struct redis_map *map, const struct redis_node *node)
{
    for (size_t i = 0; i < map->count; i++)
        if (endpoint_eq(&map->masters[i], &node->at))
            return true;
    return false;
}

static bool set_owners(struct redis *redis, const struct redis_map *map)
{
    struct redis_node *masters[REDIS_NODES_MOST];
    bool is_changed = false;

    for (size_t i = 0; i < map->count; i++)
        masters[i] = redis_cluster_node(redis, &map->masters[i]);
    for (size_t slot = 0; slot < REDIS_SLOTS; slot++) {
        struct redis_node *owner = map->owner[slot] == REDIS_NO_OWNER ? NULL : masters[map->owner[slot]];

        is_changed |= redis->owner[slot] != owner;
        redis->owner[slot] = owner;
    }
    return is_changed;
}

/* Questions that wait for a node that has lost their slot, or for the map itself. */
static void route_all(struct redis *redis, struct redis_node *node)
{
    struct redis_query *last = node->waiting.last, *q;
    bool is_last = !last;

    while (!is_last && (q = node->waiting.first)) {
        is_last = q == last;
        redis_list_remove(q);
        redis_list_add(&redis->later, q);
        q->stand = QUERY_LATER;
    }
}

static void apply(struct redis *redis, const struct redis_map *map)
{
    bool has_gaps = false, is_changed = set_owners(redis, map);

    for (size_t slot = 0; slot < REDIS_SLOTS; slot++)
        has_gaps |= !redis->owner[slot];
    if (is_changed) {
        for (struct redis_node *node = redis->nodes; node; node = node->next)
            route_all(redis, node);
        route_all(redis, redis->home);
    }
    for (struct redis_node *node = redis->nodes; node; node = node->next)
        if (!is_in(map, node))
            redis_node_retire(node);
    if (is_changed)
        redis_query_on_again(redis);
    redis->same = is_changed ? 0 : redis->same + 1;
    if (!has_gaps)
        redis_node_worked(redis->home);
    else if (!timer_is_running(redis->refresh))
        timer_start(redis->refresh, GAPS_MS);
}

static void on_map(void *arg, const struct redis_reply *reply)
{
    struct redis *redis = arg;
    struct redis_node *home = redis->home;
    struct redis_trouble trouble;
    struct redis_map map;
    char why[REDIS_WHY];

    redis->is_asking_map = false;
    if (!reply)
        return; /* the next server is asked */
    if (reply->type == REDIS_ERROR) {
        redis_trouble_of(reply->text, &home->at, &trouble);
        redis_link_break(home->link, redis_trouble_text(reply->text, &trouble, why, sizeof why));
        return;
    }
    if (redis_map_read(reply, &home->at, &map)) {
        redis_link_break(home->link, "the server's map of the cluster is no map");
        return;
    }
    home->tries = 0;
    apply(redis, &map);
    redis_map_release(&map);
    if (redis->same >= SAME_MOST) {
        redis->same = 0;
        redis_link_break(home->link, "another node is asked about the cluster");
    }
}

void redis_cluster_ask(struct redis *redis)
{
    struct redis_command c;

    if (redis->is_asking_map)
        return;
    redis->is_asking_map = true;
    redis->refreshed_ms = redis_now(redis);
    redis_command_init(&c);
    redis_command_add(&c, SPAN("CLUSTER"));
    redis_command_add(&c, SPAN("SLOTS"));
    redis_link_send(redis->home->link, &c, on_map, redis);
}

void redis_cluster_refresh(struct redis *redis)
{
    int64_t since_ms = redis_now(redis) - redis->refreshed_ms;

    if (!timer_is_running(redis->refresh))
        timer_start(redis->refresh, since_ms < REDIS_REFRESH_MS ? (int)(REDIS_REFRESH_MS - since_ms) : 0);
}

void redis_cluster_on_refresh(void *arg)
{
    struct redis *redis = arg;

    if (redis->home->link && redis_link_is_up(redis->home->link))
        redis_cluster_ask(redis); /* else it asks as soon as it is up */
}
