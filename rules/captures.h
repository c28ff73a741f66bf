/* rules/captures.h - what patterns with named groups have captured of a message, for patterns that have %{NAME} in them
 * [Mail::SpamAssassin::Conf, CAPTURING TAGS].
 *
 * Threads: who holds the message. Memory: the inquiry's arena; values lie in the texts that were matched.
 */
#ifndef RULES_CAPTURES_H
#define RULES_CAPTURES_H

#include "rules/sieve/matcher.h"

struct captured;

struct captures {
    struct arena *arena;
    struct captured *list;
};

/* captures_take - of the match that matcher_find() has just found in `piece`. What another rule has captured under the
 * same name before is forgotten. Empty values, those of more than 1,000 bytes, and more than 32 of a name are not kept.
 */
void captures_take(struct captures *c, struct matcher *m, unsigned runner, const struct rule *rule, struct span piece);
/* captures_fill - the rule's template as a pattern: for each %{NAME} the texts that were captured. NULL: there are none
 * for one of them, or the pattern would be longer than 64 KiB. */
const char *captures_fill(const struct captures *c, const struct rule *rule);

/* captures_next - the first %{NAME} in a pattern from *at on, which is moved behind it: where it begins, and the name.
 * \%{NAME} is none. SPAN_NPOS: no more. */
size_t captures_next(struct span pattern, size_t *at, struct span *name);

#endif
