/* base/bug.h - for what cannot happen.
 *
 * BUG() is for our own mistakes and aborts; it is never reachable from input. fatal_memory() is where every
 * failed allocation ends: there is no sensible half-working state of a mail gateway without memory, and a
 * restart by the supervisor loses nothing.
 */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BUG(...) bug_abort(__FILE__, __LINE__, __VA_ARGS__)

_Noreturn void bug_abort(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void fatal_memory(size_t bytes);

/* mem_alloc, mem_grow, mem_dup - malloc (zeroed), realloc and strdup that cannot fail; freed with free(). */
void *mem_alloc(size_t bytes);
void *mem_grow(void *old, size_t bytes);
char *mem_dup(const char *text);

#endif
