/* tests/unit/test_generic_name.c - names that a provider gives to addresses. */
#include "scanners/generic_name.h"

#include "tests/kit/expect.h"

static void providers_names_are_told_from_mail_servers_names(void **state)
{
    static const struct {
        const char *name, *client;
        enum generic kind;
    } cases[] = {
        /* somebody named this host */
        { "mx.example.net", "203.0.113.7", GENERIC_NOT },
        { "example.net", "203.0.113.7", GENERIC_NOT },
        { "web7.example.net", "203.0.113.7", GENERIC_NOT },
        { "mail-203-0-113-7.example.net", "203.0.113.7", GENERIC_NOT },
        { "mail203-7.atl113.example.net", "203.0.113.7", GENERIC_NOT },
        { "a113-7.smtp-out.example.net", "203.0.113.7", GENERIC_NOT },
        { "mta-70-30-113-7.example.net", "203.0.113.7", GENERIC_NOT },
        { "outbound.dyn.example.net", "203.0.113.7", GENERIC_NOT },
        { "dynamic.example", "203.0.113.7", GENERIC_NOT }, /* the organization's own name */
        { "mx.dyn-dsl-pool.net", "203.0.113.7", GENERIC_NOT },
        { "pool.dyndns.org", "203.0.113.7", GENERIC_NOT },
        { "liverpool.example.net", "203.0.113.7", GENERIC_NOT },
        { "cable.example.net", "203.0.113.7", GENERIC_NOT },             /* an access line's word alone */
        { "host-198-51-100-9.example.net", "203.0.113.7", GENERIC_NOT }, /* another address */
        { "static.example.net", "203.0.113.7", GENERIC_NOT },
        { "v4-7-113.example.net", "203.0.113.7", GENERIC_NOT }, /* half of it, and no word */

        /* fixed addresses */
        { "static-203-0-113-7.example.net", "203.0.113.7", GENERIC_STATIC },
        { "static.7.113.0.203.clients.example.net", "203.0.113.7", GENERIC_STATIC },
        { "vps-203-0-113-7.example.net", "203.0.113.7", GENERIC_STATIC },
        { "203-0-113-7.biz.example.net", "203.0.113.7", GENERIC_STATIC },
        { "ec2-203-0-113-7.compute.example.net", "203.0.113.7", GENERIC_STATIC },

        /* a word alone */
        { "pool7.dialup.example.net", "203.0.113.7", GENERIC_WORD },
        { "host12.dyn.example.net", "203.0.113.7", GENERIC_WORD },
        { "ppp.example.net", "203.0.113.7", GENERIC_WORD },

        /* the address alone */
        { "203-0-113-7.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "203.0.113.7.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "7.113.0.203.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "203x0x113x7.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "ip203000113007.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "ip007113000203.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "h3405803783.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "pcb007107.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "p077100cb.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "cb-00-71-07.example.net", "203.0.113.7", GENERIC_ADDRESS },
        { "h203-0-113-7.dyndns.org", "203.0.113.7", GENERIC_ADDRESS }, /* a suffix that is a provider's */

        /* access lines */
        { "adsl-203-0-113-7.example.net", "203.0.113.7", GENERIC_ACCESS },
        { "c-203-0-113-7.hsd1.ca.example.net", "203.0.113.7", GENERIC_ACCESS },
        { "cpe-113-7.example.net", "203.0.113.7", GENERIC_ACCESS },
        { "customer-203-0-113-7.example.net", "203.0.113.7", GENERIC_ACCESS },
        { "7-113.cable.example.net", "203.0.113.7", GENERIC_ACCESS },

        /* dynamic ones */
        { "203-0-113-7.dyn.example.net", "203.0.113.7", GENERIC_DYNAMIC },
        { "pool-203-0-113-7.nycmny.fios.example.net", "203.0.113.7", GENERIC_DYNAMIC },
        { "dhcp-113-7.example.net", "203.0.113.7", GENERIC_DYNAMIC },
        { "pcb007107.dip0.example.net", "203.0.113.7", GENERIC_DYNAMIC },
        { "dynamic-static-203-0-113-7.example.net", "203.0.113.7", GENERIC_DYNAMIC },

        /* IPv6 */
        { "mx6.example.net", "2001:db8::7", GENERIC_NOT },
        { "v6-2001-db8--7.example.net", "2001:db8::7", GENERIC_ADDRESS },
        { "20010db8000000000000000000000007.example.net", "2001:db8::7", GENERIC_ADDRESS },
        { "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.dyn.example.net", "2001:db8::7",
          GENERIC_DYNAMIC },
        { "021122ff-fe334455.dsl.example.net", "2001:db8:1:2:0211:22ff:fe33:4455", GENERIC_ACCESS },
        { "021122ff-fe334456.dsl.example.net", "2001:db8:1:2:0211:22ff:fe33:4455", GENERIC_NOT },
        { "0000000000000007.dsl.example.net", "2001:db8::7", GENERIC_NOT }, /* nearly all zeros: says nothing */

        { "203-0-113-7.example.net", "", GENERIC_NOT }, /* no client to compare with */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct addr client = { .family = ADDR_NONE };

        if (*cases[i].client)
            EXPECT_INT(FAULT_NONE, addr_parse(span_of(cases[i].client), &client));
        enum generic kind = generic_name(cases[i].name, &client);

        if (kind != cases[i].kind)
            fail_msg("%s of %s: %d instead of %d", cases[i].name, cases[i].client, kind, cases[i].kind);
    }
}

RUN_TESTS(TEST(providers_names_are_told_from_mail_servers_names))
