/* smtp/share.h - the recipients of one transaction that are judged and delivered together.
 *
 * They have the same next hop and the same rules (core/profile.h). A client that hears one answer for its message has
 * one share, and other recipients are to come in another transaction. A client that hears an answer for each recipient
 * (LMTP, PRDR) has as many as its recipients need: each but the first, which is the connection's, has a pipeline of its
 * own that knows the same of client and sender, and an id of its own. At the end of the message they are judged and
 * delivered one after the other, each with its own verdict, header fields and copy of what is known of the message
 * (only its bytes are shared), and settle their limits each for itself.
 *
 * Threads: the loop's. Memory: shares_init() to shares_release(); shares other than the first go with the transaction.
 */
#ifndef SMTP_SHARE_H
#define SMTP_SHARE_H

#include "gateway/base/strbuf.h"
#include "gateway/core/pipeline.h"

struct next_hop;

enum { SHARES_MOST = 20 };

/* What is said of the message. */
struct answer {
    unsigned code;
    const char *enhanced; /* "": `text` begins with it, or X.0.0 will do */
    struct span text;
};

struct share {
    struct pipeline *pipeline;
    struct session *session;
    struct next_hop *next_hop; /* held; NULL: it has no recipients */
    size_t domains;            /* of its recipients */
    const struct verdict *verdict;
    struct answer answer; /* code 0: none yet */
    struct answer *each;  /* of each of its recipients; NULL: the same for all */
};

struct shares {
    struct share first;
    struct share *others; /* room for all that there may be; NULL: none was ever needed */
    size_t other_count;
    struct strbuf order; /* of the recipients, as they came: the number of the share of each */
};

void shares_init(struct shares *s);
void shares_release(struct shares *s);
/* shares_begin - a transaction; it goes through the connection's pipeline. shares_end - it is over. */
void shares_begin(struct shares *s, struct pipeline *pipeline);
void shares_end(struct shares *s);

/* shares_find - the one for such a recipient: with that next hop and his rules, or without recipients. NULL: none.
 * shares_add - another one, without recipients; NULL: there are SHARES_MOST. */
struct share *shares_find(struct shares *s, const struct next_hop *next_hop, const struct address *recipient);
struct share *shares_add(struct shares *s, struct engine *engine);
/* shares_note - a recipient has been added to this one's session. shares_drop - he, the last of all, is none. */
void shares_note(struct shares *s, struct share *share, struct next_hop *next_hop);
void shares_drop(struct shares *s);

/* share_domains_with - of its recipients and this one. */
size_t share_domains_with(const struct share *share, const struct address *recipient);

size_t shares_recipients(const struct shares *s); /* of all */
/* shares_next - the first one with recipients behind `share` (NULL: of all); NULL: there is none. */
struct share *shares_next(struct shares *s, const struct share *share);
/* shares_of - whose the index'th recipient is, in the order in which they came. shares_number - below SHARES_MOST. */
struct share *shares_of(struct shares *s, size_t index);
size_t shares_number(const struct shares *s, const struct share *share);

#endif
