/* store/lmdb_bayes.c - Bayes' operations on the embedded store's file.
 *
 * Tokens come sorted, and so their buckets are visited in the order of the B-tree. Looking reads the pages in place.
 */
#include "gateway/store/lmdb_bayes.h"

#include "gateway/store/bayes.h"

enum { MEMORY_LINE = 64, LINES_FETCHED = 4, PAGE_BYTES = 4096 };

struct work {
    struct lmdb_bayes *bayes;
    struct store_file *file;
    const struct store_op *op;
    struct store_record *room;
    unsigned *fresh;
};

static enum file_state ok(enum file_state state)
{
    return state == FILE_NONE ? FILE_OK : state;
}

static enum file_state put(struct work *w, struct span key, bool was_there)
{
    if (!w->room->len && !was_there)
        return FILE_OK;
    *w->fresh += !was_there;
    return store_file_put(w->file, key, w->room);
}

/* ---- looking ---- */

static void count_put(char *at, uint32_t count)
{
    at[0] = (char)count;
    at[1] = (char)(count >> 8);
    at[2] = (char)(count >> 16);
}

static enum file_state totals(struct work *w, struct store_bayes_totals *out)
{
    char key[STORE_KEY_MAX];
    enum file_state state = store_file_get(w->file, bayes_totals_key(w->op->key, key), w->room);

    bayes_totals_load(w->room, out);
    return ok(state);
}

/* The page's head, by which LMDB finds the record in it, and the record. */
static void fetch(const struct work *w)
{
    struct span tokens = w->op->bayes.tokens;

    for (size_t i = 0; i < tokens.len / BAYES_TOKEN_BYTES; i++) {
        uintptr_t at = w->bayes->seen[bayes_token(tokens, i) >> BAYES_BUCKET_SHIFT];

        if (!at)
            continue;
        __builtin_prefetch((const void *)(at & ~(uintptr_t)(PAGE_BYTES - 1)));
        at -= MEMORY_LINE / 2; /* its key and head are before it */
        for (int line = 0; line < LINES_FETCHED; line++)
            __builtin_prefetch((const void *)(at + (uintptr_t)(line * MEMORY_LINE)));
    }
}

static enum file_state look(struct work *w, char *counts, struct store_answer *answer)
{
    struct span tokens = w->op->bayes.tokens;
    size_t count = tokens.len / BAYES_TOKEN_BYTES;
    enum file_state state = totals(w, &answer->bayes.totals);

    fetch(w);
    for (size_t i = 0; state == FILE_OK && i < count; i++) {
        char key[STORE_KEY_MAX];
        struct span bucket = { 0 };
        uint64_t token = bayes_token(tokens, i);

        state = ok(store_file_look(w->file, bayes_bucket_key(w->op->key, token, key), &bucket));
        w->bayes->seen[token >> BAYES_BUCKET_SHIFT] = (uintptr_t)bucket.ptr;
        struct store_token_count found = bayes_bucket_find(bucket, token);

        count_put(counts + i * STORE_COUNT_BYTES, found.spam);
        count_put(counts + i * STORE_COUNT_BYTES + 3, found.ham);
    }
    answer->bayes.counts = span_make(counts, count * STORE_COUNT_BYTES);
    return state;
}

/* ---- changing ---- */

static struct store_token_count added(const struct store_bayes *b, size_t i)
{
    struct store_token_count count;

    memcpy(&count, b->counts.ptr + i * sizeof count, sizeof count);
    return count;
}

/* Adds spam and ham to the counts of each token; with NULL what the operation says of each. */
static enum file_state change(struct work *w, const int *by)
{
    const struct store_bayes *b = &w->op->bayes;
    size_t count = b->tokens.len / BAYES_TOKEN_BYTES;
    enum file_state state = FILE_OK;
    struct bayes_rules rules;

