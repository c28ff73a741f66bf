/* tests/unit/test_guests.c - connections at once, by address and by network. */
#include "gateway/smtp/guests.h"

#include "gateway/base/clock.h"
#include "tests/kit/expect.h"

static const struct clients_conf conf = {
    .address = { .connections = 2, .bits4 = 32, .bits6 = 64 },
    .network = { .connections = 3, .bits4 = 24, .bits6 = 48 },
};

static struct addr addr(const char *text)
{
    struct addr a;

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(text), &a));
    return a;
}

static bool enter(struct guests *guests, const char *client, struct guest *out)
{
    const struct addr a = addr(client);

    return guest_enter(guests, &a, false, out);
}

static void neighbours_share_a_network(void **state)
{
    static const struct {
        const char *clients[4];
        const char *reason; /* why the last one is turned away; NULL: it is not */
    } cases[] = {
        { { "192.0.2.1", "192.0.2.1", "192.0.2.2" }, NULL },
        { { "192.0.2.1", "192.0.2.1", "192.0.2.1" }, "connections at once from 192.0.2.1" },
        { { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" }, "connections at once from 192.0.2.0/24" },
        { { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.3.4" }, NULL },
        { { "2001:db8::1", "2001:db8::2", "2001:db8::3" }, "connections at once from 2001:db8::/64" },
        { { "2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1", "2001:db8:0:4::1" },
          "connections at once from 2001:db8::/48" },
        { { "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1" }, "connections at once from 192.0.2.1" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct guests *guests = guests_new(&conf, NULL);
        struct guest here[COUNT(cases[i].clients)] = { 0 };
        char reason[GUEST_REASON_MAX];
        bool is_last = false;

        for (size_t j = 0; j < COUNT(here) && cases[i].clients[j]; j++) {
            is_last = j + 1 == COUNT(here) || !cases[i].clients[j + 1];
            EXPECT_INT(!is_last || !cases[i].reason, enter(guests, cases[i].clients[j], &here[j]));
            if (is_last && cases[i].reason)
                EXPECT_STR(cases[i].reason, guest_reason(&here[j], reason));
        }
        EXPECT_TRUE(is_last);
        for (size_t j = 0; j < COUNT(here); j++)
            guest_leave(&here[j]);
        EXPECT_INT(0, guests_places(guests));
        guests_free(guests);
    }
}

static void who_is_known_is_not_counted(void **state)
{
    struct guests *guests = guests_new(&conf, NULL);
    const struct addr client = addr("127.0.0.1");
    struct guest g;

    (void)state;
    for (int i = 0; i < 100; i++) {
        EXPECT_TRUE(guest_enter(guests, &client, true, &g));
        EXPECT_INT(0, guests_places(guests));
        guest_leave(&g);
        guest_leave(&g);
    }
    guests_free(guests);
}

/* A botnet leaves nothing behind. */
static void only_those_who_are_here_take_memory(void **state)
{
    enum { CLIENTS = 5000 };
    static struct guest here[CLIENTS];
    struct guests *guests = guests_new(&conf, NULL);
    struct addr client = addr("10.0.0.0");

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        client.bytes[1] = (uint8_t)(i >> 8);
        client.bytes[2] = (uint8_t)i;
        EXPECT_TRUE(guest_enter(guests, &client, false, &here[i]));
    }
    EXPECT_INT(2 * CLIENTS, guests_places(guests));
    for (unsigned i = 0; i < CLIENTS; i++)
        guest_leave(&here[i * 7 % CLIENTS]);
    EXPECT_INT(0, guests_places(guests));
    guests_free(guests);
}

static void without_a_store_nothing_is_asked(void **state)
{
    struct engine engine = { 0 };
    struct guests *guests = guests_new(&conf, &engine);
    struct guest g;

    (void)state;
    EXPECT_TRUE(enter(guests, "192.0.2.1", &g));
    EXPECT_FALSE(guest_ask(&g, NULL, NULL));
    g.errors = g.recipients = 3;
    guest_has_waited(&g);
    guest_is_good(&g);
    guest_misbehaves(&g);
    guest_leave(&g);
    guests_free(guests);
}

/* A connection that lasts has its recipients a minute in every minute. */
static void recipients_may_come_as_time_goes(void **state)
{
    enum { A_MINUTE = 6000 };
    static const struct clients_conf few = { .address = { .recipients_most = A_MINUTE, .bits4 = 32, .bits6 = 64 },
                                             .network = { .recipients_most = 100000, .bits4 = 24, .bits6 = 48 } };
    struct engine engine = { 0 };
    struct guests *guests = guests_new(&few, &engine);
    struct guest g;
    int64_t began_ms = clock_mono_ms();

    (void)state;
    EXPECT_TRUE(enter(guests, "192.0.2.1", &g));
    g.is_counted = true; /* as if there were a store */
    g.levels_ms = g.told_ms = began_ms;
    g.levels[GUEST_ADDRESS] = A_MINUTE - 1;
    EXPECT_TRUE(guest_may_add(&g));
    for (int round = 0; round < 20; round++) {
        while (guest_may_add(&g))
            guest_add(&g);
        while (!guest_may_add(&g)) /* ten milliseconds for one */
            EXPECT_TRUE(clock_mono_ms() - began_ms < 60000);
    }
    EXPECT_TRUE(g.recipients >= 20);
    EXPECT_TRUE(g.recipients <= 2 + (uint64_t)(clock_mono_ms() - began_ms) * A_MINUTE / 60000);
    guest_leave(&g);
    guests_free(guests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_share_a_network),          cmocka_unit_test(who_is_known_is_not_counted),
        cmocka_unit_test(only_those_who_are_here_take_memory), cmocka_unit_test(without_a_store_nothing_is_asked),
        cmocka_unit_test(recipients_may_come_as_time_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
