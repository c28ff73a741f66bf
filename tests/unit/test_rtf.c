/* tests/unit/test_rtf.c - the text that Rich Text shows. */
#include "gateway/mail/rtf.h"

#include "gateway/base/strbuf.h"
#include "tests/kit/expect.h"

enum { AMPLE = 100000 };

static void text_is_found(void **state)
{
    static const struct {
        const char *rtf, *text;
        bool is_html;
    } cases[] = {
        { "", "", false },
        { "{\\rtf1\\ansi Hello\\par\r\nworld}", "Hello\nworld", false },
        { "{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0\\'e8}", "\xd0\x9f\xd1\x80\xd0\xb8", false },
        { "{\\rtf1\\ansicpg932 \\'93\\'fa}", "\xe6\x97\xa5", false },
        { "{\\rtf1 a\\{b\\}\\\\c\\~d\\tab e}",
          "a{b}\\c\xc2\xa0"
          "d\te",
          false },
        { "{\\rtf1\\uc1 \\u8364?\\u-10179 ?\\u-8973 ?x\\uc0\\u65 b}",
          "\xe2\x82\xac\xf0\x9f\x93\xb3x"
          "Ab",
          false },
        { "{\\rtf1 \\u-10179 ?x}", "\xef\xbf\xbdx", false },
        { "{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\*\\generator Word;}{\\info{\\title no}}{\\pict 4142}yes}", "yes", false },
        { "{\\rtf1{\\b bold}{\\i and italic} \\ldblquote x\\rdblquote}", "boldand italic \xe2\x80\x9cx\xe2\x80\x9d",
          false },
        { "{\\rtf1 {\\field{\\*\\fldinst HYPERLINK \"http://a.example/\"}{\\fldrslt here}}}",
          "HYPERLINK \"http://a.example/\"here", false },
        { "{\\rtf1 a{\\bin3 {{{}b}", "ab", false },
        { "{\\rtf1\\fromhtml1 {\\*\\htmltag64 <b>}\\htmlrtf {\\b \\htmlrtf0 bold\\htmlrtf }\\htmlrtf0 {\\*\\htmltag72 "
          "</b>}"
          "{\\*\\mhtmltag no}}",
          "<b>bold</b>", true },
        { "{\\rtf1 {\\*\\htmltag64 <b>}text}", "text", false },
        { "}}}{{{text", "text", false },
        { "\\", "", false },
        { "\\'", "", false },
        { "\\u", "", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rtf_text found;
        struct arena a;

        arena_init(&a, AMPLE);
        rtf_read(&a, span_of(cases[i].rtf), AMPLE, &found);
        EXPECT_SPAN(cases[i].text, found.text);
        EXPECT_INT(cases[i].is_html, found.is_html);
        EXPECT_FALSE(found.is_cut);
        arena_release(&a);
    }
}

static void groups_may_be_deep(void **state)
{
    char rtf[2003];
    struct rtf_text found;
    struct arena a;

    (void)state;
    memset(rtf, '{', 1000);
    memcpy(rtf + 1000, "abc", 3);
    memset(rtf + 1003, '}', 1000);
    arena_init(&a, AMPLE);
    rtf_read(&a, span_make(rtf, sizeof rtf), 2, &found);
    EXPECT_SPAN("ab", found.text);
    EXPECT_TRUE(found.is_cut);
    arena_release(&a);
}

/* No character is torn where a long run of bytes is converted in parts. */
static void long_texts_of_two_byte_characters_are_whole(void **state)
{
    struct rtf_text found;
    struct strbuf b;
    struct arena a;

    (void)state;
    arena_init(&a, AMPLE);
    strbuf_init(&b, AMPLE);
    strbuf_puts(&b, "{\\rtf1\\ansicpg932 x");
    for (int i = 0; i < 4000; i++)
        strbuf_puts(&b, i % 50 ? "\\'93\\'fa" : " ");
    rtf_read(&a, strbuf_span(&b), AMPLE, &found);
    EXPECT_TRUE(span_search(found.text, SPAN("\xef\xbf\xbd")) == SPAN_NPOS);
    EXPECT_INT(1 + 80 + 3920 * 3, found.text.len);
    strbuf_release(&b);
    arena_release(&a);
}

RUN_TESTS(TEST(text_is_found), TEST(groups_may_be_deep), TEST(long_texts_of_two_byte_characters_are_whole))
