/* tests/unit/test_dns_name.c - domain names between text and wire. */
#include "tests/kit/expect.h"

#include "gateway/net/dns_name.h"

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X61 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void text_is_packed_or_refused(void **state)
{
    static const struct {
        const char *text;
        size_t plain, escaped; /* lengths */
        const char *back;      /* of the escaped reading */
    } cases[] = {
        { "a", 3, 3, "a" },
        { "A.B.example.", 13, 13, "a.b.example" },
        { ".", 1, 1, "" },
        { "", 0, 0, NULL },
        { "..", 0, 0, NULL },
        { ".a", 0, 0, NULL },
        { "a..b", 0, 0, NULL },
        { "a.b..", 0, 0, NULL },
        { "a\\.b.c", 8, 7, "a\\046b.c" },
        { "a\\032b", 8, 5, "a\\032b" },
        { "a\\", 4, 0, NULL },
        { "a\\25", 6, 0, NULL },
        { "a\\256", 7, 0, NULL },
        { "a\\000b", 8, 5, "a\\000b" },
        { "_dmarc.a-b.0/25.x", 19, 19, "_dmarc.a-b.0/25.x" },
        { "a b\"c|d", 9, 9, "a\\032b\\034c\\124d" },
        { "\xc3\xa9.example", 12, 12, "\\195\\169.example" },
        { X63 ".a", 67, 67, X63 ".a" },
        { "x" X63 ".a", 0, 0, NULL },
        { X63 "." X63 "." X63 "." X61, 255, 255, X63 "." X63 "." X63 "." X61 },
        { X63 "." X63 "." X63 "." X61 ".", 255, 255, X63 "." X63 "." X63 "." X61 },
        { X63 "." X63 "." X63 "." X61 "x", 0, 0, NULL },
        { X63 "." X63 "." X63 "." X61 ".x", 0, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t wire[DNS_WIRE_MAX];
        char back[DNS_ESCAPED_MAX];

        EXPECT_INT(cases[i].plain, dns_name_pack(span_of(cases[i].text), wire));
        EXPECT_INT(cases[i].escaped, dns_name_pack_escaped(span_of(cases[i].text), wire));
        if (!cases[i].back)
            continue;
        EXPECT_INT(FAULT_NONE, dns_name_text(wire, back, sizeof back));
        EXPECT_STR(cases[i].back, back);
    }
}

static void text_that_does_not_fit_is_too_long(void **state)
{
    uint8_t wire[DNS_WIRE_MAX];
    char longest[254], small[8];
    static const char spaces[] = "                                                               ";
    char text[300];

    (void)state;
    EXPECT_TRUE(dns_name_pack(SPAN(X63 "." X63 "." X63 "." X61), wire));
    EXPECT_INT(FAULT_NONE, dns_name_text(wire, longest, sizeof longest));
    EXPECT_INT(FAULT_TOO_LONG, dns_name_text(wire, longest, sizeof longest - 1));
    snprintf(text, sizeof text, "%s.%s", spaces, spaces);
    EXPECT_INT(129, dns_name_pack(span_of(text), wire));
    EXPECT_INT(FAULT_TOO_LONG, dns_name_text(wire, longest, sizeof longest));
    EXPECT_TRUE(dns_name_pack(SPAN("ab.cdef"), wire));
    EXPECT_INT(FAULT_NONE, dns_name_text(wire, small, sizeof small));
    EXPECT_INT(FAULT_TOO_LONG, dns_name_text(wire, small, sizeof small - 1));
}

static void pointers_go_backwards_only(void **state)
{
    static const struct {
        struct span packet;
        size_t at, len, next;
    } cases[] = {
        { { "\1a\0", 3 }, 0, 3, 3 },
        { { "\1A\0\1b\xc0\0", 7 }, 3, 5, 7 },
        { { "\1a\0\1b\xc0\0\xc0\3", 9 }, 7, 5, 9 },
        { { "\xc0\0", 2 }, 0, 0, 0 },         /* to itself */
        { { "\xc0\2\xc0\0", 4 }, 2, 0, 0 },   /* two that point at each other */
        { { "\1a\xc0\0", 4 }, 0, 0, 0 },      /* back into the same name */
        { { "\1a\xc0\4\1b\0", 7 }, 0, 0, 0 }, /* forwards */
        { { "\1a\xc0", 3 }, 0, 0, 0 },        /* cut in a pointer */
        { { "\1a", 2 }, 0, 0, 0 },            /* no end */
        { { "\5a\0", 3 }, 0, 0, 0 },          /* a label past the end */
        { { "\x41z\0", 3 }, 0, 0, 0 },        /* a label type of no standard */
        { { "", 0 }, 0, 0, 0 },
        { { "\0", 1 }, 1, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t wire[DNS_WIRE_MAX];
        size_t next = 0;

        EXPECT_INT(cases[i].len, dns_name_unpack(cases[i].packet, cases[i].at, wire, &next));
        EXPECT_INT(cases[i].next, next);
    }
}

static void a_name_that_grows_by_pointers_is_bounded(void **state)
{
    uint8_t wire[DNS_WIRE_MAX];
    char packet[64 * 6 + 1] = { 0 };
    size_t at = 1;

    (void)state;
    for (size_t i = 0; i < 64; i++, at += 6) { /* each is "xyz" and a pointer to the one before */
        size_t before = i ? at - 6 : 0;

        memcpy(packet + at, "\3xyz\xc0", 5);
        packet[at + 5] = (char)before;
        if (before > 255)
            packet[at + 4] = (char)(0xc0 | before >> 8);
    }
    EXPECT_INT(253, dns_name_unpack(span_make(packet, sizeof packet), 1 + 62 * 6, wire, NULL));
    EXPECT_INT(0, dns_name_unpack(span_make(packet, sizeof packet), 1 + 63 * 6, wire, NULL));
}

RUN_TESTS(TEST(text_is_packed_or_refused), TEST(text_that_does_not_fit_is_too_long), TEST(pointers_go_backwards_only),
          TEST(a_name_that_grows_by_pointers_is_bounded))
