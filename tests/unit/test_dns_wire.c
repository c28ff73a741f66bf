/* tests/unit/test_dns_wire.c - response messages into answers. Packets are built by hand, byte by byte. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/net/dns_answer.h"
#include "gateway/net/dns_name.h"

/* A message under construction. */
struct packet {
    struct strbuf bytes;
};

enum { NOERROR = 0x8180, NXDOMAIN = 0x8183, SERVFAIL = 0x8182, TRUNCATED = 0x8380, A_QUERY = 0x0100 };

static void put16(struct packet *p, unsigned n)
{
    strbuf_putc(&p->bytes, (char)(n >> 8));
    strbuf_putc(&p->bytes, (char)n);
}

static void put_name(struct packet *p, const char *name)
{
    uint8_t wire[DNS_WIRE_MAX];
    size_t len = dns_name_pack_escaped(span_of(name), wire);

    assert_true(len > 0);
    strbuf_put(&p->bytes, span_make((const char *)wire, len));
}

static void packet_open(struct packet *p, unsigned flags, const char *name, enum dns_type type, unsigned answers,
                        unsigned authority)
{
    strbuf_init(&p->bytes, 1 << 20);
    put16(p, 4711);
    put16(p, flags);
    put16(p, 1);
    put16(p, answers);
    put16(p, authority);
    put16(p, 0);
    put_name(p, name);
    put16(p, (unsigned)type);
    put16(p, 1);
}

static void put_rr(struct packet *p, const char *owner, unsigned type, unsigned ttl_s, struct span data)
{
    if (owner)
        put_name(p, owner);
    else
        put16(p, 0xc00c); /* the question's name */
    put16(p, type);
    put16(p, 1);
    put16(p, ttl_s >> 16);
    put16(p, ttl_s & 0xffff);
    put16(p, (unsigned)data.len);
    strbuf_put(&p->bytes, data);
}

static void put_rr_name(struct packet *p, const char *owner, unsigned type, unsigned ttl_s, struct span before,
                        const char *name)
{
    uint8_t wire[DNS_WIRE_MAX];
    struct strbuf data;

    strbuf_init(&data, 1024);
    strbuf_put(&data, before);
    size_t len = dns_name_pack_escaped(span_of(name), wire);

    strbuf_put(&data, span_make((const char *)wire, len));
    put_rr(p, owner, type, ttl_s, strbuf_span(&data));
    strbuf_release(&data);
}

/* reads the packet, checks its text ("fault" for a malformed one) and TTL, and releases it */
static void expect(struct packet *p, const char *name, enum dns_type type, const char *text, unsigned ttl_s)
{
    struct arena arena;
    struct strbuf out;
    const struct dns_answer *answer = NULL;

    arena_init(&arena, 1 << 20);
    strbuf_init(&out, 1 << 20);
    char *exact = mem_alloc(p->bytes.len); /* so that ASan sees a read past its end */

    memcpy(exact, p->bytes.data, p->bytes.len);
    enum fault fault = dns_answer_wire(&arena, name, type, span_make(exact, p->bytes.len), &answer);

    if (fault)
        strbuf_puts(&out, fault == FAULT_SYNTAX ? "fault" : "another fault");
    else
        dns_answer_print(answer, &out);
    EXPECT_STR(text, out.data);
    if (answer)
        EXPECT_INT(ttl_s, answer->ttl_s);
    free(exact);
    strbuf_release(&out);
    strbuf_release(&p->bytes);
    arena_release(&arena);
}

