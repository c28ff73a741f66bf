/* tests/unit/test_dmarc_record.c - the DMARC policy record [RFC9989 4.7, 4.8]. */
#include "scanners/dmarc_record.h"

#include "tests/kit/expect.h"

static void only_records_that_begin_with_their_version_are_records(void **state)
{
    static const struct {
        const char *text;
        bool is_record;
    } cases[] = {
        { "v=DMARC1", true },
        { "v=DMARC1;", true },
        { "v=DMARC1; p=none", true },
        { "v = DMARC1 ; p = none ;", true },
        { "V=DMARC1;p=none", true }, /* names are ABNF strings: without case */
        { "", false },
        { "p=reject", false },
        { "p=reject; v=DMARC1", false },
        { "v=dmarc1; p=reject", false },
        { "v=DMARC2; p=reject", false },
        { "v=DMARC1 p=reject", false },
        { "v=DMARC10; p=reject", false },
        { "vv=DMARC1; p=reject", false },
        { ";v=DMARC1; p=reject", false },
        { " v=DMARC1; p=reject", false },
        { "v=spf1 -all", false },
        { "DMARC1; p=reject", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dmarc_record r;

        EXPECT_INT(cases[i].is_record, dmarc_record_parse(span_of(cases[i].text), &r));
    }
}

static void policies_fall_back_from_np_to_sp_to_p(void **state)
{
    static const struct {
        const char *text;
        enum dmarc_policy p, sp, np;
    } cases[] = {
        { "v=DMARC1; p=reject", DMARC_REJECT, DMARC_REJECT, DMARC_REJECT },
        { "v=DMARC1; p=none; sp=reject", DMARC_NONE, DMARC_REJECT, DMARC_REJECT },
        { "v=DMARC1; p=none; np=reject", DMARC_NONE, DMARC_NONE, DMARC_REJECT },
        { "v=DMARC1; p=none; sp=quarantine; np=reject", DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT },
        { "v=DMARC1; np=none; sp=quarantine; p=reject", DMARC_REJECT, DMARC_QUARANTINE, DMARC_NONE },
        { "v=DMARC1;P=REJECT;Sp=Quarantine", DMARC_REJECT, DMARC_QUARANTINE, DMARC_QUARANTINE },
        { "v=DMARC1; p=reject; p=none", DMARC_REJECT, DMARC_REJECT, DMARC_REJECT },
        { "v=DMARC1; p=reject; pct=0; rf=afrf; ri=1; fo=9; x=y; =; ; 1=2; p", DMARC_REJECT, DMARC_REJECT,
          DMARC_REJECT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dmarc_record r;

        EXPECT_TRUE(dmarc_record_parse(span_of(cases[i].text), &r));
        EXPECT_INT(cases[i].p, r.policy);
        EXPECT_INT(cases[i].sp, r.subdomain_policy);
        EXPECT_INT(cases[i].np, r.nonexistent_policy);
        EXPECT_FALSE(r.has_bad_policy);
    }
}

static void a_bad_policy_is_none_with_a_reporting_address_and_nothing_without(void **state)
{
    static const struct {
        const char *text;
        bool is_bad, is_unusable;
    } cases[] = {
        { "v=DMARC1; p=none", false, false },
        { "v=DMARC1", true, true },
        { "v=DMARC1; p=r", true, true },
        { "v=DMARC1; p=", true, true },
        { "v=DMARC1; p=reject rua=mailto:a@b.example", true, true },
        { "v=DMARC1; rua=mailto:a@b.example", true, false },
        { "v=DMARC1; p=bogus; rua=mailto:a@b.example!10m", true, false },
        { "v=DMARC1; p=bogus; rua=nonsense, https://b.example/x", true, false },
        { "v=DMARC1; p=bogus; rua=nonsense", true, true },
        { "v=DMARC1; p=bogus; rua=mailto:", true, true },
        { "v=DMARC1; p=bogus; rua=mailto:a", true, true },
        { "v=DMARC1; p=bogus; rua=:a@b.example", true, true },
        { "v=DMARC1; p=bogus; rua=mailto:a <b>@c.example", true, true },
        { "v=DMARC1; p=bogus; ruf=mailto:a@b.example", true, true },
        { "v=DMARC1; p=reject; sp=bogus", true, true },
        { "v=DMARC1; p=reject; np=bogus; rua=mailto:a@b.example", true, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dmarc_record r;

        EXPECT_TRUE(dmarc_record_parse(span_of(cases[i].text), &r));
        EXPECT_INT(cases[i].is_bad, r.has_bad_policy);
        EXPECT_INT(cases[i].is_unusable, r.is_unusable);
        if (cases[i].is_bad)
            EXPECT_INT(DMARC_NONE, r.policy);
    }
}

static void other_tags_have_their_default_unless_they_say_exactly(void **state)
{
    static const struct {
        const char *tags;
        bool adkim, aspf, t;
        enum dmarc_psd psd;
    } cases[] = {
        { "", false, false, false, DMARC_PSD_UNSAID },
        { "adkim=s; aspf=s; t=y; psd=y", true, true, true, DMARC_PSD_YES },
        { "adkim=S; aspf=S; t=Y; psd=N", true, true, true, DMARC_PSD_NO },
        { "adkim=r; aspf=r; t=n; psd=u", false, false, false, DMARC_PSD_UNSAID },
        { "adkim=x; aspf=strict; t=yes; psd=yes", false, false, false, DMARC_PSD_UNSAID },
        { "adkim=\x01s; aspf=s\xff", false, false, false, DMARC_PSD_UNSAID },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dmarc_record r;
        char text[128];

        snprintf(text, sizeof text, "v=DMARC1; p=reject; %s", cases[i].tags);
        EXPECT_TRUE(dmarc_record_parse(span_of(text), &r));
        EXPECT_INT(cases[i].adkim, r.is_strict_dkim);
        EXPECT_INT(cases[i].aspf, r.is_strict_spf);
        EXPECT_INT(cases[i].t, r.is_testing);
        EXPECT_INT(cases[i].psd, r.psd);
        EXPECT_INT(DMARC_REJECT, r.policy);
    }
}

RUN_TESTS(TEST(only_records_that_begin_with_their_version_are_records), TEST(policies_fall_back_from_np_to_sp_to_p),
          TEST(a_bad_policy_is_none_with_a_reporting_address_and_nothing_without),
          TEST(other_tags_have_their_default_unless_they_say_exactly))
