/* net/fifo.c - bytes that come in at one end and go out at the other. */
#include "gateway/net/fifo.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { LEAST_BYTES = 512 };

static void wipe(struct fifo *f)
{
    if (f->is_secret && f->data)
        explicit_bzero(f->data, f->capacity);
}

char *fifo_room(struct fifo *f, size_t bytes)
{
    size_t len = fifo_len(f);

    if (f->capacity - f->end >= bytes && f->data)
        return f->data + f->end;
    if (f->start >= len && f->capacity - len >= bytes && f->data) { /* each byte is moved once at most, amortised */
        memmove(f->data, f->data + f->start, len);
    } else {
        size_t need = len + bytes;
        size_t capacity = need < 2 * len ? 2 * len : need;

        capacity = capacity < LEAST_BYTES ? LEAST_BYTES : capacity;
        if (need < bytes)
            BUG("a buffer of %zu bytes more", bytes);
        char *data = mem_grow(NULL, capacity);

        if (len)
            memcpy(data, f->data + f->start, len);
        wipe(f);
        free(f->data);
        f->data = data;
        f->capacity = capacity;
    }
    f->start = 0;
    f->end = len;
    return f->data + len;
}

void fifo_added(struct fifo *f, size_t bytes)
{
    if (bytes > f->capacity - f->end)
        BUG("%zu bytes added where there is room for %zu", bytes, f->capacity - f->end);
    f->end += bytes;
}

void fifo_put(struct fifo *f, struct span bytes)
{
    if (!bytes.len)
        return;
    memcpy(fifo_room(f, bytes.len), bytes.ptr, bytes.len);
    f->end += bytes.len;
}

void fifo_drop(struct fifo *f, size_t bytes)
{
    if (bytes > fifo_len(f))
        BUG("dropping %zu of %zu bytes", bytes, fifo_len(f));
    if (f->is_secret && bytes)
        explicit_bzero(f->data + f->start, bytes);
    f->start += bytes;
    if (f->start == f->end)
        fifo_release(f);
}

void fifo_release(struct fifo *f)
{
    wipe(f);
    free(f->data);
    *f = (struct fifo){ .is_secret = f->is_secret };
}
