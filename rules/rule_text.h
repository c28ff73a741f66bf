/* rules/rule_text.h - what a group of rules looks at: a text of pieces, and where in it they may match.
 *
 * Threads: who holds the message. Memory: the inquiry's arena.
 */
#ifndef RULES_RULE_TEXT_H
#define RULES_RULE_TEXT_H

#include "rules/sieve/matcher.h"
#include "rules/sieve/starts.h"
#include "rules/view/scanning.h"

struct rule_text {
    bool is_ready;
    bool is_absent; /* header rules: there is no such field */
    struct rule_lines lines;
    struct span together; /* mimeheader rules with `concat` */
    size_t *stretch_ends; /* texts of pieces are sifted in stretches: behind the last piece of each. NULL: as a whole */
    size_t stretch_count;
    struct starts starts; /* of what is not sifted, but known by its beginnings */
};

void rule_text_make(struct scanning *s, const struct matcher_group *group, struct rule_text *text);
/* rule_text_sift - `maybe`, by rule index: a bit for each stretch in which the rule may match; of a whole text all. */
void rule_text_sift(struct scanning *s, const struct matcher_group *group, struct rule_text *text, uint32_t *maybe);

struct rule_lines rule_text_single(struct arena *a, struct span text);
/* rule_text_join - without anything between them. */
struct span rule_text_join(struct arena *a, struct rule_lines values);

#endif
