/* store/lmdb_check.h - is the embedded store's file whole? And, when it is not, what of it can be read.
 *
 * Threads: any. Nobody may write to the file meanwhile.
 */
#ifndef STORE_LMDB_CHECK_H
#define STORE_LMDB_CHECK_H

#include "gateway/store/lmdb_record.h"

/* lmdb_check - NULL: each page of both trees is where it belongs and in order, none belongs to two, each record has its
 * check sum and its entry in the index. Else what is wrong, a few words. An empty file is whole. */
const char *lmdb_check(int fd);

/* lmdb_salvage - calls fn with every record that stands whole in some leaf page, in use or not: the same key may come
 * again, with another head (`written_s` says which is newer). Stops when fn returns false. */
typedef bool lmdb_salvage_fn(void *arg, struct span key, const struct record_head *head, struct span value);
void lmdb_salvage(int fd, lmdb_salvage_fn *fn, void *arg);

#endif
