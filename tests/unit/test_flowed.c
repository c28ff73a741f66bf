/* tests/unit/test_flowed.c - paragraphs of format=flowed text. */
#include "gateway/mail/flowed.h"

#include "tests/kit/expect.h"

static void lines_that_flow_are_joined(void **state)
{
    static const struct {
        const char *text, *joined;
        bool is_delsp;
    } cases[] = {
        { "", "", false },
        { "one \r\nline\r\n", "one line\n", false },
        { "one \nline", "one line", false },
        { "split \r\nup\r\n", "splitup\n", true },
        { "fixed\r\nlines\r\n", "fixed\nlines\n", false },
        { " From stuffed\r\n", "From stuffed\n", false },
        { "  two blanks\r\n", " two blanks\n", false },
        { "> quoted \r\n> text\r\nanswer\r\n", "> quoted text\nanswer\n", false },
        { ">> deep \r\n> shallow\r\n", ">> deep \n> shallow\n", false },
        { ">>no blank \r\n>>more\r\n", ">>no blank more\n", false },
        { "text \r\n-- \r\nname\r\n", "text \n-- \nname\n", false },
        { "end \r\n\r\nnext\r\n", "end \nnext\n", false },
        { "a \n \nb", "a\nb", true },
        { "ends in a blank ", "ends in a blank ", true },
        { " \r\n \r\n", "\n\n", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;

        arena_init(&a, 10000);
        EXPECT_SPAN(cases[i].joined, flowed_join(&a, span_of(cases[i].text), cases[i].is_delsp));
        arena_release(&a);
    }
}

RUN_TESTS(TEST(lines_that_flow_are_joined))
