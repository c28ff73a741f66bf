/* tests/unit/test_captures.c - patterns with what others have captured in them, %{NAME}. */
#include "rules/captures.h"

#include "gateway/base/clock.h"
#include "rules/evaluate.h"
#include "rules/sieve/sieve_make.h"
#include "tests/kit/expect.h"

enum { TIME_US = 60 * 1000 * 1000 };

static const char sample[] = "From: Ann Example <ann@example.org>\r\nTo: <b+c.d@example.net>\r\nSubject: one two\r\n"
                             "\r\nHello, Ann! Hello, Bob!\r\n\r\nBob wins. http://x.example/a#b+c.d@example.net\r\n\r\n"
                             "http://x.example/b#bbc-d@example.net and %{WHO}\r\n";

static const struct {
    const char *rules;
    unsigned hits; /* of R */
} cases[] = {
    { "body __W /Hello, (?<WHO>\\w+)/\nheader R From =~ /^%{WHO}\\b/i", 1 },
    { "header R From =~ /^%{WHO}\\b/i\nbody __W /Hello, (?P<WHO>\\w+)/", 1 }, /* what captures is run first */
    { "body __W /Hello, (?'WHO'B\\w+)/\nheader R From =~ /%{WHO}/", 0 },
    { "body __W /Hello, (?<WHO>\\w+)/\nheader R From !~ /%{WHO}/", 0 },
    { "body __W /Hello, (?<WHO>B\\w+)/\nheader R From !~ /%{WHO}/", 1 },
    /* each match of a rule counts, the last rule that has captured a name, and no empty text */
    { "body __W /Hello, (?<WHO>\\w+)/\nbody R /^%{WHO} wins/", 0 },
    { "body __W /Hello, (?<WHO>\\w+)/\ntflags __W multiple\nbody R /^%{WHO} wins/", 1 },
    { "body __W /(?<WHO>Bob)/\nbody __X /(?<WHO>Ann)/\nbody R /^%{WHO} wins/", 0 },
    { "body __W /(?<WHO>Bob)/\nheader __X To =~ /(?<WHO>zzz)?/\nbody R /^%{WHO} wins/", 1 },
    /* without a value it is not run at all */
    { "header __W X-None =~ /(?<WHO>.+)/\nbody R /wins|%{WHO}/", 0 },
    { "header __W X-None =~ /(?<WHO>.+)/\nheader R From !~ /%{WHO}/", 0 },
    { "header __W X-None =~ /(?<WHO>.+)/\nheader R X-None =~ /^$|%{WHO}/", 0 },
    /* values are text, not patterns */
    { "header __W To:addr =~ /(?<TO>.*)/\nuri R /a\\#%{TO}/", 1 },
    { "header __W To:addr =~ /(?<TO>.*)/\nuri R /b\\#%{TO}/", 0 },
    { "header __W To:addr =~ /(?<TO>.*)/\nuri R /%{TO}/i\ntflags R multiple", 1 },
    { "header __W To:addr =~ /(?<TO>.*)/\nbody __W2 /(?<WHO>Ann)/\nfull R /%{WHO}.*%{TO}/s", 1 },
    { "body __W /(?<WHO>Ann)/\nbody R /and \\%{WHO}/", 1 },
    /* also where it waits for a meta that needs it */
    { "header __W To:addr =~ /(?<TO>.*)/\nuri __U /a\\#%{TO}/\nbody __B /wins/\nmeta R __U && __B", 1 },
    { "body __W /(?<WHO>Bob)/\nuri __U /a\\#%{WHO}/\nbody __B /wins/\nmeta R __U && __B", 0 },
};

static unsigned hits_of(const char *rules)
{
    static const struct message_limits limits = { 1 << 20, 100 };
    static const struct ruleset_options options = { 0 };
    struct evidence evidence = { 0 };
    struct evaluation evaluation;
    struct scanning scanning;
    struct strbuf faults;
    struct arena a;

    arena_init(&a, SIZE_MAX);
    strbuf_init(&faults, 10000);
    struct session session = { .arena = &a, .tx_arena = &a, .door = "desk", .hostname = "mx.example" };
    struct message *message = message_new(span_of(sample), &limits);
    struct inquiry q = { .session = &session, .message = message, .evidence = &evidence, .arena = &a };
    const struct ruleset *set = ruleset_load_text(&a, "test.cf", span_of(rules), &options);
    struct matcher *matcher = matcher_new(set, &faults);
    struct rule_order order = rule_order(&a, set, matcher);
    const struct rule *rule = ruleset_find(set, SPAN("R"));

    if (rule->state != RULE_ACTIVE)
        print_error("%s: %s\n", rules, rule->why);
    EXPECT_INT(RULE_ACTIVE, rule->state);
    scanning_begin(&scanning, &q, set, matcher, clock_mono_us() + TIME_US);
    evaluate(&scanning, &order, &evaluation);
    unsigned hits = scanning.hits[rule->index];

    matcher_free(matcher);
    message_free(message);
    strbuf_release(&faults);
    arena_release(&a);
    return hits;
}

static void patterns_have_what_others_have_captured(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned hits = hits_of(cases[i].rules);

        if (hits != cases[i].hits)
            print_error("%s\n", cases[i].rules);
        EXPECT_INT(cases[i].hits, hits);
    }
}

/* The sieve knows no values: they may be anything. */
static void they_are_sifted_by_the_rest(void **state)
{
    static const struct ruleset_options options = { 0 };
    struct sieve_pattern pattern;
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    const struct ruleset *set = ruleset_load_text(
        &a, "test.cf", SPAN("body __W /(?<WHO>Bob)/\nuri R /abc%{WHO}d/i\nuri S /\\%{WHO}/"), &options);

    EXPECT_TRUE(sieve_pattern(&a, ruleset_find(set, SPAN("R")), &pattern));
    EXPECT_STR("abc(?s:.+)d", pattern.text);
    EXPECT_TRUE(sieve_pattern(&a, ruleset_find(set, SPAN("S")), &pattern));
    EXPECT_STR("\\x25\\x7bWHO\\x7d", pattern.text);
    arena_release(&a);
}

/* Long texts, and many of them, are not kept. */
static void a_pattern_does_not_grow_without_end(void **state)
{
    char rules[400];

    (void)state;
    snprintf(rules, sizeof rules,
             "full __W /^(?<ALL>.+)$/s\nfull __X /(?<ONE>[^0-9])/\ntflags __X multiple\n"
             "full R /%%{ONE}{20}/\nfull S /%%{ALL}/");
    EXPECT_INT(1, hits_of(rules));
    snprintf(rules, sizeof rules, "full __W /(?<ALL>[a-zA-Z]{1,20})/\ntflags __W multiple\nfull R /%s/",
             "%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}%{ALL}");
    EXPECT_INT(0, hits_of(rules));
}

RUN_TESTS(TEST(patterns_have_what_others_have_captured), TEST(they_are_sifted_by_the_rest),
          TEST(a_pattern_does_not_grow_without_end))
