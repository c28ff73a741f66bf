/* tests/unit/test_store_line.c - records of the state store as lines of text, and back. */
#include <math.h>

#include "gateway/cli/store_line.h"
#include "tests/kit/expect.h"

static struct strbuf text;

static struct span line_of(struct span key, struct span value, int64_t expires_ms)
{
    strbuf_release(&text);
    strbuf_init(&text, STORE_LINE_MAX);
    store_line_write(&text, key, value, expires_ms);
    EXPECT_FALSE(text.is_full);
    EXPECT_INT(text.len - 1, span_find(strbuf_span(&text), '\n'));
    return span_first(strbuf_span(&text), text.len - 1);
}

static void comes_back(struct span key, struct span value, int64_t expires_ms)
{
    struct store_line line;
    const char *wrong = store_line_read(line_of(key, value, expires_ms), &line);

    if (wrong)
        fail_msg("%s: %s", text.data, wrong);
    EXPECT_TRUE(span_eq(key, span_make(line.key, line.key_len)));
    EXPECT_TRUE(span_eq(value, span_make(line.value, line.value_len)));
    EXPECT_TRUE(expires_ms == line.expires_ms);
}

static struct span doubles(const double *values, size_t count)
{
    return span_make((const char *)values, count * sizeof *values);
}

static void records_are_readable(void **state)
{
    static const double triplet[] = { 1790000000000, 0, 1790000001500 }, client[] = { 3, 1790000000000, 1790000000000 };
    static const double rate[] = { 2.5, 1790000000000, 1, 4, 0 }, count[] = { 17 };

    (void)state;
    EXPECT_SPAN("{\"key\":\"g:{a}/b\",\"expires\":\"2026-09-23T14:13:20.000Z\",\"triplet\":{\"first\":"
                "\"2026-09-21T14:13:20.000Z\",\"passed\":null,\"last\":\"2026-09-21T14:13:21.500Z\"}}",
                line_of(SPAN("g:{a}/b"), doubles(triplet, 3), 1790172800000));
    EXPECT_SPAN("{\"key\":\"g:{a}=c\",\"expires\":null,\"client\":{\"passes\":3,\"counted\":"
                "\"2026-09-21T14:13:20.000Z\",\"last\":\"2026-09-21T14:13:20.000Z\"}}",
                line_of(SPAN("g:{a}=c"), doubles(client, 3), 0));
    EXPECT_SPAN("{\"key\":\"r:x/1h:joe\",\"expires\":null,\"rate\":{\"level\":2.5,\"at\":"
                "\"2026-09-21T14:13:20.000Z\",\"factor\":1,\"refused\":4,\"last_refused\":null}}",
                line_of(SPAN("r:x/1h:joe"), doubles(rate, 5), 0));
    EXPECT_SPAN("{\"key\":\"c:x\",\"expires\":null,\"count\":{\"count\":17}}",
                line_of(SPAN("c:x"), doubles(count, 1), 0));
    EXPECT_SPAN("{\"key\":\"k:x\",\"expires\":null,\"text\":\"a \\\"b\\\"\\u0000\"}",
                line_of(SPAN("k:x"), SPAN("a \"b\"\0"), 0));
    EXPECT_SPAN("{\"key_hex\":\"ff\",\"expires\":null,\"hex\":\"fe01\"}", line_of(SPAN("\xff"), SPAN("\xfe\x01"), 0));
    strbuf_release(&text);
}

static void what_was_learned_is_known_by_its_key(void **state)
{
    (void)state;
    EXPECT_INT(RECORD_BAYES, record_kind_of(SPAN("b:{*}:t"), SPAN("0123456789abcdef")));
    EXPECT_STR("bayes", record_kind_text(RECORD_BAYES));
    comes_back(SPAN("b:{*}:00ff"), SPAN("token\0\xff.\1\0\0\2\0\0\1\0"), 0);
    strbuf_release(&text);
}

