/* tests/unit/test_texts.c - pieces of text, as the kinds of rules have them. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "rules/view/texts.h"

static void blanks_become_one_and_empty_lines_end_a_paragraph(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "one", "one" },
        { "one two", "one two" },
        { "one  two\tthree\nfour", "one two three four" },
        { "one\n\ntwo", "one\ntwo" },
        { "one \n \n\t\n two", "one \n two" },
        { "one\n \ntwo\n", "one\ntwo " },
        { "\n\n\none", "\none" },
        { "a\xc2\xa0"
          "b\xe2\x80\x83"
          "c\xe3\x80\x80"
          "d",
          "a b c d" },
        { "a\xc2\xa9"
          "b\xe2\x82\xac"
          "c\xe3\x81\x82",
          "a\xc2\xa9"
          "b\xe2\x82\xac"
          "c\xe3\x81\x82" },
        { "a \xc2\xa0 b", "a b" },
        { "cut \xe2\x80", "cut \xe2\x80" },
        { "one two\r\n\r\nthree", "one two \n"
                                  "three" },
    };
    char out[100];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_SPAN(cases[i].want, span_make(out, text_squeeze(span_of(cases[i].text), out)));
}

static void long_lines_are_cut_at_a_space(void **state)
{
    struct rule_lines lines = { 0 };
    struct arena a;
    size_t room = 0;
    char *text = mem_alloc(10000);

    (void)state;
    arena_init(&a, 1 << 20);
    memset(text, 'x', 10000);
    text[2000] = ' ';
    text[9000] = '\n';
    text_paragraphs(&a, &lines, &room, span_make(text, 10000));
    EXPECT_INT(6, lines.count);
    EXPECT_INT(2001, lines.items[0].len); /* behind the space */
    EXPECT_INT(2048, lines.items[1].len); /* there is none */
    EXPECT_INT(2048, lines.items[2].len);
    EXPECT_INT(2048, lines.items[3].len);
    EXPECT_INT(9001 - 2001 - 3 * 2048, lines.items[4].len); /* its line end belongs to it */
    EXPECT_INT(999, lines.items[5].len);
    lines_join(&a, &lines);
    EXPECT_INT(10000 + 6, lines.joined.len);
    EXPECT_INT('\n', lines.joined.ptr[2001]);
    EXPECT_TRUE(lines.items[1].ptr == lines.joined.ptr + 2002);
    free(text);
    arena_release(&a);
}

static void raw_text_is_cut_behind_line_ends(void **state)
{
    static const struct {
        size_t bytes, newline, angle, space;
        size_t want[3];
    } cases[] = {
        { 4096, 3000, 0, 0, { 4096 } },
        { 5000, 3000, 2500, 2100, { 3001, 1999 } },
        { 5000, 1000, 2500, 2100, { 2501, 2499 } }, /* too early: the next best */
        { 5000, 4100, 0, 2100, { 2101, 2899 } },    /* too late */
        { 5000, 0, 0, 0, { 2049, 2951 } },
        { 1, 0, 0, 0, { 1 } },
    };
    char *text = mem_alloc(5000);
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rule_lines lines = { 0 };
        size_t room = 0;

        memset(text, 'x', 5000);
        text[cases[i].newline] = cases[i].newline ? '\n' : 'x';
        text[cases[i].angle] = cases[i].angle ? '>' : 'x';
        text[cases[i].space] = cases[i].space ? ' ' : 'x';
        text_pieces(&a, &lines, &room, span_make(text, cases[i].bytes));
        for (size_t k = 0; k < lines.count; k++)
            EXPECT_INT(cases[i].want[k], lines.items[k].len);
        EXPECT_INT(cases[i].want[1] ? 2 : 1, lines.count);
    }
    free(text);
    arena_release(&a);
}

static void a_part_is_looked_at_up_to_a_limit(void **state)
{
    char *text = mem_alloc(5000);

    (void)state;
    memset(text, 'x', 5000);
    EXPECT_INT(5000, text_cut(span_make(text, 5000), 0, "\n").len);
    EXPECT_INT(5000, text_cut(span_make(text, 5000), 5000, "\n").len);
    EXPECT_INT(1000, text_cut(span_make(text, 5000), 1000, "\n ").len);
    text[1500] = ' ';
    EXPECT_INT(1501, text_cut(span_make(text, 5000), 1000, "\n ").len);
    text[2024] = '\n';
    EXPECT_INT(2025, text_cut(span_make(text, 5000), 1000, "\n ").len);
    text[2024] = 'x';
    text[2025] = '\n'; /* too far */
    EXPECT_INT(1501, text_cut(span_make(text, 5000), 1000, "\n ").len);
    free(text);
}

static void line_ends_are_lf(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    EXPECT_SPAN("a\nb\n", text_lf(&a, SPAN("a\r\nb\r\n")));
    EXPECT_SPAN("a\rb\r\nc\r", text_lf(&a, SPAN("a\rb\r\r\nc\r")));
    struct span same = SPAN("a\nb");

    EXPECT_TRUE(text_lf(&a, same).ptr == same.ptr);
    arena_release(&a);
}

RUN_TESTS(TEST(blanks_become_one_and_empty_lines_end_a_paragraph), TEST(long_lines_are_cut_at_a_space),
          TEST(raw_text_is_cut_behind_line_ends), TEST(a_part_is_looked_at_up_to_a_limit), TEST(line_ends_are_lf))
