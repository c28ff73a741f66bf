/* http/chunked.h - the chunked transfer coding, taken apart as it comes [RFC9112 7.1].
 *
 * Strict: CRLF alone ends a line, a size is hexadecimal digits and nothing else; extensions and trailers are read over,
 * within bounds. Input may be cut anywhere.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "gateway/base/span.h"

enum chunked_state {
    CHUNKED_SIZE_FIRST,
    CHUNKED_SIZE,
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER_START,
    CHUNKED_TRAILER,
    CHUNKED_TRAILER_LF,
    CHUNKED_END_LF,
    CHUNKED_ENDED,
    CHUNKED_BROKEN,
};

struct chunked {
    enum chunked_state state;
    uint64_t left;  /* of the chunk */
    unsigned spare; /* bytes of extensions and trailers so far */
    unsigned digits;
};

static inline void chunked_init(struct chunked *c)
{
    *c = (struct chunked){ .state = CHUNKED_SIZE_FIRST };
}

/* chunked_take - takes from the front of `in`; returns how many bytes, and in *data those of them that are the body's
 * (one stretch; may be empty). Call it until it has taken all, or the state is CHUNKED_ENDED or CHUNKED_BROKEN: both
 * take nothing more. */
size_t chunked_take(struct chunked *c, struct span in, struct span *data);

#endif
