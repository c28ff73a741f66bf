/* rules/sieve/starts.c - where patterns are tried that are known by their beginnings. See rules/sieve/starts.h. */
#include "rules/sieve/starts.h"

#include "rules/sieve/sieve.h"

enum { ROOM_FIRST = 64 };

/* false: there are too many. */
static bool keep(struct arena *a, struct start_list *list, struct start start)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : ROOM_FIRST;

        if (list->count >= STARTS_MAX)
            return false;
        struct start *items = arena_alloc(a, room * sizeof *items);

        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = start;
    list->bits |= start.bits;
    return true;
}

static bool find_in(struct arena *a, const struct beginnings_table *table, struct span piece, uint32_t number,
                    struct start_list *list)
{
    for (size_t at = 0; at < piece.len; at++) {
        uint64_t bits = beginnings_at(table, piece, at);

        if (bits && !keep(a, list, (struct start){ number, (uint32_t)at, bits }))
            return false;
    }
    return true;
}

void starts_find(struct arena *a, const struct sieve *sieve, unsigned group, const struct span *pieces, size_t count,
                 struct starts *out)
{
    const struct beginnings_table *tables = sieve_tables(sieve, group, &out->count);

    out->sieve = sieve;
    out->lists = arena_alloc(a, (out->count + 1) * sizeof *out->lists);
    for (size_t i = 0; i < out->count; i++)
        for (size_t k = 0; k < count && !out->lists[i].is_too_long; k++)
            out->lists[i].is_too_long = !find_in(a, &tables[i], pieces[k], (uint32_t)k, &out->lists[i]);
}

const struct start_list *starts_of(const struct starts *starts, const struct rule *rule, uint64_t *bits)
{
    struct sieve_start start = starts->count ? sieve_start(starts->sieve, rule->index) : (struct sieve_start){ 0 };

    *bits = start.bits;
    return start.bits && !starts->lists[start.table].is_too_long ? &starts->lists[start.table] : NULL;
}
