/* tests/unit/test_rule_settings.c - what lines of rule files set that are no rules. */
#include "tests/kit/arena_tests.h"

#include "rules/ruleset.h"
#include "rules/settings.h"

static const struct ruleset *load(const char *text)
{
    static const struct ruleset_options options = { 0 };
    const struct ruleset *set = ruleset_load_text(&arena, "test.cf", span_of(text), &options);

    EXPECT_INT(0, set->count);
    return set;
}

static const struct ruleset_settings *settings_of(const char *text)
{
    const struct ruleset *set = load(text);

    for (size_t i = 0; i < set->note_count; i++)
        print_error("%u: %s\n", set->notes[i].line, set->notes[i].text);
    EXPECT_INT(0, set->note_count);
    return set->settings;
}

static bool has(const struct net_rules *nets, const char *text)
{
    struct addr a;

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(text), &a));
    return net_rules_have(nets, &a);
}

static void networks_are_read_as_people_write_them(void **state)
{
    const struct ruleset_settings *s =
        settings_of("trusted_networks 192.0.2.7 10.1. 172.16/12 !203.0.113.9 203.0.113.\n"
                    "trusted_networks [2001:db8::]/32\n"
                    "internal_networks 192.0.2.7\nclear_internal_networks\n"
                    "msa_networks ! 198.51.100.1 198.51.100.0/24\n");

    (void)state;
    EXPECT_TRUE(s->trusted.is_configured);
    EXPECT_TRUE(has(&s->trusted, "192.0.2.7"));
    EXPECT_FALSE(has(&s->trusted, "192.0.2.8"));
    EXPECT_TRUE(has(&s->trusted, "10.1.255.1"));
    EXPECT_FALSE(has(&s->trusted, "10.2.0.1"));
    EXPECT_TRUE(has(&s->trusted, "172.31.0.1"));
    EXPECT_FALSE(has(&s->trusted, "203.0.113.9")); /* the first that has it decides */
    EXPECT_TRUE(has(&s->trusted, "203.0.113.10"));
    EXPECT_TRUE(has(&s->trusted, "2001:db8::1"));
    EXPECT_FALSE(s->internal.is_configured);
    EXPECT_FALSE(has(&s->internal, "192.0.2.7"));
    EXPECT_FALSE(has(&s->msa, "198.51.100.1"));
    EXPECT_TRUE(has(&s->msa, "198.51.100.2"));
}

static bool is_listed(const struct ruleset_settings *s, const char *list, const char *address)
{
    return addresses_have(settings_addresses(s, list), span_of(address));
}

static void addresses_are_found_by_patterns(void **state)
{
    static const struct {
        const char *address;
        bool is_listed;
    } cases[] = {
        { "friend@example.com", true },
        { "FRIEND@Example.COM", true },
        { "foe@example.com", false },
        { "any@example.net", true },
        { "any@sub.example.net", false },
        { "a@sub.example.org", true },
        { "a@b.sub.example.org", true },
        { "a@example.org", false },
        { "x@y1.example.info", true },
        { "x@y12.example.info", false },
        { "whoever@badexample.biz", true },
        { "@example.net", true },
        { "list@lists.example", true },
        { "listen@lists.example", true },
        { "", false },
        { "news-a@b.c", true },
        { "a@b.c", false },
    };
    const struct ruleset_settings *s =
        settings_of("whitelist_from friend@example.com *@example.net *@*.example.org ?@y?.example.info\n"
                    "welcomelist_from *badexample.biz list*@lists.example news-*\n"
                    "welcomelist_from gone@example.com *@gone.example\n"
                    "unwhitelist_from gone@example.com *@GONE.example\n"
                    "blacklist_from *@spam.example\n"
                    "enlist_addrlist (VIP) boss@example.com *@vip.example\n"
                    "def_whitelist_auth *@auth.example\n");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (is_listed(s, "welcomelist_from", cases[i].address) != cases[i].is_listed)
            fail_msg("%s", cases[i].address);
    EXPECT_FALSE(is_listed(s, "welcomelist_from", "gone@example.com"));
    EXPECT_FALSE(is_listed(s, "welcomelist_from", "x@gone.example"));
    EXPECT_TRUE(is_listed(s, "blocklist_from", "x@spam.example"));
    EXPECT_TRUE(is_listed(s, "VIP", "boss@example.com"));
    EXPECT_TRUE(is_listed(s, "def_welcomelist_auth", "x@auth.example"));
    EXPECT_NULL(settings_addresses(s, "NOBODY"));
    EXPECT_FALSE(is_listed(s, "NOBODY", "x@y"));
}

