/* tests/unit/test_pattern_tree.c - patterns taken apart and said again: what matches the one matches the other. */
#include "tests/kit/expect.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "rules/sieve/pattern_tree.h"

/* In each manner; NULL: it cannot be said so. */
static const struct {
    const char *pattern;
    const char *said[PATTERN_MANNERS];
} cases[] = {
    { "viagra", { "(?i:viagra)", "viagra", "viagra", "viagra", "viagra" } },
    { "a.{0,50}b", { NULL, "a.{0,50}b", "a.*b", "a.*b", NULL } },
    { "\\d{16}", { NULL, "\\d{16,16}", "\\d{8,}", "\\d+", NULL } },
    { "(?:name|sex){5,6}",
      { NULL, "(?:(?:name|sex)){5,6}", "(?:(?:name|sex)){2,}", "(?:(?:name|sex))+", "(?:name|sex)" } },
    { "(?=x)ab(?!c)(?>d+)e++f*?", { NULL, "abd+e+f*", "abd+e+f*", "abd+e+f*", "abd+e+" } },
    { "(\\w+) \\1 money",
      { "(?i:\\x20money)", "\\w+\\x20(?s:.*)\\x20money", "\\w+\\x20(?s:.*)\\x20money", "\\w+\\x20(?s:.*)\\x20money",
        "\\x20(?s:.*)\\x20money" } },
    { "\\Ato\\Z", { NULL, "^to$", "^to$", "^to$", NULL } },
    { "(?i)cash(?-i:NOW)",
      { "(?i:cashnow)", "(?i:cash(?-i:NOW))", "(?i:cash(?-i:NOW))", "(?i:cash(?-i:NOW))", "(?i:cash(?-i:NOW))" } },
    { "a\\.b\\x{41}\\060\\h",
      { "(?i:a\\x2eba0\\x09|a\\x2eba0\\x20|a\\x2eba0\\xa0)", "a\\x2ebA0[\\x09\\x20\\xa0]", "a\\x2ebA0[\\x09\\x20\\xa0]",
        "a\\x2ebA0[\\x09\\x20\\xa0]", "a\\x2ebA0[\\x09\\x20\\xa0]" } },
    { "\\Ga(?#why){3}b(?# )?", { NULL, "a{3,3}b?", "a{3,3}b?", "a+b?", NULL } },
    { "a(?&tag0)b(?(DEFINE)(?<tag0>c|(?&tag1)))(?(DEFINE)(?<tag1>de))",
      { NULL, "a(?:c|de)b", "a(?:c|de)b", "a(?:c|de)b", "a(?:c|de)b" } },
};

/* As words: PATTERN_WORDS. */
static const struct {
    const char *pattern, *said; /* NULL: it has none that tell enough */
} worded[] = {
    { "(?:our|this) new [pP]roduct", "(?i:our\\x20new\\x20product|this\\x20new\\x20product)" },
    { "we have(?: \\w+){1,6} available", "(?i:\\x20available)" },
    { "stor(?:e|age)s?", "(?i:stores|store|storages|storage)" },
    { "(?:to)?morrow", "(?i:tomorrow|morrow)" },
    { "(?:free){2,}dom", "(?i:freedom)" },
    { "(?:free){2}dom", "(?i:freefreedom)" },
    { "(?:spam){0}warehouse", "(?i:warehouse)" },
    { "(?:letters)*", NULL },
    { "(?:letters|)", NULL },
    { "(?:letters)?", NULL },
    { "(?:(?:letters)*spam)?warehouse", "(?i:warehouse)" },
    { "(?:letters|\\w+)", NULL },
    { "[]^]extra[b-d]", "(?i:\\x5dextrab|\\x5dextrac|\\x5dextrad|\\x5eextrab|\\x5eextrac|\\x5eextrad)" },
    { "[^b]extract", "(?i:extract)" },
    { "[[:digit:]]extract[\\d]more[a-\\w]", "(?i:extract)" },
    { "[a-z]extract", "(?i:extract)" },
    { "[\\x41\\-]extract", "(?i:aextract|\\x2dextract)" },
    { "a very long text that goes on and on", "(?i:a\\x20very\\x20long\\x20text)" },
    { "\\x00\\x00\\x00", "(?i:\\x00\\x00\\x00)" },
};

static void it_is_said_as_words(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(worded); i++) {
        const struct pattern_node *tree = pattern_read(&a, span_of(worded[i].pattern), false);
        struct strbuf out;

        strbuf_init(&out, 1000);
        EXPECT_TRUE(tree);
        EXPECT_INT(worded[i].said != NULL, pattern_say(tree, PATTERN_WORDS, &out));
        EXPECT_STR(worded[i].said ? worded[i].said : "", out.data ? out.data : "");
        strbuf_release(&out);
    }
    arena_release(&a);
}

static void it_is_said_in_each_manner(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pattern_node *tree = pattern_read(&a, span_of(cases[i].pattern), false);

        EXPECT_TRUE(tree);
        for (enum pattern_manner manner = PATTERN_WORDS; manner < PATTERN_MANNERS; manner++) {
            struct strbuf out;

            strbuf_init(&out, 1000);
            EXPECT_INT(cases[i].said[manner] != NULL, pattern_say(tree, manner, &out));
            if (cases[i].said[manner])
                EXPECT_STR(cases[i].said[manner], out.data);
            strbuf_release(&out);
        }
    }
    arena_release(&a);
}

