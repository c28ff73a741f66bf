/* rules/lists/text_set.h - a set of texts and regular expressions, for lists of what is neither name nor address.
 *
 *     iso                   that text, without case
 *     /^invoice.*\.zip$/    PCRE2's expression, without case
 *
 * Threads: any, once all is added. Memory: its own.
 */
#ifndef RULES_TEXT_SET_H
#define RULES_TEXT_SET_H

#include "gateway/mail/access_file.h"
#include "gateway/mail/patterns.h"

enum { TEXT_ENTRY_MOST = 500 };

struct text_set;

struct text_set *text_set_new(void);
void text_set_free(struct text_set *set); /* NULL is fine */
size_t text_set_count(const struct text_set *set);
/* text_set_add - NULL, or what is wrong with the entry, valid until the next one. */
const char *text_set_add(struct text_set *set, struct span entry, unsigned line);
/* text_set_has - `until_us` and *end are those of patterns_fit(). */
bool text_set_has(const struct text_set *set, struct span text, int64_t until_us, enum patterns_end *end,
                  struct access_match *out);
bool text_set_has_patterns(const struct text_set *set);

/* For access_file_open_as(): sets are struct text_set. */
extern const struct access_reader text_set_reader;

#endif
