/* tests/unit/test_expression.c - expressions over what has hit. */
#include <stdlib.h>

#include "tests/kit/expect.h"

#include "rules/expression.h"

/* Operands are letters: a is 1, b is 2; "SUM" is the sum of a, b and c. */
static const char *operand(void *arg, struct span *rest, struct expression_step *out)
{
    static const unsigned three[] = { 1, 2, 3 };

    (void)arg;
    if (span_starts(*rest, SPAN("SUM"))) {
        *out = (struct expression_step){ .kind = EXPRESSION_SUM, .list = three, .count = 3 };
        *rest = span_skip(*rest, 3);
        return NULL;
    }
    if (*rest->ptr < 'a' || *rest->ptr > 'z')
        return "no letter";
    *out = (struct expression_step){ .kind = EXPRESSION_OPERAND, .operand = (unsigned)(*rest->ptr - 'a' + 1) };
    *rest = span_skip(*rest, 1);
    return NULL;
}

static double value(const void *arg, unsigned number)
{
    (void)arg;
    return number == 26 ? 0 : number; /* z is 0 */
}

static const char *parse(struct arena *a, const char *text, bool is_lax, struct expression *out)
{
    const struct expression_reader reader = { .operand = operand, .is_lax = is_lax };

    return expression_parse(a, span_of(text), &reader, out);
}

static void it_counts_as_perl_does(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "a", 1 },           { "c - b - a", 0 },  { "a + b * c", 7 },   { "(a + b) * c", 9 },
        { "-b + c", 1 },      { "--b", 2 },        { "!a + b", 2 },      { "!(a > b)", 1 },
        { "!!c", 1 },         { "c / b", 1.5 },    { "c / z", 0 },       { "1.25 * 4", 5 },
        { ".5+.5", 1 },       { "c > b && b", 2 }, /* the side that decides */
        { "z && b", 0 },      { "c || b", 3 },     { "z || b", 2 },      { "a && z || c", 3 },
        { "z || a && b", 2 }, { "a + b == c", 1 }, { "a == b != c", 1 }, { "a < b == a", 1 },
        { "c >= 3", 1 },      { "c <= 2", 0 },     { "5 ^ 3", 6 },       { "z ? a : b ? c : d", 3 },
        { "a ? b : c", 2 },   { "SUM >= 6", 1 },   { "a&&b||z", 2 },     { "  ( ( a ) )  ", 1 },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct expression e;

        EXPECT_NULL(parse(&a, cases[i].text, false, &e));
        if (expression_value(&e, value, NULL) != cases[i].value)
            fail_msg("%s is %f", cases[i].text, expression_value(&e, value, NULL));
    }
    arena_release(&a);
}

static void words_are_operators_where_they_may(void **state)
{
    struct arena a;
    struct expression e;

    (void)state;
    arena_init(&a, 1 << 20);
    EXPECT_NULL(parse(&a, "a AND NOT z or z", true, &e));
    EXPECT_INT(1, (int)expression_value(&e, value, NULL));
    EXPECT_NULL(parse(&a, "a&b|z", true, &e));
    EXPECT_INT(2, (int)expression_value(&e, value, NULL));
    EXPECT_STR("\"& b\" stands where an operator is wanted", parse(&a, "a & b", false, &e)); /* bits, to Perl */
    EXPECT_STR("\"| b\" stands where an operator is wanted", parse(&a, "a | b", false, &e));
    EXPECT_NULL(parse(&a, "n", true, &e)); /* no beginning of a word */
    EXPECT_INT(14, (int)expression_value(&e, value, NULL));
    EXPECT_STR("\"and b\" stands where an operator is wanted", parse(&a, "a and b", false, &e));
    arena_release(&a);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        { "", "it ends where a name or a number is wanted" },
        { "a +", "it ends where a name or a number is wanted" },
        { "(a", "a ( is not closed" },
        { "a)", "\")\" stands where an operator is wanted" },
        { "a b", "\"b\" stands where an operator is wanted" },
        { "a ? b", "a ? has no :" },
        { "5a", "a name begins with a digit" },
        { "a && ,", "no letter" },
    };
    struct arena a;
    struct expression e;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].wrong, parse(&a, cases[i].text, false, &e));
    arena_release(&a);
}

static void it_is_bounded(void **state)
{
    enum { MANY = 100000 };
    char *text = mem_alloc(2 * MANY + 2);
    struct arena a;
    struct expression e;

    (void)state;
    arena_init(&a, 1 << 20);
    memset(text, '(', MANY);
    EXPECT_STR("it is nested too deeply", parse(&a, text, false, &e));
    memset(text, '!', MANY);
    EXPECT_STR("it is nested too deeply", parse(&a, text, false, &e));
    for (size_t i = 0; i < MANY; i++)
        memcpy(text + 2 * i, i + 1 < MANY ? "a+" : "a", 2);
    EXPECT_STR("it is too long", parse(&a, text, false, &e));
    for (size_t i = 0; i < MANY; i++)
        memcpy(text + 2 * i, "a?", 2);
    EXPECT_STR("it is nested too deeply", parse(&a, text, false, &e));
    /* as much at once on the stack as there can be */
    char *at = text;

    for (int i = 0; i < EXPRESSION_DEPTH_MAX; i++)
        at = stpcpy(at, "a||a&&a^a==a<a+a*(");
    at = stpcpy(at, "a");
    for (int i = 0; i < EXPRESSION_DEPTH_MAX; i++)
        at = stpcpy(at, ")");
    EXPECT_STR("it is nested too deeply", parse(&a, text, false, &e));
    EXPECT_NULL(parse(&a, text + strlen("a||a&&a^a==a<a+a*("), false, &e) ? NULL : "one bracket is left over");
    free(text);
    arena_release(&a);
}

/* Who counts it wants a number. */
static void what_outgrows_all_numbers_is_nothing(void **state)
{
    char text[900] = "";
    struct arena a;
    struct expression e;

    (void)state;
    arena_init(&a, 1 << 20);
    memset(text, '9', 400);
    EXPECT_NULL(parse(&a, text, false, &e));
    EXPECT_INT(0, (int)expression_value(&e, value, NULL));
    text[400] = '-';
    memset(text + 401, '9', 400);
    EXPECT_NULL(parse(&a, text, false, &e));
    EXPECT_INT(0, (int)expression_value(&e, value, NULL));
    arena_release(&a);
}

static void a_division_by_what_may_be_nothing_is_known(void **state)
{
    struct arena a;
    struct expression e;

    (void)state;
    arena_init(&a, 1 << 20);
    EXPECT_NULL(parse(&a, "a / b", false, &e));
    EXPECT_TRUE(e.divides_by_zero);
    EXPECT_NULL(parse(&a, "a / (b + 1)", false, &e));
    EXPECT_FALSE(e.divides_by_zero);
    arena_release(&a);
}

RUN_TESTS(TEST(it_counts_as_perl_does), TEST(words_are_operators_where_they_may), TEST(what_is_wrong_is_said),
          TEST(it_is_bounded), TEST(what_outgrows_all_numbers_is_nothing),
          TEST(a_division_by_what_may_be_nothing_is_known))
