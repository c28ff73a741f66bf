/* rules/composites.c - symbols that follow from what other checks have found, and the actions that they force.
 *
 * All expressions are evaluated over what was found, before any of it is taken out: what one composite removes is there
 * for the others. Of composites that hold and name the same symbol the one that leaves most of it wins, but for ^.
 *
 * Threads: the loop. Memory: the inquiry's arena.
 */
#include "rules/composites.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/symbol_conf.h"
#include "rules/composites_conf.h"
#include "rules/glob.h"
#include "rules/names.h"

struct evaluating {
    const struct composites_conf *conf;
    struct names found; /* symbols, each once */
    struct sister_finding *items;
    size_t count, room;
    bool *holds; /* by composite */
};

/* What composites that hold say of a symbol. */
struct vote {
    const char *symbol, *by; /* `by`: the composite whose word holds */
    enum removal removal;
    bool is_forced;
};

struct votes {
    struct names symbols;
    struct vote *items;
};

static const struct composite *composite_at(const struct composites_conf *conf, size_t i)
{
    return (const struct composite *)conf->composites.items + i;
}

static void collect(struct inquiry *q, struct evaluating *e)
{
    struct sister_finding f;
    size_t at = 0;

    names_init(&e->found, q->arena);
    while (sister_next(q, &at, &f)) {
        if (e->count == e->room) {
            e->room = e->room ? e->room * 2 : 64;
            e->items = arena_grow(q->arena, e->items, e->count, e->room, sizeof *e->items);
        }
        e->items[e->count++] = f;
        names_add(&e->found, span_of(f.symbol));
    }
}

static bool is_of(const struct sister_finding *f, const struct atom *atom)
{
    bool has_sign = !atom->sign || (atom->sign > 0 ? f->points > 0 : f->points < 0);

    return has_sign && strcmp(f->check, atom->text) == 0;
}

static double value_of(const void *arg, unsigned number)
{
    const struct evaluating *e = arg;
    const struct atom *atom = &e->conf->atoms[number];
    double count = 0;

    switch (atom->kind) {
    case ATOM_SYMBOL: return names_find(&e->found, span_of(atom->text)) != NAMES_NONE;
    case ATOM_COMPOSITE: return e->holds[atom->composite];
    case ATOM_CHECK:
        for (size_t i = 0; i < e->count; i++)
            count += is_of(&e->items[i], atom);
        return count;
    case ATOM_PATTERN:
        for (size_t i = 0; i < e->found.count; i++)
            count += glob_matches(span_of(atom->text), span_of(e->found.items[i]));
        return count;
    }
    BUG("an atom of kind %d", (int)atom->kind);
}

/* ---- what is taken out ---- */

static void take_vote(struct votes *all, const char *symbol, const char *by, enum removal removal, bool is_forced)
{
    size_t before = all->symbols.count;
    struct vote *v = &all->items[names_add(&all->symbols, span_of(symbol))];

    if (all->symbols.count > before || is_forced || (!v->is_forced && removal < v->removal))
        *v = (struct vote){ symbol, by, removal, is_forced || v->is_forced };
}

/* Of composites that hold and enforce. */
static struct votes count_votes(struct inquiry *q, const struct evaluating *e)
{
    struct votes votes = { .items = arena_alloc(q->arena, (e->conf->atom_count + 1) * sizeof *votes.items) };

    names_init(&votes.symbols, q->arena);
    for (size_t i = 0; i < e->conf->atom_count; i++) {
        const struct atom *atom = &e->conf->atoms[i];
        const struct composite *owner = composite_at(e->conf, atom->owner);
        bool is_single = atom->kind == ATOM_SYMBOL || atom->kind == ATOM_COMPOSITE, is_forced;

        if (!e->holds[atom->owner] || owner->mode != MODE_ENFORCE || !is_single || value_of(e, (unsigned)i) == 0)
            continue;
        enum removal removal = composite_removal(owner, atom, &is_forced);

        take_vote(&votes, atom->text, owner->title, removal, is_forced);
    }
    return votes;
}

static const struct vote *voted(const struct votes *votes, const char *symbol)
{
    static const struct vote none = { .removal = REMOVAL_NONE };
    size_t number = names_find(&votes->symbols, span_of(symbol));

    return number == NAMES_NONE ? &none : &votes->items[number];
}

