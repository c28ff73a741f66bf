/* tests/unit/test_http_envelope.c - a request's fields into a session, and what is not taken from them. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"
#include "gateway/http/envelope.h"

struct room {
    struct arena arena;
    struct session session;
    struct head head;
};

static const char *fill_as(struct room *r, const char *first, const char *fields)
{
    struct span line;

    arena_init(&r->arena, 1 << 20);
    r->session = (struct session){ .arena = &r->arena, .tx_arena = &r->arena, .tls_version = "", .tls_cipher = "" };
    const char *text = arena_printf(&r->arena, "%s\r\n%s\r\n", first, fields);

    EXPECT_INT(HEAD_OK, head_parse(&r->arena, span_of(text), &r->head, &line));
    return envelope_fill(&r->head, &r->session);
}

static const char *fill(struct room *r, const char *fields)
{
    return fill_as(r, "POST /checkv2 HTTP/1.1", fields);
}

static void all_that_is_told_is_taken(void **state)
{
    struct room r;
    char ip[ADDR_TEXT_MAX];

    (void)state;
    EXPECT_NULL(fill(&r, "IP: 192.0.2.7\r\nHelo: mx.example\r\nHostname: host.example.\r\nFrom: <a@example.com>\r\n"
                         "Rcpt: b@example.org\r\nRcpt: <c@example.org>, \"d,e\"@example.org\r\nUser: anna\r\n"
                         "TLS-Version: TLSv1.3\r\nTLS-Cipher: TLS_AES_256_GCM_SHA384\r\nDeliver-To: x@y\r\n"));
    EXPECT_STR("192.0.2.7", addr_text(&r.session.client, ip));
    EXPECT_SPAN("mx.example", r.session.helo);
    EXPECT_SPAN("host.example", r.session.client_ptr);
    EXPECT_SPAN("a@example.com", r.session.mail_from.text);
    EXPECT_SPAN("example.com", r.session.mail_from.domain);
    EXPECT_INT(3, r.session.recipient_count);
    EXPECT_SPAN("b@example.org", r.session.recipients[0].address.text);
    EXPECT_SPAN("c@example.org", r.session.recipients[1].address.text);
    EXPECT_SPAN("\"d,e\"", r.session.recipients[2].address.local);
    EXPECT_SPAN("anna", r.session.auth_user);
    EXPECT_INT(DIRECTION_AUTHENTICATED, session_direction(&r.session));
    EXPECT_STR("TLSv1.3", r.session.tls_version);
    EXPECT_STR("TLS_AES_256_GCM_SHA384", r.session.tls_cipher);
    arena_release(&r.arena);
}

static void an_address_in_utf8_tells_of_smtputf8(void **state)
{
    struct room r;

    (void)state;
    EXPECT_NULL(fill(&r, "From: <a@example.com>\r\nRcpt: b@example.org\r\n"));
    EXPECT_FALSE(r.session.is_smtputf8);
    arena_release(&r.arena);
    EXPECT_NULL(fill(&r, "From: <a@example.com>\r\nRcpt: j\xc3\xb6rg@example.org\r\n"));
    EXPECT_TRUE(r.session.is_smtputf8);
    arena_release(&r.arena);
}

static void nothing_need_be_told(void **state)
{
    struct room r;

    (void)state;
    EXPECT_NULL(fill(&r, ""));
    EXPECT_INT(ADDR_NONE, r.session.client.family);
    EXPECT_INT(0, r.session.helo.len + r.session.client_ptr.len + r.session.mail_from.text.len);
    EXPECT_INT(0, r.session.recipient_count);
    EXPECT_INT(DIRECTION_INBOUND, session_direction(&r.session));
    EXPECT_STR("", r.session.tls_version);
    arena_release(&r.arena);
    EXPECT_NULL(fill(&r, "From: <>\r\nRcpt:\r\nDeliver-To: b@example.org\r\n"));
    EXPECT_INT(0, r.session.mail_from.text.len);
    EXPECT_INT(1, r.session.recipient_count);
    EXPECT_SPAN("b@example.org", r.session.recipients[0].address.text);
    arena_release(&r.arena);
}

static void names_that_are_none_are_not_taken_for_names(void **state)
{
    static const char *const names[] = { "unknown",       "Unknown",   "undefined", "[192.0.2.7]",
                                         "[UNAVAILABLE]", "two words", "" };
    struct room r;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct strbuf field;

        strbuf_init(&field, 1000);
        strbuf_putf(&field, "Hostname: %s\r\n", names[i]);
        EXPECT_NULL(fill(&r, field.data));
        EXPECT_INT(0, r.session.client_ptr.len);
        arena_release(&r.arena);
        strbuf_release(&field);
    }
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *fields, *wrong; /* NULL: taken */
    } cases[] = {
        { "IP: 192.0.2.300\r\n", "IP" },   { "IP: mx.example\r\n", "IP" }, { "IP: unknown\r\n", NULL },
        { "IP: [2001:db8::1]\r\n", NULL }, { "Rcpt: ,,\r\n", NULL },
    };
    struct room r;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *wrong = fill(&r, cases[i].fields);

        if (cases[i].wrong)
            EXPECT_INT(0, strncmp(cases[i].wrong, wrong, strlen(cases[i].wrong)));
        else
            EXPECT_NULL(wrong);
        arena_release(&r.arena);
    }
}

