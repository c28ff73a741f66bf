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

/* Which of A to H are run, in that order, if all are put off but those that have hit before, and `found` hit. */
static const char *needed(const char *text, const char *before, const char *found)
{
    static char names[32];
    struct strbuf file;

    strbuf_init(&file, 4096);
    for (char name = 'A'; name <= 'H'; name++)
        strbuf_putf(&file, "body __%c /x%.*s/\ntflags __%c multiple maxhits=9\n", name, name - 'A' + 1, "xxxxxxxx",
                    name);
    strbuf_puts(&file, text);
    const struct ruleset *set = load(file.data);
    unsigned *hits = arena_alloc(&arena, (set->count + 1) * sizeof *hits);
    unsigned *most = arena_alloc(&arena, (set->count + 1) * sizeof *most);
    size_t len = 0;
    const struct rule *rule;

    for (size_t i = 0; i < 8; i++) {
        hits[i] = strchr(before, set->rules[i].name[2]) != NULL;
        most[i] = hits[i] ? 0 : 9;
    }
    struct metas_need *need = metas_need_new(set, hits, NULL, most, &arena);

    while ((rule = metas_need_next(need)) && len + 1 < sizeof names) {
        names[len++] = rule->name[2];
        hits[rule->index] = strchr(found, rule->name[2]) ? 2 : 0;
        metas_need_told(need, rule);
    }
    names[len] = '\0';
    strbuf_release(&file);
    return names;
}

static void only_what_decides_a_meta_is_needed(void **state)
{
    static const struct {
        const char *metas, *before, *found, *needed;
    } cases[] = {
        { "meta M __A && __B\n", "", "", "A" },
        { "meta M __B && __A\n", "", "A", "AB" }, /* the shorter pattern first */
        { "meta M __A || __B\n", "", "A", "A" },
        { "meta M __A || __B\n", "", "", "AB" },
        { "meta M __A || __B\n", "B", "", "" },
        { "meta M !__A && __B\n", "A", "", "" },
        { "meta M !__A && __B\n", "", "", "AB" },
        { "meta M __A + __B + __C > 3\n", "", "AB", "AB" },
        { "meta M __A + __B + __C > 3\n", "", "C", "ABC" },
        { "meta M __A + __B > 18\n", "", "AB", "" },
        { "meta M rules_matching(__?) > 3\n", "", "AC", "ABC" },
        { "meta __M __A\n", "", "A", "" },
        { "meta __M __A || __B\nmeta M __M && __C\n", "", "", "AB" },
        { "meta __M __A || __B\nmeta M __M && __C\n", "", "B", "ABC" },
        { "meta __M __A - __B\nmeta M __M\n", "", "A", "AB" },
        { "meta __M __A + __B\nmeta M __M == 4\nmeta N __M\n", "", "A", "AB" },
        { "meta M NOBODY && __A\n", "", "A", "" },
        { "meta M __A\nscore M 0\n", "", "A", "" },
        { "meta __M !__A\nmeta M __M && __H\n", "", "A", "A" },
        { "meta __M __A && __B\nmeta M !__M\n", "", "", "A" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (strcmp(cases[i].needed, needed(cases[i].metas, cases[i].before, cases[i].found)) != 0)
            fail_msg("%s(%s, %s): %s", cases[i].metas, cases[i].before, cases[i].found,
                     needed(cases[i].metas, cases[i].before, cases[i].found));
}

/* Whatever the others would have been: the metas that count are what they are when all are run. */
static void what_is_not_needed_changes_nothing(void **state)
{
    const struct ruleset *set = load("body __A /a/\nbody __B /b/\nbody __C /c/\nbody __D /d/\n"
                                     "meta __AB (__A || __B)\nmeta __CD __C - __D\nmeta __NOT !__AB\n"
                                     "meta K __AB && __CD\nmeta L __NOT + __C + __D >= 2\nmeta M __CD ^ __A\n"
                                     "meta N __A ? __B : __CD / (__D + 1)\nmeta O rules_matching(__?) == 3\n");

    (void)state;
    for (unsigned bits = 0; bits < 16 * 16; bits++) { /* who hits, and who is put off */
        unsigned *all = arena_alloc(&arena, set->count * sizeof *all),
                 *some = arena_alloc(&arena, sizeof *all * set->count);
        unsigned *most = arena_alloc(&arena, set->count * sizeof *most);
        const struct rule *rule;

        for (unsigned i = 0; i < 4; i++) {
            all[i] = bits >> i & 1;
            most[i] = bits >> (i + 4) & 1;
            some[i] = most[i] ? 0 : all[i];
        }
        struct metas_need *need = metas_need_new(set, some, NULL, most, &arena);

        while ((rule = metas_need_next(need))) {
            EXPECT_TRUE(most[rule->index]);
            some[rule->index] = all[rule->index];
            metas_need_told(need, rule);
        }
        metas_evaluate(set, all, NULL, &arena);
        metas_evaluate(set, some, NULL, &arena);
        for (size_t i = 0; i < set->count; i++)
            if (!set->rules[i].is_sub && !all[i] != !some[i])
                fail_msg("%u: %s", bits, set->rules[i].name);
    }
}

RUN_ARENA_TESTS(TEST(metas_are_evaluated_over_what_has_hit), TEST(metas_are_evaluated_after_those_that_they_name),
                TEST(circles_are_refused_and_those_who_need_them), TEST(a_pattern_of_names_leaves_out_its_own),
                TEST(whom_a_meta_names_is_told), TEST(many_metas_are_quick), TEST(only_what_decides_a_meta_is_needed),
                TEST(what_is_not_needed_changes_nothing))
