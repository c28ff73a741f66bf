/* tests/unit/test_envelope.c - the envelope as the next hop hears it. */
#include "tests/kit/expect.h"

#include "gateway/smtp/envelope.h"

static struct session full(struct recipient *recipient)
{
    recipient->address.text = SPAN("x@example.org");
    recipient->notify = DSN_NOTIFY_FAILURE | DSN_NOTIFY_SUCCESS;
    recipient->orcpt = SPAN("rfc822;y@example.org");
    return (struct session){ .mail_from.text = SPAN("a@example.com"),
                             .is_8bit = true,
                             .is_smtputf8 = true,
                             .is_require_tls = true,
                             .ret = DSN_RET_FULL,
                             .envid = SPAN("e+2B"),
                             .mail_auth = SPAN("b@example.com"),
                             .recipients = recipient,
                             .recipient_count = 1 };
}

static void a_next_hop_hears_what_it_offers(void **state)
{
    static const struct {
        unsigned extensions;
        const char *mail, *rcpt;
    } cases[] = {
        { 0, "MAIL FROM:<a@example.com>\r\n", "RCPT TO:<x@example.org>\r\n" },
        { EXTENSION_SIZE | EXTENSION_8BITMIME, "MAIL FROM:<a@example.com> SIZE=9 BODY=8BITMIME\r\n",
          "RCPT TO:<x@example.org>\r\n" },
        { EXTENSION_SMTPUTF8, "MAIL FROM:<a@example.com> SMTPUTF8\r\n", "RCPT TO:<x@example.org>\r\n" },
        { EXTENSION_DSN, "MAIL FROM:<a@example.com> RET=FULL ENVID=e+2B\r\n",
          "RCPT TO:<x@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;y@example.org\r\n" },
        { EXTENSION_REQUIRETLS, "MAIL FROM:<a@example.com> REQUIRETLS\r\n", "RCPT TO:<x@example.org>\r\n" },
        { EXTENSION_AUTH, "MAIL FROM:<a@example.com> AUTH=<>\r\n", "RCPT TO:<x@example.org>\r\n" },
    };
    struct recipient recipient = { 0 };
    struct session s = full(&recipient);
    struct strbuf line;

    (void)state;
    strbuf_init(&line, ENVELOPE_LINE_MAX);
    for (size_t i = 0; i < COUNT(cases); i++) {
        strbuf_clear(&line);
        envelope_mail(&s, cases[i].extensions, 9, &line);
        EXPECT_SPAN(cases[i].mail, strbuf_span(&line));
        strbuf_clear(&line);
        envelope_rcpt(&recipient, cases[i].extensions, &line);
        EXPECT_SPAN(cases[i].rcpt, strbuf_span(&line));
    }
    strbuf_release(&line);
}

/* Of a stranger AUTH= is not believed; of our own users it is. */
static void the_submitter_is_believed_of_our_own(void **state)
{
    struct recipient recipient = { 0 };
    struct session s = full(&recipient);
    struct strbuf line;

    (void)state;
    strbuf_init(&line, ENVELOPE_LINE_MAX);
    s.auth_user = SPAN("ada");
    envelope_mail(&s, EXTENSION_AUTH, 9, &line);
    EXPECT_SPAN("MAIL FROM:<a@example.com> AUTH=b@example.com\r\n", strbuf_span(&line));
    strbuf_release(&line);
}

static void a_transaction_needs_what_it_uses(void **state)
{
    struct recipient recipient = { 0 };
    struct session s = { 0 };

    (void)state;
    EXPECT_INT(0, envelope_needs(&s));
    s.recipients = &recipient;
    s.recipient_count = 1;
    EXPECT_INT(0, envelope_needs(&s));
    recipient.notify = DSN_NOTIFY_NEVER;
    EXPECT_INT(EXTENSION_DSN, envelope_needs(&s));
    s = (struct session){ .envid = SPAN("x") };
    EXPECT_INT(EXTENSION_DSN, envelope_needs(&s));
    s = (struct session){ .is_binary = true };
    EXPECT_INT(EXTENSION_BINARYMIME | EXTENSION_CHUNKING, envelope_needs(&s));
    s = full(&recipient);
    EXPECT_INT(EXTENSION_8BITMIME | EXTENSION_SMTPUTF8 | EXTENSION_DSN | EXTENSION_REQUIRETLS, envelope_needs(&s));
}

RUN_TESTS(TEST(a_next_hop_hears_what_it_offers), TEST(the_submitter_is_believed_of_our_own),
          TEST(a_transaction_needs_what_it_uses))
