/* tests/unit/test_rules_list.c - what rules a configuration loads, for people. */
#include "tests/kit/expect.h"

#include "gateway/cli/rules_list.h"

static void rules_that_are_not_supported_are_named(void **state)
{
    static const char text[] = "body GOOD /x/\nbody OFF /x/\nscore OFF 0\nbody BAD eval:no_such()\nnonsense \x1b[31m\n"
                               "report x\n";
    static const struct ruleset_options options = { 0 };
    struct arena a;
    struct strbuf out;

    (void)state;
    arena_init(&a, 1 << 20);
    strbuf_init(&out, 4096);
    const struct ruleset *set = ruleset_load_text(&a, "a\x1b.cf", span_of(text), &options);

    rules_list_print(set, &out);
    rules_list_count(set, &out);
    EXPECT_STR("a\\x1b.cf:4: BAD: the function no_such() is not supported\n"
               "a\\x1b.cf:5: \"nonsense\" is not known\n"
               "a\\x1b.cf:6: report has no meaning here (1 line): headers, subjects and reports are gateway.conf's\n"
               "rules: 3 loaded, 1 run, 1 off, 1 not supported, 2 other lines noted\n",
               out.data);
    strbuf_release(&out);
    arena_release(&a);
}

RUN_TESTS(TEST(rules_that_are_not_supported_are_named))
