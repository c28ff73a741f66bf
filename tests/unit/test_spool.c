/* tests/unit/test_spool.c - a message's bytes, in memory and in a file. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/mail/spool.h"

/* Puts `total` bytes in pieces of `piece`, and expects to read them back. */
static void round_trip(size_t total, size_t piece, size_t memory, bool is_file)
{
    struct spool *s = spool_new("/tmp", memory, 10 << 20);
    char *bytes = malloc(total + 1);
    struct span got;

    for (size_t i = 0; i < total; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (size_t at = 0; at < total; at += piece)
        EXPECT_INT(FAULT_NONE, spool_put(s, span_make(bytes + at, total - at < piece ? total - at : piece)));
    EXPECT_INT(FAULT_NONE, spool_seal(s, &got));
    EXPECT_INT(total, got.len);
    EXPECT_INT(0, memcmp(bytes, got.ptr, total));
    EXPECT_INT(is_file, spool_is_file(s));
    spool_free(s);
    free(bytes);
}

static void bytes_come_back_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = { 1000, 4096, 70000, 300000, 2000000 };

    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        round_trip(1000000, pieces[i], 256 * 1024, true);
        round_trip(200000, pieces[i], 256 * 1024, false);
    }
    round_trip(262144, 1000, 256 * 1024, false);
    round_trip(262145, 1000, 256 * 1024, true);
    round_trip(0, 1, 256 * 1024, false);
}

static void too_much_is_refused_and_counted(void **state)
{
    struct spool *s = spool_new("/tmp", 10, 20);
    struct span got;

    (void)state;
    EXPECT_INT(FAULT_NONE, spool_put(s, SPAN("0123456789abcdefghij")));
    EXPECT_INT(FAULT_FULL, spool_put(s, SPAN("x")));
    EXPECT_INT(FAULT_FULL, spool_put(s, SPAN("yz")));
    EXPECT_INT(23, spool_bytes(s));
    EXPECT_INT(FAULT_FULL, spool_seal(s, &got));
    spool_free(s);
}

/* In memory, and in a file with something still in memory. */
static void what_came_before_too_much_can_be_kept(void **state)
{
    static const size_t memory[] = { 100, 10 };

    (void)state;
    for (size_t i = 0; i < COUNT(memory); i++) {
        struct spool *s = spool_new("/tmp", memory[i], 20);
        struct span got;

        EXPECT_INT(FAULT_NONE, spool_put(s, SPAN("0123456789ab")));
        EXPECT_INT(FAULT_NONE, spool_put(s, SPAN("cdef")));
        EXPECT_INT(FAULT_FULL, spool_put(s, SPAN("ghijk")));
        EXPECT_INT(FAULT_FULL, spool_put(s, SPAN("l")));
        spool_cut(s);
        EXPECT_INT(FAULT_NONE, spool_seal(s, &got));
        EXPECT_SPAN("0123456789abcdef", got);
        EXPECT_INT(22, spool_bytes(s));
        spool_free(s);
    }
}

/* The bytes are there for as long as one owner is: in memory, and mapped. */
static void the_last_owner_takes_it_along(void **state)
{
    static const size_t memory[] = { 100, 10 };

    (void)state;
    for (size_t i = 0; i < COUNT(memory); i++) {
        struct spool *s = spool_new("/tmp", memory[i], 100);
        struct span first, second;

        EXPECT_INT(FAULT_NONE, spool_put(s, SPAN("0123456789abcdef")));
        EXPECT_INT(FAULT_NONE, spool_seal(s, &first));
        EXPECT_TRUE(spool_hold(s) == s && spool_hold(s) == s);
        spool_free(s);
        EXPECT_INT(FAULT_NONE, spool_seal(s, &second)); /* each owner does */
        EXPECT_TRUE(first.ptr == second.ptr);
        spool_free(s);
        EXPECT_SPAN("0123456789abcdef", second);
        spool_free(s);
    }
}

static void a_directory_that_is_not_there_is_a_fault(void **state)
{
    struct spool *s = spool_new("/nonexistent/spool", 10, 1000);

    (void)state;
    EXPECT_INT(FAULT_NONE, spool_put(s, SPAN("0123456789")));
    EXPECT_INT(FAULT_IO, spool_put(s, SPAN("x")));
    spool_free(s);
}

RUN_TESTS(TEST(bytes_come_back_whatever_the_pieces), TEST(too_much_is_refused_and_counted),
          TEST(what_came_before_too_much_can_be_kept), TEST(the_last_owner_takes_it_along),
          TEST(a_directory_that_is_not_there_is_a_fault))
