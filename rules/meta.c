/* rules/meta.c - rules made of other rules: their expressions, and an order in which each meta stands behind those that
 * it names. rules/meta_run.c evaluates them.
 */
#include "rules/meta.h"

#include "rules/glob.h"
#include "rules/meta_parts.h"
#include "rules/meta_plan.h"

struct meta {
    struct expression expression;
    const unsigned *uses; /* rules, each once */
    size_t use_count;
};

enum { LISTED_MAX = 1 << 20, GLOB_MAX = 128 }; /* rules that rules_matching() may name in all; its pattern */

struct compiling {
    struct ruleset *set;
    struct arena *arena;
    bool has_net;
    size_t listed;
    unsigned self;
    struct names globs;
    struct expression_step *sums; /* by glob */
    size_t sum_room;
};

/* ---- expressions ---- */

static const char *list_matching(struct compiling *c, struct span glob, struct expression_step *out)
{
    const struct ruleset *set = c->set;
    unsigned *list = NULL;
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += glob_matches(glob, span_of(set->rules[i].name));
    c->listed += count + set->count * glob.len / 256; /* and the work of looking for them */
    if (c->listed > LISTED_MAX)
        return "all rules_matching() together name too many rules";
    list = arena_alloc(c->arena, (count + 1) * sizeof *list);
    count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (glob_matches(glob, span_of(set->rules[i].name)))
            list[count++] = (unsigned)i;
    *out = (struct expression_step){ .kind = EXPRESSION_SUM, .list = list, .count = (unsigned)count };
    return NULL;
}

/* rules_matching(GLOB): the sum of all rules of such names but the one that says so. */
static const char *sum_matching(struct compiling *c, struct span glob, struct expression_step *out)
{
    size_t before = c->globs.count, number = names_add(&c->globs, glob);
    const char *wrong = NULL;

    if (number >= c->sum_room) {
        c->sum_room = c->sum_room ? c->sum_room * 2 : 16;
        c->sums = arena_grow(c->arena, c->sums, before, c->sum_room, sizeof *c->sums);
    }
    if (number == before)
        wrong = list_matching(c, glob, &c->sums[number]);
    *out = c->sums[number];
    return wrong;
}

static size_t name_length(struct span s)
{
    size_t len = 0;

    while (len < s.len && (ascii_is_alnum(s.ptr[len]) || s.ptr[len] == '_'))
        len++;
    return len;
}

static const char *read_glob(struct span *rest, struct span *glob)
{
    size_t end = span_find(*rest, ')');
    struct span inner = span_trim(span_skip(span_first(*rest, end == SPAN_NPOS ? 0 : end), 1));

    for (size_t i = 0; i < inner.len; i++)
        if (!ascii_is_alnum(inner.ptr[i]) && !strchr("_*?", inner.ptr[i]))
            inner.len = 0;
    if (!inner.len || inner.len > GLOB_MAX)
        return "rules_matching() wants a pattern of letters, digits, _, * and ?, of 128 at most";
    *glob = inner;
    *rest = span_skip(*rest, end + 1);
    return NULL;
}

static const char *operand(void *arg, struct span *rest, struct expression_step *out)
{
    struct compiling *c = arg;
    struct span name = span_first(*rest, name_length(*rest)), glob;

    if (!name.len)
        return arena_printf(c->arena, "\"%.*s\" has no meaning in an expression", SPAN_ARG(span_first(*rest, 20)));
    *rest = span_skip(*rest, name.len);
    if (span_is(name, "rules_matching") && span_starts(*rest, SPAN("("))) {
        const char *wrong = read_glob(rest, &glob);

        return wrong ? wrong : sum_matching(c, glob, out);
    }
    const struct rule *rule = ruleset_find(c->set, name);

    out->kind = rule ? EXPRESSION_OPERAND : EXPRESSION_NUMBER; /* a rule that there is not never hits */
    out->operand = rule ? rule->index : 0;
    if (span_is(name, "local_tests_only"))
        *out = (struct expression_step){ .kind = EXPRESSION_NUMBER, .number = !c->has_net };
    return NULL;
}

struct collecting {
    unsigned *stamps, *uses; /* stamps: by rule, 1 + who was the last to name it */
    size_t count;
};

static void add_use(const struct compiling *c, unsigned use, struct collecting *to)
{
    if (to->stamps[use] == c->self + 1)
        return;
    to->stamps[use] = c->self + 1;
    to->uses[to->count++] = use;
}

