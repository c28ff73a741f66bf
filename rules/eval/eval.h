/* rules/eval/eval.h - the functions that eval rules call, by SpamAssassin's names: what each finds is what its plugin's
 * documentation says it finds.
 *
 * Each reads the message through rules/view/scanning.h and keeps what several rules ask of it in the scanning's memo
 * (rules/eval/eval_parts.h), so that no rule costs a pass of its own. All are linear in the message.
 */
#ifndef RULES_EVAL_H
#define RULES_EVAL_H

#include "rules/view/scanning.h"

struct eval_function {
    const char *name;
    const char *plugin; /* "Mail::SpamAssassin::Plugin::HeaderEval" */
    /* run - how often the rule hits; 0: not. */
    unsigned (*run)(struct scanning *s, const struct rule *rule);
    unsigned least_arguments, most_arguments;
};

/* eval_find - NULL: not one of ours. eval_plugin - whether any function of that plugin is. */
const struct eval_function *eval_find(const char *name);
bool eval_has_plugin(const char *plugin);
/* eval_fault - what is wrong with the arguments: a regular expression that is none. NULL: nothing; else in `a`. */
const char *eval_fault(struct arena *a, const struct rule_eval *call);

#endif
