/* core/authres.h - the Authentication-Results field that we put on top [RFC8601], from what the checks found out. */
#ifndef CORE_AUTHRES_H
#define CORE_AUTHRES_H

#include "gateway/base/strbuf.h"
#include "gateway/core/evidence.h"
#include "gateway/mail/authres_id.h"
#include "gateway/mail/session.h"

/* authres_build - the field's body, folded with CRLF TAB, without leading blank and final CRLF, is added to `out`.
 * Whatever came from outside is quoted where it must be, and its control characters become "?". UTF-8 is written only
 * into SMTPUTF8 mail [RFC8601 2.2]; in other mail such a local part is left out. */
void authres_build(const char *authserv_id, const struct evidence *e, const struct session *s, struct strbuf *out);

#endif
