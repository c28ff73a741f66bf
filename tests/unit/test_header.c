/* tests/unit/test_header.c - the header section's index. */
#include "tests/kit/expect.h"

#include "gateway/mail/header.h"

static struct arena arena;

static struct header_index parse(struct span message, size_t most_bytes, size_t most_fields)
{
    struct header_index h;

    header_parse(&arena, message, most_bytes, most_fields, &h);
    return h;
}

static void fields_are_found_where_they_lie(void **state)
{
    struct header_index h = parse(SPAN("From: a\r\nTo: b,\r\n c\r\nfrom:d\r\n\r\nbody\r\n"), 1000, 10);

    (void)state;
    EXPECT_INT(3, h.count);
    EXPECT_INT(HEADER_OK, h.anomalies);
    EXPECT_INT(31, h.body_at);
    EXPECT_SPAN(" b,\r\n c", header_find(&h, "to", 0)->body);
    EXPECT_SPAN("To: b,\r\n c\r\n", header_find(&h, "to", 0)->whole);
    EXPECT_SPAN("d", header_find(&h, "FROM", 1)->body);
    EXPECT_NULL(header_find(&h, "from", 2));
    EXPECT_INT(2, header_count(&h, "From"));
    EXPECT_SPAN("b, c", header_unfold(&arena, header_find(&h, "to", 0)->body));
    arena_release(&arena);
}

static void oddities_are_told(void **state)
{
    static const struct {
        const char *text;
        size_t fields, body_at;
        unsigned anomalies;
    } cases[] = {
        { "", 0, 0, HEADER_NO_END },
        { "\r\nbody", 0, 2, 0 },
        { "A: b\r\n", 1, 6, HEADER_NO_END },
        { "A: b", 1, 4, HEADER_NO_END },
        { "A: b\r\nno field\r\n\r\nx", 1, 6, HEADER_BAD_LINE },
        { " folded\r\nA: b\r\n\r\n", 0, 0, HEADER_BAD_LINE | HEADER_STARTS_FOLDED },
        { "A : b\r\n\r\n", 1, 9, HEADER_BLANK_NAME },
        { ": b\r\n\r\n", 0, 0, HEADER_BAD_LINE },
        { "A: \xff\r\n\r\n", 1, 8, HEADER_8BIT },
        { "A: b\r\nB: c\r\nC: d\r\nD: e\r\n\r\n", 3, 18, HEADER_TOO_MANY },
        { "A: 01234567890123456789\r\nB: c\r\n\r\n", 1, 25, HEADER_TOO_LONG },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header_index h = parse(span_of(cases[i].text), 28, 3);

        EXPECT_INT(cases[i].fields, h.count);
        EXPECT_INT(cases[i].anomalies, h.anomalies);
        EXPECT_INT(cases[i].body_at, h.body_at);
    }
    struct header_index h = parse(SPAN("A: b\0c\r\n\r\n"), 100, 3);

    EXPECT_INT(HEADER_NUL, h.anomalies);
    arena_release(&arena);
}

RUN_TESTS(TEST(fields_are_found_where_they_lie), TEST(oddities_are_told))
