/* tests/kit/signer_room.h - a signer and an arena for all tests of a program: for one that includes it once and gives
 * signer_start and signer_stop to its group of tests.
 */
#ifndef KIT_SIGNER_ROOM_H
#define KIT_SIGNER_ROOM_H

#include "tests/kit/signer.h"

static struct arena arena;
static struct signer *signer;

static int signer_start(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 28);
    signer = signer_new(0);
    return 0;
}

static int signer_stop(void **state)
{
    (void)state;
    signer_free(signer);
    arena_release(&arena);
    return 0;
}

#endif