static void all_bytes_come_back(void **state)
{
    static const double odd[] = {
        NAN,  -0.0,   INFINITY,        -INFINITY,         1e300,          1e-320, 0.1, 1.0 / 3, -7,
        1e15, 9.3e18, 1790000000000.5, 253402300800000.0, 1790000000000.0
    };
    static const char *const keys[] = { "g:x", "r:x", "c:x", "k:x", "other" };
    char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    for (size_t k = 0; k < COUNT(keys); k++) {
        for (size_t i = 0; i < COUNT(odd); i++) {
            double five[] = { odd[i], 1, odd[i], 2, odd[(i + 1) % COUNT(odd)] };

            for (size_t n = 1; n <= 5; n++)
                comes_back(span_of(keys[k]), doubles(five, n), 1790000000123);
        }
        comes_back(span_of(keys[k]), span_make(bytes, sizeof bytes), 0);
    }
    comes_back(span_make(bytes + 1, sizeof bytes - 1), SPAN("x"), INT64_MAX);
    for (int64_t ms = 1; ms < 253402300799999; ms += 99999999999)
        comes_back(SPAN("k:x"), SPAN("x"), ms);
    strbuf_release(&text);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *line, *wrong;
    } cases[] = {
        { "", "JSON" },
        { "x", "JSON" },
        { "{\"key\":\"k:x\",\"expires\":null,\"text\":\"a\"} x", "JSON" },
        { "{\"key\":\"k:x\",\"key\":\"k:x\",\"expires\":null,\"text\":\"a\"}", "JSON" },
        { "[]", "object" },
        { "{\"key\":\"k:x\",\"expires\":null}", "object" },
        { "{\"key\":\"k:x\",\"expires\":null,\"text\":\"a\",\"hex\":\"00\"}", "object" },
        { "{\"key\":\"k:x\",\"expire\":null,\"text\":\"a\"}", "expires" },
        { "{\"key\":7,\"expires\":null,\"text\":\"a\"}", "key" },
        { "{\"key\":\"\",\"expires\":null,\"text\":\"a\"}", "key" },
        { "{\"key\":\"\\u0000a\",\"expires\":null,\"text\":\"a\"}", "key" },
        { "{\"key_hex\":\"0\",\"expires\":null,\"text\":\"a\"}", "hex" },
        { "{\"key_hex\":\"0g\",\"expires\":null,\"text\":\"a\"}", "hex" },
        { "{\"key\":\"k:x\",\"expires\":\"\",\"text\":\"a\"}", "time" },
        { "{\"key\":\"k:x\",\"expires\":-1,\"text\":\"a\"}", "1970" },
        { "{\"key\":\"k:x\",\"expires\":\"2026-02-29T00:00:00.000Z\",\"text\":\"a\"}", "time" },
        { "{\"key\":\"k:x\",\"expires\":\"2026-01-01T24:00:00.000Z\",\"text\":\"a\"}", "time" },
        { "{\"key\":\"k:x\",\"expires\":\"2026-01-01T00:00:00.000\",\"text\":\"a\"}", "time" },
        { "{\"key\":\"k:x\",\"expires\":null,\"text\":\"\"}", "empty" },
        { "{\"key\":\"k:x\",\"expires\":null,\"text\":1}", "value" },
        { "{\"key\":\"k:x\",\"expires\":null,\"other\":1}", "value" },
        { "{\"key\":\"c:x\",\"expires\":null,\"count\":1}", "fields" },
        { "{\"key\":\"c:x\",\"expires\":null,\"count\":{\"n\":1}}", "fields" },
        { "{\"key\":\"c:x\",\"expires\":null,\"count\":{\"count\":\"1\"}}", "number" },
    };
    struct store_line line;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *wrong = store_line_read(span_of(cases[i].line), &line);

        if (!wrong || !strstr(wrong, cases[i].wrong))
            fail_msg("%s: %s", cases[i].line, wrong ? wrong : "taken");
    }
    EXPECT_NULL(
        store_line_read(SPAN("{\"key\":\"k:x\",\"expires\":\"2028-02-29T00:00:00.000Z\",\"text\":\"a\"}"), &line));
    EXPECT_INT(1835395200000, line.expires_ms);
}

RUN_TESTS(TEST(records_are_readable), TEST(what_was_learned_is_known_by_its_key), TEST(all_bytes_come_back),
          TEST(what_is_wrong_is_said))
