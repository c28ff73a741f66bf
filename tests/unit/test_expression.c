/* tests/unit/test_expression.c - expressions over what has hit. */
#include <math.h>
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

static double counted(const void *arg, unsigned number)
{
    unsigned *asked = *(unsigned *const *)arg;

    ++*asked;
    return number == 26 ? 0 : number;
}

static struct expression_range counted_range(const void *arg, unsigned number)
{
    double known = counted(arg, number);

    return (struct expression_range){ .least = known, .most = number == 25 ? 100 : known }; /* y is not known */
}

static void what_cannot_change_the_value_is_not_asked_for(void **state)
{
    static const struct {
        const char *text;
        unsigned asked, asked_range;
    } cases[] = {
        { "z && a", 1, 1 },        { "a && z", 2, 2 },           { "a || b", 1, 1 },
        { "z || b", 2, 2 },        { "z && a && b && c", 1, 1 }, { "(z && a) || b", 2, 2 },
        { "a || (b && c)", 1, 1 }, { "!(a || b) && c", 1, 1 },   { "z && SUM || a || b", 2, 2 },
        { "y && a", 2, 2 },        { "y || a", 1, 1 },           { "z + a && b", 3, 3 },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct expression e;
        unsigned asked = 0, *to = &asked;

        EXPECT_NULL(parse(&a, cases[i].text, false, &e));
        expression_value(&e, counted, &to);
        if (asked != cases[i].asked)
            fail_msg("%s asks for %u", cases[i].text, asked);
        asked = 0;
        expression_range(&e, counted_range, &to);
        if (asked != cases[i].asked_range)
            fail_msg("the range of %s asks for %u", cases[i].text, asked);
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

/* Of the letters, u to x may be from 0 to 1, 3, 10 and 10000. */
static struct expression_range range(const void *arg, unsigned operand)
{
    static const double most[] = { 1, 3, 10, 10000 };
    double known = value(arg, operand);

    unsigned letter = 'a' - 1 + operand;

    if (letter >= 'u' && letter <= 'x')
        return (struct expression_range){ 0, most[letter - 'u'], letter, 'z' - letter };
    return (struct expression_range){ .least = known, .most = known };
}

static void ranges_hold_all_that_a_value_may_be(void **state)
{
    static const struct {
        const char *text;
        double least, most;
        char unknown; /* 0: it is decided */
    } cases[] = {
        { "3 * 4 - 2", 10, 10, 0 },
        { "u", 0, 1, 'u' },
        { "!u", 0, 1, 'u' },
        { "!(u + 1)", 0, 0, 0 },
        { "-v", -3, 0, 'v' },
        { "0 && u", 0, 0, 0 },
        { "u && 0", 0, 0, 0 },
        { "1 && u", 0, 1, 'u' },
        { "u && 5", 0, 5, 'u' },
        { "u && v", 0, 3, 'v' }, /* v costs less */
        { "7 || u", 7, 7, 0 },
        { "0 || v", 0, 3, 'v' },
        { "u || 0", 0, 1, 'u' },
        { "(u || 1) > 0", 1, 1, 0 },
        { "((u - v) || 1) > 0", 0, 1, 'v' },
        { "u + v + 1", 1, 5, 'v' },
        { "u - v", -3, 1, 'v' },
        { "2 * v - 1", -1, 5, 'v' },
        { "u * 0", 0, 0, 0 },
        { "(0 - 2) * v", -6, 0, 'v' },
        { "v > 3", 0, 0, 0 },
        { "v > 2", 0, 1, 'v' },
        { "v + 1 > 0", 1, 1, 0 },
        { "v >= 0", 1, 1, 0 },
        { "v >= 4", 0, 0, 0 },
        { "v < 4", 1, 1, 0 },
        { "v < 0", 0, 0, 0 },
        { "v <= 3", 1, 1, 0 },
        { "v + 1 <= 0", 0, 0, 0 },
        { "v == 4", 0, 0, 0 },
        { "v == 3", 0, 1, 'v' },
        { "v != 4", 1, 1, 0 },
        { "v != 3", 0, 1, 'v' },
        { "v ^ 1", -HUGE_VAL, HUGE_VAL, 'v' }, /* nothing is said of these two */
        { "v / 2", -HUGE_VAL, HUGE_VAL, 'v' },
        { "5 ^ 1", 4, 4, 0 },
        { "u ? 2 : 4", 2, 4, 'u' },
        { "u ? 2 : 2", 2, 2, 0 },
        { "1 ? v : u", 0, 3, 'v' },
        { "(u + 1) ? 5 : v", 5, 5, 0 },
        { "0 ? v : u", 0, 1, 'u' },
        { "(0 && x) || u", 0, 1, 'u' }, /* x costs less, but does not matter */
    };
    struct arena a;
    struct expression e;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        EXPECT_NULL(parse(&a, cases[i].text, false, &e));
        struct expression_range got = expression_range(&e, range, NULL);

        if (got.least != cases[i].least || got.most != cases[i].most ||
            (expression_is_open(&got) ? got.unknown : 0) != (unsigned)cases[i].unknown)
            fail_msg("%s lies from %f to %f, by %u", cases[i].text, got.least, got.most, got.unknown);
    }
    arena_release(&a);
}

RUN_TESTS(TEST(it_counts_as_perl_does), TEST(what_cannot_change_the_value_is_not_asked_for),
          TEST(words_are_operators_where_they_may), TEST(what_is_wrong_is_said), TEST(it_is_bounded),
          TEST(what_outgrows_all_numbers_is_nothing), TEST(a_division_by_what_may_be_nothing_is_known),
          TEST(ranges_hold_all_that_a_value_may_be))
