/* store/lmdb_walk.h - all records of the embedded store whose keys start alike, some in each turn of the loop.
 *
 * They are copied out of a short transaction before anybody sees them: one that stays open would keep the pages of the
 * file from being used again. Threads: the loop's.
 */
#ifndef STORE_LMDB_WALK_H
#define STORE_LMDB_WALK_H

#include "gateway/store/lmdb_file.h"
#include "gateway/store/store.h"

struct walk;

struct lmdb_walks {
    struct loop *loop;
    struct store_file *file;
    const uint64_t *finished; /* questions that have been answered so far */
    struct walk *first;
};

/* lmdb_walk_start - store_walk(), once `after` questions are finished. lmdb_walks_end - ends all, saying why. */
void lmdb_walk_start(struct lmdb_walks *walks, struct span prefix, uint64_t after, store_walk_fn *fn,
                     store_end_fn *on_end, void *arg);
void lmdb_walks_end(struct lmdb_walks *walks, const char *why);

#endif
