/* store/lmdb_walk.c - all records of the embedded store, some in each turn of the loop. */
#include "gateway/store/lmdb_walk.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/strbuf.h"

enum { WALK_RECORDS = 128, WALK_BYTES = 64 * 1024 };

struct walk {
    struct lmdb_walks *walks;
    struct walk *next;
    struct task task;
    struct strbuf prefix, key, batch;
    store_walk_fn *fn;
    store_end_fn *on_end;
    void *arg;
    uint64_t after; /* what had been asked before it is done before it */
};

/* A record of the batch, before its key and its value. */
struct walked {
    size_t key_len, value_len;
    int64_t expires_ms;
};

static void walk_end(struct walk *w, const char *why)
{
    struct walk **link = &w->walks->first;

    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    loop_drop_task(w->walks->loop, &w->task);
    w->on_end(w->arg, why);
    strbuf_release(&w->prefix);
    strbuf_release(&w->key);
    strbuf_release(&w->batch);
    free(w);
}

static void walk_keep(struct walk *w, struct span key, struct span value, int64_t expires_ms, int64_t now_ms)
{
    struct walked head = { key.len, value.len, expires_ms };

    strbuf_clear(&w->key);
    strbuf_put(&w->key, key);
    if (expires_ms && expires_ms <= now_ms)
        return;
    strbuf_put(&w->batch, span_make((const char *)&head, sizeof head));
    strbuf_put(&w->batch, key);
    strbuf_put(&w->batch, value);
}

/* Copies some records, so that no transaction is open while others look at them: it would keep pages from being used
 * again. */
static enum file_state walk_read(struct walk *w)
{
    struct store_file *file = w->walks->file;
    enum file_state state = store_file_begin(file, false);
    int64_t now_ms = clock_wall_ms(), expires_ms;
    struct span key, value;

    if (state != FILE_OK)
        return state;
    for (int i = 0; state == FILE_OK && i < WALK_RECORDS && w->batch.len < WALK_BYTES; i++) {
        bool is_first = !w->key.len;

        state = is_first ? store_file_first(file, strbuf_span(&w->prefix), &key, &value, &expires_ms)
                         : store_file_next(file, strbuf_span(&w->key), &key, &value, &expires_ms);
        if (state == FILE_OK && !span_starts(key, strbuf_span(&w->prefix)))
            state = FILE_NONE;
        if (state == FILE_OK)
            walk_keep(w, key, value, expires_ms, now_ms);
    }
    store_file_abort(file);
    return state;
}

static void walk_give(struct walk *w)
{
    struct span rest = strbuf_span(&w->batch);

    while (rest.len) {
        struct walked head;

        memcpy(&head, rest.ptr, sizeof head);
        struct span key = span_first(span_skip(rest, sizeof head), head.key_len);
        struct span value = span_first(span_skip(rest, sizeof head + head.key_len), head.value_len);

        w->fn(w->arg, key, value, head.expires_ms);
        rest = span_skip(rest, sizeof head + head.key_len + head.value_len);
    }
    strbuf_clear(&w->batch);
}

static void walk_on(void *arg)
{
    struct walk *w = arg;
    enum file_state state = FILE_OK;

    if (*w->walks->finished >= w->after)
        state = walk_read(w);
    walk_give(w);
    if (state == FILE_OK)
        loop_run_task(w->walks->loop, &w->task);
    else
        walk_end(w, state == FILE_NONE ? NULL : store_file_why(w->walks->file));
}

void lmdb_walk_start(struct lmdb_walks *walks, struct span prefix, uint64_t after, store_walk_fn *fn,
                     store_end_fn *on_end, void *arg)
{
    struct walk *w = mem_alloc(sizeof *w);

    *w = (struct walk){ .walks = walks, .next = walks->first, .fn = fn, .on_end = on_end, .arg = arg, .after = after };
    w->task = (struct task){ .fn = walk_on, .arg = w };
    strbuf_init(&w->prefix, STORE_KEY_MAX);
    strbuf_init(&w->key, STORE_KEY_MAX);
    strbuf_init(&w->batch, 2 * WALK_BYTES);
    strbuf_put(&w->prefix, span_first(prefix, STORE_KEY_MAX));
    walks->first = w;
    loop_run_task(walks->loop, &w->task);
}

void lmdb_walks_end(struct lmdb_walks *walks, const char *why)
{
    while (walks->first)
        walk_end(walks->first, why);
}
