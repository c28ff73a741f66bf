/* smtp/routes.h - which recipient's mail goes where, and who knows whether the recipient exists.
 *
 * Routes come from gateway.conf and from a watched file (route_file.h). What fits a recipient most closely holds: its
 * address, its domain, the longest ".domain" that it is under, "*", smtp.next_hop; where both have the same the file's.
 *
 * Threads: the loop's. Memory: routes_new() to routes_free(); conf and engine are borrowed.
 */
#ifndef SMTP_ROUTES_H
#define SMTP_ROUTES_H

#include "gateway/core/engine.h"
#include "gateway/smtp/next_hop.h"
#include "gateway/smtp/recipient_lists.h"

struct routes;

struct route {
    struct next_hop *next_hop; /* next_hop_hold() what is kept longer than this call */
    enum verify_kind verify;
    const struct recipient_list *list; /* VERIFY_LIST */
};

/* routes_new - connects to the next hops, makes Maildirs, reads the file of routes; NULL with a sentence for the
 * operator in `error`. */
struct routes *routes_new(struct engine *engine, const struct smtp_conf *conf, char *error, size_t size);
void routes_free(struct routes *r); /* tasks must be gone, and next hops dropped; NULL is fine */

/* routes_find - of a recipient; `domain` is its domain in normal form, "" for a literal. */
struct route routes_find(struct routes *r, const struct address *recipient, const char *domain);
/* routes_take - we take mail for this recipient from anybody: relay_domains, and every route but "*". */
bool routes_take(const struct routes *r, const struct address *recipient, const char *domain);

/* What holds for all next hops: routes_extensions - offered by each that is known. routes_size_most,
 * routes_recipients_most - of a message: ours, or the most that any next hop takes, if that is less. routes_are_down -
 * none is up. */
unsigned routes_extensions(struct routes *r);
uint64_t routes_size_most(struct routes *r);
uint64_t routes_recipients_most(struct routes *r);
bool routes_are_down(const struct routes *r);
/* routes_auth - that of auth_hop; NULL when no listener has `auth`. */
struct next_hop *routes_auth(const struct routes *r);

#endif
