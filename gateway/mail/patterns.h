/* mail/patterns.h - regular expressions that an operator wrote into a list: PCRE2's, which takes Perl's, tried one
 * after the other, without case. A match that needs too many steps is none.
 *
 * Threads: one at a time (matching writes to the list's own memory). Memory: its own.
 */
#ifndef MAIL_PATTERNS_H
#define MAIL_PATTERNS_H

#include "gateway/mail/access_set.h"

enum { PATTERNS_MOST = 5000 };

struct patterns;

struct patterns *patterns_new(void);
void patterns_free(struct patterns *p); /* NULL is fine */
size_t patterns_count(const struct patterns *p);
/* patterns_add - the expression without its slashes; NULL, or what is wrong with it, valid until the next one. */
const char *patterns_add(struct patterns *p, struct span text, unsigned line);
/* patterns_fit - the first that matches: its text between slashes, and its line. None is begun once clock_mono_us() is
 * `until_us`. */
bool patterns_fit(const struct patterns *p, struct span text, int64_t until_us, struct access_match *out);

#endif
