/* smtp/routes.h - all next hops, and which recipient goes to which.
 *
 * Threads: the loop's. Memory: routes_new() to routes_free(); conf and engine are borrowed. A next hop that was found
 * stays valid for as long as there are routes.
 */
#ifndef SMTP_ROUTES_H
#define SMTP_ROUTES_H

#include "gateway/core/engine.h"
#include "gateway/smtp/next_hop.h"

struct routes;

/* routes_new - connects to the next hops, makes Maildirs; NULL with a sentence for the operator in `error`. */
struct routes *routes_new(struct engine *engine, const struct smtp_conf *conf, char *error, size_t size);
void routes_free(struct routes *r); /* tasks must be gone; NULL is fine */

/* routes_find - the next hop of a recipient; `domain` is its domain in normal form, "" for a literal. Never NULL. */
struct next_hop *routes_find(const struct routes *r, const struct address *recipient, const char *domain);
/* routes_take - we take mail for this recipient from anybody. */
bool routes_take(const struct routes *r, const struct address *recipient, const char *domain);

/* What holds for all next hops: routes_extensions - offered by each; one that is not known yet offers what binds
 * nobody. routes_size_most - of a message, ours or a next hop's that is less. routes_are_down - none is up. */
unsigned routes_extensions(const struct routes *r);
uint64_t routes_size_most(const struct routes *r);
bool routes_are_down(const struct routes *r);
/* routes_recipients_most - of a transaction whose client hears one answer for all recipients: an LMTP server answers
 * for each, so 1 when every next hop is one. */
size_t routes_recipients_most(const struct routes *r);

#endif
