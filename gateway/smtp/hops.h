/* smtp/hops.h - all targets, and the next hops that are made of them.
 *
 * A target has one pool of connections (struct hop) however many next hops name it, as long as they speak to it in the
 * same way; equal lists of targets are one struct next_hop, so that recipients whose routes are alike go together. Both
 * are counted. A pool that nobody names any more is kept for a while: when routes are read anew most targets are the
 * same as before.
 *
 * Threads: the loop's. Memory: hops_new() to hops_free(); conf and engine are borrowed, targets are copied, what
 * struct hop_ways points to is borrowed.
 */
#ifndef SMTP_HOPS_H
#define SMTP_HOPS_H

#include "gateway/core/engine.h"
#include "gateway/smtp/next_hop.h"

struct hops;

struct hops *hops_new(struct engine *engine, const struct smtp_conf *conf);
void hops_free(struct hops *h); /* tasks and next hops must be gone; NULL is fine */

/* hops_prepare - that targets may be spoken to like that: after it, hops_take() cannot fail for want of TLS. False
 * with a sentence in `error`. */
bool hops_prepare(struct hops *h, const struct hop_ways *ways, char *error, size_t size);
/* hops_take - the next hop of these targets, held for the caller: next_hop_drop() gives it back. NULL with a sentence
 * in `error`: a Maildir that cannot be made. Without `error` that is no fault: each delivery tries to make it. */
struct next_hop *hops_take(struct hops *h, const struct hop_targets *targets, const struct hop_ways *ways, char *error,
                           size_t size);

/* What holds for all targets that are known; computed when one of them tells something new. hops_extensions - offered
 * by each; 0 while none is known. hops_size_most, hops_recipients_most - the largest message, the most recipients
 * that any of them takes; 0: there is one that tells no limit, or none is known. hops_are_down - none is up. */
unsigned hops_extensions(struct hops *h);
uint64_t hops_size_most(struct hops *h);
uint64_t hops_recipients_most(struct hops *h);
bool hops_are_down(const struct hops *h);

#endif
