/* tests/unit/test_access_set.c - sets of networks, domains and addresses. */
#include "tests/kit/expect.h"

#include "gateway/mail/access_set.h"

static struct access_set *set_of(enum access_kind kind, const char *const *entries)
{
    struct access_set *set = access_set_new(kind, 0);

    for (unsigned i = 0; entries[i]; i++)
        EXPECT_NULL(access_set_add(set, span_of(entries[i]), i + 1));
    return set;
}

static void the_longest_prefix_is_found(void **state)
{
    static const char *const entries[] = { "192.0.2.0/24",  "192.0.2.128/25",  "192.0.2.7",          "198.51.100.0/22",
                                           "2001:db8::/32", "2001:db8:1::/48", "::ffff:203.0.113.9", NULL };
    static const struct {
        const char *client, *entry; /* NULL: none */
        unsigned line;
    } cases[] = {
        { "192.0.2.7", "192.0.2.7/32", 3 },
        { "192.0.2.8", "192.0.2.0/24", 1 },
        { "192.0.2.200", "192.0.2.128/25", 2 },
        { "192.0.3.1", NULL, 0 },
        { "198.51.103.255", "198.51.100.0/22", 4 },
        { "198.51.104.0", NULL, 0 },
        { "::ffff:192.0.2.7", "192.0.2.7/32", 3 },
        { "203.0.113.9", "203.0.113.9/32", 7 },
        { "2001:db8:1::5", "2001:db8:1::/48", 6 },
        { "2001:db8:2::5", "2001:db8::/32", 5 },
        { "2001:db9::", NULL, 0 },
        { "::", NULL, 0 },
    };
    struct access_set *set = set_of(ACCESS_NETS, entries);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr client;
        struct access_match match = { 0 };

        EXPECT_INT(FAULT_NONE, addr_parse(span_of(cases[i].client), &client));
        EXPECT_INT(cases[i].entry != NULL, access_set_has_addr(set, &client, &match));
        EXPECT_STR(cases[i].entry ? cases[i].entry : "", match.text);
        EXPECT_INT(cases[i].line, match.line);
    }
    struct addr none = { 0 };

    EXPECT_FALSE(access_set_has_addr(set, &none, NULL));
    access_set_free(set);
}

static void a_default_route_matches_its_family_only(void **state)
{
    static const char *const entries[] = { "0.0.0.0/0", NULL };
    struct access_set *set = set_of(ACCESS_NETS, entries);
    struct addr a;

    (void)state;
    addr_parse(SPAN("255.255.255.255"), &a);
    EXPECT_TRUE(access_set_has_addr(set, &a, NULL));
    addr_parse(SPAN("2001:db8::1"), &a);
    EXPECT_FALSE(access_set_has_addr(set, &a, NULL));
    access_set_free(set);
}

static void names_match_alone_or_what_is_under_them(void **state)
{
    static const char *const entries[] = { "Example.ORG",
                                           ".example.net",
                                           "*.sub.example.net",
                                           "b\xc3\xbc"
                                           "cher.example",
                                           ".com",
                                           NULL };
    static const struct {
        const char *name, *entry;
    } cases[] = {
        { "example.org", "example.org" },
        { "EXAMPLE.org.", "example.org" },
        { "www.example.org", NULL },
        { "xexample.org", NULL },
        { "example.net", NULL },
        { "a.example.net", ".example.net" },
        { "a.b.example.net", ".example.net" },
        { "sub.example.net", ".example.net" },
        { "x.sub.example.net", ".sub.example.net" },
        { "xn--bcher-kva.example", "xn--bcher-kva.example" },
        { "B\xc3\x9c"
          "CHER.example",
          "xn--bcher-kva.example" },
        { "a.com", ".com" },
        { "com", NULL },
        { "", NULL },
        { ".", NULL },
        { "[192.0.2.1]", NULL },
        { "a b.com", NULL },
    };
    struct access_set *set = set_of(ACCESS_NAMES, entries);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_match match = { 0 };

        if (access_set_has_name(set, span_of(cases[i].name), &match) != (cases[i].entry != NULL))
            fail_msg("%s", cases[i].name);
        EXPECT_STR(cases[i].entry ? cases[i].entry : "", match.text);
    }
    access_set_free(set);
}

