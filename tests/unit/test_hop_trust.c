/* tests/unit/test_hop_trust.c - next hops that speak too early, offer other things to other clients, refuse much; and
 * tasks that go before they were served. */
#include "tests/kit/hop_desk.h"

#include "gateway/smtp/verify.h"

static void what_is_offered_behind_xclient_is_not_trusted_more(void **state)
{
    struct errand e = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open_for(&d, "250-peer\r\n250-XCLIENT ADDR\r\n250 REQUIRETLS\r\n", 10, HOP_CLIENT_XCLIENT);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    EXPECT_INT(0, hop_extensions(d.hop) & EXTENSION_REQUIRETLS); /* there is no TLS */
    e.task.client = SPAN("ADDR=192.0.2.1");
    EXPECT_TRUE(hop_submit(d.hop, &e.task));
    TURN_UNTIL(&d, e.replies == 2);
    EXPECT_INT(EXTENSION_XCLIENT, e.extensions);
    hop_desk_close(&d);
}

static void begins_message(struct hop_task *task)
{
    ((struct errand *)task)->ready++;
    hop_wait_none(task);
    hop_send(task, SPAN("Subject: x\r\n"));
}

static void a_reply_that_began_before_the_end_of_the_message_confirms_nothing(void **state)
{
    static const struct {
        const char *early, *rest;
    } cases[] = { { "250-taken\r\n", "250 all of it\r\n" }, { "250 tak", "en\r\n" } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errand e = errand();
        struct hop_desk d;

        hop_desk_open(&d, "250 peer\r\n", 10);
        TURN_UNTIL(&d, hop_is_known(d.hop));
        d.peer.is_mute = true;
        e.task.on_ready = begins_message;
        EXPECT_TRUE(hop_submit(d.hop, &e.task));
        stream_writef(d.peer.dialogues[0].stream, "%s", cases[i].early);
        TURN_UNTIL(&d, hop_is_ahead(&e.task));
        hop_expect(&e.task, 1);
        hop_wait_final(&e.task);
        hop_send(&e.task, SPAN(".\r\n"));
        stream_writef(d.peer.dialogues[0].stream, "%s", cases[i].rest);
        TURN_UNTIL(&d, e.lost || e.replies);
        EXPECT_INT(1, e.lost);
        EXPECT_INT(0, e.replies);
        hop_desk_close(&d);
    }
}

static void a_connection_that_speaks_unasked_is_closed_at_once(void **state)
{
    static const char *const said[] = { "250-x\r\n", "25", "421 4.3.2 going down\r\n" };

    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        struct hop_desk d;

        hop_desk_open(&d, "250 peer\r\n", 10);
        TURN_UNTIL(&d, hop_is_known(d.hop));
        stream_writef(d.peer.dialogues[0].stream, "%s", said[i]);
        TURN_UNTIL(&d, !d.peer.open);
        hop_desk_close(&d);
    }
}

/* A byte now and then is no silence; nor is it an answer. */
static void a_reply_without_an_end_is_not_waited_for(void **state)
{
    struct errand e = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.conf.hop_command_ms = 100;
    d.peer.is_mute = true;
    EXPECT_TRUE(hop_submit(d.hop, &e.task));
    TURN_UNTIL(&d, e.ready);
    stream_writef(d.peer.dialogues[0].stream, "250-");
    for (int64_t start = clock_mono_ms(), said = 0; !e.lost && said < 200;) {
        bool is_time = clock_mono_ms() >= start + 10 * said;

        said += is_time;
        if (is_time)
            stream_writef(d.peer.dialogues[0].stream, "x");
        loop_run_once(d.loop, 1);
    }
    EXPECT_INT(1, e.lost);
    hop_desk_close(&d);
}

static void who_is_being_introduced_at_an_abandoned_hop_is_lost(void **state)
{
    struct errand e = errand();
    struct hop_desk d;

    (void)state;
    hop_desk_open_for(&d, "250-peer\r\n250 XFORWARD ADDR\r\n", 1, HOP_CLIENT_XFORWARD);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    d.peer.is_mute = true;
    e.task.client = SPAN("ADDR=192.0.2.1");
    EXPECT_TRUE(hop_submit(d.hop, &e.task));
    EXPECT_INT(0, e.ready);
    hop_abandon(d.hop);
    EXPECT_INT(1, e.lost);
    hop_desk_close(&d);
}

/* Mail servers slow down, and hang up, on who makes many errors: those who come after him would suffer. */
static void a_connection_with_many_refusals_is_not_used_on(void **state)
{
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    d.peer.reply = "550 5.1.1 no\r\n";
    for (int i = 0; i < 9; i++) {
        struct errand e = errand();

        EXPECT_TRUE(hop_submit(d.hop, &e.task));
        TURN_UNTIL(&d, e.replies == 2);
    }
    EXPECT_INT(3, d.peer.count);
    hop_desk_close(&d);
}

