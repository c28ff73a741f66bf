/* tests/unit/test_ruleset_debian.c - SpamAssassin's own rules, as Debian installs them: all of them load, and what is
 * not supported is named with a reason. Skipped where the package is not installed.
 */
#include <unistd.h>

#include "tests/kit/expect.h"

#include "rules/eval/eval.h"
#include "rules/ruleset.h"

#define RULES "/usr/share/spamassassin/*.cf"

static const struct ruleset *load(struct arena *a, bool has_net, bool has_bayes)
{
    const struct ruleset_options options = {
        .has_net = has_net, .has_bayes = has_bayes, .find_eval = eval_find, .has_plugin = eval_has_plugin
    };
    const char *files = RULES, *wrong = NULL;
    const struct ruleset *set = NULL;

    if (access("/usr/share/spamassassin/72_active.cf", R_OK) != 0) {
        print_message("skipped: the package spamassassin is not installed\n");
        skip();
    }
    set = ruleset_load(a, &files, 1, &options, &wrong);
    if (!set)
        fail_msg("%s", wrong);
    return set;
}

/* Why rules are not supported, and how many for each reason. */
static const struct {
    const char *why;
    size_t most;
} reasons[] = {
    { "it is for a plugin that is not supported: ", 180 },
    { "the function ", 5 },
    { "it asks ", 5 },
};

static void each_rule_that_is_not_supported_says_why(void **state)
{
    size_t counts[COUNT(reasons)] = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 26);
    const struct ruleset *set = load(&a, false, false);

    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];
        size_t r = 0;

        if (rule->state != RULE_UNSUPPORTED)
            continue;
        EXPECT_TRUE(rule->file && rule->line);
        while (r < COUNT(reasons) && !span_starts(span_of(rule->why), span_of(reasons[r].why)))
            r++;
        if (r == COUNT(reasons))
            fail_msg("%s:%u: %s: %s", rule->file, rule->line, rule->name, rule->why);
        counts[r]++;
    }
    print_message("%zu rules, %zu active, %zu not supported, %zu metas\n", set->count, set->active, set->unsupported,
                  set->meta_count);
    for (size_t r = 0; r < COUNT(reasons); r++) {
        print_message("%6zu  %s...\n", counts[r], reasons[r].why);
        EXPECT_TRUE(counts[r] <= reasons[r].most);
    }
    EXPECT_TRUE(set->count > 2000);
    arena_release(&a);
}

/* Every pattern is one that PCRE2 takes; every line is one that is known. */
static void no_line_is_unknown(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 26);
    const struct ruleset *set = load(&a, true, true);

    for (size_t i = 0; i < set->note_count; i++)
        if (!strstr(set->notes[i].text, " has no meaning here") && strncmp(set->notes[i].text, "there is no rule ", 17))
            fail_msg("%s:%u: %s", set->notes[i].file, set->notes[i].line, set->notes[i].text);
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];
        bool has_pattern = rule->kind != RULE_META && !rule->is_eval && !rule->is_exists;

        if (rule->state != RULE_UNSUPPORTED)
            EXPECT_INT(has_pattern, rule->pattern != NULL);
    }
    arena_release(&a);
}

static void scores_and_descriptions_are_there(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 26);
    const struct rule *rule = ruleset_find(load(&a, false, false), SPAN("DEAR_FRIEND"));

    EXPECT_TRUE(rule != NULL);
    EXPECT_TRUE(rule->is_scored);
    EXPECT_TRUE(rule->points > 0);
    EXPECT_TRUE(strlen(rule->describe) > 10);
    arena_release(&a);
}

RUN_TESTS(TEST(each_rule_that_is_not_supported_says_why), TEST(no_line_is_unknown),
          TEST(scores_and_descriptions_are_there))
