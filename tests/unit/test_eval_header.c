/* tests/unit/test_eval_header.c - eval functions over header fields. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

static unsigned hits(const char *text, const char *function, const char *a, const char *b, const char *c)
{
    struct eval_desk *d = eval_desk_open(text);
    unsigned n = !a   ? EVAL(d, function)
                 : !b ? EVAL(d, function, a)
                 : !c ? EVAL(d, function, a, b)
                      : EVAL(d, function, a, b, c);

    eval_desk_close(d);
    return n;
}

static void fields_are_counted_by_value(void **state)
{
    (void)state;
    EXPECT_INT(1, hits("Subject: a\nSubject: b\n\n", "check_header_count_range", "Subject", "2", "999"));
    EXPECT_INT(0, hits("Subject: a\nsubject: a\n\n", "check_header_count_range", "Subject", "2", "999"));
    EXPECT_INT(1, hits("Subject: a\n\n", "check_header_count_range", "Subject", "1", "1"));
    EXPECT_INT(0, hits("To: a\n\n", "check_header_count_range", "Subject", "1", "1"));
}

static void to_is_missed(void **state)
{
    (void)state;
    EXPECT_INT(1, hits("From: a\n\n", "check_for_missing_to_header", NULL, NULL, NULL));
    EXPECT_INT(0, hits("to: a\n\n", "check_for_missing_to_header", NULL, NULL, NULL));
    EXPECT_INT(0, hits("Apparently-To: a\n\n", "check_for_missing_to_header", NULL, NULL, NULL));
}

static void bytes_that_no_header_has_are_counted(void **state)
{
    (void)state;
    EXPECT_INT(1, hits("Subject: \xff\xfe\xfd\xfc\n\n", "check_illegal_chars", "Subject", "0.00", "2"));
    EXPECT_INT(0, hits("Subject: \xff ....................\n\n", "check_illegal_chars", "Subject", "0.20", "1"));
    EXPECT_INT(0, hits("Subject: gr\xc3\xbc\xc3\x9f\n\n", "check_illegal_chars", "Subject", "0.00", "2"));
    EXPECT_INT(1, hits("Subject: \x01gr\xc3\xbc\xc3\x9f\n\n", "check_illegal_chars", "Subject", "0.00", "2"));
    EXPECT_INT(0, hits("Subject: 5 \xa3\n\n", "check_illegal_chars", "Subject", "0.00", "1"));
    EXPECT_INT(1, hits("From: 5 \xa3\n\n", "check_illegal_chars", "From", "0.00", "1"));
    EXPECT_INT(1, hits("From: \xf1\xf1\n\n", "check_illegal_chars", "ALL", "0.02", "2"));
    EXPECT_INT(0, hits("From: b\n\n", "check_illegal_chars", "Subject", "0.00", "0"));
}

static void functions_are_found_by_name(void **state)
{
    (void)state;
    EXPECT_STR("check_illegal_chars", eval_find("check_illegal_chars")->name);
    EXPECT_NULL(eval_find("check_illegal"));
    EXPECT_TRUE(eval_has_plugin("Mail::SpamAssassin::Plugin::HeaderEval"));
    EXPECT_FALSE(eval_has_plugin("Mail::SpamAssassin::Plugin::Razor2"));
}

RUN_TESTS(TEST(fields_are_counted_by_value), TEST(to_is_missed), TEST(bytes_that_no_header_has_are_counted),
          TEST(functions_are_found_by_name))
