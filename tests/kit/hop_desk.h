/* tests/kit/hop_desk.h - a pool of connections (struct hop), and a next hop in the same loop that says 250 to
 * everything: 220 to XCLIENT, and to EHLO what it is told to. */
#ifndef KIT_HOP_DESK_H
#define KIT_HOP_DESK_H

#include "tests/kit/expect.h"

#include "gateway/base/clock.h"
#include "gateway/net/listener.h"
#include "gateway/smtp/hop.h"

enum { PATIENCE_MS = 60000 };

struct peer {
    struct loop *loop;
    struct listener *listener;
    unsigned port;
    const char *ehlo;
    struct dialogue {
        struct peer *peer;
        struct stream *stream;
    } dialogues[64];
    size_t count, open, most_open;
    const char *reply; /* to all but EHLO and XCLIENT; NULL: 250 */
    bool is_mute;      /* takes commands without a word */
    bool is_frozen;    /* takes connections without a word */
    bool is_slow;      /* takes some milliseconds for EHLO */
};

struct hop_desk {
    struct loop *loop;
    struct peer peer;
    struct smtp_conf conf;
    struct hop_target target;
    struct hop_ways ways;
    struct hop *hop;
};

/* What is asked of the next hop, MAIL and RSET, and how that ended. */
struct errand {
    struct hop_task task; /* the first member */
    int ready, replies, lost;
    unsigned extensions; /* of the connection that it had */
};

struct errand errand(void);
void peer_start(struct peer *p, struct loop *loop, unsigned port); /* 0: any */
void peer_stop(struct peer *p);
void hop_desk_open(struct hop_desk *d, const char *ehlo, int connections);
/* hop_desk_open_for - the same, with next_hop_client. */
void hop_desk_open_for(struct hop_desk *d, const char *ehlo, int connections, enum hop_client client);
void hop_desk_close(struct hop_desk *d);

#define TURN_UNTIL(d, claim)                                                                                           \
    do {                                                                                                               \
        int64_t end = clock_mono_ms() + PATIENCE_MS;                                                                   \
        while (!(claim) && clock_mono_ms() < end)                                                                      \
            loop_run_once((d)->loop, 20);                                                                              \
        EXPECT_TRUE(claim);                                                                                            \
    } while (0)

#endif
