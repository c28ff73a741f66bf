/* rules/rules_conf.h - the configuration of the check "rules": which files, which scores, and what is said of single
 * rules.
 */
#ifndef RULES_RULES_CONF_H
#define RULES_RULES_CONF_H

#include "gateway/core/run.h"
#include "rules/ruleset.h"

/* In the order of the words of the key `scores`. */
enum rules_scores { SCORES_LOCAL, SCORES_NET, SCORES_BAYES, SCORES_BOTH };

struct rules_state;

struct rules_conf {
    bool has_own;
    struct conf_strs files;
    int scores;              /* enum rules_scores */
    int scale;               /* hundredths */
    struct conf_array rules; /* of struct rule_conf */
    int least, most;         /* hundredths */
    int time_ms;

    /* state: from open() to close() */
    struct ruleset *set;
    struct rules_state *state; /* rules/rules.c's */
};

extern const struct conf_key rules_keys[];
extern const struct conf_section rules_section;

/* rules_conf_load - the set of rules that `conf` speaks of, in `a`; functions and plugins are rules/eval/eval.h's.
 * NULL, and a sentence for the operator in *wrong. */
struct ruleset *rules_conf_load(struct arena *a, const struct rules_conf *conf, const char **wrong);
/* rules_conf_action - what mail is forced to in which the rule has hit; false: nothing. Only for rules of mode tag and
 * enforce. */
bool rules_conf_action(const struct rule *rule, enum action *action, const char **text);
/* rules_conf_bounds - what the set may add, and force. */
void rules_conf_bounds(const struct ruleset *set, struct bounds *out);

#endif
