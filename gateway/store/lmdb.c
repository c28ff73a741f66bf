/* store/lmdb.c - the embedded driver: a queue, and a transaction at the end of each turn of the loop.
 *
 * When another process writes, the queue waits for it, a millisecond at a time, until the questions' own time-outs:
 * these count as failures.
 * When the file is full, what expires soonest goes, and the transaction is tried once more. One that fails for another
 * reason answers its questions STORE_FAILED; after FAILURES_MOST of them in a row nothing is tried for PAUSE_MS. What
 * has expired is taken out in small batches by a timer, so that no question waits for it.
 */
#include "gateway/store/lmdb.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/lmdb_bayes.h"
#include "gateway/store/lmdb_file.h"
#include "gateway/store/lmdb_record.h"
#include "gateway/store/lmdb_walk.h"

enum {
    RETRY_MS = 1,
    UPKEEP_MS = 1000,
    UPKEEP_BUSY_MS = 10, /* while there is more to take out */
    SWEEP_MS = 10000,
    TRIM_MOST = 128, /* records in one go */
    FAILURES_MOST = 3,
    PAUSE_MS = 1000,
    TELL_MS = 60000, /* between lines of the log about failures */
    WHY_MAX = 200,
    PATH_BYTES_MAX = 4000,
    LAST_TURNS = 100, /* of what waits at the end */
    BAYES_WEIGHT = 8, /* in a batch: the pages that it changes are mostly those that the one before has changed */
};

struct store_query {
    struct store_query *next;
    struct store_op op; /* its spans point to `bytes`; STORE_KIND_COUNT: store_load() */
    int64_t load_expires_ms;
    int64_t asked_us, deadline_ms;
    store_fn *fn; /* NULL: nobody asks any more */
    void *arg;
    struct store_answer answer;
    char *value; /* the answer's */
    char bytes[];
};

struct queue {
    struct store_query *first, **last;
};

struct lmdb {
    struct loop *loop;
    struct store_file *file;
    int timeout_ms;
    struct queue waiting, done;
    uint64_t queued, finished; /* questions ever */
    struct task turn;
    struct timer *retry, *upkeep;
    int64_t disk_due_ms, sweep_due_ms;
    unsigned failures;
    int64_t down_until_ms, told_ms;
    unsigned fresh; /* records that this transaction adds */
    struct lmdb_walks walks;
    struct store_record record, client; /* of the operation at hand */
    struct lmdb_bayes *bayes;
    char why[WHY_MAX];
    struct store_counters counters;
};

/* ---- the queue ---- */

static void queue_clear(struct queue *queue)
{
    *queue = (struct queue){ .last = NULL };
}

static void queue_add(struct queue *queue, struct store_query *query)
{
    query->next = NULL;
    if (queue->first)
        *queue->last = query;
    else
        queue->first = query;
    queue->last = &query->next;
}

static struct store_query *queue_take(struct queue *queue)
{
    struct store_query *query = queue->first;

    queue->first = query->next;
    return query;
}

static struct store_query *query_new(struct lmdb *db, const struct store_op *op, int timeout_ms)
{
    struct store_query *query = mem_alloc(sizeof *query + op_bytes(op));

    query->op = op_copy_into(op, query->bytes);
    query->asked_us = clock_mono_us();
    query->deadline_ms =
        query->asked_us / 1000 + (timeout_ms && timeout_ms < db->timeout_ms ? timeout_ms : db->timeout_ms);
    return query;
}

static void query_free(struct store_query *query)
{
    free(query->value);
    free(query);
}

static void enqueue(struct lmdb *db, struct store_query *query)
{
    queue_add(&db->waiting, query);
    db->queued++;
    if (!timer_is_running(db->retry))
        loop_run_task(db->loop, &db->turn);
}

/* ---- answers ---- */

static const char writing[] = "another process is writing";

static void answer(struct store_query *query, enum store_state state, const char *why)
{
    query->answer = (struct store_answer){ .state = state, .why = why };
}

/* Called when no transaction is open: who is answered may ask again. */
static void deliver(struct lmdb *db)
{
    int64_t now_us = clock_mono_us();
    struct queue done = db->done;

    queue_clear(&db->done);
    while (done.first) {
        struct store_query *query = queue_take(&done);

        db->finished++;
        db->counters.asked++;
        db->counters.busy_us += (uint64_t)(now_us - query->asked_us);
        db->counters.failed += query->answer.state == STORE_FAILED;
        db->counters.timed_out += query->answer.state == STORE_TIMEOUT;
        if (query->fn)
            query->fn(query->arg, &query->answer);
        query_free(query);
    }
}

