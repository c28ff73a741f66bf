/* store/local.c - rates and counters in memory. */
#include "gateway/store/local.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

struct held {
    char *key; /* NULL: free */
    size_t key_len;
    int64_t expires_ms;
    uint8_t len;
    char bytes[LOCAL_VALUE_MAX];
};

struct local {
    struct held held[LOCAL_SETS][LOCAL_WAYS];
};

struct local *local_new(void)
{
    return mem_alloc(sizeof(struct local));
}

void local_free(struct local *local)
{
    if (!local)
        return;
    for (size_t i = 0; i < LOCAL_SETS; i++)
        for (size_t j = 0; j < LOCAL_WAYS; j++)
            free(local->held[i][j].key);
    free(local);
}

static struct held *set_of(struct local *local, struct span key)
{
    uint64_t h = 14695981039346656037ULL;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (uint8_t)key.ptr[i]) * 1099511628211ULL;
    return local->held[(h ^ h >> 29) % LOCAL_SETS];
}

static struct held *find(struct held *set, struct span key)
{
    for (size_t i = 0; i < LOCAL_WAYS; i++)
        if (set[i].key && span_eq(span_make(set[i].key, set[i].key_len), key))
            return &set[i];
    return NULL;
}

/* A place for `key`: a free one, or that which would have expired first. */
static struct held *make_room(struct held *set, struct span key)
{
    struct held *place = &set[0];

    for (size_t i = 1; i < LOCAL_WAYS && place->key; i++)
        if (!set[i].key || set[i].expires_ms < place->expires_ms)
            place = &set[i];
    free(place->key);
    place->key = mem_alloc(key.len + 1);
    memcpy(place->key, key.ptr, key.len);
    place->key_len = key.len;
    return place;
}

void local_do(struct local *local, const struct store_op *op, struct store_answer *answer)
{
    bool is_rate = op->kind == STORE_RATE_TAKE || op->kind == STORE_RATE_GIVE;

    if (!is_rate && op->kind != STORE_COUNT) {
        *answer = (struct store_answer){ .state = STORE_FAILED, .why = "the state store is out" };
        return;
    }
    struct held *set = set_of(local, op->key), *held = find(set, op->key);
    struct store_record record;

    record.len = held ? held->len : 0;
    record.expires_ms = held ? held->expires_ms : 0;
    if (held)
        memcpy(record.bytes, held->bytes, held->len);
    op_apply(op, &record, NULL, answer);
    if (record.len > LOCAL_VALUE_MAX)
        BUG("a record of %zu bytes", record.len);
    if (!held)
        held = make_room(set, op->key);
    memcpy(held->bytes, record.bytes, record.len);
    held->len = (uint8_t)record.len;
    held->expires_ms = record.expires_ms;
}
