/* http/lines.c - bare LF into CRLF. */
#include "gateway/http/lines.h"

static void note_line(struct lines *l, bool is_bare)
{
    if (!l->has_line)
        l->has_lf_first = is_bare;
    l->has_line = true;
}

void lines_take(struct lines *l, struct span in, lines_sink_fn *sink, void *arg)
{
    size_t start = 0, at = 0, lf;

    if (!in.len)
        return;
    while ((lf = span_find(span_skip(in, at), '\n')) != SPAN_NPOS) {
        size_t here = at + lf;
        bool is_bare = here ? in.ptr[here - 1] != '\r' : !l->ends_in_cr;

        note_line(l, is_bare);
        if (is_bare) {
            if (here > start)
                sink(arg, span_make(in.ptr + start, here - start));
            sink(arg, SPAN("\r\n"));
            start = here + 1;
        }
        at = here + 1;
    }
    if (start < in.len)
        sink(arg, span_skip(in, start));
    l->ends_in_cr = in.ptr[in.len - 1] == '\r';
}
