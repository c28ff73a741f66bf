/* tests/unit/test_milter_actions.c - edits and replies as the MTA is told of them. */
#include "tests/kit/expect.h"

#include "milter/actions.h"

static const char text[] = "X-Spam-Flag: YES\r\n"
                           "Received: by a\r\n"
                           "Authentication-Results: mx.example; spf=pass\r\n"
                           "authentication-results: other.example; spf=pass\r\n"
                           "Subject: hello\r\n"
                           "Authentication-Results: mx.example;\r\n\tdkim=pass\r\n"
                           "Subject: a second\r\n"
                           "X-Spam-Flag: YES\r\n"
                           "\r\n"
                           "body\r\n";
static const struct message_limits limits = { 1 << 20, 1000 };

/* What was said, readable: NUL as "|", a number as <n>, packets separated by blanks. */
static char *readable(struct arena *a, struct strbuf *out)
{
    struct strbuf said;
    struct span rest = strbuf_span(out);

    strbuf_init(&said, 1 << 16);
    while (rest.len) {
        struct packet_head head;
        enum fault fault = FAULT_NONE;

        EXPECT_TRUE(packet_head(rest, &head, &fault) && !fault);
        struct span data = span_first(span_skip(rest, PACKET_HEAD_BYTES), head.bytes);

        strbuf_putf(&said, "%s%c", said.len ? " " : "", head.command);
        if (head.command == SMFIR_INSHEADER || head.command == SMFIR_CHGHEADER) {
            strbuf_putf(&said, "<%d>", data.ptr[3]);
            data = span_skip(data, 4);
        }
        for (size_t i = 0; i < data.len; i++)
            strbuf_putc(&said, data.ptr[i] ? data.ptr[i] : '|');
        rest = span_skip(rest, PACKET_HEAD_BYTES + head.bytes);
    }
    char *result = arena_dup(a, strbuf_span(&said));

    strbuf_release(&said);
    strbuf_release(out);
    return result;
}

/* Takes out what pretends to be ours, changes the first subject, puts two fields on top. */
static void make_edits(const struct message *m, struct arena *a, struct edits *edits)
{
    edits_init(edits, a);
    edits_remove(edits, &m->header.fields[0]);
    edits_remove(edits, &m->header.fields[2]);
    edits_replace(edits, &m->header.fields[4], SPAN("[SPAM] hello"));
    edits_remove(edits, &m->header.fields[5]);
    edits_remove(edits, &m->header.fields[7]);
    edits_prepend(edits, "X-Spam-Score", SPAN("7.00"));
    edits_prepend(edits, "Authentication-Results", SPAN("mx.example;\r\n\tspf=fail"));
}

static void edits_go_from_the_last_field_to_the_first(void **state)
{
    struct message *m = message_new(span_of(text), &limits);
    const struct milter_terms terms = { 6, SMFIF_ADDHDRS | SMFIF_CHGHDRS, 0 },
                              spaced = { 6, SMFIF_ADDHDRS | SMFIF_CHGHDRS, SMFIP_HDR_LEADSPC };
    struct edits edits;
    struct strbuf out;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    strbuf_init(&out, 1 << 16);
    make_edits(m, &a, &edits);
    EXPECT_INT(0, actions_edits(&out, &terms, &edits, &m->header));
    EXPECT_STR("m<2>X-Spam-Flag|| m<3>Authentication-Results|| m<1>Subject|[SPAM] hello| "
               "m<1>Authentication-Results|| m<1>X-Spam-Flag|| "
               "i<0>X-Spam-Score|7.00| i<0>Authentication-Results|mx.example;\n\tspf=fail|",
               readable(&a, &out));
    strbuf_init(&out, 1 << 16);
    EXPECT_INT(0, actions_edits(&out, &spaced, &edits, &m->header));
    EXPECT_STR("m<2>X-Spam-Flag|| m<3>Authentication-Results|| m<1>Subject| [SPAM] hello| "
               "m<1>Authentication-Results|| m<1>X-Spam-Flag|| "
               "i<0>X-Spam-Score| 7.00| i<0>Authentication-Results| mx.example;\n\tspf=fail|",
               readable(&a, &out));
    arena_release(&a);
    message_free(m);
}

