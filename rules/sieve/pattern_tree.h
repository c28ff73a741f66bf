/* rules/sieve/pattern_tree.h - a pattern taken apart, and said again more loosely.
 *
 * Hyperscan reads some patterns badly: counted repetitions of groups, tags with long lists of forms, and the like take
 * it seconds to compile and megabytes to hold. A sieve need not be exact: what matches the looser pattern, and nothing
 * else, is tried by PCRE2. So whatever matches a pattern matches what pattern_say() makes of it; the other way round it
 * need not.
 *
 * Pure. Threads: any. Memory: `a`.
 */
#ifndef RULES_PATTERN_TREE_H
#define RULES_PATTERN_TREE_H

#include "gateway/base/arena.h"
#include "gateway/base/strbuf.h"

enum pattern_node_kind {
    PATTERN_NOTHING, /* matches the empty text: also what was left out, as look-arounds */
    PATTERN_BYTE,    /* one byte of a set: a letter, a class, a dot */
    PATTERN_PLACE,   /* no byte, but a condition: ^ $ \b \B */
    PATTERN_ANY,     /* any text: a back reference */
    PATTERN_ALL,     /* its children, one behind the other */
    PATTERN_ONE_OF,  /* one of its children */
    PATTERN_REPEAT,  /* its child `least` to `most` times */
    PATTERN_FLAGS,   /* its child, under the flags in `text` */
};

enum { PATTERN_ENDLESS = UINT32_MAX };

struct pattern_node {
    enum pattern_node_kind kind;
    struct span text; /* BYTE, PLACE: as Hyperscan takes it */
    unsigned bytes;   /* BYTE: how many different ones, about */
    unsigned least, most;
    struct pattern_node *first, *last, *next; /* children; the next of its parent's */
    uint64_t weight;                          /* of places that Hyperscan has to keep, when said exactly */
};

/* pattern_read - PCRE2's syntax for bytes; of calls of groups only those that rules/cf/cf_replace.c makes, whose
 * definitions stand behind all else. `is_extended`: PCRE2_EXTENDED. NULL: there is something in it that is not known
 * here, or that Perl and PCRE2, or PCRE2 and Hyperscan, might read otherwise, or it is too large. */
const struct pattern_node *pattern_read(struct arena *a, struct span pattern, bool is_extended);

/* How loosely: as words, of which one stands in whatever matches it, which Hyperscan looks for many times faster than
 * for anything else; as it stands but for what is left out; with counts made small; without counts; the part of it that
 * tells most, alone. */
enum pattern_manner {
    PATTERN_WORDS,
    PATTERN_AS_IS,
    PATTERN_COUNTS_SMALL,
    PATTERN_NO_COUNTS,
    PATTERN_BEST_PART,
    PATTERN_MANNERS
};

/* pattern_say - false: there is nothing in it that tells much, or it is too long for `out`. */
bool pattern_say(const struct pattern_node *node, enum pattern_manner manner, struct strbuf *out);

/* pattern_say_words - pattern_say()'s PATTERN_WORDS. */
bool pattern_say_words(const struct pattern_node *node, struct strbuf *out);

#endif
