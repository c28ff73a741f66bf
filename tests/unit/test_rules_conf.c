/* tests/unit/test_rules_conf.c - the configuration of the check "rules". */
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/expect.h"

#include "gateway/core/run.h"
#include "rules/rules_conf.h"

static struct arena arena;
static char path[] = "/tmp/test_rules_confXXXXXX";

static int set_up(void **state)
{
    static const char rules[] = "body A /a/\nscore A 2 4 0 -1\n"
                                "body B /b/\nscore B 0\n"
                                "body C /c/\n"
                                "meta M A || C\nscore M 0.005\n"
                                "body UNSUPPORTED /x\n";
    int fd = mkstemp(path);

    (void)state;
    arena_init(&arena, 1 << 20);
    return write(fd, rules, sizeof rules - 1) == sizeof rules - 1 && close(fd) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    arena_release(&arena);
    return 0;
}

/* `text` with the file; the configuration lives as long as the test. */
static const struct ruleset *load(const char *text, struct conf **conf)
{
    struct strbuf faults;
    void *values;
    const char *wrong = NULL;

    strbuf_init(&faults, 4096);
    *conf =
        conf_load_text(&rules_section, "test",
                       span_of(arena_printf(&arena, "own = no\nfiles = {\"%s\"}\n%s", path, text)), &values, &faults);
    if (!*conf)
        fail_msg("%s", faults.data);
    strbuf_release(&faults);
    const struct ruleset *set = rules_conf_load(&arena, values, &wrong);

    if (!set)
        fail_msg("%s", wrong);
    return set;
}

static const struct rule *rule_of(const struct ruleset *set, const char *name)
{
    return ruleset_find(set, span_of(name));
}

static void scores_are_chosen_and_scaled(void **state)
{
    static const struct {
        const char *text;
        int a, c, m;
        enum rule_state state;
    } cases[] = {
        { "", 200, 100, 1, RULE_ACTIVE },
        { "scores = net", 400, 100, 1, RULE_ACTIVE },
        { "scores = bayes", 0, 100, 1, RULE_OFF },
        { "scores = both", -100, 100, 1, RULE_ACTIVE },
        { "scale = 1.50", 300, 150, 1, RULE_ACTIVE },
        { "scale = 0.50", 100, 50, 0, RULE_ACTIVE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct conf *conf;
        const struct ruleset *set = load(cases[i].text, &conf);

        EXPECT_INT(cases[i].a, rule_of(set, "A")->points);
        EXPECT_INT(cases[i].c, rule_of(set, "C")->points);
        EXPECT_INT(cases[i].m, rule_of(set, "M")->points);
        EXPECT_INT(cases[i].state, rule_of(set, "A")->state);
        conf_free(conf);
    }
}

static void single_rules_are_said_something_of(void **state)
{
    struct conf *conf;
    const struct ruleset *set = load("scale = 2\n"
                                     "rule \"A\" { mode = off }\n"
                                     "rule \"B\" { score = 3.5 action = reject text = \"550 5.7.1 No\" }\n"
                                     "rule \"C\" { mode = tag action = discard }\n"
                                     "rule \"UNSUPPORTED\" { score = 1 }\n"
                                     "rule \"GONE\" { score = 1 }\n",
                                     &conf);
    enum action action;
    const char *text;

    (void)state;
    EXPECT_INT(RULE_OFF, rule_of(set, "A")->state);
    EXPECT_INT(RULE_ACTIVE, rule_of(set, "B")->state); /* though its file has it off */
    EXPECT_INT(350, rule_of(set, "B")->points);
    EXPECT_TRUE(rules_conf_action(rule_of(set, "B"), &action, &text));
    EXPECT_INT(ACTION_REJECT, action);
    EXPECT_STR("550 5.7.1 No", text);
    EXPECT_TRUE(rules_conf_action(rule_of(set, "C"), &action, &text));
    EXPECT_INT(ACTION_TAG, action); /* and no more */
    EXPECT_NULL(text);
    EXPECT_FALSE(rules_conf_action(rule_of(set, "A"), &action, &text));
    EXPECT_FALSE(rules_conf_action(rule_of(set, "M"), &action, &text));
    EXPECT_INT(RULE_UNSUPPORTED, rule_of(set, "UNSUPPORTED")->state);
    EXPECT_INT(1, set->note_count);
    EXPECT_STR("rule \"GONE\" is said something of, and there is none", set->notes[0].text);
    conf_free(conf);
}

static void bounds_are_of_active_rules(void **state)
{
    struct conf *conf;
    struct bounds bounds = { 0 };
    const struct ruleset *set = load("rule \"B\" { score = -3 action = discard mode = shadow }", &conf);

    (void)state;
    rules_conf_bounds(set, &bounds);
    EXPECT_INT(-300, bounds.least);
    EXPECT_INT(301, bounds.most);
    EXPECT_FALSE(bounds.may_force_reject);
    conf_free(conf);
    set = load("rule \"C\" { action = discard }", &conf);
    rules_conf_bounds(set, &bounds);
    EXPECT_TRUE(bounds.may_force_reject);
    EXPECT_TRUE(bounds.may_force_discard);
    conf_free(conf);
}

static void a_file_that_is_not_there_is_told(void **state)
{
    static const char *none[] = { "/nowhere/rules.cf" };
    const struct rules_conf conf = { .files = { none, 1 }, .scale = 100 };
    const char *wrong = NULL;

    (void)state;
    EXPECT_NULL(rules_conf_load(&arena, &conf, &wrong));
    EXPECT_STR("there is no file /nowhere/rules.cf: mend its name, or take it out", wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scores_are_chosen_and_scaled),
        TEST(single_rules_are_said_something_of),
        TEST(bounds_are_of_active_rules),
        TEST(a_file_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
