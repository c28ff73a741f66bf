/* core/pipeline_state.h - what pipeline.c and the files pipeline_*.c share, and nobody else sees: a connection's
 * pipeline and its transaction.
 *
 * Threads: the loop's, but for a transaction that is lent, whose job a worker holds.
 */
#ifndef CORE_PIPELINE_STATE_H
#define CORE_PIPELINE_STATE_H

#include "gateway/core/fetch.h"
#include "gateway/core/pipeline.h"

struct transaction {
    struct job job; /* the first member: a job is its transaction */
    struct pipeline *pipeline;
    struct arena arena; /* the door's: envelope, edits */
    struct arena work;  /* the checks' */
    struct answers book;
    struct fetcher fetcher;
    struct session session; /* as it stood at STAGE_MESSAGE */
    struct evidence evidence;
    struct evidence evidence_before; /* as it was when lent */
    struct message *message;
    struct run *runs[CHECKS_MAX];       /* by row; NULL for the connection's and for what is off */
    const struct run *view[CHECKS_MAX]; /* every row's run as this transaction sees it, wherever it is kept */
    struct run *own;                    /* where they lie */
    struct run *overdue;                /* stand-ins for what a worker did not give back in time */
    uint64_t lent;                      /* rows that the worker runs */
    bool is_lent, is_orphan;
    const struct profile *profile;       /* whose rules hold; NULL: not known yet, or there are none */
    const struct check_settings *checks; /* as they hold */
    bool is_exempt;                      /* all recipients so far are exempt from refusals */
    bool is_reached[STAGE_COUNT];
    size_t recipients_seen; /* by the checks of STAGE_RCPT */
    bool is_deciding;       /* counted in engine->deciding */
    bool has_verdict, is_delivered, is_settled;
    int64_t complete_us; /* when STAGE_MESSAGE was reached */
    struct verdict verdict;
};

struct want {
    pipeline_fn *fn; /* NULL: nobody waits */
    void *arg;
    enum stage stage;
    bool is_patient; /* waits for every check, whatever it can still say */
    int64_t deadline_ms;
    int64_t release_ms; /* a tarpit holds the verdict back so long; 0: none */
};

struct pipeline {
    struct engine *engine;
    struct session session;
    struct arena arena;
    struct answers book;
    struct fetcher fetcher;
    struct evidence evidence;
    enum stage last;              /* beyond it nothing is run */
    uint64_t rows, earlier;       /* that are on, a bit each; of them those of CONNECT and HELO */
    struct run *runs[CHECKS_MAX]; /* of CONNECT and HELO, and what is off */
    struct run *own;              /* where they lie */
    const struct run **view;      /* of them, while there is no transaction */
    bool is_reached[STAGE_COUNT];
    struct transaction *tx;    /* NULL: it rests */
    struct transaction *spare; /* the last one, emptied, for the next */
    struct want want;
    struct timer *timer; /* the next deadline */
    struct task soon;    /* advance() at the end of this turn */
    unsigned lent;       /* transactions with workers, orphans too */
    int tarpit_most_ms;
    bool is_closed, is_thorough;
    bool is_to_rest; /* pipeline_rest() */
    bool crew_was_full;
};

/* Checks of CONNECT and HELO belong to the connection, all others to the transaction. */
static inline bool is_connections(enum stage stage)
{
    return stage <= STAGE_HELO;
}

/* pipeline_advance - the loop's turn at a pipeline: runs, fetches, decides, lends. pipeline_on_news - answers are in a
 * book; `waiting`: the rows that wanted them. Both are pipeline.c's. */
void pipeline_advance(void *pipeline);
void pipeline_on_news(void *pipeline, uint64_t waiting);

/* rules_begin - of a new transaction. rules_choose - when a stage is reached. rules_are_known - a refusal now would be
 * one by the rules that hold in the end. rules_actions - the thresholds as they hold. All are pipeline_rules.c's. */
void rules_begin(struct pipeline *p);
void rules_choose(struct pipeline *p, enum stage stage);
bool rules_are_known(const struct pipeline *p);
const struct actions_conf *rules_actions(const struct transaction *tx);

/* transaction_settle - tells the checks how it ended; once. */
void transaction_settle(struct transaction *tx);
/* transaction_free, pipeline_destroy - at once; for what no worker holds any more. */
void transaction_free(struct transaction *tx);
void pipeline_destroy(struct pipeline *p);
/* pipeline_try_rest - if it is to rest, and can. */
void pipeline_try_rest(struct pipeline *p);
/* pipeline_stop_deciding - the transaction no longer counts as one without a verdict. */
void pipeline_stop_deciding(struct pipeline *p, struct transaction *tx);

#endif
