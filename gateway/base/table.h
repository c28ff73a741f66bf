/* base/table.h - things that are found by a text. They lie in their owners, with a struct keyed as first member.
 *
 * Several may have the same key: table_find() gives one of them, table_next() the others. Keys come from the operator:
 * nobody can aim at collisions.
 *
 * Memory: the slots are the table's, everything else is the owner's.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "gateway/base/span.h"

struct keyed {
    const char *key; /* unchanged while it is in a table */
    uint64_t hash;
    struct keyed *next;
};

struct table {
    struct keyed **slots;
    size_t slot_count, count;
};

void table_init(struct table *t);
void table_release(struct table *t);
void table_add(struct table *t, struct keyed *thing);
void table_remove(struct table *t, struct keyed *thing); /* which is in it */
struct keyed *table_find(const struct table *t, const char *key);
struct keyed *table_next(const struct keyed *thing);

#endif
