/* store/local.h - a stand-in for the state store, in this process's own memory: while the store is out, rates go on
 * being counted, by each gateway for itself.
 *
 * Bounded: LOCAL_SETS times LOCAL_WAYS records; a new one takes the place of that which would have expired first among
 * those it competes with. Threads: the loop's.
 */
#ifndef STORE_LOCAL_H
#define STORE_LOCAL_H

#include "gateway/store/op.h"

enum { LOCAL_SETS = 4096, LOCAL_WAYS = 4, LOCAL_VALUE_MAX = 48 };

struct local;

struct local *local_new(void);
void local_free(struct local *local); /* NULL is fine */
/* local_do - rates and counters; others are answered STORE_FAILED. */
void local_do(struct local *local, const struct store_op *op, struct store_answer *answer);

#endif
