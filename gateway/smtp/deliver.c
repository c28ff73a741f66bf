/* smtp/deliver.c - by kind of next hop; and the Maildir's way over a worker. */
#include "gateway/smtp/deliver.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/delivery.h"
#include "gateway/smtp/maildir.h"

struct maildir_delivery {
    struct delivery delivery; /* the first member */
    struct job job;
    struct next_hop *next_hop; /* held: `path` is its */
    const char *path;
    const struct session *session;
    const struct pieces *message;
    enum fault fault;
    char name[MAILDIR_NAME_MAX], error[MAILDIR_ERROR_MAX];
};

static struct maildir_delivery *of_job(struct job *job)
{
    return (struct maildir_delivery *)((char *)job - offsetof(struct maildir_delivery, job));
}

static void work(struct job *job)
{
    struct maildir_delivery *d = of_job(job);

    d->fault = maildir_write(d->path, d->session, d->message, d->name, d->error);
}

static void done(struct job *job)
{
    struct maildir_delivery *d = of_job(job);
    struct delivery_outcome outcome = { .why = d->error };

    if (d->fault) {
        outcome.trouble = REPLY_MAILDIR;
    } else {
        outcome.code = 250;
        outcome.text = span_of("2.0.0 stored");
    }
    d->delivery.fn(d->delivery.arg, &outcome);
    next_hop_drop(d->next_hop);
    free(d);
}

static bool cancel_maildir(struct delivery *d)
{
    (void)d; /* a worker has it */
    return false;
}

static struct delivery *start_maildir(struct next_hop *next_hop, const struct session *session,
                                      const struct pieces *message, struct delivery_outcome *at_once)
{
    struct maildir_delivery *d = mem_alloc(sizeof *d);

    *d = (struct maildir_delivery){ .delivery.cancel = cancel_maildir,
                                    .job = { work, done, NULL },
                                    .next_hop = next_hop_hold(next_hop),
                                    .path = next_hop_settings(next_hop)->target->maildir,
                                    .session = session,
                                    .message = message };
    if (crew_give(next_hop_settings(next_hop)->crew, LANE_HEAVY, &d->job))
        return &d->delivery;
    next_hop_drop(next_hop);
    free(d);
    *at_once = (struct delivery_outcome){ .trouble = REPLY_MAILDIR, .why = "too many jobs for workers" };
    return NULL;
}

struct delivery *deliver_start(struct verify *verify, struct next_hop *next_hop, const struct session *session,
                               const struct pieces *message, bool tells_each, delivery_fn *fn, void *arg,
                               struct delivery_outcome *at_once)
{
    struct delivery *d = next_hop_kind(next_hop) == HOP_MAILDIR
                             ? start_maildir(next_hop, session, message, at_once)
                             : hop_deliver_start(verify, next_hop, session, message, tells_each, at_once);

    if (d) {
        d->fn = fn;
        d->arg = arg;
    }
    return d;
}

bool deliver_cancel(struct delivery *d)
{
    return d->cancel(d);
}
