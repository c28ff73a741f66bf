/* base/bug.c - for what cannot happen, and for memory that is not there. */
#include "gateway/base/bug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bug_abort(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "postern: bug at %s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

void fatal_memory(size_t bytes)
{
    fprintf(stderr, "postern: out of memory (%zu bytes wanted)\n", bytes);
    abort();
}

void *mem_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);

    if (!p)
        fatal_memory(bytes);
    return p;
}

void *mem_grow(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);

    if (!p)
        fatal_memory(bytes);
    return p;
}

char *mem_dup(const char *text)
{
    char *p = strdup(text);

    if (!p)
        fatal_memory(strlen(text) + 1);
    return p;
}
