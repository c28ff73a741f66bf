/* tests/unit/test_http_lines.c - bare LF becomes CRLF, and nothing else changes. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"
#include "gateway/http/lines.h"

static void put(void *arg, struct span piece)
{
    EXPECT_TRUE(piece.len > 0);
    strbuf_put(arg, piece);
}

static void lines_end_in_crlf_however_they_are_cut(void **state)
{
    static const struct {
        const char *in, *out;
        bool has_lf_first;
    } cases[] = {
        { "", "", false },
        { "a", "a", false },
        { "a\n", "a\r\n", true },
        { "a\r\n", "a\r\n", false },
        { "a\nb\r\nc\n\n", "a\r\nb\r\nc\r\n\r\n", true },
        { "a\r\n\nb", "a\r\n\r\nb", false },
        { "\n\n", "\r\n\r\n", true },
        { "\r\n", "\r\n", false },
        { "a\rb\n", "a\rb\r\n", true },
        { "a\r", "a\r", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span in = span_of(cases[i].in);

        for (size_t step = 1; step <= in.len + 1; step++) {
            struct lines l = { .count = 0 };
            struct strbuf out;

            strbuf_init(&out, 1000);
            for (size_t at = 0; at < in.len; at += step)
                lines_take(&l, span_first(span_skip(in, at), step), put, &out);
            EXPECT_SPAN(cases[i].out, strbuf_span(&out));
            EXPECT_INT(cases[i].has_lf_first, l.has_lf_first);
            strbuf_release(&out);
            lines_release(&l);
        }
    }
}

static void drop(void *arg, struct span piece)
{
    (void)arg, (void)piece;
}

static void how_each_line_ended_is_known(void **state)
{
    enum { LINES = 5000 };

    (void)state;
    for (unsigned odd = 0; odd < 5; odd++) {
        struct lines l = { .count = 0 };

        for (unsigned i = 0; i < LINES; i++) /* bare: all, none, the first, the last, each third */
            lines_take(&l,
                       odd == 0 || (odd == 2 && !i) || (odd == 3 && i == LINES - 1) || (odd == 4 && i % 3 == 0)
                           ? SPAN("a\n")
                           : SPAN("a\r\n"),
                       drop, NULL);
        EXPECT_INT(LINES, l.count);
        EXPECT_TRUE((l.bare == NULL) == (odd < 2));
        EXPECT_TRUE(l.bare_bytes <= LINES / 4);
        for (unsigned i = 0; i < LINES; i++)
            EXPECT_INT(odd == 0 || (odd == 2 && !i) || (odd == 3 && i == LINES - 1) || (odd == 4 && i % 3 == 0),
                       lines_is_bare(&l, i));
        EXPECT_INT(l.has_lf_first, lines_is_bare(&l, 100 * LINES));
        lines_release(&l);
        EXPECT_INT(0, l.count);
    }
}

static void count(void *arg, struct span piece)
{
    size_t *counted = arg;

    counted[0]++;
    counted[1] += piece.len;
}

/* Each piece has its price, so that a message of empty lines would cost many times what another does. */
static void short_lines_go_out_together(void **state)
{
    enum { BYTES = 100000 };
    static char text[BYTES];
    size_t counted[2] = { 0 };
    struct lines l = { .count = 0 };

    (void)state;
    memset(text, '\n', sizeof text);
    memset(text, 'a', 10000); /* a long one is as it came */
    lines_take(&l, span_make(text, sizeof text), count, counted);
    EXPECT_INT(10000 + 2 * (BYTES - 10000), counted[1]);
    EXPECT_TRUE(counted[0] < BYTES / 1000);
    lines_release(&l);
}

RUN_TESTS(TEST(lines_end_in_crlf_however_they_are_cut), TEST(how_each_line_ended_is_known),
          TEST(short_lines_go_out_together))
