/* store/lmdb_keep.c - the records in the embedded store's file, and their index of expiries. */
#include "gateway/store/lmdb_file.h"

#include "gateway/base/clock.h"
#include "gateway/store/lmdb_parts.h"
#include "gateway/store/lmdb_record.h"

static MDB_val val_of(struct span s)
{
    return (MDB_val){ s.len, (void *)(uintptr_t)s.ptr };
}

static struct span span_of_val(MDB_val v)
{
    return span_make(v.mv_data, v.mv_size);
}

static enum file_state find(struct store_file *f, struct span key, struct span *out)
{
    MDB_val k = val_of(key), v;
    int rc = f->cursor ? mdb_cursor_get(f->cursor, &k, &v, MDB_SET_KEY) : mdb_get(f->txn, f->dbi, &k, &v);

    if (rc == MDB_NOTFOUND)
        return FILE_NONE;
    if (rc)
        return store_file_failed(f, "cannot read", rc);
    *out = span_of_val(v);
    return FILE_OK;
}

enum file_state store_file_get(struct store_file *f, struct span key, struct store_record *out)
{
    struct span kept;
    enum file_state state = find(f, key, &kept);
    struct record_head head;

    out->len = 0;
    if (state != FILE_OK)
        return state;
    if (!record_head_read(kept, &head))
        return FILE_NONE;
    out->len = kept.len - RECORD_HEAD_BYTES;
    out->expires_ms = head.expires_ms;
    memcpy(out->bytes, kept.ptr + RECORD_HEAD_BYTES, out->len);
    return FILE_OK;
}

enum file_state store_file_look(struct store_file *f, struct span key, struct span *out)
{
    struct span kept;
    struct record_head head;
    enum file_state state = find(f, key, &kept);

    if (state != FILE_OK)
        return state;
    if (!record_head_read(kept, &head))
        return FILE_NONE;
    *out = span_skip(kept, RECORD_HEAD_BYTES);
    return FILE_OK;
}

static int index_add(struct store_file *f, uint32_t second, struct span key)
{
    char bytes[RECORD_INDEX_MAX];
    MDB_val k = val_of(record_index_key(bytes, second, key)), v = { 0, bytes };

    return mdb_put(f->txn, f->dbi, &k, &v, 0);
}

