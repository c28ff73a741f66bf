/* smtp/hop_choice.h - which of several targets takes the next transaction.
 *
 * The lowest priority number that has one open; among equals by weight, in turns that are spread evenly: with weights 5
 * and 1 it is a a a b a a, not five in a row. One that is not open takes no part, and when it comes back it gets its
 * share, not what it missed. One that is doubtful is chosen only when nothing else is open, whatever its priority; one
 * that is busy only when its equals are, too.
 *
 * Pure.
 */
#ifndef SMTP_HOP_CHOICE_H
#define SMTP_HOP_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hop_choice {
    unsigned priority, weight;          /* weight: 1 at least */
    bool is_open, is_doubtful, is_busy; /* to be set before each call */
    int64_t credit;                     /* hop_choose()'s own */
};

enum { HOP_CHOICE_NONE = -1 };

/* hop_choose - the index of the one, or HOP_CHOICE_NONE when none is open. */
int hop_choose(struct hop_choice *choices, size_t count);

#endif
