/* core/weight.c - whether what a check has found counts. */
#include "gateway/core/weight.h"

enum mode weight_mode(const struct run *run, const struct finding *f)
{
    return f->mode != MODE_OFF && f->mode < run->settings->mode ? f->mode : run->settings->mode;
}

const struct removed *weight_removes(const struct run *run, const char *symbol)
{
    if (run->state != RUN_DONE || run->settings->mode != MODE_ENFORCE)
        return NULL;
    for (size_t i = 0; i < run->removed_count; i++)
        if (strcmp(run->removed[i].symbol, symbol) == 0 && run->removed[i].removal)
            return &run->removed[i];
    return NULL;
}

const struct removed *weight_removal(const struct run *const *runs, size_t count, const char *symbol)
{
    const struct removed *removed = NULL;

    for (size_t i = 0; i < count && !removed; i++)
        if (runs[i]->removed_count)
            removed = weight_removes(runs[i], symbol);
    return removed;
}

bool weight_beats(enum action a, enum action b)
{
    if (a == ACTION_ACCEPT || b == ACTION_ACCEPT)
        return a == ACTION_ACCEPT && b != ACTION_ACCEPT;
    return a > b;
}

bool weight_forced(const struct run *run, enum removal (*removal)(const void *arg, const char *symbol), const void *arg,
                   struct demand *out)
{
    *out = (struct demand){ run->is_forced, run->forced, run->forced_text };
    for (size_t i = 0; i < run->demanded_count; i++) {
        const struct demanded *d = &run->demanded[i];

        if (removal(arg, d->symbol) != REMOVAL_SYMBOL && (!out->is_made || weight_beats(d->action, out->action)))
            *out = (struct demand){ true, d->action, d->text };
    }
    return out->is_made;
}

bool weight_may_remove(const struct check_settings *settings, const char *symbol)
{
    for (size_t i = 0; i < settings->removable_count; i++)
        if (strcmp(settings->removable[i], symbol) == 0)
            return true;
    return false;
}
