/* tests/unit/test_dnsbl_match.c - which answers of a DNS list are meant. */
#include "scanners/dnsbl_match.h"

#include "scanners/dnsbl_known.h"
#include "tests/kit/expect.h"

static struct addr address(const char *text)
{
    struct addr a;

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(text), &a));
    return a;
}

static void answers_are_told_apart(void **state)
{
    static const struct {
        const char *match, *answer;
        bool has;
    } cases[] = {
        { "127.0.0.2", "127.0.0.2", true },
        { "127.0.0.2", "127.0.0.3", false },
        { " 127.0.0.2 ", "127.0.0.2", true },
        { "127.0.0.4-127.0.0.7", "127.0.0.4", true },
        { "127.0.0.4-127.0.0.7", "127.0.0.7", true },
        { "127.0.0.4-127.0.0.7", "127.0.0.8", false },
        { "127.0.0.4-7", "127.0.0.7", true },
        { "127.0.0.4-7", "127.0.0.3", false },
        { "127.0.0.250-127.0.1.3", "127.0.1.0", true },
        { "127.0.0.0/24", "127.0.0.255", true },
        { "127.0.0.0/24", "127.0.1.0", false },
        { "127.0.0.0/8", "127.255.255.255", true },
        { "mask 0.0.0.8", "127.0.0.8", true },
        { "mask 0.0.0.8", "127.0.0.24", true },
        { "mask 0.0.0.8", "127.0.0.16", false },
        { "mask 0.0.0.24", "127.0.0.16", true },
        { "MASK 0.0.1.0", "127.0.3.0", true },
        { "127.0.[0..255].2", "127.0.0.2", true },
        { "127.0.[0..255].2", "127.0.255.2", true },
        { "127.0.[0..255].2", "127.0.9.3", false },
        { "127.0.0.[2;4..6]", "127.0.0.2", true },
        { "127.0.0.[2;4..6]", "127.0.0.3", false },
        { "127.0.0.[2;4..6]", "127.0.0.5", true },
        { "[127].[0].0.[1..1;200]", "127.0.0.200", true },
        { "127.0.0.0/8", "128.0.0.1", false },
        { "127.0.0.0/8", "2001:db8::1", false },
        { "127.0.0.0/8", "::ffff:127.0.0.9", true }, /* mapped addresses are IPv4 at the door */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dnsbl_match m;
        struct addr a = address(cases[i].answer);

        if (dnsbl_match_parse(span_of(cases[i].match), &m))
            fail_msg("\"%s\" was refused", cases[i].match);
        if (dnsbl_match_has(&m, &a) != cases[i].has)
            fail_msg("\"%s\" and %s", cases[i].match, cases[i].answer);
    }
}

