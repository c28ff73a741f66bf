/* smtp/xclient.h - who the client really is, told by a peer that we trust [Postfix XCLIENT_README].
 *
 * Attributes are NAME=value in xtext [RFC3461 4]; "[UNAVAILABLE]" and "[TEMPUNAVAIL]" mean: not known.
 */
#ifndef SMTP_XCLIENT_H
#define SMTP_XCLIENT_H

#include "gateway/base/addr.h"
#include "gateway/base/arena.h"

enum xclient_attribute {
    XCLIENT_ADDR = 1 << 0,
    XCLIENT_NAME = 1 << 1,
    XCLIENT_PORT = 1 << 2,
    XCLIENT_HELO = 1 << 3,
    XCLIENT_PROTO = 1 << 4,
    XCLIENT_LOGIN = 1 << 5,
    XCLIENT_DESTADDR = 1 << 6,
    XCLIENT_DESTPORT = 1 << 7,
};

struct xclient {
    unsigned given;                /* of enum xclient_attribute, those not known included */
    struct addr addr, destination; /* ADDR_NONE: not known */
    unsigned port, destination_port;
    struct span name, helo, login; /* empty: not known; decoded, in the arena */
    bool is_esmtp;
};

#define XCLIENT_OFFER "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"

/* xclient_parse - the argument of XCLIENT. FAULT_SYNTAX, FAULT_RANGE, FAULT_UNKNOWN (an attribute). */
enum fault xclient_parse(struct arena *a, struct span argument, struct xclient *out);
/* xtext_decode - "+HH" into bytes; into the arena. FAULT_SYNTAX. */
enum fault xtext_decode(struct arena *a, struct span text, struct span *out);

#endif
