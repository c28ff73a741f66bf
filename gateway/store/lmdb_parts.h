/* store/lmdb_parts.h - the inside of lmdb_file.h, for its two files. */
#ifndef STORE_LMDB_PARTS_H
#define STORE_LMDB_PARTS_H

#include <lmdb.h>
#include <pthread.h>

#include "gateway/store/lmdb_file.h"
#include "gateway/store/lmdb_record.h"

enum { FILE_WHY_MAX = 300 };

struct store_file {
    char *path;
    size_t size_most;
    int fd; /* for the locks and for syncing */
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn; /* the one that is open */
    MDB_txn *reader;
    MDB_cursor *cursor; /* of txn, for writing */
    bool is_write;
    uint64_t used_pages, most_pages, entries;
    pthread_t syncing;
    bool is_dirty, is_syncing;
    char why[FILE_WHY_MAX];
};

/* store_file_restore - puts a record as it was, unless there is a newer version of it. */
enum file_state store_file_restore(struct store_file *f, struct span key, const struct record_head *head,
                                   struct span value);
/* store_file_failed - FILE_FULL or FILE_FAILED, with a sentence for store_file_why(). */
enum file_state store_file_failed(struct store_file *f, const char *what, int rc);

#endif
