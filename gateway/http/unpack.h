/* http/unpack.h - compressed bodies: zstd [RFC8878], gzip [RFC1952] and zlib [RFC1950], with bounds.
 *
 * What comes out is bounded in size and by its ratio to what went in, and no call gives more than it is asked for, so
 * that a small body that would unpack into gigabytes neither fills the memory nor holds up the loop.
 */
#ifndef HTTP_UNPACK_H
#define HTTP_UNPACK_H

#include "gateway/base/span.h"

enum packing { PACKING_NONE, PACKING_ZSTD, PACKING_GZIP, PACKING_ZLIB };

enum unpack_state {
    UNPACK_MORE,   /* all input is taken */
    UNPACK_QUOTA,  /* `quota` bytes have come out; there may be more, also without input */
    UNPACK_BROKEN, /* not of that format */
    UNPACK_BOMB,   /* beyond its bounds */
};

struct unpack;

typedef void unpack_sink_fn(void *arg, struct span piece);

/* unpack_new - at most `most_bytes`, and beyond the first 64 KiB at most `ratio` times what came in. */
struct unpack *unpack_new(enum packing packing, size_t most_bytes, unsigned ratio);
void unpack_free(struct unpack *u); /* NULL is fine */
/* unpack_take - *took is how much of `in` it has used. */
enum unpack_state unpack_take(struct unpack *u, struct span in, size_t quota, size_t *took, unpack_sink_fn *sink,
                              void *arg);
/* unpack_is_whole - the compressed data have come to their end (and something has come at all). */
bool unpack_is_whole(const struct unpack *u);

#endif
