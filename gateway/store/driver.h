/* store/driver.h - what a backend of the state store is: the functions of store.h, for one kind of storage.
 *
 * A driver keeps its own time-outs and outages; store.c only finds the driver and counts. Threads: the loop's.
 */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "gateway/store/store.h"

struct store_driver {
    void *(*open)(struct loop *loop, const struct store_conf *conf, const char *directory, char *error, size_t size);
    void (*close)(void *state);
    struct store_query *(*ask)(void *state, const struct store_op *op, int timeout_ms, store_fn *fn, void *arg);
    void (*cancel)(void *state, struct store_query *query);
    void (*tell)(void *state, const struct store_op *op);
    void (*walk)(void *state, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg);
    void (*load)(void *state, struct span key, struct span value, int64_t expires_ms, store_fn *fn, void *arg);
    void (*count)(const void *state, struct store_counters *out);
};

#endif
