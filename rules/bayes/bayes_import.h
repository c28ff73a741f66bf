/* rules/bayes/bayes_import.h - what other programs have learned, as they print it: `sa-learn --backup` of SpamAssassin
 * and `bogoutil -d` of bogofilter, line by line.
 *
 * Threads: any. Memory: none; words point into the line.
 */
#ifndef RULES_BAYES_IMPORT_H
#define RULES_BAYES_IMPORT_H

#include "rules/bayes/tokens.h"

enum bayes_import_kind {
    BAYES_IMPORT_NONE,    /* nothing that is of use here */
    BAYES_IMPORT_WRONG,   /* neither one's line */
    BAYES_IMPORT_VERSION, /* of SpamAssassin's database: `count` */
    BAYES_IMPORT_SPAM,    /* `count`: so many messages of spam were learned */
    BAYES_IMPORT_HAM,
    BAYES_IMPORT_BOTH,   /* counts.spam and counts.ham messages */
    BAYES_IMPORT_WORD,   /* a word, as our `kind` */
    BAYES_IMPORT_HASHED, /* SpamAssassin's hash of a token, `hash` */
};

struct bayes_import_line {
    enum bayes_import_kind kind;
    struct store_token_count counts;
    uint64_t count;
    enum token_kind token;
    struct span word;
    uint64_t hash; /* 40 bits */
};

void bayes_import_read(struct span line, struct bayes_import_line *out);
/* bayes_import_hash - the hash that SpamAssassin has of such a token of ours; false: it has none like it. */
bool bayes_import_hash(const struct token *token, uint64_t *out);

#endif
