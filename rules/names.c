/* rules/names.c - names that are found again, numbered in the order in which they came. */
#include "rules/names.h"

enum { SLOTS_LEAST = 16 };

void names_init(struct names *n, struct arena *a)
{
    *n = (struct names){ .arena = a };
}

/* FNV-1a. Names come from the operator: nobody can aim at collisions. */
static uint64_t hash_of(struct span name)
{
    uint64_t hash = 14695981039346656037ULL;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 1099511628211ULL;
    return hash;
}

/* The slot that holds the name, or the empty one where it belongs. */
static size_t *slot_of(const struct names *n, struct span name)
{
    size_t at = hash_of(name) & (n->slot_count - 1);

    while (n->slots[at] && !span_is(name, n->items[n->slots[at] - 1]))
        at = (at + 1) & (n->slot_count - 1);
    return &n->slots[at];
}

static void widen(struct names *n)
{
    n->slot_count = n->slot_count ? n->slot_count * 2 : SLOTS_LEAST;
    n->slots = arena_alloc(n->arena, n->slot_count * sizeof *n->slots);
    n->items = arena_grow(n->arena, n->items, n->count, n->slot_count / 2, sizeof *n->items);
    for (size_t i = 0; i < n->count; i++)
        *slot_of(n, span_of(n->items[i])) = i + 1;
}

size_t names_add(struct names *n, struct span name)
{
    if (n->count == n->slot_count / 2)
        widen(n);
    size_t *slot = slot_of(n, name);

    if (*slot)
        return *slot - 1;
    n->items[n->count] = arena_dup(n->arena, name);
    *slot = ++n->count;
    return n->count - 1;
}

size_t names_find(const struct names *n, struct span name)
{
    return n->count ? *slot_of(n, name) - 1 : NAMES_NONE;
}
