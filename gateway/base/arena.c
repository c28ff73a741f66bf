/* base/arena.c - memory that goes all at once: a list of blocks, the newest one filled from its front. What is large
 * gets a block of its own behind the newest, whose room stays in use. The first block is small: many a connection is
 * idle, and has said no more than its name. */
#include "gateway/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"

enum { ARENA_BLOCK_BYTES = 4096, ARENA_FIRST_BYTES = 1024 };

struct arena_block {
    struct arena_block *older;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t soft_most_bytes)
{
    *a = (struct arena){ .soft_most_bytes = soft_most_bytes };
}

void arena_release(struct arena *a)
{
    for (struct arena_block *b = a->newest, *older; b; b = older) {
        older = b->older;
        free(b);
    }
    arena_init(a, a->soft_most_bytes);
}

static bool is_large(size_t size)
{
    return size > ARENA_BLOCK_BYTES / 2;
}

void arena_clear(struct arena *a)
{
    struct arena_block *kept = NULL;

    for (struct arena_block *b = a->newest, *older; b; b = older) {
        older = b->older;
        if (!kept && b->size <= ARENA_BLOCK_BYTES)
            kept = b;
        else
            free(b);
    }
    a->newest = kept;
    a->used_bytes = 0;
    if (!kept)
        return;
    memset(kept->bytes, 0, kept->used);
    kept->used = 0;
    kept->older = NULL;
}

static struct arena_block *block_new(size_t least, bool is_first)
{
    size_t whole = is_first && least <= ARENA_FIRST_BYTES / 2 ? ARENA_FIRST_BYTES : ARENA_BLOCK_BYTES;
    size_t size = is_large(least) ? least : whole - sizeof(struct arena_block);
    struct arena_block *b = mem_alloc(sizeof *b + size);

    b->size = size;
    return b;
}

static struct arena_block *block_add(struct arena *a, size_t least)
{
    struct arena_block *b = block_new(least, !a->newest);

    if (a->newest && is_large(least)) {
        b->older = a->newest->older;
        a->newest->older = b;
    } else {
        b->older = a->newest;
        a->newest = b;
    }
    return b;
}

static size_t aligned(size_t bytes)
{
    return (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t size = aligned(bytes);
    struct arena_block *b = a->newest;

    if (size < bytes)
        BUG("arena allocation of %zu bytes", bytes);
    if (!b || b->size - b->used < size)
        b = block_add(a, size);
    void *p = b->bytes + b->used;

    b->used += size;
    a->used_bytes += size;
    return p;
}

void *arena_grow(struct arena *a, const void *old, size_t used, size_t count, size_t element_bytes)
{
    if (count < used || (element_bytes && count > SIZE_MAX / element_bytes))
        BUG("arena array of %zu elements", count);
    void *grown = arena_alloc(a, count * element_bytes);

    if (used)
        memcpy(grown, old, used * element_bytes);
    return grown;
}

char *arena_dup(struct arena *a, struct span bytes)
{
    char *p = arena_alloc(a, bytes.len + 1);

    if (bytes.len)
        memcpy(p, bytes.ptr, bytes.len);
    return p;
}

struct span arena_copy(struct arena *a, struct span bytes)
{
    return span_make(arena_dup(a, bytes), bytes.len);
}

/* Into the block in use if it fits, so that most texts are written once. */
char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    struct arena_block *b = a->newest;
    size_t room = b ? b->size - b->used : 0;
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(room ? b->bytes + b->used : NULL, room, format, args);

    if (n < 0)
        BUG("format %s", format);
    bool fits = aligned((size_t)n + 1) <= room;

    if (!fits && room)
        memset(b->bytes + b->used, 0, room);
    char *p = arena_alloc(a, (size_t)n + 1);

    if (!fits)
        vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *p = arena_vprintf(a, format, args);

    va_end(args);
    return p;
}
