/* smtp/deliver.h - a judged message on its way to the next hop, whatever kind that is.
 *
 * Nothing is lost and nothing is invented: the outcome is a 2xx only when the next hop has confirmed the message (or
 * the Maildir has it on disk). What breaks before the final dot was sent is tried once more; what breaks between the
 * dot and the reply is a 451 with the warning that the message may come twice.
 *
 * Threads: the loop's (a Maildir is written by a worker). Memory: session and message are borrowed until the outcome.
 */
#ifndef SMTP_DELIVER_H
#define SMTP_DELIVER_H

#include "gateway/mail/edit.h"
#include "gateway/smtp/verify.h"

struct delivery;

/* code 2xx: delivered. 4xx, 5xx: the next hop refused it with that. 0: `trouble` of ours says why not. */
struct delivery_outcome {
    unsigned code;
    struct span text; /* what it said; with code 0 the detail of `trouble` */
    enum reply trouble;
    bool is_possible_duplicate;
    const char *why; /* for the log: what went wrong on the way; "" */
    const char *hop; /* for the log: the target that was tried last; NULL: none was */
    const char *tls; /* for the log: that of the connection to the next hop; NULL, "": none */
    /* of each of the session's recipients, when they need not be the same; else NULL. The rest then is that of the
     * first who has the message, or of the first of all. */
    const struct delivery_outcome *each;
};

typedef void delivery_fn(void *arg, const struct delivery_outcome *outcome);

/* deliver_start - fn(arg) is called once, later; or NULL is returned and *at_once is the outcome.
 *
 * tells_each   the sender can be told an outcome for each recipient: who is refused does not keep the others from
 *              getting the message. Otherwise it is all or nobody, and an LMTP server, which answers for each, must be
 *              given one recipient at a time.
 */
struct delivery *deliver_start(struct verify *verify, struct next_hop *next_hop, const struct session *session,
                               const struct pieces *message, bool tells_each, delivery_fn *fn, void *arg,
                               struct delivery_outcome *at_once);
/* deliver_cancel - true: it is off, the next hop has not got the message and no outcome comes. False: too late. */
bool deliver_cancel(struct delivery *d);

#endif
