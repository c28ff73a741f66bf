/* smtp/hop_choice.c - smooth weighted round robin: each turn every one that takes part is given its weight as credit;
 * the richest is chosen, and pays what all were given. */
#include "gateway/smtp/hop_choice.h"

#include <limits.h>

int hop_choose(struct hop_choice *choices, size_t count)
{
    unsigned priority = UINT_MAX;
    int64_t given = 0;
    int best = HOP_CHOICE_NONE;

    for (size_t i = 0; i < count; i++)
        if (choices[i].is_open && choices[i].priority < priority)
            priority = choices[i].priority;
    for (size_t i = 0; i < count; i++) {
        struct hop_choice *c = &choices[i];

        if (!c->is_open) {
            c->credit = 0;
            continue;
        }
        if (c->priority != priority)
            continue;
        c->credit += c->weight;
        given += c->weight;
        if (best == HOP_CHOICE_NONE || c->credit > choices[best].credit)
            best = (int)i;
    }
    if (best != HOP_CHOICE_NONE)
        choices[best].credit -= given;
    return best;
}
