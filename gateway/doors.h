/* gateway/doors.h - the table of doors: everything by which mail, or a question about mail, comes in.
 *
 * A door that has no listener in gateway.conf is not made. Threads: the loop's.
 */
#ifndef GATEWAY_DOORS_H
#define GATEWAY_DOORS_H

#include "gateway/config.h"

struct door_kind {
    const char *name; /* in POSTERN_SOCKETS and in the session */
    const struct conf_endpoints *(*listens)(const struct config *config);
    /* make - as root: reads what only root may. open - as the gateway's user. NULL and false come with a sentence for
     * the operator in `error`. */
    void *(*make)(struct engine *engine, const struct config *config, char *error, size_t size);
    bool (*open)(void *door, char *error, size_t size);
    /* listen - takes over a listening descriptor, of one of its places. */
    void (*listen)(void *door, int fd, const struct endpoint *at);
    /* retire - takes no more connections; those that are here go on until they end by themselves. drain - the same, but
     * those that are here are ended after their transaction. is_idle - no connection is left. */
    void (*retire)(void *door);
    void (*drain)(void *door);
    bool (*is_idle)(const void *door);
    /* free - cuts the connections that are left. NULL is fine. */
    void (*free)(void *door);
};

enum { DOORS_MAX = 8 };

extern const struct door_kind door_kinds[];
extern const size_t door_kind_count;

#endif
