/* tests/unit/test_hop_reply.c - replies of a next hop, whole, in bits, and malformed. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/smtp/hop_reply.h"

static const struct {
    const char *in;
    enum hop_reply_state state;
    unsigned code;
    const char *text;
    size_t rest;
} cases[] = {
    { "250 OK\r\n", HOP_REPLY_DONE, 250, "OK", 0 },
    { "250 OK\n", HOP_REPLY_DONE, 250, "OK", 0 },
    { "250\r\n", HOP_REPLY_DONE, 250, "", 0 },
    { "250 \r\n", HOP_REPLY_DONE, 250, "", 0 },
    { "250-one\r\n250-two\r\n250 three\r\n", HOP_REPLY_DONE, 250, "one\ntwo\nthree", 0 },
    { "250-\r\n250\r\n", HOP_REPLY_DONE, 250, "\n", 0 },
    { "550 5.1.1 no\r\n250 next\r\n", HOP_REPLY_DONE, 550, "5.1.1 no", 10 },
    { "250-one\r\n", HOP_REPLY_MORE, 250, "one", 0 },
    { "250 O", HOP_REPLY_MORE, 0, "", 5 },
    { "", HOP_REPLY_MORE, 0, "", 0 },
    { "250-one\r\n251 two\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "25 OK\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "150 OK\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "600 OK\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "2500 OK\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "250_OK\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
    { "HTTP/1.1 400 Bad\r\n", HOP_REPLY_BAD, 0, NULL, 0 },
};

static void replies_are_read_wherever_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++) {
            struct span in = span_of(cases[i].in);
            struct hop_reply r;
            size_t took = 0, more = 0;

            hop_reply_init(&r);
            enum hop_reply_state got = hop_reply_take(&r, span_first(in, cut), &took);

            if (got == HOP_REPLY_MORE)
                got = hop_reply_take(&r, span_skip(in, took), &more);
            EXPECT_INT(cases[i].state, got);
            if (got != HOP_REPLY_BAD) {
                EXPECT_INT(cases[i].code, r.code);
                EXPECT_SPAN(cases[i].text, strbuf_span(&r.text));
                EXPECT_INT(cases[i].rest, in.len - took - more);
            }
            hop_reply_release(&r);
        }
}

static void a_reply_has_bounds(void **state)
{
    char *text = malloc(70000);
    struct hop_reply r;
    size_t took;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 70000);
    memcpy(text, "250 ", 4);
    hop_reply_init(&r);
    EXPECT_INT(HOP_REPLY_BAD, hop_reply_take(&r, span_make(text, 70000), &took)); /* a line without end */
    text[HOP_REPLY_LINE_MAX + 1] = '\n';
    EXPECT_INT(HOP_REPLY_BAD, hop_reply_take(&r, span_make(text, 70000), &took));
    hop_reply_clear(&r);
    for (size_t at = 0; at < 70000; at += 7)
        memcpy(text + at, "250-x\r\n", 7);
    EXPECT_INT(HOP_REPLY_BAD, hop_reply_take(&r, span_make(text, 70000), &took)); /* lines without end */
    hop_reply_release(&r);
    free(text);
}

RUN_TESTS(TEST(replies_are_read_wherever_they_are_cut), TEST(a_reply_has_bounds))
