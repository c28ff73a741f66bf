/* tests/kit/store_suite.h - what every backend of the state store does alike.
 *
 *     store_suite(&(struct store_bench){ .loop = loop, .store = store });
 *
 * The store may hold records of others; the suite's keys start with a tag of their own. It takes a second or two: what
 * expires is waited for. Threads: the loop's.
 */
#ifndef KIT_STORE_SUITE_H
#define KIT_STORE_SUITE_H

#include "gateway/store/store.h"

struct store_bench {
    struct loop *loop;
    struct store *store;
};

/* store_suite - all of it; ends the test at the first fault. */
void store_suite(const struct store_bench *bench);

/* For tests of one backend: one operation, and its answer; a value lives until the next call. */
struct store_answer store_bench_ask(const struct store_bench *bench, const struct store_op *op);
struct store_answer store_bench_put(const struct store_bench *bench, const char *key, const char *value, int life_ms);
struct store_answer store_bench_get(const struct store_bench *bench, const char *key);
struct store_answer store_bench_load(const struct store_bench *bench, const char *key, const char *value,
                                     int64_t expires_ms);
/* store_bench_walk - how many records have keys that start with `prefix`; -1: it ended early. `fn` may be NULL. */
int store_bench_walk(const struct store_bench *bench, const char *prefix, store_walk_fn *fn, void *arg);
/* store_bench_wait - runs the loop until that much time has passed. */
void store_bench_wait(const struct store_bench *bench, int ms);

#endif
