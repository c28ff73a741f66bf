/* store/lmdb_bayes.h - Bayes' operations on the embedded store's file, inside of a transaction. Threads: the loop's. */
#ifndef STORE_LMDB_BAYES_H
#define STORE_LMDB_BAYES_H

#include "gateway/store/lmdb_file.h"

/* What lasts from one operation to the next: where each bucket's bytes were when they were looked at last. Nothing is
 * read there: the processor is told to fetch it, all of a message's at once, before the B-tree is asked for one after
 * the other, and finds them in its cache if nothing has moved. */
struct lmdb_bayes {
    uintptr_t seen[STORE_BAYES_BUCKETS];
};

/* lmdb_bayes - does `op` and gives its answer. `counts`: STORE_COUNT_BYTES for each token of a STORE_BAYES_LOOK, for
 * the answer to point to. `room` is used in between. *fresh is raised by the records that were not there before. */
enum file_state lmdb_bayes(struct lmdb_bayes *b, struct store_file *f, const struct store_op *op,
                           struct store_record *room, char *counts, struct store_answer *answer, unsigned *fresh);

#endif
