/* tests/unit/test_hop.c - the pool of connections to a next hop, with a next hop in the same loop. */
#include "tests/kit/expect.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/listener.h"
#include "gateway/smtp/hop.h"

enum { PATIENCE_MS = 10000 };

/* A next hop that says 250 to everything. */
struct peer {
    struct loop *loop;
    struct listener *listener;
    unsigned port;
    const char *ehlo;
    struct dialogue {
        struct peer *peer;
        struct stream *stream;
    } dialogues[64];
    size_t count, open, most_open;
    bool is_mute;   /* takes commands without a word */
    bool is_frozen; /* takes connections without a word */
};

struct desk {
    struct loop *loop;
    struct peer peer;
    struct smtp_conf conf;
    struct hop_target target;
    struct hop_ways ways;
    struct hop *hop;
};

struct errand {
    struct hop_task task;
    int ready, replies, lost;
};

static void peer_says(void *arg)
{
    struct dialogue *d = arg;
    size_t lf;

    while ((lf = span_find(stream_input(d->stream), '\n')) != SPAN_NPOS) {
        bool is_ehlo = span_istarts(stream_input(d->stream), SPAN("EHLO"));

        stream_consume(d->stream, lf + 1);
        if (!d->peer->is_mute)
            stream_writef(d->stream, "%s", is_ehlo ? d->peer->ehlo : "250 2.0.0 ok\r\n");
    }
}

static void peer_ends(void *arg, enum stream_end why)
{
    struct dialogue *d = arg;

    (void)why;
    stream_free(d->stream);
    d->stream = NULL;
    d->peer->open--;
}

static void peer_accepts(void *arg, int fd, const struct addr *from, unsigned port)
{
    static const struct stream_events events = { .on_data = peer_says, .on_end = peer_ends };
    struct peer *p = arg;
    struct dialogue *d = &p->dialogues[p->count++];

    (void)from, (void)port;
    assert_true(p->count <= COUNT(p->dialogues));
    d->peer = p;
    d->stream = stream_accepted(p->loop, fd, &events, d);
    if (!p->is_frozen)
        stream_writef(d->stream, "220 peer\r\n");
    p->open++;
    p->most_open = p->open > p->most_open ? p->open : p->most_open;
}

