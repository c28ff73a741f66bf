/* tests/unit/test_http_original.c - a message goes back byte by byte as it came, but for what was edited. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/base/strbuf.h"
#include "gateway/http/original.h"

struct room {
    struct lines lines;
    struct strbuf crlf, back;
    struct message *message;
    struct arena arena;
    struct edits edits;
};

static void put(void *arg, struct span piece)
{
    strbuf_put(arg, piece);
}

static void open_room(struct room *r, struct span text)
{
    static const struct message_limits limits = { 10000, 100 };

    *r = (struct room){ .lines = { .count = 0 } };
    strbuf_init(&r->crlf, 4 << 20);
    strbuf_init(&r->back, 4 << 20);
    lines_take(&r->lines, text, put, &r->crlf);
    r->message = message_new(strbuf_span(&r->crlf), &limits);
    arena_init(&r->arena, 1 << 20);
    edits_init(&r->edits, &r->arena);
}

static struct span give_back(struct room *r)
{
    struct pieces pieces;
    struct original o;
    struct span stretch;

    edits_apply(&r->edits, r->message, &pieces);
    original_init(&o, &r->lines, r->message->bytes, &pieces);
    size_t bytes = original_bytes(&o);

    while (original_next(&o, &stretch)) {
        EXPECT_TRUE(stretch.len > 0 && stretch.len <= 65536);
        strbuf_put(&r->back, stretch);
    }
    EXPECT_INT(bytes, r->back.len);
    return strbuf_span(&r->back);
}

static void close_room(struct room *r)
{
    message_free(r->message);
    lines_release(&r->lines);
    strbuf_release(&r->crlf);
    strbuf_release(&r->back);
    arena_release(&r->arena);
}

static void unedited_it_is_the_same(void **state)
{
    static const char *const texts[] = {
        "A: b\n\nc\n",    "A: b\r\n\r\nc\r\n", "A: b\n\nc\r\nd\n\r\n", "A: b\r\n\nc\n\r\n\r\n",
        "A: b\n\nno end", "A: b\n\nc\rd\n",    "A: b\n\nc\r",          "\n",
        "\r\n\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct room r;

        open_room(&r, span_of(texts[i]));
        EXPECT_SPAN(texts[i], give_back(&r));
        close_room(&r);
    }
}

/* The lines of a field that goes count, and ours end as the first did. */
static void edits_keep_the_lines_below_them_in_step(void **state)
{
    static const char *const texts[][2] = {
        { "A: 1\nB: 2\r\n\t3\r\nC: 4\n\nx\r\ny\n", "New: a\n\tb\nA: 1\nC: 5\n\nx\r\ny\n" },
        { "A: 1\r\nB: 2\n\t3\nC: 4\n\r\nx\n\ny\r\n", "New: a\r\n\tb\r\nA: 1\r\nC: 5\r\n\r\nx\n\ny\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct room r;

        open_room(&r, span_of(texts[i][0]));
        EXPECT_INT(3, r.message->header.count);
        edits_prepend(&r.edits, "New", SPAN("a\r\n\tb"));
        edits_remove(&r.edits, &r.message->header.fields[1]);
        edits_replace(&r.edits, &r.message->header.fields[2], SPAN("5"));
        EXPECT_SPAN(texts[i][1], give_back(&r));
        close_room(&r);
    }
}

/* Stretches end where they must, also in the midst of a line end. */
static void what_is_long_is_the_same(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 4; shift++) {
        struct strbuf text;
        struct room r;
        uint32_t x = shift;

        strbuf_init(&text, 4 << 20);
        strbuf_puts(&text, "A: b\n\n");
        for (size_t i = 0; i < 65536 - 9 + shift; i++)
            strbuf_putc(&text, '.');
        for (unsigned i = 0; i < 100000; i++) {
            x = x * 1664525 + 1013904223;
            strbuf_puts(&text, x >> 30 ? "\r\n" : x >> 29 ? "z\n" : "\r");
        }
        open_room(&r, strbuf_span(&text));
        EXPECT_TRUE(span_eq(strbuf_span(&text), give_back(&r)));
        close_room(&r);
        strbuf_release(&text);
    }
}

RUN_TESTS(TEST(unedited_it_is_the_same), TEST(edits_keep_the_lines_below_them_in_step), TEST(what_is_long_is_the_same))
