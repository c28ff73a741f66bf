/* store/redis.c - the driver of the state store for Redis.
 *
 * Its parts: redis_reply (what a server says), redis_script (the operations, in Lua), redis_link (a connection),
 * redis_sentinel, redis_slots and redis_cluster (where the keys are), redis_node (a server, with its circuit breaker),
 * redis_query (one question's way), redis_walk (all records).
 *
 * Nothing blocks, and what is asked in one turn of the loop goes out together. Clocks: Redis forgets records by its own
 * clock, at times of ours: the machines' clocks should agree to some seconds.
 */
#include "gateway/store/redis.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/store/redis_parts.h"

enum { PATIENCE_LEAST_MS = 1000, PATIENCE_MOST_MS = 10000 };

static const char *refusal(const struct store_conf *conf)
{
    if (strlen(conf->prefix) > REDIS_PREFIX_MAX)
        return "store { prefix } is too long: 64 bytes are the most";
    if (conf->tls && !conf->tls_name[0])
        for (size_t i = 0; i < conf->servers.count; i++)
            if (conf->servers.items[i].path[0])
                return "TLS over a unix socket needs the certificate's name: write store { tls_name = ... }";
    if (!conf->tls_certificate[0] != !conf->tls_key[0])
        return "store { tls_certificate } and store { tls_key } go together";
    return NULL;
}

static struct tls_context *make_tls(const struct store_conf *conf, char *error, size_t size)
{
    struct tls_context *tls = tls_client_new(TLS_VERIFY_NAME, conf->tls_ca[0] ? conf->tls_ca : NULL, error, size);

    if (!tls || !conf->tls_certificate[0] ||
        !tls_client_identify(tls, conf->tls_certificate, conf->tls_key, error, size))
        return tls;
    tls_context_free(tls);
    return NULL;
}

/* How long a server may be silent: it may well answer late, and a new connection is not for nothing. */
static int patience(int timeout_ms)
{
    int ms = 2 * timeout_ms;

    return ms < PATIENCE_LEAST_MS ? PATIENCE_LEAST_MS : ms > PATIENCE_MOST_MS ? PATIENCE_MOST_MS : ms;
}

static void *redis_open(struct loop *loop, const struct store_conf *conf, const char *directory, char *error,
                        size_t size)
{
    const char *why = refusal(conf);
    struct tls_context *tls = !why && conf->tls ? make_tls(conf, error, size) : NULL;

    (void)directory;
    if (why)
        snprintf(error, size, "%s", why);
    if (why || (conf->tls && !tls))
        return NULL;
    struct redis *redis = mem_alloc(sizeof *redis);

    redis->conf = conf;
    redis->is_cluster = conf->cluster;
    redis->means = (struct redis_means){ .loop = loop, .conf = conf, .tls = tls, .prefix = span_of(conf->prefix) };
    redis->means.patience_ms = patience(conf->timeout_ms);
    for (unsigned script = 0; script < REDIS_SCRIPTS; script++)
        redis_script_sha(script, redis->means.sha[script]);
    redis->deadline = timer_new(loop, redis_query_on_deadline, redis);
    redis->again = timer_new(loop, redis_query_on_again, redis);
    redis->refresh = timer_new(loop, redis_cluster_on_refresh, redis);
    redis->refuse = (struct task){ .fn = redis_query_on_refuse, .arg = redis };
    redis->home = redis_node_new(redis, conf->cluster ? ROLE_MAP : ROLE_MASTER, &conf->servers.items[0]);
    redis_node_connect(redis->home);
    return redis;
}

static void redis_close(void *state)
{
    struct redis *redis = state;

    redis->is_closing = true;
    redis_query_fail_all(redis, "the store is being closed");
    redis_walk_end_all(redis, "the store is being closed");
    while (redis->nodes)
        redis_node_free(redis->nodes);
    redis_node_free(redis->home);
    loop_drop_task(redis->means.loop, &redis->refuse);
    timer_free(redis->deadline);
    timer_free(redis->again);
    timer_free(redis->refresh);
    crew_free(redis->means.crew);
    tls_context_free(redis->means.tls);
    free(redis);
}

static struct store_query *redis_ask(void *state, const struct store_op *op, int timeout_ms, store_fn *fn, void *arg)
{
    struct redis_query *q = redis_query_new(state, op, timeout_ms, arg);

    q->fn = fn;
    redis_query_route(q);
    return (struct store_query *)q;
}

static void redis_cancel(void *state, struct store_query *query)
{
    (void)state;
    redis_query_cancel((struct redis_query *)query);
}

static void redis_tell(void *state, const struct store_op *op)
{
    redis_query_route(redis_query_new(state, op, 0, NULL));
}

static void redis_walk(void *state, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg)
{
    redis_walk_start(state, prefix, fn, on_end, arg);
}

static void redis_load(void *state, struct span key, struct span value, int64_t expires_ms, store_fn *fn, void *arg)
{
    struct store_op op = { .kind = STORE_PUT, .key = key, .now_ms = clock_wall_ms(), .put = { .value = value } };
    struct redis_query *q = redis_query_new(state, &op, 0, arg);

    q->fn = fn;
    q->question.is_load = true;
    q->question.expires_ms = expires_ms;
    redis_query_route(q);
}

static void redis_count(const void *state, struct store_counters *out)
{
    const struct redis *redis = state;

    *out = redis->counters;
    out->is_down = redis->home->breaker.is_open;
    for (const struct redis_node *node = redis->nodes; node; node = node->next)
        out->is_down |= node->breaker.is_open;
}

const struct store_driver redis_driver = {
    .open = redis_open,
    .close = redis_close,
    .ask = redis_ask,
    .cancel = redis_cancel,
    .tell = redis_tell,
    .walk = redis_walk,
    .load = redis_load,
    .count = redis_count,
};
