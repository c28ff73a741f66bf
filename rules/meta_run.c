/* rules/meta_run.c - metas over what has hit in a message.
 *
 * Most hit nothing most of the time: only those are looked at that name something that has hit, or that hold when
 * nothing has.
 */
#include <math.h>

#include "rules/meta.h"
#include "rules/meta_plan.h"

struct evaluating {
    const struct ruleset *set;
    const unsigned *hits;
    double *values; /* of metas, by place */
};

static double value_of(const void *arg, unsigned index)
{
    const struct evaluating *e = arg;
    unsigned place = e->set->plan->places[index];

    return place ? e->values[place - 1] : e->hits[index];
}

static void mark_users(const struct ruleset *set, size_t index, uint64_t *marks)
{
    const struct meta_plan *p = set->plan;

    for (size_t k = p->from[index]; k < p->from[index + 1]; k++) {
        size_t place = p->user_places[k];

        if (place)
            marks[(place - 1) / 64] |= 1ULL << (place - 1) % 64;
    }
}

/* A meta that holds counts as much as its expression, and at least for something [Mail::SpamAssassin::PerMsgStatus,
 * got_hit]. */
static void evaluate(const struct ruleset *set, size_t place, const struct evaluating *e, unsigned *hits,
                     uint64_t *marks)
{
    const struct placed *meta = &set->plan->placed[place];
    double value = expression_value(&meta->expression, value_of, e);

    if (value == 0)
        return;
    e->values[place] = value > 0 ? value : 1;
    hits[meta->index] = value < 1 ? 1 : value > UINT32_MAX ? UINT32_MAX : (unsigned)value;
    mark_users(set, meta->index, marks);
}

/* `open`, and the metas that need what is open; each stands behind those that it needs. */
static const bool *spread_open(const struct ruleset *set, const bool *open, struct arena *a)
{
    bool *all = arena_alloc(a, set->count + 1);

    memcpy(all, open, set->count * sizeof *all);
    for (size_t i = 0; i < set->meta_count; i++) {
        bool *is_open = &all[set->metas[i]->index];
        const struct rule *used;

        for (size_t at = 0; !*is_open && (used = meta_uses(set, set->metas[i], &at));)
            *is_open = all[used->index];
    }
    return all;
}

/* All metas but those that are open, by spread_open(); NULL: none is. */
static void evaluate_all(const struct evaluating *e, unsigned *hits, const bool *open, struct arena *a)
{
    const struct ruleset *set = e->set;
    uint64_t *marks = arena_alloc(a, meta_words(set) * sizeof *marks);

    memcpy(marks, set->plan->always, meta_words(set) * sizeof *marks);
    for (size_t i = 0; i < set->count; i++)
        if (hits[i])
            mark_users(set, i, marks);
    for (size_t word = 0; word < meta_words(set); word++)
        while (marks[word]) { /* who is marked on the way stands behind */
            size_t bit = (size_t)__builtin_ctzll(marks[word]);

            marks[word] &= ~(1ULL << bit);
            if (!open || !open[set->plan->placed[word * 64 + bit].index])
                evaluate(set, word * 64 + bit, e, hits, marks);
        }
}

void metas_evaluate(const struct ruleset *set, unsigned *hits, const bool *open, struct arena *a)
{
    const struct evaluating e = { set, hits, arena_alloc(a, (set->meta_count + 1) * sizeof *e.values) };

    evaluate_all(&e, hits, open ? spread_open(set, open, a) : NULL, a);
}

/* ---- what they need ---- */

struct metas_need {
    const struct ruleset *set;
    const unsigned *hits;
    unsigned *most;                  /* by rule index, of those that have been put off */
    const bool *open;                /* rules and metas that will not be known; NULL: all will be */
    struct expression_range *ranges; /* of metas, by place */
    uint64_t *marks;                 /* metas whose ranges may be smaller than they are said to be */
    size_t clean;                    /* words of them that have none */
    unsigned self;                   /* whose range is looked for */
    uint64_t *asking;                /* metas that count, and that may need a rule that has been put off */
};

static struct expression_range range_of(const void *arg, unsigned index)
{
    const struct metas_need *n = arg;
    const struct meta_plan *p = n->set->plan;

    if (index == n->self) /* rules_matching() may name the meta that says it */
        return (struct expression_range){ 0 };
    if (p->places[index])
        return n->ranges[p->places[index] - 1];
    return (struct expression_range){ n->hits[index], n->most[index] ? n->most[index] : n->hits[index], index,
                                      p->costs[index] };
}

