/* core/message_log.h - what every door's `message` line says of a message: client, envelope, verdict.
 *
 * A door starts the line, puts these parts and its own fields, and sends it: doc/log.md lists them. Threads: the
 * loop's.
 */
#ifndef CORE_MESSAGE_LOG_H
#define CORE_MESSAGE_LOG_H

#include "gateway/base/log.h"
#include "gateway/core/pipeline.h"

/* message_log_client - its address and names, and TLS with it. */
void message_log_client(struct log_line *line, const struct session *session);
/* message_log_envelope - the sender and the first recipients. */
void message_log_envelope(struct log_line *line, const struct session *session);
/* message_log_verdict - profile, score, who decided, symbols by weight, why, missing evidence; nothing without a
 * verdict. */
void message_log_verdict(struct log_line *line, struct pipeline *p, const struct verdict *verdict);

#endif
