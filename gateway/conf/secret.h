/* conf/secret.h - {file:/path} and {env:NAME} inside of values: what must not stand in the file itself. */
#ifndef CONF_SECRET_H
#define CONF_SECRET_H

#include "gateway/conf/load.h"

/* secret_expand - `text` with what it refers to in its place, in the conf's arena; sets *is_secret when it refers to
 * anything. On failure *what says what is wrong and what to write. A file gives its first line, trimmed; its path is
 * relative to the file `beside`. */
const char *secret_expand(struct conf_load *load, const char *beside, const char *text, bool *is_secret,
                          const char **what);

#endif
