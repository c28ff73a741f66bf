/* rules/rule_order.c - the rules of a set in the order in which they are run, and what follows from it: found out once,
 * so that a message costs next to nothing for each rule that the sieve holds back.
 */
#include "rules/rule_order.h"

#include <limits.h>
#include <stdlib.h>

#include "rules/meta.h"
#include "rules/sieve/matcher.h"

static unsigned rank(const struct rule *rule)
{
    switch (rule->kind) {
    case RULE_HEADER: return rule->is_eval ? 1 : 0;
    case RULE_BODY: return rule->is_eval ? 4 : 2;
    case RULE_URI: return 3;
    case RULE_MIMEHEADER: return 4;
    case RULE_RAWBODY: return rule->is_eval ? 6 : 5;
    default: return rule->is_eval ? 8 : 7;
    }
}

static int by_order(const void *left, const void *right)
{
    const struct rule *a = *(const struct rule *const *)left, *b = *(const struct rule *const *)right;

    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (rank(a) != rank(b))
        return rank(a) < rank(b) ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Each meta stands behind those that it needs. */
static void find_cuts(struct arena *a, const struct ruleset *set, struct rule_order *order)
{
    int *known_from = arena_alloc(a, (set->count + 1) * sizeof *known_from);

    order->cuts = arena_alloc(a, (set->meta_count + 1) * sizeof *order->cuts);
    for (size_t i = 0; i < set->count; i++)
        known_from[i] = set->rules[i].state == RULE_ACTIVE && !set->rules[i].meta ? set->rules[i].priority : INT_MIN;
    for (size_t i = 0; i < set->meta_count; i++) {
        const struct rule *meta = set->metas[i], *used;
        int *known = &known_from[meta->index];

        for (size_t at = 0; (used = meta_uses(set, meta, &at));)
            *known = known_from[used->index] > *known ? known_from[used->index] : *known;
        if (meta->shortcut)
            order->cuts[order->cut_count++] = (struct rule_cut){ meta, *known };
    }
}

/* Patterns that nobody but metas asks for, and no meta that ends the examination. */
static const bool *find_who_may_wait(struct arena *a, const struct ruleset *set)
{
    bool *may_wait = arena_alloc(a, set->count + 1), *is_cut = arena_alloc(a, set->count + 1);
    const struct rule *used;

    for (size_t i = set->meta_count; i-- > 0;)
        for (size_t at = 0; (used = meta_uses(set, set->metas[i], &at));)
            is_cut[used->index] |= set->metas[i]->shortcut || is_cut[set->metas[i]->index];
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];
        bool is_text =
            rule->kind == RULE_BODY || rule->kind == RULE_RAWBODY || rule->kind == RULE_URI || rule->kind == RULE_FULL;

        may_wait[i] = is_text && !rule->is_eval && rule->is_sub && !rule->shortcut && !rule->captures && !is_cut[i];
    }
    return set->meta_count ? may_wait : NULL;
}

/* Rules about parts are asked whatever the sieve says: for parts without that field. So are those that hit by not
 * matching, but only if others have captured what they name. */
static unsigned group_of(const struct matcher *m, const struct rule *rule)
{
    bool is_asked = rule->kind == RULE_MIMEHEADER || (rule->template && rule->is_negated);
    const struct matcher_group *group = is_asked ? NULL : matcher_group_of(m, rule);

    return group ? group->index + 1 : 0;
}

static void find_steps(struct arena *a, const struct matcher *m, struct rule_order *order)
{
    order->steps = arena_alloc(a, (order->count + 1) * sizeof *order->steps);
    for (size_t i = 0; i < order->count; i++) {
        const struct rule *rule = order->rules[i], *next = i + 1 < order->count ? order->rules[i + 1] : NULL;
        bool ends_priority = !next || next->priority != rule->priority;

        order->steps[i] = (struct rule_step){ .index = rule->index,
                                              .group = group_of(m, rule),
                                              .is_negated = rule->is_negated,
                                              .ends_priority = ends_priority,
                                              .ends_kind = ends_priority || rank(next) != rank(rule) };
    }
}

struct rule_order rule_order(struct arena *a, const struct ruleset *set, const struct matcher *matcher)
{
    struct rule_order order = { .rules = arena_alloc(a, (set->count + 1) * sizeof *order.rules) };

    for (size_t i = 0; i < set->count; i++)
        if (set->rules[i].state == RULE_ACTIVE && set->rules[i].kind != RULE_META)
            order.rules[order.count++] = &set->rules[i];
    qsort(order.rules, order.count, sizeof *order.rules, by_order);
    find_steps(a, matcher, &order);
    find_cuts(a, set, &order);
    order.may_wait = find_who_may_wait(a, set);
    return order;
}
