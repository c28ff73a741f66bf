/* tests/unit/test_utf8.c - is it UTF-8? */
#include "gateway/base/utf8.h"

#include "tests/kit/expect.h"

static void only_well_formed_text_is_valid(void **state)
{
    static const struct {
        const char *text;
        bool is_valid;
    } cases[] = {
        { "", true },
        { "plain", true },
        { "\xc3\xbc", true },
        { "\xe2\x82\xac", true },
        { "\xf0\x9f\x93\xa7", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },             /* a continuation alone */
        { "\xc3", false },             /* cut */
        { "a\xe2\x82", false },        /* cut */
        { "\xc0\xaf", false },         /* overlong */
        { "\xe0\x80\xaf", false },     /* overlong */
        { "\xf0\x80\x80\xaf", false }, /* overlong */
        { "\xed\xa0\x80", false },     /* surrogate */
        { "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
        { "\xf8\x88\x80\x80\x80", false },
        { "\xff", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].is_valid, utf8_is_valid(span_of(cases[i].text)));
    EXPECT_INT(3, utf8_length(SPAN("\xe2\x82\xac!")));
    EXPECT_TRUE(ascii_is_all(SPAN("a\x7f")));
    EXPECT_FALSE(ascii_is_all(SPAN("a\x80")));
}

RUN_TESTS(TEST(only_well_formed_text_is_valid))
