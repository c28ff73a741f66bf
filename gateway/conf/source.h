/* conf/source.h - one file of configuration as tokens.
 *
 * Words (letters, digits and _ . : / @ % -), strings in "..." or '...' that end on their line, and { } ( ) = , .
 * Comments run from # or // to the end of the line, or from slash-star to star-slash. Anything else is a fault.
 */
#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include <sys/types.h>

#include "gateway/conf/load.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK, TOKEN_BAD };

struct token {
    enum token_kind kind;
    struct span text; /* as written, a string with its quotes; a mark is one character */
    struct conf_place at;
};

struct source {
    const char *name; /* for faults, and what includes are relative to */
    struct span text;
    size_t pos;
    unsigned line;
    dev_t dev; /* of the file, 0 for a text */
    ino_t ino;
    const struct source *parent; /* that includes this one */
};

/* source_read - a file into `load`'s scratch. On failure says why as a fault at `from`. */
bool source_read(struct conf_load *load, struct conf_place from, const char *path, struct source *out);
/* source_check - bytes that no configuration has (NUL and its like): a fault, and false. */
bool source_check(struct conf_load *load, const struct source *source);
/* source_next - the next token. TOKEN_BAD: the fault has been told, there is no going on. */
struct token source_next(struct conf_load *load, struct source *source);

static inline bool token_is(const struct token *t, char mark)
{
    return t->kind == TOKEN_MARK && t->text.ptr[0] == mark;
}

#endif