static void answer_all(struct lmdb *db, struct queue *queue, enum store_state state, const char *why)
{
    while (queue->first) {
        struct store_query *query = queue_take(queue);

        answer(query, state, why);
        queue_add(&db->done, query);
    }
}

/* Those that have waited long enough for another process; false: there is none. */
static bool time_out(struct lmdb *db)
{
    struct queue kept = { 0 };
    int64_t now_ms = clock_mono_ms();
    bool any_is_late = false;

    while (db->waiting.first) {
        struct store_query *query = queue_take(&db->waiting);
        bool is_late = query->deadline_ms <= now_ms;

        any_is_late |= is_late;
        if (is_late)
            answer(query, STORE_TIMEOUT, writing);
        queue_add(is_late ? &db->done : &kept, query);
    }
    db->waiting = kept;
    return any_is_late;
}

/* ---- outages ---- */

static void note_failure(struct lmdb *db, const char *why)
{
    int64_t now_ms = loop_now_ms(db->loop);

    snprintf(db->why, sizeof db->why, "%s", why);
    if (!db->told_ms || now_ms - db->told_ms >= TELL_MS) {
        log_warn("store", "%s", db->why);
        db->told_ms = now_ms;
    }
    if (++db->failures >= FAILURES_MOST)
        db->down_until_ms = now_ms + PAUSE_MS;
}

static void note_success(struct lmdb *db)
{
    if (db->failures >= FAILURES_MOST)
        log_info("store", "works again after %u failures", db->failures);
    db->failures = 0;
    db->down_until_ms = 0;
}

static bool is_down(const struct lmdb *db)
{
    return db->down_until_ms > loop_now_ms(db->loop);
}

/* ---- operations ---- */

static enum file_state load(struct lmdb *db, struct store_query *query)
{
    const struct span value = query->op.put.value;
    struct store_record *r = &db->record;
    enum file_state state = store_file_get(db->file, query->op.key, r);
    int64_t expires_ms = query->load_expires_ms, now_ms = query->op.now_ms;

    if (state != FILE_OK && state != FILE_NONE)
        return state;
    bool is_there = state == FILE_OK && (!r->expires_ms || r->expires_ms > now_ms);
    bool lives_as_long = is_there && (!r->expires_ms || (expires_ms && r->expires_ms >= expires_ms));

    answer(query, STORE_ABSENT, "");
    if (lives_as_long || (expires_ms && expires_ms <= now_ms) || !value.len)
        return FILE_OK;
    memcpy(r->bytes, value.ptr, value.len);
    r->len = value.len;
    r->expires_ms = expires_ms;
    answer(query, STORE_OK, "");
    db->fresh++;
    return store_file_put(db->file, query->op.key, r);
}

static enum file_state get_both(struct lmdb *db, const struct store_op *op, bool has_client)
{
    enum file_state state = store_file_get(db->file, op->key, &db->record);

    if (!has_client || (state != FILE_OK && state != FILE_NONE))
        return state;
    return store_file_get(db->file, op->greylist.client, &db->client);
}

static enum file_state put_both(struct lmdb *db, const struct store_op *op)
{
    enum file_state state = FILE_OK;

    if (db->record.is_changed)
        state = store_file_put(db->file, op->key, &db->record);
    if (state == FILE_OK && db->client.is_changed)
        state = store_file_put(db->file, op->greylist.client, &db->client);
    return state;
}

static enum file_state bayes(struct lmdb *db, struct store_query *query)
{
    const struct store_op *op = &query->op;

    free(query->value);
    query->value = op->kind == STORE_BAYES_LOOK ? mem_alloc(op->bayes.tokens.len + 1) : NULL;
    return lmdb_bayes(db->bayes, db->file, op, &db->record, query->value, &query->answer, &db->fresh);
}

static enum file_state apply(struct lmdb *db, struct store_query *query)
{
    const struct store_op *op = &query->op;
    bool has_client = op->kind == STORE_GREYLIST && op->greylist.client.len;

    if (op->kind == STORE_KIND_COUNT)
        return load(db, query);
    if (op_is_bayes(op->kind))
        return bayes(db, query);
    enum file_state state = get_both(db, op, has_client);

    if (state != FILE_OK && state != FILE_NONE)
        return state;
    bool was_there = db->record.len > 0, is_changed = op_apply(op, &db->record, &db->client, &query->answer);

    if (op->kind == STORE_GET && query->answer.state == STORE_OK) {
        free(query->value);
        query->value = mem_alloc(query->answer.value.len + 1);
        memcpy(query->value, query->answer.value.ptr, query->answer.value.len);
        query->answer.value.ptr = query->value;
    }
    if (!is_changed)
        return FILE_OK;
    db->fresh += !was_there;
    return put_both(db, op);
}

