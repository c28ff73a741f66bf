/* store/redis_sentinel.h - the sentinels are asked for the master's address, one after the other, until one knows it.
 *
 * Threads: the loop's. Memory: redis_sentinel_free() at any time.
 */
#ifndef STORE_REDIS_SENTINEL_H
#define STORE_REDIS_SENTINEL_H

#include "gateway/store/redis_link.h"

struct redis_sentinel;

/* redis_sentinel_new - one search, beginning at the sentinel number `turn`. fn(arg, master, why) is called once: with
 * NULL and a sentence when none of them knows. It may free the search. */
typedef void redis_sentinel_fn(void *arg, const struct endpoint *master, const char *why);
struct redis_sentinel *redis_sentinel_new(struct redis_means *means, unsigned turn, redis_sentinel_fn *fn, void *arg);
void redis_sentinel_free(struct redis_sentinel *s); /* NULL is fine */
/* redis_sentinel_turn - the one that was asked last. */
unsigned redis_sentinel_turn(const struct redis_sentinel *s);
/* redis_sentinel_read - the reply of SENTINEL get-master-addr-by-name. FAULT_UNKNOWN: it does not know that master. */
enum fault redis_sentinel_read(const struct redis_reply *reply, const struct endpoint *asked, struct endpoint *out);

#endif
