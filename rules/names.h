/* rules/names.h - names that are found again, numbered from 0 in the order in which they came.
 *
 * Memory: the arena's, names too. Threads: one who adds; any who look.
 */
#ifndef RULES_NAMES_H
#define RULES_NAMES_H

#include "gateway/base/arena.h"

struct names {
    struct arena *arena;
    const char **items;
    size_t count;
    size_t *slots; /* 1 + number; 0: empty */
    size_t slot_count;
};

#define NAMES_NONE ((size_t)-1)

void names_init(struct names *n, struct arena *a);
/* names_add - the number of the name, which is new when it is the count of before. names_find - NAMES_NONE: it is not
 * there. */
size_t names_add(struct names *n, struct span name);
size_t names_find(const struct names *n, struct span name);

#endif
