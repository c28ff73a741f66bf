/* tests/unit/test_handshakes.c - whose TLS handshake may begin, and who waits. */
#include "tests/kit/expect.h"

#include "gateway/smtp/handshakes.h"

enum { MOST = 8, CLIENTS = 20 };

struct desk {
    struct loop *loop;
    struct handshakes *all;
    struct client {
        struct desk *desk;
        struct handshake handshake;
        int starts, cuts;
        bool ends_at_once;
    } clients[CLIENTS];
};

static void on_start(void *arg)
{
    struct client *c = arg;

    c->starts++;
    if (c->ends_at_once)
        handshakes_end(c->desk->all, &c->handshake);
}

static void on_cut(void *arg)
{
    ((struct client *)arg)->cuts++;
}

static void desk_open(struct desk *d)
{
    *d = (struct desk){ .loop = loop_new() };
    d->all = handshakes_new(d->loop, MOST);
    for (size_t i = 0; i < CLIENTS; i++)
        d->clients[i].desk = d;
}

static void desk_close(struct desk *d)
{
    for (size_t i = 0; i < CLIENTS; i++)
        d->clients[i].ends_at_once = true;
    for (size_t i = 0; i < CLIENTS; i++)
        handshakes_end(d->all, &d->clients[i].handshake);
    handshakes_free(d->all);
    loop_free(d->loop);
}

static void ask(struct desk *d, size_t i, const char *address)
{
    struct client *c = &d->clients[i];

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(address), &c->handshake.client));
    c->handshake.start = on_start;
    c->handshake.cut = on_cut;
    c->handshake.arg = c;
    handshakes_ask(d->all, &c->handshake);
}

static void ask_from(struct desk *d, size_t first, size_t count, unsigned third)
{
    char address[32];

    for (size_t i = first; i < first + count; i++) {
        snprintf(address, sizeof address, "192.0.%u.%zu", third, i);
        ask(d, i, address);
    }
}

static size_t started(const struct desk *d)
{
    size_t count = 0;

    for (size_t i = 0; i < CLIENTS; i++)
        count += d->clients[i].starts > 0;
    return count;
}

static void others_wait_in_their_order(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    ask_from(&d, 0, 11, 2);
    EXPECT_INT(MOST, started(&d));
    handshakes_end(d.all, &d.clients[3].handshake);
    EXPECT_INT(1, d.clients[8].starts);
    EXPECT_INT(0, d.clients[9].starts);
    handshakes_end(d.all, &d.clients[9].handshake); /* waits no more */
    handshakes_end(d.all, &d.clients[3].handshake); /* is over already */
    handshakes_end(d.all, &d.clients[0].handshake);
    EXPECT_INT(0, d.clients[9].starts);
    EXPECT_INT(1, d.clients[10].starts);
    desk_close(&d);
}

static void one_client_has_a_quarter(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    for (size_t i = 0; i < 4; i++)
        ask(&d, i, "192.0.2.1");
    EXPECT_INT(2, started(&d));
    ask(&d, 4, "192.0.2.2"); /* passes those who have had theirs */
    EXPECT_INT(1, d.clients[4].starts);
    ask(&d, 5, "2001:db8::1");
    ask(&d, 6, "2001:db8::ffff:2");
    ask(&d, 7, "2001:db8::3");
    EXPECT_INT(0, d.clients[7].starts); /* the same /64 */
    ask(&d, 8, "2001:db8:0:1::3");
    EXPECT_INT(1, d.clients[8].starts);
    handshakes_end(d.all, &d.clients[0].handshake);
    EXPECT_INT(1, d.clients[2].starts);
    EXPECT_INT(0, d.clients[3].starts);
    desk_close(&d);
}

static void what_ends_at_its_start_makes_room(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    ask_from(&d, 0, MOST, 2);
    for (size_t i = MOST; i < CLIENTS; i++)
        d.clients[i].ends_at_once = true;
    ask_from(&d, MOST, CLIENTS - MOST, 2);
    EXPECT_INT(MOST, started(&d));
    handshakes_end(d.all, &d.clients[0].handshake);
    EXPECT_INT(CLIENTS, started(&d));
    desk_close(&d);
}

static void the_slow_are_cut_for_those_who_wait(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    ask_from(&d, 0, MOST + 1, 2);
    for (size_t i = 0; i < 4; i++)
        d.clients[i].handshake.begun_ms -= HANDSHAKE_HASTE_MS; /* as if it were so long ago */
    for (int i = 0; i < 500 && !d.clients[MOST].starts; i++)
        loop_run_once(d.loop, 100);
    EXPECT_INT(1, d.clients[MOST].starts);
    EXPECT_INT(1, d.clients[0].cuts);
    EXPECT_INT(0, d.clients[1].cuts); /* there is room enough */
    desk_close(&d);
}

/* Who has a quarter waits for itself: nobody else is cut for that. */
static void nobody_is_cut_for_those_who_have_their_share(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    ask(&d, 0, "192.0.2.9");
    for (size_t i = 1; i < 4; i++)
        ask(&d, i, "192.0.2.1");
    for (size_t i = 0; i < 3; i++)
        d.clients[i].handshake.begun_ms -= HANDSHAKE_HASTE_MS;
    for (int i = 0; i < 500 && !d.clients[3].starts; i++)
        loop_run_once(d.loop, 100);
    EXPECT_INT(1, d.clients[3].starts);
    EXPECT_INT(0, d.clients[0].cuts);
    EXPECT_INT(1, d.clients[1].cuts);
    EXPECT_INT(0, d.clients[2].cuts);
    desk_close(&d);
}

RUN_TESTS(TEST(others_wait_in_their_order), TEST(one_client_has_a_quarter), TEST(what_ends_at_its_start_makes_room),
          TEST(the_slow_are_cut_for_those_who_wait), TEST(nobody_is_cut_for_those_who_have_their_share))
