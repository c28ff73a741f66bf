/* net/fifo.h - bytes that come in at one end and go out at the other, in one piece.
 *
 * Memory: taken when bytes come, given back when the last one is gone, so that an idle connection holds none. The
 * user bounds it.
 */
#ifndef NET_FIFO_H
#define NET_FIFO_H

#include "gateway/base/span.h"

struct fifo {
    char *data;
    size_t start, end, capacity;
    bool is_secret; /* what has gone is wiped */
};

/* fifo_room - where at least `bytes` more may be put (then fifo_added()). */
char *fifo_room(struct fifo *f, size_t bytes);
void fifo_added(struct fifo *f, size_t bytes);
void fifo_put(struct fifo *f, struct span bytes);
void fifo_drop(struct fifo *f, size_t bytes);
void fifo_release(struct fifo *f);

static inline size_t fifo_len(const struct fifo *f)
{
    return f->end - f->start;
}

static inline struct span fifo_span(const struct fifo *f)
{
    return (struct span){ f->data ? f->data + f->start : "", f->end - f->start };
}

#endif
