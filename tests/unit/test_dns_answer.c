/* tests/unit/test_dns_answer.c - answers from text, to text, and copied. */
#include "tests/kit/expect.h"

#include "gateway/net/dns_answer.h"

struct desk {
    struct arena arena;
    struct strbuf out;
    const struct dns_answer *answer;
};

static void desk_open(struct desk *d)
{
    *d = (struct desk){ 0 };
    arena_init(&d->arena, 1 << 20);
    strbuf_init(&d->out, 1 << 20);
}

static void desk_close(struct desk *d)
{
    arena_release(&d->arena);
    strbuf_release(&d->out);
}

static const char *print(struct desk *d, const struct dns_answer *answer)
{
    strbuf_clear(&d->out);
    dns_answer_print(answer, &d->out);
    return d->out.data;
}

static void every_text_is_read_and_printed_the_same(void **state)
{
    static const struct {
        enum dns_type type;
        const char *text, *printed; /* NULL: as it was read */
        enum dns_state state;
        unsigned count;
    } cases[] = {
        { DNS_A, "192.0.2.1", NULL, DNS_OK, 1 },
        { DNS_A, "192.0.2.1 | 192.0.2.2 | 192.0.2.3", NULL, DNS_OK, 3 },
        { DNS_A, "  192.0.2.1 | 192.0.2.2 ", "192.0.2.1 | 192.0.2.2", DNS_OK, 2 },
        { DNS_A, "secure 192.0.2.1", NULL, DNS_OK, 1 },
        { DNS_A, "192.0.2.1 | ...", NULL, DNS_OK, 1 },
        { DNS_AAAA, "2001:db8::1", NULL, DNS_OK, 1 },
        { DNS_AAAA, "::ffff:192.0.2.1", NULL, DNS_OK, 1 },
        { DNS_MX, "10 Mail.example | 20 b.example", "10 mail.example | 20 b.example", DNS_OK, 2 },
        { DNS_MX, "0 .", NULL, DNS_OK, 1 },
        { DNS_PTR, "a.example | b.example.", "a.example | b.example", DNS_OK, 2 },
        { DNS_PTR, "a\\032b\\000.example", NULL, DNS_OK, 1 },
        { DNS_PTR, "a\"b.example", "a\\034b.example", DNS_OK, 1 },
        { DNS_CNAME, "a.example", NULL, DNS_OK, 1 },
        { DNS_NS, "ns.example", NULL, DNS_OK, 1 },
        { DNS_TXT, "v=spf1 -all", NULL, DNS_OK, 1 },
        { DNS_TXT, "a|b | \"c\"", "a\\124b | \"c\"", DNS_OK, 2 },
        { DNS_TXT, "\"\"", NULL, DNS_OK, 1 },
        { DNS_TXT, "\\034\"", NULL, DNS_OK, 1 },
        { DNS_TXT, "a\\010b\\\\c\\255", "a\\010b\\092c\\255", DNS_OK, 1 },
        { DNS_TXT, "\\032 x \\032", "\\032 x \\032", DNS_OK, 1 },
        { DNS_TXT, "\\078XDOMAIN", NULL, DNS_OK, 1 },
        { DNS_TXT, "\\115ecure x", NULL, DNS_OK, 1 },
        { DNS_TXT, "x | \\046..", NULL, DNS_OK, 2 },
        { DNS_TXT, "...", "\\046..", DNS_OK, 1 },
        { DNS_TLSA, "3 1 1 00FFab", "3 1 1 00ffab", DNS_OK, 1 },
        { DNS_TXT, "NXDOMAIN", NULL, DNS_NXDOMAIN, 0 },
        { DNS_TXT, "secure NXDOMAIN", NULL, DNS_NXDOMAIN, 0 },
        { DNS_TXT, "NODATA", NULL, DNS_NODATA, 0 },
        { DNS_MX, "SERVFAIL", NULL, DNS_FAILED, 0 },
        { DNS_MX, "bogus SERVFAIL", NULL, DNS_FAILED, 0 },
        { DNS_A, "TIMEOUT", NULL, DNS_TIMEOUT, 0 },
        { DNS_A, "CAPPED", NULL, DNS_CAPPED, 0 },
    };
    struct desk d;

    (void)state;
    desk_open(&d);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *printed = cases[i].printed ? cases[i].printed : cases[i].text;

        EXPECT_INT(FAULT_NONE,
                   dns_answer_text(&d.arena, "A.Example", cases[i].type, span_of(cases[i].text), &d.answer));
        EXPECT_STR("a.example", d.answer->name);
        EXPECT_INT(cases[i].type, d.answer->type);
        EXPECT_INT(cases[i].state, d.answer->state);
        EXPECT_INT(cases[i].count, d.answer->count);
        EXPECT_STR(printed, print(&d, d.answer));
        EXPECT_INT(FAULT_NONE, dns_answer_text(&d.arena, "a", cases[i].type, span_of(printed), &d.answer));
        EXPECT_STR(printed, print(&d, d.answer));
    }
    desk_close(&d);
}

