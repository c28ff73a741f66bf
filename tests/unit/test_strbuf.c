/* tests/unit/test_strbuf.c - bytes of our own that grow, up to a maximum. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"

static void what_is_put_is_there_and_ends_in_nul(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1000);
    EXPECT_SPAN("", strbuf_span(&b));
    strbuf_clear(&b); /* of nothing */
    strbuf_puts(&b, "one");
    strbuf_putc(&b, ' ');
    strbuf_put(&b, span_make("two\0x", 5));
    strbuf_putf(&b, " %d", 3);
    EXPECT_INT(11, b.len);
    EXPECT_INT(0, memcmp("one two\0x 3", b.data, 12));
    strbuf_put(&b, span_make(NULL, 0));
    EXPECT_INT(11, b.len);
    strbuf_drop(&b, 4);
    EXPECT_INT(0, memcmp("two\0x 3", b.data, 8));
    strbuf_drop(&b, 0);
    strbuf_drop(&b, 7);
    EXPECT_SPAN("", strbuf_span(&b));
    strbuf_release(&b);
    EXPECT_INT(1000, b.most_bytes);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 5);
    strbuf_puts(&b, "abc");
    strbuf_puts(&b, "def");
    EXPECT_TRUE(b.is_full);
    strbuf_puts(&b, "gh");
    EXPECT_SPAN("abcgh", strbuf_span(&b));
    strbuf_putc(&b, 'i');
    strbuf_putf(&b, "%d", 7);
    EXPECT_SPAN("abcgh", strbuf_span(&b));
    EXPECT_TRUE(b.is_full);
    strbuf_clear(&b);
    EXPECT_FALSE(b.is_full);
    EXPECT_STR("", b.data);
    EXPECT_NULL(strbuf_room(&b, 6));
    EXPECT_NULL(strbuf_room(&b, SIZE_MAX));
    EXPECT_TRUE(strbuf_room(&b, 5) != NULL);
    strbuf_release(&b);
}

static void long_formats_fit_to_the_byte(void **state)
{
    char text[2000];

    (void)state;
    for (size_t len = 505; len < 520; len++) { /* around the size of what is formatted on the stack */
        struct strbuf b;

        memset(text, 'x', len);
        text[len] = '\0';
        strbuf_init(&b, len);
        strbuf_putf(&b, "%s", text);
        EXPECT_FALSE(b.is_full);
        EXPECT_STR(text, b.data);
        strbuf_putf(&b, "%s", text);
        EXPECT_TRUE(b.is_full);
        EXPECT_INT(len, b.len);
        strbuf_release(&b);
    }
}

static void room_is_written_by_hand(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 100000);
    for (int i = 0; i < 1000; i++) {
        char *to = strbuf_room(&b, 50);

        memset(to, 'a' + i % 26, 50);
        b.len += 50;
    }
    EXPECT_INT(50000, b.len);
    EXPECT_INT('b', b.data[50]);
    strbuf_release(&b);
}

static void foreign_bytes_are_escaped(void **state)
{
    static const struct {
        const char *bytes;
        size_t len, most;
        const char *want;
    } cases[] = {
        { "plain ~", 7, 100, "plain ~" },
        { "a\"b\\c", 5, 100, "a\\\"b\\\\c" },
        { "\r\n\t\0\x7f", 5, 100, "\\x0d\\x0a\\x09\\x00\\x7f" },
        { "\xc3\xbc\xff", 3, 100, "\\xc3\\xbc\\xff" },
        { "abcdef", 6, 6, "abcdef" },
        { "abcdef", 6, 5, "abcde..." },
        { "", 0, 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf b;

        strbuf_init(&b, 1000);
        strbuf_put_escaped(&b, span_make(cases[i].bytes, cases[i].len), cases[i].most);
        EXPECT_SPAN(cases[i].want, strbuf_span(&b));
        strbuf_release(&b);
    }
}

RUN_TESTS(TEST(what_is_put_is_there_and_ends_in_nul), TEST(what_does_not_fit_is_left_out_whole),
          TEST(long_formats_fit_to_the_byte), TEST(room_is_written_by_hand), TEST(foreign_bytes_are_escaped))
