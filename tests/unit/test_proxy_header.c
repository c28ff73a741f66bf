/* tests/unit/test_proxy_header.c - headers of the PROXY protocol, byte by byte. */
#include "tests/kit/expect.h"

#include "gateway/base/crc32c.h"
#include "gateway/base/strbuf.h"
#include "gateway/smtp/proxy_header.h"

#define SIG       "\r\n\r\n\0\r\nQUIT\n"
#define IP4       "\xc0\0\2\7\xc0\0\2\x19\x12\x67\0\x19"
#define DOC6(end) "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" end

static const struct {
    struct span in;
    enum proxy_state state;
    size_t left; /* bytes behind the header */
    bool is_local;
    const char *client, *destination;
    unsigned port, destination_port;
} cases[] = {
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 4711 25\r\n"), PROXY_DONE, 0, false, "192.0.2.7", "192.0.2.25", 4711, 25 },
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 4711 25\r\nEHLO x\r\n"), PROXY_DONE, 8, false, "192.0.2.7", "192.0.2.25",
      4711, 25 },
    { SPAN("PROXY TCP6 2001:db8::7 2001:db8::25 65535 0\r\n"), PROXY_DONE, 0, false, "2001:db8::7", "2001:db8::25",
      65535, 0 },
    { SPAN("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), PROXY_DONE, 0, false, "192.0.2.7", "::1", 1, 2 },
    { SPAN("PROXY UNKNOWN\r\n"), PROXY_DONE, 0, true, "unknown", "unknown", 0, 0 },
    { SPAN("PROXY UNKNOWN ffff:f...f 1 2 3\r\n"), PROXY_DONE, 0, true, "unknown", "unknown", 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 4711 25\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 4711\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 4711 25 \r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY  TCP4 192.0.2.7 192.0.2.25 4711 25\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 04711 25\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.7 192.0.2.25 65536 25\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 2001:db8::7 2001:db8::25 1 2\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP6 192.0.2.7 192.0.2.25 1 2\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP6 [2001:db8::7] ::1 1 2\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.07x 192.0.2.25 1 2\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY UDP4 192.0.2.7 192.0.2.25 1 2\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY \r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROXY TCP4 192.0.2.7"), PROXY_MORE, 0, false, NULL, NULL, 0, 0 },
    { SPAN("PROX"), PROXY_MORE, 0, false, NULL, NULL, 0, 0 },
    { SPAN(""), PROXY_MORE, 0, false, NULL, NULL, 0, 0 },
    { SPAN("EHLO x\r\n"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("proxy tcp4"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN("\x16\3\1"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },

    { SPAN(SIG "\x21\x11\0\x0c" IP4), PROXY_DONE, 0, false, "192.0.2.7", "192.0.2.25", 4711, 25 },
    { SPAN(SIG "\x21\x11\0\x0c" IP4 "\x16\3\1"), PROXY_DONE, 3, false, "192.0.2.7", "192.0.2.25", 4711, 25 },
    { SPAN(SIG "\x21\x21\0\x24" DOC6("\7") DOC6("\x25") "\x12\x67\0\x19"), PROXY_DONE, 0, false, "2001:db8::7",
      "2001:db8::25", 4711, 25 },
    { SPAN(SIG "\x20\0\0\0"), PROXY_DONE, 0, true, "unknown", "unknown", 0, 0 },
    { SPAN(SIG "\x20\x11\0\x0c" IP4), PROXY_DONE, 0, true, "unknown", "unknown", 0, 0 },
    { SPAN(SIG "\x21\0\0\4abcd"), PROXY_DONE, 0, true, "unknown", "unknown", 0, 0 },
    { SPAN(SIG "\x21\x11\0\x0b" IP4), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x12\0\x0c" IP4), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x41\0\x0c" IP4), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x22\x11\0\x0c" IP4), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x11\x11\0\x0c" IP4), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\x0f\xf1"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 }, /* 4097 bytes in all */
    { SPAN(SIG "\x21\x11\x0f\xf0"), PROXY_MORE, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\0\x0c\xc0"), PROXY_MORE, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG), PROXY_MORE, 0, false, NULL, NULL, 0, 0 },
    { SPAN("\r\n\r\n\r"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    /* TLVs: NOOP, one that nobody knows, one that is longer than the header, half a one */
    { SPAN(SIG "\x21\x11\0\x15" IP4 "\4\0\1x\xe0\0\2yz"), PROXY_DONE, 0, false, "192.0.2.7", "192.0.2.25", 4711, 25 },
    { SPAN(SIG "\x21\x11\0\x10" IP4 "\4\0\2x"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\0\x0e" IP4 "\4\0"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\0\x13" IP4 "\3\0\4abcd"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\0\x12" IP4 "\3\0\3abc"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\0\x13" IP4 "\x20\0\4\1\0\0\0"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
    { SPAN(SIG "\x21\x11\0\x16" IP4 "\x20\0\7\1\0\0\0\0\x21\0"), PROXY_BAD, 0, false, NULL, NULL, 0, 0 },
};

static void headers_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char client[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
        struct proxy_header h;
        const char *why;
        size_t took;
        enum proxy_state got = proxy_header_parse(cases[i].in, &h, &took, &why);

        if (got != cases[i].state)
            print_error("case %zu: %s\n", i, why ? why : "");
        EXPECT_INT(cases[i].state, got);
        EXPECT_INT(got == PROXY_BAD, why != NULL);
        if (got != PROXY_DONE)
            continue;
        EXPECT_INT(cases[i].in.len - cases[i].left, took);
        EXPECT_INT(cases[i].is_local, h.is_local);
        EXPECT_STR(cases[i].client, addr_text(&h.client, client));
        EXPECT_STR(cases[i].destination, addr_text(&h.destination, destination));
        EXPECT_INT(cases[i].port, h.client_port);
        EXPECT_INT(cases[i].destination_port, h.destination_port);
    }
}

/* Every header says PROXY_MORE for each of its beginnings. */
static void it_may_come_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t whole = cases[i].in.len - cases[i].left;

        for (size_t n = 0; cases[i].state == PROXY_DONE && n < whole; n++) {
            struct proxy_header h;
            const char *why;
            size_t took;

            EXPECT_INT(PROXY_MORE, proxy_header_parse(span_first(cases[i].in, n), &h, &took, &why));
        }
    }
}

static void a_line_of_version_1_is_bounded(void **state)
{
    struct proxy_header h;
    const char *why;
    size_t took;
    char line[PROXY_V1_MAX + 1];

    (void)state;
    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    EXPECT_INT(PROXY_MORE, proxy_header_parse(span_make(line, PROXY_V1_MAX - 1), &h, &took, &why));
    EXPECT_INT(PROXY_BAD, proxy_header_parse(span_make(line, PROXY_V1_MAX), &h, &took, &why));
    memcpy(line + PROXY_V1_MAX - 2, "\r\n", 2);
    EXPECT_INT(PROXY_DONE, proxy_header_parse(span_make(line, PROXY_V1_MAX), &h, &took, &why));
    EXPECT_INT(PROXY_V1_MAX, took);
    memcpy(line + PROXY_V1_MAX - 2, "x\r\n", 3);
    EXPECT_INT(PROXY_BAD, proxy_header_parse(span_make(line, PROXY_V1_MAX + 1), &h, &took, &why));
}

/* ---- TLVs ---- */

static void put_tlv(struct strbuf *b, int type, struct span value)
{
    strbuf_putc(b, (char)type);
    strbuf_putc(b, (char)(value.len >> 8));
    strbuf_putc(b, (char)value.len);
    strbuf_put(b, value);
}

static void put_number32(char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(number >> (24 - 8 * i));
}

/* Of IPv4, with these TLVs and a checksum at the end. */
static void make_header(struct strbuf *b, struct span tlvs)
{
    strbuf_init(b, 8192);
    strbuf_put(b, SPAN(SIG "\x21\x11\0\0" IP4));
    strbuf_put(b, tlvs);
    put_tlv(b, 3, SPAN("\0\0\0\0"));
    b->data[14] = (char)((b->len - 16) >> 8);
    b->data[15] = (char)(b->len - 16);
    put_number32(b->data + b->len - 4, crc32c(CRC32C_START, strbuf_span(b)));
}

static void put_ssl(struct strbuf *b, struct span head)
{
    struct strbuf ssl;

    strbuf_init(&ssl, 4096);
    strbuf_put(&ssl, head);
    put_tlv(&ssl, 0x21, SPAN("TLSv1.3"));
    put_tlv(&ssl, 0x22, SPAN("mail.sender.example"));
    put_tlv(&ssl, 0x23, SPAN("TLS_AES_256_GCM_SHA384"));
    put_tlv(&ssl, 0x25, SPAN("RSA2048"));
    put_tlv(b, 0x20, strbuf_span(&ssl));
    strbuf_release(&ssl);
}

static void what_a_proxy_adds_is_read(void **state)
{
    struct proxy_header h;
    struct strbuf tlvs, b;
    const char *why;
    size_t took;

    (void)state;
    strbuf_init(&tlvs, 4096);
    put_tlv(&tlvs, 2, SPAN("mx.example.org"));
    put_tlv(&tlvs, 5, SPAN("id\0\1"));
    put_tlv(&tlvs, 1, SPAN("smtp"));
    put_ssl(&tlvs, SPAN("\7\0\0\0\0"));
    make_header(&b, strbuf_span(&tlvs));
    EXPECT_INT(PROXY_DONE, proxy_header_parse(strbuf_span(&b), &h, &took, &why));
    EXPECT_INT(b.len, took);
    EXPECT_SPAN("mx.example.org", h.authority);
    EXPECT_TRUE(span_eq(SPAN("id\0\1"), h.unique_id));
    EXPECT_TRUE(h.is_tls && h.is_certified);
    EXPECT_SPAN("TLSv1.3", h.tls_version);
    EXPECT_SPAN("TLS_AES_256_GCM_SHA384", h.tls_cipher);
    EXPECT_SPAN("mail.sender.example", h.tls_subject_cn);

    for (size_t i = 16; i < b.len; i++) { /* any byte that is another is found out */
        b.data[i] ^= 0x40;
        EXPECT_FALSE(proxy_header_parse(strbuf_span(&b), &h, &took, &why) == PROXY_DONE && i < b.len - 7);
        b.data[i] ^= 0x40;
    }
    strbuf_release(&b);
    strbuf_release(&tlvs);
}

static void a_certificate_counts_when_the_proxy_found_it_good(void **state)
{
    static const struct {
        struct span head;
        bool is_tls, is_certified;
    } heads[] = {
        { SPAN("\0\0\0\0\0"), false, false }, { SPAN("\1\0\0\0\0"), true, false }, { SPAN("\3\0\0\0\0"), true, true },
        { SPAN("\5\0\0\0\0"), true, true },   { SPAN("\3\0\0\0\1"), true, false }, { SPAN("\3\1\0\0\0"), true, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct proxy_header h;
        struct strbuf tlvs, b;
        const char *why;
        size_t took;

        strbuf_init(&tlvs, 4096);
        put_ssl(&tlvs, heads[i].head);
        make_header(&b, strbuf_span(&tlvs));
        EXPECT_INT(PROXY_DONE, proxy_header_parse(strbuf_span(&b), &h, &took, &why));
        EXPECT_INT(heads[i].is_tls, h.is_tls);
        EXPECT_INT(heads[i].is_certified, h.is_certified);
        strbuf_release(&b);
        strbuf_release(&tlvs);
    }
}

static void what_could_not_stand_in_a_header_is_left_out(void **state)
{
    struct proxy_header h;
    struct strbuf tlvs, b;
    const char *why;
    size_t took;

    (void)state;
    strbuf_init(&tlvs, 4096);
    put_tlv(&tlvs, 2, SPAN("mx\r\nEvil: field"));
    put_tlv(&tlvs, 0x20, SPAN("\1\0\0\0\0\x21\0\3\0\r\n"));
    make_header(&b, strbuf_span(&tlvs));
    EXPECT_INT(PROXY_DONE, proxy_header_parse(strbuf_span(&b), &h, &took, &why));
    EXPECT_SPAN("", h.authority);
    EXPECT_SPAN("", h.tls_version);
    strbuf_release(&b);
    strbuf_release(&tlvs);
}

static void a_unix_socket_has_no_address(void **state)
{
    struct proxy_header h;
    struct strbuf b;
    char paths[216] = "/run/from", text[ADDR_TEXT_MAX];
    const char *why;
    size_t took;

    (void)state;
    strbuf_init(&b, 4096);
    strbuf_put(&b, SPAN(SIG "\x21\x31\0\xd8"));
    strbuf_put(&b, span_make(paths, sizeof paths));
    EXPECT_INT(PROXY_DONE, proxy_header_parse(strbuf_span(&b), &h, &took, &why));
    EXPECT_FALSE(h.is_local);
    EXPECT_STR("unknown", addr_text(&h.client, text));
    strbuf_release(&b);
}

static void a_unique_id_is_bounded(void **state)
{
    (void)state;
    for (size_t length = 128; length <= 129; length++) {
        char id[129] = "";
        struct proxy_header h;
        struct strbuf tlvs, b;
        const char *why;
        size_t took;

        strbuf_init(&tlvs, 4096);
        put_tlv(&tlvs, 5, span_make(id, length));
        make_header(&b, strbuf_span(&tlvs));
        EXPECT_INT(length == 128 ? PROXY_DONE : PROXY_BAD, proxy_header_parse(strbuf_span(&b), &h, &took, &why));
        strbuf_release(&b);
        strbuf_release(&tlvs);
    }
}

RUN_TESTS(TEST(headers_are_read_or_refused), TEST(it_may_come_byte_by_byte), TEST(a_line_of_version_1_is_bounded),
          TEST(what_a_proxy_adds_is_read), TEST(a_certificate_counts_when_the_proxy_found_it_good),
          TEST(what_could_not_stand_in_a_header_is_left_out), TEST(a_unix_socket_has_no_address),
          TEST(a_unique_id_is_bounded))
