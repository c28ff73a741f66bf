/* store/redis_walk.c - every record of a prefix: SCAN on each master, and for each key the question that STORE_GET is.
 *
 * One batch of keys after the other, so that neither the server nor the loop is held up. SCAN may show a key twice
 * (while the server rehashes, or a slot is moved); the values are as they are when they are read. Keys of another type
 * than ours are left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/store/redis_parts.h"

enum { WAIT_MS = 20, WAIT_MOST_MS = 10000, CURSOR_MAX = 24 };

struct redis_walk {
    struct redis *redis;
    struct redis_walk *next;
    struct strbuf pattern;
    size_t prefix_len; /* of what stands before the store's own key */
    store_walk_fn *fn;
    store_end_fn *on_end;
    void *arg;
    struct timer *step;
    struct endpoint *masters; /* of a cluster */
    size_t master_count, master;
    struct redis_link *asked; /* for SCAN */
    uint64_t number;
    unsigned links; /* of the node, when it gave the cursor: none but that server, and no new start of it, knows it */
    char cursor[CURSOR_MAX];
    size_t pending; /* values */
    int waited_ms;
    bool is_known; /* the masters are */
    const char *why;
    char text[REDIS_WHY];
};

/* One key of a batch. */
struct item {
    struct redis_walk *walk;
    size_t len;
    char key[];
};

static void end(struct redis_walk *walk, const char *why)
{
    struct redis_walk **at = &walk->redis->walks;

    while (*at != walk)
        at = &(*at)->next;
    *at = walk->next;
    if (walk->asked)
        redis_link_forget(walk->asked, walk->number);
    timer_free(walk->step);
    walk->on_end(walk->arg, why);
    strbuf_release(&walk->pattern);
    free(walk->masters);
    free(walk);
}

static void stop(struct redis_walk *walk, const char *why)
{
    if (!walk->why) {
        snprintf(walk->text, sizeof walk->text, "%s", why);
        walk->why = walk->text;
    }
}

static void continue_soon(struct redis_walk *walk)
{
    if (!walk->pending)
        timer_start(walk->step, 0);
}

/* ---- a batch ---- */

static void on_value(void *arg, const struct store_answer *answer, int64_t expires_ms)
{
    struct item *item = arg;
    struct redis_walk *walk = item->walk;

    walk->pending--;
    if (answer->state == STORE_OK && !walk->why)
        walk->fn(walk->arg, span_make(item->key, item->len), answer->value, expires_ms);
    else if (answer->state != STORE_OK && answer->state != STORE_ABSENT &&
             !span_starts(span_of(answer->why), SPAN("WRONGTYPE")))
        stop(walk, answer->why);
    free(item);
    continue_soon(walk);
}

static void ask_value(struct redis_walk *walk, struct span key)
{
    struct item *item = mem_alloc(sizeof *item + key.len);
    struct store_op op = { .kind = STORE_GET, .key = key, .now_ms = clock_wall_ms() };
    struct redis_query *q = redis_query_new(walk->redis, &op, 0, item);

    item->walk = walk;
    item->len = key.len;
    memcpy(item->key, key.ptr, key.len);
    q->value_fn = on_value;
    walk->pending++;
    redis_query_route(q);
}

static bool is_batch(const struct redis_reply *reply)
{
    return reply->type == REDIS_ARRAY && reply->count == 2 && reply->items[0].type == REDIS_STRING &&
           reply->items[0].text.len < CURSOR_MAX && reply->items[0].text.len && reply->items[1].type == REDIS_ARRAY;
}

static void on_scan(void *arg, const struct redis_reply *reply)
{
    struct redis_walk *walk = arg;

    walk->asked = NULL;
    if (!reply) {
        stop(walk, "the connection was lost");
    } else if (reply->type == REDIS_ERROR) {
        snprintf(walk->text, sizeof walk->text, "%.*s", SPAN_ARG(span_first(reply->text, 200)));
        walk->why = walk->text;
    } else if (!is_batch(reply) || span_copy(reply->items[0].text, walk->cursor, sizeof walk->cursor)) {
        stop(walk, "the server's answer to SCAN is none");
    } else {
        for (size_t i = 0; i < reply->items[1].count; i++) {
            struct span key = reply->items[1].items[i].text;

            if (key.len >= walk->prefix_len && op_key_is_good(span_skip(key, walk->prefix_len)))
                ask_value(walk, span_skip(key, walk->prefix_len));
        }
        if (strcmp(walk->cursor, "0") == 0)
            walk->master++;
    }
    continue_soon(walk);
}

