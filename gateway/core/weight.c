/* core/weight.c - whether what a check has found counts. */
#include "gateway/core/weight.h"

enum mode weight_mode(const struct run *run, const struct finding *f)
{
    return f->mode != MODE_OFF && f->mode < run->settings->mode ? f->mode : run->settings->mode;
}

enum removal weight_removes(const struct run *run, const char *symbol)
{
    if (run->state != RUN_DONE || run->settings->mode != MODE_ENFORCE)
        return REMOVAL_NONE;
    for (size_t i = 0; i < run->removed_count; i++)
        if (strcmp(run->removed[i].symbol, symbol) == 0)
            return run->removed[i].removal;
    return REMOVAL_NONE;
}

enum removal weight_removal(const struct run *const *runs, size_t count, const char *symbol)
{
    enum removal removal = REMOVAL_NONE;

    for (size_t i = 0; i < count && !removal; i++)
        if (runs[i]->removed_count)
            removal = weight_removes(runs[i], symbol);
    return removal;
}

bool weight_may_remove(const struct check_settings *settings, const char *symbol)
{
    for (size_t i = 0; i < settings->removable_count; i++)
        if (strcmp(settings->removable[i], symbol) == 0)
            return true;
    return false;
}
