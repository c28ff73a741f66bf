/* smtp/verify_cache.h - which recipients a next hop takes, as it said lately. Bounded: the one not asked for longest
 * goes.
 *
 * Many servers refuse a sender, or a client, only at RCPT. A 5xx is therefore held against the recipient only when its
 * enhanced code speaks of the mailbox [RFC3463 3.2, 3.3]; any other is kept for this sender and this recipient, or one
 * bad sender could have mail of all others refused.
 *
 * A recipient may be in doubt: he was refused when it was too late to tell him apart from the others of his message.
 * That outlasts what was said of him, so that he is asked about when the message comes again.
 *
 * Pure but for its memory; times are given. Local parts count as written, domains without case.
 */
#ifndef SMTP_VERIFY_CACHE_H
#define SMTP_VERIFY_CACHE_H

#include "gateway/base/strbuf.h"
#include "gateway/mail/address.h"

enum { VERIFY_TEXT_MAX = 400 };

struct verify_cache;

struct verify_answer {
    unsigned code;    /* 2xx: it takes the recipient; 5xx: it does not; 0: in doubt, whoever is to be asked */
    const char *text; /* what it said with that, at most VERIFY_TEXT_MAX bytes; "" when it takes it */
};

struct verify_cache *verify_cache_new(size_t entries_most, int good_ms, int bad_ms);
void verify_cache_free(struct verify_cache *c); /* NULL is fine */
/* verify_cache_get - NULL: not known, or no longer. The answer is valid until the next call. `sender`: as in MAIL. */
const struct verify_answer *verify_cache_get(struct verify_cache *c, int64_t now_ms, const char *hop,
                                             struct span sender, const struct address *recipient);
/* verify_cache_put - any 2xx or 5xx replaces what was known; any other code only forgets it. A 2xx ends a doubt. */
void verify_cache_put(struct verify_cache *c, int64_t now_ms, const char *hop, struct span sender,
                      const struct address *recipient, unsigned code, struct span text);
/* verify_cache_doubt - for a day. */
void verify_cache_doubt(struct verify_cache *c, int64_t now_ms, const char *hop, const struct address *recipient);
/* verify_cache_learn - as verify_cache_put(), from somebody else (verify_shared.h), who knew it for `left_ms` more. */
void verify_cache_learn(struct verify_cache *c, int64_t now_ms, int64_t left_ms, const char *hop,
                        const struct address *recipient, unsigned code, struct span text);
/* verify_is_of_mailbox - what holds whoever writes to it: any 2xx, and a 5xx whose enhanced code says so. */
bool verify_is_of_mailbox(unsigned code, struct span text);
/* verify_cache_key - "hop local@domain" to the end of `out`. */
void verify_cache_key(struct strbuf *out, const char *hop, const struct address *recipient);
size_t verify_cache_count(const struct verify_cache *c);

#endif
