/* rules/meta_parts.h - what ruleset.c and meta.c share: metas on their way into a set. */
#ifndef RULES_META_PARTS_H
#define RULES_META_PARTS_H

#include "rules/meta.h"
#include "rules/names.h"

/* metas_compile - of all rules of kind RULE_META that are not unsupported already; texts[] has their expressions, by
 * index. Needs the names, the scores and the states; fills in meta, metas and plan. */
void metas_compile(struct ruleset *set, const char *const *texts, bool has_net, struct arena *a);

#endif
