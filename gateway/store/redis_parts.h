/* store/redis_parts.h - what redis.c, redis_query.c, redis_node.c, redis_cluster.c and redis_walk.c share; nobody else
 * includes it.
 *
 * A question (redis_query) belongs to one node at a time: it waits there while the node has no connection, or is on its
 * way in the node's pipeline. Servers may send it on to another node. Whatever happens, it is answered once: by a
 * reply, at its deadline, or when the store is closed.
 *
 * Nodes: `home` is the server itself, or the master that the sentinels name. In a cluster home is a connection to any
 * node, which is asked for the map of slots; questions wait there while their slot has no owner, and each master of
 * the map is a node of its own.
 */
#ifndef STORE_REDIS_PARTS_H
#define STORE_REDIS_PARTS_H

#include "gateway/net/breaker.h"
#include "gateway/store/driver.h"
#include "gateway/store/redis_link.h"
#include "gateway/store/redis_sentinel.h"
#include "gateway/store/redis_slots.h"
#include "gateway/store/redis_trouble.h"

enum {
    REDIS_QUESTIONS_MOST = 10000, /* at once; more are refused */
    REDIS_WHY = 280,
    REDIS_LATER_MS = 40,   /* between asking again, while a slot is being moved or the cluster is down */
    REDIS_TRIES_MOST = 16, /* redirections of one question */
    REDIS_BACKOFF_MS = 50, /* before the second try to connect; doubled after each */
    REDIS_BACKOFF_MOST_MS = 500,
    REDIS_REFRESH_MS = 100, /* between two questions for the map of the cluster */
};

struct redis;
struct redis_node;
struct redis_query;

/* With the time at which the value expires (STORE_GET). */
typedef void redis_value_fn(void *arg, const struct store_answer *answer, int64_t expires_ms);

struct redis_list {
    struct redis_query *first, *last;
};

enum redis_stand { QUERY_NOWHERE, QUERY_WAITS, QUERY_SENT, QUERY_LATER, QUERY_REFUSED };

struct redis_query {
    struct redis *redis;
    struct redis_question question;
    struct store_op op;
    store_fn *fn;             /* NULL: nobody wants to know */
    redis_value_fn *value_fn; /* instead of fn */
    void *arg;
    int64_t deadline_ms, asked_us;
    enum redis_stand stand;
    struct redis_node *node; /* QUERY_WAITS, QUERY_SENT; or the last one */
    struct redis_list *list; /* in which it stands */
    uint64_t number;         /* QUERY_SENT: its command's */
    unsigned slot, tries, splits;
    bool is_asking, is_trial;
    struct redis_query *next, *previous; /* in `list` */
    struct redis_query *later, *sooner;  /* all, by their deadlines */
    char why[REDIS_WHY];                 /* QUERY_REFUSED, QUERY_LATER */
    char bytes[];                        /* key, client or value */
};

struct redis_node {
    struct redis *redis;
    struct endpoint at;
    enum redis_role role;
    struct redis_link *link;       /* NULL: it rests */
    struct redis_sentinel *search; /* for its address */
    struct timer *rest;
    struct task bury;
    unsigned tries; /* to connect, in a row */
    unsigned links; /* that there have been */
    unsigned turn;  /* which of the servers is next */
    struct breaker breaker;
    struct redis_list waiting;
    bool is_retired;         /* no master any more: goes when its pipeline is empty */
    struct redis_node *next; /* of the cluster's */
};

struct redis_walk;

struct redis {
    struct redis_means means;
    const struct store_conf *conf;
    struct redis_node *home, *nodes;
    struct redis_node *owner[REDIS_SLOTS]; /* NULL: none known */
    struct timer *deadline, *again, *refresh;
    struct task refuse;
    struct redis_query *soonest, *latest;
    struct redis_list refused, later;
    struct redis_walk *walks;
    size_t count; /* of questions */
    struct store_counters counters;
    bool is_cluster, is_closing, is_asking_map;
    unsigned same; /* maps in a row that were as the one before */
    int64_t refreshed_ms;
};

/* redis_query.c */
struct redis_query *redis_query_new(struct redis *redis, const struct store_op *op, int timeout_ms, void *arg);
/* redis_query_route - to where it belongs now; never answers it at once. */
void redis_query_route(struct redis_query *q);
void redis_query_send(struct redis_query *q, struct redis_node *node);
void redis_query_cancel(struct redis_query *q);
void redis_query_refuse(struct redis_query *q, const char *why);
void redis_query_fail_all(struct redis *redis, const char *why);
/* what the timers and the task of struct redis call */
void redis_query_on_deadline(void *redis);
void redis_query_on_again(void *redis);
void redis_query_on_refuse(void *redis);
void redis_list_add(struct redis_list *list, struct redis_query *q);
void redis_list_remove(struct redis_query *q);

/* redis_node.c */
struct redis_node *redis_node_new(struct redis *redis, enum redis_role role, const struct endpoint *at);
void redis_node_free(struct redis_node *node); /* its questions are routed anew, unless the store is being closed */
void redis_node_connect(struct redis_node *node);
/* redis_node_worked, redis_node_failed - for its breaker, and the log. */
void redis_node_worked(struct redis_node *node);
void redis_node_failed(struct redis_node *node, bool is_trial, const char *why);
/* redis_node_retire - goes by itself, when its last reply has come. */
void redis_node_retire(struct redis_node *node);
/* redis_node_settle - after each reply: a retired one may go now. */
void redis_node_settle(struct redis_node *node);

/* redis_cluster.c */
struct redis_node *redis_cluster_node(struct redis *redis, const struct endpoint *at);
/* redis_cluster_refresh - the map is asked for again, soon. */
void redis_cluster_refresh(struct redis *redis);
void redis_cluster_ask(struct redis *redis); /* home is up */
void redis_cluster_on_refresh(void *redis);
/* redis_cluster_server - the next one to ask for the map: a configured one, or a master that was known. */
const struct endpoint *redis_cluster_server(struct redis *redis, unsigned turn);

/* redis_walk.c */
void redis_walk_start(struct redis *redis, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg);
void redis_walk_end_all(struct redis *redis, const char *why);

static inline int64_t redis_now(const struct redis *redis)
{
    return loop_now_ms(redis->means.loop);
}

#endif
