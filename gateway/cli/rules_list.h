/* cli/rules_list.h - what rules a configuration loads, for people. */
#ifndef CLI_RULES_LIST_H
#define CLI_RULES_LIST_H

#include "gateway/base/strbuf.h"
#include "rules/ruleset.h"

/* rules_list_count - one line: how many there are, and how many are run. rules_list_print - those that are not
 * supported, and what else was not understood, a line each: file:line: NAME: why. */
void rules_list_count(const struct ruleset *set, struct strbuf *out);
void rules_list_print(const struct ruleset *set, struct strbuf *out);

#endif
