/* greylist/triplet.h - whose mail it is, and how it stands in the state store.
 *
 * Keys are text that people can read (and `postern store export` shows):
 *
 *     g:{192.0.2.0/24}/joe@a.example/ann@b.example    a triplet: network, sender, recipient
 *     g:{a.example}/joe@a.example/ann@b.example       the same, where the domain is authenticated
 *     g:{192.0.2.0/24}=192.0.2.7    g:{a.example}=    how often that client, or domain, has passed
 *     g:{DIGEST}/ann@b.example                        a message's subject and first 10 KiB, and one recipient
 *     k:partner:b.example/joe@a.example               somebody of b.example wrote to joe
 *
 * What stands in braces is Redis' hash tag: a triplet and its client lie on one node. With `private` each part is a
 * digest. Threads: the loop's. Memory: the inquiry's arena.
 */
#ifndef GREYLIST_TRIPLET_H
#define GREYLIST_TRIPLET_H

#include "gateway/core/check.h"
#include "greylist/conf.h"

struct identity {
    struct span id;     /* a network, or an authenticated domain */
    struct span client; /* which one of those in it; empty: it is one itself */
    const char *because;
};

/* identity_of - the domain that SPF, DMARC or DKIM vouches for, so that all servers of a large sender are one; else the
 * client's network. */
void identity_of(struct inquiry *q, const struct greylist_conf *conf, struct identity *out);

/* triplet_op - `sender` as sender_fold() gives it. */
struct store_op triplet_op(struct inquiry *q, const struct greylist_conf *conf, const struct identity *who,
                           struct span sender, const struct address *recipient);
/* content_digest - hexadecimal. content_op - has this message been seen, for this recipient? */
struct span content_digest(struct inquiry *q);
struct store_op content_op(struct inquiry *q, const struct greylist_conf *conf, struct span digest,
                           const struct address *recipient);
/* partner_key - `ours`: the domain of our user; `partner`: as sender_fold() gives it. */
struct span partner_key(struct inquiry *q, const struct greylist_conf *conf, struct span ours, struct span partner);

#endif
