/* tests/unit/test_matcher.c - patterns of a set: groups, matches, limits. */
#include "tests/kit/expect.h"
#include "tests/kit/hand_rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "rules/sieve/matcher.h"

static int64_t later(void)
{
    return clock_mono_us() + 60 * 1000000LL;
}

static enum match_result find(struct matcher *m, const struct rule *rule, struct span piece, struct span *out)
{
    return matcher_find(m, 0, rule, piece, 0, later(), out);
}

static void rules_on_the_same_text_are_a_group(void **state)
{
    struct rule rules[] = {
        { .name = "A", .kind = RULE_BODY, .pattern = "a" },
        { .name = "B", .kind = RULE_HEADER, .field = "Subject", .pattern = "b" },
        { .name = "C", .kind = RULE_HEADER, .field = "subject", .pattern = "c" },
        { .name = "D", .kind = RULE_HEADER, .field = "Subject", .form = HEADER_RAW, .pattern = "d" },
        { .name = "E", .kind = RULE_BODY, .pattern = "e" },
        { .name = "F", .kind = RULE_BODY, .state = RULE_OFF, .pattern = "f" },
        { .name = "G", .kind = RULE_HEADER, .field = "To", .is_exists = true },
        { .name = "H", .kind = RULE_BODY, .is_eval = true },
        { .name = "I", .kind = RULE_META },
    };
    struct ruleset set = hand_rules(rules, COUNT(rules));
    struct strbuf faults;
    size_t count = 0;

    (void)state;
    strbuf_init(&faults, 10000);
    struct matcher *m = matcher_new(&set, &faults);
    const struct matcher_group *groups = matcher_groups(m, &count);

    EXPECT_INT(0, faults.len);
    EXPECT_INT(3, count);
    for (size_t i = 0; i < count; i++)
        EXPECT_INT(i, groups[i].index);
    EXPECT_TRUE(matcher_group_of(m, &rules[0]) == matcher_group_of(m, &rules[4]));
    EXPECT_INT(2, matcher_group_of(m, &rules[0])->count);
    EXPECT_TRUE(matcher_group_of(m, &rules[1]) == matcher_group_of(m, &rules[2]));
    EXPECT_TRUE(matcher_group_of(m, &rules[1]) != matcher_group_of(m, &rules[3]));
    for (size_t i = 5; i < COUNT(rules); i++)
        EXPECT_NULL(matcher_group_of(m, &rules[i]));
    matcher_free(m);
    strbuf_release(&faults);
}

static void a_match_is_where_the_pattern_is(void **state)
{
    static const struct {
        const char *pattern;
        unsigned options;
        const char *text;
        const char *want; /* NULL: none */
    } cases[] = {
        { "v[il]agra", 0, "cheap vlagra here", "vlagra" },
        { "v[il]agra", 0, "cheap VIAGRA here", NULL },
        { "v[il]agra", PCRE2_CASELESS, "cheap VIAGRA here", "VIAGRA" },
        { "^cheap$", 0, "cheap\n", "cheap" },
        { "(?<=a)b(?!c)", 0, "abc ab", "b" },
        { "(\\w)\\1{3}", 0, "soooo", "oooo" },
        { "\\xe2\\x82\\xac", 0, "10 \xe2\x82\xac", "\xe2\x82\xac" },
        { "", 0, "x", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rule rule = { .name = "R", .kind = RULE_BODY, .pattern = cases[i].pattern, .options = cases[i].options };
        struct ruleset set = hand_rules(&rule, 1);
        struct strbuf faults;
        struct span out = { 0 };

        strbuf_init(&faults, 10000);
        struct matcher *m = matcher_new(&set, &faults);

        EXPECT_INT(cases[i].want ? MATCH_FOUND : MATCH_NONE, find(m, &rule, span_of(cases[i].text), &out));
        if (cases[i].want)
            EXPECT_SPAN(cases[i].want, out);
        matcher_free(m);
        strbuf_release(&faults);
    }
}

static void what_cannot_be_compiled_is_told_and_never_hits(void **state)
{
    struct rule rules[] = {
        { .name = "BAD", .kind = RULE_BODY, .pattern = "a(b" },
        { .name = "GOOD", .kind = RULE_BODY, .pattern = "a" },
    };
    struct ruleset set = hand_rules(rules, COUNT(rules));
    struct strbuf faults;
    struct span out;

    (void)state;
    strbuf_init(&faults, 10000);
    struct matcher *m = matcher_new(&set, &faults);

    EXPECT_TRUE(strstr(faults.data, "hand.cf:1: BAD: ") != NULL);
    EXPECT_NULL(strstr(faults.data, "GOOD"));
    EXPECT_INT(MATCH_NONE, find(m, &rules[0], SPAN("a(b ab"), &out));
    EXPECT_INT(MATCH_FOUND, find(m, &rules[1], SPAN("a(b ab"), &out));
    matcher_free(m);
    strbuf_release(&faults);
}

/* What would take years is given up after so many steps. */
static void a_match_that_goes_on_and_on_is_given_up(void **state)
{
    struct rule rules[] = {
        { .name = "NESTED", .kind = RULE_BODY, .pattern = "^(?:a+)+$" },
        { .name = "ALTERNATIVES", .kind = RULE_BODY, .pattern = "^(?:a|aa)+b" },
        { .name = "LONG", .kind = RULE_FULL, .pattern = "(?:a+)+b" },
    };
    struct ruleset set = hand_rules(rules, COUNT(rules));
    struct strbuf faults;
    struct span out;
    char text[2048];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 2, "!b", 2);
    strbuf_init(&faults, 10000);
    struct matcher *m = matcher_new(&set, &faults);

    for (size_t i = 0; i < COUNT(rules); i++)
        EXPECT_INT(MATCH_GIVEN_UP, find(m, &rules[i], span_make(text, sizeof text), &out));
    EXPECT_INT(3, matcher_work(m, 0)->limits);
    EXPECT_INT(3, matcher_work(m, 0)->calls);
    matcher_free(m);
    strbuf_release(&faults);
}

