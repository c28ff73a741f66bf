/* tests/unit/test_milter_packet.c - packets of the milter protocol, byte by byte. */
#include "tests/kit/expect.h"

#include "milter/packet.h"

#define BYTES(literal) ((struct span){ literal, sizeof(literal) - 1 })

static void heads_are_read(void **state)
{
    static const struct {
        struct span in;
        bool is_here;
        enum fault fault;
        char command;
        size_t bytes;
    } cases[] = {
        { BYTES(""), false, FAULT_NONE, 0, 0 },
        { BYTES("\0\0\0\1"), false, FAULT_NONE, 0, 0 },
        { BYTES("\0\0\0\1Q"), true, FAULT_NONE, 'Q', 0 },
        { BYTES("\0\0\0\15O............"), true, FAULT_NONE, 'O', 12 },
        { BYTES("\0\1\0\0B"), true, FAULT_NONE, 'B', 65535 },
        { BYTES("\0\20\0\1B"), true, FAULT_NONE, 'B', 1 << 20 },
        { BYTES("\0\20\0\2B"), true, FAULT_TOO_LONG, 'B', 0 },
        { BYTES("\0\20\20\1L"), true, FAULT_NONE, 'L', PACKET_MOST_BYTES },
        { BYTES("\0\20\20\2L"), true, FAULT_TOO_LONG, 'L', 0 },
        { BYTES("\377\377\377\377A"), true, FAULT_TOO_LONG, 'A', 0 },
        { BYTES("\0\0\0\0Q"), true, FAULT_SYNTAX, 'Q', 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct packet_head head = { 0 };
        enum fault fault = FAULT_IO;

        EXPECT_INT(cases[i].is_here, packet_head(cases[i].in, &head, &fault));
        EXPECT_INT(cases[i].fault, fault);
        EXPECT_INT(cases[i].command, head.command);
        if (!cases[i].fault)
            EXPECT_INT(cases[i].bytes, head.bytes);
    }
}

static void offers_are_read(void **state)
{
    static const struct {
        struct span data;
        enum fault fault;
        struct milter_terms terms;
    } cases[] = {
        { BYTES("\0\0\0\6\0\0\1\377\0\37\377\377"), FAULT_NONE, { 6, 0x1ff, 0x1fffff } },
        { BYTES("\0\0\0\6\0\0\1\377\0\37\377\377and more"), FAULT_NONE, { 6, 0x1ff, 0x1fffff } },
        { BYTES("\0\0\0\2\0\0\0\77\0\0\0\177"), FAULT_NONE, { 2, 0x3f, 0x7f } },
        { BYTES("\0\0\0\2\0\0\0\0\0\0\0\0"), FAULT_NONE, { 2, SMFI_V1_ACTS, SMFI_V1_PROT } },
        { BYTES("\0\0\0\1\0\0\0\77\0\0\0\177"), FAULT_RANGE, { 0 } },
        { BYTES("\0\0\0\0\0\0\0\77\0\0\0\177"), FAULT_RANGE, { 0 } },
        { BYTES("\0\0\0\6\0\0\1\377\0\37\377"), FAULT_SYNTAX, { 0 } },
        { BYTES(""), FAULT_SYNTAX, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct milter_terms terms = { 0 };

        EXPECT_INT(cases[i].fault, packet_offer(cases[i].data, &terms));
        EXPECT_INT(cases[i].terms.version, terms.version);
        EXPECT_INT(cases[i].terms.actions, terms.actions);
        EXPECT_INT(cases[i].terms.protocol, terms.protocol);
    }
}

static void clients_are_read(void **state)
{
    static const struct {
        struct span data;
        enum fault fault;
        const char *hostname;
        char family;
        unsigned port;
        const char *addr;
    } cases[] = {
        { BYTES("a.example\0"
                "4\0\31"
                "192.0.2.1\0"),
          FAULT_NONE, "a.example", '4', 25, "192.0.2.1" },
        { BYTES("a.example\0"
                "4\234\100"
                "192.0.2.1"),
          FAULT_NONE, "a.example", '4', 40000, "192.0.2.1" },
        { BYTES("[192.0.2.1]\0"
                "4\0\0"
                "192.0.2.1\0"),
          FAULT_NONE, "[192.0.2.1]", '4', 0, "192.0.2.1" },
        { BYTES("unknown\0"
                "6\0\31"
                "IPv6:2001:db8::1\0"),
          FAULT_NONE, "unknown", '6', 25, "2001:db8::1" },
        { BYTES("unknown\0"
                "6\0\31"
                "2001:db8::1\0"),
          FAULT_NONE, "unknown", '6', 25, "2001:db8::1" },
        { BYTES("x\0"
                "6\0\31"
                "IPv6:::ffff:192.0.2.1\0"),
          FAULT_NONE, "x", '6', 25, "192.0.2.1" },
        { BYTES("x\0"
                "4\0\31"
                "not an address\0"),
          FAULT_NONE, "x", '4', 25, "unknown" },
        { BYTES("x\0"
                "4\0\31"),
          FAULT_NONE, "x", '4', 25, "unknown" },
        { BYTES("localhost\0"
                "L\0\0"
                "/var/run/x\0"),
          FAULT_NONE, "localhost", 'L', 0, "unknown" },
        { BYTES("localhost\0"
                "U"),
          FAULT_NONE, "localhost", 'U', 0, "unknown" },
        { BYTES("localhost\0"), FAULT_NONE, "localhost", 'U', 0, "unknown" },
        { BYTES("no end"), FAULT_NONE, "no end", 'U', 0, "unknown" },
        { BYTES("x\0"
                "4\0"),
          FAULT_SYNTAX, NULL, 0, 0, NULL },
        { BYTES("x\0"
                "4"),
          FAULT_SYNTAX, NULL, 0, 0, NULL },
        { BYTES(""), FAULT_SYNTAX, NULL, 0, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct milter_client client = { .port = 4711 };
        char text[ADDR_TEXT_MAX];

        EXPECT_INT(cases[i].fault, packet_client(cases[i].data, &client));
        if (cases[i].fault) {
            EXPECT_INT(4711, client.port); /* untouched */
            continue;
        }
        EXPECT_SPAN(cases[i].hostname, client.hostname);
        EXPECT_INT(cases[i].family, client.family);
        EXPECT_INT(cases[i].port, client.port);
        EXPECT_STR(cases[i].addr, addr_text(&client.addr, text));
    }
}

static void fields_are_read(void **state)
{
    static const struct {
        struct span data;
        enum fault fault;
        const char *name;
        struct span value;
    } cases[] = {
        { BYTES("Subject\0 hello\0"), FAULT_NONE, "Subject", BYTES(" hello") },
        { BYTES("Subject\0 a\n\tb\0"), FAULT_NONE, "Subject", BYTES(" a\n\tb") },
        { BYTES("Subject\0\0"), FAULT_NONE, "Subject", BYTES("") },
        { BYTES("Subject\0"), FAULT_NONE, "Subject", BYTES("") },
        { BYTES("Subject\0 a\0b\0"), FAULT_NONE, "Subject", BYTES(" a\0b") },
        { BYTES("Subject\0 no end"), FAULT_NONE, "Subject", BYTES(" no end") },
        { BYTES("\0 a\0"), FAULT_SYNTAX, NULL, BYTES("") },
        { BYTES("Subject"), FAULT_SYNTAX, NULL, BYTES("") },
        { BYTES(""), FAULT_SYNTAX, NULL, BYTES("") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct milter_field field;

        EXPECT_INT(cases[i].fault, packet_field(cases[i].data, &field));
        if (cases[i].fault)
            continue;
        EXPECT_SPAN(cases[i].name, field.name);
        EXPECT_TRUE(span_eq(cases[i].value, field.value));
    }
}

static void strings_come_one_by_one(void **state)
{
    struct span rest = BYTES("a@b\0SIZE=7\0\0end"), text;

    (void)state;
    EXPECT_TRUE(packet_text(&rest, &text));
    EXPECT_SPAN("a@b", text);
    EXPECT_TRUE(packet_text(&rest, &text));
    EXPECT_SPAN("SIZE=7", text);
    EXPECT_TRUE(packet_text(&rest, &text));
    EXPECT_SPAN("", text);
    EXPECT_TRUE(packet_text(&rest, &text));
    EXPECT_SPAN("end", text);
    EXPECT_FALSE(packet_text(&rest, &text));
}

static void check_out(struct strbuf *out, struct span want)
{
    EXPECT_INT(want.len, out->len);
    EXPECT_TRUE(span_eq(want, strbuf_span(out)));
    strbuf_release(out);
    strbuf_init(out, 1 << 16);
}

static void what_we_say_is_written(void **state)
{
    const char *const macros[MILTER_STAGES] = { [SMFIM_CONNECT] = "j", [SMFIM_ENVFROM] = "i {auth_type}" };
    const struct milter_terms terms = { 6, 0x131, 0x100480 };
    struct strbuf out;

    (void)state;
    strbuf_init(&out, 1 << 16);
    packet_put(&out, SMFIR_CONTINUE, SPAN(""));
    check_out(&out, BYTES("\0\0\0\1c"));
    packet_put_terms(&out, &terms, NULL);
    check_out(&out, BYTES("\0\0\0\15O\0\0\0\6\0\0\1\61\0\20\4\200"));
    packet_put_terms(&out, &terms, macros);
    check_out(&out, BYTES("\0\0\0\45O\0\0\0\6\0\0\1\61\0\20\4\200\0\0\0\0j\0\0\0\0\2i {auth_type}\0"));
    packet_put_insert(&out, 0, SPAN("X-A"), SPAN("b\r\n\tc"), true);
    check_out(&out, BYTES("\0\0\0\17i\0\0\0\0X-A\0 b\n\tc\0"));
    packet_put_insert(&out, 1, SPAN("X-A"), SPAN("b"), false);
    check_out(&out, BYTES("\0\0\0\13i\0\0\0\1X-A\0b\0"));
    packet_put_change(&out, 2, SPAN("X-A"), SPAN(""), true); /* empty: it goes, and a blank would keep it */
    check_out(&out, BYTES("\0\0\0\12m\0\0\0\2X-A\0\0"));
    packet_put_change(&out, 1, SPAN("X-A"), SPAN("new"), true);
    check_out(&out, BYTES("\0\0\0\16m\0\0\0\1X-A\0 new\0"));
    packet_put_text(&out, SMFIR_QUARANTINE, SPAN("why"));
    check_out(&out, BYTES("\0\0\0\5qwhy\0"));
    strbuf_release(&out);
}

RUN_TESTS(TEST(heads_are_read), TEST(offers_are_read), TEST(clients_are_read), TEST(fields_are_read),
          TEST(strings_come_one_by_one), TEST(what_we_say_is_written))
