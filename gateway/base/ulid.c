/* base/ulid.c - ids that sort by time. */
#include "gateway/base/ulid.h"

#include <sys/random.h>
#include <unistd.h>

#include "gateway/base/bug.h"

/* Random bytes are fetched 256 at a time, the most that getrandom() gives without being interrupted. A child that was
 * forked does not use its parent's. */
static _Thread_local uint8_t pool[256];
static _Thread_local size_t pool_left;
static _Thread_local pid_t pool_owner;

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
    pid_t self = getpid();

    if (pool_owner != self)
        pool_left = 0;
    pool_owner = self;
    for (int i = 9; i >= 0; i--, time >>= 5)
        out[i] = letters[time & 31];
    for (int i = 10; i < ULID_SIZE - 1; i++)
        out[i] = letters[random_byte() & 31];
    out[ULID_SIZE - 1] = '\0';
}
