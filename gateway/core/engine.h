/* core/engine.h - the decision engine behind every door: the table of checks with its configuration, and the means
 * (loop, resolver, crew) that all pipelines share.
 *
 * Threads: the loop's. Memory: engine_new() to engine_free(); pipelines must be gone before.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "gateway/core/alarm.h"
#include "gateway/core/metrics.h"
#include "gateway/core/profile.h"
#include "gateway/core/run.h"
#include "gateway/core/verdict.h"
#include "gateway/net/crew.h"
#include "gateway/net/dns.h"
#include "gateway/store/store.h"

struct engine_conf {
    int64_t workers; /* 0: one per core */
    int64_t quick_most, heavy_most;
    int deadline_ms; /* of a message, from its last byte to the verdict */
    int64_t lookups_most;
    int64_t transactions_most; /* with a verdict pending */
};

extern const struct conf_section engine_section;

struct engine {
    struct loop *loop;
    struct dns *dns;
    struct store *store; /* NULL: what asks it is told STORE_FAILED */
    struct crew *crew;
    const char *hostname;
    const char *state;         /* the folder for what outlives a restart; NULL: there is none */
    const char *config_digest; /* of the configuration in force; NULL: none is known */
    const struct engine_conf *conf;
    const struct actions_conf *actions;  /* that hold where no profile does */
    const struct check_settings *checks; /* the same */
    const struct profiles *profiles;     /* NULL: none, and nobody is exempt from refusals */
    size_t check_count;
    struct alarms alarms;
    struct metrics metrics;
    int64_t deciding; /* transactions at STAGE_MESSAGE without a verdict */
    struct upkeep *upkeeps;
    size_t upkeep_count;
    bool is_ready;
    bool is_thorough; /* every check runs to its end, even when the verdict is certain: for who asks why */
};

/* engine_start - starts the modules' upkeep; is_ready once each has run for the first time. */
void engine_start(struct engine *engine);
void engine_stop(struct engine *engine);
/* engine_admits - NULL, or why no new mail can be taken now: for 421 at connect or 451 at MAIL; that it was refused is
 * counted. engine_is_busy - the same, without counting. */
const char *engine_admits(struct engine *engine);
const char *engine_is_busy(struct engine *engine);
/* engine_raise - logs the alarms of a run. */
void engine_raise(struct engine *engine, const struct run *run);

#endif
