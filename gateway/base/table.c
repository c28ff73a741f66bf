/* base/table.c - a chained hash table that grows. */
#include "gateway/base/table.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { SLOTS_INITIAL = 16 };

void table_init(struct table *t)
{
    *t = (struct table){ .slot_count = SLOTS_INITIAL };
    t->slots = mem_alloc(t->slot_count * sizeof *t->slots);
}

void table_release(struct table *t)
{
    free(t->slots);
    t->slots = NULL;
}

/* FNV-1a */
static uint64_t hash_of(const char *key)
{
    uint64_t h = 14695981039346656037U;

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 1099511628211U;
    return h ^ h >> 32;
}

static struct keyed **slot_of(const struct table *t, uint64_t hash)
{
    return &t->slots[hash & (t->slot_count - 1)];
}

static void put(struct table *t, struct keyed *thing)
{
    struct keyed **slot = slot_of(t, thing->hash);

    thing->next = *slot;
    *slot = thing;
}

static void grow(struct table *t)
{
    struct table old = *t;

    t->slot_count *= 2;
    t->slots = mem_alloc(t->slot_count * sizeof *t->slots);
    for (size_t i = 0; i < old.slot_count; i++)
        for (struct keyed *k = old.slots[i], *next; k; k = next) {
            next = k->next;
            put(t, k);
        }
    free(old.slots);
}

void table_add(struct table *t, struct keyed *thing)
{
    if (++t->count > t->slot_count)
        grow(t);
    thing->hash = hash_of(thing->key);
    put(t, thing);
}

void table_remove(struct table *t, struct keyed *thing)
{
    struct keyed **at = slot_of(t, thing->hash);

    while (*at != thing)
        at = &(*at)->next;
    *at = thing->next;
    t->count--;
}

static struct keyed *first_like(struct keyed *k, uint64_t hash, const char *key)
{
    while (k && (k->hash != hash || strcmp(k->key, key) != 0))
        k = k->next;
    return k;
}

struct keyed *table_find(const struct table *t, const char *key)
{
    uint64_t hash = hash_of(key);

    return first_like(*slot_of(t, hash), hash, key);
}

struct keyed *table_next(const struct keyed *thing)
{
    return first_like(thing->next, thing->hash, thing->key);
}
