/* core/settings.h - the configuration of checks: `check "NAME" { ... }`, with the keys that every check has and
 * those of its own module.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "gateway/core/run.h"

/* settings_use - the table that settings_section speaks of; once, before any configuration is loaded. */
void settings_use(const struct check *checks, size_t count);
size_t settings_count(void);
/* settings_row - of the check of that name; settings_count() when there is none. */
size_t settings_row(const char *name);

extern const struct conf_section settings_section; /* by_title */

/* settings_resolve - what `conf` says of every check, one per row of the table, in its order; opens the modules.
 * `wanted`: rows that are needed though they are off here, a bit each (core/profile.h). NULL with a sentence for the
 * operator in *wrong. Lies in `a`. */
struct check_settings *settings_resolve(struct arena *a, struct conf *conf, uint64_t wanted, const char **wrong);
/* settings_close - closes the modules. */
void settings_close(struct check_settings *settings);

#endif