/* ---- a turn ---- */

/* Takes up to `most` out of what waits; true: some of it writes. */
static bool take_batch(struct lmdb *db, unsigned most, struct queue *batch)
{
    bool writes = false;

    queue_clear(batch);
    for (unsigned i = 0; i < most && db->waiting.first;) {
        struct store_query *query = queue_take(&db->waiting);

        i += op_is_bayes(query->op.kind) ? BAYES_WEIGHT : 1;
        writes |= !op_reads(query->op.kind);
        queue_add(batch, query);
    }
    return writes;
}

static void put_back(struct lmdb *db, struct queue *batch)
{
    if (!batch->first)
        return;
    *batch->last = db->waiting.first;
    if (!db->waiting.first)
        db->waiting.last = batch->last;
    db->waiting.first = batch->first;
}

/* While the file is crowded, for each record that comes the two go that expire next: pages are given back only when
 * they are nearly empty, so more at once would empty the file before it counts as smaller. */
static enum file_state make_way(struct lmdb *db)
{
    unsigned count;

    if (!db->fresh || !store_file_is_crowded(db->file))
        return FILE_OK;
    enum file_state state = store_file_trim(db->file, clock_wall_ms(), true, 2 * db->fresh, &count);

    return state == FILE_NONE ? FILE_OK : state;
}

static enum file_state transact(struct lmdb *db, const struct queue *batch, bool writes)
{
    enum file_state state = store_file_begin(db->file, writes);

    if (state != FILE_OK)
        return state;
    db->fresh = 0;
    for (struct store_query *query = batch->first; query; query = query->next) {
        if (!op_is_good(&query->op)) {
            answer(query, STORE_FAILED, "a key or value of that length is not stored");
            continue;
        }
        state = apply(db, query);
        if (state != FILE_OK) {
            store_file_abort(db->file);
            return state;
        }
    }
    state = make_way(db);
    if (state == FILE_OK)
        return store_file_commit(db->file);
    store_file_abort(db->file);
    return state;
}

static enum file_state trim(struct lmdb *db, bool is_evicting, unsigned most, unsigned *count)
{
    enum file_state state = store_file_begin(db->file, true);

    *count = 0;
    if (state != FILE_OK)
        return state;
    state = store_file_trim(db->file, clock_wall_ms(), is_evicting, most, count);
    if (state != FILE_OK && state != FILE_NONE) {
        store_file_abort(db->file);
        return state;
    }
    enum file_state committed = store_file_commit(db->file);

    return committed == FILE_OK ? state : committed;
}

static enum file_state transact_with_room(struct lmdb *db, const struct queue *batch, bool writes)
{
    enum file_state state = transact(db, batch, writes);
    unsigned count;

    if (state != FILE_FULL)
        return state;
    store_file_sweep(db->file);
    trim(db, true, TRIM_MOST / 4, &count); /* two, because what one frees can be used after the next */
    trim(db, true, TRIM_MOST / 4, &count);
    return transact(db, batch, writes);
}

/* Another process writes. What waits goes on waiting for it, but not while it is an outage already. */
static void wait_for_writer(struct lmdb *db)
{
    if (db->failures >= FAILURES_MOST) {
        note_failure(db, writing);
        answer_all(db, &db->waiting, STORE_FAILED, db->why);
        return;
    }
    if (time_out(db))
        note_failure(db, writing);
    timer_start(db->retry, RETRY_MS);
}

static void run_turn(void *arg)
{
    struct lmdb *db = arg;
    struct queue batch;

    if (is_down(db)) {
        answer_all(db, &db->waiting, STORE_FAILED, db->why);
        deliver(db);
        return;
    }
    bool writes = take_batch(db, store_file_batch(db->file), &batch);
    enum file_state state = batch.first ? transact_with_room(db, &batch, writes) : FILE_OK;

    if (state == FILE_BUSY) {
        put_back(db, &batch);
        wait_for_writer(db);
    } else if (state == FILE_OK) {
        if (writes)
            note_success(db);
        while (batch.first)
            queue_add(&db->done, queue_take(&batch));
    } else {
        note_failure(db, store_file_why(db->file));
        answer_all(db, &batch, STORE_FAILED, db->why);
    }
    if (db->waiting.first && state != FILE_BUSY)
        loop_run_task(db->loop, &db->turn);
    deliver(db);
}

static struct store_query *lmdb_ask(void *state, const struct store_op *op, int timeout_ms, store_fn *fn, void *arg)
{
    struct lmdb *db = state;
    struct store_query *query = query_new(db, op, timeout_ms);