static void addresses_match_before_their_domains(void **state)
{
    static const char *const entries[] = {
        "joe@example.org", "@example.org", ".example.org", "root@", "<>", "Odd#One@example.com", NULL
    };
    static const struct {
        const char *address, *entry;
    } cases[] = {
        { "joe@example.org", "joe@example.org" },
        { "JOE@EXAMPLE.ORG", "joe@example.org" },
        { "jane@example.org", "example.org" },
        { "root@example.org", "example.org" },
        { "root@sub.example.org", ".example.org" },
        { "Root@elsewhere.example", "root@" },
        { "", "<>" },
        { "joe@elsewhere.example", NULL },
        { "odd#one@example.com", "odd#one@example.com" },
        { "joe@[192.0.2.1]", NULL },
        { "root@[192.0.2.1]", "root@" },
    };
    struct access_set *set = set_of(ACCESS_ADDRESSES, entries);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_match match = { 0 };
        struct address address = { 0 };

        if (cases[i].address[0])
            EXPECT_INT(FAULT_NONE, address_parse(span_of(cases[i].address), &address));
        if (access_set_has_address(set, &address, &match) != (cases[i].entry != NULL))
            fail_msg("%s", cases[i].address);
        EXPECT_STR(cases[i].entry ? cases[i].entry : "", match.text);
    }
    struct address postmaster = { .text = SPAN("root"), .local = SPAN("root") }; /* without a domain */

    EXPECT_TRUE(access_set_has_address(set, &postmaster, NULL));
    access_set_free(set);
}

static void what_is_no_entry_is_refused(void **state)
{
    static const struct {
        enum access_kind kind;
        const char *entry;
    } cases[] = {
        { ACCESS_NETS, "" },
        { ACCESS_NETS, "example.org" },
        { ACCESS_NETS, "192.0.2.0/33" },
        { ACCESS_NETS, "192.0.2.1/24" },
        { ACCESS_NETS, "2001:db8::1/64" },
        { ACCESS_NETS, "192.0.2" },
        { ACCESS_NETS, "192.0.2.0/" },
        { ACCESS_NETS, "192.0.2.0/24/24" },
        { ACCESS_NAMES, "" },
        { ACCESS_NAMES, "." },
        { ACCESS_NAMES, "*" },
        { ACCESS_NAMES, "*example.org" },
        { ACCESS_NAMES, "a..b" },
        { ACCESS_NAMES, "user@example.org" },
        { ACCESS_NAMES, "/^mail\\./" },
        { ACCESS_ADDRESSES, "" },
        { ACCESS_ADDRESSES, "@" },
        { ACCESS_ADDRESSES, "a@b@" },
        { ACCESS_ADDRESSES, "a b@example.org" },
        { ACCESS_ADDRESSES, "user@exa mple.org" },
        { ACCESS_ADDRESSES, "/.*@example.org/" },
        { ACCESS_ADDRESSES, "<user@example.org>" },
        { ACCESS_CLIENTS, "" },
        { ACCESS_CLIENTS, "300.1" },
        { ACCESS_CLIENTS, "192..2" },
        { ACCESS_CLIENTS, "2192.0.2." },
        { ACCESS_CLIENTS, "192.0.2." },
        { ACCESS_CLIENTS, "192.0.2.1/24" },
        { ACCESS_CLIENTS, "2001:dbx" },
        { ACCESS_CLIENTS, "1:2:3:4:5:6:7:8:9" },
        { ACCESS_CLIENTS, "/^mail\\./" },
    };
    char longest[700];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (!access_entry_wrong(cases[i].kind, span_of(cases[i].entry)))
            fail_msg("taken: %s", cases[i].entry);
    memset(longest, 'a', sizeof longest);
    memcpy(longest + sizeof longest - 12, "@example.org", 12);
    EXPECT_TRUE(access_entry_wrong(ACCESS_ADDRESSES, span_make(longest, sizeof longest)) != NULL);
    EXPECT_NULL(access_entry_wrong(ACCESS_ADDRESSES, span_make(longest + 300, sizeof longest - 300)));
}

static void many_are_all_found_and_the_first_line_stays(void **state)
{
    enum { MANY = 100000 };
    struct access_set *set = access_set_new(ACCESS_ADDRESSES, 0);
    struct access_match match;
    char text[64];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "user%u@d%u.example", i, i % 1000);
        EXPECT_NULL(access_set_add(set, span_of(text), i + 1));
        EXPECT_NULL(access_set_add(set, span_of(text), i + 1000000));
    }
    EXPECT_INT(MANY, access_set_count(set));
    for (unsigned i = 0; i < MANY + 1000; i++) {
        struct address address;

        snprintf(text, sizeof text, "user%u@d%u.example", i, i % 1000);
        EXPECT_INT(FAULT_NONE, address_parse(span_of(text), &address));
        EXPECT_INT(i < MANY, access_set_has_address(set, &address, &match));
        if (i < MANY)
            EXPECT_INT(i + 1, match.line);
    }
    access_set_free(set);
    access_set_free(NULL);
}

