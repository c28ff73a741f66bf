/* rules/evaluate.h - a set's rules run over one message, in their order.
 *
 * By priority, and at the same one as SpamAssassin goes: header rules, header functions, body, addresses, body
 * functions and MIME headers, raw bodies, the whole message; metas when all others are done, but for those that end the
 * examination, which are looked at as soon as all is known that they need. A rule that costs too much is given up and
 * counts as no hit; when the time is up, what is left is skipped. Both are told. Metas that need a rule that was not
 * reached do not hit.
 *
 * A pattern of a sub-rule (__NAME) that the sieve lets through is put off until all others have been run: then it is
 * run only where a meta that counts may still hit or not by it. Otherwise it is left at 0, like metas that are
 * sub-rules and that depend on nothing else.
 *
 * Threads: who holds the message. Memory: the inquiry's arena; the order's is its arena.
 */
#ifndef RULES_EVALUATE_H
#define RULES_EVALUATE_H

#include "rules/rule_order.h"
#include "rules/sieve/matcher.h"
#include "rules/view/scanning.h"

enum { GIVEN_UP_SHOWN_MAX = 16, RULE_HITS_MAX = 10000 };

struct evaluation {
    const struct rule *first_skipped; /* NULL: all were run, or a shortcut was taken */
    size_t skipped;
    const struct rule *shortcut; /* that ended it; NULL */
    const struct rule *given_up[GIVEN_UP_SHOWN_MAX];
    size_t given_up_count;
};

/* evaluate - fills in hits and shown of the scanning. */
void evaluate(struct scanning *s, const struct rule_order *order, struct evaluation *out);

#endif
