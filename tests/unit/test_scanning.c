/* tests/unit/test_scanning.c - what rules see of a message's parts. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

#include <stdlib.h>

#define MIXED "MIME-Version: 1.0\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n"
#define SIZES "body_part_scan_size 4000\nrawbody_part_scan_size 4000\n"

enum { BODY_TIMES = 20, RAWBODY_TIMES = 8, SLACK = 20 }; /* a word that is not cut, and line ends */

static void put_words(struct strbuf *b, const char *word, size_t bytes)
{
    for (size_t end = b->len + bytes; b->len < end;)
        strbuf_puts(b, word);
}

/* Parts of 3900 bytes, and behind them a short one. */
static struct eval_desk *parts(int count)
{
    struct strbuf b;

    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, MIXED);
    for (int i = 0; i < count; i++) {
        strbuf_putf(&b, "--b\nContent-Type: text/plain\n\nfirst%d ", i);
        put_words(&b, "word ", 3900);
        strbuf_puts(&b, "\n");
    }
    strbuf_puts(&b, "--b\nContent-Type: text/plain\n\nthe last one is short\n--b--\n");
    struct eval_desk *d = eval_desk_open_bytes(strbuf_span(&b));

    strbuf_release(&b);
    eval_desk_scan(d, SIZES);
    return d;
}

static bool has(const struct rule_lines *lines, const char *text)
{
    return span_search(lines->joined, span_of(text)) != SPAN_NPOS;
}

static void few_parts_are_seen_whole(void **state)
{
    struct eval_desk *d = parts(5);

    (void)state;
    EXPECT_TRUE(d->scanning.body.joined.len > 5 * 3900);
    EXPECT_TRUE(d->scanning.rawbody.joined.len > 5 * 3900);
    eval_desk_close(d);
}

static void many_parts_share_the_room(void **state)
{
    enum { PARTS = 100 };
    struct eval_desk *d = parts(PARTS);
    char first[20];

    (void)state;
    EXPECT_TRUE(d->scanning.body.joined.len <= BODY_TIMES * 4000 + PARTS * SLACK);
    EXPECT_TRUE(d->scanning.rawbody.joined.len <= RAWBODY_TIMES * 4000 + PARTS * SLACK);
    EXPECT_TRUE(d->scanning.body.joined.len > BODY_TIMES * 3900); /* it is used */
    for (int i = 0; i < PARTS; i++) {
        snprintf(first, sizeof first, "first%d ", i);
        EXPECT_TRUE(has(&d->scanning.body, first));
        EXPECT_TRUE(has(&d->scanning.rawbody, first));
    }
    EXPECT_TRUE(has(&d->scanning.body, "the last one is short"));
    EXPECT_TRUE(has(&d->scanning.rawbody, "the last one is short"));
    eval_desk_close(d);
}

static void without_a_limit_of_a_part_there_is_none_of_all(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, MIXED "--b\n\n");
    put_words(&b, "word ", 200000);
    struct eval_desk *d = eval_desk_open_bytes(strbuf_span(&b));

    strbuf_release(&b);
    eval_desk_scan(d, "body_part_scan_size 0\nrawbody_part_scan_size 0\n");
    EXPECT_TRUE(d->scanning.body.joined.len >= 200000);
    EXPECT_TRUE(d->scanning.rawbody.joined.len >= 200000);
    eval_desk_close(d);
}

/* The room of each is 800 bytes here, and 3000 are hidden before what is seen. */
static void what_nobody_sees_does_not_use_up_the_smaller_room(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, MIXED);
    for (int i = 0; i < 100; i++) {
        strbuf_puts(&b, "--b\nContent-Type: text/plain\n\n");
        put_words(&b, "word ", 3900);
        strbuf_puts(&b, "\n");
    }
    strbuf_puts(&b, "--b\nContent-Type: text/html\n\n<p style='display:none'>");
    put_words(&b, "hidden ", 3000);
    strbuf_puts(&b, "</p><p>buy this now</p>\n--b--\n");
    struct eval_desk *d = eval_desk_open_bytes(strbuf_span(&b));

    strbuf_release(&b);
    eval_desk_scan(d, SIZES);
    EXPECT_TRUE(has(&d->scanning.body, "buy this now"));
    eval_desk_close(d);
}

RUN_TESTS(TEST(few_parts_are_seen_whole), TEST(many_parts_share_the_room),
          TEST(without_a_limit_of_a_part_there_is_none_of_all), TEST(what_nobody_sees_does_not_use_up_the_smaller_room))
