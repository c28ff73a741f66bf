/* tests/unit/test_hop.c - the pool of connections to a next hop, with a next hop in the same loop. */
#include "tests/kit/hop_desk.h"

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
        struct hop_desk d;

        hop_desk_open(&d, cases[i].ehlo, 10);
        EXPECT_FALSE(hop_is_known(d.hop));
        TURN_UNTIL(&d, hop_is_known(d.hop));
        EXPECT_INT(cases[i].extensions, hop_extensions(d.hop));
        EXPECT_INT(cases[i].size, hop_size_most(d.hop));
        hop_desk_close(&d);
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
        struct hop_desk d;

        hop_desk_open(&d, cases[i].ehlo, 10);
        TURN_UNTIL(&d, hop_is_known(d.hop));
        EXPECT_INT(cases[i].recipients, hop_recipients_most(d.hop));
        EXPECT_INT(cases[i].domains, hop_domains_most(d.hop));
        hop_desk_close(&d);
    }
}

static void a_limit_that_was_found_out_holds_where_it_is_the_lower_one(void **state)
{
    static const struct {
        const char *ehlo;
        uint64_t found, recipients;
    } cases[] = {
        { "250 peer\r\n", 3, 3 },
        { "250-peer\r\n250 LIMITS RCPTMAX=5\r\n", 3, 3 },
        { "250-peer\r\n250 LIMITS RCPTMAX=5\r\n", 7, 5 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hop_desk d;

        hop_desk_open(&d, cases[i].ehlo, 10);
        TURN_UNTIL(&d, hop_is_known(d.hop));
        hop_note_recipients_most(d.hop, cases[i].found);
        EXPECT_INT(cases[i].recipients, hop_recipients_most(d.hop));
        hop_desk_close(&d);
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
        struct hop_desk d;

        hop_desk_open(&d, cases[i].ehlo, 10);
        EXPECT_STR("", hop_auth(d.hop));
        TURN_UNTIL(&d, hop_is_known(d.hop));
        EXPECT_STR(cases[i].auth, hop_auth(d.hop));
        hop_desk_close(&d);
    }
}

/* One connection, for as long as it lasts, and never another. */
static void a_private_hop_lives_as_long_as_its_connection(void **state)
{
    struct errand e = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
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
    hop_desk_close(&d);
}

static void what_is_under_way_at_an_abandoned_hop_is_lost(void **state)
{
    struct errand busy = errand(), waiting = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 1);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = true;
    EXPECT_TRUE(hop_submit(d.hop, &busy.task));
    EXPECT_TRUE(hop_submit(d.hop, &waiting.task));
    TURN_UNTIL(&d, busy.ready);
    hop_abandon(d.hop);
    EXPECT_INT(1, busy.lost);
    EXPECT_INT(1, waiting.lost);
    hop_desk_close(&d);
}

static void one_connection_serves_one_task_after_another(void **state)
{
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    for (int i = 0; i < 20; i++) {
        struct errand e = errand();

        EXPECT_TRUE(hop_submit(d.hop, &e.task));
        TURN_UNTIL(&d, e.replies == 2);
        EXPECT_INT(1, e.ready);
    }
    EXPECT_INT(1, d.peer.count);
    hop_desk_close(&d);
}

static void there_are_never_more_connections_than_configured(void **state)
{
    struct errand errands[30];
    struct hop_desk d;
    size_t served = 0;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 3);
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
    hop_desk_close(&d);
}

static void a_hop_that_is_down_says_so_at_once_and_is_found_again(void **state)
{
    struct errand waiting = errand(), refused = errand(), served = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
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
    hop_desk_close(&d);
}

static void a_task_that_is_withdrawn_hears_no_more(void **state)
{
    struct errand running = errand(), waiting = errand(), after = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 1);
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
    hop_desk_close(&d);
}

static void serve(struct hop_desk *d, int count)
{
    for (int i = 0; i < count; i++) {
        struct errand e = errand();

        EXPECT_TRUE(hop_submit(d->hop, &e.task));
        TURN_UNTIL(d, e.replies == 2);
    }
}