static void broken_text_is_refused(void **state)
{
    static const struct {
        enum dns_type type;
        const char *text;
    } cases[] = {
        { DNS_A, "" },
        { DNS_A, "192.0.2.256" },
        { DNS_A, "::1" },
        { DNS_A, "OK" },
        { DNS_A, "192.0.2.1 |" },
        { DNS_AAAA, "192.0.2.1" },
        { DNS_MX, "mail.example" },
        { DNS_MX, "65536 a" },
        { DNS_MX, "10" },
        { DNS_PTR, "a..b" },
        { DNS_PTR, "" },
        { DNS_TXT, "" },
        { DNS_TXT, "\\25" },
        { DNS_TXT, "x\\" },
        { DNS_TXT, "\\256" },
        { DNS_TLSA, "3 1 1" },
        { DNS_TLSA, "3 1 1 0" },
        { DNS_TLSA, "3 1 1 0g" },
        { DNS_TLSA, "3 1 256 00" },
        { DNS_TLSA, "3 1 1 00 00" },
        { (enum dns_type)99, "x" },
        { DNS_A, "..." },
    };
    struct desk d;

    (void)state;
    desk_open(&d);
    for (size_t i = 0; i < COUNT(cases); i++) {
        EXPECT_INT(FAULT_SYNTAX, dns_answer_text(&d.arena, "a", cases[i].type, span_of(cases[i].text), &d.answer));
        EXPECT_NULL(d.answer);
    }
    desk_close(&d);
}

static void records_hold_what_the_text_says(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    EXPECT_INT(FAULT_NONE, dns_answer_text(&d.arena, "a", DNS_TXT, SPAN("secure a\\000b | \"\""), &d.answer));
    EXPECT_INT(DNS_SECURE, d.answer->security);
    EXPECT_INT(3, d.answer->records[0].data.len);
    EXPECT_INT(0, memcmp(d.answer->records[0].data.ptr, "a\0b", 4));
    EXPECT_INT(0, d.answer->records[1].data.len);
    EXPECT_INT(FAULT_NONE, dns_answer_text(&d.arena, "a", DNS_MX, SPAN("0 ."), &d.answer));
    EXPECT_INT(0, d.answer->records[0].name.len);
    EXPECT_INT(FAULT_NONE, dns_answer_text(&d.arena, "a", DNS_AAAA, SPAN("::ffff:192.0.2.1"), &d.answer));
    EXPECT_INT(ADDR_IP4, d.answer->records[0].ip.family);
    desk_close(&d);
}

static void more_records_than_an_answer_holds_are_refused(void **state)
{
    struct desk d;
    struct strbuf text;

    (void)state;
    desk_open(&d);
    strbuf_init(&text, 1 << 20);
    for (unsigned i = 0; i < DNS_RECORDS_MAX; i++)
        strbuf_putf(&text, "%s10.0.%u.%u", i ? " | " : "", i / 256, i % 256);
    EXPECT_INT(FAULT_NONE, dns_answer_text(&d.arena, "a", DNS_A, strbuf_span(&text), &d.answer));
    EXPECT_INT(DNS_RECORDS_MAX, d.answer->count);
    EXPECT_STR(text.data, print(&d, d.answer));
    strbuf_puts(&text, " | 10.9.9.9");
    EXPECT_INT(FAULT_SYNTAX, dns_answer_text(&d.arena, "a", DNS_A, strbuf_span(&text), &d.answer));
    strbuf_release(&text);
    desk_close(&d);
}

static void a_copy_stands_alone(void **state)
{
    static const struct {
        enum dns_type type;
        const char *text;
    } cases[] = {
        { DNS_TXT, "secure a | b\\000c | \"\"" },
        { DNS_MX, "10 a.example | 20 b.example" },
        { DNS_A, "192.0.2.1" },
        { DNS_TXT, "TIMEOUT" },
        { DNS_PTR, "a | ..." },
    };
    struct desk d, other;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        desk_open(&d);
        desk_open(&other);
        EXPECT_INT(FAULT_NONE,
                   dns_answer_text(&d.arena, "a.example", cases[i].type, span_of(cases[i].text), &d.answer));
        const struct dns_answer *copy = dns_answer_copy(&other.arena, d.answer);

        desk_close(&d);
        EXPECT_STR(cases[i].text, print(&other, copy));
        EXPECT_STR("a.example", copy->name);
        desk_close(&other);
    }
}

static void names_of_types_and_states(void **state)
{
    enum dns_type type = DNS_A;

    (void)state;
    EXPECT_TRUE(dns_type_parse(SPAN("tlsa"), &type));
    EXPECT_INT(DNS_TLSA, type);
    EXPECT_FALSE(dns_type_parse(SPAN("AA"), &type));
    EXPECT_STR("AAAA", dns_type_text(DNS_AAAA));
    EXPECT_STR("?", dns_type_text((enum dns_type)3));
    EXPECT_STR("SERVFAIL", dns_state_text(DNS_FAILED));
    EXPECT_STR("?", dns_state_text((enum dns_state)77));
}

RUN_TESTS(TEST(every_text_is_read_and_printed_the_same), TEST(broken_text_is_refused),
          TEST(records_hold_what_the_text_says), TEST(more_records_than_an_answer_holds_are_refused),
          TEST(a_copy_stands_alone), TEST(names_of_types_and_states))