static bool matches(const char *pattern, const char *text)
{
    PCRE2_SIZE at;
    int error;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &error, &at, NULL);

    if (!code)
        print_error("\"%s\" is not compiled\n", pattern);
    EXPECT_TRUE(code);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int found = pcre2_match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, data, NULL);

    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return found >= 0;
}

static const char *const patterns[] = {
    "(?:your|my)\\s(?:name|age){2,3}[-:]{1,4}",
    "[]a-c]{3}\\b(?:x|yy|)+z",
    "^(?:Re: )?(?<word>urgent) \\k<word>",
    "a{2}b{,3}c",
    "(?i)free(?:dom|bie)?s?\\s*!{2,}",
    "(?<!no )cheap(?= pills).*now",
    "(?:one|t(?:wo|hree)|f.ur){2}",
    "(?-i)Case(?i:Less)",
    "x(?#why)y\\Kz",
    "[[:digit:]\\]]{2}\\)",
    "\\bq(?:u|\\x75)(?:i|1)ck{1,2}\\B.",
    "(a|b)\\1c",
};
static const char *const texts[] = {
    "your nameage: -",
    "my agename--",
    "]ab xyyz",
    "abcz",
    "Re: urgent urgent",
    "urgent please",
    "aab{,3}c",
    "aac",
    "FREEBIES !!!",
    "freedom!",
    "no cheap pills now",
    "cheap pills, now",
    "twofour",
    "threeone two",
    "CaseLESS",
    "xyz",
    "1])",
    "23)",
    "quickk!",
    "q1ck-s qu1ckly",
    "aac bbc abc",
    "",
};

/* Whatever manner it is said in. */
static void what_matches_goes_on_matching(void **state)
{
    unsigned matched = 0, said = 0;
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(patterns); i++) {
        const struct pattern_node *tree = pattern_read(&a, span_of(patterns[i]), false);

        if (!tree)
            print_error("\"%s\" is not read\n", patterns[i]);
        EXPECT_TRUE(tree);
        for (enum pattern_manner manner = PATTERN_WORDS; manner < PATTERN_MANNERS; manner++) {
            struct strbuf out;

            strbuf_init(&out, 1000);
            for (size_t k = 0; pattern_say(tree, manner, &out) && k < COUNT(texts); k++, strbuf_clear(&out)) {
                bool is_match = matches(patterns[i], texts[k]);

                if (is_match && !matches(out.data, texts[k]))
                    print_error("\"%s\" as \"%s\" holds back \"%s\"\n", patterns[i], out.data, texts[k]);
                EXPECT_TRUE(!is_match || matches(out.data, texts[k]));
                matched += is_match;
                said++;
            }
            strbuf_release(&out);
        }
    }
    EXPECT_TRUE(matched > 40 && said > 800);
    arena_release(&a);
}

static void what_is_not_known_is_not_read(void **state)
{
    static const char *const unknown[] = { "(?R)", "(?&tag)", "(?(1)a|b)", "(*ACCEPT)", "a(?i)b", "(?-m)^a", "(?^a)",
                                           "\\pL", "\\X", "(a", "a)", "[a", "*a", "\\", "(?xx)[a ]",
                                           /* what changes what a count belongs to */
                                           "\\Qab\\E+", "a\\E+", "a{2}{3}", "a+{2}", "a{2}(?#x)*", "a(?#x",
                                           /* what the two engines may read otherwise in a class */
                                           "[\\Q]\\E]", "[\\E]", "[\\x{61}]", "[\\1]", "[\\cA]", "[[:x]y:]]", "[[.a.]]",
                                           "[\\R]",
                                           /* definitions that are not alone, or are not what is called */
                                           "(?(DEFINE)(?<t>b))|x", "a(?(DEFINE)(?<t>b))|x(y))",
                                           "(?<t>a)(?&t)(?(DEFINE)(?<t>b))", "(?i:(?&t))(?(DEFINE)(?<t>[^b]))",
                                           "(?&t)(?(DEFINE)(?<u>b))", "(?&t)(?(DEFINE)(?<t>a(?&t)))" };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT(unknown); i++)
        EXPECT_NULL(pattern_read(&a, span_of(unknown[i]), false));
    struct strbuf deep;

    strbuf_init(&deep, 100000);
    for (int i = 0; i < 20000; i++)
        strbuf_putc(&deep, '(');
    EXPECT_NULL(pattern_read(&a, strbuf_span(&deep), false));
    strbuf_clear(&deep);
    for (int i = 0; i < 20000; i++)
        strbuf_puts(&deep, "(?i)");
    EXPECT_NULL(pattern_read(&a, strbuf_span(&deep), false));
    strbuf_release(&deep);
    arena_release(&a);
}

static void blanks_of_an_extended_pattern_are_left_out(void **state)
{
    struct arena a;
    struct strbuf out;

    (void)state;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&out, 1000);
    EXPECT_TRUE(pattern_say(pattern_read(&a, SPAN("a b # c\n[ d] (?-x: e) \\ f +"), true), PATTERN_AS_IS, &out));
    EXPECT_STR("ab[ d](?-:\\x20e)\\x20f+", out.data);
    strbuf_release(&out);
    arena_release(&a);
}

RUN_TESTS(TEST(it_is_said_in_each_manner), TEST(it_is_said_as_words), TEST(what_matches_goes_on_matching),
          TEST(what_is_not_known_is_not_read), TEST(blanks_of_an_extended_pattern_are_left_out))
