/* smtp/next_hop.h - where the mail of a route goes: all that the client's side of the door sees of it.
 *
 * It has one or several targets, each a struct hop with its connections. next_hop_submit() chooses one for a task;
 * what must hold for all of them (what is offered, the largest size) is answered for all.
 *
 * Threads: the loop's. Memory: counted; it goes with the last one who holds it.
 */
#ifndef SMTP_NEXT_HOP_H
#define SMTP_NEXT_HOP_H

#include "gateway/mail/address.h"
#include "gateway/smtp/hop.h"

struct next_hop;

/* next_hop_new - for hops.c; held once. `hops`: one for each target; they are not its own, and stay until
 * on_unused(arg), which is called when the next hop goes. */
struct next_hop *next_hop_new(const struct hop_targets *targets, struct hop *const *hops, void (*on_unused)(void *arg),
                              void *arg);
/* next_hop_hold, next_hop_drop - routes may change while a transaction runs: who keeps a next hop holds it, as often as
 * it drops it. Dropping NULL is fine. */
struct next_hop *next_hop_hold(struct next_hop *nh);
void next_hop_drop(struct next_hop *nh);

/* next_hop_name - as the operator wrote it: for the log, and for what is remembered of it. */
const char *next_hop_name(const struct next_hop *nh);
enum hop_kind next_hop_kind(const struct next_hop *nh);
/* next_hop_settings - of its first target: the crew and folder of a Maildir, the counters. */
const struct hop_settings *next_hop_settings(const struct next_hop *nh);
/* next_hop_is_local - on this machine: another one for each gateway that shares a state store. */
bool next_hop_is_local(const struct next_hop *nh);

/* next_hop_is_private - for one user who has logged in: what it says of a recipient depends on the sender, too. */
bool next_hop_is_private(const struct next_hop *nh);
/* next_hop_auth - as hop_auth(), of its first target. */
const char *next_hop_auth(const struct next_hop *nh);

/* next_hop_submit - as hop_submit(), to the target that is up and comes first. A task that was lost may be submitted
 * again: each target gets it at most once more, then it is refused. */
bool next_hop_submit(struct next_hop *nh, struct hop_task *task);
bool next_hop_is_down(const struct next_hop *nh);
/* next_hop_extensions - what all its targets offer that are known; everything while none is. */
unsigned next_hop_extensions(const struct next_hop *nh);
/* next_hop_may_require_tls - one of its targets may: hop_may_require_tls(). */
bool next_hop_may_require_tls(const struct next_hop *nh);
/* next_hop_size_most - of the largest message that any of its targets takes; 0: there may be one without a limit.
 * next_hop_recipients_most, next_hop_domains_most - of recipients, and of their domains, that every target takes in one
 * transaction, since any may get it; 0: none has told a limit. */
uint64_t next_hop_size_most(const struct next_hop *nh);
uint64_t next_hop_recipients_most(const struct next_hop *nh);
uint64_t next_hop_domains_most(const struct next_hop *nh);

/* hop_most - the most that any of several takes; 0 when one of them tells no limit. Starts as all zero. */
struct hop_most {
    uint64_t most;
    bool has_none;
};
void hop_most_add(struct hop_most *m, uint64_t its);
static inline uint64_t hop_most(const struct hop_most *m)
{
    return m->has_none ? 0 : m->most;
}

#endif
