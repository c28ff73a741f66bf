/* content/url_name.h - host names as they stand in a text. For the files of content/url only. */
#ifndef CONTENT_URL_NAME_H
#define CONTENT_URL_NAME_H

#include "gateway/content/url_parts.h"

enum { NAME_WRITTEN_MAX = 1024 };

/* A host's name, and where it ends. */
struct name {
    char bytes[NAME_WRITTEN_MAX];
    size_t len;     /* over NAME_WRITTEN_MAX: too long to be one */
    size_t end;     /* in the text: where it goes on */
    bool is_hidden; /* a dot was disguised: `bytes` are not as they stand there */
};

/* name_read - labels and dots from `at` on, as long as a label follows each dot. Dots may be disguised: "[.]", "(dot)",
 * " dot ". */
void name_read(struct span text, size_t at, struct name *out);
/* name_char - the length of the host's character at the start of `s`, dots not among them; 0 for none. */
size_t name_char(struct span s);
/* name_is_border - blanks, quotes and punctuation that no link goes across (not ASCII). */
bool name_is_border(uint32_t code);
/* name_is_dot - what browsers take for a dot, besides the full stop [UTS46 4]. */
bool name_is_dot(uint32_t code);
/* name_is_unspaced - scripts that are written without blanks: a name in ASCII may stand right behind them. */
bool name_is_unspaced(uint32_t code);
/* name_bracketed - "[.]", "( dot )", "{at}": the length of a bracketed `sign` or `word`, with blanks; 0 for none. */
size_t name_bracketed(struct span s, char sign, struct span word);

/* name_without_glue - takes off what sticks to the end of a name: "example.com.Then". Its length then; 0 when no suffix
 * is known. `tlds`: KNOWN_TLDS places that remember what was asked.
 * name_last_label - behind the last dot; empty when there is no dot. */
size_t name_without_glue(struct known_tld *tlds, struct span name);
struct span name_last_label(struct span name);
/* name_is_doubtful - suffixes that are words, or ends of file names: a name of two labels under them needs more to be
 * one. */
bool name_is_doubtful(struct span tld);

#endif
