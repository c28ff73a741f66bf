/* smtp/hop.h - one target: a pool of connections to it, what it offers, and whether it is up.
 *
 * Work comes as a task: it waits for a connection, has it for itself, and gives it back. A connection is up when EHLO
 * has been answered.
 *
 * Health: when connections fail, and none works, a circuit breaker (net/breaker.h) opens: all that waits is lost at
 * once, and what comes is refused, so that it goes to another target, or the client gets its 451 instead of a wait.
 * After a second the hop is probed, then after twice as long each time. What was asked of it and not answered in time
 * makes it doubtful: it is probed at once, others are preferred meanwhile, and when the probe fails it is down. Time
 * that passes between the final dot and its reply does not: one strange message must not close the way for all others.
 *
 * Threads: the loop's. Memory: a task is its owner's, who must not free it before its last event (on_lost,
 * hop_task_done(), hop_task_drop() or hop_withdraw()).
 */
#ifndef SMTP_HOP_H
#define SMTP_HOP_H

#include "gateway/core/metrics.h"
#include "gateway/net/crew.h"
#include "gateway/net/loop.h"
#include "gateway/net/stream.h"
#include "gateway/smtp/conf.h"
#include "gateway/smtp/extension.h"
#include "gateway/smtp/hop_reply.h"

struct hop;
struct hop_link;

struct hop_task {
    /* a connection is ready, and the task's: say something and hop_expect() the replies */
    void (*on_ready)(struct hop_task *task);
    void (*on_reply)(struct hop_task *task, const struct hop_reply *reply);
    void (*on_drained)(struct hop_task *task); /* all that was sent is with the kernel; may be NULL */
    /* no connection, or no more; the task is out of the hop's hands. Never called from hop_submit(). */
    void (*on_lost)(struct hop_task *task, const char *why);

    struct span client; /* hop_client_describe(); empty: nobody's mail */
    /* the next hop will not speak to that client, and says so before the task had its connection, which is gone */
    void (*on_refused)(struct hop_task *task, const struct hop_reply *reply);

    /* the hop's */
    struct hop *hop;
    struct hop_link *link;
    struct hop_task *next;
    int64_t queued_ms;
    bool is_queued;

    /* next_hop.c's */
    bool is_again;
    uint32_t tried; /* again, a bit for each target */
};

struct hop_settings {
    struct loop *loop;
    struct crew *crew;            /* writes Maildirs */
    struct crew *resolver;        /* looks up the target's name; NULL when it has none */
    struct dns *dns;              /* the same with HOP_TLS_DANE */
    const struct smtp_conf *conf; /* limits and time-outs */
    const struct hop_target *target;
    const struct hop_ways *ways;     /* its TLS is for smtps never less than HOP_TLS_ENCRYPT */
    struct tls_context *tls_context; /* NULL with HOP_TLS_NONE; borrowed */
    const char *hostname;            /* for EHLO */
    bool is_private;                 /* one connection, for one user: when it is lost, all is over */
    struct hop_metrics *metrics;     /* NULL: nobody counts */
    unsigned *news;                  /* counted up when the hop tells something else than before; NULL: nobody cares */
};

struct hop *hop_new(const struct hop_settings *settings);
void hop_free(struct hop *hop); /* its tasks must be gone; NULL is fine */
/* hop_abandon - what waits and what is under way is lost at once; then it may be freed. Not from a task's event. */
void hop_abandon(struct hop *hop);

/* hop_submit - false: the hop is down, or too much waits for it already; the task stays the caller's. */
bool hop_submit(struct hop *hop, struct hop_task *task);
/* hop_withdraw - the task no longer waits, or its connection is closed; no event comes any more. */
void hop_withdraw(struct hop_task *task);

/* For a task that has a connection. hop_send copies. hop_expect: `replies` more will come. */
void hop_send(struct hop_task *task, struct span bytes);
void hop_sendf(struct hop_task *task, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t hop_unsent_bytes(const struct hop_task *task);
void hop_expect(struct hop_task *task, unsigned replies);
/* hop_is_ahead - it has said more than it was asked for: the next reply would be taken for an answer that it is not. A
 * connection on which something is asked nevertheless is lost. */
bool hop_is_ahead(const struct hop_task *task);
/* hop_wait_final - the longer time-out for the reply to the end of a message. hop_wait_none - while we are the ones who
 * talk. The next task has the usual one again. */
void hop_wait_final(struct hop_task *task);
void hop_wait_none(struct hop_task *task);
const char *hop_task_tls(const struct hop_task *task); /* for the log; "": none */
unsigned hop_task_extensions(const struct hop_task *task);
/* hop_task_auth - the mechanisms of AUTH that can be passed on over this connection; "" when it is neither TLS nor on
 * this machine. hop_task_be_discreet - as stream_be_discreet(). */
const char *hop_task_auth(const struct hop_task *task);
void hop_task_be_discreet(struct hop_task *task, bool is_discreet);
/* hop_task_done - gives the connection back, between transactions. With `reset`, RSET is said first.
 * hop_task_drop - closes it: a transaction that is under way is off. */
void hop_task_done(struct hop_task *task, bool reset);
void hop_task_drop(struct hop_task *task);

/* hop_is_known - it has answered EHLO once; then hop_extensions(), hop_size_most(), hop_recipients_most() and
 * hop_domains_most() (of recipients; 0: no limit told) speak.
 * A Maildir is known, offers all, and is never down. */
bool hop_is_known(const struct hop *hop);
bool hop_is_down(const struct hop *hop);
/* hop_is_doubtful - it may be down: better another. hop_is_busy - each connection that it may have is in use, and
 * tasks wait. */
bool hop_is_doubtful(const struct hop *hop);
bool hop_is_busy(const struct hop *hop);
unsigned hop_extensions(const struct hop *hop);
/* hop_auth - the mechanisms of AUTH that it offered last, as hop_task_auth(). */
const char *hop_auth(const struct hop *hop);
uint64_t hop_size_most(const struct hop *hop);
uint64_t hop_recipients_most(const struct hop *hop);
uint64_t hop_domains_most(const struct hop *hop);
/* hop_note_recipients_most - it took no more in one transaction, and had told no limit, or a larger one. */
void hop_note_recipients_most(struct hop *hop, uint64_t most);
/* hop_less - of two limits; 0 is none. */
static inline uint64_t hop_less(uint64_t a, uint64_t b)
{
    return a && (!b || a < b) ? a : b;
}
const struct hop_settings *hop_settings(const struct hop *hop);

static inline const struct hop_target *hop_target(const struct hop *hop)
{
    return hop_settings(hop)->target;
}

/* hop_may_require_tls - by its configuration: its certificate is verified, or it is on this machine. REQUIRETLS is
 * among its extensions only when that holds of the connection [RFC8689 4.2.1]. */
static inline bool hop_may_require_tls(const struct hop *hop)
{
    return hop_settings(hop)->ways->tls >= HOP_TLS_VERIFY || hop_target_is_local(hop_target(hop));
}

#endif
