/* smtp/tally.h - what a next hop says of each recipient of one transaction, gathered into an outcome.
 *
 * Either all have the same fate (the sender hears one answer): who is refused at RCPT is refused for all. Or each has
 * his own (LMTP, PRDR): who is refused is told so, and the others get the message. Pure.
 *
 * Memory: tally_init() to tally_release(); what tally_outcome() gives lives as long.
 */
#ifndef SMTP_TALLY_H
#define SMTP_TALLY_H

#include "gateway/base/arena.h"
#include "gateway/smtp/deliver.h"

struct tally {
    size_t count;       /* recipients */
    size_t accepted;    /* at RCPT */
    unsigned code;      /* one fate: of the first refused recipient; of the first refused for now, if there is one */
    struct strbuf text; /* what it said */
    struct delivery_outcome *each; /* NULL: one fate for all; code and trouble 0: none yet */
    struct arena arena;
};

void tally_init(struct tally *t, size_t count, bool is_each);
void tally_release(struct tally *t);
/* tally_clear - a new attempt: nothing has been said of anybody. */
void tally_clear(struct tally *t);

/* tally_rcpt - the reply to the index'th RCPT. tally_goes_on - after the last of them: the message is worth sending. */
void tally_rcpt(struct tally *t, size_t index, unsigned code, struct span text);
bool tally_goes_on(const struct tally *t);
/* tally_refuse - MAIL or DATA was refused: so is everybody who was not refused before.
 * tally_rest - the fate of all that have none yet. */
void tally_refuse(struct tally *t, unsigned code, struct span text);
void tally_rest(struct tally *t, const struct delivery_outcome *outcome);
/* tally_next - with a fate of each: the next reply to the message is that of the first who has none yet. True: it was
 * the last one. */
bool tally_next(struct tally *t, unsigned code, struct span text);
/* tally_outcome - of all that was refused, or when each has his fate. */
struct delivery_outcome tally_outcome(const struct tally *t);

#endif
