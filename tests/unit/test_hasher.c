/* tests/unit/test_hasher.c - pieces of any size make the same hash. */
#include "gateway/mail/hasher.h"

#include <stdlib.h>

#include "tests/kit/expect.h"

static void a_hash_is_what_others_say(void **state)
{
    static const unsigned char sha256[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f }, sha1[] = { 0xa9, 0x99, 0x3e, 0x36, 0x47 };
    unsigned char out[HASH_BYTES_MAX];
    struct hasher h;

    (void)state;
    hasher_start(&h, HASH_SHA256, HASHER_ALL);
    hasher_put(&h, SPAN("ab"));
    hasher_putc(&h, 'c');
    hasher_end(&h, out);
    assert_memory_equal(sha256, out, sizeof sha256);
    hasher_start(&h, HASH_SHA1, HASHER_ALL);
    hasher_put(&h, SPAN("abc"));
    hasher_end(&h, out);
    assert_memory_equal(sha1, out, sizeof sha1);
}

static void pieces_do_not_matter(void **state)
{
    enum { LENGTH = 20000 };
    static const size_t pieces[] = { 1, 3, 511, 512, 513, 4095, 4096, 4097, LENGTH };
    char *text = malloc(LENGTH);
    unsigned char want[HASH_BYTES_MAX], got[HASH_BYTES_MAX];
    struct hasher h;

    (void)state;
    for (size_t i = 0; i < LENGTH; i++)
        text[i] = (char)(i * 7 + i / 251);
    for (uint64_t most = LENGTH - 1000; most <= LENGTH + 1000; most += 1000) {
        hasher_start(&h, HASH_SHA256, HASHER_ALL);
        hasher_put(&h, span_make(text, most < LENGTH ? most : LENGTH));
        hasher_end(&h, want);
        for (size_t p = 0; p < COUNT(pieces); p++) {
            hasher_start(&h, HASH_SHA256, most);
            for (size_t at = 0; at < LENGTH; at += pieces[p])
                hasher_put(&h, span_first(span_make(text + at, LENGTH - at), pieces[p]));
            hasher_end(&h, got);
            EXPECT_INT(LENGTH, h.total);
            assert_memory_equal(want, got, sizeof want);
        }
    }
    free(text);
}

RUN_TESTS(TEST(a_hash_is_what_others_say), TEST(pieces_do_not_matter))
