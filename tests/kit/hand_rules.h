/* tests/kit/hand_rules.h - a set of rules made by hand, without files. */
#ifndef KIT_HAND_RULES_H
#define KIT_HAND_RULES_H

#include "rules/ruleset.h"

/* hand_rules - `rules` become a set: what they leave out is what a file's reader would fill in. They are changed, and
 * must outlive the set. */
static inline struct ruleset hand_rules(struct rule *rules, size_t count)
{
    struct ruleset set = { .rules = rules, .count = count, .active = count };

    for (size_t i = 0; i < count; i++) {
        rules[i].index = (unsigned)i;
        rules[i].file = "hand.cf";
        rules[i].line = (unsigned)i + 1;
        rules[i].describe = rules[i].describe ? rules[i].describe : "";
        rules[i].is_sub = rules[i].name[0] == '_' && rules[i].name[1] == '_';
    }
    return set;
}

#endif
