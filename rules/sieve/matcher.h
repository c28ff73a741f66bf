/* rules/sieve/matcher.h - the patterns of a set, ready to be matched: PCRE2 with JIT, every match bounded, behind a
 * sieve (rules/sieve/sieve.h) that tells in one pass over a text which patterns may match it at all.
 *
 * Rules that look at the same text are a group: all body rules; all header rules on the same field. A text is what a
 * group's patterns are tried on, piece by piece. For the sieve all its pieces are `joined`: they lie behind each other
 * with a LF after each that belongs to none, so that an anchor of a pattern holds there as at the ends of a piece.
 *
 * Threads: made and freed on one; matched with on any, each with a `runner` number of its own below RUNNERS_MAX
 * (core/check.h). Memory: matcher_free() gives all back.
 */
#ifndef RULES_MATCHER_H
#define RULES_MATCHER_H

#include "gateway/core/check.h"
#include "rules/ruleset.h"

struct sieve;

struct matcher_group {
    unsigned index;
    enum rule_kind kind;
    const char *field; /* header, mimeheader; else NULL */
    enum header_form form;
    const struct rule **rules; /* that have a pattern, in the set's order */
    size_t count;
};

/* What matching has cost a runner so far, in calls of PCRE2, bytes given to it, and matches that reached a limit. */
struct matcher_work {
    uint64_t calls, bytes, limits;
};

/* Backtracking steps from one place of a text, before a match is given up, or, in a long text, tried once more with 8
 * more of them for each byte of its first 128 KiB; after how many places of a long text the clocks are looked at. */
enum { MATCHER_STEPS_MAX = 20000, MATCHER_WINDOW_BYTES = 4096 };

/* matcher_new - of all active rules of the set with a pattern. What PCRE2 cannot compile never hits: a line each in
 * `faults`. */
struct matcher *matcher_new(const struct ruleset *set, struct strbuf *faults);
void matcher_free(struct matcher *m); /* NULL is fine */

const struct matcher_group *matcher_groups(const struct matcher *m, size_t *count);
/* matcher_group_of - NULL: the rule has no pattern. */
const struct matcher_group *matcher_group_of(const struct matcher *m, const struct rule *rule);

/* matcher_takes_nothing - whether its pattern matches the empty text. */
bool matcher_takes_nothing(const struct matcher *m, const struct rule *rule);

/* matcher_least - how many bytes a text has at least that its pattern matches. */
size_t matcher_least(const struct matcher *m, const struct rule *rule);

enum match_result { MATCH_NONE, MATCH_FOUND, MATCH_GIVEN_UP };

/* matcher_find - the first match at or behind `from`; *out lies in `piece`. MATCH_GIVEN_UP: a limit was reached, or
 * `until_us` (monotonic). */
enum match_result matcher_find(struct matcher *m, unsigned runner, const struct rule *rule, struct span piece,
                               size_t from, int64_t until_us, struct span *out);
/* matcher_named - goes through what named groups have taken in the match that matcher_find() has just found in `piece`.
 * `at`: 0 at first. false: there are no more. */
bool matcher_named(struct matcher *m, unsigned runner, const struct rule *rule, struct span piece, size_t *at,
                   struct span *name, struct span *value);
/* matcher_swap - the rule has that pattern in place of its own, for that runner, until it is swapped for NULL. false:
 * PCRE2 does not take it. */
bool matcher_swap(struct matcher *m, unsigned runner, const struct rule *rule, const char *pattern);
/* matcher_redirect - what the first of the set's redirector patterns that knows the address says it leads to. */
bool matcher_redirect(struct matcher *m, unsigned runner, struct span uri, struct span *target);
/* matcher_sift - sets `bits` (by rule index) of each rule of the group that may match the text; of all of them while
 * there is no sieve. */
void matcher_sift(struct matcher *m, unsigned runner, const struct matcher_group *group, struct span joined,
                  uint32_t bits, uint32_t *maybe);

/* matcher_find_at - as matcher_find(), of a match that begins there. */
enum match_result matcher_find_at(struct matcher *m, unsigned runner, const struct rule *rule, struct span piece,
                                  size_t at, struct span *out);

/* matcher_use - the sieve from now on, which the matcher owns; once. On the loop, while others match. matcher_sieve -
 * NULL: none yet. */
void matcher_use(struct matcher *m, struct sieve *sieve);
const struct sieve *matcher_sieve(const struct matcher *m);
const struct matcher_work *matcher_work(struct matcher *m, unsigned runner);

#endif
