/* greylist/exempt.h - clients or recipients that need not wait, in the writing of postgrey's white-list files.
 *
 *     EXEMPT_CLIENTS      192.0.2.1   192.0.2.0/24   192.0.2   192.0   2001:db8::/32
 *                         example.org (that name, and what is under it)   /^mx\d+\.example\.org$/
 *     EXEMPT_RECIPIENTS   user@example.org and user@ (with +extensions, too)   example.org   /^[^@]+@.*\.example$/
 *
 * What is behind `#` is comment, wherever it stands. Letters are compared without case. Client names are confirmed
 * ones; "unknown" stands for a client without, as it does for Postfix. Regular expressions are PCRE2's, which takes
 * Perl's; a match that needs too many steps is none.
 *
 * Threads: the loop's (matching writes to the list's own memory). Memory: its own.
 */
#ifndef GREYLIST_EXEMPT_H
#define GREYLIST_EXEMPT_H

#include "gateway/mail/access_file.h"

enum exempt_kind { EXEMPT_CLIENTS, EXEMPT_RECIPIENTS };

enum { EXEMPT_NAME_MOST = 500 };

struct exempt;

struct exempt *exempt_new(enum exempt_kind kind, size_t expected);
void exempt_free(struct exempt *e); /* NULL is fine */
size_t exempt_count(const struct exempt *e);
/* exempt_add - a line with its comment; NULL, or what is wrong with it, valid until the next one. */
const char *exempt_add(struct exempt *e, struct span line, unsigned number);

/* The entry that fits, in its normal form, and its line. */
bool exempt_has_client(const struct exempt *e, const struct addr *client, const char *name, struct access_match *out);
bool exempt_has_recipient(const struct exempt *e, const struct address *recipient, struct access_match *out);

/* For access_file_open_as(): kinds are those of enum exempt_kind, sets are struct exempt. */
extern const struct access_reader exempt_reader;

#endif
