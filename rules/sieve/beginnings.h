/* rules/sieve/beginnings.h - where in a text a match may begin, as its first bytes tell: for patterns without words
 * that a sieve could look for (rules/sieve/pattern_tree.h, PATTERN_WORDS), such as those whose letters may be
 * disguised.
 *
 * Of each pattern it is known, once and for all, which bytes may stand at the first places of a match, and before it. A
 * text is gone through once for up to 64 such beginnings; at what is found the pattern is tried, and nowhere else. A
 * place that is found need not be one of a match; one of a match is always found.
 *
 * Pure. Threads: any.
 */
#ifndef RULES_BEGINNINGS_H
#define RULES_BEGINNINGS_H

#include "rules/sieve/pattern_tree.h"

enum {
    BEGINNING_BYTES = 4,
    BEGINNING_PLACES = BEGINNING_BYTES + 1, /* the byte before it is the first of them */
    BEGINNINGS_MAX = 24,                    /* of a pattern */
    BEGINNINGS_TOGETHER_MAX = 64,
};

struct beginning {
    uint64_t bytes[BEGINNING_PLACES][4]; /* which may stand there: a bit for each */
};

struct beginnings {
    struct beginning items[BEGINNINGS_MAX];
    size_t count;
};

/* beginnings_of - `is_caseless`: PCRE2_CASELESS. false: a match may begin nearly anywhere, as
 * *out says. */
bool beginnings_of(struct arena *a, const struct pattern_node *tree, bool is_caseless, struct beginnings *out);

/* Those of many patterns: a bit for each. */
struct beginnings_table {
    uint64_t masks[BEGINNING_PLACES][256];
    size_t count;
};

/* beginnings_add - the bits that they have there; 0: there is no room. */
uint64_t beginnings_add(struct beginnings_table *table, const struct beginnings *these);

/* beginnings_at - the bits of those that may begin at that place of a text, which ends as if zeros stood behind it; a
 * LF stands before its first byte. */
uint64_t beginnings_at(const struct beginnings_table *table, struct span text, size_t at);

#endif
