/* tests/unit/test_policy_request.c - requests of the Postfix policy protocol: as they come, in pieces, and garbage. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/base/strbuf.h"
#include "policy/request.h"

#define HEAD "request=smtpd_access_policy\n"

/* As Postfix 3.12 sends it, in its order. */
static const char whole[] =
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=2001:db8::7\n"
    "client_name=mail.example.com\nclient_port=34567\nreverse_client_name=mail.example.com\n"
    "server_address=192.0.2.1\nserver_port=25\nhelo_name=mail.example.com\nsender=a=b@example.com\n"
    "recipient=u@example.org\nrecipient_count=0\nqueue_id=4XYZ\ninstance=8045F2AB23.1.2.3\nsize=12345\n"
    "etrn_domain=\nstress=\nsasl_method=plain\nsasl_username=you\nsasl_sender=\nccert_subject=solaris9.porcupine.org\n"
    "ccert_issuer=Wietse+20Venema\nccert_fingerprint=C2:9D:F4\nccert_pubkey_fingerprint=68:B3\n"
    "encryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\n"
    "policy_context=submission\ncompatibility_level=3.8\nmail_version=3.12.0\ntls_sni=mx.example.org\n\n";

static enum fault read_all(const char *text, struct policy_request *r, bool *is_complete)
{
    policy_request_clear(r);
    return policy_request_read(r, span_of(text), is_complete);
}

static void every_attribute_has_its_value(void **state)
{
    static const char *const values[] = {
        "smtpd_access_policy",
        "RCPT",
        "ESMTP",
        "2001:db8::7",
        "mail.example.com",
        "34567",
        "mail.example.com",
        "192.0.2.1",
        "25",
        "mail.example.com",
        "a=b@example.com",
        "u@example.org",
        "0",
        "4XYZ",
        "8045F2AB23.1.2.3",
        "12345",
        "",
        "",
        "plain",
        "you",
        "",
        "solaris9.porcupine.org",
        "Wietse+20Venema",
        "C2:9D:F4",
        "68:B3",
        "TLSv1.3",
        "TLS_AES_256_GCM_SHA384",
        "256",
        "submission",
        "3.8",
        "3.12.0",
        "mx.example.org",
    };
    struct policy_request r;
    bool is_complete = false;

    (void)state;
    EXPECT_INT(POLICY_ATTRIBUTE_COUNT, COUNT(values));
    EXPECT_INT(FAULT_NONE, read_all(whole, &r, &is_complete));
    EXPECT_TRUE(is_complete);
    EXPECT_INT(strlen(whole), r.parsed);
    for (unsigned i = 0; i < POLICY_ATTRIBUTE_COUNT; i++)
        EXPECT_SPAN(values[i], policy_request_value(&r, span_of(whole), (enum policy_attribute)i));
    EXPECT_INT(POLICY_AT_RCPT, policy_request_state(&r, span_of(whole)));
    EXPECT_INT(12345, policy_request_number(&r, span_of(whole), POLICY_SIZE, 1 << 30));
    EXPECT_INT(0, policy_request_number(&r, span_of(whole), POLICY_SIZE, 1000)); /* out of its range: unknown */
    EXPECT_INT(0, policy_request_number(&r, span_of(whole), POLICY_SENDER, 1000));
}

/* Cut anywhere, in two or byte by byte, it is the same request. */
static void it_may_come_in_pieces(void **state)
{
    struct policy_request r;
    bool is_complete = false;

    (void)state;
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        policy_request_clear(&r);
        EXPECT_INT(FAULT_NONE, policy_request_read(&r, span_make(whole, cut), &is_complete));
        EXPECT_FALSE(is_complete);
        EXPECT_INT(FAULT_NONE, policy_request_read(&r, span_of(whole), &is_complete));
        EXPECT_TRUE(is_complete);
        EXPECT_SPAN("mx.example.org", policy_request_value(&r, span_of(whole), POLICY_TLS_SNI));
    }
    policy_request_clear(&r);
    for (size_t n = 1; n < sizeof whole; n++) {
        EXPECT_INT(FAULT_NONE, policy_request_read(&r, span_make(whole, n), &is_complete));
        EXPECT_INT(n == sizeof whole - 1, is_complete);
    }
    EXPECT_SPAN("u@example.org", policy_request_value(&r, span_of(whole), POLICY_RECIPIENT));
}

static void what_follows_is_the_next_request(void **state)
{
    static const char two[] = HEAD "sender=one\n\n" HEAD "sender=two\n\n";
    struct policy_request r;
    bool is_complete = false;
    struct span rest = span_of(two);

    (void)state;
    EXPECT_INT(FAULT_NONE, read_all(two, &r, &is_complete));
    EXPECT_SPAN("one", policy_request_value(&r, rest, POLICY_SENDER));
    rest = span_skip(rest, r.parsed);
    EXPECT_INT(FAULT_NONE, read_all(rest.ptr, &r, &is_complete));
    EXPECT_SPAN("two", policy_request_value(&r, rest, POLICY_SENDER));
    EXPECT_INT(rest.len, r.parsed);
}

