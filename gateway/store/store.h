/* store/store.h - the state store: what outlives a connection, and what several gateways share.
 *
 * Two backends with the same behaviour, which one test-suite shows: `lmdb`, in the state folder, shared by the
 * processes of one machine; `redis`, over the network. An operation that cannot be done in time is answered
 * STORE_TIMEOUT or STORE_FAILED: each user says what that means for mail, which never waits longer than the time-out.
 * After repeated failures questions are answered STORE_FAILED at once for a while (circuit breaker); an alarm is logged
 * at the first one and a line when it works again.
 *
 * Threads: the loop's.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "gateway/conf/conf.h"
#include "gateway/net/loop.h"
#include "gateway/store/op.h"

enum store_backend { STORE_LMDB, STORE_REDIS };

struct store_conf {
    int backend; /* enum store_backend */
    int timeout_ms;
    /* lmdb */
    size_t size_most_bytes; /* of the file */
    /* redis */
    struct conf_endpoints servers; /* standalone; with `sentinel` the sentinels; with `cluster` some of the nodes */
    const char *sentinel;          /* name of the master to ask the sentinels for; "": none */
    bool cluster;
    const char *user, *password; /* "" */
    const char *sentinel_password;
    int64_t database;
    const char *prefix; /* of every key */
    bool tls;
    const char *tls_ca;          /* file; "": the system's */
    const char *tls_certificate; /* client's; "" */
    const char *tls_key;
    const char *tls_name; /* that the certificate must bear; "": the server's host name */
};

extern const struct conf_section store_section;

struct store;
struct store_query;
/* The answer is borrowed until fn returns. */
typedef void store_fn(void *arg, const struct store_answer *answer);

/* store_new - opens the file, or begins to connect; a Redis that is down is no fault here. `directory`: the state
 * folder. NULL with a sentence for the operator in `error`. */
struct store *store_new(struct loop *loop, const struct store_conf *conf, const char *directory, char *error,
                        size_t size);
/* store_free - answers what is under way with STORE_FAILED first. Not inside a store_fn. NULL is fine. */
void store_free(struct store *store);

/* store_ask - fn(arg, answer) is called once, on the loop, never before store_ask() has returned. `op` is copied.
 * `timeout_ms`: at most the configured one, which 0 stands for. What is asked in one turn of the loop goes out
 * together, and is done in its order. Returns a handle for store_cancel(), valid until fn is called; the operation may
 * be done all the same. */
struct store_query *store_ask(struct store *store, const struct store_op *op, int timeout_ms, store_fn *fn, void *arg);
void store_cancel(struct store *store, struct store_query *query);
/* store_tell - the same for who needs no answer. */
void store_tell(struct store *store, const struct store_op *op);

/* store_do_local - at once, on a record in this process's own memory (store/local.h): works while the store is out. */
void store_do_local(struct store *store, const struct store_op *op, struct store_answer *answer);

/* store_walk - every record whose key starts with `prefix`, in no order, in batches that leave the loop free; `on_end`
 * comes last, with NULL or why it ended early. Records that have expired are left out. */
typedef void store_walk_fn(void *arg, struct span key, struct span value, int64_t expires_ms);
typedef void store_end_fn(void *arg, const char *why);
void store_walk(struct store *store, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg);
/* store_load - puts a record back as store_walk() gave it, unless the one that is there lives as long or longer, or
 * `expires_ms` has passed: that is STORE_ABSENT, and nothing is changed. */
void store_load(struct store *store, struct span key, struct span value, int64_t expires_ms, store_fn *fn, void *arg);

struct store_counters {
    uint64_t asked, failed, timed_out;
    uint64_t busy_us;        /* sum of the times from asking to the answer */
    uint64_t records, bytes; /* as far as known; 0: not */
    bool is_down;            /* the circuit breaker is open */
};
void store_counters(const struct store *store, struct store_counters *out);

#endif
