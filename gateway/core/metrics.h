/* core/metrics.h - what the gateway counts of itself, for /metrics, /stat and whoever asks how it is doing.
 *
 * Plain numbers in struct engine, changed in place where things happen and never taken back; the scan API prints them.
 * Threads: the loop's. Memory: fixed; a door or check more than there is room for is not counted.
 */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include "gateway/core/run.h"

enum { METRICS_DOORS_MAX = 8, METRICS_ACTIONS = ACTION_DISCARD + 1, HISTOGRAM_BUCKETS = 16 };

/* Upper bounds in microseconds, ascending; what is above the last one counts in the sum and the count alone. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BUCKETS];

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS]; /* each its own, not those below it */
    uint64_t count;
    int64_t sum_us;
};

struct door_metrics {
    const char *name; /* as session->door; NULL: free */
    int64_t sessions; /* now */
    uint64_t sessions_total;
    uint64_t verdicts[METRICS_ACTIONS]; /* the last one of each transaction that had one */
    struct histogram latency;           /* from the last byte of a message to its verdict */
};

struct check_metrics {
    uint64_t done, failed, timed_out, skipped; /* timed_out: of those that failed */
    struct histogram latency;                  /* from the first run to the end, waiting included; of what is done */
};

/* TLS with those who come to us. */
struct handshake_metrics {
    uint64_t done, failed, refused; /* refused: no place came free in time, or it was cut for others that waited */
    struct histogram latency;       /* of what is done: without the wait for a place */
};

/* A mail server behind us, as it is now; kept up to date by its owner. */
struct hop_figures {
    const char *name, *tls, *client; /* how it is spoken to; no two have all alike */
    bool is_up;
    size_t connections, waiting; /* waiting: for a connection */
    uint64_t failures;           /* connections that did not come up */
    struct hop_figures *next, *previous;
};

/* What the doors that pass mail on count of the mail servers behind them. */
struct hop_metrics {
    struct hop_figures *hops;
    int64_t connections; /* now */
    uint64_t connections_total, connections_failed;
    uint64_t tls_connections, tls_verified;        /* verified: the latter, by name or TLSA records */
    uint64_t delivered, refused, deferred, failed; /* 2xx; 5xx; 4xx; no answer, or not sent at all */
    uint64_t verify_known, verify_asked;           /* recipients: from the cache, from the next hop */
};

struct metrics {
    int64_t started_wall_ms;
    struct door_metrics doors[METRICS_DOORS_MAX];
    struct check_metrics checks[CHECKS_MAX]; /* by row */
    struct hop_metrics hop;
    struct handshake_metrics handshakes;
    uint64_t learned;           /* messages, from what doors were told of them */
    uint64_t admission_refused; /* connections and messages put off for want of capacity */
};

void histogram_add(struct histogram *h, int64_t us);
/* metrics_door - the door's numbers, made when there are none; NULL when there is no room. */
struct door_metrics *metrics_door(struct metrics *m, const char *name);
void metrics_session(struct metrics *m, const char *door, int change);
void metrics_verdict(struct metrics *m, const char *door, enum action action);
void metrics_latency(struct metrics *m, const char *door, int64_t us);
/* metrics_add_hop, metrics_remove_hop - the figures are borrowed in between. Removing what was not added is fine. */
void metrics_add_hop(struct hop_metrics *m, struct hop_figures *hop);
void metrics_remove_hop(struct hop_metrics *m, struct hop_figures *hop);
/* metrics_run - how a check ended for one transaction or connection; nothing for one that did not come to an end. */
void metrics_run(struct metrics *m, const struct run *run);

#endif
