/* tests/unit/test_dress.c - the header fields that we put on and take off. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/core/dress.h"

struct room {
    struct engine_conf conf;
    struct actions_conf actions;
    struct dress_conf headers;
    struct engine engine;
    struct pipeline *pipeline;
    struct edits edits;
    struct strbuf out;
};

static struct room *room_open(const char *message)
{
    static const struct message_limits limits = { 10000, 100 };
    struct room *r = mem_alloc(sizeof *r);

    r->actions = (struct actions_conf){ .tag = 600, .reject = 1500, .subject = "" };
    r->headers = (struct dress_conf){ .received = true, .authentication_results = true, .spam = DRESS_SPAM_ALWAYS };
    r->engine =
        (struct engine){ .loop = loop_new(), .hostname = "mx.example.org", .conf = &r->conf, .actions = &r->actions };
    r->pipeline = pipeline_new(&r->engine, "test");
    pipeline_take_message(r->pipeline, message_new(span_of(message), &limits));
    struct session *s = pipeline_session(r->pipeline);

    EXPECT_INT(FAULT_NONE, addr_parse(SPAN("192.0.2.7"), &s->client));
    s->helo = SPAN("client.example.net");
    s->is_esmtp = true;
    strbuf_init(&r->out, 1 << 20);
    return r;
}

static const char *dressed(struct room *r, enum action action, int score)
{
    struct verdict v = { .action = action, .score = score, .tag = 600, .reject = 1500, .decided_by = "score" };
    struct pieces pieces;

    dress(r->pipeline, &v, &r->headers, &r->edits);
    edits_apply(&r->edits, pipeline_message(r->pipeline), &pieces);
    strbuf_clear(&r->out);
    for (size_t i = 0; i < pieces.count; i++)
        strbuf_put(&r->out, pieces.items[i]);
    return r->out.data;
}

static void room_close(struct room *r)
{
    pipeline_free(r->pipeline);
    loop_free(r->engine.loop);
    strbuf_release(&r->out);
    free(r);
}

#define EXPECT_HAS(text, part)   assert_non_null(strstr(text, part))
#define EXPECT_LACKS(text, part) assert_null(strstr(text, part))

static void results_stand_above_received_above_spam_above_the_rest(void **state)
{
    struct room *r = room_open("Subject: hello\r\n\r\nbody\r\n");
    const char *m = dressed(r, ACTION_ACCEPT, 123);

    (void)state;
    EXPECT_INT(0, strncmp(m, "Authentication-Results: mx.example.org", 38));
    EXPECT_TRUE(strstr(m, "Authentication-Results:") < strstr(m, "Received: from"));
    EXPECT_TRUE(strstr(m, "Received: from") < strstr(m, "X-Spam-Score: 1.23\r\n"));
    EXPECT_HAS(
        m, "Received: from client.example.net (unknown [192.0.2.7])\r\n\tby mx.example.org (Postern) with ESMTP id ");
    EXPECT_HAS(m, "X-Spam-Level: *\r\n");
    EXPECT_HAS(m, "X-Spam-Status: No, score=1.23 required=6.00\r\n\ttests=none\r\n\tautolearn=no version=Postern-");
    EXPECT_LACKS(m, "X-Spam-Flag");
    EXPECT_HAS(m, "\r\nSubject: hello\r\n\r\nbody\r\n");
    room_close(r);
}

static void tagged_mail_is_flagged_and_its_subject_rewritten_when_asked(void **state)
{
    struct room *r = room_open("Subject: hello\r\nTo: x\r\n\r\nbody\r\n");

    (void)state;
    EXPECT_HAS(dressed(r, ACTION_TAG, 700), "X-Spam-Flag: YES\r\n");
    EXPECT_HAS(r->out.data, "\r\nSubject: hello\r\n");
    r->actions.subject = "[SPAM] ";
    EXPECT_HAS(dressed(r, ACTION_TAG, 700), "\r\nSubject: [SPAM] hello\r\nTo: x\r\n");
    EXPECT_HAS(dressed(r, ACTION_ACCEPT, 100), "\r\nSubject: hello\r\nTo: x\r\n");
    room_close(r);
    r = room_open("To: x\r\n\r\nbody\r\n");
    r->actions.subject = "[SPAM] ";
    EXPECT_HAS(dressed(r, ACTION_TAG, 700), "Subject: [SPAM] \r\nTo: x\r\n");
    room_close(r);
    r = room_open("Subject: [SPAM] again\r\n\r\nbody\r\n");
    r->actions.subject = "[SPAM] ";
    EXPECT_HAS(dressed(r, ACTION_TAG, 700), "\r\nSubject: [SPAM] again\r\n");
    room_close(r);
}

static void what_is_forged_in_our_name_is_taken_out(void **state)
{
    struct room *r = room_open("X-Spam-Flag: NO\r\nAuthentication-Results: mx.example.org; spf=pass\r\n"
                               "authentication-results: other.example; spf=pass\r\nx-spam-status: No\r\n"
                               "Authentication-Results: (c) MX.example.org 1; dkim=pass\r\n\r\nX-Spam-Flag: body\r\n");
    const char *m = dressed(r, ACTION_ACCEPT, 0);

    (void)state;
    EXPECT_LACKS(m, "X-Spam-Flag: NO");
    EXPECT_LACKS(m, "x-spam-status: No\r\n");
    EXPECT_LACKS(m, "spf=pass\r\nauth");
    EXPECT_LACKS(m, "dkim=pass");
    EXPECT_HAS(m, "authentication-results: other.example; spf=pass\r\n");
    EXPECT_HAS(m, "\r\n\r\nX-Spam-Flag: body\r\n");
    room_close(r);
}

static void a_client_cannot_write_lines_into_received(void **state)
{
    struct room *r = room_open("Subject: x\r\n\r\n");

    (void)state;
    pipeline_session(r->pipeline)->helo = SPAN("a)\r\nX-Forged: (yes\x01\xff");
    EXPECT_HAS(dressed(r, ACTION_ACCEPT, 0), "Received: from a???X-Forged:??yes?? (unknown [192.0.2.7])");
    room_close(r);
}

static void mail_of_our_own_users_gets_received_alone(void **state)
{
    struct room *r = room_open("X-Spam-Flag: YES\r\nSubject: x\r\n\r\n");
    const char *m;

    (void)state;
    pipeline_session(r->pipeline)->auth_user = SPAN("user");
    m = dressed(r, ACTION_ACCEPT, 0);
    EXPECT_INT(0, strncmp(m, "Received: from", 14));
    EXPECT_HAS(m, "with ESMTPA id");
    EXPECT_HAS(m, "X-Spam-Flag: YES\r\n");
    EXPECT_LACKS(m, "Authentication-Results");
    EXPECT_LACKS(m, "X-Spam-Score");
    room_close(r);
}

/* [RFC3848], [RFC6531 4.3]: the words of the registry. */
static void received_says_by_what_protocol_it_came(void **state)
{
    static const struct {
        bool is_esmtp, is_utf8, is_lmtp, is_tls, is_auth;
        const char *want;
    } cases[] = {
        { false, false, false, false, false, "with SMTP id" },
        { true, false, false, false, false, "with ESMTP id" },
        { true, false, false, true, false, "with ESMTPS id" },
        { true, false, false, true, true, "with ESMTPSA id" },
        { true, true, false, false, false, "with UTF8SMTP id" },
        { true, true, false, true, true, "with UTF8SMTPSA id" },
        { true, false, true, false, false, "with LMTP id" },
        { true, false, true, true, false, "with LMTPS id" },
        { true, true, true, false, false, "with UTF8LMTP id" },
        { true, true, true, true, true, "with UTF8LMTPSA id" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct room *r = room_open("Subject: x\r\n\r\n");
        struct session *s = pipeline_session(r->pipeline);

        s->is_esmtp = cases[i].is_esmtp;
        s->is_smtputf8 = cases[i].is_utf8;
        s->is_lmtp = cases[i].is_lmtp;
        s->tls_version = cases[i].is_tls ? "TLSv1.3" : "";
        s->auth_user = cases[i].is_auth ? SPAN("user") : SPAN("");
        EXPECT_HAS(dressed(r, ACTION_ACCEPT, 0), cases[i].want);
        room_close(r);
    }
}

/* Who talks to us for another client is traced; what it hands on is this message. */
static void received_tells_of_who_hands_on(void **state)
{
    struct room *r = room_open("Subject: x\r\n\r\n");
    struct session *s = pipeline_session(r->pipeline), via = *s;

    (void)state;
    via.helo = SPAN("relay.example");
    via.is_esmtp = true;
    s->via = &via;
    s->is_smtputf8 = true;
    EXPECT_HAS(dressed(r, ACTION_ACCEPT, 0), "Received: from relay.example ");
    EXPECT_HAS(r->out.data, "with UTF8SMTP id");
    room_close(r);
}

/* A check that adds a field: as a run of it would have left it. */
static void what_checks_add_replaces_what_came(void **state)
{
    static const struct check_module module = { .run = NULL };
    static const struct check check = { .name = "adds", .stage = STAGE_MESSAGE, .module = &module };
    static const char message[] = "X-Greylist: mine\r\nSubject: hello\r\nx-greylist: mine, too\r\n\r\nbody\r\n";
    static const struct {
        enum mode mode;
        enum run_state state;
        bool is_added;
    } cases[] = { { MODE_ENFORCE, RUN_DONE, true },
                  { MODE_TAG, RUN_DONE, true },
                  { MODE_SHADOW, RUN_DONE, false },
                  { MODE_ENFORCE, RUN_FAILED, false } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct check_settings settings = { .check = &check, .mode = cases[i].mode };
        struct room *r = room_open(message);

        pipeline_free(r->pipeline);
        r->engine.checks = &settings;
        r->engine.check_count = 1;
        r->pipeline = pipeline_new(&r->engine, "test");
        pipeline_take_message(r->pipeline, message_new(span_of(message), &(struct message_limits){ 10000, 100 }));
        struct run *run = (struct run *)pipeline_run(r->pipeline, 0);

        run->state = cases[i].state;
        static struct added_header added = { "X-Greylist", "delayed 312 seconds" };

        run->headers = &added;
        run->header_count = 1;
        const char *m = dressed(r, ACTION_ACCEPT, 0);

        EXPECT_INT(cases[i].is_added, strstr(m, "\r\nX-Greylist: delayed 312 seconds\r\n") != NULL);
        EXPECT_INT(cases[i].is_added, strstr(m, "mine") == NULL);
        room_close(r);
    }
}

RUN_TESTS(TEST(what_checks_add_replaces_what_came), TEST(results_stand_above_received_above_spam_above_the_rest),
          TEST(tagged_mail_is_flagged_and_its_subject_rewritten_when_asked),
          TEST(what_is_forged_in_our_name_is_taken_out), TEST(a_client_cannot_write_lines_into_received),
          TEST(mail_of_our_own_users_gets_received_alone), TEST(received_says_by_what_protocol_it_came),
          TEST(received_tells_of_who_hands_on))
