/* tests/kit/expect.h - cmocka with fewer words. */
#ifndef KIT_EXPECT_H
#define KIT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/base/bug.h"
#include "gateway/base/span.h"

#define EXPECT_INT(want, got)  assert_int_equal(want, got)
#define EXPECT_STR(want, got)  assert_string_equal(want, got)
#define EXPECT_TRUE(claim)     assert_true(claim)
#define EXPECT_FALSE(claim)    assert_false(claim)
#define EXPECT_NULL(got)       assert_null(got)
#define EXPECT_SPAN(want, got) expect_span(want, got, __FILE__, __LINE__)

static inline void expect_span(const char *want, struct span got, const char *file, int line)
{
    if (!span_is(got, want)) {
        print_error("wanted \"%s\", got \"%.*s\"\n", want, SPAN_ARG(got));
        _fail(file, line);
    }
}

#define TEST(function) cmocka_unit_test(function)
#define RUN_TESTS(...)                                                                                                 \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };                                                             \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                              \
    }

#endif
