/* tests/unit/test_http_json.c - what is written is read as it was meant, by another library. */
#include "tests/kit/expect.h"

#include <jansson.h>

#include "gateway/http/json.h"

static void texts_come_back(void **state)
{
    static const struct {
        const char *text, *back;
    } cases[] = {
        { "", "" },
        { "plain", "plain" },
        { "\"\\/\b\f\n\r\t\x01\x1f\x7f", "\"\\/\b\f\n\r\t\x01\x1f\x7f" },
        { "gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7" },
        { "a\xff"
          "b",
          "a\xef\xbf\xbd"
          "b" },
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xc3", "\xef\xbf\xbd" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf out;
        struct json j = { .out = &out };

        strbuf_init(&out, 10000);
        json_open(&j, '{');
        json_put_text(&j, cases[i].text, span_of(cases[i].text));
        json_close(&j, '}');
        json_t *read = json_loadb(out.data, out.len, 0, NULL);

        assert_non_null(read);
        EXPECT_STR(cases[i].back, json_string_value(json_object_get(read, cases[i].back)));
        json_decref(read);
        strbuf_release(&out);
    }
}

static void numbers_have_their_form(void **state)
{
    struct strbuf out;
    struct json j = { .out = &out };

    (void)state;
    strbuf_init(&out, 10000);
    json_open(&j, '{');
    json_put_points(&j, "a", 720);
    json_put_points(&j, "b", -5);
    json_put_points(&j, "c", 0);
    json_put_points(&j, "d", -100001);
    json_put_int(&j, "e", INT64_MIN);
    json_put_bool(&j, "f", true);
    json_put_open(&j, "g", '[');
    json_int(&j, 1);
    json_fraction(&j, 1234567, 6);
    json_open(&j, '{');
    json_close(&j, '}');
    json_close(&j, ']');
    json_close(&j, '}');
    EXPECT_SPAN("{\"a\":7.20,\"b\":-0.05,\"c\":0.00,\"d\":-1000.01,\"e\":-9223372036854775808,\"f\":true,"
                "\"g\":[1,1.234567,{}]}",
                strbuf_span(&out));
    strbuf_release(&out);
}

static void nul_is_escaped(void **state)
{
    struct strbuf out;
    struct json j = { .out = &out };

    (void)state;
    strbuf_init(&out, 100);
    json_text(&j, SPAN("a\0b"));
    EXPECT_SPAN("\"a\\u0000b\"", strbuf_span(&out));
    strbuf_release(&out);
}

RUN_TESTS(TEST(texts_come_back), TEST(numbers_have_their_form), TEST(nul_is_escaped))
