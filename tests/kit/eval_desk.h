/* tests/kit/eval_desk.h - one message, and eval functions that look at it.
 *
 *     struct eval_desk *d = eval_desk_open("Date: ...\n\nbody\n");
 *     EXPECT_INT(1, EVAL(d, "check_for_shifted_date", "-6", "-3"));
 *     eval_desk_close(d);
 */
#ifndef KIT_EVAL_DESK_H
#define KIT_EVAL_DESK_H

#include "rules/eval/eval.h"
#include "rules/sieve/matcher.h"

struct eval_desk {
    struct arena arena;
    struct session session; /* no client and no envelope until the test fills it in */
    struct evidence evidence;
    struct inquiry inquiry; /* 2026-01-01T00:00:00Z */
    struct ruleset set;
    struct scanning scanning;
    struct strbuf faults;
    struct matcher *matcher; /* NULL: only fields are read */
};

/* eval_desk_open - LF in the text becomes CRLF. */
struct eval_desk *eval_desk_open(const char *text);
struct eval_desk *eval_desk_open_bytes(struct span text);
void eval_desk_close(struct eval_desk *d);
/* eval_desk_scan - the body, too, with what these lines of a rule file set (NULL: nothing). */
void eval_desk_scan(struct eval_desk *d, const char *rules);

/* eval_desk_run - the function with these arguments, ended by NULL; a test that names none of ours fails. */
unsigned eval_desk_run(struct eval_desk *d, const char *function, ...);
#define EVAL(d, ...) eval_desk_run(d, __VA_ARGS__, NULL)

#endif
