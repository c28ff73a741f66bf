/* tests/unit/test_smtp_reply.c - the table of replies, and what is washed out of foreign ones. */
#include "tests/kit/expect.h"

#include "gateway/smtp/reply.h"

static void every_row_is_a_reply(void **state)
{
    (void)state;
    for (int r = 0; r < REPLY_COUNT; r++) {
        struct strbuf out;
        unsigned code = reply_code((enum reply)r);

        strbuf_init(&out, 4096);
        EXPECT_TRUE(code >= 200 && code < 600);
        reply_write(&out, (enum reply)r, "01ARZ3NDEKTSV4RRFFQ69G5FAV", SPAN("detail"));
        EXPECT_TRUE(out.len <= REPLY_LINE_MAX);
        EXPECT_TRUE(span_ends(strbuf_span(&out), SPAN("(id 01ARZ3NDEKTSV4RRFFQ69G5FAV)\r\n")));
        EXPECT_INT(SPAN_NPOS, span_search(strbuf_span(&out), SPAN("{}")));
        if (code != 220 && code / 100 != 3 && r != REPLY_HELO)
            EXPECT_TRUE(reply_has_enhanced(code, span_skip(strbuf_span(&out), 4)));
        strbuf_release(&out);
    }
}

static void texts_of_others(void **state)
{
    static const struct {
        unsigned code;
        const char *enhanced, *text, *id, *want;
    } cases[] = {
        { 550, "5.1.1", "No such user", NULL, "550 5.1.1 No such user\r\n" },
        { 550, "5.1.1", "No such user", "ID", "550 5.1.1 No such user (id ID)\r\n" },
        { 550, "", "5.1.1 No such user", NULL, "550 5.1.1 No such user\r\n" },
        { 550, "", "No such user", NULL, "550 5.0.0 No such user\r\n" },
        { 450, "", "5.1.1 of another class", NULL, "450 4.0.0 5.1.1 of another class\r\n" },
        { 550, "", "5.1.1 one\n5.1.1 two", "ID", "550-5.1.1 one\r\n550 5.1.1 two (id ID)\r\n" },
        { 550, "5.7.1", "one\ntwo", NULL, "550-5.7.1 one\r\n550 5.7.1 two\r\n" },
        { 451, "", "", NULL, "451 4.0.0 \r\n" },
        { 451, "4.7.1", "tab\tand \xc3\xbc", NULL, "451 4.7.1 tab?and ??\r\n" },
        { 554, "5.7.1", "evil\r\n250 OK", NULL, "554-5.7.1 evil\r\n554 5.7.1 250 OK\r\n" },
        { 250, "", "2.0.0 queued as 123", "ID", "250 2.0.0 queued as 123 (id ID)\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf out;

        strbuf_init(&out, 8192);
        reply_write_text(&out, cases[i].code, cases[i].enhanced, span_of(cases[i].text), cases[i].id);
        EXPECT_SPAN(cases[i].want, strbuf_span(&out));
        strbuf_release(&out);
    }
}

static void a_line_ends_at_512_octets(void **state)
{
    char text[2000];
    struct strbuf out;

    (void)state;
    memset(text, 'x', sizeof text);
    strbuf_init(&out, 8192);
    reply_write_text(&out, 550, "5.7.1", span_make(text, sizeof text), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    EXPECT_INT(REPLY_LINE_MAX, out.len);
    EXPECT_TRUE(span_ends(strbuf_span(&out), SPAN("x (id 01ARZ3NDEKTSV4RRFFQ69G5FAV)\r\n")));
    strbuf_clear(&out);
    reply_write(&out, REPLY_RELAY_DENIED, "01ARZ3NDEKTSV4RRFFQ69G5FAV", span_make(text, sizeof text));
    EXPECT_INT(REPLY_LINE_MAX, out.len);
    strbuf_release(&out);
}

static void a_reply_has_few_lines(void **state)
{
    struct strbuf out;
    char text[200];

    (void)state;
    memset(text, '\n', sizeof text);
    text[0] = text[sizeof text - 1] = 'x';
    strbuf_init(&out, 8192);
    reply_write_text(&out, 550, "5.7.1", span_make(text, sizeof text), NULL);
    EXPECT_TRUE(span_starts(strbuf_span(&out), SPAN("550-5.7.1 x\r\n550-5.7.1 \r\n")));
    EXPECT_TRUE(span_ends(strbuf_span(&out), SPAN("\r\n550 5.7.1 \r\n")));
    strbuf_release(&out);
}

static void enhanced_codes_are_told_from_words(void **state)
{
    (void)state;
    EXPECT_TRUE(reply_has_enhanced(550, SPAN("5.1.1 text")));
    EXPECT_TRUE(reply_has_enhanced(550, SPAN("5.123.456")));
    EXPECT_FALSE(reply_has_enhanced(550, SPAN("5.1.1: text")));
    EXPECT_FALSE(reply_has_enhanced(550, SPAN("4.1.1 text")));
    EXPECT_FALSE(reply_has_enhanced(550, SPAN("5.1 text")));
    EXPECT_FALSE(reply_has_enhanced(550, SPAN("5.1.1.1 text")));
    EXPECT_FALSE(reply_has_enhanced(550, SPAN("5.1.1234 text")));
    EXPECT_FALSE(reply_has_enhanced(550, SPAN("")));
}

RUN_TESTS(TEST(every_row_is_a_reply), TEST(texts_of_others), TEST(a_line_ends_at_512_octets),
          TEST(a_reply_has_few_lines), TEST(enhanced_codes_are_told_from_words))
