/* base/arena.h - memory that goes all at once.
 *
 * A session, a transaction or a run of a check allocates from an arena and frees nothing. Allocation cannot fail;
 * what puts foreign data into an arena asks arena_is_over() at its door (a command, a run of a check) and refuses
 * with 452 or a failed check when the arena has outgrown `soft_most_bytes`.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "gateway/base/span.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
    size_t used_bytes;
    size_t soft_most_bytes;
};

void arena_init(struct arena *a, size_t soft_most_bytes);
void arena_release(struct arena *a);
/* arena_clear - empty again; keeps one block, of usual size, for the next use. */
void arena_clear(struct arena *a);

/* arena_alloc - zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t bytes);
/* arena_grow - an array that grows: returns room for `count` elements, the `used` old ones copied. */
void *arena_grow(struct arena *a, const void *old, size_t used, size_t count, size_t element_bytes);
/* arena_dup - a copy with a NUL after it. arena_copy - the same as a span. */
char *arena_dup(struct arena *a, struct span bytes);
struct span arena_copy(struct arena *a, struct span bytes);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static inline bool arena_is_over(const struct arena *a)
{
    return a->used_bytes > a->soft_most_bytes;
}

#endif
