/* greylist/sender.h - what stays the same of an envelope sender from one message, and one try, to the next.
 *
 * Many senders are written anew for every message: signed against forgery (BATV, prvs=), rewritten by forwarders (SRS),
 * numbered so that bounces can be told apart (VERP). Greylisting that takes them as they are lets every message of a
 * newsletter wait. Folded are, case aside:
 *
 *     prvs=3096b1c2d4=joe@a.example            joe@a.example
 *     SRS0=x7Yz=QW=far.example=joe@b.example   srs=far.example=joe@b.example
 *     news+ann=to.example@c.example            news@c.example
 *     bounce-20417-9f3ab2c1@d.example          bounce-#@d.example
 */
#ifndef GREYLIST_SENDER_H
#define GREYLIST_SENDER_H

#include "gateway/mail/address.h"

/* sender_fold - in `a`; "" for the null sender. Never longer than the address. */
struct span sender_fold(struct arena *a, const struct address *sender);

#endif
