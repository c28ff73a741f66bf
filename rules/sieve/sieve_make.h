/* rules/sieve/sieve_make.h - compiling a sieve: what is asked for, and the child process that does it.
 *
 * Hyperscan takes half a minute for some thousands of patterns, most of it for a few of them. So it is not done where
 * mail is handled: `postern compile-rules` reads a request, tries each pattern by itself in a process of its own with a
 * limit of time and of room, says it more loosely as long as it takes too much (rules/sieve/pattern_tree.h), leaves out
 * what then still does or cannot be read, and what is better looked for by its beginnings, compiles the rest by groups,
 * and writes the file that rules/sieve/sieve.h loads.
 */
#ifndef RULES_SIEVE_MAKE_H
#define RULES_SIEVE_MAKE_H

#include "rules/sieve/matcher.h"
#include "rules/sieve/sieve.h"

enum {
    SIEVE_LEAST_PATTERNS = 4,            /* a smaller group needs no sieve */
    SIEVE_PATTERN_MS_MAX = 200,          /* processor time for one pattern, said in one manner */
    SIEVE_PATTERN_BYTES_MAX = 48 * 1024, /* its database */
    SIEVE_PATTERN_WEIGHT_MAX = 300,      /* rules/sieve/pattern_tree.h: beyond that it is not even tried */
    SIEVE_GROUP_MS_MAX = 60000,          /* for all of a group */
    SIEVE_MEMORY_BYTES_MAX = 2000 * 1024 * 1024L,
};

/* Beside Hyperscan's flags: it may be tried at single places of a text. */
enum { SIEVE_FLAG_PLACES = 1 << 30 };

/* A pattern as Hyperscan is given it. */
struct sieve_pattern {
    uint32_t id;
    unsigned flags;
    const char *text;
};

/* sieve_pattern - of a rule: anchored at lines where the rule is at the ends of a piece. false: it cannot be said so.
 * In `a`. */
bool sieve_pattern(struct arena *a, const struct rule *rule, struct sieve_pattern *out);

/* sieve_request - all groups of the matcher that are worth it, and their key. false: there is none. */
bool sieve_request(const struct matcher *m, const struct ruleset *set, struct strbuf *out,
                   unsigned char key[SIEVE_KEY_BYTES]);
/* sieve_make - reads a request from one descriptor, writes the file to the other. NULL, or what is wrong. `pattern_ms`:
 * SIEVE_PATTERN_MS_MAX but in tests. */
const char *sieve_make(int from, int to, int pattern_ms);

#endif
