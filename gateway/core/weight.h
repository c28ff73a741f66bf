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
/* weight_beats - of two demanded actions the first wins: an accept is an allow list's and beats the rest; else the
 * hardest does. */
bool weight_beats(enum action a, enum action b);
/* weight_forced - what the run demands, but for symbols of which `removal` says that they are not there. False: it
 * demands nothing. */
bool weight_forced(const struct run *run, enum removal (*removal)(const void *arg, const char *symbol), const void *arg,
                   struct demand *out);
/* weight_may_remove - whether a check that is still to come may take the symbol out. */
bool weight_may_remove(const struct check_settings *settings, const char *symbol);

#endif
