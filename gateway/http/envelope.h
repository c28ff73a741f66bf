/* http/envelope.h - what a client tells of the message in its request's fields, into the session that checks read.
 *
 * IP, Helo, Hostname, From, Rcpt, User, Deliver-To, TLS-Version, TLS-Cipher as rspamd knows them. The client is a mail
 * server of ours: it is believed. Spans are copied into the session's arenas.
 */
#ifndef HTTP_ENVELOPE_H
#define HTTP_ENVELOPE_H

#include "gateway/http/head.h"
#include "gateway/mail/session.h"

enum { ENVELOPE_RECIPIENTS_MAX = 1000 };

/* Words of Flags, Pass and Log. */
struct envelope_flags {
    bool pass_all; /* every check runs to its end */
    bool groups, zstd, no_log, no_stat, skip;
};

void envelope_flags(const struct head *head, struct envelope_flags *out);
/* envelope_fill - NULL, or a sentence about what is wrong (in the session's tx_arena). Of SPAMC no more is taken than
 * that there is a message: its User is whose preferences apply, not who has authenticated. */
const char *envelope_fill(const struct head *head, struct session *session);
/* envelope_forbidden - a field that names a file or memory of this machine: such are never read. NULL: none. */
const struct head_field *envelope_forbidden(const struct head *head);

#endif
