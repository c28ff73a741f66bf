/* core/run.h - one check at work on one transaction: what it was given, what it has found, how it stands.
 *
 * check.h shows a check only what it needs; the pipeline, the verdict and the test desk see all of it here.
 */
#ifndef CORE_RUN_H
#define CORE_RUN_H

#include "gateway/core/answers.h"
#include "gateway/core/check.h"

enum run_state {
    RUN_OFF,    /* by configuration, or nothing to do with this mail */
    RUN_IDLE,   /* its stage, or a sister, is awaited */
    RUN_READY,  /* to be run */
    RUN_PARKED, /* waits for answers */
    RUN_DONE,
    RUN_FAILED,  /* its failure policy applies */
    RUN_SKIPPED, /* an early verdict made it needless */
};

/* What a symbol demands beside its points, by configuration. */
struct demand {
    bool is_made;
    enum action action;
    const char *text; /* for the sender; NULL: the action's usual one */
};

/* What the configuration says of a check, besides its own keys. */
struct check_settings {
    const struct check *check;
    unsigned index; /* of its row in the table, below CHECKS_MAX */
    uint64_t after; /* the rows it must come after, a bit each */
    enum mode mode;
    bool is_idle;            /* it is off, for there is nothing for it to do; in profiles, too */
    bool is_wanted;          /* by a profile that has it on, where it is off for others */
    enum fail on_failure[2]; /* by enum direction */
    int budget_ms;
    void *conf;                   /* the module's section */
    const int *points;            /* of the module's symbols, by index, as configured */
    const struct demand *demands; /* the same; NULL: none */
    struct bounds bounds;
    const char *const *removable; /* the module's removable() */
    size_t removable_count;
};

/* settings_is_used - whether the check is run at all. */
static inline bool settings_is_used(const struct check_settings *s)
{
    return s->mode != MODE_OFF || s->is_wanted;
}

struct finding {
    const char *symbol;
    int points;
    const char *reason;
    enum mode mode; /* it counts in, at most: weight_mode(); MODE_OFF: in its check's */
};

struct removed {
    const char *symbol;
    enum removal removal;
    const char *by; /* a composite's name */
};

/* An action that is demanded for a symbol: it goes when that is taken out. */
struct demanded {
    const char *symbol;
    enum action action;
    const char *text; /* for the sender; NULL: the action's usual one */
};

struct raised {
    const char *key, *text;
};

struct added_header {
    const char *name, *value;
};

enum { CHECKS_MAX = 64, FINDINGS_MAX = 256, REASON_MAX = 500, RAISED_MAX = 8, HEADERS_MAX = 4, STORE_ASKS_MAX = 8192 };

struct run {
    const struct check_settings *settings;
    enum run_state state;
    struct finding *findings; /* at most FINDINGS_MAX */
    size_t finding_count, finding_room;
    bool is_permit; /* finding_permit() */
    bool is_forced; /* finding_force() */
    enum action forced;
    const char *forced_text;
    struct demanded *demanded; /* finding_force_for(): at most FINDINGS_MAX, each symbol once */
    size_t demanded_count, demanded_room;
    const char *failure;   /* why it failed; NULL */
    bool is_late;          /* it failed because its time was up */
    struct raised *raised; /* alarms, at most RAISED_MAX: the loop logs them when the run is back */
    size_t raised_count;
    struct added_header *headers; /* at most HEADERS_MAX */
    size_t header_count;
    struct removed *removed;
    size_t removed_count, removed_room;
    const char *subject; /* finding_subject()'s; NULL */
    int tarpit_ms;
    struct store_op *told; /* settle()'s, for the store */
    size_t told_count, told_room;
    void *memo;        /* run_memo()'s */
    void *known;       /* run_known()'s: a place each */
    struct span *whom; /* of whom each place tells */
    size_t known_room;
    bool has_foreseen;
    bool has_run;  /* once at least in this transaction */
    unsigned runs; /* so far */
    unsigned turn; /* of its book: what was asked in this very run */
    int64_t started_mono_us, took_us;

    /* ask_dns()'s: where answers are looked for (the connection's book, then the transaction's), where new questions
     * go, and how many a transaction may have. */
    struct answers *elder, *book;
    const struct run *const *view; /* every row's run, for score_of_sisters(); NULL: no sisters */
    size_t most_asks_in_book;
    unsigned most_asks;
    unsigned asked;   /* different DNS look-ups in this run */
    unsigned awaited; /* of them, without an answer yet */
};

/* run_begin - before every run of the check: forgets what the last one found. */
void run_begin(struct run *run);
/* run_awaits - what it still waits for, for people; may lie in `a`. */
const char *run_awaits(const struct run *run, struct arena *a);
const char *run_state_text(enum run_state state);
const char *mode_text(enum mode mode);
const char *action_text(enum action action);

#endif
