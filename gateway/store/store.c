/* store/store.c - the state store: its configuration, and which driver does the work. */
#include "gateway/store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/endpoint.h"
#include "gateway/store/driver.h"
#include "gateway/store/lmdb.h"
#include "gateway/store/local.h"
#include "gateway/store/redis.h"

#define AT(member) offsetof(struct store_conf, member)

static const struct conf_key store_keys[] = {
    { .name = "backend",
      .type = CONF_ENUM,
      .at = AT(backend),
      .initial = "lmdb",
      .least = "lmdb redis",
      .help = "lmdb: a file in `state`, for one machine; redis: shared by several gateways" },
    { .name = "timeout",
      .type = CONF_MS,
      .at = AT(timeout_ms),
      .initial = "1s",
      .least = "10ms",
      .most = "30s",
      .help = "after which a question counts as unanswered" },
    { .name = "size",
      .type = CONF_BYTES,
      .at = AT(size_most_bytes),
      .initial = "1GiB",
      .least = "1MiB",
      .help = "lmdb: how large the file may become; when it is full, what would expire first is forgotten first" },
    { .name = "servers",
      .type = CONF_ENDPOINTS,
      .at = AT(servers),
      .initial = "127.0.0.1:6379",
      .least = "6379",
      .help = "redis: where it listens; the sentinels (port 26379), or some nodes of the cluster" },
    { .name = "sentinel",
      .type = CONF_STR,
      .at = AT(sentinel),
      .initial = "",
      .help = "redis: `servers` are sentinels; the name of the master that they are asked for" },
    { .name = "sentinel_password",
      .type = CONF_STR,
      .at = AT(sentinel_password),
      .initial = "",
      .help = "redis: of the sentinels themselves",
      .is_secret = true },
    { .name = "cluster",
      .type = CONF_BOOL,
      .at = AT(cluster),
      .initial = "no",
      .help = "redis: `servers` are nodes of a cluster" },
    { .name = "user",
      .type = CONF_STR,
      .at = AT(user),
      .initial = "",
      .help = "redis: ACL user; empty: the default one" },
    { .name = "password", .type = CONF_STR, .at = AT(password), .initial = "", .help = "redis", .is_secret = true },
    { .name = "database",
      .type = CONF_INT,
      .at = AT(database),
      .initial = "0",
      .least = "0",
      .most = "1000000",
      .help = "redis: number of the database; a cluster has 0 alone" },
    { .name = "prefix",
      .type = CONF_STR,
      .at = AT(prefix),
      .initial = "postern:",
      .help = "redis: before every key, so that others may use the same server" },
    { .name = "tls", .type = CONF_BOOL, .at = AT(tls), .initial = "no", .help = "redis: TLS, with verification" },
    { .name = "tls_ca",
      .type = CONF_FILE,
      .at = AT(tls_ca),
      .help = "redis: who may have signed the server's certificate; unset: the system's authorities" },
    { .name = "tls_certificate", .type = CONF_FILE, .at = AT(tls_certificate), .help = "redis: ours, when it asks" },
    { .name = "tls_key", .type = CONF_FILE, .at = AT(tls_key), .help = "redis: its key" },
    { .name = "tls_name",
      .type = CONF_STR,
      .at = AT(tls_name),
      .initial = "",
      .help = "redis: name that the certificate must bear; empty: the server's host name" },
    { 0 },
};

static const char *store_check(struct arena *a, void *values)
{
    const struct store_conf *conf = values;

    (void)a;
    if (conf->backend != STORE_REDIS)
        return NULL;
    if (!conf->servers.count)
        return "redis needs a server: write servers = {\"127.0.0.1:6379\"}";
    if (conf->cluster && conf->sentinel[0])
        return "a cluster has no sentinels: leave out either `cluster` or `sentinel`";
    if (conf->cluster && conf->database)
        return "a cluster has database 0 alone: leave `database` out";
    return NULL;
}

const struct conf_section store_section = {
    .name = "store",
    .help = "what is remembered between messages: greylisting, rates, recipients",
    .size = sizeof(struct store_conf),
    .keys = store_keys,
    .check = store_check,
};

static const struct store_driver *const drivers[] = { [STORE_LMDB] = &lmdb_driver, [STORE_REDIS] = &redis_driver };

struct store {
    const struct store_driver *driver;
    void *state;
    struct local *local; /* NULL until it is needed */
};

struct store *store_new(struct loop *loop, const struct store_conf *conf, const char *directory, char *error,
                        size_t size)
{
    const struct store_driver *driver = drivers[conf->backend];
    void *state = driver->open(loop, conf, directory, error, size);

    if (!state)
        return NULL;
    struct store *store = mem_alloc(sizeof *store);

    *store = (struct store){ .driver = driver, .state = state };
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store->driver->close(store->state);
    local_free(store->local);
    free(store);
}

struct store_query *store_ask(struct store *store, const struct store_op *op, int timeout_ms, store_fn *fn, void *arg)
{
    return store->driver->ask(store->state, op, timeout_ms, fn, arg);
}

void store_cancel(struct store *store, struct store_query *query)
{
    store->driver->cancel(store->state, query);
}

void store_tell(struct store *store, const struct store_op *op)
{
    struct store_answer ignored;

    if (op->is_local)
        store_do_local(store, op, &ignored);
    else
        store->driver->tell(store->state, op);
}

void store_do_local(struct store *store, const struct store_op *op, struct store_answer *answer)
{
    if (!store->local)
        store->local = local_new();
    local_do(store->local, op, answer);
}

void store_walk(struct store *store, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg)
{
    store->driver->walk(store->state, prefix, fn, on_end, arg);
}

void store_load(struct store *store, struct span key, struct span value, int64_t expires_ms, store_fn *fn, void *arg)
{
    int64_t at_ms = expires_ms < STORE_TIME_MOST ? expires_ms : STORE_TIME_MOST;

    store->driver->load(store->state, key, value, at_ms, fn, arg);
}

void store_counters(const struct store *store, struct store_counters *out)
{
    *out = (struct store_counters){ 0 };
    store->driver->count(store->state, out);
}
