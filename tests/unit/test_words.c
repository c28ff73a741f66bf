/* tests/unit/test_words.c - encoded words. */
#include "gateway/mail/words.h"

#include "tests/kit/expect.h"

enum { AMPLE = 100000 };

static void words_are_decoded_as_readers_decode_them(void **state)
{
    static const struct {
        const char *body, *text;
        unsigned flaws;
    } cases[] = {
        { " plain text\r\n", "plain text", 0 },
        { "folded\r\n text", "folded text", 0 },
        { "=?iso-8859-1?q?gr=FC=DF_dich?=", "gr\xc3\xbc\xc3\x9f dich", 0 },
        { "=?UTF-8?B?Z3LDvMOf?= there", "gr\xc3\xbc\xc3\x9f there", 0 },
        { "=?utf-8*de?Q?gr=C3=BC=C3=9F?=", "gr\xc3\xbc\xc3\x9f", 0 },
        { "=?utf-8?q?a?= =?utf-8?q?b?=\r\n =?utf-8?q?c?= d", "abc d", 0 },
        { "=?utf-8?q?a?= and =?utf-8?q?b?=", "a and b", 0 },
        { "=?utf-8?q?a?= =?iso-8859-1?q?=FC?=", "a\xc3\xbc", 0 },
        { "=?utf-8?q?gr=C3?= =?utf-8?q?=BC=C3=9F?=", "gr\xc3\xbc\xc3\x9f", WORDS_SPLIT },
        { "=?gb2312?b?1tC5?= =?gb2312?b?+g==?=", "\xe4\xb8\xad\xe5\x9b\xbd", 0 },
        { "=?utf-16?b?/v8AYQ==?= =?utf-16?b?//5iAA==?=", "ab", 0 },
        { "=?utf-8?b?Z3LD?= =?utf-8?q?=BC?=", "gr\xc3\xbc", WORDS_SPLIT },
        { "=?utf-8?q?with blanks inside?=", "with blanks inside", 0 },
        { "close=?utf-8?q?ly?=packed", "closelypacked", 0 },
        { "\"=?utf-8?q?x?=\"", "\"x\"", WORDS_IN_QUOTES },
        { "=?utf-8?q?"
          "?=",
          "", 0 },
        { "=?utf-8?x?a?=", "=?utf-8?x?a?=", WORDS_BROKEN },
        { "=?utf-8?q?no end", "=?utf-8?q?no end", WORDS_BROKEN },
        { "=?utf-8?q?a?= =?utf-8?x?b?=", "a =?utf-8?x?b?=", WORDS_BROKEN },
        { "=?nonsense?q?gr=FC?=", "gr\xc3\xbc", WORDS_CHARSET },
        { "=?utf-8?q?gr=FC?=", "gr\xef\xbf\xbd", WORDS_CHARSET },
        { "raw gr\xc3\xbc\xc3\x9f", "raw gr\xc3\xbc\xc3\x9f", WORDS_8BIT },
        { "raw gr\xfc =?utf-8?q?x?=", "raw gr\xc3\xbc x", WORDS_8BIT },
        { "=?utf-8?q?=4?= =?utf-8?q?=?=", "=4=", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        unsigned flaws = 0;

        arena_init(&a, AMPLE);
        EXPECT_SPAN(cases[i].text, words_decode(&a, span_of(cases[i].body), AMPLE, &flaws));
        EXPECT_INT(cases[i].flaws, flaws);
        arena_release(&a);
    }
}

static void the_result_has_a_limit(void **state)
{
    struct arena a;
    unsigned flaws = 0;

    (void)state;
    arena_init(&a, AMPLE);
    EXPECT_SPAN("abc", words_decode(&a, SPAN("abcdef"), 3, &flaws));
    EXPECT_INT(WORDS_TOO_LONG, flaws);
    flaws = 0;
    EXPECT_SPAN("a\xc3\xbc", words_decode(&a, SPAN("=?utf-8?q?a=C3=BC=C3=BC?= b"), 4, &flaws));
    EXPECT_TRUE(flaws & WORDS_TOO_LONG);
    arena_release(&a);
}

RUN_TESTS(TEST(words_are_decoded_as_readers_decode_them), TEST(the_result_has_a_limit))
