/* tests/unit/test_edit.c - header fields put on top, taken out, replaced. */
#include "tests/kit/expect.h"

#include "gateway/base/strbuf.h"
#include "gateway/mail/edit.h"

static void the_edited_message_is_our_lines_and_the_old_bytes(void **state)
{
    static const struct message_limits limits = { 10000, 100 };
    struct message *m = message_new(SPAN("A: 1\r\nB: 2\r\n x\r\nC: 3\r\nB: 4\r\n\r\nbody\r\n"), &limits);
    struct arena arena;
    struct edits e;
    struct pieces p;
    struct strbuf out;

    (void)state;
    arena_init(&arena, 1 << 20);
    strbuf_init(&out, 1 << 20);
    edits_init(&e, &arena);
    edits_prepend(&e, "Second", SPAN("two\r\n\tfolded"));
    edits_prepend(&e, "First", SPAN("one\r\nInjected: x\n"));
    edits_remove(&e, header_find(&m->header, "B", 0));
    edits_replace(&e, header_find(&m->header, "C", 0), SPAN("three"));
    edits_remove(&e, header_find(&m->header, "B", 1));
    edits_apply(&e, m, &p);
    for (size_t i = 0; i < p.count; i++)
        strbuf_put(&out, p.items[i]);
    EXPECT_SPAN("First: one  Injected: x \r\nSecond: two\r\n\tfolded\r\nA: 1\r\nC: three\r\n\r\nbody\r\n",
                strbuf_span(&out));
    EXPECT_INT(out.len, p.bytes);
    strbuf_release(&out);
    arena_release(&arena);
    message_free(m);
}

/* Else whoever sends " dkim=pass" as his first line would write into the last field of ours. */
static void a_message_that_begins_with_a_blank_does_not_continue_our_field(void **state)
{
    static const struct message_limits limits = { 10000, 100 };
    struct message *m = message_new(SPAN(" dkim=pass\r\nA: 1\r\n\r\nbody\r\n"), &limits);
    struct arena arena;
    struct edits e;
    struct pieces p;
    struct strbuf out;

    (void)state;
    arena_init(&arena, 1 << 20);
    strbuf_init(&out, 1 << 20);
    edits_init(&e, &arena);
    edits_prepend(&e, "Ours", SPAN("dkim=none"));
    edits_apply(&e, m, &p);
    for (size_t i = 0; i < p.count; i++)
        strbuf_put(&out, p.items[i]);
    EXPECT_SPAN("Ours: dkim=none\r\n\r\n dkim=pass\r\nA: 1\r\n\r\nbody\r\n", strbuf_span(&out));
    EXPECT_INT(out.len, p.bytes);
    strbuf_release(&out);
    arena_release(&arena);
    message_free(m);
}

/* What we took for the body must not be read as a part of our fields, nor as fields, by those behind us. */
static void the_header_ends_where_we_saw_it_end(void **state)
{
    static const struct {
        const char *message, *edited;
    } cases[] = {
        { " dmarc=pass\r\nFrom: a\r\n\r\nb\r\n", "Ours: 1\r\n\r\n dmarc=pass\r\nFrom: a\r\n\r\nb\r\n" },
        { "\tx\r\n", "Ours: 1\r\n\r\n\tx\r\n" },
        { "no field\r\nFrom: a\r\n\r\nb\r\n", "Ours: 1\r\n\r\nno field\r\nFrom: a\r\n\r\nb\r\n" },
        { "From: a\r\nno field\r\nFrom: b\r\n", "Ours: 1\r\nFrom: a\r\n\r\nno field\r\nFrom: b\r\n" },
        { "\r\nb\r\n", "Ours: 1\r\n\r\nb\r\n" },
        { "From: a\r\n", "Ours: 1\r\nFrom: a\r\n" },
        { "", "Ours: 1\r\n" },
    };
    static const struct message_limits limits = { 10000, 100 };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message *m = message_new(span_of(cases[i].message), &limits);
        struct arena arena;
        struct edits e;
        struct pieces p;
        struct strbuf out;

        arena_init(&arena, 1 << 20);
        strbuf_init(&out, 1 << 20);
        edits_init(&e, &arena);
        edits_prepend(&e, "Ours", SPAN("1"));
        edits_apply(&e, m, &p);
        for (size_t n = 0; n < p.count; n++)
            strbuf_put(&out, p.items[n]);
        EXPECT_SPAN(cases[i].edited, strbuf_span(&out));
        EXPECT_INT(out.len, p.bytes);
        strbuf_release(&out);
        arena_release(&arena);
        message_free(m);
    }
}

RUN_TESTS(TEST(the_edited_message_is_our_lines_and_the_old_bytes),
          TEST(a_message_that_begins_with_a_blank_does_not_continue_our_field),
          TEST(the_header_ends_where_we_saw_it_end))
