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

/* Which of the rules that have not been run yet metas need. */
struct metas_need;

/* metas_need_new - `hits` and `open` as above; hits[] is read again as it grows. `most`: by rule index, how often a
 * rule that has been put off may hit; 0: it has been run, or is open. What is put off must count as 0 in hits[].
 * metas_need_next - a rule that must be run, because a meta that is no sub-rule may hit or not by it; where there is a
 * choice, the one with the shortest pattern. metas_need_told() says that hits[] has it now. NULL: whatever the others
 * that have been put off would be, no such meta would differ. */
struct metas_need *metas_need_new(const struct ruleset *set, const unsigned *hits, const bool *open, unsigned *most,
                                  struct arena *a);
const struct rule *metas_need_next(struct metas_need *n);
void metas_need_told(struct metas_need *n, const struct rule *rule);

#endif
