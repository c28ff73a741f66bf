/* core/verdict.h - from findings to an action, and when it is certain.
 *
 * What CONNECT and HELO say of a client that has authenticated since then does not count: its address is its user's.
 * Pure functions of runs and thresholds: no clock, no I/O. The rules, hardest first:
 *   1. an allow list's accept;
 *   2. a forced reject or discard;
 *   3. score of enforcing checks at or above `reject`;
 *   4. a forced quarantine, a forced defer, or a failed check whose policy is defer;
 *   5. tag: forced, by a failed check's policy, or by a score at or above `tag`;
 *   6. accept.
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include "gateway/core/run.h"

struct actions_conf {
    int greylist;            /* from which mail is suspicious: the check greylist acts on it */
    int tag, reject;         /* hundredths; ACTIONS_NEVER: not by score */
    bool early;              /* may reject before RCPT */
    struct conf_strs exempt; /* recipients whose mail is not refused */
    const char *subject;     /* prefix of the Subject of tagged mail; "" leaves it */
};

enum { ACTIONS_NEVER = 100001 };

extern const struct conf_section actions_section;

struct missing {
    const char *check;
    const char *why;
};

struct verdict {
    enum action action;
    enum direction direction;           /* of the mail that it is about */
    int score;                          /* hundredths; of checks that enforce or tag */
    int tag, reject;                    /* the thresholds it was held against */
    bool is_certain;                    /* no check that is still to come could change it */
    bool is_early;                      /* given before every check had finished */
    const char *decided_by;             /* "score", or the check that forced it or failed */
    const char *text;                   /* for the sender; NULL: the action's usual one */
    struct missing missing[CHECKS_MAX]; /* evidence that is not there */
    size_t missing_count;
};

/* verdict_make - of `count` runs as they stand now; those that have not finished are counted with their bounds.
 *
 * awaited   the decision waits for checks of the first so many stages (0: for none, its time is up): a deferral is not
 *           certain while one of them could refuse for good, nor a refusal while one could discard. So the answer does
 *           not depend on who is done first.
 */
void verdict_make(const struct run *const *runs, size_t count, const struct actions_conf *actions,
                  enum direction direction, unsigned awaited, struct verdict *out);

/* verdict_is_moot - what the run found did not count for this verdict: it is of a client who has authenticated since,
 * or of an envelope that a list has permitted. */
bool verdict_is_moot(const struct run *const *runs, size_t count, const struct verdict *verdict, const struct run *run);

/* verdict_may_refuse - whether waiting for what is still to come up to `stage` could end in anything but "go on". */
bool verdict_may_refuse(const struct run *const *runs, size_t count, const struct actions_conf *actions,
                        enum stage stage, const struct verdict *now);

/* What the sender is told. */
struct verdict_reply {
    unsigned code;
    const char *enhanced; /* [RFC3463] */
    const char *text;     /* without code, enhanced code and id */
};

/* verdict_reply - by the verdict's action; a refusal by score names the symbols that weighed most. In `a`. */
struct verdict_reply verdict_reply(struct arena *a, const struct verdict *verdict, const struct run *const *runs,
                                   size_t count);

#endif