/* .* takes all of it, and gives it back byte by byte, once for each of two lines. */
static void a_long_text_takes_more_steps(void **state)
{
    enum { BYTES = 60000 };
    struct rule rules[] = { { .name = "FAR", .kind = RULE_FULL, .pattern = "(?s)\\nA.*\\nX.*(?:y|z)[^\\n]" },
                            { .name = "NEVER", .kind = RULE_FULL, .pattern = "(?s)A(?:.+)+[^\\n].*y\\n." } };
    struct ruleset set = hand_rules(rules, COUNT(rules));
    struct strbuf faults;
    struct span out = { 0 };
    char *text = mem_alloc(BYTES);

    (void)state;
    memset(text, '\n', BYTES);
    memcpy(text + 4000, "\nA\nX\nyX", 7);
    strbuf_init(&faults, 10000);
    struct matcher *m = matcher_new(&set, &faults);

    EXPECT_INT(MATCH_FOUND, find(m, &rules[0], span_make(text, BYTES), &out));
    EXPECT_INT(7, out.len);
    EXPECT_INT(0, matcher_work(m, 0)->limits);
    EXPECT_INT(MATCH_GIVEN_UP, find(m, &rules[1], span_make(text, BYTES), &out));
    EXPECT_INT(MATCH_FOUND, find(m, &rules[0], span_make(text, BYTES), &out));
    matcher_free(m);
    strbuf_release(&faults);
    free(text);
}

static void a_long_text_is_gone_through_in_windows(void **state)
{
    enum { BYTES = 1000000 };
    struct rule rule = { .name = "END", .kind = RULE_FULL, .pattern = "a[^x]b" };
    struct ruleset set = hand_rules(&rule, 1);
    struct strbuf faults;
    struct span out = { 0 };
    char *text = mem_alloc(BYTES);

    (void)state;
    memset(text, 'a', BYTES);
    strbuf_init(&faults, 10000);
    struct matcher *m = matcher_new(&set, &faults);
    struct span piece = span_make(text, BYTES);

    EXPECT_INT(MATCH_NONE, find(m, &rule, piece, &out));
    EXPECT_INT(BYTES / MATCHER_WINDOW_BYTES + 1, matcher_work(m, 0)->calls);
    for (size_t at = MATCHER_WINDOW_BYTES - 4; at < MATCHER_WINDOW_BYTES + 4; at++) { /* also across their ends */
        text[at] = 'b';
        EXPECT_INT(MATCH_FOUND, find(m, &rule, piece, &out));
        EXPECT_TRUE(out.ptr == text + at - 2);
        EXPECT_INT(3, out.len);
        text[at] = 'a';
    }
    text[BYTES - 1] = 'b';
    EXPECT_INT(MATCH_FOUND, matcher_find(m, 0, &rule, piece, 5, later(), &out));
    EXPECT_TRUE(out.ptr == text + BYTES - 3);
    EXPECT_INT(MATCH_GIVEN_UP, matcher_find(m, 0, &rule, piece, 0, clock_mono_us(), &out)); /* its time is up */
    matcher_free(m);
    strbuf_release(&faults);
    free(text);
}

static void without_a_sieve_all_may_match(void **state)
{
    struct rule rules[] = {
        { .name = "A", .kind = RULE_BODY, .pattern = "a" },
        { .name = "U", .kind = RULE_URI, .pattern = "u" },
        { .name = "B", .kind = RULE_BODY, .pattern = "b" },
    };
    struct ruleset set = hand_rules(rules, COUNT(rules));
    struct strbuf faults;
    uint32_t maybe[COUNT(rules)] = { 0 };

    (void)state;
    strbuf_init(&faults, 10000);
    struct matcher *m = matcher_new(&set, &faults);

    EXPECT_NULL(matcher_sieve(m));
    matcher_sift(m, 0, matcher_group_of(m, &rules[0]), SPAN("xyz"), 1, maybe);
    EXPECT_TRUE(maybe[rules[0].index]);
    EXPECT_FALSE(maybe[rules[1].index]);
    EXPECT_TRUE(maybe[rules[2].index]);
    matcher_free(m);
    strbuf_release(&faults);
}

RUN_TESTS(TEST(rules_on_the_same_text_are_a_group), TEST(a_match_is_where_the_pattern_is),
          TEST(what_cannot_be_compiled_is_told_and_never_hits), TEST(a_match_that_goes_on_and_on_is_given_up),
          TEST(a_long_text_takes_more_steps), TEST(a_long_text_is_gone_through_in_windows),
          TEST(without_a_sieve_all_may_match))
