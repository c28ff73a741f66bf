/* tests/unit/test_http_chunked.c - the chunked transfer coding, cut anywhere. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"
#include "gateway/http/chunked.h"

/* In pieces of `step` bytes; what was taken as body goes to `out`, how many bytes were used is returned. */
static size_t feed(struct span text, size_t step, struct chunked *c, struct strbuf *out)
{
    size_t at = 0, end = 0;

    chunked_init(c);
    while (end < text.len && c->state < CHUNKED_ENDED) {
        end = end + step < text.len ? end + step : text.len;
        while (at < end && c->state < CHUNKED_ENDED) {
            struct span data;
            size_t took = chunked_take(c, span_make(text.ptr + at, end - at), &data);

            EXPECT_TRUE(took > 0);
            strbuf_put(out, data);
            at += took;
        }
    }
    return at;
}

static void bodies_are_the_same_however_they_are_cut(void **state)
{
    static const struct {
        const char *text, *body; /* NULL: broken */
    } cases[] = {
        { "0\r\n\r\n", "" },
        { "3\r\nabc\r\n0\r\n\r\n", "abc" },
        { "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde" },
        { "0003\r\nabc\r\n000\r\n\r\n", "abc" },
        { "a\r\n0123456789\r\n0\r\n\r\n", "0123456789" },
        { "A\r\n0123456789\r\n0\r\n\r\n", "0123456789" },
        { "3;name=value\r\nabc\r\n0;x\r\n\r\n", "abc" },
        { "3\r\nabc\r\n0\r\nTrailer: a\r\nOther: b\r\n\r\n", "abc" },
        { "3\nabc\n0\n\n", NULL },
        { "3\r\nabcd\r\n0\r\n\r\n", NULL },
        { "3\r\nabc0\r\n\r\n", NULL },
        { "\r\nabc", NULL },
        { "0x3\r\nabc\r\n0\r\n\r\n", NULL },
        { "-3\r\nabc\r\n0\r\n\r\n", NULL },
        { "+3\r\nabc\r\n0\r\n\r\n", NULL },
        { " 3\r\nabc\r\n0\r\n\r\n", NULL },
        { "3 \r\nabc\r\n0\r\n\r\n", NULL },
        { "3\r\nabc\r\n0\r\n\nx", NULL },
        { "3;a\nb\r\nabc\r\n0\r\n\r\n", NULL },
        { "0000000000000003\r\nabc\r\n0\r\n\r\n", NULL },
        { "ffffffffffffffff\r\nabc", NULL },
        { "g\r\n", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].text); step++) {
            struct chunked c;
            struct strbuf body;

            strbuf_init(&body, 1000);
            size_t used = feed(span_of(cases[i].text), step, &c, &body);

            EXPECT_INT(cases[i].body ? CHUNKED_ENDED : CHUNKED_BROKEN, c.state);
            if (cases[i].body) {
                EXPECT_SPAN(cases[i].body, strbuf_span(&body));
                EXPECT_INT(strlen(cases[i].text), used);
            }
            strbuf_release(&body);
        }
    }
}

static void what_follows_the_end_is_left(void **state)
{
    struct span text = SPAN("0\r\n\r\nGET /ping HTTP/1.1\r\n");
    struct chunked c;
    struct strbuf body;

    (void)state;
    strbuf_init(&body, 1000);
    EXPECT_INT(5, feed(text, text.len, &c, &body));
    EXPECT_INT(CHUNKED_ENDED, c.state);
    strbuf_release(&body);
}

static void extensions_and_trailers_are_bounded(void **state)
{
    static const char *const starts[] = { "3;", "0\r\nX: " };

    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct strbuf text, body;
        struct chunked c;

        strbuf_init(&text, 1 << 20);
        strbuf_init(&body, 1000);
        strbuf_puts(&text, starts[i]);
        for (int n = 0; n < 5000; n++)
            strbuf_putc(&text, 'x');
        feed(strbuf_span(&text), text.len, &c, &body);
        EXPECT_INT(CHUNKED_BROKEN, c.state);
        strbuf_release(&text);
        strbuf_release(&body);
    }
}

RUN_TESTS(TEST(bodies_are_the_same_however_they_are_cut), TEST(what_follows_the_end_is_left),
          TEST(extensions_and_trailers_are_bounded))
