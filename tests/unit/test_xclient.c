/* tests/unit/test_xclient.c - attributes of XCLIENT and XFORWARD. */
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
    { "IDENT=4711", FAULT_UNKNOWN, 0, NULL, NULL, NULL, NULL, 0, true },
    { "SOURCE=LOCAL", FAULT_UNKNOWN, 0, NULL, NULL, NULL, NULL, 0, true },
    { "ADDR=[TEMPUNAVAIL] PORT=[TEMPUNAVAIL] PROTO=[TEMPUNAVAIL] DESTADDR=[UNAVAILABLE] DESTPORT=[UNAVAILABLE]",
      FAULT_NONE, XCLIENT_ADDR | XCLIENT_PORT | XCLIENT_PROTO | XCLIENT_DESTADDR | XCLIENT_DESTPORT, "unknown", "", "",
      "", 0, false },
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
        enum fault fault = xclient_parse(&a, span_of(cases[i].argument), XCLIENT_COMMAND, &x);

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

static const struct {
    const char *argument;
    enum fault fault;
    const char *addr, *name, *helo, *ident;
    bool is_esmtp, is_local;
} forwards[] = {
    { "NAME=spike.example ADDR=192.0.2.1 PORT=4711 PROTO=ESMTP", FAULT_NONE, "192.0.2.1", "spike.example", "", "", true,
      false },
    { "HELO=spike.example IDENT=6DF9A SOURCE=REMOTE PROTO=SMTP", FAULT_NONE, "unknown", "", "spike.example", "6DF9A",
      false, false },
    { "SOURCE=LOCAL", FAULT_NONE, "unknown", "", "", "", true, true },
    { "SOURCE=[UNAVAILABLE] IDENT=[UNAVAILABLE]", FAULT_NONE, "unknown", "", "", "", true, false },
    { "ADDR=IPV6:2001:db8::1", FAULT_NONE, "2001:db8::1", "", "", "", true, false },
    { "HELO=a+28b+3Cc+3E", FAULT_NONE, "unknown", "", "a?b?c?", "", true, false },
    { "HELO=a=b", FAULT_NONE, "unknown", "", "a?b", "", true, false },
    { "HELO=a+0D+0Ab", FAULT_SYNTAX, NULL, NULL, NULL, NULL, false, false },
    { "SOURCE=MOON", FAULT_SYNTAX, NULL, NULL, NULL, NULL, false, false },
    { "LOGIN=joe", FAULT_UNKNOWN, NULL, NULL, NULL, NULL, false, false },
    { "DESTADDR=192.0.2.1", FAULT_UNKNOWN, NULL, NULL, NULL, NULL, false, false },
};

static void forwarded_attributes_are_washed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forwards); i++) {
        char text[ADDR_TEXT_MAX];
        struct xclient x;
        struct arena a;

        arena_init(&a, 100000);
        enum fault fault = xclient_parse(&a, span_of(forwards[i].argument), XFORWARD_COMMAND, &x);

        if (fault != forwards[i].fault)
            print_error("%s\n", forwards[i].argument);
        EXPECT_INT(forwards[i].fault, fault);
        if (!fault) {
            EXPECT_STR(forwards[i].addr, addr_text(&x.addr, text));
            EXPECT_SPAN(forwards[i].name, x.name);
            EXPECT_SPAN(forwards[i].helo, x.helo);
            EXPECT_SPAN(forwards[i].ident, x.ident);
            EXPECT_INT(forwards[i].is_esmtp, x.is_esmtp);
            EXPECT_INT(forwards[i].is_local, x.is_local);
        }
        arena_release(&a);
    }
}

static void a_long_name_is_cut_when_forwarded_and_refused_else(void **state)
{
    char argument[5 + 300 + 1] = "HELO=";
    struct xclient x;
    struct arena a;

    (void)state;
    memset(argument + 5, 'x', 300);
    arena_init(&a, 100000);
    EXPECT_INT(FAULT_TOO_LONG, xclient_parse(&a, span_of(argument), XCLIENT_COMMAND, &x));
    EXPECT_INT(FAULT_NONE, xclient_parse(&a, span_of(argument), XFORWARD_COMMAND, &x));
    EXPECT_INT(255, x.helo.len);
    arena_release(&a);
}

static void several_commands_add_up(void **state)
{
    struct xclient all = { 0 }, more;
    char text[ADDR_TEXT_MAX];
    struct arena a;

    (void)state;
    arena_init(&a, 100000);
    EXPECT_INT(FAULT_NONE, xclient_parse(&a,
                                         SPAN("NAME=one.example ADDR=192.0.2.1 PORT=1 DESTADDR=192.0.2.9 "
                                              "DESTPORT=25 PROTO=SMTP LOGIN=joe HELO=h"),
                                         XCLIENT_COMMAND, &more));
    xclient_add(&all, &more);
    EXPECT_INT(FAULT_NONE, xclient_parse(&a, SPAN("ADDR=192.0.2.2"), XCLIENT_COMMAND, &more));
    xclient_add(&all, &more);
    EXPECT_STR("192.0.2.2", addr_text(&all.addr, text));
    EXPECT_SPAN("one.example", all.name);
    EXPECT_SPAN("joe", all.login);
    EXPECT_SPAN("h", all.helo);
    EXPECT_INT(1, all.port);
    EXPECT_INT(25, all.destination_port);
    EXPECT_STR("192.0.2.9", addr_text(&all.destination, text));
    EXPECT_FALSE(all.is_esmtp);
    EXPECT_INT(FAULT_NONE, xclient_parse(&a, SPAN("IDENT=1 SOURCE=LOCAL"), XFORWARD_COMMAND, &more));
    xclient_add(&all, &more);
    EXPECT_INT(FAULT_NONE, xclient_parse(&a, SPAN("NAME=[UNAVAILABLE] PROTO=ESMTP"), XFORWARD_COMMAND, &more));
    xclient_add(&all, &more);
    EXPECT_SPAN("1", all.ident);
    EXPECT_SPAN("", all.name);
    EXPECT_TRUE(all.is_local && all.is_esmtp);
    arena_release(&a);
}

RUN_TESTS(TEST(attributes_are_read_or_refused), TEST(forwarded_attributes_are_washed),
          TEST(a_long_name_is_cut_when_forwarded_and_refused_else), TEST(several_commands_add_up))