static const char *value_for_client(const struct access_set *map, const char *name, const char *ip)
{
    static struct access_match match;
    struct addr a;

    if (name && access_set_has_name(map, span_of(name), &match))
        return match.value.ptr;
    EXPECT_INT(FAULT_NONE, addr_parse(span_of(ip), &a));
    return access_set_has_addr(map, &a, &match) ? match.value.ptr : "";
}

static void a_map_of_clients_has_addresses_and_names(void **state)
{
    static const char *const entries[] = { "192.0.2",     "192.0.2.7",      "198.51",
                                           "10",          "203.0.113.0/29", "2001:db8:0:1",
                                           "2001:db8::1", "example.org",    ".example.net",
                                           NULL };
    static const struct {
        const char *name, *ip, *value;
    } cases[] = {
        { NULL, "192.0.2.1", "192.0.2" },
        { NULL, "192.0.2.7", "192.0.2.7" },
        { NULL, "198.51.100.1", "198.51" },
        { NULL, "10.1.2.3", "10" },
        { NULL, "203.0.113.7", "203.0.113.0/29" },
        { NULL, "203.0.113.8", "" },
        { NULL, "2001:db8:0:1::5", "2001:db8:0:1" },
        { NULL, "2001:db8::1", "2001:db8::1" },
        { NULL, "2001:db8:0:2::5", "" },
        { "mx.example.org", "192.0.2.1", "example.org" },
        { "example.org", "203.0.113.8", "example.org" },
        { "mx.example.net", "203.0.113.8", ".example.net" },
        { "example.net", "203.0.113.8", "" },
    };
    struct access_set *map = access_map_new(ACCESS_CLIENTS, 0);

    (void)state;
    for (size_t i = 0; entries[i]; i++)
        EXPECT_NULL(access_map_add(map, span_of(entries[i]), span_of(entries[i]), (unsigned)i + 1));
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].value, value_for_client(map, cases[i].name, cases[i].ip));
    access_set_free(map);
}

static void a_map_of_addresses_is_looked_up_as_postfix_does(void **state)
{
    static const char *const entries[] = {
        "joe@example.org", "joe+x@example.org", "example.org", "sub.example.org", "list@", "<>", NULL
    };
    static const struct {
        const char *address, *value;
    } cases[] = {
        { "joe@example.org", "joe@example.org" },
        { "joe+x@example.org", "joe+x@example.org" },
        { "joe+y@example.org", "joe@example.org" },
        { "ann@example.org", "example.org" },
        { "ann@deep.example.org", "example.org" },
        { "ann@sub.example.org", "sub.example.org" },
        { "ann@x.sub.example.org", "sub.example.org" },
        { "list+owner@example.com", "list@" },
        { "+@example.com", "" },
        { "", "<>" },
        { "ann@example.com", "" },
    };
    struct access_set *map = access_map_new(ACCESS_ADDRESSES, 0);

    (void)state;
    for (size_t i = 0; entries[i]; i++)
        EXPECT_NULL(access_map_add(map, span_of(entries[i]), span_of(entries[i]), (unsigned)i + 1));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_match match = { .value = SPAN("") };
        struct address address = { 0 };

        if (cases[i].address[0])
            EXPECT_INT(FAULT_NONE, address_parse(span_of(cases[i].address), &address));
        access_set_has_address(map, &address, &match);
        if (!span_is(match.value, cases[i].value))
            fail_msg("%s: %.*s", cases[i].address, SPAN_ARG(match.value));
    }
    access_set_free(map);
}

static void a_value_has_its_limits(void **state)
{
    struct access_set *map = access_map_new(ACCESS_NAMES, 0);
    char value[ACCESS_VALUE_MOST + 1];
    struct access_match match;

    (void)state;
    memset(value, 'x', sizeof value);
    assert_non_null(access_map_add(map, SPAN("a.example"), span_make(value, sizeof value), 1));
    assert_non_null(access_map_add(map, SPAN("a.example"), span_make("a\0b", 3), 1));
    EXPECT_NULL(access_map_add(map, SPAN("a.example"), span_make(value, sizeof value - 1), 1));
    EXPECT_NULL(access_map_add(map, SPAN("a.example"), SPAN("later"), 2)); /* the first stays */
    EXPECT_TRUE(access_set_has_name(map, SPAN("a.example"), &match));
    EXPECT_INT(ACCESS_VALUE_MOST, match.value.len);
    access_set_free(map);
}

RUN_TESTS(TEST(a_map_of_clients_has_addresses_and_names), TEST(a_map_of_addresses_is_looked_up_as_postfix_does),
          TEST(a_value_has_its_limits), TEST(the_longest_prefix_is_found),
          TEST(a_default_route_matches_its_family_only), TEST(names_match_alone_or_what_is_under_them),
          TEST(addresses_match_before_their_domains), TEST(what_is_no_entry_is_refused),
          TEST(many_are_all_found_and_the_first_line_stays))
