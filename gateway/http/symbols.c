/* http/symbols.c - findings into symbols. */
#include "gateway/http/symbols.h"

#include <stdlib.h>

static const char *describe(const struct check_module *module, const char *name)
{
    for (const struct symbol *s = module->symbols; s && s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s->help;
    return "";
}

static void add(struct symbols *all, const struct run *run, const struct finding *f, struct idle idle)
{
    struct symbol_found *s = NULL;

    for (size_t i = 0; i < all->count && !s; i++)
        if (strcmp(all->items[i].name, f->symbol) == 0)
            s = &all->items[i];
    if (!s) {
        s = &all->items[all->count++];
        s->name = f->symbol;
        s->group = run->settings->check->name;
        s->description = describe(run->settings->check->module, f->symbol);
    }
    s->points += idle.why ? 0 : f->points;
    s->weight += f->points;
    if (f->reason && *f->reason && s->option_count < SYMBOL_OPTIONS_MAX)
        s->options[s->option_count++] = f->reason;
}

static int by_weight(const void *left, const void *right)
{
    const struct symbol_found *a = left, *b = right;
    int weight = abs(b->points) - abs(a->points);

    return weight ? weight : strcmp(a->name, b->name);
}

void symbols_collect(struct pipeline *p, const struct verdict *v, struct arena *a, struct symbols *out)
{
    size_t most = 0;

    *out = (struct symbols){ .count = 0 };
    for (size_t i = 0; i < pipeline_run_count(p); i++)
        most += pipeline_run(p, i)->state == RUN_DONE ? pipeline_run(p, i)->finding_count : 0;
    out->items = arena_alloc(a, (most + 1) * sizeof *out->items);
    for (size_t i = 0; i < pipeline_run_count(p); i++) {
        const struct run *run = pipeline_run(p, i);

        for (size_t f = 0; run->state == RUN_DONE && f < run->finding_count; f++) {
            struct idle idle = pipeline_idle(p, v, run, &run->findings[f]);

            if (idle.removal != REMOVAL_SYMBOL)
                add(out, run, &run->findings[f], idle);
        }
    }
    qsort(out->items, out->count, sizeof *out->items, by_weight);
}
