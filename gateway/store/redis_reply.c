/* store/redis_reply.c - hiredis' reader with bounds of ours.
 *
 * Items are made in an arena, an array's items in one piece, so that nothing is freed one by one. A bulk string is not
 * announced to us before it is whole: what is buffered without a reply coming of it is bounded instead.
 */
#include "gateway/store/redis_reply.h"

#include <hiredis/read.h>
#include <stdlib.h>

#include "gateway/base/arena.h"
#include "gateway/base/bug.h"

struct redis_reader {
    redisReader *hiredis;
    struct arena arena;
    size_t items, bytes; /* of the reply that is being read */
    bool is_given;       /* the arena holds a reply that was given out */
    const char *error;   /* it is broken */
};

/* ---- what hiredis calls ---- */

static struct redis_reply *item_new(const redisReadTask *task, enum redis_type type)
{
    struct redis_reader *r = task->privdata;
    struct redis_reply *item;

    if (task->parent)
        item = &((struct redis_reply *)task->parent->obj)->items[task->idx];
    else
        item = arena_alloc(&r->arena, sizeof *item);
    item->type = type;
    return item;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    struct redis_reader *r = task->privdata;
    enum redis_type type = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                           : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                              : REDIS_STRING;

    if (len > REDIS_BYTES_MOST - r->bytes) {
        r->error = "a reply has too many bytes";
        return NULL;
    }
    r->bytes += len;
    struct redis_reply *item = item_new(task, type);

    item->text = arena_copy(&r->arena, span_make(text, len));
    return item;
}

static void *make_array(const redisReadTask *task, int count)
{
    struct redis_reader *r = task->privdata;

    if (count < 0 || (size_t)count > REDIS_ITEMS_MOST - r->items) {
        r->error = "a reply has too many items";
        return NULL;
    }
    r->items += (size_t)count;
    struct redis_reply *item = item_new(task, REDIS_ARRAY);

    item->items = arena_alloc(&r->arena, (count ? (size_t)count : 1) * sizeof *item->items);
    item->count = (size_t)count;
    return item;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *item = item_new(task, REDIS_INTEGER);

    item->integer = value;
    return item;
}

static void *make_nil(const redisReadTask *task)
{
    return item_new(task, REDIS_NIL);
}

static void free_item(void *item)
{
    (void)item; /* it goes with the arena */
}

static redisReplyObjectFunctions makers = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = free_item,
};

/* ---- what the user calls ---- */

struct redis_reader *redis_reader_new(void)
{
    struct redis_reader *r = mem_alloc(sizeof *r);

    arena_init(&r->arena, REDIS_BYTES_MOST);
    r->hiredis = redisReaderCreateWithFunctions(&makers);
    if (!r->hiredis)
        fatal_memory(0);
    r->hiredis->privdata = r;
    return r;
}

void redis_reader_free(struct redis_reader *r)
{
    if (!r)
        return;
    redisReaderFree(r->hiredis);
    arena_release(&r->arena);
    free(r);
}

void redis_reader_feed(struct redis_reader *r, struct span bytes)
{
    if (bytes.len > REDIS_SLICE_BYTES)
        BUG("%zu bytes at once", bytes.len);
    if (!r->error && redisReaderFeed(r->hiredis, bytes.ptr, bytes.len) != REDIS_OK)
        fatal_memory(bytes.len);
}

static enum redis_read broken(struct redis_reader *r)
{
    if (!r->error)
        r->error = r->hiredis->err ? r->hiredis->errstr : "a reply is too long";
    return REDIS_READ_BROKEN;
}

enum redis_read redis_reader_next(struct redis_reader *r, const struct redis_reply **out)
{
    void *reply = NULL;

    if (r->is_given) {
        arena_clear(&r->arena);
        r->items = r->bytes = 0;
        r->is_given = false;
    }
    if (r->error || redisReaderGetReply(r->hiredis, &reply) != REDIS_OK)
        return broken(r);
    if (reply) {
        r->is_given = true;
        *out = reply;
        return REDIS_READ_REPLY;
    }
    if (r->hiredis->len - r->hiredis->pos > REDIS_BYTES_MOST)
        return broken(r);
    return REDIS_READ_MORE;
}

const char *redis_reader_error(const struct redis_reader *r)
{
    return r->error ? r->error : "";
}
