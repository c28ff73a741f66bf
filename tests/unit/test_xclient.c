/* tests/unit/test_xclient.c - attributes of XCLIENT. */
#include "tests/kit/expect.h"

#include "gateway/smtp/xclient.h"

static const struct {
    const char *argument;
    enum fault fault;
    unsigned given;
    const char *addr, *name, *helo, *login;
    unsigned port;
    bool is_esmtp;
} cases[] = {
    { "ADDR=192.0.2.1", FAULT_NONE, XCLIENT_ADDR, "192.0.2.1", "", "", "", 0, true },
    { "addr=IPV6:2001:db8::1", FAULT_NONE, XCLIENT_ADDR, "2001:db8::1", "", "", "", 0, true },
    { "ADDR=IPv6:::ffff:192.0.2.1", FAULT_NONE, XCLIENT_ADDR, "192.0.2.1", "", "", "", 0, true },
    { "NAME=mail.example.org ADDR=192.0.2.1 PORT=1234 HELO=helo.example PROTO=SMTP LOGIN=joe", FAULT_NONE,
      XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | XCLIENT_HELO | XCLIENT_PROTO | XCLIENT_LOGIN, "192.0.2.1",
      "mail.example.org", "helo.example", "joe", 1234, false },
    { "NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] HELO=[UNAVAILABLE] LOGIN=[UNAVAILABLE]", FAULT_NONE,
      XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | XCLIENT_HELO | XCLIENT_LOGIN, "unknown", "", "", "", 0, true },
    { "NAME=[TEMPUNAVAIL]", FAULT_NONE, XCLIENT_NAME, "unknown", "", "", "", 0, true },
    { "PROTO=ESMTP", FAULT_NONE, XCLIENT_PROTO, "unknown", "", "", "", 0, true },
    { "LOGIN=joe+20blogg", FAULT_NONE, XCLIENT_LOGIN, "unknown", "", "", "joe blogg", 0, true },
    { "LOGIN=a+2Bb", FAULT_NONE, XCLIENT_LOGIN, "unknown", "", "", "a+b", 0, true },
    { "DESTADDR=192.0.2.9 DESTPORT=25", FAULT_NONE, XCLIENT_DESTADDR | XCLIENT_DESTPORT, "unknown", "", "", "", 0,
      true },
    { "ADDR=192.0.2.256", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "PORT=65536", FAULT_RANGE, 0, NULL, NULL, NULL, NULL, 0, true },
    { "PROTO=LMTP", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=a+0Ab", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=a+28b", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=a+2", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=a+", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=a+2f", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=a=b", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO=", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "HELO", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "", FAULT_SYNTAX, 0, NULL, NULL, NULL, NULL, 0, true },
    { "COLOUR=red", FAULT_UNKNOWN, 0, NULL, NULL, NULL, NULL, 0, true },
};

static void attributes_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[ADDR_TEXT_MAX];
        struct xclient x;
        struct arena a;

        arena_init(&a, 100000);
        enum fault fault = xclient_parse(&a, span_of(cases[i].argument), &x);

        if (fault != cases[i].fault)
            print_error("%s\n", cases[i].argument);
        EXPECT_INT(cases[i].fault, fault);
        if (!fault) {
            EXPECT_INT(cases[i].given, x.given);
            EXPECT_STR(cases[i].addr, addr_text(&x.addr, text));
            EXPECT_SPAN(cases[i].name, x.name);
            EXPECT_SPAN(cases[i].helo, x.helo);
            EXPECT_SPAN(cases[i].login, x.login);
            EXPECT_INT(cases[i].port, x.port);
            EXPECT_INT(cases[i].is_esmtp, x.is_esmtp);
        }
        arena_release(&a);
    }
}

RUN_TESTS(TEST(attributes_are_read_or_refused))
