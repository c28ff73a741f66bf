/* tests/unit/test_spf_syntax.c - the grammar of SPF's macros and domain-specs [RFC7208 7.1]. */
#include "scanners/spf_syntax.h"

#include "tests/kit/expect.h"

static void grammar_is_strict(void **state)
{
    static const struct {
        const char *text;
        bool in_domain, in_explanation;
    } cases[] = {
        { "", true, true },
        { "abc", true, true },
        { "%{i}", true, true },
        { "%{c}", false, true },
        { "%{r}", false, true },
        { "%{T}", false, true },
        { "%{x}", false, false },
        { "%{}", false, false },
        { "%{", false, false },
        { "%{d", false, false },
        { "%{d2", false, false },
        { "%{d2r", false, false },
        { "%", false, false },
        { "a%", false, false },
        { "%%", true, true },
        { "%%%", false, false },
        { "%a", false, false },
        { "%(i)", false, false },
        { "%{d0}", false, false },
        { "%{d00}", false, false },
        { "%{d01}", true, true },
        { "%{dr2}", false, false },
        { "%{drr}", false, false },
        { "%{d2R}", true, true },
        { "%{d.-+,/_=}", true, true },
        { "%{d;}", false, false },
        { "%{d }", false, false },
        { "%{ d}", false, false },
        { "a b", false, true },
        { "a\tb", false, false },
        { "a\x80", false, false },
        { "a\x7f", false, false },
        { "}{", true, true },
        { "%{d}}", true, true },
        { "%{d%{d}}", false, false },
        { "%-%_%%", true, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct span text = span_of(cases[i].text);

        if (!spf_macro_check(text, SPF_MACRO_DOMAIN) != cases[i].in_domain)
            fail_msg("as a domain: %s", cases[i].text);
        if (!spf_macro_check(text, SPF_MACRO_EXPLANATION) != cases[i].in_explanation)
            fail_msg("as an explanation: %s", cases[i].text);
    }
}

static void domain_specs_end_in_a_macro_or_a_top_label(void **state)
{
    static const struct {
        const char *text;
        bool is_right;
    } cases[] = {
        { "example.com", true },
        { "example.com.", true },
        { "example.com..", false },
        { "com", false },
        { "com.", false },
        { ".com", true },
        { "", false },
        { ".", false },
        { "example.123", false },
        { "1.2.3.4", false },
        { "example.1a", true },
        { "example.-com", false },
        { "example.com-", false },
        { "example.co-m", true },
        { "example.xn--zckzah", true },
        { "a.c_m", false },
        { "a:b/c.example.com", true },
        { "example.com:80", false },
        { "example.com/24", false },
        { "%{d}", true },
        { "%{d}.", false },
        { "%{d}.com", true },
        { "%{d}com", false },
        { "a.b%{d}", true },
        { "a.b%%", true },
        { "a.b%_", true },
        { "a.b%-", true },
        { "%{d}%{i}", true },
        { "%{d}.%{i", false },
        { "a.b%{d}/24", false },
        { "a%{d}b", false },
        { "a%%b.c", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (!spf_domain_spec_check(span_of(cases[i].text)) != cases[i].is_right)
            fail_msg("%s", cases[i].text);
}

static void letters_are_found_as_macros_only(void **state)
{
    (void)state;
    EXPECT_TRUE(spf_macro_uses(SPAN("a.%{p}"), 'p'));
    EXPECT_TRUE(spf_macro_uses(SPAN("%{i}%{P2r}"), 'p'));
    EXPECT_FALSE(spf_macro_uses(SPAN("p.%{i}.%%{p}"), 'p'));
    EXPECT_FALSE(spf_macro_uses(SPAN(""), 'p'));
}

RUN_TESTS(TEST(grammar_is_strict), TEST(domain_specs_end_in_a_macro_or_a_top_label),
          TEST(letters_are_found_as_macros_only))
