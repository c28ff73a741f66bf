/* smtp/guests.h - what the door knows of a client besides this one connection: how many there are from its address and
 * from its network, how much they have done in the last minutes, and whether it may skip the wait for our greeting.
 *
 * Connections at once are counted in memory, by each gateway for itself: a count in the state store would outlive a
 * gateway that dies. There are only places that somebody is connected from. Rates (leaky buckets) and passes are in the
 * state store, so that gateways share them. While it is out, rates are counted in memory by each gateway for itself,
 * and nobody waits for a greeting, because who is known to be good is not known.
 *
 * What a client does is told to the store when it leaves, and meanwhile once a minute at most. So a limit of errors
 * that it reaches holds for its next connection; recipients are counted here, too, from what the store knew when it
 * came.
 *
 * Threads: the loop's. Memory: guests outlive every guest; a guest lies in its connection.
 */
#ifndef SMTP_GUESTS_H
#define SMTP_GUESTS_H

#include "gateway/core/engine.h"
#include "gateway/smtp/conf_clients.h"
#include "gateway/smtp/guest_pass.h"

struct guests;

struct guests *guests_new(const struct clients_conf *conf, struct engine *engine);
void guests_free(struct guests *guests); /* NULL is fine */
/* guests_places - addresses and networks that are counted now. */
size_t guests_places(const struct guests *guests);

enum guest_scope { GUEST_ADDRESS, GUEST_NETWORK, GUEST_SCOPES };
enum guest_limit { GUEST_WITHIN, GUEST_CONNECTIONS, GUEST_RATE, GUEST_RECIPIENTS, GUEST_ERRORS };

struct guest {
    struct guests *guests; /* NULL: nobody entered */
    struct guest_place *places[GUEST_SCOPES];
    struct guest_asking *asking; /* the store is being asked */
    struct addr client;
    bool is_known;               /* has no limits and never waits; nothing is remembered of it */
    bool is_counted;             /* in the rates */
    bool is_asked;               /* pass is what the store knows */
    bool is_pass_old;            /* it is to be written again */
    bool is_store_out;           /* it did not answer */
    uint8_t over, over_scope;    /* enum guest_limit, enum guest_scope: what guest_ask() found */
    uint8_t pass;                /* enum guest_pass */
    uint32_t recipients, errors; /* that the store has not been told of yet */
    int64_t told_ms;             /* when it was told */
    double levels[GUEST_SCOPES]; /* of recipients, at levels_ms */
    int64_t levels_ms;
};

enum { GUEST_REASON_MAX = 128 };

/* guest_enter - one connection more; false: that is too many, and `out` is nobody, but for `over`. */
bool guest_enter(struct guests *guests, const struct addr *client, bool is_known, struct guest *out);
/* guest_leave - the connection ends; what it did is told to the store. Nobody may leave, too. */
void guest_leave(struct guest *g);
/* guest_ask - takes a connection out of the rates, and looks at what is known: into g->over, pass, levels.
 * fn(arg) is called later, unless it leaves before; false: there is nothing to ask, and it is not called. */
bool guest_ask(struct guest *g, loop_fn *fn, void *arg);
/* guest_reason - "connections at once from 192.0.2.0/24", for g->over; into `out` (GUEST_REASON_MAX). */
const char *guest_reason(const struct guest *g, char *out);

/* guest_may_add - one recipient more; guest_add - and that is it. */
bool guest_may_add(const struct guest *g);
void guest_add(struct guest *g);

/* guest_has_waited, guest_is_good - remembers it; guest_misbehaves - it has to wait again. */
void guest_has_waited(struct guest *g);
void guest_is_good(struct guest *g);
void guest_misbehaves(struct guest *g);

#endif