static void a_connection_is_used_so_often_and_so_long(void **state)
{
    struct hop_desk d;
    int64_t served_ms;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_uses_most = 3;
    serve(&d, 9);
    EXPECT_INT(3, d.peer.count);
    d.conf.hop_uses_most = 1000;
    serve(&d, 5);
    EXPECT_INT(4, d.peer.count);
    served_ms = loop_now_ms(d.loop);
    TURN_UNTIL(&d, loop_now_ms(d.loop) > served_ms + 1); /* all that took less than a millisecond, perhaps */
    d.conf.hop_age_ms = 1;
    d.peer.is_slow = true; /* each is older than that before it has served anybody: it serves one nevertheless */
    for (int64_t since = loop_now_ms(d.loop); loop_now_ms(d.loop) < since + 2;) /* and so is the one that is there */
        loop_run_once(d.loop, 1);
    serve(&d, 3);
    EXPECT_INT(6, d.peer.count); /* the first of the three by the connection that was there */
    hop_desk_close(&d);
}

/* It takes connections, and says nothing: the task that finds out is lost, and the hop is down once a new connection
 * is not greeted, whatever other connections there are. */
static void a_hop_that_falls_silent_is_doubted_then_down_and_found_again(void **state)
{
    struct errand slow = errand(), served = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
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
    hop_desk_close(&d);
}

static void one_that_stands_by_is_asked_whether_it_is_there(void **state)
{
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_probe_ms = 1;
    d.conf.hop_idle_ms = 0;
    TURN_UNTIL(&d, d.peer.count >= 3);
    unsigned port = d.peer.port;

    peer_stop(&d.peer);
    TURN_UNTIL(&d, hop_is_down(d.hop)); /* nobody has asked for anything */
    peer_start(&d.peer, d.loop, port);
    TURN_UNTIL(&d, !hop_is_doubtful(d.hop));
    hop_desk_close(&d);
}

static void late_at_the_end_of_a_message_says_nothing_of_the_hop(void **state)
{
    struct errand slow = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    d.conf.hop_final_ms = 50;
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = true;
    EXPECT_TRUE(hop_submit(d.hop, &slow.task));
    TURN_UNTIL(&d, slow.ready == 1);
    hop_wait_final(&slow.task);
    TURN_UNTIL(&d, slow.lost == 1);
    EXPECT_FALSE(hop_is_doubtful(d.hop));
    hop_desk_close(&d);
}

static void as_many_failures_as_configured_take_it_down(void **state)
{
    struct errand errands[4];
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
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
    hop_desk_close(&d);
}

/* Half open: when it has rested one task may try, and no other while that is under way. */
static void one_task_may_try_a_hop_that_has_rested(void **state)
{
    struct errand first = errand(), trial = errand(), other = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
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
    hop_desk_close(&d);
}

RUN_TESTS(TEST(what_it_offers_is_known_after_ehlo), TEST(its_limits_are_known),
          TEST(a_limit_that_was_found_out_holds_where_it_is_the_lower_one),
          TEST(logins_that_can_be_passed_on_are_known), TEST(a_private_hop_lives_as_long_as_its_connection),
          TEST(what_is_under_way_at_an_abandoned_hop_is_lost), TEST(one_connection_serves_one_task_after_another),
          TEST(there_are_never_more_connections_than_configured),
          TEST(a_hop_that_is_down_says_so_at_once_and_is_found_again), TEST(a_task_that_is_withdrawn_hears_no_more),
          TEST(a_connection_is_used_so_often_and_so_long),
          TEST(a_hop_that_falls_silent_is_doubted_then_down_and_found_again),
          TEST(one_that_stands_by_is_asked_whether_it_is_there),
          TEST(late_at_the_end_of_a_message_says_nothing_of_the_hop), TEST(as_many_failures_as_configured_take_it_down),
          TEST(one_task_may_try_a_hop_that_has_rested))
