/* smtp/verify.h - does the next hop take this recipient? Asked over a pooled connection (MAIL, RCPT, RSET), so that a
 * client is told at RCPT what it would else learn too late.
 *
 * What it said is remembered in memory (verify_cache.h), and in the state store (verify_shared.h), which is asked when
 * memory does not know. A store that is out, slow or wrong costs nothing but the question: the next hop is asked.
 *
 * Threads: the loop's.
 */
#ifndef SMTP_VERIFY_H
#define SMTP_VERIFY_H

#include "gateway/core/engine.h"
#include "gateway/mail/session.h"
#include "gateway/smtp/reply.h"
#include "gateway/smtp/routes.h"
#include "gateway/smtp/verify_cache.h"

struct verify;
struct verify_query;

/* code 2xx: taken. 4xx, 5xx: what the next hop said, or, with `trouble` REPLY_UNLISTED, a list. 0: `trouble` of ours,
 * when nobody could be asked; then `text` says why, or is empty. */
struct verify_result {
    unsigned code;
    struct span text;
    enum reply trouble;
};

typedef void verify_fn(void *arg, const struct verify_result *result);

struct verify *verify_new(const struct smtp_conf *conf, const struct engine *engine);
void verify_free(struct verify *v); /* its queries end without a word; NULL is fine */

/* verify_ask - as the route says: by its list, at its next hop, or not at all. The result at once (NULL returned), or
 * later by fn(arg), once, unless verify_cancel() comes first. */
struct verify_query *verify_ask(struct verify *v, const struct route *route, const struct session *session,
                                const struct address *recipient, verify_fn *fn, void *arg,
                                struct verify_result *at_once);
void verify_cancel(struct verify_query *query);
/* verify_note - what the next hop said of a recipient in a real transaction. `who`: hop_client_who(). */
void verify_note(struct verify *v, const struct next_hop *next_hop, struct span who, const struct address *recipient,
                 unsigned code, struct span text);
/* verify_doubt - it refused this recipient, and all of the message's were put off for it: when they come again he is
 * asked about, even where his route says that nobody is. Else they would be put off for ever. */
void verify_doubt(struct verify *v, const struct next_hop *next_hop, const struct address *recipient);

#endif
