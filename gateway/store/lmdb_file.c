/* store/lmdb_file.c - the embedded store's file. */
#include "gateway/store/lmdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/lmdb_check.h"
#include "gateway/store/lmdb_parts.h"

enum {
    PAGE_BYTES = 4096, /* as an estimate; the file's own may be larger */
    BATCH_MOST = 512,
    OPEN_WAIT_MS = 30000,
    OPEN_STEP_MS = 10,
};

/* Bytes of the file that are locked, on behalf of the process. Nothing need be there. */
enum file_lock { GATE_BYTE, USE_BYTE, WRITE_BYTE };

/* ---- locks ---- */

static bool lock(int fd, enum file_lock which, short type)
{
    struct flock what = { .l_type = type, .l_whence = SEEK_SET, .l_start = which, .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &what) == 0;
}

/* ---- faults ---- */

const char *store_file_why(const struct store_file *f)
{
    return f->why;
}

enum file_state store_file_failed(struct store_file *f, const char *what, int rc)
{
    if (rc == MDB_MAP_FULL || rc == MDB_TXN_FULL) {
        snprintf(f->why, sizeof f->why, "%s has reached its size; raise `size`", f->path);
        return FILE_FULL;
    }
    /* LMDB calls a short write an EIO */
    snprintf(f->why, sizeof f->why, "%s: %s: %s%s", f->path, what, mdb_strerror(rc),
             rc == EIO ? " (or the disk is full)" : "");
    return FILE_FAILED;
}

/* ---- open and close ---- */

static MDB_env *open_env(const char *path, size_t size_most, MDB_dbi *dbi, int *rc)
{
    const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC | MDB_NORDAHEAD;
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;

    *rc = mdb_env_create(&env);
    if (*rc)
        return NULL;
    *rc = mdb_env_set_mapsize(env, size_most);
    if (!*rc)
        *rc = mdb_env_open(env, path, flags, 0600);
    if (!*rc)
        *rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (!*rc)
        *rc = mdb_dbi_open(txn, NULL, 0, dbi);
    if (txn)
        mdb_txn_abort(txn);
    if (!*rc)
        return env;
    mdb_env_close(env);
    return NULL;
}

static void note_usage(struct store_file *f, MDB_txn *txn)
{
    MDB_stat records, freed;

    if (mdb_stat(txn, f->dbi, &records) || mdb_stat(txn, 0, &freed))
        return;
    f->used_pages = records.ms_branch_pages + records.ms_leaf_pages + records.ms_overflow_pages +
                    freed.ms_branch_pages + freed.ms_leaf_pages + freed.ms_overflow_pages;
    f->entries = records.ms_entries;
}

static bool adopt_env(struct store_file *f, int *rc)
{
    MDB_envinfo info;
    MDB_stat stat;

    f->env = open_env(f->path, f->size_most, &f->dbi, rc);
    if (!f->env)
        return false;
    *rc = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->reader);
    if (*rc) {
        mdb_env_close(f->env);
        f->env = NULL;
        return false;
    }
    note_usage(f, f->reader);
    mdb_txn_reset(f->reader);
    mdb_env_info(f->env, &info);
    mdb_env_stat(f->env, &stat);
    f->most_pages = info.me_mapsize / stat.ms_psize;
    return true;
}

static void drop_env(struct store_file *f)
{
    if (f->reader)
        mdb_txn_abort(f->reader);
    f->reader = NULL;
    if (f->env)
        mdb_env_close(f->env);
    f->env = NULL;
}

static void set_aside(const char *path, const char *why)
{
    char aside[4096], locks[4096];

    snprintf(aside, sizeof aside, "%s.damaged", path);
    snprintf(locks, sizeof locks, "%s-lock", path);
    log_warn("store", "%s is damaged (%s): it is set aside as %s; what can be read of it goes into a new one", path,
             why, aside);
    if (rename(path, aside))
        unlink(path);
    unlink(locks);
}

/* Root makes it for who owns the folder. */
static void give_to_owner(const char *path)
{
    char name[4096];
    struct stat folder;

    snprintf(name, sizeof name, "%s", path);
    char *slash = strrchr(name, '/');

    if (geteuid() || !slash)
        return;
    *slash = '\0';
    if (stat(name[0] ? name : "/", &folder))
        return;
    snprintf(name, sizeof name, "%s-lock", path);
    if (lchown(path, folder.st_uid, folder.st_gid) || lchown(name, folder.st_uid, folder.st_gid))
        log_warn("store", "cannot give %s to the owner of its folder: %s", path, strerror(errno));
}

