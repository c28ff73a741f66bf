/* tests/unit/test_redis_reply.c - replies whole and in pieces, and what no server of good will says. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/store/redis_reply.h"

static const struct redis_reply *read_all(struct redis_reader *r, struct span bytes, enum redis_read *read)
{
    const struct redis_reply *reply = NULL;

    *read = REDIS_READ_MORE;
    while (bytes.len && *read == REDIS_READ_MORE) {
        struct span slice = span_first(bytes, REDIS_SLICE_BYTES);

        redis_reader_feed(r, slice);
        *read = redis_reader_next(r, &reply);
        bytes = span_skip(bytes, slice.len);
    }
    return reply;
}

static void each_type_is_read(void **state)
{
    struct redis_reader *r = redis_reader_new();
    const struct redis_reply *reply = NULL;

    (void)state;
    redis_reader_feed(r, SPAN("*6\r\n+OK\r\n-ERR no\r\n:-42\r\n$3\r\na\0"
                              "b\r\n$-1\r\n*2\r\n*0\r\n:1\r\n:7\r\n"));
    EXPECT_INT(REDIS_READ_REPLY, redis_reader_next(r, &reply));
    EXPECT_INT(REDIS_ARRAY, reply->type);
    EXPECT_INT(6, reply->count);
    EXPECT_INT(REDIS_STATUS, reply->items[0].type);
    EXPECT_SPAN("OK", reply->items[0].text);
    EXPECT_INT(REDIS_ERROR, reply->items[1].type);
    EXPECT_SPAN("ERR no", reply->items[1].text);
    EXPECT_INT(-42, reply->items[2].integer);
    EXPECT_TRUE(span_eq(SPAN("a\0"
                             "b"),
                        reply->items[3].text));
    EXPECT_INT(REDIS_NIL, reply->items[4].type);
    EXPECT_INT(2, reply->items[5].count);
    EXPECT_INT(0, reply->items[5].items[0].count);
    EXPECT_INT(1, reply->items[5].items[1].integer);
    EXPECT_INT(REDIS_READ_REPLY, redis_reader_next(r, &reply)); /* the next one, of the same bytes */
    EXPECT_INT(7, reply->integer);
    EXPECT_INT(REDIS_READ_MORE, redis_reader_next(r, &reply));
    redis_reader_free(r);
}

static void byte_by_byte(void **state)
{
    static const char text[] = "*2\r\n$5\r\nhello\r\n*1\r\n+x\r\n";
    struct redis_reader *r = redis_reader_new();
    const struct redis_reply *reply = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        redis_reader_feed(r, span_make(text + i, 1));
        EXPECT_INT(i == sizeof text - 2 ? REDIS_READ_REPLY : REDIS_READ_MORE, redis_reader_next(r, &reply));
    }
    EXPECT_SPAN("hello", reply->items[0].text);
    EXPECT_SPAN("x", reply->items[1].items[0].text);
    redis_reader_free(r);
}

static void broken(const char *text, size_t len)
{
    struct redis_reader *r = redis_reader_new();
    const struct redis_reply *reply = NULL;
    enum redis_read read;

    read_all(r, span_make(text, len), &read);
    EXPECT_INT(REDIS_READ_BROKEN, read);
    EXPECT_TRUE(redis_reader_error(r)[0] != '\0');
    redis_reader_feed(r, SPAN("+OK\r\n"));
    EXPECT_INT(REDIS_READ_BROKEN, redis_reader_next(r, &reply)); /* and so it stays */
    redis_reader_free(r);
}

static void what_is_no_reply_breaks_it(void **state)
{
    (void)state;
#define BROKEN(text) broken(text, sizeof text - 1)
    BROKEN("HTTP/1.1 400 Bad Request\r\n");
    BROKEN("\x16\x03\x01\x02");
    BROKEN("%1\r\n+a\r\n+b\r\n");
    BROKEN("$-2\r\n");
    BROKEN("*-2\r\n");
    BROKEN(":12a\r\n");
    BROKEN("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"); /* too deep */
    BROKEN("*2147483647\r\n");
    BROKEN("*262145\r\n");
    BROKEN("*2\r\n*262144\r\n");
}

static void one_reply_is_bounded(void **state)
{
    size_t len = REDIS_BYTES_MOST + 100000;
    char *text = mem_alloc(len);

    (void)state;
    memset(text, 'x', len);
    text[0] = '+'; /* a line without end */
    broken(text, len);
    memcpy(text, "$9223372036854775807\r\n", 22); /* a string that never ends */
    broken(text, len);
    memset(text, ' ', len);
    memcpy(text, "*3\r\n$2000000\r\n", 14);
    memcpy(text + 2000014, "\r\n$2000000\r\n", 12);
    memcpy(text + 4000026, "\r\n$200000\r\n", 11);
    memset(text + 4200037, '\r', 1);
    memset(text + 4200038, '\n', 1);
    broken(text, 4200039); /* strings that are long together */
    free(text);
}

RUN_TESTS(TEST(each_type_is_read), TEST(byte_by_byte), TEST(what_is_no_reply_breaks_it), TEST(one_reply_is_bounded))
