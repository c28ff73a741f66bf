/* http/symbols.h - what the checks have found, as a client is told: one symbol per name, the weightiest first. */
#ifndef HTTP_SYMBOLS_H
#define HTTP_SYMBOLS_H

#include "gateway/core/pipeline.h"

enum { SYMBOL_OPTIONS_MAX = 16 };

struct symbol_found {
    const char *name;
    const char *group;       /* the check */
    const char *description; /* "" */
    int points;              /* as they count: they add up to the score */
    int weight;              /* as they would count */
    const char *options[SYMBOL_OPTIONS_MAX];
    size_t option_count;
};

struct symbols {
    struct symbol_found *items;
    size_t count;
};

/* symbols_collect - of all checks that are done; what a composite has taken all of is left out. In `a`; texts are the
 * checks' own. */
void symbols_collect(struct pipeline *p, const struct verdict *v, struct arena *a, struct symbols *out);

#endif
