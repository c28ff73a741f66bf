/* tests/kit/arena_tests.h - a program of tests that share an arena: it is there before the first, and gone after the
 * last.
 */
#ifndef KIT_ARENA_TESTS_H
#define KIT_ARENA_TESTS_H

#include "gateway/base/arena.h"
#include "tests/kit/expect.h"

static struct arena arena;

static int arena_tests_begin(void **state)
{
    (void)state;
    arena_init(&arena, SIZE_MAX);
    return 0;
}

static int arena_tests_end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

#define RUN_ARENA_TESTS(...)                                                                                           \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };                                                             \
        return cmocka_run_group_tests(tests, arena_tests_begin, arena_tests_end);                                      \
    }

#endif