static void scan(struct redis_walk *walk, struct redis_node *node)
{
    struct redis_link *link = node->link;
    struct redis_command c;

    redis_command_init(&c);
    redis_command_add(&c, SPAN("SCAN"));
    redis_command_add(&c, span_of(walk->cursor));
    redis_command_add(&c, SPAN("MATCH"));
    redis_command_add(&c, strbuf_span(&walk->pattern));
    redis_command_add(&c, SPAN("COUNT"));
    redis_command_add(&c, SPAN("200"));
    walk->asked = link;
    walk->waited_ms = 0;
    walk->links = node->links;
    walk->number = redis_link_send(link, &c, on_scan, walk);
}

/* ---- which server ---- */

/* The masters of a cluster, as they are when the map is known. */
static void learn_masters(struct redis_walk *walk)
{
    struct redis *redis = walk->redis;

    for (size_t slot = 0; slot < REDIS_SLOTS; slot++)
        if (!redis->owner[slot])
            return;
    for (const struct redis_node *node = redis->nodes; node; node = node->next) {
        if (node->is_retired)
            continue;
        walk->masters = mem_grow(walk->masters, (walk->master_count + 1) * sizeof *walk->masters);
        walk->masters[walk->master_count++] = node->at;
    }
    walk->is_known = true;
}

static struct redis_node *current(struct redis_walk *walk)
{
    struct redis_node *node = walk->redis->nodes;

    if (!walk->redis->is_cluster || !walk->is_known)
        return walk->redis->home;
    while (node && !endpoint_eq(&node->at, &walk->masters[walk->master]))
        node = node->next;
    return node;
}

static void step(void *arg)
{
    struct redis_walk *walk = arg;

    if (walk->redis->is_cluster && !walk->is_known)
        learn_masters(walk);
    bool is_over = walk->is_known && walk->master == walk->master_count;
    bool is_begun = strcmp(walk->cursor, "0") != 0;
    struct redis_node *node = !walk->why && !is_over ? current(walk) : NULL;

    if (walk->why || is_over) {
        end(walk, walk->why);
    } else if (walk->is_known && !node) {
        end(walk, "the cluster has changed meanwhile; try again");
    } else if (is_begun && walk->links != node->links) {
        end(walk, "the connection was lost");
    } else if (walk->is_known && node->link && redis_link_is_up(node->link)) {
        scan(walk, node);
    } else if (walk->waited_ms >= WAIT_MOST_MS || (node && node->breaker.is_open)) {
        end(walk, node && node->breaker.why[0] ? node->breaker.why : "there is no connection");
    } else {
        walk->waited_ms += WAIT_MS;
        timer_start(walk->step, WAIT_MS);
    }
}

/* ---- what redis.c calls ---- */

/* A prefix, in which no byte stands for others. */
static void put_pattern(struct strbuf *pattern, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("*?[]\\", text.ptr[i]) && text.ptr[i])
            strbuf_putc(pattern, '\\');
        strbuf_putc(pattern, text.ptr[i]);
    }
}

void redis_walk_start(struct redis *redis, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg)
{
    struct redis_walk *walk = mem_alloc(sizeof *walk);

    *walk = (struct redis_walk){ .redis = redis, .fn = fn, .on_end = on_end, .arg = arg, .next = redis->walks };
    redis->walks = walk;
    walk->prefix_len = redis->means.prefix.len;
    strbuf_init(&walk->pattern, 2 * (REDIS_PREFIX_MAX + STORE_KEY_MAX) + 2);
    put_pattern(&walk->pattern, redis->means.prefix);
    put_pattern(&walk->pattern, span_first(prefix, STORE_KEY_MAX));
    strbuf_putc(&walk->pattern, '*');
    snprintf(walk->cursor, sizeof walk->cursor, "0");
    walk->is_known = !redis->is_cluster;
    walk->master_count = redis->is_cluster ? 0 : 1;
    walk->step = timer_new(redis->means.loop, step, walk);
    timer_start(walk->step, 0);
}

void redis_walk_end_all(struct redis *redis, const char *why)
{
    while (redis->walks)
        end(redis->walks, why);
}