static void nor_is_one_over_which_much_was_asked_and_nothing_sent(void **state)
{
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 10);
    for (int i = 0; i < 161; i++) {
        struct errand e = errand();

        EXPECT_TRUE(hop_submit(d.hop, &e.task));
        TURN_UNTIL(&d, e.replies == 2);
    }
    EXPECT_INT(3, d.peer.count);
    hop_desk_close(&d);
}

static void unused(void *arg)
{
    (void)arg;
}

struct answers_heard {
    int count;
    enum reply trouble; /* of the last */
};

static void told(void *arg, const struct verify_result *result)
{
    struct answers_heard *heard = arg;

    heard->count++;
    heard->trouble = result->trouble;
}

static struct verify_query *ask(struct verify *v, struct next_hop *next_hop, const char *recipient, bool is_require_tls,
                                struct answers_heard *heard)
{
    const struct route route = { .next_hop = next_hop, .verify = VERIFY_RCPT };
    const struct session session = { .mail_from = { .text = SPAN("a@example.com") }, .is_require_tls = is_require_tls };
    struct address address;
    struct verify_result at_once;

    EXPECT_INT(FAULT_NONE, address_parse(span_of(recipient), &address));
    return verify_ask(v, &route, &session, &address, told, heard, &at_once);
}

static void a_question_that_waits_goes_with_its_client(void **state)
{
    struct engine engine = { .hostname = "mx.example.org" };
    struct answers_heard heard = { 0 };
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 1);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    engine.loop = d.loop;
    d.conf.routes_file = "";
    d.conf.verify_entries = 10;
    d.peer.is_mute = true;
    struct verify *v = verify_new(&d.conf, &engine);
    struct next_hop *next_hop = next_hop_new(&(struct hop_targets){ &d.target, 1 }, &d.hop, unused, NULL);
    struct verify_query *asked = ask(v, next_hop, "x@example.org", false, &heard);
    struct verify_query *waiting = ask(v, next_hop, "y@example.org", false, &heard);

    assert_true(asked && waiting);
    EXPECT_TRUE(hop_is_busy(d.hop));
    verify_cancel(waiting);
    EXPECT_FALSE(hop_is_busy(d.hop));
    verify_cancel(asked);
    verify_free(v);
    EXPECT_INT(0, heard.count);
    next_hop_drop(next_hop);
    hop_desk_close(&d);
}

/* The target that may have REQUIRETLS is down; the other, somewhere else, proves nothing. The client comes again. */
static void what_one_target_can_never_have_is_no_refusal_while_another_may(void **state)
{
    struct engine engine = { .hostname = "mx.example.org" };
    struct answers_heard heard = { 0 };
    struct hop_desk d;

    (void)state;
    hop_desk_open(&d, "250 peer\r\n", 1);
    TURN_UNTIL(&d, hop_is_known(d.hop));
    engine.loop = d.loop;
    d.conf.routes_file = "";
    d.conf.verify_entries = 10;
    struct hop_target here = d.target;
    struct hop_settings settings = *hop_settings(d.hop);

    here.at.port = 1; /* nobody listens there */
    settings.target = &here;
    struct hop *hops[] = { d.hop, hop_new(&settings) };

    TURN_UNTIL(&d, hop_is_down(hops[1]));
    assert_int_equal(FAULT_NONE, addr_parse(SPAN("192.0.2.1"), &d.target.at.addr)); /* as far as is asked for it */
    struct hop_target both[] = { d.target, here };
    struct verify *v = verify_new(&d.conf, &engine);
    struct next_hop *next_hop = next_hop_new(&(struct hop_targets){ both, 2 }, hops, unused, NULL);

    EXPECT_FALSE(hop_may_require_tls(hops[0]));
    assert_true(ask(v, next_hop, "x@example.org", true, &heard));
    TURN_UNTIL(&d, heard.count);
    EXPECT_INT(REPLY_HOP_LACKS, heard.trouble);
    verify_free(v);
    next_hop_drop(next_hop);
    hop_free(hops[1]);
    hop_desk_close(&d);
}

RUN_TESTS(TEST(what_is_offered_behind_xclient_is_not_trusted_more),
          TEST(a_reply_that_began_before_the_end_of_the_message_confirms_nothing),
          TEST(a_connection_that_speaks_unasked_is_closed_at_once), TEST(a_reply_without_an_end_is_not_waited_for),
          TEST(who_is_being_introduced_at_an_abandoned_hop_is_lost),
          TEST(a_connection_with_many_refusals_is_not_used_on),
          TEST(nor_is_one_over_which_much_was_asked_and_nothing_sent), TEST(a_question_that_waits_goes_with_its_client),
          TEST(what_one_target_can_never_have_is_no_refusal_while_another_may))