static bool wait_for_gate(int fd)
{
    for (int waited_ms = 0; !lock(fd, GATE_BYTE, F_WRLCK); waited_ms += OPEN_STEP_MS) {
        if (waited_ms >= OPEN_WAIT_MS) {
            errno = EBUSY;
            return false;
        }
        poll(NULL, 0, OPEN_STEP_MS);
    }
    return true;
}

/* Opens the file at `path` and passes its gate, which one process at a time does. -1: errno. */
static int pass_gate(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat opened, there;

        if (fd < 0)
            return -1;
        if (!wait_for_gate(fd) || fstat(fd, &opened)) {
            close(fd);
            return -1;
        }
        if (!stat(path, &there) && there.st_ino == opened.st_ino && there.st_dev == opened.st_dev)
            return fd;
        close(fd); /* it was set aside while we waited */
    }
}

static bool is_damage(int rc)
{
    return rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ||
           rc == MDB_INCOMPATIBLE || rc == MDB_PANIC || rc == EINVAL || rc == EIO;
}

/* ---- what is damaged ---- */

struct salvage {
    struct store_file *file;
    int64_t now_ms;
    unsigned open; /* records in the transaction */
    bool is_given_up;
};

static bool salvage_commit(struct salvage *s)
{
    s->open = 0;
    s->is_given_up = store_file_commit(s->file) != FILE_OK;
    return !s->is_given_up;
}

static bool salvage_begin(struct salvage *s)
{
    enum file_state state;

    for (int i = 0; (state = store_file_begin(s->file, true)) == FILE_BUSY && i < OPEN_WAIT_MS / OPEN_STEP_MS; i++)
        poll(NULL, 0, OPEN_STEP_MS);
    s->is_given_up = state != FILE_OK;
    return !s->is_given_up;
}

static bool salvage_record(void *arg, struct span key, const struct record_head *head, struct span value)
{
    struct salvage *s = arg;

    if (head->expires_ms && head->expires_ms <= s->now_ms)
        return true;
    if (store_file_is_crowded(s->file) || (!s->open && !salvage_begin(s)))
        return false;
    if (store_file_restore(s->file, key, head, value) != FILE_OK) {
        store_file_abort(s->file);
        s->open = 0;
        return false;
    }
    return ++s->open < store_file_batch(s->file) || salvage_commit(s);
}

/* A new file, with all of the old one that can be read; `f` has the gate and nobody else the file. */
static bool renew(struct store_file *f, const char *why, int *rc)
{
    int damaged = f->fd;
    struct salvage salvage = { .file = f, .now_ms = clock_wall_ms() };

    set_aside(f->path, why);
    f->fd = pass_gate(f->path);
    *rc = f->fd < 0 ? errno : 0;
    bool is_good = f->fd >= 0 && adopt_env(f, rc);

    if (is_good) {
        lmdb_salvage(damaged, salvage_record, &salvage);
        if (salvage.open)
            salvage_commit(&salvage);
        log_warn("store", "%s: %llu records were taken over", f->path, (unsigned long long)(f->entries / 2));
    }
    close(damaged);
    return is_good;
}

/* With the gate passed. */
static bool open_behind_gate(struct store_file *f, int *rc)
{
    bool is_alone = lock(f->fd, USE_BYTE, F_WRLCK);
    const char *wrong = is_alone ? lmdb_check(f->fd) : NULL;

    if (!wrong && !adopt_env(f, rc)) {
        if (!is_alone || !is_damage(*rc))
            return false;
        wrong = mdb_strerror(*rc);
    }
    if (wrong && !renew(f, wrong, rc))
        return false;
    give_to_owner(f->path);
    return lock(f->fd, USE_BYTE, F_RDLCK);
}

struct store_file *store_file_open(const char *path, size_t size_most, char *error, size_t size)
{
    struct store_file *f = mem_alloc(sizeof *f);
    int rc = 0;

    *f = (struct store_file){ .path = mem_dup(path), .size_most = size_most, .fd = pass_gate(path) };
    if (f->fd < 0)
        rc = errno;
    if (f->fd >= 0 && open_behind_gate(f, &rc)) {
        lock(f->fd, GATE_BYTE, F_UNLCK);
        return f;
    }
    snprintf(error, size, "%s: %s", path, mdb_strerror(rc));
    store_file_close(f);
    return NULL;
}

/* On a thread of its own, which touches nothing else. */
static void *flush_disk(void *fd)
{
    return (void *)(intptr_t)(fdatasync((int)(intptr_t)fd) ? errno : 0);
}

