/* greylist/judge.h - what the checks greylist and greylist_message do alike: who is exempt, how the recipients stand,
 * and what is found of it.
 *
 * Threads: the loop's. Memory: the inquiry's arena.
 */
#ifndef GREYLIST_JUDGE_H
#define GREYLIST_JUDGE_H

#include "greylist/triplet.h"

/* Of both checks, in the order of greylist_symbols. */
enum greylist_symbol {
    GREYLIST_SYMBOL_WAIT,
    GREYLIST_SYMBOL_PASSED,
    GREYLIST_SYMBOL_KNOWN,
    GREYLIST_SYMBOL_EXEMPT,
    GREYLIST_SYMBOLS,
};

/* greylist_concerns - mail of strangers, that no sister has refused or let in already, through a door where it can
 * come again. */
bool greylist_concerns(const struct inquiry *q);
/* exempt_client - why this client need not wait; NULL: it may have to. */
const char *exempt_client(struct inquiry *q, const struct greylist_conf *conf);
/* exempt_listed - the same for mail to a recipient who is listed. */
const char *exempt_listed(struct inquiry *q, const struct greylist_conf *conf, const struct address *to);
/* partner_op - asks whether the recipient's side has written to the sender; false: nothing need be asked.
 * exempt_partner - why the answer exempts this mail; NULL: it does not. */
bool partner_op(struct inquiry *q, const struct greylist_conf *conf, struct span sender,
                const struct address *recipient, struct store_op *out);
const char *exempt_partner(struct inquiry *q, struct span sender, const struct address *recipient,
                           const struct store_answer *answer);
/* exempt_recipient - both, in one. STEP_WAIT: the store is being asked. */
enum step exempt_recipient(struct inquiry *q, const struct greylist_conf *conf, struct span sender,
                           const struct address *recipient, const char **why);

/* How a message stands, all recipients together. */
struct standing {
    const char *failure;          /* of the state store; NULL: none */
    size_t waiting;               /* recipients whose mail has to wait */
    int64_t left_ms;              /* the longest of them has to wait so long */
    struct span domain;           /* and is of this domain */
    size_t passed, known, exempt; /* recipients whose mail need not */
    int64_t waited_ms;            /* the longest that one has waited that passes now */
};

/* What has to wait, or need not, for people. */
struct standing_what {
    const struct address *recipient;
    struct span key;
    const char *because;   /* the key is that */
    const char *suspicion; /* NULL: none besides */
};

/* standing_add - the store's answer for a recipient, and the finding for it; of very many recipients the first is told.
 * One that is more than anybody may ask for in a transaction has to wait. standing_exempt - the same for one who need
 * not. */
void standing_add(struct inquiry *q, const struct greylist_conf *conf, struct standing *s,
                  const struct store_answer *answer, const struct standing_what *what);
void standing_exempt(struct inquiry *q, struct standing *s, const char *why);
/* standing_conclude - demands greylisting, adds the header, or fails (false). */
bool standing_conclude(struct inquiry *q, const struct greylist_conf *conf, const struct standing *s);

void greylist_bounds(const void *conf, const int *points, struct bounds *out);

#endif
