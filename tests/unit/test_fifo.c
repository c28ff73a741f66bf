/* tests/unit/test_fifo.c - bytes come out as they went in, and an empty one holds no memory. */
#include "tests/kit/expect.h"

#include "gateway/net/fifo.h"

static void bytes_come_out_as_they_went_in(void **state)
{
    struct fifo f = { 0 };
    unsigned in = 0, out = 0, random = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        random = random * 1103515245 + 12345;
        size_t bytes = (random >> 16) % 700;
        char *room = fifo_room(&f, bytes);

        for (size_t i = 0; i < bytes; i++)
            room[i] = (char)in++;
        fifo_added(&f, bytes);
        random = random * 1103515245 + 12345;
        size_t drop = (random >> 16) % 720;
        struct span s = fifo_span(&f);

        drop = drop > s.len ? s.len : drop;
        for (size_t i = 0; i < drop; i++)
            EXPECT_INT((char)out++, s.ptr[i]);
        fifo_drop(&f, drop);
        EXPECT_INT(in - out, fifo_len(&f));
    }
    fifo_release(&f);
}

static void an_empty_one_holds_no_memory(void **state)
{
    struct fifo f = { 0 };

    (void)state;
    fifo_put(&f, SPAN(""));
    EXPECT_NULL(f.data);
    fifo_put(&f, SPAN("ab"));
    fifo_drop(&f, 1);
    EXPECT_SPAN("b", fifo_span(&f));
    fifo_put(&f, SPAN("c"));
    EXPECT_SPAN("bc", fifo_span(&f));
    fifo_drop(&f, 2);
    EXPECT_NULL(f.data);
    EXPECT_SPAN("", fifo_span(&f));
}

static void what_has_gone_from_a_secret_one_is_wiped(void **state)
{
    struct fifo f = { .is_secret = true };

    (void)state;
    fifo_put(&f, SPAN("user password"));
    const char *memory = f.data;

    fifo_drop(&f, 5);
    EXPECT_SPAN("password", fifo_span(&f));
    for (size_t i = 0; i < 5; i++)
        EXPECT_INT(0, memory[i]);
    fifo_release(&f);
    EXPECT_TRUE(f.is_secret);
    f.is_secret = false;
    fifo_put(&f, SPAN("user password"));
    fifo_drop(&f, 5);
    EXPECT_INT('u', f.data[0]);
    fifo_release(&f);
}

RUN_TESTS(TEST(bytes_come_out_as_they_went_in), TEST(an_empty_one_holds_no_memory),
          TEST(what_has_gone_from_a_secret_one_is_wiped))