/* The rules that it names, each once. One that names itself by rules_matching() does not count. */
static void collect_uses(const struct compiling *c, struct meta *meta, unsigned *stamps)
{
    struct collecting to = { .stamps = stamps };
    size_t most = 0;

    for (size_t i = 0; i < meta->expression.count; i++)
        most += meta->expression.steps[i].kind == EXPRESSION_SUM ? meta->expression.steps[i].count : 1;
    to.uses = arena_alloc(c->arena, (most + 1) * sizeof *to.uses);
    for (size_t i = 0; i < meta->expression.count; i++) {
        const struct expression_step *step = &meta->expression.steps[i];

        if (step->kind == EXPRESSION_OPERAND)
            add_use(c, step->operand, &to);
        for (unsigned k = 0; step->kind == EXPRESSION_SUM && k < step->count; k++)
            if (step->list[k] != c->self)
                add_use(c, step->list[k], &to);
    }
    meta->uses = to.uses;
    meta->use_count = to.count;
}

/* "()" is a name for others to hit. */
static bool is_declaration(const char *text)
{
    struct span rest = span_trim(span_of(text));

    return rest.len >= 2 && rest.ptr[0] == '(' && rest.ptr[rest.len - 1] == ')' &&
           !span_trim(span_skip(span_first(rest, rest.len - 1), 1)).len;
}

static const char *compile_one(struct compiling *c, struct rule *rule, const char *text, unsigned *stamps)
{
    const struct expression_reader reader = { .operand = operand, .arg = c };
    struct meta *meta = arena_alloc(c->arena, sizeof *meta);

    c->self = rule->index;
    const char *wrong =
        expression_parse(c->arena, span_of(is_declaration(text) ? "0" : text), &reader, &meta->expression);

    if (!wrong && meta->expression.divides_by_zero)
        wrong = "it divides by what may be 0";
    if (wrong)
        return arena_printf(c->arena, "its expression is not understood: %s", wrong);
    collect_uses(c, meta, stamps);
    rule->meta = meta;
    return NULL;
}

/* ---- order ---- */

/* Who names whom, the other way round. */
static void plan(struct ruleset *set, struct arena *a)
{
    struct meta_plan *p = arena_alloc(a, sizeof *p);
    size_t total = 0;

    p->from = arena_alloc(a, (set->count + 1) * sizeof *p->from);
    p->places = arena_alloc(a, (set->count + 1) * sizeof *p->places);
    p->costs = arena_alloc(a, (set->count + 1) * sizeof *p->costs);
    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; set->rules[i].meta && k < set->rules[i].meta->use_count; k++)
            p->from[set->rules[i].meta->uses[k]]++;
    for (size_t i = 0; i <= set->count; i++) { /* from now on where those of i end */
        total += i < set->count ? p->from[i] : 0;
        p->from[i] = total;
    }
    p->users = arena_alloc(a, (total + 1) * sizeof *p->users);
    for (size_t i = set->count; i-- > 0;)
        for (size_t k = 0; set->rules[i].meta && k < set->rules[i].meta->use_count; k++)
            p->users[--p->from[set->rules[i].meta->uses[k]]] = i;
    set->plan = p;
}

static size_t count_awaited(const struct ruleset *set, const struct meta *meta)
{
    size_t awaited = 0;

    for (size_t k = 0; k < meta->use_count; k++)
        awaited += set->rules[meta->uses[k]].meta != NULL;
    return awaited;
}

/* What is left over is a circle, or needs one. */
static void refuse_circles(struct ruleset *set, const size_t *awaited, struct arena *a)
{
    for (size_t i = 0; i < set->count; i++) {
        struct rule *rule = &set->rules[i];
        const char *first = NULL;

        for (size_t k = 0; awaited[i] && k < rule->meta->use_count && !first; k++)
            if (awaited[rule->meta->uses[k]])
                first = set->rules[rule->meta->uses[k]].name;
        if (!first)
            continue;
        rule->state = RULE_UNSUPPORTED;
        rule->why = arena_printf(a, "it needs itself, or what goes round in a circle, by way of %s", first);
    }
}

static void keep_active(struct ruleset *set, const struct rule **ready, size_t count)
{
    set->metas = ready;
    for (size_t i = 0; i < count; i++) {
        if (ready[i]->state != RULE_ACTIVE)
            continue;
        set->metas[set->meta_count++] = ready[i];
        set->plan->places[ready[i]->index] = (unsigned)set->meta_count;
    }
}

