/* tests/unit/test_spf_hosts.c - addresses against prefixes, and names out of answers as they are asked for. */
#include "scanners/spf_eval.h"

#include "tests/kit/expect.h"

static struct addr addr_of(const char *text)
{
    struct addr a;

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(text), &a));
    return a;
}

static void prefixes_are_compared_bit_by_bit(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned same; /* leading bits */
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", 32 },    { "192.0.2.1", "192.0.2.0", 31 },     { "192.0.2.1", "192.0.2.129", 24 },
        { "192.0.2.1", "193.0.2.1", 7 },     { "192.0.2.1", "64.0.2.1", 0 },       { "0.0.0.0", "0.0.128.0", 16 },
        { "2001:db8::", "2001:db8::", 128 }, { "2001:db8::1", "2001:db8::", 127 }, { "2001:db8::", "a001:db8::", 0 },
        { "2001:db8::", "2001:db9::", 31 },  { "::1", "::8000:0:0:0:1", 48 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr a = addr_of(cases[i].a), b = addr_of(cases[i].b);

        for (unsigned bits = 0; bits <= (a.family == ADDR_IP6 ? 128 : 32); bits++)
            if (spf_prefix_is_same(&a, &b, bits) != (bits <= cases[i].same))
                fail_msg("%s %s/%u", cases[i].a, cases[i].b, bits);
    }
}

static void hosts_are_asked_for_without_escapes(void **state)
{
    static const struct {
        const char *name, *want; /* NULL: not at all */
    } cases[] = {
        { "mx.example", "mx.example" }, { "a\\058b.example", "a:b.example" }, { "", NULL },
        { "a\\046b.example", NULL },    { "a\\092b.example", NULL },          { "a\\032b.example", NULL },
        { "a\\000b.example", NULL },    { "a\\255b.example", NULL },          { "a.example\\05", NULL },
        { "a.example\\", NULL },        { "a\\x41b.example", NULL },          { "\\126.example", "~.example" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char host[DNS_NAME_MAX] = "";
        bool is_host = spf_host(span_of(cases[i].name), host);

        if (is_host != (cases[i].want != NULL))
            fail_msg("%s", cases[i].name);
        if (is_host)
            EXPECT_STR(cases[i].want, host);
    }
    char longest[DNS_NAME_MAX + 1], host[DNS_NAME_MAX];

    memset(longest, 'a', sizeof longest);
    EXPECT_TRUE(spf_host(span_make(longest, DNS_NAME_MAX - 1), host));
    EXPECT_FALSE(spf_host(span_make(longest, DNS_NAME_MAX), host));
}

static void reverse_names_are_those_of_the_dns(void **state)
{
    struct addr ip4 = addr_of("192.0.2.1"), ip6 = addr_of("2001:db8::cb01");
    char out[DNS_NAME_MAX];

    (void)state;
    EXPECT_STR("1.2.0.192.in-addr.arpa", spf_reverse_name(&ip4, out));
    EXPECT_STR("1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", spf_reverse_name(&ip6, out));
}

RUN_TESTS(TEST(prefixes_are_compared_bit_by_bit), TEST(hosts_are_asked_for_without_escapes),
          TEST(reverse_names_are_those_of_the_dns))
