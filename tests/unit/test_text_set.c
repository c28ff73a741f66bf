/* tests/unit/test_text_set.c - a set of texts and regular expressions. */
#include "rules/lists/text_set.h"

#include "tests/kit/expect.h"

static void texts_are_found_without_case(void **state)
{
    struct text_set *set = text_set_new();
    struct access_match match = { 0 };

    (void)state;
    assert_null(text_set_add(set, SPAN("ISO"), 1));
    assert_null(text_set_add(set, SPAN("iso"), 2)); /* keeps its first line */
    assert_null(text_set_add(set, SPAN("/^invoice.*\\.zip$/"), 3));
    EXPECT_INT(2, text_set_count(set));
    EXPECT_TRUE(text_set_has(set, SPAN("Iso"), INT64_MAX, NULL, &match));
    EXPECT_INT(1, match.line);
    EXPECT_STR("iso", match.text);
    EXPECT_TRUE(text_set_has(set, SPAN("INVOICE 12.zip"), INT64_MAX, NULL, &match));
    EXPECT_INT(3, match.line);
    EXPECT_STR("/^invoice.*\\.zip$/", match.text);
    EXPECT_FALSE(text_set_has(set, SPAN("is"), INT64_MAX, NULL, &match));
    EXPECT_FALSE(text_set_has(set, SPAN("iso\0"), INT64_MAX, NULL, &match));
    EXPECT_FALSE(text_set_has(set, SPAN(""), INT64_MAX, NULL, &match));
    text_set_free(set);
}

static void what_is_no_entry_is_told(void **state)
{
    char longest[TEXT_ENTRY_MOST + 2];
    struct text_set *set = text_set_new();

    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_non_null(text_set_add(set, SPAN(""), 1));
    assert_non_null(text_set_add(set, SPAN("a\0b"), 1));
    assert_non_null(text_set_add(set, span_make(longest, TEXT_ENTRY_MOST + 1), 1));
    assert_null(text_set_add(set, span_make(longest, TEXT_ENTRY_MOST), 1));
    assert_non_null(strstr(text_set_add(set, SPAN("/(/"), 1), "no regular expression"));
    EXPECT_INT(1, text_set_count(set));
    text_set_free(set);
    text_set_free(NULL);
}

/* A text that makes the expression go back over and over is no match, and soon; that is said. */
static void an_expression_has_its_limit(void **state)
{
    struct text_set *set = text_set_new();
    const struct span long_one = SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.");
    struct access_match match;

    (void)state;
    enum patterns_end end = PATTERNS_TRIED;

    assert_null(text_set_add(set, SPAN("/^(a+)+$/"), 1));
    assert_null(text_set_add(set, SPAN("/!$/"), 2));
    EXPECT_TRUE(text_set_has(set, SPAN("aaaa"), INT64_MAX, &end, &match));
    EXPECT_FALSE(text_set_has(set, SPAN("b"), INT64_MAX, &end, &match));
    EXPECT_FALSE(text_set_has(set, SPAN("aaa."), INT64_MAX, &end, &match));
    EXPECT_INT(PATTERNS_TRIED, end);
    EXPECT_FALSE(text_set_has(set, long_one, INT64_MAX, &end, &match));
    EXPECT_INT(PATTERNS_GIVEN_UP, end);
    end = PATTERNS_TRIED;
    EXPECT_FALSE(text_set_has(set, SPAN("aaaa"), 0, &end, &match));
    EXPECT_INT(PATTERNS_LATE, end);
    EXPECT_TRUE(text_set_has(set, SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), INT64_MAX,
                             NULL, &match)); /* the others are tried all the same */
    EXPECT_INT(2, match.line);
    text_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_found_without_case),
        cmocka_unit_test(what_is_no_entry_is_told),
        cmocka_unit_test(an_expression_has_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