/* ---- what is found ---- */

enum { NAMED_MAX = 8 };

/* What was there of all that the expression names. */
static const char *why(struct inquiry *q, const struct evaluating *e, const struct composite *c)
{
    const char *list = "";
    size_t named = 0;

    for (size_t i = 0; i < c->atom_count && named < NAMED_MAX; i++) {
        const struct atom *atom = &e->conf->atoms[c->atoms[i]];

        if (value_of(e, c->atoms[i]) != 0)
            list = arena_printf(q->arena, "%s%s%s%s", list, named++ ? ", " : "", atom->kind == ATOM_CHECK ? "g:" : "",
                                atom->text);
    }
    return named ? list : "nothing of what it names";
}

static void force(struct inquiry *q, const struct composite *c)
{
    enum action action;

    if (c->mode >= MODE_TAG && c->subject[0])
        finding_subject(q, c->subject);
    if (force_action(c->action, (enum mode)c->mode, &action))
        finding_force(q, action, c->text[0] && action != ACTION_TAG ? c->text : NULL);
}

static void find(struct inquiry *q, const struct evaluating *e, size_t number, const struct vote *vote)
{
    const struct composite *c = composite_at(e->conf, number);
    const char *what = arena_printf(q->arena, "%s%s%s", c->describe, c->describe[0] ? ": " : "", why(q, e, c));

    if (!vote->removal)
        finding_name_as(q, c->title, c->points, (enum mode)c->mode, "%s", what);
    else if (vote->removal == REMOVAL_WEIGHT)
        finding_name_as(q, c->title, 0, (enum mode)c->mode, "its %s%d.%02d points removed by %s; %s",
                        c->points < 0 ? "-" : "", abs(c->points) / 100, abs(c->points) % 100, vote->by, what);
    if (vote->removal != REMOVAL_SYMBOL)
        force(q, c);
}

/* Whose name another check has for a symbol of its own: expressions mean the composite. */
static bool is_composite(const struct composites_conf *conf, const char *symbol)
{
    for (size_t i = 0; i < conf->composites.count; i++)
        if (strcmp(composite_at(conf, i)->title, symbol) == 0)
            return true;
    return false;
}

static enum step composites_run(struct inquiry *q)
{
    struct evaluating e = { .conf = q->conf };
    size_t count = e.conf->composites.count;

    if (!count)
        return STEP_DONE;
    collect(q, &e);
    e.holds = arena_alloc(q->arena, count * sizeof *e.holds);
    for (size_t i = 0; i < count; i++) {
        const struct composite *c = composite_at(e.conf, e.conf->order[i]);

        e.holds[e.conf->order[i]] = c->mode != MODE_OFF && expression_value(&c->expression, value_of, &e) != 0;
    }
    const struct votes votes = count_votes(q, &e);

    for (size_t i = 0; i < e.found.count; i++) {
        const struct vote *vote = voted(&votes, e.found.items[i]);

        if (vote->removal && !is_composite(e.conf, e.found.items[i]))
            finding_remove(q, e.found.items[i], vote->removal, vote->by);
    }
    for (size_t i = 0; i < count; i++)
        if (e.holds[i])
            find(q, &e, i, voted(&votes, composite_at(e.conf, i)->title));
    return STEP_DONE;
}

static void composites_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct composites_conf *conf = values;

    (void)points;
    for (size_t i = 0; i < conf->composites.count; i++) {
        const struct composite *c = composite_at(conf, i);

        if (c->mode < MODE_TAG)
            continue;
        *(c->points < 0 ? &out->least : &out->most) += c->points;
        force_bounds(c->action, (enum mode)c->mode, out);
    }
}

static const char *const *composites_removable(const void *values, size_t *count)
{
    const struct composites_conf *conf = values;

    *count = conf->removable_count;
    return conf->removable;
}

static bool composites_are_none(const void *values)
{
    return !((const struct composites_conf *)values)->composites.count;
}

const struct check_module composites_module = {
    .section = &composites_section,
    .run = composites_run,
    .bounds = composites_bounds,
    .removable = composites_removable,
    .is_idle = composites_are_none,
};