/* What a meta needs is run before its own priority is over; those that need a meta stand behind it. */
static void hasten(struct ruleset *set)
{
    for (size_t i = set->meta_count; i-- > 0;) {
        const struct rule *rule = set->metas[i];

        for (size_t k = 0; k < rule->meta->use_count; k++) {
            struct rule *used = &set->rules[rule->meta->uses[k]];

            if (used->priority > rule->priority)
                used->priority = rule->priority;
        }
    }
}

static void order(struct ruleset *set, struct arena *a)
{
    const struct meta_plan *p = set->plan;
    size_t *awaited = arena_alloc(a, (set->count + 1) * sizeof *awaited);
    const struct rule **ready = arena_alloc(a, (set->count + 1) * sizeof *ready);
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++) {
        awaited[i] = set->rules[i].meta ? count_awaited(set, set->rules[i].meta) : 0;
        if (set->rules[i].meta && !awaited[i])
            ready[count++] = &set->rules[i];
    }
    for (size_t done = 0; done < count; done++) {
        size_t own = ready[done]->index;

        for (size_t k = p->from[own]; k < p->from[own + 1]; k++)
            if (--awaited[p->users[k]] == 0)
                ready[count++] = &set->rules[p->users[k]];
    }
    refuse_circles(set, awaited, a);
    keep_active(set, ready, count);
    hasten(set);
}

static double nothing(const void *arg, unsigned index)
{
    (void)arg;
    (void)index;
    return 0;
}

/* A rule that is not run never hits. */
static void copy_steps(const struct ruleset *set, const struct expression *from, struct expression_step *to)
{
    memcpy(to, from->steps, from->count * sizeof *to);
    for (struct expression_step *step = to; step < to + from->count; step++)
        if (step->kind == EXPRESSION_OPERAND && set->rules[step->operand].state != RULE_ACTIVE) {
            step->kind = EXPRESSION_NUMBER;
            step->number = 0;
        }
}

static void place(struct ruleset *set, struct arena *a)
{
    struct placed *placed = arena_alloc(a, (set->meta_count + 1) * sizeof *placed);
    struct expression_step *steps;
    size_t count = 0;

    for (size_t i = 0; i < set->meta_count; i++)
        count += set->metas[i]->meta->expression.count;
    steps = arena_alloc(a, (count + 1) * sizeof *steps);
    for (size_t i = 0; i < set->meta_count; i++) {
        const struct rule *rule = set->metas[i];
        const struct expression *e = &rule->meta->expression;

        placed[i] = (struct placed){ { steps, e->count, e->divides_by_zero }, rule->index, rule->is_sub };
        copy_steps(set, e, steps);
        steps += e->count;
    }
    set->plan->placed = placed;
}

/* What need not be found out for each message: who can hit at all, who holds when nothing has, what rules cost. */
static void prepare(struct ruleset *set, struct arena *a)
{
    struct meta_plan *p = set->plan;

    for (size_t i = 0; i < set->count; i++)
        p->costs[i] = set->rules[i].pattern ? (unsigned)strlen(set->rules[i].pattern) : 0;
    p->user_places = arena_alloc(a, (p->from[set->count] + 1) * sizeof *p->user_places);
    for (size_t i = 0; i < p->from[set->count]; i++)
        p->user_places[i] = p->places[p->users[i]];
    place(set, a);
    p->always = arena_alloc(a, meta_words(set) * sizeof *p->always);
    for (size_t i = 0; i < set->meta_count; i++)
        if (expression_value(&p->placed[i].expression, nothing, NULL) != 0)
            p->always[i / 64] |= 1ULL << i % 64;
}

const struct rule *meta_uses(const struct ruleset *set, const struct rule *meta, size_t *at)
{
    return meta->meta && *at < meta->meta->use_count ? &set->rules[meta->meta->uses[(*at)++]] : NULL;
}

void metas_compile(struct ruleset *set, const char *const *texts, bool has_net, struct arena *a)
{
    struct compiling c = { .set = set, .arena = a, .has_net = has_net };
    unsigned *stamps = arena_alloc(a, (set->count + 1) * sizeof *stamps);

    names_init(&c.globs, a);
    for (size_t i = 0; i < set->count; i++) {
        struct rule *rule = &set->rules[i];
        const char *wrong =
            rule->kind == RULE_META && rule->state != RULE_UNSUPPORTED ? compile_one(&c, rule, texts[i], stamps) : NULL;

        if (!wrong)
            continue;
        rule->state = RULE_UNSUPPORTED;
        rule->why = wrong;
    }
    plan(set, a);
    order(set, a);
    prepare(set, a);
}