/* Of a meta, as evaluate() has its value. Marks those that need it, when it is another one than before. */
static void find_range(struct metas_need *n, size_t place)
{
    const struct placed *meta = &n->set->plan->placed[place];
    struct expression_range old = n->ranges[place];

    if (!expression_is_open(&old)) /* whatever is found out now */
        return;
    n->self = meta->index;
    struct expression_range all = expression_range(&meta->expression, range_of, n);

    if (all.most < 0) /* it holds */
        all.least = all.most = 1;
    if (all.least < 0) { /* it may, and count 1 for that */
        all.least = 0;
        all.most = fmax(all.most, 1);
    }
    n->ranges[place] = all;
    if (old.least != all.least || old.most != all.most || old.unknown != all.unknown)
        mark_users(n->set, meta->index, n->marks);
}

/* Of the metas up to that place: what one needs stands before it. */
static void find_ranges(struct metas_need *n, size_t upto)
{
    for (size_t word = n->clean; word <= upto / 64; word++) {
        uint64_t wanted = word < upto / 64 ? UINT64_MAX : UINT64_MAX >> (63 - upto % 64);

        while (n->marks[word] & wanted) {
            size_t place = word * 64 + (size_t)__builtin_ctzll(n->marks[word]);

            n->marks[word] &= ~(1ULL << place % 64);
            find_range(n, place);
        }
        n->clean = word;
    }
}

static bool is_open(const struct metas_need *n, size_t index)
{
    return n->open && n->open[index];
}

/* The metas that depend on what has been put off, by way of others or not: by rule index, with what is open. */
static const bool *find_dependents(struct metas_need *n, struct arena *a)
{
    const struct ruleset *set = n->set;
    bool *depends = arena_alloc(a, set->count + 1);
    uint64_t *marks = arena_alloc(a, meta_words(set) * sizeof *marks);

    if (n->open)
        memcpy(depends, n->open, set->count * sizeof *depends);
    for (size_t i = 0; i < set->count; i++)
        if (n->most[i])
            mark_users(set, i, marks);
    for (size_t word = 0; word < meta_words(set); word++)
        while (marks[word]) { /* who is marked on the way stands behind */
            size_t place = word * 64 + (size_t)__builtin_ctzll(marks[word]);
            const struct placed *meta = &set->plan->placed[place];

            marks[word] &= ~(1ULL << place % 64);
            depends[meta->index] = true;
            mark_users(set, meta->index, marks);
            if (is_open(n, meta->index))
                continue;
            n->marks[word] |= 1ULL << place % 64;
            n->asking[word] |= (uint64_t)!meta->is_sub << place % 64;
        }
    return depends;
}

struct metas_need *metas_need_new(const struct ruleset *set, const unsigned *hits, const bool *open, unsigned *most,
                                  struct arena *a)
{
    struct metas_need *n = arena_alloc(a, sizeof *n);
    unsigned *known = arena_alloc(a, (set->count + 1) * sizeof *known);
    const struct evaluating e = { set, known, arena_alloc(a, (set->meta_count + 1) * sizeof *e.values) };

    *n = (struct metas_need){ .set = set, .hits = hits, .most = most };
    n->open = open ? spread_open(set, open, a) : NULL;
    n->ranges = arena_alloc(a, (set->meta_count + 1) * sizeof *n->ranges);
    n->marks = arena_alloc(a, meta_words(set) * sizeof *n->marks);
    n->asking = arena_alloc(a, meta_words(set) * sizeof *n->asking);
    const bool *depends = find_dependents(n, a);

    memcpy(known, hits, set->count * sizeof *known);
    evaluate_all(&e, known, depends, a);
    for (size_t i = 0; i < set->meta_count; i++) {
        size_t index = set->plan->placed[i].index;
        bool is_known = !depends[index] || is_open(n, index);

        n->ranges[i].least = is_known ? e.values[i] : -INFINITY;
        n->ranges[i].most = is_known ? e.values[i] : INFINITY;
    }
    return n;
}

const struct rule *metas_need_next(struct metas_need *n)
{
    for (size_t word = 0; word < meta_words(n->set); word++)
        while (n->asking[word]) {
            size_t place = word * 64 + (size_t)__builtin_ctzll(n->asking[word]);
            const struct expression_range *range = &n->ranges[place];

            find_ranges(n, place);
            if (range->least == 0 && range->most > 0)
                return &n->set->rules[range->unknown];
            n->asking[word] &= ~(1ULL << place % 64);
        }
    return NULL;
}

void metas_need_told(struct metas_need *n, const struct rule *rule)
{
    n->most[rule->index] = 0;
    mark_users(n->set, rule->index, n->marks);
    n->clean = 0;
}