static void what_the_mta_does_not_let_us_do_is_left_out(void **state)
{
    struct message *m = message_new(span_of(text), &limits);
    static const struct {
        uint32_t actions, lacking;
        const char *said;
    } cases[] = {
        { 0, SMFIF_ADDHDRS | SMFIF_CHGHDRS, "" },
        { SMFIF_ADDHDRS, SMFIF_CHGHDRS, "i<0>X-Spam-Score|7.00| i<0>Authentication-Results|mx.example;\n\tspf=fail|" },
        { SMFIF_CHGHDRS, SMFIF_ADDHDRS,
          "m<2>X-Spam-Flag|| m<3>Authentication-Results|| m<1>Subject|[SPAM] hello| m<1>Authentication-Results|| "
          "m<1>X-Spam-Flag||" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct milter_terms terms = { 6, cases[i].actions, 0 };
        struct edits edits;
        struct strbuf out;
        struct arena a;

        arena_init(&a, 1 << 20);
        strbuf_init(&out, 1 << 16);
        make_edits(m, &a, &edits);
        EXPECT_INT(cases[i].lacking, actions_edits(&out, &terms, &edits, &m->header));
        EXPECT_STR(cases[i].said, readable(&a, &out));
        arena_release(&a);
    }
    message_free(m);
}

static void replies_are_written(void **state)
{
    static const struct {
        unsigned code;
        const char *enhanced, *text, *id, *said;
    } cases[] = {
        { 554, "5.7.1", "Message refused", "01ABC", "y554 5.7.1 Message refused (id 01ABC)|" },
        { 451, "4.7.1", "Later", NULL, "y451 4.7.1 Later|" },
        { 550, "5.7.1", "100% spam", "1", "y550 5.7.1 100%% spam (id 1)|" },
        { 550, "5.7.1", "one\ntwo\r\nthree", "1", "y550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three (id 1)|" },
        { 550, "5.7.1", "a\rb\x01\xff", NULL, "y550 5.7.1 a?b??|" },
        { 550, "5.7.1", "", NULL, "y550 5.7.1 |" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf out;
        struct arena a;

        arena_init(&a, 1 << 20);
        strbuf_init(&out, 1 << 16);
        actions_reply(&out, cases[i].code, cases[i].enhanced, span_of(cases[i].text), cases[i].id);
        EXPECT_STR(cases[i].said, readable(&a, &out));
        arena_release(&a);
    }
}

static void replies_are_bounded(void **state)
{
    struct strbuf in, out;

    (void)state;
    strbuf_init(&in, 1 << 20);
    strbuf_init(&out, 1 << 20);
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 1000; k++)
            strbuf_putc(&in, '%');
        strbuf_putc(&in, '\n');
    }
    actions_reply(&out, 550, "5.7.1", strbuf_span(&in), "1");
    EXPECT_FALSE(out.is_full);
    EXPECT_TRUE(out.len > 16 * 900 && out.len < 16 * 2 * 512);
    strbuf_release(&in);
    strbuf_release(&out);
}

/* What the SMTP client gets: a "%" of ours is two on the way. */
static void a_reply_line_is_no_longer_than_smtp_allows(void **state)
{
    static const char id[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    char long_text[1000];
    struct strbuf out;

    (void)state;
    memset(long_text, 'x', sizeof long_text);
    strbuf_init(&out, 1 << 20);
    actions_reply(&out, 550, "5.7.126", span_make(long_text, sizeof long_text), id);
    EXPECT_TRUE(out.len - PACKET_HEAD_BYTES - 1 <= 510);
    strbuf_release(&out);
}

static void reasons_to_hold_mail_are_one_clean_line(void **state)
{
    static const struct {
        const char *reason, *said;
    } cases[] = {
        { "DMARC policy of a.example", "qPostern: DMARC policy of a.example (id 1)|" },
        { "100% bad\r\nQ\n\x01\xff", "qPostern: 100% bad??Q??? (id 1)|" },
        { "", "qPostern:  (id 1)|" },
    };
    char long_text[1000];
    struct strbuf out;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        strbuf_init(&out, 1 << 16);
        actions_quarantine(&out, span_of(cases[i].reason), "1");
        EXPECT_STR(cases[i].said, readable(&a, &out));
    }
    memset(long_text, 'x', sizeof long_text);
    strbuf_init(&out, 1 << 16);
    actions_quarantine(&out, span_make(long_text, sizeof long_text), "1");
    EXPECT_TRUE(out.len < 256);
    strbuf_release(&out);
    arena_release(&a);
}

RUN_TESTS(TEST(edits_go_from_the_last_field_to_the_first), TEST(what_the_mta_does_not_let_us_do_is_left_out),
          TEST(replies_are_written), TEST(replies_are_bounded), TEST(a_reply_line_is_no_longer_than_smtp_allows),
          TEST(reasons_to_hold_mail_are_one_clean_line))
