/* http/unpack.c - compressed bodies, by libzstd and zlib. */
#include "gateway/http/unpack.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "gateway/base/bug.h"

enum {
    PIECE_BYTES = 16 * 1024,
    FREE_BYTES = 64 * 1024, /* to which no ratio applies */
    WINDOW_LOG_MOST = 23,   /* 8 MiB, what every decoder should take [RFC8878 3.1.1.1.2] */
    GZIP_WINDOW = 15 + 16,
    ZLIB_WINDOW = 15,
};

struct unpack {
    enum packing packing;
    ZSTD_DStream *zstd;
    z_stream zlib;
    uint64_t in, out, most;
    unsigned ratio;
    bool is_at_end;  /* of a frame: more input begins another */
    bool has_output; /* the last piece was full: there may be more without input */
};

struct unpack *unpack_new(enum packing packing, size_t most_bytes, unsigned ratio)
{
    struct unpack *u = mem_alloc(sizeof *u);

    u->packing = packing;
    u->most = most_bytes;
    u->ratio = ratio;
    if (packing == PACKING_ZSTD) {
        u->zstd = ZSTD_createDStream();
        if (!u->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MOST)))
            BUG("no zstd decoder");
    } else if (inflateInit2(&u->zlib, packing == PACKING_GZIP ? GZIP_WINDOW : ZLIB_WINDOW) != Z_OK) {
        BUG("no zlib decoder");
    }
    return u;
}

void unpack_free(struct unpack *u)
{
    if (!u)
        return;
    ZSTD_freeDStream(u->zstd);
    if (u->packing != PACKING_ZSTD)
        inflateEnd(&u->zlib);
    free(u);
}

/* One piece of output; false for what is no such data. */
static bool step_zstd(struct unpack *u, struct span in, size_t *took, char *piece, size_t *made)
{
    ZSTD_inBuffer from = { .src = in.ptr, .size = in.len };
    ZSTD_outBuffer to = { .dst = piece, .size = PIECE_BYTES };
    size_t left = ZSTD_decompressStream(u->zstd, &to, &from);

    *took = from.pos;
    *made = to.pos;
    if (ZSTD_isError(left))
        return false;
    u->is_at_end = left == 0;
    return true;
}

static bool begin_next_member(struct unpack *u, struct span in)
{
    if (!u->is_at_end || !in.len)
        return true;
    u->is_at_end = false;
    return u->packing == PACKING_GZIP && inflateReset(&u->zlib) == Z_OK;
}

static bool step_zlib(struct unpack *u, struct span in, size_t *took, char *piece, size_t *made)
{
    if (!begin_next_member(u, in))
        return false;
    u->zlib.next_in = (Bytef *)(uintptr_t)in.ptr;
    u->zlib.avail_in = (uInt)in.len;
    u->zlib.next_out = (Bytef *)piece;
    u->zlib.avail_out = PIECE_BYTES;
    int result = u->is_at_end ? Z_BUF_ERROR : inflate(&u->zlib, Z_NO_FLUSH);

    *took = in.len - u->zlib.avail_in;
    *made = PIECE_BYTES - u->zlib.avail_out;
    u->is_at_end = u->is_at_end || result == Z_STREAM_END;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

static bool is_too_much(const struct unpack *u)
{
    return u->out > u->most || (u->out > FREE_BYTES && u->out / u->ratio > u->in);
}

enum unpack_state unpack_take(struct unpack *u, struct span in, size_t quota, size_t *took, unpack_sink_fn *sink,
                              void *arg)
{
    char piece[PIECE_BYTES];
    size_t total = 0;

    *took = 0;
    in = span_first(in, INT32_MAX);
    while (in.len > *took || u->has_output) {
        size_t used = 0, made = 0;

        if (total >= quota)
            return UNPACK_QUOTA;
        if (!(u->packing == PACKING_ZSTD ? step_zstd : step_zlib)(u, span_skip(in, *took), &used, piece, &made))
            return UNPACK_BROKEN;
        *took += used;
        u->in += used;
        u->out += made;
        total += made;
        u->has_output = made == PIECE_BYTES && !u->is_at_end;
        if (is_too_much(u))
            return UNPACK_BOMB;
        if (made)
            sink(arg, span_make(piece, made));
        else if (!used)
            return in.len > *took ? UNPACK_BROKEN : UNPACK_MORE;
    }
    return UNPACK_MORE;
}

bool unpack_is_whole(const struct unpack *u)
{
    return u->is_at_end && !u->has_output;
}