/* A mail server may be less strict than we: whose mail it takes is looked at. */
static void whatever_the_mail_server_takes_for_an_address_is_one(void **state)
{
    static const struct {
        const char *text, *local, *domain;
    } cases[] = {
        { "root", "root", "" },
        { "a..b@example.com", "a..b", "example.com" },
        { "<a.@example.com>", "a.", "example.com" },
        { "a@b@c", "a@b", "c" },
        { "two words", "two words", "" },
        { "b c@d", "b c", "d" },
        { "<a", "<a", "" },
        { "\"unended@example.org", "\"unended", "example.org" },
        { "@", "", "" },
        { "a@under_score.example", "a", "under_score.example" },
        { "<a@[192.0.2.7]>", "a", "[192.0.2.7]" },
    };
    struct room r;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf fields;

        strbuf_init(&fields, 1000);
        strbuf_putf(&fields, "From: %s\r\nRcpt: %s\r\n", cases[i].text, cases[i].text);
        EXPECT_NULL(fill(&r, fields.data));
        EXPECT_SPAN(cases[i].local, r.session.mail_from.local);
        EXPECT_SPAN(cases[i].domain, r.session.mail_from.domain);
        EXPECT_INT(1, r.session.recipient_count);
        EXPECT_SPAN(cases[i].local, r.session.recipients[0].address.local);
        EXPECT_SPAN(cases[i].domain, r.session.recipients[0].address.domain);
        arena_release(&r.arena);
        strbuf_release(&fields);
    }
}

static void recipients_are_bounded(void **state)
{
    struct strbuf fields;
    struct room r;

    (void)state;
    strbuf_init(&fields, 1 << 20);
    for (int i = 0; i < ENVELOPE_RECIPIENTS_MAX / 10 + 1; i++)
        strbuf_puts(&fields, "Rcpt: a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b,a@b\r\n");
    EXPECT_TRUE(fill(&r, fields.data) != NULL);
    EXPECT_INT(ENVELOPE_RECIPIENTS_MAX, r.session.recipient_count);
    arena_release(&r.arena);
    strbuf_release(&fields);
}

/* spamd's User is whose preferences apply: it says nothing of who sent the mail. */
static void a_user_of_spamc_has_not_authenticated(void **state)
{
    struct room r;

    (void)state;
    EXPECT_NULL(fill_as(&r, "CHECK SPAMC/1.5", "User: root\r\nIP: 192.0.2.7\r\n"));
    EXPECT_INT(0, r.session.auth_user.len);
    EXPECT_INT(ADDR_NONE, r.session.client.family);
    arena_release(&r.arena);
    EXPECT_NULL(fill_as(&r, "CHECK RSPAMC/1.3", "User: anna\r\nRecipient-Number: 1\r\nRcpt: <b@c>\r\n"));
    EXPECT_SPAN("anna", r.session.auth_user);
    EXPECT_INT(1, r.session.recipient_count);
    arena_release(&r.arena);
}

static void files_and_memory_of_this_machine_are_not_read(void **state)
{
    static const char *const bad[] = { "File: /etc/passwd", "path: /etc/passwd", "Shm: /x", "Shm-Offset: 3",
                                       "SHM-LENGTH: 3" };
    struct room r;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct strbuf field;

        strbuf_init(&field, 1000);
        strbuf_putf(&field, "IP: 192.0.2.7\r\n%s\r\n", bad[i]);
        fill(&r, field.data);
        EXPECT_TRUE(envelope_forbidden(&r.head) == &r.head.fields[1]);
        arena_release(&r.arena);
        strbuf_release(&field);
    }
    fill(&r, "Filename: /tmp/a.eml\r\nProfile: x\r\n");
    EXPECT_NULL(envelope_forbidden(&r.head));
    arena_release(&r.arena);
}

static void flags_are_words_of_several_fields(void **state)
{
    struct envelope_flags f;
    struct room r;

    (void)state;
    fill(&r, "Pass: all\r\nLog: no\r\nCompression: zstd\r\n");
    envelope_flags(&r.head, &f);
    EXPECT_TRUE(f.pass_all && f.no_log && f.zstd && !f.groups && !f.skip && !f.no_stat);
    arena_release(&r.arena);
    fill(&r, "Flags: pass_all,groups\r\nFlags: no_log, no_stat ,skip,zstd\r\n");
    envelope_flags(&r.head, &f);
    EXPECT_TRUE(f.pass_all && f.no_log && f.zstd && f.groups && f.skip && f.no_stat);
    arena_release(&r.arena);
    fill(&r, "Pass: none\r\nLog: yes\r\nFlags: skip_process\r\n");
    envelope_flags(&r.head, &f);
    EXPECT_TRUE(!f.pass_all && !f.no_log && !f.zstd && !f.groups && !f.skip && !f.no_stat);
    arena_release(&r.arena);
    fill_as(&r, "REPORT SPAMC/1.5", "Flags: pass_all,skip,no_log\r\nPass: all\r\n"); /* rspamd's alone */
    envelope_flags(&r.head, &f);
    EXPECT_TRUE(!f.pass_all && !f.no_log && !f.skip);
    arena_release(&r.arena);
}

RUN_TESTS(TEST(all_that_is_told_is_taken), TEST(an_address_in_utf8_tells_of_smtputf8), TEST(nothing_need_be_told),
          TEST(names_that_are_none_are_not_taken_for_names), TEST(what_is_wrong_is_said),
          TEST(whatever_the_mail_server_takes_for_an_address_is_one), TEST(recipients_are_bounded),
          TEST(a_user_of_spamc_has_not_authenticated), TEST(files_and_memory_of_this_machine_are_not_read),
          TEST(flags_are_words_of_several_fields))
