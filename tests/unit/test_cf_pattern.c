/* tests/unit/test_cf_pattern.c - Perl's patterns for PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tests/kit/arena_tests.h"

#include "rules/cf/cf.h"

static void delimiters_and_modifiers_are_taken_off(void **state)
{
    static const struct {
        const char *text, *pattern;
        unsigned options;
    } cases[] = {
        { "/free/", "free", 0 },
        { "/free/i", "free", PCRE2_CASELESS },
        { "/a\\/b/ims", "a\\/b", PCRE2_CASELESS | PCRE2_MULTILINE | PCRE2_DOTALL },
        { "m{a/b{2}}x", "a/b{2}", PCRE2_EXTENDED },
        { "m(a(b)c)", "a(b)c", 0 },
        { "m<a>i", "a", PCRE2_CASELESS },
        { "m[x]", "x", 0 },
        { "m'a/b'", "a/b", 0 },
        { "m|a|i", "a", PCRE2_CASELESS },
        { "m,^https?://,i", "^https?://", PCRE2_CASELESS },
        { "qr/a/", "a", 0 },
        { "/a/xx", "a", PCRE2_EXTENDED | PCRE2_EXTENDED_MORE },
        { "/(a)(b)/n", "(a)(b)", PCRE2_NO_AUTO_CAPTURE },
        { "/a/aap", "a", 0 },
        { "//", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span pattern;
        unsigned options;

        EXPECT_NULL(cf_pattern_split(&arena, span_of(cases[i].text), &pattern, &options));
        EXPECT_SPAN(cases[i].pattern, pattern);
        EXPECT_INT(cases[i].options | PCRE2_DUPNAMES, options);
    }
}

static void what_is_no_pattern_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "free", "the pattern has no delimiters: write /pattern/ or m{pattern}" },
        { "mfreem", "the pattern has no delimiters: write /pattern/ or m{pattern}" },
        { "", "the pattern has no delimiters: write /pattern/ or m{pattern}" },
        { "m", "the pattern has no delimiters: write /pattern/ or m{pattern}" },
        { "!a!", "the pattern has no delimiters: write /pattern/ or m{pattern}" },
        { "m\\a\\", "a backslash cannot delimit a pattern" },
        { "/free", "the pattern has no closing /" },
        { "/", "the pattern has no closing /" },
        { "m{free", "the pattern has no closing }" },
        { "/a/b/", "/ stands in the pattern without a backslash" },
        { "/a/e", "modifier e of the pattern is not supported" },
        { "/a/u", "modifier u of the pattern is not supported" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span pattern;
        unsigned options;

        EXPECT_STR(cases[i].why, cf_pattern_split(&arena, span_of(cases[i].text), &pattern, &options));
    }
}

static void what_perl_has_otherwise_is_rewritten(void **state)
{
    static const struct {
        const char *perl, *ours;
    } cases[] = {
        { "\\bfree\\b", "\\bfree\\b" },
        { "foo@bar\\.com$", "foo@bar\\.com$" },
        { "x{,3}y", "x{0,3}y" },
        { "x{ 1, 3 }y", "x{1,3}y" },
        { "(?:x{2}){3,}", "(?:x{2}){3,}" },
        { "{abc}{}{,}", "{abc}{}{,}" },
        { "\\N{U+e9}", "\\x{e9}" },
        { "\\N{3,4}", "\\N{3,4}" },
        { "[\\N{U+e9}]", "[\\x{e9}]" },
        { "(?a:x)", "(?:x)" },
        { "(?^aai:x)", "(?^i:x)" },
        { "(?i-xsm:x)", "(?i-xsm:x)" },
        { "(?<name>x)\\k<name>", "(?<name>x)\\k<name>" },
        { "(?#code: (?{ is not here)x", "(?#code: (?{ is not here)x" },
        { "[[:alpha:]\\]]", "[[:alpha:]\\]]" },
        { "[]{,3}]{,3}", "[]{,3}]{0,3}" },
        { "[^]{,3}]", "[^]{,3}]" },
        { "a(*SKIP)(*F)", "a(*SKIP)(*F)" },
        { "(?=x)(?!y)(?<=z)(?<!w)(?>v)", "(?=x)(?!y)(?<=z)(?<!w)(?>v)" },
        { "\xc3\xa4", "\xc3\xa4" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *out = NULL, *wrong = cf_pattern_convert(&arena, span_of(cases[i].perl), 0, &out);

        if (wrong)
            fail_msg("%s: %s", cases[i].perl, wrong);
        EXPECT_STR(cases[i].ours, out);
    }
}

static void what_cannot_be_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *perl, *why;
    } cases[] = {
        { "a(?{ code })", "the pattern has Perl code in it, (?{...})" },
        { "a(??{ code })", "the pattern has Perl code in it, (?{...})" },
        { "\\b{wb}x", "\\b{...} is a boundary by Unicode's rules; text is matched as bytes" },
        { "\\N{SNOWMAN}", "\\N{...} names a character; text is matched as bytes" },
        { "\\N{U+2603}", "PCRE2 does not take the pattern: character code point value in \\x{} or \\o{} is too large, "
                         "at \"}\"" },
        { "\\x{2603}", "PCRE2 does not take the pattern: character code point value in \\x{} or \\o{} is too large, "
                       "at \"}\"" },
        { "(?u)x", "(?u) and (?l) want Unicode's or a locale's rules; text is matched as bytes" },
        { "\\Qx\\E", "\\Q has no meaning in a pattern of a rule file" },
        { "(*UTF)x", "(*...) with a verb that Perl does not have" },
        { "(*LIMIT_MATCH=1)x", "(*...) with a verb that Perl does not have" },
        { "(x", "PCRE2 does not take the pattern: missing closing parenthesis, at \"its end\"" },
        { "(?<=a+)b", "PCRE2 does not take the pattern: lookbehind assertion is not fixed length, at \"its end\"" },
        { "x\\", "PCRE2 does not take the pattern: \\ at end of pattern, at \"its end\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *out = NULL, *wrong = cf_pattern_convert(&arena, span_of(cases[i].perl), 0, &out);

        if (!wrong)
            fail_msg("%s is taken", cases[i].perl);
        if (strncmp(wrong, cases[i].why, 60) != 0 || (strlen(cases[i].why) < 60 && strcmp(wrong, cases[i].why) != 0))
            fail_msg("%s: %s", cases[i].perl, wrong);
    }
}

static void patterns_are_bounded(void **state)
{
    static char text[CF_PATTERN_MAX + 2];
    const char *out;

    (void)state;
    memset(text, 'a', CF_PATTERN_MAX + 1);
    EXPECT_STR("the pattern is longer than 64 KiB", cf_pattern_convert(&arena, span_of(text), 0, &out));
    for (size_t i = 0; i + 4 < sizeof text; i += 4) /* quickly refused, too */
        memcpy(text + i, "\\N{[", 4);
    assert_non_null(cf_pattern_convert(&arena, span_of(text), 0, &out));
}

RUN_ARENA_TESTS(TEST(delimiters_and_modifiers_are_taken_off), TEST(what_is_no_pattern_is_refused),
                TEST(what_perl_has_otherwise_is_rewritten), TEST(what_cannot_be_is_refused_with_a_reason),
                TEST(patterns_are_bounded))
