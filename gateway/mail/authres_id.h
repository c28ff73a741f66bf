/* mail/authres_id.h - whose Authentication-Results field is this? [RFC8601 2.2, 5] */
#ifndef MAIL_AUTHRES_ID_H
#define MAIL_AUTHRES_ID_H

#include "gateway/base/span.h"

/* authres_is_from - does the field with this body claim to be of `authserv_id`, for any reader? Domain names compare
 * in normal form. A field that does not follow its grammar is of everybody that it names before its first semicolon:
 * such fields come from nowhere but forgers, and are better removed than believed by somebody. */
bool authres_is_from(struct span body, const char *authserv_id);

#endif
