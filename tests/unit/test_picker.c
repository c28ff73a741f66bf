/* tests/unit/test_picker.c - which header fields a signature means. */
#include "gateway/mail/picker.h"

#include "gateway/base/strbuf.h"
#include "tests/kit/expect.h"

static void fields_are_picked_from_the_lowest_upwards(void **state)
{
    static const char text[] = "A: 1\r\nB: 2\r\na: 3\r\nAB: 4\r\nA: 5\r\n\r\n";
    struct header_index header;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    header_parse(&a, span_of(text), 1 << 20, 100, &header);
    struct picker *p = picker_new(&a, &header);

    for (int again = 0; again < 3; again++) {
        picker_restart(p);
        EXPECT_SPAN(" 5", picker_next(p, SPAN("a"))->body);
        EXPECT_SPAN(" 2", picker_next(p, SPAN("b"))->body);
        EXPECT_SPAN(" 3", picker_next(p, SPAN("A"))->body);
        EXPECT_NULL(picker_next(p, SPAN("C")));
        EXPECT_SPAN(" 1", picker_next(p, SPAN("a"))->body);
        EXPECT_NULL(picker_next(p, SPAN("a")));
        EXPECT_NULL(picker_next(p, SPAN("a")));
        EXPECT_NULL(picker_next(p, SPAN("")));
        EXPECT_NULL(picker_next(p, SPAN("b")));
    }
    picker_restart(p);
    EXPECT_SPAN(" 5", picker_next(p, SPAN("a"))->body);
    picker_restart(p);
    EXPECT_SPAN(" 5", picker_next(p, SPAN("a"))->body);
    arena_release(&a);
}

static void a_message_without_fields_has_none(void **state)
{
    struct header_index header;
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    header_parse(&a, SPAN("\r\nbody"), 1 << 20, 100, &header);
    EXPECT_NULL(picker_next(picker_new(&a, &header), SPAN("from")));
    arena_release(&a);
}

static void thousands_of_names_are_all_found(void **state)
{
    struct header_index header;
    struct strbuf text;
    struct arena a;
    char name[20];

    (void)state;
    arena_init(&a, 1 << 24);
    strbuf_init(&text, 1 << 20);
    for (int i = 0; i < 4000; i++)
        strbuf_putf(&text, "N%d: %d\r\n", i % 2000, i);
    header_parse(&a, strbuf_span(&text), 1 << 20, 5000, &header);
    struct picker *p = picker_new(&a, &header);

    for (int i = 0; i < 4000; i++) {
        const struct header_field *field;

        snprintf(name, sizeof name, "n%d", i % 2000);
        field = picker_next(p, span_of(name));
        EXPECT_TRUE(field == &header.fields[i < 2000 ? i + 2000 : i - 2000]);
    }
    strbuf_release(&text);
    arena_release(&a);
}

RUN_TESTS(TEST(fields_are_picked_from_the_lowest_upwards), TEST(a_message_without_fields_has_none),
          TEST(thousands_of_names_are_all_found))
