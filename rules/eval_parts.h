/* rules/eval_parts.h - what the eval functions share: their groups, their arguments, and what is found out once for a
 * message.
 */
#ifndef RULES_EVAL_PARTS_H
#define RULES_EVAL_PARTS_H

#include "rules/eval.h"

/* The functions of a group of plugins; tables end with a NULL name. */
extern const struct eval_function eval_header_functions[];
extern const struct eval_function eval_date_functions[];

#define SA_PLUGIN(name) "Mail::SpamAssassin::Plugin::" name

/* One scanning's findings that more than one rule asks for. Zeroed at first. */
struct eval_memo {
    struct eval_dates *dates; /* eval_date.c */
};

struct eval_memo *eval_memo(struct scanning *s);

/* eval_argument - the nth, without its quotes; NULL: there are fewer. eval_number - the nth as a number; `fallback`
 * when it is not there. eval_is_unset - it is not there, or says 'undef'. */
const char *eval_argument(const struct rule *rule, size_t nth);
double eval_number(const struct rule *rule, size_t nth, double fallback);
bool eval_is_unset(const struct rule *rule, size_t nth);
/* eval_decimal - as far as it is a number: "1.5x" is 1.5; 0 for none. */
double eval_decimal(struct span text);

/* eval_raw_all - the fields of that name as they stand after the colon, one after the other: lines end in LF, one at
 * the end; empty: none. eval_raw_header - all fields with their names, the same. */
struct span eval_raw_all(struct scanning *s, const char *field);
struct span eval_raw_header(struct scanning *s);

/* eval_date_parse - a date in the lenient reading that mail rules use; false: none in it. */
bool eval_date_parse(struct span text, int64_t *out);

#endif