static void addresses_have_domains_that_they_come_from(void **state)
{
    const struct ruleset_settings *s = settings_of("whitelist_from_rcvd *@example.com relay.example\n"
                                                   "whitelist_from_rcvd *@example.com [192.0.2.7]\n"
                                                   "welcomelist_from_rcvd a@example.com Other.Example\n"
                                                   "welcomelist_from_rcvd *example.com others.example\n"
                                                   "whitelist_from_dkim *@signed.example\n"
                                                   "whitelist_from_dkim *@signed.example Esp.Example\n"
                                                   "whitelist_from_dkim *@less.example one.example\n"
                                                   "whitelist_from_dkim *@less.example two.example\n"
                                                   "unwhitelist_from_dkim *@less.example one.example\n"
                                                   "whitelist_from_dkim *@none.example one.example\n"
                                                   "unwhitelist_from_dkim *@none.example one.example\n");
    const struct address_list *list = settings_addresses(s, "welcomelist_from_rcvd");
    const struct address_pattern *p;
    size_t at = 0;

    (void)state;
    p = addresses_match(list, SPAN("a@example.com"), &at);
    EXPECT_STR("*@example.com", p->text);
    EXPECT_INT(2, p->value_count);
    EXPECT_STR("relay.example", p->values[0]);
    EXPECT_STR("[192.0.2.7]", p->values[1]);
    EXPECT_STR("a@example.com", addresses_match(list, SPAN("a@example.com"), &at)->text);
    p = addresses_match(list, SPAN("a@example.com"), &at);
    EXPECT_STR("*example.com", p->text);
    EXPECT_STR("others.example", p->values[0]);
    EXPECT_NULL(addresses_match(list, SPAN("a@example.com"), &at));

    list = settings_addresses(s, "welcomelist_from_dkim");
    at = 0;
    p = addresses_match(list, SPAN("x@signed.example"), &at);
    EXPECT_INT(2, p->value_count);
    EXPECT_STR("", p->values[0]); /* its author's domain */
    EXPECT_STR("esp.example", p->values[1]);
    at = 0;
    p = addresses_match(list, SPAN("x@less.example"), &at);
    EXPECT_INT(1, p->value_count);
    EXPECT_STR("two.example", p->values[0]);
    EXPECT_FALSE(is_listed(s, "welcomelist_from_dkim", "x@none.example"));
}

static void words_are_found(void **state)
{
    const struct ruleset_settings *s =
        settings_of("freemail_domains Example.com free.example *.mail.example\n"
                    "freemail_whitelist abuse@example.com\n"
                    "util_rb_tld one\nclear_util_rb\nutil_rb_tld com\nutil_rb_2tld co.uk\n"
                    "enlist_uri_host (MY) bad.example !good.bad.example gone.example\n"
                    "blacklist_uri_host worse.example\n"
                    "delist_uri_host (MY) gone.example\n"
                    "ok_locales en de\n");
    bool is_negated = false;

    (void)state;
    EXPECT_TRUE(words_have(settings_words(s, "freemail_domains"), SPAN("example.com"), NULL));
    EXPECT_INT(2, words_count(settings_words(s, "freemail_domains")));
    EXPECT_STR("free.example", words_at(settings_words(s, "freemail_domains"), 1));
    EXPECT_INT(1, s->freemail_wildcard_count);
    EXPECT_STR("*.mail.example", s->freemail_wildcards[0]);
    EXPECT_TRUE(words_have(settings_words(s, "freemail_welcomelist"), SPAN("abuse@example.com"), NULL));
    EXPECT_FALSE(words_have(settings_words(s, "util_rb_tld"), SPAN("one"), NULL));
    EXPECT_TRUE(words_have(settings_words(s, "util_rb_tld"), SPAN("com"), NULL));
    EXPECT_TRUE(words_have(settings_words(s, "util_rb_2tld"), SPAN("co.uk"), NULL));
    EXPECT_TRUE(words_have(settings_hosts(s, "MY"), SPAN("bad.example"), &is_negated));
    EXPECT_FALSE(is_negated);
    EXPECT_TRUE(words_have(settings_hosts(s, "MY"), SPAN("good.bad.example"), &is_negated));
    EXPECT_TRUE(is_negated);
    EXPECT_FALSE(words_have(settings_hosts(s, "MY"), SPAN("gone.example"), NULL));
    EXPECT_TRUE(words_have(settings_hosts(s, "BLOCK"), SPAN("worse.example"), NULL));
    EXPECT_TRUE(words_have(settings_words(s, "ok_locales"), SPAN("de"), NULL));
    EXPECT_NULL(settings_words(s, "MY"));
    EXPECT_FALSE(words_have(NULL, SPAN("x"), NULL));
}

