/* store/redis_reply.h - what a Redis server says: hiredis' reader, with bounds, and replies that lie in an arena.
 *
 * The reader is fed bytes as they come and gives whole replies. A server that is broken, hostile, or no Redis at all
 * must not cost memory or time: nesting (hiredis: 7 levels), items and bytes of one reply are bounded, and whoever
 * passes a bound is no longer read from.
 *
 * Threads: the loop's. Memory: a reply lives until the next call of redis_reader_next() or redis_reader_free().
 */
#ifndef STORE_REDIS_REPLY_H
#define STORE_REDIS_REPLY_H

#include "gateway/base/span.h"

enum {
    REDIS_ITEMS_MOST = 1 << 18, /* of one reply, all levels together */
    REDIS_BYTES_MOST = 4 << 20, /* of all its strings */
    REDIS_SLICE_BYTES = 16384,  /* of one redis_reader_feed() */
};

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_ARRAY };

struct redis_reply {
    enum redis_type type;
    int64_t integer;
    struct span text; /* of strings, states and errors */
    struct redis_reply *items;
    size_t count;
};

enum redis_read { REDIS_READ_REPLY, REDIS_READ_MORE, REDIS_READ_BROKEN };

struct redis_reader;

struct redis_reader *redis_reader_new(void);
void redis_reader_free(struct redis_reader *r); /* NULL is fine */
/* redis_reader_feed - at most REDIS_SLICE_BYTES, and not before redis_reader_next() wanted more. */
void redis_reader_feed(struct redis_reader *r, struct span bytes);
/* redis_reader_next - the next whole reply; once it is broken it stays so. */
enum redis_read redis_reader_next(struct redis_reader *r, const struct redis_reply **out);
const char *redis_reader_error(const struct redis_reader *r);

#endif
