/* store/redis_slots.h - which node of a Redis Cluster has a key: the slot of a key, and the map of slots.
 *
 * Threads: any.
 */
#ifndef STORE_REDIS_SLOTS_H
#define STORE_REDIS_SLOTS_H

#include "gateway/store/redis_reply.h"
#include "gateway/store/redis_trouble.h"

enum { REDIS_NODES_MOST = 1000, REDIS_NO_OWNER = 0xffff };

/* redis_slot - CRC16 of the key, or of what stands inside of its first pair of braces, when that is not empty. */
unsigned redis_slot(struct span key);

struct redis_map {
    struct endpoint *masters; /* each once */
    size_t count;
    uint16_t owner[REDIS_SLOTS]; /* index into masters, or REDIS_NO_OWNER */
};

/* redis_map_read - out of the reply of CLUSTER SLOTS, which `asked` gave; release with redis_map_release().
 * FAULT_SYNTAX, FAULT_TOO_MANY. */
enum fault redis_map_read(const struct redis_reply *reply, const struct endpoint *asked, struct redis_map *out);
void redis_map_release(struct redis_map *map);

#endif
