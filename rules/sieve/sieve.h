/* rules/sieve/sieve.h - which patterns may match a text, found in one pass over it: Hyperscan (or Vectorscan, the same
 * interface) for those patterns that it can read, perhaps more loosely than they are; the others may always match.
 *
 * What a sieve lets through is confirmed by PCRE2 (rules/sieve/matcher.h), so that it can be loose; it never holds back
 * what matches. Of some that it leaves out it knows what they may begin with (rules/sieve/starts.h). Compiling takes
 * half a minute, and a single pattern can take most of it: it is done by a child process (rules/sieve/sieve_make.h),
 * which leaves out what takes too long, and whose result lies in a file.
 *
 * Threads: immutable, for any. Memory: sieve_free().
 */
#ifndef RULES_SIEVE_H
#define RULES_SIEVE_H

#include "gateway/base/strbuf.h"
#include "rules/sieve/beginnings.h"

struct sieve;
struct hs_scratch;

enum { SIEVE_KEY_BYTES = 32 };

/* What a file of it holds for a group. */
struct sieve_group {
    unsigned index;
    struct span database;   /* serialised */
    const uint32_t *always; /* patterns that it leaves out: they may always match */
    size_t always_count;
    struct span beginnings; /* sieve_put_beginnings() */
};

/* sieve_put_beginnings - for a group: of a pattern that is left out, and need only be tried where it may begin. */
void sieve_put_beginnings(struct strbuf *out, uint32_t pattern, const struct beginnings *these);

/* sieve_write - the file's bytes; of a set of `patterns` in all. */
void sieve_write(const unsigned char key[SIEVE_KEY_BYTES], const struct sieve_group *groups, size_t count,
                 size_t patterns, struct strbuf *out);
/* sieve_load - of a file's bytes, which may be anything; `key` says of what patterns, by what Hyperscan and for what
 * processor it must be, `patterns` how many there are. NULL: it is not, or is damaged, with why in *wrong. */
struct sieve *sieve_load(struct span file, const unsigned char key[SIEVE_KEY_BYTES], size_t patterns,
                         const char **wrong);
void sieve_free(struct sieve *s); /* NULL is fine */

/* sieve_scan - sets `bits` of those patterns of the group that may match. false: it knows nothing of that group, or
 * Hyperscan failed: all may match. *scratch is made when it is NULL; sieve_scratch_free() gives it back. */
bool sieve_scan(const struct sieve *s, unsigned group, struct span text, struct hs_scratch **scratch, uint32_t bits,
                uint32_t *maybe);
/* sieve_tables - what the beginnings of the group's patterns are looked for with. sieve_start - in which table those of
 * a pattern are; no bits: it may begin anywhere. */
const struct beginnings_table *sieve_tables(const struct sieve *s, unsigned group, size_t *count);
struct sieve_start {
    uint64_t bits;
    size_t table;
};
struct sieve_start sieve_start(const struct sieve *s, uint32_t pattern);
void sieve_scratch_free(struct hs_scratch *scratch);

#endif