static void the_rest_is_set(void **state)
{
    const struct ruleset_settings *s = settings_of("required_score 4.5\n"
                                                   "freemail_max_body_emails 9\nfreemail_skip_bulk_envfrom 0\n"
                                                   "envelope_sender_header X-Envelope-From\n"
                                                   "always_trust_envelope_sender 1\n"
                                                   "originating_ip_headers X-One X-Two\n"
                                                   "clear_originating_ip_headers\n"
                                                   "originating_ip_headers X-Three\n"
                                                   "redirector_pattern m'^https?://r\\.example/\\?u=(.*)$'i\n"
                                                   "adsp_override Example.COM custom_low\nadsp_override b.example\n"
                                                   "whitelist_subject [Bug *]\nblacklist_subject Make Money Fast\n"
                                                   "body_part_scan_size 1000\n");

    (void)state;
    EXPECT_INT(450, s->required_score);
    EXPECT_INT(9, s->freemail_max_body_emails);
    EXPECT_INT(3, s->freemail_max_body_freemails);
    EXPECT_FALSE(s->freemail_skip_bulk_envfrom);
    EXPECT_TRUE(s->freemail_skip_when_over_max);
    EXPECT_STR("X-Envelope-From", s->envelope_sender_header);
    EXPECT_TRUE(s->always_trust_envelope_sender);
    EXPECT_INT(1, s->originating_ip_header_count);
    EXPECT_STR("x-three", s->originating_ip_headers[0]);
    EXPECT_INT(1, s->redirector_count);
    EXPECT_STR("^https?://r\\.example/\\?u=(.*)$", s->redirectors[0].pattern);
    EXPECT_INT(2, s->adsp_count);
    EXPECT_STR("example.com", s->adsp[0].domain);
    EXPECT_STR("custom_low", s->adsp[0].practices);
    EXPECT_STR("discardable", s->adsp[1].practices);
    EXPECT_STR("[bug *]", s->subject_welcomelist[0]);
    EXPECT_STR("make money fast", s->subject_blocklist[0]);
    EXPECT_INT(1000, s->body_part_scan_bytes);
    EXPECT_INT(500000, s->rawbody_part_scan_bytes);
}

static void what_is_wrong_is_noted(void **state)
{
    static const char *const cases[][2] = {
        { "whitelist_from", "the line has no addresses" },
        { "whitelist_from_rcvd a@b", "the line wants an address and a domain" },
        { "enlist_addrlist a@b", "enlist_addrlist wants (NAME) and addresses" },
        { "enlist_uri_host (A", "enlist_uri_host wants (NAME) and hosts" },
        { "required_score high", "required_score wants a number" },
        { "adsp_override", "adsp_override wants a domain" },
        { "redirector_pattern x", "redirector_pattern: the pattern has no delimiters: write /pattern/ or m{pattern}" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct ruleset *set = load(cases[i][0]);

        EXPECT_INT(1, set->note_count);
        EXPECT_STR(cases[i][1], set->notes[0].text);
    }
}

static void many_are_quick(void **state)
{
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 1 << 24);
    for (int i = 0; i < 20000; i++)
        strbuf_putf(&text, "whitelist_from_rcvd *@example.com r%d.example\nwhitelist_from a%d@x%d.example\n", i, i, i);
    for (int i = 0; i < 2000; i++)
        strbuf_putf(&text, "enlist_uri_host (L%d) a.example\nenlist_addrlist (L%d) a@b\n", i, i);
    const struct ruleset *set = load(text.data);
    size_t at = 0;

    EXPECT_INT(20000,
               addresses_match(settings_addresses(set->settings, "welcomelist_from_rcvd"), SPAN("a@example.com"), &at)
                   ->value_count);
    EXPECT_TRUE(is_listed(set->settings, "welcomelist_from", "a19999@x19999.example"));
    EXPECT_TRUE(set->note_count > 0); /* too many lists */
    EXPECT_NULL(settings_hosts(set->settings, "L1999"));
    strbuf_release(&text);
}

RUN_ARENA_TESTS(TEST(networks_are_read_as_people_write_them), TEST(addresses_are_found_by_patterns),
                TEST(addresses_have_domains_that_they_come_from), TEST(words_are_found), TEST(the_rest_is_set),
                TEST(what_is_wrong_is_noted), TEST(many_are_quick))