static int index_remove(struct store_file *f, uint32_t second, struct span key)
{
    char bytes[RECORD_INDEX_MAX];
    MDB_val k = val_of(record_index_key(bytes, second, key));
    int rc = mdb_del(f->txn, f->dbi, &k, NULL);

    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Its head and its value; MDB_CURRENT in `flags`: to where the cursor is. */
static int write_record(struct store_file *f, struct span key, struct record_head *head, struct span value,
                        unsigned flags)
{
    MDB_val k = val_of(key), v = { RECORD_HEAD_BYTES + value.len, NULL };

    int rc = mdb_cursor_put(f->cursor, &k, &v, flags | MDB_RESERVE);

    if (!rc)
        record_write(v.mv_data, head, key, value);
    return rc;
}

static int remove_record(struct store_file *f, struct span key, uint32_t indexed_s)
{
    MDB_val k = val_of(key);
    int rc = mdb_del(f->txn, f->dbi, &k, NULL);

    return rc && rc != MDB_NOTFOUND ? rc : index_remove(f, indexed_s, key);
}

static enum file_state put(struct store_file *f, struct span key, const struct store_record *record, uint32_t written_s)
{
    struct record_head head = { 0 };
    struct span old;
    enum file_state state = find(f, key, &old);
    bool is_there = state == FILE_OK && record_head_read(old, &head);
    uint32_t second = record_index_second(record->expires_ms);
    int rc = 0;

    if (state != FILE_OK && state != FILE_NONE)
        return state;
    if (!record->len) {
        rc = is_there ? remove_record(f, key, head.indexed_s) : 0;
        return rc ? store_file_failed(f, "cannot remove", rc) : FILE_OK;
    }
    bool is_indexed = is_there && head.indexed_s <= second;

    if (is_there && !is_indexed)
        rc = index_remove(f, head.indexed_s, key);
    if (!rc && !is_indexed)
        rc = index_add(f, second, key);
    if (!is_indexed)
        head.indexed_s = second;
    head.expires_ms = record->expires_ms;
    head.written_s = written_s;
    if (!rc)
        rc = write_record(f, key, &head, span_make(record->bytes, record->len), is_indexed ? MDB_CURRENT : 0);
    return rc ? store_file_failed(f, "cannot put", rc) : FILE_OK;
}

enum file_state store_file_put(struct store_file *f, struct span key, const struct store_record *record)
{
    return put(f, key, record, (uint32_t)(clock_wall_ms() / 1000));
}

enum file_state store_file_restore(struct store_file *f, struct span key, const struct record_head *head,
                                   struct span value)
{
    struct store_record record = { .len = value.len, .expires_ms = head->expires_ms };
    struct record_head there;
    struct span old;
    enum file_state state = find(f, key, &old);

    if (state != FILE_OK && state != FILE_NONE)
        return state;
    bool is_there = state == FILE_OK && record_head_read(old, &there);

    if (is_there && (there.written_s > head->written_s ||
                     (there.written_s == head->written_s && there.expires_ms >= head->expires_ms)))
        return FILE_OK;
    memcpy(record.bytes, value.ptr, value.len);
    return put(f, key, &record, head->written_s);
}

static enum file_state seek(struct store_file *f, struct span key, bool is_above, struct span *found,
                            struct span *value, int64_t *expires_ms)
{
    char least[] = "\1"; /* what is below are entries of the index */
    MDB_val k = key.len ? val_of(key) : (MDB_val){ 1, least }, v;
    MDB_cursor *cursor;
    struct record_head head;
    int rc = mdb_cursor_open(f->txn, f->dbi, &cursor);

    if (rc)
        return store_file_failed(f, "cannot read", rc);
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (!rc && is_above && span_eq(span_of_val(k), key))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    while (!rc && !record_head_read(span_of_val(v), &head))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    mdb_cursor_close(cursor);
    if (rc)
        return rc == MDB_NOTFOUND ? FILE_NONE : store_file_failed(f, "cannot read", rc);
    *found = span_of_val(k);
    *value = span_skip(span_of_val(v), RECORD_HEAD_BYTES);
    *expires_ms = head.expires_ms;
    return FILE_OK;
}

enum file_state store_file_first(struct store_file *f, struct span key, struct span *found, struct span *value,
                                 int64_t *expires_ms)
{
    return seek(f, key, false, found, value, expires_ms);
}

enum file_state store_file_next(struct store_file *f, struct span key, struct span *found, struct span *value,
                                int64_t *expires_ms)
{
    return seek(f, key, true, found, value, expires_ms);
}

/* ---- what expires ---- */

/* The record that an entry of the index stands for: moved in the index when it lives longer than that says. */
static int trim_one(struct store_file *f, uint32_t second, struct span key, uint32_t now_s, bool is_evicting,
                    unsigned *count)
{
    char value[STORE_VALUE_MAX];
    struct record_head head;
    struct span kept;
    enum file_state state = find(f, key, &kept);

    if (state != FILE_OK || !record_head_read(kept, &head) || head.indexed_s != second)
        return state == FILE_FAILED ? MDB_CORRUPTED : index_remove(f, second, key);
    uint32_t true_second = record_index_second(head.expires_ms);

    if (true_second <= now_s || (is_evicting && true_second <= second)) {
        ++*count;
        return remove_record(f, key, second);
    }
    size_t len = kept.len - RECORD_HEAD_BYTES;

    memcpy(value, kept.ptr + RECORD_HEAD_BYTES, len); /* what is changed next may move it */
    int rc = index_remove(f, second, key);

    if (!rc)
        rc = index_add(f, true_second, key);
    head.indexed_s = true_second;
    return rc ? rc : write_record(f, key, &head, span_make(value, len), 0);
}

enum file_state store_file_trim(struct store_file *f, int64_t now_ms, bool is_evicting, unsigned most, unsigned *count)
{
    uint32_t now_s = (uint32_t)(now_ms / 1000);

    *count = 0;
    for (unsigned i = 0; i < most; i++) {
        char key[STORE_KEY_MAX];
        struct span name;
        uint32_t second;
        MDB_val k, v;
        int rc = mdb_cursor_get(f->cursor, &k, &v, MDB_FIRST);

        if (rc == MDB_NOTFOUND || (!rc && !record_index_read(span_of_val(k), &second, &name)))
            return FILE_NONE;
        if (!rc && second > now_s && !is_evicting)
            return FILE_NONE;
        if (!rc) {
            memcpy(key, name.ptr, name.len);
            rc = trim_one(f, second, span_make(key, name.len), now_s, is_evicting, count);
        }
        if (rc)
            return store_file_failed(f, "cannot expire", rc);
    }
    return FILE_OK;
}
