/* base/addr.h - IP addresses and networks.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) becomes IPv4 at the door, in every function that makes an addr, so
 * that no list and no record can be got round with it.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <sys/socket.h>

#include "gateway/base/span.h"

enum addr_family { ADDR_NONE, ADDR_IP4, ADDR_IP6 };

struct addr {
    enum addr_family family;
    uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
};

struct addr_net {
    struct addr base; /* host bits cleared */
    unsigned bits;    /* 0 to 32 or 128 */
};

enum { ADDR_TEXT_MAX = 46, ADDR_NET_TEXT_MAX = 50, ADDR_REVERSED_MAX = 64 };

/* addr_parse - "192.0.2.1", "2001:db8::1"; also "[...]" literals without and with "IPv6:". FAULT_SYNTAX. */
enum fault addr_parse(struct span text, struct addr *out);
/* addr_net_parse - "192.0.2.0/24", or an address alone (all bits). FAULT_SYNTAX, FAULT_RANGE. */
enum fault addr_net_parse(struct span text, struct addr_net *out);
void addr_from_bytes(enum addr_family family, const void *bytes, struct addr *out);
/* addr_from_sockaddr - ADDR_NONE for a unix socket. *port may be NULL; it is 0 to 65535. */
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out, unsigned *port);
/* addr_to_sockaddr - returns the length to pass to connect() or bind(). */
socklen_t addr_to_sockaddr(const struct addr *a, unsigned port, struct sockaddr_storage *out);

/* addr_text - into `out` (ADDR_TEXT_MAX), which it returns; "unknown" for ADDR_NONE. */
const char *addr_text(const struct addr *a, char *out);
const char *addr_net_text(const struct addr_net *n, char *out);
/* addr_reversed - "1.2.0.192" or 32 nibbles "1.0.0...", as DNS lists and in-addr.arpa want it [RFC5782 2.1, 2.4];
 * into `out` (ADDR_REVERSED_MAX), which it returns. */
const char *addr_reversed(const struct addr *a, char *out);

bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_in(const struct addr *a, const struct addr_net *net);
bool addr_is_loopback(const struct addr *a);
/* addr_is_private - RFC 1918, loopback, link-local, unique local, shared [RFC6890]. */
bool addr_is_private(const struct addr *a);
/* addr_mask - `a` with all but its first `bits` cleared. */
struct addr addr_mask(const struct addr *a, unsigned bits);

#endif
