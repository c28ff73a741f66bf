/* tests/unit/test_crypto.c - what each thread keeps for hashing. */
#include "gateway/mail/crypto.h"

#include <pthread.h>

#include "tests/kit/expect.h"

static void hash(struct span text, unsigned char out[HASH_BYTES_MAX])
{
    struct crypto *here = crypto_here();

    crypto_hash_start(here, HASH_SHA256);
    crypto_hash_put(here, text);
    crypto_hash_end(here, out);
}

static void contexts_are_used_again(void **state)
{
    static const unsigned char abc[] = { 0xba, 0x78, 0x16, 0xbf };
    unsigned char out[HASH_BYTES_MAX];
    struct crypto *here = crypto_here();

    (void)state;
    for (int i = 0; i < 3; i++) {
        hash(SPAN("abc"), out);
        assert_memory_equal(abc, out, sizeof abc);
        hash(SPAN(""), out);
        EXPECT_INT(0xe3, out[0]);
    }
    EXPECT_TRUE(here == crypto_here());
    EXPECT_INT(32, hash_bytes(HASH_SHA256));
    EXPECT_INT(20, hash_bytes(HASH_SHA1));
}

static int released;

static void count_release(void *keys)
{
    released += *(int *)keys;
}

static void *borrow(void *keys)
{
    unsigned char out[HASH_BYTES_MAX];

    hash(SPAN("abc"), out);
    crypto_here()->keys = keys;
    crypto_here()->free_keys = count_release;
    return crypto_here();
}

static void a_thread_gives_all_back_when_it_ends(void **state)
{
    int one = 1;

    (void)state;
    released = 0;
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *theirs = NULL;

        EXPECT_INT(0, pthread_create(&thread, NULL, borrow, &one));
        EXPECT_INT(0, pthread_join(thread, &theirs));
        EXPECT_TRUE(theirs != NULL && theirs != (void *)crypto_here());
        EXPECT_INT(i + 1, released);
    }
}

static void what_is_forgotten_is_made_anew(void **state)
{
    unsigned char out[HASH_BYTES_MAX];

    (void)state;
    crypto_forget();
    crypto_forget();
    hash(SPAN("abc"), out);
    EXPECT_INT(0xba, out[0]);
}

static void two_texts_have_a_digest_that_knows_where_the_first_ends(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    EXPECT_SPAN("6c032e631d39a14d85aff7e319546af7", crypto_digest_two(&a, SPAN("ab"), SPAN("c")));
    EXPECT_TRUE(!span_eq(crypto_digest_two(&a, SPAN("ab"), SPAN("c")), crypto_digest_two(&a, SPAN("a"), SPAN("bc"))));
    arena_release(&a);
}

RUN_TESTS(TEST(contexts_are_used_again), TEST(a_thread_gives_all_back_when_it_ends),
          TEST(what_is_forgotten_is_made_anew), TEST(two_texts_have_a_digest_that_knows_where_the_first_ends))
