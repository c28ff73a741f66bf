/* smtp/parameter.h - the parameters that extensions give to MAIL and RCPT [RFC5321 4.1.2], into a struct smtp_command.
 *
 * Strict: who writes "NOTIFY=SOMETIMES" would not get what he wants, and is told so at once. What is handed on to the
 * next hop as it was given (ENVID=, ORCPT=, AUTH=) is xtext [RFC3461 4] of bounded length, so nothing can hide in it.
 */
#ifndef SMTP_PARAMETER_H
#define SMTP_PARAMETER_H

#include "gateway/smtp/grammar.h"

enum { ENVID_MAX = 100, ORCPT_MAX = 500, MAIL_AUTH_MAX = 500 };

/* parameter_parse_all - `text`: all that stands behind the path; out->verb is VERB_MAIL or VERB_RCPT. `extensions`:
 * those offered. REPLY_NONE, or what is wrong; then out->about names the parameter. */
enum reply parameter_parse_all(struct span text, unsigned extensions, struct smtp_command *out);

#endif
