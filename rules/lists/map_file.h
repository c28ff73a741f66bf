/* rules/lists/map_file.h - the set of entries that a map has in a file: watched on the loop, read by workers.
 *
 * A version never changes. A new one is published by one atomic pointer; who looks something up holds the one that he
 * has found, and it is freed when nobody holds it any more.
 *
 * Threads: map_file_hold() and map_file_let_go() on any, but one at a time for each runner; the others on the loop.
 * Memory: its own.
 */
#ifndef RULES_MAP_FILE_H
#define RULES_MAP_FILE_H

#include "gateway/mail/access_file.h"

struct map_file;

/* map_file_open - reads it whole. NULL: *wrong (in `a`) says why. `reader` NULL: a struct access_set of `kind`. */
struct map_file *map_file_open(struct arena *a, const char *path, const struct access_reader *reader, int kind,
                               const char **wrong);
void map_file_close(struct map_file *f); /* NULL is fine; nobody holds it */
/* map_file_look, map_file_complaint - as access_file's. */
bool map_file_look(struct map_file *f, size_t bytes);
struct span map_file_complaint(struct map_file *f);
/* map_file_hold - the version in force, until map_file_let_go() of the same runner (below RUNNERS_MAX). */
const void *map_file_hold(struct map_file *f, unsigned runner);
void map_file_let_go(struct map_file *f, unsigned runner);
/* map_file_replaced - versions that were replaced and are still there, for tests. */
unsigned map_file_replaced(const struct map_file *f);

#endif
