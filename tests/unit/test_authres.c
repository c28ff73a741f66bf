/* tests/unit/test_authres.c - the Authentication-Results field that we put on top. */
#include "gateway/core/authres.h"

#include "tests/kit/expect.h"

static void expect_field(const char *want, const struct evidence *e, const struct session *s)
{
    struct strbuf b;

    strbuf_init(&b, 1 << 20);
    authres_build("mx.example.org", e, s, &b);
    EXPECT_STR(want, b.data);
    EXPECT_TRUE(authres_is_from(strbuf_span(&b), "mx.example.org"));
    strbuf_release(&b);
}

static struct session session_of(const char *ip)
{
    struct session s = { .hostname = "mx.example.org" };

    EXPECT_INT(FAULT_NONE, addr_parse(span_of(ip), &s.client));
    return s;
}

static void nothing_checked_is_none(void **state)
{
    struct session s = session_of("192.0.2.1");
    struct evidence e = { 0 };

    (void)state;
    expect_field("mx.example.org; none", &e, &s);
}

static void every_check_has_its_line(void **state)
{
    struct session s = session_of("192.0.2.1");
    struct dkim_evidence dkim[] = {
        { .result = AUTH_PASS,
          .domain = "b.example",
          .identity = "@b.example",
          .selector = "s1",
          .algorithm = "rsa-sha256",
          .b_start = "ab/de+gh",
          .reason = "good" },
        { .result = AUTH_FAIL,
          .domain = "c.example",
          .identity = "joe@c.example",
          .selector = "s2",
          .algorithm = "ed25519-sha256",
          .b_start = "abcdefgh",
          .reason = "body hash differs" },
    };
    struct evidence e = {
        .iprev = { .result = AUTH_PASS, .name = "mail.b.example" },
        .spf_mailfrom = { .result = AUTH_PASS, .domain = "b.example", .sender = "joe@b.example" },
        .spf_helo = { .result = AUTH_SOFTFAIL, .sender = "mail.b.example", .reason = "matched ~all" },
        .dkim = dkim,
        .dkim_count = 2,
        .dkim_result = AUTH_PASS,
        .dmarc = { .result = AUTH_FAIL,
                   .domain = "b.example",
                   .policy = "reject",
                   .disposition = "quarantine",
                   .override_reason = "local_policy",
                   .reason = "no aligned identifier" },
        .arc = { .result = AUTH_PASS, .sets = 2 },
    };

    (void)state;
    s.auth_user = SPAN("joe");
    expect_field("mx.example.org;\r\n"
                 "\tauth=pass smtp.auth=joe;\r\n"
                 "\tiprev=pass (mail.b.example) policy.iprev=192.0.2.1;\r\n"
                 "\tspf=pass smtp.mailfrom=joe@b.example;\r\n"
                 "\tspf=softfail reason=\"matched ~all\" smtp.helo=mail.b.example;\r\n"
                 "\tdkim=pass header.d=b.example header.i=@b.example header.s=s1\r\n"
                 "\theader.a=rsa-sha256 header.b=\"ab/de+gh\";\r\n"
                 "\tdkim=fail reason=\"body hash differs\" header.d=c.example\r\n"
                 "\theader.i=joe@c.example header.s=s2 header.a=ed25519-sha256\r\n"
                 "\theader.b=abcdefgh;\r\n"
                 "\tdmarc=fail (p=reject dis=quarantine) reason=\"no aligned identifier\"\r\n"
                 "\theader.from=b.example policy.dmarc=reject\r\n"
                 "\tpolicy.override-reason=local_policy;\r\n"
                 "\tarc=pass (i=2) header.oldest-pass=0 smtp.remote-ip=192.0.2.1",
                 &e, &s);
}

static void messages_without_signature_or_policy_say_none(void **state)
{
    struct session s = session_of("2001:db8::1");
    struct evidence e = {
        .iprev = { .result = AUTH_PERMERROR, .name = "" },
        .spf_mailfrom = { .result = AUTH_NONE, .sender = "b.example", .reason = "no record" },
        .dkim_result = AUTH_NONE,
        .dmarc = { .result = AUTH_NONE, .domain = "b.example", .policy = "", .disposition = "none" },
        .arc = { .result = AUTH_NONE },
    };

    (void)state;
    expect_field("mx.example.org;\r\n"
                 "\tiprev=permerror policy.iprev=\"2001:db8::1\";\r\n"
                 "\tspf=none smtp.mailfrom=b.example;\r\n"
                 "\tdkim=none;\r\n"
                 "\tdmarc=none header.from=b.example;\r\n"
                 "\tarc=none",
                 &e, &s);
}

static void foreign_bytes_cannot_leave_their_quotes(void **state)
{
    static const struct {
        const char *sender, *written;
        bool is_smtputf8;
    } cases[] = {
        { "a@b.example", "a@b.example", false },
        { "@b.example", "@b.example", false },
        { "\"a b\"@b.example", "\"\\\"a b\\\"@b.example\"", false },
        { "a;dmarc=pass@b.example", "\"a;dmarc=pass@b.example\"", false },
        { "a\r\nX-Evil: 1@b.example", "\"a??X-Evil: 1@b.example\"", false },
        { "a\\\"(b@c.example", "\"a\\\\\\\"(b@c.example\"", false },
        { "a@b@c.example", "\"a@b@c.example\"", false },
        { "a=b@c.example", "\"a=b@c.example\"", false },
        { "\x7f\x01", "\"??\"", false },
        { "j\xc3\xb6@b\xc3\xbc"
          "cher.example",
          "xn--bcher-kva.example", false },
        { "joe@b\xc3\xbc"
          "cher.example",
          "joe@xn--bcher-kva.example", false },
        { "j\xc3\xb6@b\xc3\xbc"
          "cher.example",
          "\"j\xc3\xb6@b\xc3\xbc"
          "cher.example\"",
          true },
        { "\xff\xfe@b.example", "\"??@b.example\"", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct session s = session_of("192.0.2.1");
        struct evidence e = { .spf_mailfrom = { .result = AUTH_PASS, .sender = cases[i].sender } };
        char want[256];

        s.is_smtputf8 = cases[i].is_smtputf8;
        snprintf(want, sizeof want, "mx.example.org;\r\n\tspf=pass smtp.mailfrom=%s", cases[i].written);
        expect_field(want, &e, &s);
    }
}

static void long_values_are_cut_and_stand_on_lines_of_their_own(void **state)
{
    struct session s = session_of("192.0.2.1");
    char sender[5001];
    struct evidence e = { .spf_mailfrom = { .result = AUTH_PASS, .sender = sender } };
    struct strbuf b;
    struct span rest, line;

    (void)state;
    memset(sender, '"', 5000);
    sender[5000] = '\0';
    strbuf_init(&b, 1 << 20);
    authres_build("mx.example.org", &e, &s, &b);
    rest = strbuf_span(&b);
    while (span_cut(&rest, '\n', &line))
        EXPECT_TRUE(line.len < 998);
    EXPECT_FALSE(b.is_full);
    strbuf_release(&b);
}

RUN_TESTS(TEST(nothing_checked_is_none), TEST(every_check_has_its_line),
          TEST(messages_without_signature_or_policy_say_none), TEST(foreign_bytes_cannot_leave_their_quotes),
          TEST(long_values_are_cut_and_stand_on_lines_of_their_own))
