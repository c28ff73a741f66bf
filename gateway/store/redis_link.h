/* store/redis_link.h - one connection to a Redis server: name, socket, TLS, greeting, and commands in a pipeline.
 *
 * The greeting says who we are (AUTH, SELECT, CLIENT SETNAME), makes sure that a server is a master (ROLE), compares
 * clocks (TIME) and loads the scripts; then the link is up. Commands go out together at the end of the loop's turn, and
 * replies come in their order. A server that owes a reply and is silent for `patience_ms` is given up.
 *
 * Each command sent gets exactly one call of its function, with NULL when the connection was lost before the reply.
 * A link that is lost stays lost: its owner frees it and makes another.
 *
 * Threads: the loop's. Memory: redis_link_free() at any time, also inside its own calls.
 */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "gateway/base/endpoint.h"
#include "gateway/net/crew.h"
#include "gateway/net/tls.h"
#include "gateway/store/redis_script.h"
#include "gateway/store/store.h"

enum {
    REDIS_CALLS_MOST = 1 << 16,  /* of one link, without their reply yet */
    REDIS_UNSENT_MOST = 8 << 20, /* bytes */
};

/* What all links of a store share. */
struct redis_means {
    struct loop *loop;
    const struct store_conf *conf;
    struct tls_context *tls; /* NULL: none */
    struct crew *crew;       /* resolves names; made by the first link that has one */
    struct span prefix;
    int patience_ms;
    char sha[REDIS_SCRIPTS][REDIS_SHA_TEXT];
    unsigned turn;         /* which of a name's addresses is next */
    int64_t clock_told_ms; /* when the log was told last that a server's clock is wrong, or ours */
};

enum redis_role {
    ROLE_MASTER, /* a server alone, or the one that the sentinels name: it must be a master */
    ROLE_NODE,   /* of a cluster */
    ROLE_MAP,    /* of a cluster, for asking about the cluster itself */
    ROLE_SENTINEL,
};

struct redis_link_events {
    void (*on_up)(void *arg);
    void (*on_down)(void *arg, const char *why); /* the last event, after the calls with NULL */
};

typedef void redis_reply_fn(void *arg, const struct redis_reply *reply);

struct redis_link;

struct redis_link *redis_link_new(struct redis_means *means, enum redis_role role, const struct endpoint *to,
                                  const struct redis_link_events *events, void *arg);
/* redis_link_free - calls what waits with NULL, and then no event any more. NULL is fine. */
void redis_link_free(struct redis_link *link);
bool redis_link_is_up(const struct redis_link *link);
bool redis_link_is_full(const struct redis_link *link);
/* redis_link_waiting - commands without their reply yet. */
size_t redis_link_waiting(const struct redis_link *link);

/* redis_link_send - returns the command's number, for redis_link_forget(): its reply is then thrown away. */
uint64_t redis_link_send(struct redis_link *link, const struct redis_command *c, redis_reply_fn *fn, void *arg);
void redis_link_forget(struct redis_link *link, uint64_t number);
/* redis_link_load_scripts - again, unless that was done after the command `number` had been sent. */
void redis_link_load_scripts(struct redis_link *link, uint64_t number);
/* redis_link_break - gives the connection up, at the end of this turn. */
void redis_link_break(struct redis_link *link, const char *why);

#endif
