/* rules/sieve/sieve_file.h - where a sieve comes from: a file in the folder for what outlives a restart, or, when there
 * is none for these patterns, a child process that compiles it (`postern compile-rules`), after which the file is
 * there.
 *
 * The file's name bears the key of what it is of, so that a changed set of rules, another Hyperscan or another
 * processor never meets an old file. Only one process compiles at a time: the others wait for its file. Without a
 * folder that can be written to, the sieve is compiled at each start, and kept in memory.
 *
 * Threads: one. Memory: sieve_file_free(), which also ends the child.
 */
#ifndef RULES_SIEVE_FILE_H
#define RULES_SIEVE_FILE_H

#include "rules/sieve/sieve_make.h"

enum sieve_news { SIEVE_TO_COME, SIEVE_HERE, SIEVE_NEVER };

struct sieve_file;

/* sieve_file_new - `program` is what is run with the argument "compile-rules"; NULL: ourselves. */
struct sieve_file *sieve_file_new(const struct matcher *m, const struct ruleset *set, const char *program);
void sieve_file_free(struct sieve_file *f); /* NULL is fine */

/* sieve_file_turn - looks how things stand; to be called again, now and then, until it is SIEVE_HERE, with the sieve in
 * *out, or SIEVE_NEVER. A child is started only when it may be. What the operator should know is logged. */
enum sieve_news sieve_file_turn(struct sieve_file *f, const char *folder, bool may_compile, struct sieve **out);

#endif