    bayes_rules_of(w->op, &rules);
    for (size_t i = 0; state == FILE_OK && i < count;) {
        char key_bytes[STORE_KEY_MAX];
        uint64_t token = bayes_token(b->tokens, i), bucket = token >> BAYES_BUCKET_SHIFT;
        struct span key = bayes_bucket_key(w->op->key, token, key_bytes);

        state = ok(store_file_get(w->file, key, w->room));
        bool was_there = w->room->len > 0;

        bayes_bucket_open(w->room, &rules);
        for (; i < count && (token = bayes_token(b->tokens, i)) >> BAYES_BUCKET_SHIFT == bucket; i++) {
            struct store_token_count each = by ? (struct store_token_count){ 0, 0 } : added(b, i);

            bayes_bucket_add(w->room, &rules, token, by ? by[0] : (int64_t)each.spam, by ? by[1] : (int64_t)each.ham);
        }
        w->room->expires_ms = b->life_ms > 0 ? op_later(w->op->now_ms, b->life_ms) : 0;
        if (state == FILE_OK)
            state = put(w, key, was_there);
    }
    return state;
}

static enum file_state add_totals(struct work *w, double spam, double ham, struct store_bayes_totals *out)
{
    char key[STORE_KEY_MAX];
    enum file_state state = totals(w, out);
    bool was_there = w->room->len > 0;

    if (state != FILE_OK)
        return state;
    out->spam += spam;
    out->ham += ham;
    bayes_totals_save(w->room, out);
    bayes_totals_load(w->room, out);
    return put(w, bayes_totals_key(w->op->key, key), was_there);
}

static enum file_state learn(struct work *w, struct store_answer *answer)
{
    char key_bytes[STORE_KEY_MAX];
    struct span key = bayes_message_key(w->op->key, &w->op->bayes, key_bytes);
    enum file_state state = ok(store_file_get(w->file, key, w->room));
    bool was_there = w->room->len > 0;
    int by[2];

    answer->bayes.outcome =
        bayes_outcome_of(bayes_message_load(w->room, w->op->now_ms), w->op->bayes.as, &by[0], &by[1]);
    bayes_message_save(w->room, w->op);
    if (state == FILE_OK)
        state = put(w, key, was_there);
    if (state == FILE_OK && (by[0] || by[1] || bayes_is_refreshed(w->op, answer->bayes.outcome)))
        state = change(w, by);
    return state == FILE_OK ? add_totals(w, by[0], by[1], &answer->bayes.totals) : state;
}

/* Under its digest it is added once. */
static enum file_state note_added(struct work *w, bool *is_known)
{
    char key_bytes[STORE_KEY_MAX];
    struct span key = bayes_message_key(w->op->key, &w->op->bayes, key_bytes);
    enum file_state state = ok(store_file_get(w->file, key, w->room));
    bool was_there = w->room->len > 0;

    *is_known = bayes_was_added(w->room, w->op->now_ms);
    if (state != FILE_OK || *is_known)
        return state;
    bayes_message_save(w->room, w->op);
    return put(w, key, was_there);
}

static enum file_state add(struct work *w, struct store_answer *answer)
{
    const struct store_bayes_totals *by = &w->op->bayes.totals;
    bool is_known = false;
    enum file_state state = w->op->bayes.is_once ? note_added(w, &is_known) : FILE_OK;

    answer->bayes.outcome = is_known ? BAYES_ALREADY : BAYES_LEARNED;
    if (state != FILE_OK || is_known)
        return state == FILE_OK ? totals(w, &answer->bayes.totals) : state;
    state = change(w, NULL);
    return state == FILE_OK ? add_totals(w, by->spam, by->ham, &answer->bayes.totals) : state;
}

enum file_state lmdb_bayes(struct lmdb_bayes *b, struct store_file *f, const struct store_op *op,
                           struct store_record *room, char *counts, struct store_answer *answer, unsigned *fresh)
{
    struct work w = { .bayes = b, .file = f, .op = op, .room = room, .fresh = fresh };

    *answer = (struct store_answer){ .state = STORE_OK, .why = "" };
    if (op->kind == STORE_BAYES_LOOK)
        return look(&w, counts, answer);
    if (op->kind == STORE_BAYES_LEARN)
        return learn(&w, answer);
    return add(&w, answer);
}