static void order_strangers_and_doubles_do_no_harm(void **state)
{
    static const struct {
        const char *text, *sender;
    } cases[] = {
        { "sender=a@b\nrequest=smtpd_access_policy\n\n", "a@b" },
        { HEAD "sender=a@b\nnever_heard-of.it=x\nunknown=\n\n", "a@b" },
        { HEAD "sender=first\nsender=last\n\n", "last" },
        { HEAD "sender=first\nrecipient=r\nsender=\n\n", "" },
        { HEAD "sender==\n\n", "=" },
        { HEAD "Sender=other@name\n\n", "" }, /* names are in small letters */
        { HEAD "sender= a\tb \n\n", " a\tb " },
        { HEAD "\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct policy_request r;
        bool is_complete = false;

        EXPECT_INT(FAULT_NONE, read_all(cases[i].text, &r, &is_complete));
        EXPECT_TRUE(is_complete);
        EXPECT_SPAN(cases[i].sender, policy_request_value(&r, span_of(cases[i].text), POLICY_SENDER));
    }
}

static void garbage_is_seen_at_its_first_line(void **state)
{
    static const struct {
        const char *text;
        enum fault fault;
    } cases[] = {
        { "\n", FAULT_SYNTAX },
        { "\n\n", FAULT_SYNTAX },
        { "EHLO there\n", FAULT_SYNTAX },
        { "GET /?x=1 HTTP/1.1\n", FAULT_SYNTAX },
        { HEAD "\r\n", FAULT_SYNTAX },
        { "=value\n", FAULT_SYNTAX },
        { HEAD "no equals sign\n\n", FAULT_SYNTAX },
        { "sender=a@b\n\n", FAULT_SYNTAX },
        { "request=junk\n\n", FAULT_SYNTAX },
        { "request=smtpd_access_policy\r\n\n", FAULT_SYNTAX },
        { "request", FAULT_NONE }, /* may still become one */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct policy_request r;
        bool is_complete = true;

        EXPECT_INT(cases[i].fault, read_all(cases[i].text, &r, &is_complete));
    }
}

static void it_is_bounded(void **state)
{
    struct policy_request r;
    struct strbuf text;
    bool is_complete = false;

    (void)state;
    strbuf_init(&text, 1 << 20);
    strbuf_puts(&text, "sender=");
    while (text.len < POLICY_LINE_MAX - 1)
        strbuf_putc(&text, 'x');
    EXPECT_INT(FAULT_NONE, read_all(text.data, &r, &is_complete));
    strbuf_putc(&text, 'x');
    EXPECT_INT(FAULT_TOO_LONG, read_all(text.data, &r, &is_complete));
    strbuf_clear(&text);
    for (unsigned i = 0; i < POLICY_LINES_MAX; i++)
        strbuf_putf(&text, "a%u=\n", i);
    EXPECT_INT(FAULT_NONE, read_all(text.data, &r, &is_complete));
    strbuf_puts(&text, "b=\n");
    EXPECT_INT(FAULT_TOO_MANY, read_all(text.data, &r, &is_complete));
    strbuf_clear(&text);
    while (text.len < POLICY_REQUEST_MAX) {
        strbuf_puts(&text, "sender=");
        for (unsigned i = 0; i < 1016; i++)
            strbuf_putc(&text, 'x');
        strbuf_putc(&text, '\n');
    }
    EXPECT_INT(FAULT_TOO_LONG, read_all(text.data, &r, &is_complete));
    strbuf_release(&text);
}

static void states_are_known(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= POLICY_AT_OTHER; i++) {
        struct policy_request r;
        struct strbuf text;
        bool is_complete = false;

        strbuf_init(&text, 1000);
        strbuf_putf(&text, HEAD "protocol_state=%s\n\n", policy_state_text((enum policy_state)i));
        EXPECT_INT(FAULT_NONE, read_all(text.data, &r, &is_complete));
        EXPECT_INT(i, policy_request_state(&r, strbuf_span(&text)));
        strbuf_release(&text);
    }
}

static void xtext_is_decoded(void **state)
{
    static const struct {
        const char *text, *bytes;
    } cases[] = {
        { "", "" },          { "Wietse+20Venema", "Wietse Venema" },
        { "+2B", "+" },      { "+2b", "+" },
        { "a+", "a+" },      { "a+2", "a+2" },
        { "a+zzb", "a+zzb" } /* not ours to mend */
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_SPAN(cases[i].bytes, policy_xtext(&a, span_of(cases[i].text)));
    arena_release(&a);
}

RUN_TESTS(TEST(every_attribute_has_its_value), TEST(it_may_come_in_pieces), TEST(what_follows_is_the_next_request),
          TEST(order_strangers_and_doubles_do_no_harm), TEST(garbage_is_seen_at_its_first_line), TEST(it_is_bounded),
          TEST(states_are_known), TEST(xtext_is_decoded))
