/* base/ulid.c - ids that sort by time. */
#include "gateway/base/ulid.h"

#include <stdlib.h>
#include <sys/random.h>

#include "gateway/base/bug.h"

/* Random bytes are fetched 512 at a time: a system call per message would be most of an id's cost. */
static _Thread_local uint8_t pool[512];
static _Thread_local size_t pool_left;

static uint8_t random_byte(void)
{
    if (!pool_left) {
        if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
            BUG("getrandom");
        pool_left = sizeof pool;
    }
    return pool[--pool_left];
}

void ulid_make(int64_t wall_ms, char out[ULID_SIZE])
{
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t time = (uint64_t)wall_ms;

    for (int i = 9; i >= 0; i--, time >>= 5)
        out[i] = letters[time & 31];
    for (int i = 10; i < ULID_SIZE - 1; i++)
        out[i] = letters[random_byte() & 31];
    out[ULID_SIZE - 1] = '\0';
}
