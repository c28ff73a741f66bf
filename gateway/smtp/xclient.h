/* smtp/xclient.h - who the client really is, told by a peer that we trust [Postfix XCLIENT_README, XFORWARD_README].
 *
 * Attributes are NAME=value in xtext [RFC3461 4]; "[UNAVAILABLE]" and "[TEMPUNAVAIL]" mean: not known. XCLIENT puts
 * somebody else in the peer's place, and is exact. XFORWARD tells of a client that another mail server has let in: its
 * words are taken as they are, washed.
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
    XCLIENT_IDENT = 1 << 8,
    XCLIENT_SOURCE = 1 << 9,
};

struct xclient {
    unsigned given;                /* of enum xclient_attribute, those not known included */
    struct addr addr, destination; /* ADDR_NONE: not known */
    unsigned port, destination_port;
    struct span name, helo, login; /* empty: not known; decoded, in the arena */
    struct span ident;             /* the peer's id of the message or connection */
    bool is_esmtp;
    bool is_local; /* SOURCE=LOCAL: from the peer's own side, not from strangers */
};

/* What each command may tell. */
enum xclient_command {
    XCLIENT_COMMAND = XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | XCLIENT_PROTO | XCLIENT_HELO | XCLIENT_LOGIN |
                      XCLIENT_DESTADDR | XCLIENT_DESTPORT,
    XFORWARD_COMMAND =
        XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | XCLIENT_PROTO | XCLIENT_HELO | XCLIENT_IDENT | XCLIENT_SOURCE,
};

#define XCLIENT_OFFER  "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
#define XFORWARD_OFFER "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"

/* xclient_parse - the command's argument. FAULT_SYNTAX, FAULT_RANGE, FAULT_TOO_LONG, FAULT_UNKNOWN (an attribute). */
enum fault xclient_parse(struct arena *a, struct span argument, enum xclient_command command, struct xclient *out);
/* xclient_add - several commands add up: what `more` says replaces what *all has of it. */
void xclient_add(struct xclient *all, const struct xclient *more);
/* xtext_decode - "+HH" into bytes; into the arena. FAULT_SYNTAX. */
enum fault xtext_decode(struct arena *a, struct span text, struct span *out);

#endif