    query->fn = fn;
    query->arg = arg;
    enqueue(db, query);
    return query;
}

static void lmdb_cancel(void *state, struct store_query *query)
{
    (void)state;
    query->fn = NULL;
}

static void lmdb_tell(void *state, const struct store_op *op)
{
    lmdb_ask(state, op, 0, NULL, NULL);
}

static void lmdb_load(void *state, struct span key, struct span value, int64_t expires_ms, store_fn *fn, void *arg)
{
    struct store_op op = { .kind = STORE_PUT, .key = key, .now_ms = clock_wall_ms(), .put = { .value = value } };
    struct store_query *query = lmdb_ask(state, &op, 0, fn, arg);

    query->load_expires_ms = expires_ms;
    query->op.kind = value.len <= STORE_VALUE_MAX ? STORE_KIND_COUNT : STORE_PUT; /* that is refused */
}

/* ---- upkeep ---- */

/* True: there is more to do soon. */
static bool expire(struct lmdb *db)
{
    unsigned count;
    enum file_state state = trim(db, false, TRIM_MOST, &count);

    return state == FILE_OK || state == FILE_BUSY;
}

static void keep_up(void *arg)
{
    struct lmdb *db = arg;
    int64_t now_ms = loop_now_ms(db->loop);
    bool has_more = !is_down(db) && expire(db);

    if (now_ms >= db->disk_due_ms) {
        store_file_sync(db->file);
        db->disk_due_ms = now_ms + FILE_SYNC_MS / 2; /* it is begun at one call, and looked after at the next */
    }
    if (now_ms >= db->sweep_due_ms) {
        store_file_sweep(db->file);
        db->sweep_due_ms = now_ms + SWEEP_MS;
    }
    timer_start(db->upkeep, has_more ? UPKEEP_BUSY_MS : UPKEEP_MS);
}

static void lmdb_walk(void *state, struct span prefix, store_walk_fn *fn, store_end_fn *on_end, void *arg)
{
    struct lmdb *db = state;

    lmdb_walk_start(&db->walks, prefix, db->queued, fn, on_end, arg);
}

/* ---- open and close ---- */

static void *lmdb_open(struct loop *loop, const struct store_conf *conf, const char *directory, char *error,
                       size_t size)
{
    char path[PATH_BYTES_MAX];

    if (snprintf(path, sizeof path, "%s/store.mdb", directory) >= (int)sizeof path) {
        snprintf(error, size, "%s: that path is too long", directory);
        return NULL;
    }
    struct store_file *file = store_file_open(path, conf->size_most_bytes, error, size);

    if (!file)
        return NULL;
    struct lmdb *db = mem_alloc(sizeof *db);

    db->loop = loop;
    db->file = file;
    db->bayes = mem_alloc(sizeof *db->bayes);
    db->timeout_ms = conf->timeout_ms;
    db->walks = (struct lmdb_walks){ .loop = loop, .file = file, .finished = &db->finished };
    db->turn = (struct task){ .fn = run_turn, .arg = db };
    db->retry = timer_new(loop, run_turn, db);
    db->upkeep = timer_new(loop, keep_up, db);
    db->disk_due_ms = db->sweep_due_ms = loop_now_ms(loop) + FILE_SYNC_MS / 2;
    timer_start(db->upkeep, UPKEEP_MS);
    return db;
}

static void lmdb_close(void *state)
{
    struct lmdb *db = state;

    for (int i = 0; i < LAST_TURNS && db->waiting.first && !is_down(db); i++) {
        run_turn(db);
        if (db->waiting.first && timer_is_running(db->retry))
            poll(NULL, 0, RETRY_MS); /* another process writes */
    }
    while (db->waiting.first) {
        answer_all(db, &db->waiting, STORE_FAILED, "the store is closed");
        deliver(db);
    }
    lmdb_walks_end(&db->walks, "the store is closed");
    loop_drop_task(db->loop, &db->turn);
    timer_free(db->retry);
    timer_free(db->upkeep);
    store_file_close(db->file);
    free(db->bayes);
    free(db);
}

static void lmdb_count(const void *state, struct store_counters *out)
{
    const struct lmdb *db = state;

    *out = db->counters;
    store_file_usage(db->file, &out->records, &out->bytes);
    out->is_down = is_down(db);
}

const struct store_driver lmdb_driver = {
    .open = lmdb_open,
    .close = lmdb_close,
    .ask = lmdb_ask,
    .cancel = lmdb_cancel,
    .tell = lmdb_tell,
    .walk = lmdb_walk,
    .load = lmdb_load,
    .count = lmdb_count,
};
