/* store/redis_slots.c - which node of a Redis Cluster has a key. */
#include "gateway/store/redis_slots.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { CRC_POLYNOMIAL = 0x1021 }; /* CRC-16/XMODEM */

static unsigned crc16(struct span bytes)
{
    unsigned crc = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned)(uint8_t)bytes.ptr[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000 ? crc << 1 ^ CRC_POLYNOMIAL : crc << 1) & 0xffff;
    }
    return crc;
}

unsigned redis_slot(struct span key)
{
    size_t open = span_find(key, '{');

    if (open != SPAN_NPOS) {
        struct span inside = span_skip(key, open + 1);
        size_t close = span_find(inside, '}');

        if (close != SPAN_NPOS && close > 0)
            key = span_first(inside, close);
    }
    return crc16(key) % REDIS_SLOTS;
}

static enum fault master_index(struct redis_map *map, const struct endpoint *at, uint16_t *index)
{
    size_t i = 0;

    while (i < map->count && !endpoint_eq(&map->masters[i], at))
        i++;
    if (i == REDIS_NODES_MOST)
        return FAULT_TOO_MANY;
    if (i == map->count) {
        if (!(i & (i - 1)))
            map->masters = mem_grow(map->masters, (i ? 2 * i : 1) * sizeof *map->masters);
        map->masters[map->count++] = *at;
    }
    *index = (uint16_t)i;
    return FAULT_NONE;
}

/* [first, last, [host, port, ...], replicas...]; a host may be nil */
static enum fault read_range(struct redis_map *map, const struct redis_reply *range, const struct endpoint *asked)
{
    const struct redis_reply *i = range->items;
    struct endpoint at;
    uint16_t index = 0;

    if (range->type != REDIS_ARRAY || range->count < 3 || i[0].type != REDIS_INTEGER || i[1].type != REDIS_INTEGER ||
        i[0].integer < 0 || i[0].integer > i[1].integer || i[1].integer >= REDIS_SLOTS)
        return FAULT_SYNTAX;
    const struct redis_reply *master = &i[2];

    if (master->type != REDIS_ARRAY || master->count < 2 ||
        (master->items[0].type != REDIS_STRING && master->items[0].type != REDIS_NIL) ||
        master->items[1].type != REDIS_INTEGER || master->items[1].integer < 0 ||
        redis_endpoint(master->items[0].text, (uint64_t)master->items[1].integer, asked, &at))
        return FAULT_SYNTAX;
    enum fault fault = master_index(map, &at, &index);

    for (int64_t slot = i[0].integer; !fault && slot <= i[1].integer; slot++) {
        fault = map->owner[slot] == REDIS_NO_OWNER ? FAULT_NONE : FAULT_SYNTAX;
        map->owner[slot] = index;
    }
    return fault;
}

enum fault redis_map_read(const struct redis_reply *reply, const struct endpoint *asked, struct redis_map *out)
{
    struct redis_map map = { 0 };
    enum fault fault = reply->type == REDIS_ARRAY && reply->count <= REDIS_SLOTS ? FAULT_NONE : FAULT_SYNTAX;

    for (size_t i = 0; i < REDIS_SLOTS; i++)
        map.owner[i] = REDIS_NO_OWNER;
    for (size_t i = 0; !fault && i < reply->count; i++)
        fault = read_range(&map, &reply->items[i], asked);
    if (fault)
        redis_map_release(&map);
    else
        *out = map;
    return fault;
}

void redis_map_release(struct redis_map *map)
{
    free(map->masters);
    map->masters = NULL;
    map->count = 0;
}
