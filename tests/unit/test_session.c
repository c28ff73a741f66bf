/* tests/unit/test_session.c - what a share of a message knows of client and sender. */
#include "tests/kit/expect.h"

#include <stdio.h>

#include "gateway/mail/session.h"

enum { ARENA_BYTES = 1 << 16 };

struct room {
    struct arena arena, tx_arena;
    struct session session;
};

static void room_open(struct room *r, const char *id)
{
    *r = (struct room){ 0 };
    arena_init(&r->arena, ARENA_BYTES);
    arena_init(&r->tx_arena, ARENA_BYTES);
    r->session.arena = &r->arena;
    r->session.tx_arena = &r->tx_arena;
    snprintf(r->session.id, sizeof r->session.id, "%s", id);
}

static void room_close(struct room *r)
{
    arena_release(&r->arena);
    arena_release(&r->tx_arena);
}

static void fill(struct session *s, const struct session *via)
{
    struct address address;

    s->client = (struct addr){ .family = ADDR_IP4, .bytes = { 192, 0, 2, 7 } };
    s->client_port = 2525;
    s->client_name = arena_copy(s->arena, SPAN("mail.example"));
    s->client_ptr = arena_copy(s->arena, SPAN("ptr.example"));
    s->is_client_ptr_confirmed = s->is_relay_client = s->is_esmtp = s->is_lmtp = true;
    session_note(s, CONDUCT_PREGREET, SPAN("HELO x"));
    s->via = via;
    s->helo = arena_copy(s->arena, SPAN("helo.example"));
    s->lhlo = arena_copy(s->arena, SPAN("lhlo.example"));
    s->tls_version = "TLSv1.3";
    s->tls_server_name = arena_copy(s->arena, SPAN("mx.example"));
    s->tls_client.subject = arena_copy(s->arena, SPAN("CN=a"));
    s->tls_client.issuer = arena_copy(s->arena, SPAN("CN=ca"));
    s->tls_client.sha256 = arena_copy(s->arena, SPAN("abcd"));
    s->tls_client.is_trusted = true;
    s->auth_user = arena_copy(s->arena, SPAN("user"));
    s->started_wall_ms = 12345;
    EXPECT_INT(FAULT_NONE, address_parse(SPAN("a@example.com"), &address));
    s->mail_from = address_copy(s->tx_arena, &address);
    s->is_8bit = s->is_binary = s->is_smtputf8 = s->is_require_tls = true;
    s->ret = DSN_RET_HDRS;
    s->envid = arena_copy(s->tx_arena, SPAN("QQ314159"));
    s->mail_auth = arena_copy(s->tx_arena, SPAN("b@example.com"));
    s->declared_bytes = 999;
    session_add_recipient(s, &address);
}

/* All of it, and what the arenas of the first held may go. */
static void a_share_knows_what_the_first_knew(void **state)
{
    struct room first, share;
    struct session via = { 0 };

    (void)state;
    room_open(&first, "01AAAAAAAAAAAAAAAAAAAAAAAA");
    room_open(&share, "01BBBBBBBBBBBBBBBBBBBBBBBB");
    fill(&first.session, &via);
    session_take(&share.session, &first.session);
    room_close(&first);
    const struct session *s = &share.session;

    EXPECT_STR("01BBBBBBBBBBBBBBBBBBBBBBBB", s->id);
    EXPECT_TRUE(s->arena == &share.arena && s->tx_arena == &share.tx_arena && s->via == &via);
    EXPECT_INT(0, s->recipient_count);
    EXPECT_NULL(s->recipients);
    EXPECT_INT(192, s->client.bytes[0]);
    EXPECT_INT(2525, s->client_port);
    EXPECT_SPAN("mail.example", s->client_name);
    EXPECT_SPAN("ptr.example", s->client_ptr);
    EXPECT_TRUE(s->is_client_ptr_confirmed && s->is_relay_client && s->is_esmtp && s->is_lmtp);
    EXPECT_INT(1, s->conduct[CONDUCT_PREGREET].count);
    EXPECT_SPAN("HELO x", s->conduct[CONDUCT_PREGREET].first);
    EXPECT_SPAN("helo.example", s->helo);
    EXPECT_SPAN("lhlo.example", s->lhlo);
    EXPECT_STR("TLSv1.3", s->tls_version);
    EXPECT_SPAN("mx.example", s->tls_server_name);
    EXPECT_SPAN("CN=a", s->tls_client.subject);
    EXPECT_SPAN("CN=ca", s->tls_client.issuer);
    EXPECT_SPAN("abcd", s->tls_client.sha256);
    EXPECT_TRUE(s->tls_client.is_trusted);
    EXPECT_SPAN("user", s->auth_user);
    EXPECT_INT(12345, s->started_wall_ms);
    EXPECT_SPAN("a@example.com", s->mail_from.text);
    EXPECT_SPAN("example.com", s->mail_from.domain);
    EXPECT_TRUE(s->is_8bit && s->is_binary && s->is_smtputf8 && s->is_require_tls);
    EXPECT_INT(DSN_RET_HDRS, s->ret);
    EXPECT_SPAN("QQ314159", s->envid);
    EXPECT_SPAN("b@example.com", s->mail_auth);
    EXPECT_INT(999, s->declared_bytes);
    room_close(&share);
}

RUN_TESTS(TEST(a_share_knows_what_the_first_knew))