static void flush_ended(struct store_file *f, void *result)
{
    int error = (int)(intptr_t)result;

    f->is_syncing = false;
    if (!error)
        return;
    f->is_dirty = true;
    log_warn("store", "%s: the disk did not take it: %s", f->path, strerror(error));
}

void store_file_close(struct store_file *f)
{
    void *result;

    if (!f)
        return;
    store_file_abort(f);
    if (f->is_syncing && !pthread_join(f->syncing, &result))
        flush_ended(f, result);
    if (f->env && f->is_dirty)
        mdb_env_sync(f->env, 1);
    drop_env(f);
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f);
}

/* ---- transactions ---- */

/* What stops an env, and can be mended: another process has made the file larger; an error in writing the root. */
static bool mend(struct store_file *f, int rc)
{
    if (rc == MDB_MAP_RESIZED)
        return mdb_env_set_mapsize(f->env, 0) == 0;
    if (rc == MDB_READERS_FULL) {
        int dead = 0;

        return mdb_reader_check(f->env, &dead) == 0 && dead > 0;
    }
    if (rc != MDB_PANIC)
        return false;
    drop_env(f);
    return adopt_env(f, &rc);
}

static int begin(struct store_file *f, bool is_write)
{
    int rc = 0;

    if (!f->env && !adopt_env(f, &rc))
        return rc;
    if (is_write)
        return mdb_txn_begin(f->env, NULL, 0, &f->txn);
    rc = mdb_txn_renew(f->reader);
    if (!rc)
        f->txn = f->reader;
    return rc;
}

enum file_state store_file_begin(struct store_file *f, bool is_write)
{
    if (is_write && !lock(f->fd, WRITE_BYTE, F_WRLCK))
        return FILE_BUSY;
    f->is_write = is_write;
    int rc = begin(f, is_write);

    if (rc && mend(f, rc))
        rc = begin(f, is_write);
    if (!rc && is_write)
        rc = mdb_cursor_open(f->txn, f->dbi, &f->cursor);
    if (!rc)
        return FILE_OK;
    enum file_state state = store_file_failed(f, "cannot begin", rc);

    store_file_abort(f);
    if (is_write)
        lock(f->fd, WRITE_BYTE, F_UNLCK);
    return state;
}

static void end(struct store_file *f)
{
    f->txn = NULL;
    f->cursor = NULL;
    if (f->is_write)
        lock(f->fd, WRITE_BYTE, F_UNLCK);
}

void store_file_abort(struct store_file *f)
{
    if (!f->txn)
        return;
    if (f->cursor)
        mdb_cursor_close(f->cursor);
    if (f->is_write)
        mdb_txn_abort(f->txn);
    else
        mdb_txn_reset(f->txn);
    end(f);
}

enum file_state store_file_commit(struct store_file *f)
{
    if (!f->is_write) {
        store_file_abort(f);
        return FILE_OK;
    }
    note_usage(f, f->txn);
    mdb_cursor_close(f->cursor);
    int rc = mdb_txn_commit(f->txn);

    end(f);
    if (rc)
        return store_file_failed(f, "cannot write", rc);
    f->is_dirty = true;
    return FILE_OK;
}

/* ---- how full it is ---- */

static uint64_t spare_pages(const struct store_file *f)
{
    uint64_t spare = f->most_pages / 8;

    if (spare < BATCH_MOST)
        spare = BATCH_MOST;
    return spare < f->most_pages / 2 ? spare : f->most_pages / 2;
}

bool store_file_is_crowded(const struct store_file *f)
{
    return f->used_pages + spare_pages(f) > f->most_pages;
}

unsigned store_file_batch(const struct store_file *f)
{
    uint64_t most = spare_pages(f) / 32;

    return most < 2 ? 2 : most > BATCH_MOST ? BATCH_MOST : (unsigned)most;
}

/* ---- upkeep ---- */

void store_file_sync(struct store_file *f)
{
    void *result;

    if (f->is_syncing) {
        if (!pthread_tryjoin_np(f->syncing, &result))
            flush_ended(f, result);
        return;
    }
    if (!f->is_dirty)
        return;
    f->is_syncing = !pthread_create(&f->syncing, NULL, flush_disk, (void *)(intptr_t)f->fd);
    f->is_dirty = !f->is_syncing;
}

void store_file_sweep(struct store_file *f)
{
    int dead = 0;

    if (f->env && !mdb_reader_check(f->env, &dead) && dead)
        log_info("store", "%s: %d readers were gone", f->path, dead);
}

void store_file_usage(const struct store_file *f, uint64_t *records, uint64_t *bytes)
{
    *records = f->entries / 2;
    *bytes = f->used_pages * PAGE_BYTES;
}
