/* core/dress.h - what a verdict changes in the message: the header fields that we put on and take off.
 *
 * From the top: Authentication-Results, Received, what checks add (finding_header()), X-Spam-*. What comes from outside
 * under these names is taken out first: Authentication-Results only when it bears our own authserv-id [RFC8601 5]. Mail
 * of our own users (relay and authenticated clients) gets Received, and what checks add: what it carries is for others
 * to judge.
 */
#ifndef CORE_DRESS_H
#define CORE_DRESS_H

#include "gateway/core/pipeline.h"
#include "gateway/mail/edit.h"

enum dress_spam { DRESS_SPAM_NEVER, DRESS_SPAM_TAGGED, DRESS_SPAM_ALWAYS };

struct dress_conf {
    bool received;
    bool authentication_results;
    int spam; /* enum dress_spam */
};

extern const struct conf_section dress_section;

/* dress - edits in `out`, which lie in the transaction's arena; after a verdict of accept or tag. */
void dress(struct pipeline *p, const struct verdict *verdict, const struct dress_conf *conf, struct edits *out);
/* dress_unexamined - the same for a message that passes without a verdict: what is forged goes all the same. */
void dress_unexamined(struct pipeline *p, struct edits *out);

#endif
