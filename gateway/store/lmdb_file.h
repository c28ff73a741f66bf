/* store/lmdb_file.h - the embedded store's file: records that expire, in LMDB, shared by the processes of one machine.
 *
 * One B-tree: the records under their keys, and before them an index of when they expire (a zero byte, seconds as four
 * bytes, the key). An entry of the index may be early, never late: a record that is used again and again moves in the
 * index once in its life and not at every use.
 *
 * What survives what:
 *   - kill -9, a crash of this program: everything that was committed. LMDB writes to pages that are not in use, and
 *     changes the root last; the next process takes over its lock. The map is read-only (no MDB_WRITEMAP), so that a
 *     stray pointer cannot damage the file, and a full disk is an error of pwrite(), never a SIGBUS.
 *   - a full disk, a full map: the transaction is given up, and the state before it stands.
 *   - a crash of the machine: nobody waits for the disk at a commit (MDB_NOSYNC); it is asked to write every
 *     FILE_SYNC_MS. What LMDB promises then is little: pages written since may be there in part, in any order, and may
 *     lie over those of the state that was synced. So the first process that opens the file checks all of it
 *     (lmdb_check.h), and what is damaged is set aside as FILE.damaged; every record that can still be read, each has a
 *     check sum, is taken over. What is lost are the last seconds, and at worst some neighbours of what was written in
 *     them.
 *
 * Processes take turns in writing by a lock of their own on the file, before LMDB's: it can be tried without waiting,
 * and so a process that was stopped while it wrote makes questions time out, but holds no other process up.
 *
 * Threads: one (the loop's); only the disk is waited for on another.
 */
#ifndef STORE_LMDB_FILE_H
#define STORE_LMDB_FILE_H

#include "gateway/store/op.h"

enum { FILE_SYNC_MS = 5000 };

enum file_state {
    FILE_OK,
    FILE_NONE,   /* there is no such record */
    FILE_BUSY,   /* another process writes: soon again */
    FILE_FULL,   /* it has reached its size: store_file_trim() makes room */
    FILE_FAILED, /* store_file_why() */
};

struct store_file;

/* store_file_open - makes it if need be, with mode 0600 and the owner of its folder. NULL with a sentence for the
 * operator only when the folder itself will not do: a file that is damaged is no reason. */
struct store_file *store_file_open(const char *path, size_t size_most, char *error, size_t size);
/* store_file_close - waits for the disk. NULL is fine. */
void store_file_close(struct store_file *f);

/* store_file_begin - opens a transaction; what follows until commit or abort is in it. FILE_OK, FILE_BUSY (writing
 * only), FILE_FAILED. After any other answer than FILE_OK and FILE_NONE of a function below: store_file_abort(). */
enum file_state store_file_begin(struct store_file *f, bool is_write);
enum file_state store_file_commit(struct store_file *f);
void store_file_abort(struct store_file *f);

/* store_file_get - FILE_NONE: out->len is 0. A record that has expired is still given. */
enum file_state store_file_get(struct store_file *f, struct span key, struct store_record *out);
/* store_file_look - its value in place, until the end of the transaction, or until something is put. */
enum file_state store_file_look(struct store_file *f, struct span key, struct span *out);
/* store_file_put - a record with len 0 is taken out. */
enum file_state store_file_put(struct store_file *f, struct span key, const struct store_record *record);

/* store_file_trim - takes out what expired before `now_ms`; with `is_evicting` also what expires soonest after it.
 * Looks at no more than `most` records; *count: taken out. FILE_NONE: nothing is left to do. */
enum file_state store_file_trim(struct store_file *f, int64_t now_ms, bool is_evicting, unsigned most, unsigned *count);
/* store_file_is_crowded - so full that something must go. */
bool store_file_is_crowded(const struct store_file *f);
/* store_file_first, store_file_next - the first record whose key is not below `key`, the first above it; the spans live
 * until the end of the transaction. FILE_NONE: there is none. */
enum file_state store_file_first(struct store_file *f, struct span key, struct span *found, struct span *value,
                                 int64_t *expires_ms);
enum file_state store_file_next(struct store_file *f, struct span key, struct span *found, struct span *value,
                                int64_t *expires_ms);
/* store_file_batch - how many operations a transaction should have at most, so that it fits into the file. */
unsigned store_file_batch(const struct store_file *f);

/* store_file_sync - once in FILE_SYNC_MS: has the disk written what was committed? Never blocks. */
void store_file_sync(struct store_file *f);
/* store_file_sweep - frees what processes that are gone have held. */
void store_file_sweep(struct store_file *f);

const char *store_file_why(const struct store_file *f);
/* store_file_usage - records, and bytes in use; as of the last transaction. */
void store_file_usage(const struct store_file *f, uint64_t *records, uint64_t *bytes);

#endif
