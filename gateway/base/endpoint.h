/* base/endpoint.h - where something listens: an address and port, a host name and port, or a unix socket. */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include "gateway/base/addr.h"

enum { ENDPOINT_HOST_MAX = 256, ENDPOINT_TEXT_MAX = 280 };

struct endpoint {
    char host[ENDPOINT_HOST_MAX]; /* a name to be resolved; empty when `addr` or `path` is set */
    struct addr addr;
    unsigned port;
    char path[108]; /* unix socket */
};

/* endpoint_parse - "192.0.2.1:25", "[2001:db8::1]:25", "mail.example.org:25", "unix:/run/x.sock" or "/run/x.sock";
 * also "inet:25@host", "inet:host:25", "inet6:25@host", "local:/run/x.sock". `default_port` when none is written;
 * 0: then it is a fault.
 * FAULT_SYNTAX, FAULT_RANGE, FAULT_TOO_LONG. */
enum fault endpoint_parse(struct span text, unsigned default_port, struct endpoint *out);
/* endpoint_text - into `out` (ENDPOINT_TEXT_MAX), which it returns. */
const char *endpoint_text(const struct endpoint *e, char *out);
bool endpoint_eq(const struct endpoint *a, const struct endpoint *b);

#endif
