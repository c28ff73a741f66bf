/* tests/unit/test_tagvalue.c - tag=value lists. */
#include "gateway/mail/tagvalue.h"

#include "tests/kit/expect.h"

static void lists_follow_their_grammar(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        size_t count;
    } cases[] = {
        { "a=b", FAULT_NONE, 1 },
        { " a = b ; c=d", FAULT_NONE, 2 },
        { "a=b;", FAULT_NONE, 1 },
        { "a=b;\r\n ", FAULT_NONE, 1 },
        { "a=", FAULT_NONE, 1 },
        { "a=b=c", FAULT_NONE, 1 },
        { "a=b\r\n\tc; d_1=e", FAULT_NONE, 2 },
        { "a=\xc3\xbc", FAULT_NONE, 1 },
        { "", FAULT_SYNTAX, 0 },
        { ";", FAULT_SYNTAX, 0 },
        { "a=b;;c=d", FAULT_SYNTAX, 1 },
        { "a=b; ;", FAULT_SYNTAX, 1 },
        { "a", FAULT_SYNTAX, 0 },
        { "=b", FAULT_SYNTAX, 0 },
        { "1a=b", FAULT_SYNTAX, 0 },
        { "a-b=c", FAULT_SYNTAX, 0 },
        { "a b=c", FAULT_SYNTAX, 0 },
        { "a=b; a=c", FAULT_SYNTAX, 1 },
        { "a=b; A=c", FAULT_NONE, 2 },
        { "a=b\001c", FAULT_SYNTAX, 0 },
        { "a=b\177", FAULT_SYNTAX, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tag_list list;

        EXPECT_INT(cases[i].fault, tags_parse(span_of(cases[i].text), &list));
        EXPECT_INT(cases[i].count, list.count);
    }
}

static void values_are_trimmed_and_raw_ones_are_not(void **state)
{
    struct tag_list list;

    (void)state;
    EXPECT_INT(FAULT_NONE, tags_parse(SPAN(" a = x y\r\n ; b=\tz "), &list));
    EXPECT_SPAN("x y", tags_value(&list, "a"));
    EXPECT_SPAN(" x y\r\n ", tags_find(&list, "a")->raw);
    EXPECT_SPAN("\tz ", tags_find(&list, "b")->raw);
    EXPECT_NULL(tags_find(&list, "c"));
    EXPECT_NULL(tags_value(&list, "c").ptr);
}

static void lists_have_a_maximum(void **state)
{
    char text[TAGS_MAX * 8 + 16];
    size_t len = 0;
    struct tag_list list;

    (void)state;
    for (unsigned i = 0; i <= TAGS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "t%u=;", i);
    EXPECT_INT(FAULT_TOO_MANY, tags_parse(span_make(text, len), &list));
    EXPECT_INT(TAGS_MAX, list.count);
}

static void items_are_found_without_case_and_blanks(void **state)
{
    (void)state;
    EXPECT_TRUE(tag_has_item(SPAN("a : B\r\n :c"), "b"));
    EXPECT_TRUE(tag_has_item(SPAN("*"), "*"));
    EXPECT_FALSE(tag_has_item(SPAN("ab:c"), "b"));
    EXPECT_FALSE(tag_has_item(span_make(NULL, 0), "b"));
}

static void base64_is_strict_but_for_white_space_and_padding(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        const char *bytes;
    } cases[] = {
        { "", FAULT_NONE, "" },           { "Zg==", FAULT_NONE, "f" },          { "Zm8=", FAULT_NONE, "fo" },
        { "Zm9v", FAULT_NONE, "foo" },    { "Zm9vYmFy", FAULT_NONE, "foobar" }, { " Z m\r\n\t9v ", FAULT_NONE, "foo" },
        { "Zg", FAULT_NONE, "f" },        { "Zm8", FAULT_NONE, "fo" },          { "Zg = =", FAULT_NONE, "f" },
        { "Z", FAULT_SYNTAX, "" },        { "Zm9vY", FAULT_SYNTAX, "" },        { "Zg=", FAULT_SYNTAX, "" },
        { "Zm9v=", FAULT_SYNTAX, "" },    { "Zm9v====", FAULT_SYNTAX, "" },     { "====", FAULT_SYNTAX, "" },
        { "Zg==Zg==", FAULT_SYNTAX, "" }, { "Zm-v", FAULT_SYNTAX, "" },         { "Zm9vYmFyYmF6", FAULT_TOO_LONG, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned char bytes[8];
        size_t len = 0;

        EXPECT_INT(cases[i].fault, tag_base64(span_of(cases[i].text), bytes, sizeof bytes, &len));
        EXPECT_SPAN(cases[i].bytes, span_make((const char *)bytes, len));
    }
}

static void quoted_printable_is_decoded(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        const char *want;
    } cases[] = {
        { "joe@example.com", FAULT_NONE, "joe@example.com" },
        { "j=6Fe=40 ex\r\n ample.com", FAULT_NONE, "joe@example.com" },
        { "=", FAULT_SYNTAX, "" },
        { "=4", FAULT_SYNTAX, "" },
        { "=4a", FAULT_SYNTAX, "" },
        { "=00", FAULT_SYNTAX, "" },
        { "longer than the twenty bytes that there are", FAULT_TOO_LONG, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[20] = "";
        enum fault fault = tag_quoted(span_of(cases[i].text), out, sizeof out);

        EXPECT_INT(cases[i].fault, fault);
        if (!fault)
            EXPECT_STR(cases[i].want, out);
    }
}

RUN_TESTS(TEST(lists_follow_their_grammar), TEST(values_are_trimmed_and_raw_ones_are_not), TEST(lists_have_a_maximum),
          TEST(items_are_found_without_case_and_blanks), TEST(base64_is_strict_but_for_white_space_and_padding),
          TEST(quoted_printable_is_decoded))
