/* rules/rule_order.h - in what order the rules of a set are run (rules/evaluate.h says which that is).
 *
 * Pure. Threads: immutable, for any. Memory: the arena given.
 */
#ifndef RULES_RULE_ORDER_H
#define RULES_RULE_ORDER_H

#include "rules/ruleset.h"

struct matcher;

/* A meta that ends the examination: all that it needs has been run once that priority is over. */
struct rule_cut {
    const struct rule *meta;
    int known_from;
};

/* What the run looks at for each rule, in one go through the memory. */
struct rule_step {
    unsigned index; /* the rule's */
    unsigned group; /* 1 + its matcher group's: what the sieve holds back need not be tried; 0: it must be */
    bool is_negated;
    bool ends_kind, ends_priority; /* it is the last of its kind at its priority, or of its priority */
};

/* The active rules but metas, as they are run. */
struct rule_order {
    const struct rule **rules;
    struct rule_step *steps; /* of the same */
    size_t count;
    struct rule_cut *cuts;
    size_t cut_count;
    const bool *may_wait; /* by rule index: it may be put off. NULL: all are run, whether anybody needs them or not */
};

/* rule_order - `matcher`: the one that they will be run with. */
struct rule_order rule_order(struct arena *a, const struct ruleset *set, const struct matcher *matcher);

#endif
