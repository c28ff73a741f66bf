/* tests/unit/test_shape.c - shapes of text, with holes. */
#include "tests/kit/expect.h"

#include "rules/shape.h"

static void holes_are_filled(void **state)
{
    static const struct {
        const char *shape, *text;
        char slot;
        const char *filled; /* NULL: it does not match */
    } cases[] = {
        { "{s:a} b", "xyz b", 'a', "xyz" },
        { "{s:a} b", "x z b", 'a', NULL },
        { "({S:a})", "()", 'a', "" },
        { "{s:a}.c", "x.c.c y", 'a', "x.c" },
        { "{a:a}.c", "x.c.c", 'a', "x" },
        { "{A:a}.c", "x y.c.c", 'a', "x y.c" },
        { "{d:a}{$}", "123", 'a', "123" },
        { "{d:a}{$}", "123x", 'a', NULL },
        { "{w:a}-", "a_1-", 'a', "a_1" },
        { "({p:a})", "(x y)", 'a', "x y" },
        { "({P:a})", "(x y)", 'a', NULL },
        { "{one|two} {s:a}", "two x", 'a', "x" },
        { "{one|two} {s:a}", "three x", 'a', NULL },
        { "{?[}{i:a}{?]} ", "[192.0.2.1] ", 'a', "192.0.2.1" },
        { "{?[}{i:a}{?]} ", "192.0.2.1 ", 'a', "192.0.2.1" },
        { "[{i:a}]", "[IPv6:2001:db8::1]", 'a', "IPv6:2001:db8::1" },
        { "[{i:a}]", "[::ffff:192.0.2.1]", 'a', "::ffff:192.0.2.1" },
        { "[{i:a}]", "[256.0.2.1]", 'a', NULL },
        { "[{i:a}]", "[01.0.2.1]", 'a', NULL },
        { "[{i:a}]", "[beef]", 'a', NULL },
        { "{l:a} ", "localhost.localdomain ", 'a', "localhost.localdomain" },
        { "{l:a} ", "127.0.0.1 ", 'a', "127.0.0.1" },
        { "{l:a} ", "127.0.0.2 ", 'a', NULL },
        { "by{b}", "by x", 'a', "" },
        { "by{b}", "bye", 'a', NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shape_run run = { .text = span_of(cases[i].text), .steps = 1000 };
        bool does = shape_starts(&run, cases[i].shape);

        if (does != (cases[i].filled != NULL))
            print_error("%s on %s\n", cases[i].shape, cases[i].text);
        EXPECT_INT(cases[i].filled != NULL, does);
        if (cases[i].filled)
            EXPECT_SPAN(cases[i].filled, shape_slot(&run, cases[i].slot));
    }
}

static void shapes_are_found_anywhere(void **state)
{
    struct shape_run run = { .text = SPAN("a by b by mx.example id 7"), .steps = 1000 };

    (void)state;
    EXPECT_TRUE(shape_has(&run, "by {s:x} id"));
    EXPECT_SPAN("mx.example", shape_slot(&run, 'x'));
    EXPECT_FALSE(shape_has(&run, "By {s:x} id"));
    run.is_any_case = true;
    EXPECT_TRUE(shape_has(&run, "By {s:x} ID"));
    EXPECT_TRUE(shape_has(&run, "{d:x}{$}"));
    EXPECT_SPAN("7", shape_slot(&run, 'x'));
}

static void steps_bound_the_time(void **state)
{
    static char text[8192];
    struct shape_run run = { .text = span_make(text, sizeof text), .steps = 5000 };

    (void)state;
    memset(text, '(', sizeof text);
    EXPECT_FALSE(shape_starts(&run, "{s:a}({s:b}({s:c}({s:d}(x"));
    EXPECT_INT(0, run.steps);
    EXPECT_FALSE(shape_starts(&run, "{s:a}"));
}

RUN_TESTS(TEST(holes_are_filled), TEST(shapes_are_found_anywhere), TEST(steps_bound_the_time))
