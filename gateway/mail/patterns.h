/* mail/patterns.h - regular expressions that an operator wrote into a list: PCRE2's, which takes Perl's, tried one
 * after the other, without case. A match that needs too many steps is given up.
 *
 * Threads: any, once all is added. Memory: its own.
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
 * `until_us`. False: *end says whether all have been tried to their end (it stays as it was if so); NULL is fine. */
enum patterns_end { PATTERNS_TRIED, PATTERNS_LATE, PATTERNS_GIVEN_UP };
bool patterns_fit(const struct patterns *p, struct span text, int64_t until_us, enum patterns_end *end,
                  struct access_match *out);

#endif
