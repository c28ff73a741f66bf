/* smtp/logins.h - connections to auth_hop, each for one user who logs in; and what it offers.
 *
 * A connection is a hop of its own (struct hop_settings, is_private): as long as it lasts tasks take it one after the
 * other, as they take any hop's.
 *
 * Threads: the loop's. Memory: logins_new() to logins_free(), while auth_hop is held.
 */
#ifndef SMTP_LOGINS_H
#define SMTP_LOGINS_H

#include "gateway/smtp/next_hop.h"

struct logins;

struct logins *logins_new(struct next_hop *auth_hop); /* borrowed */
void logins_free(struct logins *l);                   /* next hops of users must be gone; NULL is fine */

/* logins_offer - the mechanisms that auth_hop offers and that can be passed on safely; "": none, or not known yet. */
const char *logins_offer(const struct logins *l);
/* logins_client - how auth_hop is told who the client is. */
enum hop_client logins_client(const struct logins *l);
/* logins_connect - NULL: there are too many already. logins_retire - closes it at the end of this turn of the loop;
 * what is under way there is lost. NULL is fine. */
struct hop *logins_connect(struct logins *l);
void logins_retire(struct logins *l, struct hop *hop);
/* logins_are_scarce - half of those that there may be are there: none is to be kept for somebody who failed. */
bool logins_are_scarce(const struct logins *l);
/* logins_next_hop - once the user has logged in: where his mail goes. Held for the caller; it retires `hop` when nobody
 * holds it any more. */
struct next_hop *logins_next_hop(struct logins *l, struct hop *hop, const char *user);

#endif
