/* tests/unit/test_shown.c - what of a stranger's text gets to a terminal. */
#include "gateway/cli/shown.h"

#include <stdlib.h>

#include "tests/kit/expect.h"

static void expect_shown(const char *text, size_t most, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 4096);
    cli_put_shown(&out, span_of(text), most);
    EXPECT_SPAN(expected, strbuf_span(&out));
    strbuf_release(&out);
}

static void set_language(const char *all, const char *ctype, const char *lang)
{
    setenv("LC_ALL", all, 1);
    setenv("LC_CTYPE", ctype, 1);
    setenv("LANG", lang, 1);
}

static void letters_of_every_script_are_shown(void **state)
{
    (void)state;
    set_language("", "", "en_GB.UTF-8");
    expect_shown("a \"b\" \xc3\xa4 \xd0\xbf\xd1\x80 \xe6\x97\xa5 \xf0\x9f\x98\x80", 100,
                 "a \"b\" \xc3\xa4 \xd0\xbf\xd1\x80 \xe6\x97\xa5 \xf0\x9f\x98\x80");
}

static void what_steers_or_hides_is_not(void **state)
{
    (void)state;
    set_language("", "C.utf8", "");
    expect_shown("\033[2J\r\n\x7f\t\\", 100, "\\x1b[2J\\x0d\\x0a\\x7f\\x09\\\\");
    expect_shown("\xc2\x9b\x32J", 100, "\\xc2\\x9b2J"); /* a control character of eight bits */
    expect_shown("x\xe2\x80\xae"
                 "cod.exe",
                 100,
                 "x\\xe2\\x80\\xae"
                 "cod.exe");
    expect_shown("pay\xe2\x80\x8bpal\xef\xbb\xbf", 100, "pay\\xe2\\x80\\x8bpal\\xef\\xbb\\xbf");
    expect_shown("\xff\xc3", 100, "\\xff\\xc3");
}

static void a_terminal_without_utf8_gets_ascii(void **state)
{
    (void)state;
    set_language("C", "", "en_GB.UTF-8");
    expect_shown("\xc3\xa4", 100, "\\xc3\\xa4");
    set_language("", "", "");
    expect_shown("\xc3\xa4", 100, "\\xc3\\xa4");
}

static void a_long_text_is_cut_behind_a_whole_character(void **state)
{
    (void)state;
    set_language("", "", "C.UTF-8");
    expect_shown("ab\xc3\xa4z", 3, "ab\xc3\xa4...");
    expect_shown("ab\xc3\xa4z", 5, "ab\xc3\xa4z");
}

RUN_TESTS(TEST(letters_of_every_script_are_shown), TEST(what_steers_or_hides_is_not),
          TEST(a_terminal_without_utf8_gets_ascii), TEST(a_long_text_is_cut_behind_a_whole_character))
