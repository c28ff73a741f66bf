/* smtp/handshakes.h - how many TLS handshakes are under way at once: a bound on what a flood of them costs.
 *
 * Whoever comes first is first, but one client's address (of IPv6 its /64) has at most a quarter of the places, and a
 * handshake that is not done within HANDSHAKE_HASTE_MS is cut when that makes room for one that waits: silent clients
 * must not keep all places for the whole time that a slow one is given.
 *
 * Threads: the loop's. Memory: a handshake lies in its owner, zeroed at first.
 */
#ifndef SMTP_HANDSHAKES_H
#define SMTP_HANDSHAKES_H

#include "gateway/base/addr.h"
#include "gateway/net/loop.h"

enum { HANDSHAKE_HASTE_MS = 5000 };

enum handshake_state { HANDSHAKE_NONE, HANDSHAKE_WAITS, HANDSHAKE_RUNS };

struct handshake {
    enum handshake_state state;
    struct addr client;
    int64_t begun_ms;
    loop_fn *start; /* there is a place for it */
    loop_fn *cut;   /* it took too long; may end it, or free its owner */
    void *arg;      /* of both */
    struct handshake *next, *previous;
};

struct handshakes;

struct handshakes *handshakes_new(struct loop *loop, size_t most);
void handshakes_free(struct handshakes *all); /* when none is left in it; NULL is fine */
/* handshakes_ask - `client`, `start`, `cut` and `arg` are set. start(arg) is called at once, or when one has ended. */
void handshakes_ask(struct handshakes *all, struct handshake *h);
/* handshakes_end - it is done, has failed, or waits no more; nothing when it does neither run nor wait. */
void handshakes_end(struct handshakes *all, struct handshake *h);

#endif
