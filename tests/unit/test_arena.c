/* tests/unit/test_arena.c - memory that goes all at once. */
#include "tests/kit/expect.h"

#include "gateway/base/arena.h"

static bool is_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 2047, 2048, 2049, 4096, 100000, 3, 5000, 8 };
    struct arena a;
    char *pieces[COUNT(sizes)];

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        pieces[i] = arena_alloc(&a, sizes[i]);
        EXPECT_INT(0, (uintptr_t)pieces[i] % _Alignof(max_align_t));
        EXPECT_TRUE(is_zero(pieces[i], sizes[i]));
        memset(pieces[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t k = 0; k < sizes[i]; k++)
            EXPECT_INT(i + 1, pieces[i][k]);
    arena_release(&a);
}

static void clearing_gives_zeroes_again(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    arena_clear(&a); /* of nothing */
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            char *p = arena_alloc(&a, 300);

            EXPECT_TRUE(is_zero(p, 300));
            memset(p, 0xff, 300);
        }
        arena_clear(&a);
        EXPECT_INT(0, a.used_bytes);
    }
    arena_release(&a);
    EXPECT_INT(1 << 20, a.soft_most_bytes);
}

static void a_large_piece_does_not_end_the_block_in_use(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    char *first = arena_alloc(&a, 16);
    char *large = arena_alloc(&a, 50000);
    char *second = arena_alloc(&a, 16);

    memset(large, 1, 50000);
    EXPECT_TRUE(second == first + 16);
    arena_clear(&a);
    EXPECT_TRUE(is_zero(arena_alloc(&a, 900), 900));
    arena_clear(&a);
    EXPECT_TRUE(first == arena_alloc(&a, 16)); /* the block of usual size was kept, and the large one was not */
    arena_release(&a);
}

static void it_tells_when_it_has_outgrown_its_measure(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1000);
    EXPECT_FALSE(arena_is_over(&a));
    arena_alloc(&a, 992);
    EXPECT_FALSE(arena_is_over(&a));
    arena_alloc(&a, 16);
    EXPECT_TRUE(arena_is_over(&a));
    arena_clear(&a);
    EXPECT_FALSE(arena_is_over(&a));
    arena_release(&a);
}

static void arrays_grow_with_their_elements(void **state)
{
    struct arena a;
    int *numbers = NULL;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t n = 1; n <= 512; n *= 2) {
        numbers = arena_grow(&a, numbers, n / 2, n, sizeof *numbers);
        for (size_t i = 0; i < n / 2; i++)
            EXPECT_INT(i, numbers[i]);
        for (size_t i = n / 2; i < n; i++) {
            EXPECT_INT(0, numbers[i]);
            numbers[i] = (int)i;
        }
    }
    arena_release(&a);
}

static void copies_end_in_nul(void **state)
{
    struct arena a;
    char long_text[3000];

    (void)state;
    arena_init(&a, 1 << 20);
    EXPECT_STR("ab", arena_dup(&a, span_make("abc", 2)));
    EXPECT_STR("", arena_dup(&a, span_make(NULL, 0)));
    EXPECT_SPAN("abc", arena_copy(&a, SPAN("abc")));
    EXPECT_STR("7 of x", arena_printf(&a, "%d of %s", 7, "x"));
    memset(long_text, 'y', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    EXPECT_STR(long_text, arena_printf(&a, "%s", long_text));
    for (size_t n = 1; n < 1000; n++) { /* at every distance from the end of a block */
        EXPECT_STR(long_text + sizeof long_text - n, arena_printf(&a, "%s", long_text + sizeof long_text - n));
        EXPECT_TRUE(is_zero(arena_alloc(&a, 16), 16));
    }
    arena_release(&a);
}

RUN_TESTS(TEST(pieces_are_zeroed_aligned_and_apart), TEST(clearing_gives_zeroes_again),
          TEST(a_large_piece_does_not_end_the_block_in_use), TEST(it_tells_when_it_has_outgrown_its_measure),
          TEST(arrays_grow_with_their_elements), TEST(copies_end_in_nul))
