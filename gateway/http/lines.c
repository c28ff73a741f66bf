/* http/lines.c - bare LF into CRLF. */
#include "gateway/http/lines.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/bytes_scan.h"

enum { BARE_BYTES_FIRST = 64 };

static void make_room(struct lines *l)
{
    size_t bytes = l->bare_bytes ? l->bare_bytes : BARE_BYTES_FIRST;

    while (bytes <= l->count / 8)
        bytes *= 2;
    if (bytes == l->bare_bytes)
        return;
    l->bare = mem_grow(l->bare, bytes);
    memset(l->bare + l->bare_bytes, l->has_lf_first ? 0xff : 0, bytes - l->bare_bytes);
    l->bare_bytes = bytes;
}

static void note_line(struct lines *l, bool is_bare)
{
    if (!l->count)
        l->has_lf_first = is_bare;
    if (is_bare != l->has_lf_first) {
        make_room(l);
        l->bare[l->count / 8] ^= (uint8_t)(1U << l->count % 8);
    }
    l->count++;
}

bool lines_is_bare(const struct lines *l, size_t nth)
{
    return nth / 8 < l->bare_bytes ? l->bare[nth / 8] >> nth % 8 & 1 : l->has_lf_first;
}

void lines_release(struct lines *l)
{
    free(l->bare);
    *l = (struct lines){ .count = 0 };
}

/* What goes out, together: a piece for each line would cost more than the line. */
struct gathered {
    char bytes[4096];
    size_t len;
    lines_sink_fn *sink;
    void *arg;
};

static void flush(struct gathered *g)
{
    if (g->len)
        g->sink(g->arg, span_make(g->bytes, g->len));
    g->len = 0;
}

static void put(struct gathered *g, struct span piece)
{
    if (piece.len > sizeof g->bytes - g->len)
        flush(g);
    if (piece.len > sizeof g->bytes) {
        g->sink(g->arg, piece);
    } else if (piece.len) {
        memcpy(g->bytes + g->len, piece.ptr, piece.len);
        g->len += piece.len;
    }
}

void lines_take(struct lines *l, struct span in, lines_sink_fn *sink, void *arg)
{
    struct gathered g;
    size_t start = 0, at = 0, lf;

    if (!in.len)
        return;
    g.len = 0;
    g.sink = sink;
    g.arg = arg;
    while ((lf = byte_find_near(span_skip(in, at), '\n')) != SPAN_NPOS) {
        size_t here = at + lf;
        bool is_bare = here ? in.ptr[here - 1] != '\r' : !l->ends_in_cr;

        note_line(l, is_bare);
        if (is_bare) {
            put(&g, span_make(in.ptr + start, here - start));
            put(&g, SPAN("\r\n"));
            start = here + 1;
        }
        at = here + 1;
    }
    put(&g, span_skip(in, start));
    flush(&g);
    l->ends_in_cr = in.ptr[in.len - 1] == '\r';
}
