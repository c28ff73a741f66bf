/* tests/unit/test_dnsbl_hash.c - names under which lists of hashes are asked. */
#include "scanners/dnsbl_hash.h"

#include "tests/kit/expect.h"

static void hashes_are_written_as_lists_want_them(void **state)
{
    static const struct {
        enum dnsbl_hash kind;
        const char *text, *written;
    } cases[] = {
        { DNSBL_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { DNSBL_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { DNSBL_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
        { DNSBL_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { DNSBL_SHA1_BASE32, "abc", "vgmt4nsha2awvor6evyxqugcnsonbwe5" },
        { DNSBL_SHA256_BASE32, "abc", "xj4bnp4pahh6uqkbidpf3lrceoyagyndsylxvhfucd7wd4qacwwq" },
    };
    char out[DNSBL_HASH_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].written, dnsbl_hash(cases[i].kind, cases[i].text, out));
}

RUN_TESTS(TEST(hashes_are_written_as_lists_want_them))
