/* rules/meta_plan.h - what is found out of a set's metas when it is read, for all messages: from rules/meta.c for
 * rules/meta_run.c.
 */
#ifndef RULES_META_PLAN_H
#define RULES_META_PLAN_H

#include "rules/expression.h"
#include "rules/ruleset.h"

/* What a message needs of a meta, one behind the other in memory: most of what a meta costs is the way there. */
struct placed {
    struct expression expression; /* all steps lie in one array */
    unsigned index;               /* the rule's */
    bool is_sub;
};

struct meta_plan {
    /* of rule i the metas that name it: users[from[i]] to users[from[i + 1] - 1] */
    size_t *from, *users;
    unsigned *user_places; /* of the same; 0: it is not evaluated */
    struct placed *placed; /* by place in set->metas */
    unsigned *places;      /* by rule: 1 + its place in set->metas; 0: it is no meta that is evaluated */
    unsigned *costs;       /* by rule: how long its pattern is */
    uint64_t *always;      /* a bit for each place: it holds when nothing has hit */
};

/* How many words a set of bits has, one for each meta. */
static inline size_t meta_words(const struct ruleset *set)
{
    return set->meta_count / 64 + 1;
}

#endif
