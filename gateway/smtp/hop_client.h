/* smtp/hop_client.h - who the client is, told to a next hop by XFORWARD or XCLIENT [Postfix XFORWARD_README,
 * XCLIENT_README].
 *
 * The client is described once, in words ATTRIBUTE=VALUE; each connection then takes of them what its next hop offers.
 * Nothing that a client chose gets through as it is: what is special in a header field becomes "?", as in Postfix, and
 * the rest is xtext [RFC3461 4].
 *
 * Pure. Memory: the caller's buffers.
 */
#ifndef SMTP_HOP_CLIENT_H
#define SMTP_HOP_CLIENT_H

#include "gateway/base/strbuf.h"
#include "gateway/mail/session.h"
#include "gateway/smtp/conf.h"

enum { HOP_CLIENT_WORDS_MAX = 4096, HOP_CLIENT_HELO_MAX = 256 };

/* hop_client_describe - the client of a session, for ways->client; nothing for HOP_CLIENT_NONE. */
void hop_client_describe(struct strbuf *out, enum hop_client how, const struct session *s);
/* hop_client_attributes - those that are named behind the keyword in a reply to EHLO; 0: none that we know. */
unsigned hop_client_attributes(struct span words);
/* hop_client_commands - with those `attributes`, each command with its CRLF and of at most 512 octets
 * [RFC5321 4.5.3.1.4], to the end of `out`; how many. */
unsigned hop_client_commands(struct strbuf *out, enum hop_client how, unsigned attributes, struct span description);
/* hop_client_helo - the greeting in a description, into `out` (HOP_CLIENT_HELO_MAX); false: it is not known. */
bool hop_client_helo(struct span description, char *out);
/* hop_client_who - for whom an answer holds that speaks of no mailbox: the sender; and the client, its greeting and its
 * login, as far as the next hop judges by them. */
void hop_client_who(struct strbuf *out, enum hop_client how, const struct session *s);

#endif
