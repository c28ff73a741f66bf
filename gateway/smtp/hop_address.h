/* smtp/hop_address.h - where a target is: as it is written, as the system resolves its name, or as the signed DNS says.
 *
 * Threads: the loop's.
 */
#ifndef SMTP_HOP_ADDRESS_H
#define SMTP_HOP_ADDRESS_H

#include "gateway/net/tls.h"
#include "gateway/smtp/hop.h"

struct hop_address;

/* hop_address_new - `fn(arg)` is called whenever a look-up has ended. `settings` is borrowed. */
struct hop_address *hop_address_new(const struct hop_settings *settings, loop_fn *fn, void *arg);
void hop_address_free(struct hop_address *a); /* NULL is fine */
/* hop_address_get - the one whose turn it is; false: not known yet, and looked up. *is_stuck: nor can it be looked up
 * now. */
bool hop_address_get(struct hop_address *a, size_t turn, struct endpoint *out, bool *is_stuck);
size_t hop_address_count(const struct hop_address *a); /* that are known */
/* hop_address_error - why the last look-up gave none; NULL when it gave some. */
const char *hop_address_error(const struct hop_address *a);
/* hop_address_peer - whom a handshake must find there; valid for as long as nothing is called. */
struct tls_peer hop_address_peer(const struct hop_address *a);

#endif
