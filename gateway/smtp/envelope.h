/* smtp/envelope.h - the envelope of a transaction in the words that the next hop is told: MAIL and RCPT with what the
 * client gave with them, as far as the next hop offers it.
 *
 * Threads: any; pure but for `out`.
 */
#ifndef SMTP_ENVELOPE_H
#define SMTP_ENVELOPE_H

#include "gateway/base/strbuf.h"
#include "gateway/mail/session.h"
#include "gateway/smtp/extension.h"

enum { ENVELOPE_LINE_MAX = 4096 };

/* envelope_needs - the extensions that a next hop must offer to get this transaction. They were offered to the client
 * because every next hop had them; one that has lost them since gets nothing, and the client comes again. */
unsigned envelope_needs(const struct session *session);
/* envelope_mail_needs - of them those that MAIL asks for. */
unsigned envelope_mail_needs(const struct session *session);
/* envelope_mail, envelope_rcpt - the command with its CRLF, to the end of `out`. `bytes`: of the message. */
void envelope_mail(const struct session *session, unsigned extensions, size_t bytes, struct strbuf *out);
void envelope_rcpt(const struct recipient *recipient, unsigned extensions, struct strbuf *out);

#endif
