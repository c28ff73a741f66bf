/* rules/expression.h - expressions over what has hit: metas, conditions of rule files, composites.
 *
 * Numbers, operands, ( ), and by precedence: ! and -, * /, + -, < <= > >=, == !=, ^ of bits, &&, ||, ? :. They count as
 * Perl has it: && and || give the value of the side that decides, comparisons 1 or 0; a division by zero, and what has
 * outgrown all numbers, gives 0. What an operand is, the reader says.
 *
 * Pure. Threads: any. Memory: the arena given.
 */
#ifndef RULES_EXPRESSION_H
#define RULES_EXPRESSION_H

#include <stdint.h>

#include "gateway/base/arena.h"

enum expression_kind {
    EXPRESSION_NUMBER,
    EXPRESSION_OPERAND, /* value(operand) */
    EXPRESSION_SUM,     /* of `list`, `count` operands */
    EXPRESSION_OPERATOR,
};

/* Small, for a set of rules has many thousands, and a message goes through most. */
struct expression_step {
    uint8_t kind; /* enum expression_kind */
    uint8_t operator;
    uint16_t skip : 15;   /* the left side of && or || ends here, which stands so many steps on. 0: it does not */
    uint16_t skip_if : 1; /* whether the left side holds, so that it decides: for || */
    unsigned count;       /* of `list` */
    union {
        double number;
        unsigned operand;
        const unsigned *list;
    };
};

/* In the order in which a stack machine has them. */
struct expression {
    struct expression_step *steps;
    size_t count;
    bool divides_by_zero; /* it would, if all operands were 0 */
};

struct expression_reader {
    /* operand - takes an operand off the front of *rest (which does not begin with a blank) into `out`: its kind and
     * what belongs to it. NULL, or what is wrong with it. */
    const char *(*operand)(void *arg, struct span *rest, struct expression_step *out);
    void *arg;
    bool is_lax;    /* & and |, and and, or, not in any case are operators, too */
    bool has_marks; /* a - that touches a name belongs to it */
};

enum { EXPRESSION_STEPS_MAX = 8192, EXPRESSION_DEPTH_MAX = 64 };

/* expression_parse - all of `text`. NULL, or what is wrong (may lie in `a`). */
const char *expression_parse(struct arena *a, struct span text, const struct expression_reader *reader,
                             struct expression *out);
/* expression_value - `value` is asked for each operand. */
double expression_value(const struct expression *e, double (*value)(const void *arg, unsigned operand),
                        const void *arg);

/* What a value lies in, both ends with it. While they differ, it depends on `unknown`, of those on which it depends the
 * one with the least `cost`; the operand's giver says both. */
struct expression_range {
    double least, most;
    unsigned unknown, cost;
};

/* expression_range - all that the value may be, while operands are known to lie in ranges only. It may say more than
 * what is possible, never less; of operands that are all known it is the value. */
struct expression_range expression_range(const struct expression *e,
                                         struct expression_range (*range)(const void *arg, unsigned operand),
                                         const void *arg);

static inline bool expression_is_open(const struct expression_range *range)
{
    return range->least < range->most;
}

#endif
