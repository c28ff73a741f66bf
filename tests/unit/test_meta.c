/* tests/unit/test_meta.c - rules made of other rules. */
#include "tests/kit/arena_tests.h"

#include "rules/meta.h"

static const struct ruleset *load(const char *text)
{
    static const struct ruleset_options options = { 0 };

    return ruleset_load_text(&arena, "test.cf", span_of(text), &options);
}

/* hits of a rule, once `hitting` ("A B=3") have hit */
static unsigned *evaluate(const struct ruleset *set, const char *hitting)
{
    unsigned *hits = arena_alloc(&arena, (set->count + 1) * sizeof *hits);
    struct span rest = span_of(hitting), word, name;

    while (span_word(&rest, &word)) {
        uint64_t times = 1;

        span_cut(&word, '=', &name);
        if (word.len)
            span_u64(word, 1000, &times);
        hits[ruleset_find(set, name)->index] = (unsigned)times;
    }
    metas_evaluate(set, hits, NULL, &arena);
    return hits;
}

static unsigned value_of(const struct ruleset *set, const char *hitting, const char *name)
{
    return evaluate(set, hitting)[ruleset_find(set, span_of(name))->index];
}

static void metas_are_evaluated_over_what_has_hit(void **state)
{
    static const struct {
        const char *meta, *hitting;
        unsigned value;
    } cases[] = {
        { "A && B", "A", 0 },
        { "A && B", "A B", 1 },
        { "A && B", "A B=4", 4 },
        { "A || B", "A=2 B=4", 2 },
        { "A + B > 2", "A B", 0 },
        { "A + B > 2", "A B=2", 1 },
        { "!A", "", 1 },
        { "!A", "A", 0 },
        { "(3 * A - 2 * B) > 0", "A B", 1 },
        { "A / 2", "A", 1 }, /* who has hit counts for something */
        { "A - B", "B=3", 1 },
        { "A * 2.5", "A=3", 7 },
        { "NOBODY || A", "A", 1 },
        { "NOBODY + !NOBODY", "", 1 },
        { "!OFF && A", "A", 1 },
        { "!UNSUPPORTED && A", "A", 1 },
        { "rules_matching(A*) >= 2", "A AB", 1 },
        { "rules_matching(A*) >= 2", "A B", 0 },
        { "rules_matching(?) == 3", "A B C", 1 },
        { "rules_matching( NONE_* ) || A", "A", 1 },
        { "()", "A", 0 },
        { "local_tests_only", "", 1 },
        { "A ? B : C", "A C", 0 },
        { "A ? B : C", "C", 1 },
        { "1", "", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[400];

        snprintf(text, sizeof text,
                 "body A /a/\nbody AB /b/\nbody B /b/\nbody C /c/\nbody OFF /x/\nscore OFF 0\n"
                 "body UNSUPPORTED eval:nothing()\nmeta META %s\n",
                 cases[i].meta);
        const struct ruleset *set = load(text);
        unsigned value = value_of(set, cases[i].hitting, "META");

        if (value != cases[i].value)
            fail_msg("%s of \"%s\" is %u", cases[i].meta, cases[i].hitting, value);
    }
}

/* In whatever order they stand. */
static void metas_are_evaluated_after_those_that_they_name(void **state)
{
    const struct ruleset *set = load("meta M4 M3 && M1\n"
                                     "meta M2 M1 + 1\n"
                                     "meta M3 M2 * 0.5\n"
                                     "meta M1 A\n"
                                     "body A /a/\n"
                                     "meta M5 M3 > 1 && M3 < 2\n"
                                     "meta M6 !M4\n");
    const unsigned *hits = evaluate(set, "A=2");

    (void)state;
    EXPECT_INT(6, set->meta_count);
    EXPECT_INT(3, hits[1]); /* M2 */
    EXPECT_INT(1, hits[2]); /* M3: one and a half */
    EXPECT_INT(2, hits[0]); /* M4 */
    EXPECT_INT(1, hits[5]); /* M5 knows it exactly */
    EXPECT_INT(0, hits[6]);
    hits = evaluate(set, "");
    EXPECT_INT(0, hits[0]);
    EXPECT_INT(1, hits[1]);
    EXPECT_INT(0, hits[5]);
    EXPECT_INT(1, hits[6]);
}

static void circles_are_refused_and_those_who_need_them(void **state)
{
    const struct ruleset *set = load("meta A B\nmeta B C || X\nmeta C A\nmeta D A && X\nmeta E X\nbody X /x/\n");

    (void)state;
    for (size_t i = 0; i < 4; i++)
        EXPECT_INT(RULE_UNSUPPORTED, set->rules[i].state);
    EXPECT_STR("it needs itself, or what goes round in a circle, by way of A", set->rules[3].why);
    EXPECT_INT(1, set->meta_count);
    EXPECT_INT(1, value_of(set, "X", "E"));
    EXPECT_INT(0, value_of(set, "X", "A"));
}

static void a_pattern_of_names_leaves_out_its_own(void **state)
{
    const struct ruleset *set = load("body F_1 /x/\nbody F_2 /x/\nmeta F_ANY rules_matching(F_*) >= 2\n");

    (void)state;
    EXPECT_INT(RULE_ACTIVE, set->rules[2].state);
    EXPECT_INT(0, value_of(set, "F_1", "F_ANY"));
    EXPECT_INT(1, value_of(set, "F_1 F_2", "F_ANY"));
}

static void whom_a_meta_names_is_told(void **state)
{
    const struct ruleset *set = load("body A /x/\nbody B /x/\nmeta M A && (B || A) && NOBODY && B\n");
    size_t at = 0;

    (void)state;
    EXPECT_STR("A", meta_uses(set, &set->rules[2], &at)->name);
    EXPECT_STR("B", meta_uses(set, &set->rules[2], &at)->name);
    EXPECT_NULL(meta_uses(set, &set->rules[2], &at));
    at = 0;
    EXPECT_NULL(meta_uses(set, &set->rules[0], &at));
}

/* A long chain is no recursion, and who is not concerned costs nothing. */
static void many_metas_are_quick(void **state)
{
    enum { MANY = 60000 };
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 1 << 24);
    strbuf_puts(&text, "body R0 /x/\n");
    for (int i = MANY; i > 0; i--)
        strbuf_putf(&text, "meta R%d R%d\n", i, i - 1);
    const struct ruleset *set = load(text.data);

    EXPECT_INT(MANY, set->meta_count);
    EXPECT_INT(1, value_of(set, "R0", "R60000"));
    EXPECT_INT(0, value_of(set, "", "R60000"));
    strbuf_clear(&text);
    for (int i = 0; i < 2000; i++) /* everybody names everybody, by patterns that are all different */
        strbuf_putf(&text, "meta R%d rules_matching(R%.*s*)\n", i, i % 1000 + 1,
                    "**************************************");
    set = load(text.data);
    EXPECT_INT(2000, set->count);
    EXPECT_TRUE(set->unsupported > 0);
    strbuf_release(&text);
}

RUN_ARENA_TESTS(TEST(metas_are_evaluated_over_what_has_hit), TEST(metas_are_evaluated_after_those_that_they_name),
                TEST(circles_are_refused_and_those_who_need_them), TEST(a_pattern_of_names_leaves_out_its_own),
                TEST(whom_a_meta_names_is_told), TEST(many_metas_are_quick))
