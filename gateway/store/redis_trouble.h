/* store/redis_trouble.h - what an error reply of a Redis server means for us: a table.
 *
 * Threads: any.
 */
#ifndef STORE_REDIS_TROUBLE_H
#define STORE_REDIS_TROUBLE_H

#include "gateway/base/endpoint.h"

enum redis_trouble_kind {
    TROUBLE_OWN,    /* the question's own: a key of another type, a script that failed */
    TROUBLE_OUTAGE, /* the server will not, for now or until somebody mends it */
    TROUBLE_LEAVE,  /* this server cannot, another may: the connection is given up, and the question asked again */
    TROUBLE_LATER,  /* ask again in a moment */
    TROUBLE_SPLIT,  /* the same: of a slot that is being moved, not all the keys are in one place */
    TROUBLE_SCRIPT, /* it has forgotten our scripts */
    TROUBLE_MOVED,  /* another node of the cluster has the slot now */
    TROUBLE_ASK,    /* another node has this key already, while its slot is being moved */
};

struct redis_trouble {
    enum redis_trouble_kind kind;
    const char *says; /* for people; NULL: the server's own words will do */
    unsigned slot;    /* TROUBLE_MOVED */
    struct endpoint to;
};

enum { REDIS_SLOTS = 16384 };

/* redis_trouble_of - of the text of an error. `asked`: the server that said it, whose host a redirection may leave out.
 */
void redis_trouble_of(struct span text, const struct endpoint *asked, struct redis_trouble *out);
/* redis_trouble_text - "what it means: what the server said", into `out`, which it returns. */
const char *redis_trouble_text(struct span text, const struct redis_trouble *trouble, char *out, size_t size);
/* redis_endpoint - a host as servers write it (address without brackets, name, or nothing, which is `asked`'s). */
enum fault redis_endpoint(struct span host, uint64_t port, const struct endpoint *asked, struct endpoint *out);

#endif