static void records_are_read(void **state)
{
    struct packet p;

    (void)state;
    packet_open(&p, NOERROR, "a.example", DNS_A, 2, 0);
    put_rr(&p, NULL, DNS_A, 300, span_make("\xc0\0\2\1", 4));
    put_rr(&p, "A.Example", DNS_A, 200, span_make("\xc0\0\2\2", 4));
    expect(&p, "A.example", DNS_A, "192.0.2.1 | 192.0.2.2", 200);

    packet_open(&p, NOERROR, "a", DNS_AAAA, 1, 0);
    put_rr(&p, NULL, DNS_AAAA, 7, span_make("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16));
    expect(&p, "a", DNS_AAAA, "2001:db8::1", 7);

    packet_open(&p, NOERROR, "a", DNS_TXT, 2, 0);
    put_rr(&p, NULL, DNS_TXT, 7, span_make("\3v=s\4pf1 \4-all", 14));
    put_rr(&p, NULL, DNS_TXT, 7, span_make("\0", 1));
    expect(&p, "a", DNS_TXT, "v=spf1 -all | \"\"", 7);

    packet_open(&p, NOERROR, "a.example", DNS_MX, 2, 0);
    put_rr(&p, NULL, DNS_MX, 7, span_make("\0\xa\4mail\xc0\xe", 9)); /* the target is compressed */
    put_rr_name(&p, NULL, DNS_MX, 7, span_make("\1\0", 2), ".");
    expect(&p, "a.example", DNS_MX, "10 mail.example | 256 .", 7);

    packet_open(&p, NOERROR, "a", DNS_TLSA, 1, 0);
    put_rr(&p, NULL, DNS_TLSA, 7, span_make("\3\1\1\xab\xcd", 5));
    expect(&p, "a", DNS_TLSA, "3 1 1 abcd", 7);
}

static void names_are_made_safe(void **state)
{
    struct packet p;

    (void)state;
    packet_open(&p, NOERROR, "1.2.0.192.in-addr.arpa", DNS_PTR, 3, 0);
    put_rr_name(&p, NULL, DNS_PTR, 7, SPAN(""), "evil\\013\\010x\\000\\\"\\..Example");
    put_rr_name(&p, NULL, DNS_PTR, 7, SPAN(""), "good.Example");
    put_rr_name(&p, NULL, DNS_PTR, 7, SPAN(""), "a\\124b");
    expect(&p, "1.2.0.192.in-addr.arpa", DNS_PTR, "evil\\013\\010x\\000\\034\\046.example | good.example | a\\124b", 7);
}

static void a_name_whose_text_is_too_long_is_left_out(void **state)
{
    struct packet p;
    char name[600] = "";

    (void)state;
    for (size_t i = 0; i < 100; i++)
        strncat(name, i % 50 == 49 ? "\\032." : "\\032", sizeof name - strlen(name) - 1);
    strncat(name, "example", sizeof name - strlen(name) - 1);
    packet_open(&p, NOERROR, "a", DNS_PTR, 2, 0);
    put_rr_name(&p, NULL, DNS_PTR, 7, SPAN(""), name);
    put_rr_name(&p, NULL, DNS_PTR, 7, SPAN(""), "b");
    expect(&p, "a", DNS_PTR, "b | ...", 7);

    packet_open(&p, NOERROR, "a", DNS_PTR, 1, 0);
    put_rr_name(&p, NULL, DNS_PTR, 7, SPAN(""), name);
    expect(&p, "a", DNS_PTR, "SERVFAIL", 0);
}

static void chains_are_followed(void **state)
{
    struct packet p;

    (void)state;
    packet_open(&p, NOERROR, "a", DNS_A, 3, 0);
    put_rr(&p, "c", DNS_A, 300, span_make("\xc0\0\2\1", 4)); /* in any order */
    put_rr_name(&p, "b", DNS_CNAME, 60, SPAN(""), "C");
    put_rr_name(&p, "a", DNS_CNAME, 100, SPAN(""), "b");
    expect(&p, "a", DNS_A, "192.0.2.1", 60);

    packet_open(&p, NOERROR, "a", DNS_CNAME, 2, 0);
    put_rr_name(&p, "a", DNS_CNAME, 100, SPAN(""), "b");
    put_rr_name(&p, "b", DNS_CNAME, 60, SPAN(""), "c");
    expect(&p, "a", DNS_CNAME, "b", 100);

    packet_open(&p, NOERROR, "a", DNS_A, 2, 0); /* an address of somebody else's */
    put_rr_name(&p, "a", DNS_CNAME, 100, SPAN(""), "b");
    put_rr(&p, "x", DNS_A, 300, span_make("\xc0\0\2\1", 4));
    expect(&p, "a", DNS_A, "NODATA", 0);

    packet_open(&p, NXDOMAIN, "a", DNS_A, 1, 1); /* the end of the chain is what does not exist [RFC6604 3] */
    put_rr_name(&p, "a", DNS_CNAME, 100, SPAN(""), "b");
    put_rr(&p, ".", 6, 90, span_make("\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x50", 22));
    expect(&p, "a", DNS_A, "NXDOMAIN", 80);

    packet_open(&p, NOERROR, "a", DNS_A, 2, 0); /* in a ring */
    put_rr_name(&p, "a", DNS_CNAME, 100, SPAN(""), "b");
    put_rr_name(&p, "b", DNS_CNAME, 100, SPAN(""), "a");
    expect(&p, "a", DNS_A, "SERVFAIL", 0);

    for (int links = 16; links <= 17; links++) { /* the last one that is followed, and the first that is not */
        packet_open(&p, NOERROR, "n0", DNS_A, (unsigned)links + 1, 0);
        for (int i = 0; i < links; i++) {
            char from[16], to[16];

            snprintf(from, sizeof from, "n%d", i);
            snprintf(to, sizeof to, "n%d", i + 1);
            put_rr_name(&p, from, DNS_CNAME, 100, SPAN(""), to);
        }
        put_rr(&p, links == 16 ? "n16" : "n17", DNS_A, 300, span_make("\xc0\0\2\1", 4));
        expect(&p, "n0", DNS_A, links == 16 ? "192.0.2.1" : "SERVFAIL", links == 16 ? 100 : 0);
    }
}

static void states_come_from_rcode_and_emptiness(void **state)
{
    struct packet p;

    (void)state;
    packet_open(&p, NOERROR, "a", DNS_A, 0, 1);
    put_rr(&p, ".", 6, 40, span_make("\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x50", 22));
    expect(&p, "a", DNS_A, "NODATA", 40);
    packet_open(&p, NXDOMAIN, "a", DNS_A, 0, 0);
    expect(&p, "a", DNS_A, "NXDOMAIN", 0);
    packet_open(&p, SERVFAIL, "a", DNS_A, 0, 0);
    expect(&p, "a", DNS_A, "SERVFAIL", 0);
    packet_open(&p, TRUNCATED, "a", DNS_A, 1, 0);
    put_rr(&p, NULL, DNS_A, 7, span_make("\xc0\0\2\1", 4));
    expect(&p, "a", DNS_A, "SERVFAIL", 0);
    packet_open(&p, NOERROR, "a", DNS_A, 1, 0); /* another class, another type */
    put_rr(&p, NULL, DNS_TXT, 7, span_make("\1x", 2));
    expect(&p, "a", DNS_A, "NODATA", 0);
    packet_open(&p, NOERROR, "a", DNS_A, 1, 0); /* a TTL with its top bit set is zero */
    put_rr(&p, NULL, DNS_A, 0x80000001, span_make("\xc0\0\2\1", 4));
    expect(&p, "a", DNS_A, "192.0.2.1", 0);
}

static void malformed_messages_are_refused(void **state)
{
    static const struct {
        unsigned flags;
        const char *asked;
        enum dns_type question, asked_type;
        unsigned answers, type;
        struct span data;
    } cases[] = {
        { A_QUERY, "a", DNS_A, DNS_A, 0, 0, { 0 } },                 /* not a response */
        { NOERROR, "b", DNS_A, DNS_A, 0, 0, { 0 } },                 /* another name's */
        { NOERROR, "a", DNS_A, DNS_AAAA, 0, 0, { 0 } },              /* another type's */
        { NOERROR, "a..", DNS_A, DNS_A, 0, 0, { 0 } },               /* asked for what cannot be */
        { NOERROR, "a", DNS_A, DNS_A, 2, DNS_A, { "\1\2\3\4", 4 } }, /* fewer records than it says */
        { NOERROR, "a", DNS_A, DNS_A, 1, DNS_A, { "\1\2\3", 3 } },
        { NOERROR, "a", DNS_A, DNS_A, 1, DNS_A, { "\1\2\3\4\5", 5 } },
        { NOERROR, "a", DNS_A, DNS_A, 1, DNS_CNAME, { "\xc0\x30", 2 } }, /* a pointer forwards */
        { NOERROR, "a", DNS_AAAA, DNS_AAAA, 1, DNS_AAAA, { "\1\2\3\4", 4 } },
        { NOERROR, "a", DNS_TXT, DNS_TXT, 1, DNS_TXT, { "", 0 } },
        { NOERROR, "a", DNS_TXT, DNS_TXT, 1, DNS_TXT, { "\5ab", 3 } },
        { NOERROR, "a", DNS_MX, DNS_MX, 1, DNS_MX, { "\0\1", 2 } },
        { NOERROR, "a", DNS_MX, DNS_MX, 1, DNS_MX, { "\0\1\1x\0y", 6 } }, /* bytes after the name */
        { NOERROR, "a", DNS_PTR, DNS_PTR, 1, DNS_PTR, { "", 0 } },
        { NOERROR, "a", DNS_TLSA, DNS_TLSA, 1, DNS_TLSA, { "\1\2\3", 3 } },
    };
    struct packet p;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        packet_open(&p, cases[i].flags, "a", cases[i].question, cases[i].answers, 0);
        if (cases[i].answers)
            put_rr(&p, NULL, cases[i].type, 7, cases[i].data);
        expect(&p, cases[i].asked, cases[i].asked_type, "fault", 0);
    }
}

static void a_message_cut_anywhere_is_refused(void **state)
{
    struct packet whole, p;

    (void)state;
    packet_open(&whole, NOERROR, "a", DNS_MX, 1, 0);
    put_rr_name(&whole, NULL, DNS_MX, 7, span_make("\0\1", 2), "mail.example");
    for (size_t len = 1; len < whole.bytes.len; len++) {
        strbuf_init(&p.bytes, 1024);
        strbuf_put(&p.bytes, span_make(whole.bytes.data, len));
        expect(&p, "a", DNS_MX, "fault", 0);
    }
    expect(&whole, "a", DNS_MX, "1 mail.example", 7);
}

static void too_many_records_are_cut(void **state)
{
    struct packet p;
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 1 << 20);
    packet_open(&p, NOERROR, "a", DNS_A, 300, 0);
    for (unsigned i = 0; i < 300; i++) {
        char ip[4] = { 10, 0, (char)(i / 256), (char)(i % 256) };

        put_rr(&p, NULL, DNS_A, i < 256 ? 7 : 1, span_make(ip, 4));
        if (i < DNS_RECORDS_MAX)
            strbuf_putf(&text, "10.0.%u.%u | ", i / 256, i % 256);
    }
    strbuf_puts(&text, "...");
    expect(&p, "a", DNS_A, text.data, 7);
    strbuf_release(&text);
}

RUN_TESTS(TEST(records_are_read), TEST(names_are_made_safe), TEST(a_name_whose_text_is_too_long_is_left_out),
          TEST(chains_are_followed), TEST(states_come_from_rcode_and_emptiness), TEST(malformed_messages_are_refused),
          TEST(a_message_cut_anywhere_is_refused), TEST(too_many_records_are_cut))
