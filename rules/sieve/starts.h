/* rules/sieve/starts.h - where in a text those patterns are tried that a sieve does not sift, but knows the beginnings
 * of (rules/sieve/beginnings.h).
 *
 * Threads: any. Memory: the arena given.
 */
#ifndef RULES_STARTS_H
#define RULES_STARTS_H

#include "gateway/base/arena.h"
#include "rules/ruleset.h"

struct sieve;

/* A place in a piece, and whose beginnings stand there. */
struct start {
    uint32_t piece, at;
    uint64_t bits;
};

/* What was found with one table. */
struct start_list {
    struct start *items;
    size_t count, room;
    uint64_t bits;    /* all of them */
    bool is_too_long; /* so that it is not kept */
};

struct starts {
    const struct sieve *sieve;
    struct start_list *lists;
    size_t count;
};

enum { STARTS_MAX = 50000 }; /* that a list keeps */

/* starts_find - of the group's patterns, in the pieces of a text. */
void starts_find(struct arena *a, const struct sieve *sieve, unsigned group, const struct span *pieces, size_t count,
                 struct starts *out);
/* starts_of - where the rule is tried, of which only those with a bit of *bits are its own. NULL: all of the text. */
const struct start_list *starts_of(const struct starts *starts, const struct rule *rule, uint64_t *bits);

#endif
