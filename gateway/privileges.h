/* gateway/privileges.h - giving up root for good, after everything that needs it has been opened. */
#ifndef GATEWAY_PRIVILEGES_H
#define GATEWAY_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/* privileges_prepare - makes `directory` (and its parents) with mode 0700 and gives it to `user` when we are root.
 * False with a sentence in `error`. */
bool privileges_prepare(const char *user, const char *directory, char *error, size_t size);
/* privileges_drop - becomes `user`, with its groups, and can never gain privileges again; when we are not root, only
 * the latter. False with a sentence in `error`. */
bool privileges_drop(const char *user, char *error, size_t size);
/* privileges_suffice - whether who we are now may write into `directory`. False with a sentence in `error`. */
bool privileges_suffice(const char *directory, char *error, size_t size);

#endif