static void what_can_never_come_is_refused(void **state)
{
    static const struct {
        const char *match;
        enum fault fault;
    } cases[] = {
        { "", FAULT_SYNTAX },
        { "listed", FAULT_SYNTAX },
        { "127.0.0", FAULT_SYNTAX },
        { "127.0.0.256", FAULT_SYNTAX },
        { "127.0.0.2/33", FAULT_RANGE },
        { "10.0.0.2", FAULT_RANGE },
        { "126.0.0.0/7", FAULT_RANGE },
        { "::1", FAULT_RANGE },
        { "127.0.0.7-127.0.0.4", FAULT_RANGE },
        { "127.0.0.7-4", FAULT_RANGE },
        { "127.0.0.7-256", FAULT_SYNTAX },
        { "127.0.0.7-", FAULT_SYNTAX },
        { "-127.0.0.7", FAULT_SYNTAX },
        { "127.0.0.7-128.0.0.1", FAULT_RANGE },
        { "mask 0.0.0.0", FAULT_RANGE },
        { "mask 127.0.0.2", FAULT_RANGE },
        { "mask 8", FAULT_SYNTAX },
        { "mask", FAULT_SYNTAX },
        { "127.0.0.[", FAULT_SYNTAX },
        { "127.0.0.[]", FAULT_SYNTAX },
        { "127.0.0.[2", FAULT_SYNTAX },
        { "127.0.0.[2;]", FAULT_SYNTAX },
        { "127.0.0.[5..2]", FAULT_RANGE },
        { "127.0.0.[2...4]", FAULT_SYNTAX },
        { "127.0.0.[2..256]", FAULT_SYNTAX },
        { "127.0.[0].2.", FAULT_SYNTAX },
        { "127.0.[0].2.3", FAULT_SYNTAX },
        { "127.[0].2", FAULT_SYNTAX },
        { "127..[0].2", FAULT_SYNTAX },
        { "127.0..1.[2]", FAULT_SYNTAX },
        { "[1..126].0.0.2", FAULT_RANGE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dnsbl_match m;
        enum fault fault = dnsbl_match_parse(span_of(cases[i].match), &m);

        if (fault != cases[i].fault)
            fail_msg("\"%s\": %s", cases[i].match, fault ? fault_text(fault) : "taken");
    }
}

static void covering_is_told_for_ranges(void **state)
{
    static const struct {
        const char *outer, *inner;
        bool covers;
    } cases[] = {
        { "127.255.255.0/24", "127.255.255.254", true },
        { "127.255.255.0/24", "127.255.254.0-127.255.255.1", false },
        { "127.0.0.1", "127.0.0.1", true },
        { "127.0.0.1", "127.0.0.0/24", false },
        { "127.0.0.0/8", "mask 0.0.0.1", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dnsbl_match outer, inner;

        EXPECT_INT(FAULT_NONE, dnsbl_match_parse(span_of(cases[i].outer), &outer));
        EXPECT_INT(FAULT_NONE, dnsbl_match_parse(span_of(cases[i].inner), &inner));
        EXPECT_INT(cases[i].covers, dnsbl_match_covers(&outer, &inner));
    }
}

static void every_text_of_the_known_lists_is_good(void **state)
{
    const struct dnsbl_known *k;
    struct dnsbl_match m;
    struct span rest, word;

    (void)state;
    for (size_t i = 0; (k = dnsbl_known_at(i)); i++) {
        EXPECT_TRUE(k->answers[0].answer);
        for (const struct dnsbl_known_answer *a = k->answers; a->answer; a++)
            EXPECT_INT(FAULT_NONE, dnsbl_match_parse(span_of(a->answer), &m));
        for (rest = span_of(k->refusals ? k->refusals : ""); span_word(&rest, &word);)
            EXPECT_INT(FAULT_NONE, dnsbl_match_parse(word, &m));
    }
    for (rest = span_of(dnsbl_refusals); span_word(&rest, &word);)
        EXPECT_INT(FAULT_NONE, dnsbl_match_parse(word, &m));
}

static void known_lists_are_found_by_name_and_by_key(void **state)
{
    static const struct {
        const char *name, *zone;
    } cases[] = {
        { "zen.spamhaus.org", "zen.spamhaus.org" },
        { "ZEN.Spamhaus.ORG", "zen.spamhaus.org" },
        { "abc123.zen.dq.spamhaus.net", "zen.spamhaus.org" },
        { "abc123.dbl.dq.spamhaus.net", "dbl.spamhaus.org" },
        { "abc123.sbl-xbl.dq.spamhaus.net", "sbl-xbl.spamhaus.org" },
        { "xzen.spamhaus.org", NULL },
        { "bl.example", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct dnsbl_known *k = dnsbl_known_find(span_of(cases[i].name));

        if (!cases[i].zone)
            EXPECT_NULL(k);
        else
            EXPECT_STR(cases[i].zone, k ? k->zone : "(none)");
    }
}

RUN_TESTS(TEST(answers_are_told_apart), TEST(what_can_never_come_is_refused), TEST(covering_is_told_for_ranges),
          TEST(every_text_of_the_known_lists_is_good), TEST(known_lists_are_found_by_name_and_by_key))