static void peer_start(struct peer *p, struct loop *loop, unsigned port)
{
    struct endpoint at = { .port = port };
    char error[200];

    assert_int_equal(FAULT_NONE, addr_parse(SPAN("127.0.0.1"), &at.addr));
    int fd = listener_open(&at, 0, error, sizeof error);
    struct sockaddr_in name;
    socklen_t len = sizeof name;

    assert_true(fd >= 0 && getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    p->loop = loop;
    p->port = ntohs(name.sin_port);
    p->listener = listener_new(loop, fd, peer_accepts, p);
}

static void peer_stop(struct peer *p)
{
    listener_free(p->listener);
    p->listener = NULL;
    for (size_t i = 0; i < p->count; i++)
        stream_free(p->dialogues[i].stream);
    p->count = p->open = 0;
}

static void desk_open(struct desk *d, const char *ehlo, int connections)
{
    *d = (struct desk){ 0 };
    log_configure(LOG_LOGFMT, LOG_ERROR);
    d->loop = loop_new();
    d->peer.ehlo = ehlo;
    peer_start(&d->peer, d->loop, 0);
    d->conf = (struct smtp_conf){ .hop_connections_most = connections,
                                  .hop_connect_ms = 1000,
                                  .hop_command_ms = 2000,
                                  .hop_final_ms = 2000,
                                  .hop_idle_ms = 60000,
                                  .hop_uses_most = 1000,
                                  .hop_failures = 1,
                                  .hop_rest_ms = 2000 };
    d->target = (struct hop_target){ .kind = HOP_SMTP, .text = "smtp://peer" };
    d->target.at.addr = (struct addr){ ADDR_IP4, { 127, 0, 0, 1 } };
    d->target.at.port = d->peer.port;
    const struct hop_settings settings = {
        .loop = d->loop, .conf = &d->conf, .target = &d->target, .ways = &d->ways, .hostname = "mx.example.org"
    };

    d->hop = hop_new(&settings);
}

static void desk_close(struct desk *d)
{
    hop_free(d->hop);
    peer_stop(&d->peer);
    loop_free(d->loop);
}

#define TURN_UNTIL(d, claim)                                                                                           \
    do {                                                                                                               \
        int64_t end = clock_mono_ms() + PATIENCE_MS;                                                                   \
        while (!(claim) && clock_mono_ms() < end)                                                                      \
            loop_run_once((d)->loop, 20);                                                                              \
        EXPECT_TRUE(claim);                                                                                            \
    } while (0)

static struct errand *of(struct hop_task *task)
{
    return (struct errand *)task;
}

static void on_ready(struct hop_task *task)
{
    of(task)->ready++;
    hop_expect(task, 2);
    hop_send(task, SPAN("MAIL FROM:<>\r\n"));
    hop_sendf(task, "RSET%s\r\n", "");
}

static void on_reply(struct hop_task *task, const struct hop_reply *reply)
{
    EXPECT_INT(250, reply->code);
    if (++of(task)->replies == 2)
        hop_task_done(task, false);
}

static void on_lost(struct hop_task *task, const char *why)
{
    EXPECT_TRUE(why[0] != '\0');
    of(task)->lost++;
}

static struct errand errand(void)
{
    return (struct errand){ .task = { .on_ready = on_ready, .on_reply = on_reply, .on_lost = on_lost } };
}

static void what_it_offers_is_known_after_ehlo(void **state)
{
    static const struct {
        const char *ehlo;
        unsigned extensions;
        uint64_t size;
    } cases[] = {
        { "250 peer\r\n", 0, 0 },
        { "250-peer\r\n250 PIPELINING\r\n", EXTENSION_PIPELINING, 0 },
        { "250-peer\r\n250-size 1000\r\n250-8bitmime\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250 X\r\n",
          EXTENSION_SIZE | EXTENSION_8BITMIME | EXTENSION_STARTTLS | EXTENSION_ENHANCED, 1000 },
        { "250-PIPELINING\r\n250 SIZE\r\n", EXTENSION_SIZE, 0 },
        { "250-peer\r\n250 SIZE much\r\n", EXTENSION_SIZE, 0 },
        { "250-peer\r\n250 PIPELININGS\r\n", 0, 0 },
        { "250-peer\r\n250 SIZE 0\r\n", EXTENSION_SIZE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk d;

        desk_open(&d, cases[i].ehlo, 10);
        EXPECT_FALSE(hop_is_known(d.hop));
        TURN_UNTIL(&d, hop_is_known(d.hop));
        EXPECT_INT(cases[i].extensions, hop_extensions(d.hop));
        EXPECT_INT(cases[i].size, hop_size_most(d.hop));
        desk_close(&d);
    }
}

static void its_limits_are_known(void **state)
{
    static const struct {
        const char *ehlo;
        uint64_t recipients, domains;
    } cases[] = {
        { "250 peer\r\n", 0, 0 },
        { "250-peer\r\n250 LIMITS RCPTMAX=5 OTHER RCPTDOMAINMAX=1 MAILMAX=3\r\n", 5, 1 },
        { "250-peer\r\n250 limits rcptdomainmax=2\r\n", 0, 2 },
        { "250-peer\r\n250 LIMITS RCPTMAX=0 RCPTDOMAINMAX=many\r\n", 0, 0 },
        { "250-peer\r\n250 LIMITS RCPTMAX=1000000 RCPTDOMAINMAX\r\n", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk d;

        desk_open(&d, cases[i].ehlo, 10);
        TURN_UNTIL(&d, hop_is_known(d.hop));
        EXPECT_INT(cases[i].recipients, hop_recipients_most(d.hop));
        EXPECT_INT(cases[i].domains, hop_domains_most(d.hop));
        desk_close(&d);
    }
}

static void logins_that_can_be_passed_on_are_known(void **state)
{
    static const struct {
        const char *ehlo, *auth;
    } cases[] = {
        { "250 peer\r\n", "" },
        { "250-peer\r\n250 AUTH PLAIN LOGIN GSSAPI\r\n", "PLAIN LOGIN" },
        { "250-peer\r\n250-AUTH SCRAM-SHA-1 SCRAM-SHA-1-PLUS\r\n250 DSN\r\n", "SCRAM-SHA-1" },
        { "250-peer\r\n250 AUTH\r\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk d;

        desk_open(&d, cases[i].ehlo, 10);
        EXPECT_STR("", hop_auth(d.hop));
        TURN_UNTIL(&d, hop_is_known(d.hop));
        EXPECT_STR(cases[i].auth, hop_auth(d.hop));
        EXPECT_TRUE(hop_is_safe(d.hop)); /* it is on this machine */
        desk_close(&d);
    }
}

/* One connection, for as long as it lasts, and never another. */
static void a_private_hop_lives_as_long_as_its_connection(void **state)
{
    struct errand e = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.conf.hop_idle_ms = 1;
    d.conf.hop_uses_most = 1;
    struct hop_settings settings = *hop_settings(d.hop);

    settings.is_private = true;
    struct hop *own = hop_new(&settings);

    for (int i = 1; i <= 3; i++) {
        e = errand();
        EXPECT_TRUE(hop_submit(own, &e.task));
        TURN_UNTIL(&d, e.replies == 2);
        loop_run_once(d.loop, 20); /* longer than others may be idle */
    }
    EXPECT_INT(2, d.peer.count);
    stream_free(d.peer.dialogues[1].stream);
    d.peer.dialogues[1].stream = NULL;
    TURN_UNTIL(&d, hop_is_down(own));
    e = errand();
    EXPECT_FALSE(hop_submit(own, &e.task));
    hop_free(own);
    desk_close(&d);
}

static void what_is_under_way_at_an_abandoned_hop_is_lost(void **state)
{
    struct errand busy = errand(), waiting = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 1);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = true;
    EXPECT_TRUE(hop_submit(d.hop, &busy.task));
    EXPECT_TRUE(hop_submit(d.hop, &waiting.task));
    TURN_UNTIL(&d, busy.ready);
    hop_abandon(d.hop);
    EXPECT_INT(1, busy.lost);
    EXPECT_INT(1, waiting.lost);
    desk_close(&d);
}

static void one_connection_serves_one_task_after_another(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    for (int i = 0; i < 20; i++) {
        struct errand e = errand();

        EXPECT_TRUE(hop_submit(d.hop, &e.task));
        TURN_UNTIL(&d, e.replies == 2);
        EXPECT_INT(1, e.ready);
    }
    EXPECT_INT(1, d.peer.count);
    desk_close(&d);
}

static void there_are_never_more_connections_than_configured(void **state)
{
    struct errand errands[30];
    struct desk d;
    size_t served = 0;

    (void)state;
    desk_open(&d, "250 peer\r\n", 3);
    for (size_t i = 0; i < COUNT(errands); i++) {
        errands[i] = errand();
        EXPECT_TRUE(hop_submit(d.hop, &errands[i].task));
    }
    for (size_t i = 0; i < COUNT(errands); i++)
        TURN_UNTIL(&d, errands[i].replies == 2);
    for (size_t i = 0; i < COUNT(errands); i++)
        served += errands[i].ready == 1 && !errands[i].lost;
    EXPECT_INT(COUNT(errands), served);
    EXPECT_TRUE(d.peer.most_open <= 3);
    desk_close(&d);
}

static void a_hop_that_is_down_says_so_at_once_and_is_found_again(void **state)
{
    struct errand waiting = errand(), refused = errand(), served = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    unsigned port = d.peer.port;

    peer_stop(&d.peer);
    loop_run_once(d.loop, 100); /* the idle connection is seen to have gone */
    EXPECT_TRUE(hop_submit(d.hop, &waiting.task));
    TURN_UNTIL(&d, waiting.lost == 1);
    EXPECT_TRUE(hop_is_down(d.hop));
    EXPECT_FALSE(hop_submit(d.hop, &refused.task));
    peer_start(&d.peer, d.loop, port);
    TURN_UNTIL(&d, !hop_is_down(d.hop));
    EXPECT_TRUE(hop_submit(d.hop, &served.task));
    TURN_UNTIL(&d, served.replies == 2);
    EXPECT_INT(0, refused.ready + refused.lost);
    desk_close(&d);
}

static void a_task_that_is_withdrawn_hears_no_more(void **state)
{
    struct errand running = errand(), waiting = errand(), after = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 1);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = true;
    EXPECT_TRUE(hop_submit(d.hop, &running.task));
    EXPECT_TRUE(hop_submit(d.hop, &waiting.task));
    TURN_UNTIL(&d, running.ready == 1);
    hop_withdraw(&waiting.task);
    hop_withdraw(&running.task);
    d.peer.is_mute = false;
    EXPECT_TRUE(hop_submit(d.hop, &after.task));
    TURN_UNTIL(&d, after.replies == 2);
    EXPECT_INT(0, running.replies + running.lost + waiting.ready + waiting.lost);
    EXPECT_INT(2, d.peer.count); /* the connection of a withdrawn task is not used again */
    desk_close(&d);
}

static void serve(struct desk *d, int count)
{
    for (int i = 0; i < count; i++) {
        struct errand e = errand();

        EXPECT_TRUE(hop_submit(d->hop, &e.task));
        TURN_UNTIL(d, e.replies == 2);
    }
}

static void a_connection_is_used_so_often_and_so_long(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_uses_most = 3;
    serve(&d, 9);
    EXPECT_INT(3, d.peer.count);
    d.conf.hop_uses_most = 1000;
    serve(&d, 5);
    EXPECT_INT(4, d.peer.count);
    d.conf.hop_age_ms = 1;
    for (int i = 0; i < 10000 && d.peer.count < 7; i++)
        serve(&d, 1);
    EXPECT_TRUE(d.peer.count >= 7); /* on a slow machine one serves nobody before it is too old */
    desk_close(&d);
}

/* It takes connections, and says nothing: the task that finds out is lost, and the hop is down once a new connection
 * is not greeted, whatever other connections there are. */
static void a_hop_that_falls_silent_is_doubted_then_down_and_found_again(void **state)
{
    struct errand slow = errand(), served = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_command_ms = 100;
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = d.peer.is_frozen = true;
    EXPECT_TRUE(hop_submit(d.hop, &slow.task));
    TURN_UNTIL(&d, slow.lost == 1);
    EXPECT_TRUE(hop_is_doubtful(d.hop) && !hop_is_down(d.hop));
    TURN_UNTIL(&d, hop_is_down(d.hop));
    d.peer.is_mute = d.peer.is_frozen = false;
    TURN_UNTIL(&d, !hop_is_doubtful(d.hop));
    EXPECT_TRUE(hop_submit(d.hop, &served.task));
    TURN_UNTIL(&d, served.replies == 2);
    desk_close(&d);
}

static void one_that_stands_by_is_asked_whether_it_is_there(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_probe_ms = 1;
    d.conf.hop_idle_ms = 0;
    TURN_UNTIL(&d, d.peer.count >= 3);
    unsigned port = d.peer.port;

    peer_stop(&d.peer);
    TURN_UNTIL(&d, hop_is_down(d.hop)); /* nobody has asked for anything */
    peer_start(&d.peer, d.loop, port);
    TURN_UNTIL(&d, !hop_is_doubtful(d.hop));
    desk_close(&d);
}

static void late_at_the_end_of_a_message_says_nothing_of_the_hop(void **state)
{
    struct errand slow = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_final_ms = 50;
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = true;
    EXPECT_TRUE(hop_submit(d.hop, &slow.task));
    TURN_UNTIL(&d, slow.ready == 1);
    hop_wait_final(&slow.task);
    TURN_UNTIL(&d, slow.lost == 1);
    EXPECT_FALSE(hop_is_doubtful(d.hop));
    desk_close(&d);
}

static void as_many_failures_as_configured_take_it_down(void **state)
{
    struct errand errands[4];
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    hop_free(d.hop);
    peer_stop(&d.peer);
    d.conf.hop_failures = 2;
    d.hop = hop_new(&(struct hop_settings){
        .loop = d.loop, .conf = &d.conf, .target = &d.target, .ways = &d.ways, .hostname = "mx" });
    errands[0] = errand();
    EXPECT_TRUE(hop_submit(d.hop, &errands[0].task));
    TURN_UNTIL(&d, errands[0].lost == 1);
    EXPECT_FALSE(hop_is_down(d.hop));
    errands[1] = errand();
    EXPECT_TRUE(hop_submit(d.hop, &errands[1].task));
    TURN_UNTIL(&d, errands[1].lost == 1);
    EXPECT_TRUE(hop_is_down(d.hop));
    errands[2] = errand();
    EXPECT_FALSE(hop_submit(d.hop, &errands[2].task));
    desk_close(&d);
}

/* Half open: when it has rested one task may try, and no other while that is under way. */
static void one_task_may_try_a_hop_that_has_rested(void **state)
{
    struct errand first = errand(), trial = errand(), other = errand();
    struct desk d;

    (void)state;
    desk_open(&d, "250 peer\r\n", 10);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    peer_stop(&d.peer);
    loop_run_once(d.loop, 100);
    EXPECT_TRUE(hop_submit(d.hop, &first.task));
    TURN_UNTIL(&d, first.lost == 1);
    peer_start(&d.peer, d.loop, d.peer.port);
    d.peer.is_frozen = true;
    TURN_UNTIL(&d, !hop_is_down(d.hop) || d.peer.count);
    if (!d.peer.count) { /* our probe was not faster */
        EXPECT_TRUE(hop_submit(d.hop, &trial.task));
        TURN_UNTIL(&d, d.peer.count == 1);
    }
    EXPECT_TRUE(hop_is_down(d.hop));
    EXPECT_FALSE(hop_submit(d.hop, &other.task));
    hop_withdraw(&trial.task);
    desk_close(&d);
}

RUN_TESTS(TEST(what_it_offers_is_known_after_ehlo), TEST(its_limits_are_known),
          TEST(logins_that_can_be_passed_on_are_known), TEST(a_private_hop_lives_as_long_as_its_connection),
          TEST(what_is_under_way_at_an_abandoned_hop_is_lost), TEST(one_connection_serves_one_task_after_another),
          TEST(there_are_never_more_connections_than_configured),
          TEST(a_hop_that_is_down_says_so_at_once_and_is_found_again), TEST(a_task_that_is_withdrawn_hears_no_more),
          TEST(a_connection_is_used_so_often_and_so_long),
          TEST(a_hop_that_falls_silent_is_doubted_then_down_and_found_again),
          TEST(one_that_stands_by_is_asked_whether_it_is_there),
          TEST(late_at_the_end_of_a_message_says_nothing_of_the_hop), TEST(as_many_failures_as_configured_take_it_down),
          TEST(one_task_may_try_a_hop_that_has_rested))
