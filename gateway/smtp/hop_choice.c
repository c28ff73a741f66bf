/* smtp/hop_choice.c - smooth weighted round robin: each turn every one that takes part is given its weight as credit;
 * the richest is chosen, and pays what all were given. */
#include "gateway/smtp/hop_choice.h"

/* How much one is to be preferred; the lowest rank takes part. */
static uint64_t rank(const struct hop_choice *c)
{
    return (uint64_t)c->is_doubtful << 33 | (uint64_t)c->priority << 1 | c->is_busy;
}

int hop_choose(struct hop_choice *choices, size_t count)
{
    uint64_t lowest = UINT64_MAX;
    int64_t given = 0;
    int best = HOP_CHOICE_NONE;

    for (size_t i = 0; i < count; i++)
        if (choices[i].is_open && rank(&choices[i]) < lowest)
            lowest = rank(&choices[i]);
    for (size_t i = 0; i < count; i++) {
        struct hop_choice *c = &choices[i];

        if (!c->is_open)
            c->credit = 0;
        if (!c->is_open || rank(c) != lowest)
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
