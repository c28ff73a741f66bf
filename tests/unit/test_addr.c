/* tests/unit/test_addr.c - addresses and networks; a mapped IPv4 address is an IPv4 address everywhere. */
#include "tests/kit/expect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "gateway/base/addr.h"

static struct addr addr(const char *text)
{
    struct addr a = { 0 };

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(text), &a));
    return a;
}

static struct addr_net net(const char *text)
{
    struct addr_net n = { 0 };

    EXPECT_INT(FAULT_NONE, addr_net_parse(span_of(text), &n));
    return n;
}

static void addresses_are_read_and_printed(void **state)
{
    static const struct {
        const char *text, *printed; /* NULL: refused */
    } cases[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "[192.0.2.1]", "192.0.2.1" },
        { "2001:DB8::1", "2001:db8::1" },
        { "[2001:db8:0:0::1]", "2001:db8::1" },
        { "[IPv6:2001:db8::1]", "2001:db8::1" },
        { "[ipv6:::1]", "::1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "[IPv6:::ffff:c000:201]", "192.0.2.1" },
        { "::", "::" },
        { "0.0.0.0", "0.0.0.0" },
        { "", NULL },
        { "[]", NULL },
        { "[192.0.2.1", NULL },
        { "192.0.2", NULL },
        { "192.0.2.256", NULL },
        { "192.0.2.01", NULL },
        { "192.0.2.1 ", NULL },
        { "0x7f.0.0.1", NULL },
        { "2001:db8::1%eth0", NULL },
        { "2001:db8::1::", NULL },
        { "IPv6:2001:db8::1", NULL },
        { "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr a = { 0 };
        char out[ADDR_TEXT_MAX];

        EXPECT_INT(cases[i].printed ? FAULT_NONE : FAULT_SYNTAX, addr_parse(span_of(cases[i].text), &a));
        if (cases[i].printed)
            EXPECT_STR(cases[i].printed, addr_text(&a, out));
        else
            EXPECT_INT(ADDR_NONE, a.family); /* untouched */
    }
    EXPECT_INT(FAULT_SYNTAX, addr_parse(span_make("192.0.2.1\0x", 11), &(struct addr){ 0 }));
}

static void networks_are_read_and_their_host_bits_cleared(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
        const char *printed;
    } cases[] = {
        { "192.0.2.7/24", FAULT_NONE, "192.0.2.0/24" },
        { "192.0.2.7", FAULT_NONE, "192.0.2.7/32" },
        { "192.0.2.7/32", FAULT_NONE, "192.0.2.7/32" },
        { "192.0.2.7/0", FAULT_NONE, "0.0.0.0/0" },
        { "192.0.2.255/31", FAULT_NONE, "192.0.2.254/31" },
        { "2001:db8::ff/121", FAULT_NONE, "2001:db8::80/121" },
        { "2001:db8::1", FAULT_NONE, "2001:db8::1/128" },
        { "::/0", FAULT_NONE, "::/0" },
        { "::ffff:192.0.2.7/120", FAULT_NONE, "192.0.2.0/24" },
        { "::ffff:192.0.2.7/128", FAULT_NONE, "192.0.2.7/32" },
        { "192.0.2.7/33", FAULT_RANGE, NULL },
        { "2001:db8::/129", FAULT_RANGE, NULL },
        { "192.0.2.7/", FAULT_SYNTAX, NULL },
        { "192.0.2.7/x", FAULT_SYNTAX, NULL },
        { "192.0.2.7/-1", FAULT_SYNTAX, NULL },
        { "192.0.2.7/24/8", FAULT_SYNTAX, NULL },
        { "192.0.2/24", FAULT_SYNTAX, NULL },
        { "", FAULT_SYNTAX, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr_net n = { .bits = 77 };
        char out[ADDR_NET_TEXT_MAX];

        EXPECT_INT(cases[i].fault, addr_net_parse(span_of(cases[i].text), &n));
        if (cases[i].printed)
            EXPECT_STR(cases[i].printed, addr_net_text(&n, out));
        else
            EXPECT_INT(77, n.bits);
    }
}

static void an_address_is_in_its_networks_only(void **state)
{
    static const struct {
        const char *addr, *net;
        bool is_in;
    } cases[] = {
        { "192.0.2.1", "192.0.2.0/24", true },      { "192.0.3.1", "192.0.2.0/24", false },
        { "192.0.2.1", "0.0.0.0/0", true },         { "192.0.2.1", "::/0", false },
        { "2001:db8::1", "0.0.0.0/0", false },      { "2001:db8::1", "2001:db8::/32", true },
        { "2001:db9::1", "2001:db8::/32", false },  { "::ffff:192.0.2.1", "192.0.2.0/24", true },
        { "192.0.2.129", "192.0.2.128/25", true },  { "192.0.2.127", "192.0.2.128/25", false },
        { "192.0.2.1", "::ffff:0.0.0.0/96", true }, { "2001:db8::1", "2001:db8::1", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr a = addr(cases[i].addr);
        struct addr_net n = net(cases[i].net);

        EXPECT_INT(cases[i].is_in, addr_in(&a, &n));
    }
}

static void reversed_as_dns_lists_want_it(void **state)
{
    struct addr ip4 = addr("192.0.2.99"), ip6 = addr("2001:db8:1:2:3:4:567:89ab");
    char out[ADDR_REVERSED_MAX];

    (void)state;
    EXPECT_STR("99.2.0.192", addr_reversed(&ip4, out)); /* [RFC5782 2.1] */
    EXPECT_STR("b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2", addr_reversed(&ip6, out)); /* 2.4 */
    EXPECT_STR("", addr_reversed(&(struct addr){ 0 }, out));
}

static void loopback_and_private_are_known(void **state)
{
    static const struct {
        const char *addr;
        bool is_loopback, is_private;
    } cases[] = {
        { "127.0.0.1", true, true },        { "127.255.0.1", true, true },  { "::1", true, true },
        { "::ffff:127.0.0.1", true, true }, { "10.1.2.3", false, true },    { "172.16.0.1", false, true },
        { "172.31.255.255", false, true },  { "172.32.0.1", false, false }, { "192.168.1.1", false, true },
        { "192.169.1.1", false, false },    { "169.254.0.1", false, true }, { "100.64.0.1", false, true },
        { "100.128.0.1", false, false },    { "0.0.0.0", false, true },     { "::", false, true },
        { "fd00::1", false, true },         { "fe80::1", false, true },     { "2001:db8::1", false, false },
        { "8.8.8.8", false, false },        { "febf::1", false, true },     { "fec0::1", false, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr a = addr(cases[i].addr);

        EXPECT_INT(cases[i].is_loopback, addr_is_loopback(&a));
        EXPECT_INT(cases[i].is_private, addr_is_private(&a));
    }
    EXPECT_FALSE(addr_is_loopback(&(struct addr){ 0 }));
    EXPECT_FALSE(addr_is_private(&(struct addr){ 0 }));
}

static void socket_addresses_go_both_ways(void **state)
{
    static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };
    struct sockaddr_storage storage;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(25) };
    struct addr back;
    unsigned port = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct addr a = addr(texts[i]);
        socklen_t len = addr_to_sockaddr(&a, 65535, &storage);

        EXPECT_INT(i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), len);
        addr_from_sockaddr((struct sockaddr *)&storage, &back, &port);
        EXPECT_TRUE(addr_eq(&a, &back));
        EXPECT_INT(65535, port);
    }
    addr_from_sockaddr((struct sockaddr *)&un, &back, &port);
    EXPECT_INT(ADDR_NONE, back.family);
    EXPECT_INT(0, port);
    EXPECT_INT(1, inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr));
    addr_from_sockaddr((struct sockaddr *)&mapped, &back, NULL);
    struct addr plain = addr("192.0.2.1");

    EXPECT_TRUE(addr_eq(&plain, &back));
}

static void none_prints_as_unknown(void **state)
{
    char out[ADDR_TEXT_MAX];

    (void)state;
    EXPECT_STR("unknown", addr_text(&(struct addr){ 0 }, out));
}

RUN_TESTS(TEST(addresses_are_read_and_printed), TEST(networks_are_read_and_their_host_bits_cleared),
          TEST(an_address_is_in_its_networks_only), TEST(reversed_as_dns_lists_want_it),
          TEST(loopback_and_private_are_known), TEST(socket_addresses_go_both_ways), TEST(none_prints_as_unknown))
