/* rules/shape.h - the shape of a text: literal bytes with holes in between, for lines that machines write.
 *
 *     "{s:h} ({s:r} [{i:i}]) by {s:b} "
 *
 * A hole is a letter in braces, and may say where what fills it goes (a slot, a to z):
 *     s  bytes that are no blank, one at least     S  or none
 *     d  digits, one at least                      w  letters, digits, _; one at least
 *     p  anything but ")", one at least            P  anything but blanks and parentheses, or none
 *     i  an IP address                             l  the local host by name or address
 *     a  anything, as little as will do            A  anything, as much as will do
 *     b  the edge of a word                        $  the end of the text
 *     ?  what follows up to the brace may be there or not: {?[}
 * and {this|that} is one of several texts. Holes take as much as they can, but for `a`.
 *
 * Time is bounded by steps: a run that has used up its steps matches nothing any more.
 *
 * Pure. Threads: any. Memory: slots point into the text.
 */
#ifndef RULES_SHAPE_H
#define RULES_SHAPE_H

#include "gateway/base/span.h"

enum { SHAPE_SLOTS = 26 };

struct shape_run {
    struct span text;
    struct span slot[SHAPE_SLOTS]; /* what filled each; ptr NULL: nothing has */
    bool is_any_case;              /* literal letters match in both cases */
    unsigned steps;                /* that are left */
};

/* shape_starts - the text begins so. shape_has - it stands somewhere in it (the first place counts). Both set only the
 * slots that the shape names, and only when it matches. */
bool shape_starts(struct shape_run *run, const char *shape);
bool shape_has(struct shape_run *run, const char *shape);
/* shape_slot - what filled that slot; empty when nothing has. */
struct span shape_slot(const struct shape_run *run, char slot);

/* shape_address - the length of the IP address at `at` (with "IPv6:" in front, if it has that), 0 for none. It must not
 * be part of a longer word. */
size_t shape_address(struct span text, size_t at);

#endif
