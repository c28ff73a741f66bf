/* smtp/hop_dane.h - what the DNS says of a next hop that is verified by DANE: its addresses and its TLSA records, all
 * of them validated [RFC7672 2.2].
 *
 * Such a hop must have what it was configured for: records that are not there, not signed, forged or not usable are no
 * leave to do without. They hold until the first of them has expired; then they are looked up anew before the next
 * connection. /etc/hosts plays no part, and the records are those of the name as it is written.
 *
 * Threads: the loop's.
 */
#ifndef SMTP_HOP_DANE_H
#define SMTP_HOP_DANE_H

#include "gateway/net/dns.h"
#include "gateway/net/loop.h"
#include "gateway/net/tls.h"
#include "gateway/smtp/conf.h"

enum { HOP_DANE_ADDRESSES_MAX = 16, HOP_DANE_TLSA_MAX = 32 };

struct hop_dane;

/* hop_dane_new - `fn(arg)` is called whenever a look-up has ended. `target` is borrowed, and has a host name. */
struct hop_dane *hop_dane_new(struct loop *loop, struct dns *dns, const struct hop_target *target, loop_fn *fn,
                              void *arg);
void hop_dane_free(struct hop_dane *d); /* NULL is fine */
/* hop_dane_start - looks up, unless that is under way. */
void hop_dane_start(struct hop_dane *d);
/* hop_dane_is_fresh - there are addresses and records, and they hold. */
bool hop_dane_is_fresh(const struct hop_dane *d);
size_t hop_dane_count(const struct hop_dane *d); /* of addresses */
const struct addr *hop_dane_addr(const struct hop_dane *d, size_t index);
/* hop_dane_peer - whom a handshake must find; valid until the next look-up. */
struct tls_peer hop_dane_peer(const struct hop_dane *d);
/* hop_dane_error - why the last look-up gave nothing; "" when it did. */
const char *hop_dane_error(const struct hop_dane *d);

#endif
