/* tests/unit/test_span.c - bytes of somebody else's. */
#include "tests/kit/expect.h"

static void cut_gives_every_part(void **state)
{
    struct span rest = SPAN("a;;b;"), part;
    const char *const want[] = { "a", "", "b", "" };

    (void)state;
    for (size_t i = 0; i < COUNT(want); i++) {
        EXPECT_TRUE(span_cut(&rest, ';', &part));
        EXPECT_SPAN(want[i], part);
    }
    EXPECT_FALSE(span_cut(&rest, ';', &part));
}

static void numbers_have_bounds(void **state)
{
    static const struct {
        const char *text;
        uint64_t most;
        enum fault fault;
        uint64_t value;
    } cases[] = {
        { "0", 9, FAULT_NONE, 0 },    { "18446744073709551615", UINT64_MAX, FAULT_NONE, UINT64_MAX },
        { "", 9, FAULT_SYNTAX, 0 },   { "18446744073709551616", UINT64_MAX, FAULT_RANGE, 0 },
        { "10", 9, FAULT_RANGE, 0 },  { "-1", 9, FAULT_SYNTAX, 0 },
        { "1 ", 9, FAULT_SYNTAX, 0 }, { "00000000000000000000007", 9, FAULT_NONE, 7 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t value = 0;

        EXPECT_INT(cases[i].fault, span_u64(span_of(cases[i].text), cases[i].most, &value));
        EXPECT_INT(cases[i].value, value);
    }
}

static void comparing_and_searching(void **state)
{
    (void)state;
    EXPECT_TRUE(span_iis(SPAN("FrOm"), "from"));
    EXPECT_FALSE(span_is(SPAN("FrOm"), "from"));
    EXPECT_TRUE(span_iends(SPAN("a.EXAMPLE"), SPAN(".example")));
    EXPECT_FALSE(span_starts(SPAN("a"), SPAN("ab")));
    EXPECT_INT(2, span_isearch(SPAN("abCdE"), SPAN("cDe")));
    EXPECT_INT(SPAN_NPOS, span_search(SPAN("abc"), SPAN("x")));
    EXPECT_SPAN("x y", span_trim(SPAN(" \t x y\r\n")));
}

RUN_TESTS(TEST(cut_gives_every_part), TEST(numbers_have_bounds), TEST(comparing_and_searching))
