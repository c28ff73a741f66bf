/* rules/meta.h - rules made of other rules: evaluation over what has hit.
 *
 * Pure. Threads: any. Memory: `a`.
 */
#ifndef RULES_META_H
#define RULES_META_H

#include "rules/ruleset.h"

/* metas_evaluate - all meta rules of the set, once all others have been run: fills in their places of hits[] (by rule
 * index; a meta's value, at least 1 when it is not 0). Rules that are not active count as 0 [Mail::SpamAssassin::Conf,
 * meta]. `open`: by rule index, rules that have not been run, so that nobody knows; a meta that needs one of them, by
 * way of others or not, is not evaluated. NULL: all have been run. */
void metas_evaluate(const struct ruleset *set, unsigned *hits, const bool *open, struct arena *a);
/* meta_uses - goes through the rules that a meta names, each once; NULL after the last. `at`: 0 at first. */
const struct rule *meta_uses(const struct ruleset *set, const struct rule *meta, size_t *at);

#endif
