/* core/weight.h - whether what a check has found counts: its own mode, its check's, and what a later check has taken
 * out again (finding_remove()).
 *
 * Pure functions of runs. Threads: who holds the runs.
 */
#ifndef CORE_WEIGHT_H
#define CORE_WEIGHT_H

#include "gateway/core/run.h"

/* weight_mode - the milder one of the check's mode and the finding's. */
enum mode weight_mode(const struct run *run, const struct finding *f);
/* weight_removal - what checks that enforce say of a symbol, once they are done; NULL: it counts for all of them. */
const struct removed *weight_removal(const struct run *const *runs, size_t count, const char *symbol);
/* weight_removes - the same of one of them. */
const struct removed *weight_removes(const struct run *run, const char *symbol);
/* weight_may_remove - whether a check that is still to come may take the symbol out. */
bool weight_may_remove(const struct check_settings *settings, const char *symbol);

#endif
