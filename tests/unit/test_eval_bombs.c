/* tests/unit/test_eval_bombs.c - messages that are made so that an eval function is slow. Nothing is timed here: one
 * that took quadratic time would not end within the test's limit.
 */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

enum { HEADER_BYTES = 900 * 1000, FIELD_BYTES = 8000, TEXT_BYTES = 600 * 1000, LEVELS = 36, TIMES = 30 };

static void put_again(struct strbuf *b, const char *piece, size_t bytes)
{
    for (size_t end = b->len + bytes; b->len < end;)
        strbuf_puts(b, piece);
}

static struct eval_desk *desk_of(struct strbuf *b)
{
    struct eval_desk *d = eval_desk_open_bytes(strbuf_span(b));

    strbuf_release(b);
    return d;
}

static void charsets_that_never_end(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, "Subject: ");
    put_again(&b, "=?a", HEADER_BYTES);
    strbuf_puts(&b, "?=\n\n");
    struct eval_desk *d = desk_of(&b);

    for (int i = 0; i < TIMES / 10; i++)
        EXPECT_INT(0, EVAL(d, "check_for_faraway_charset_in_headers"));
    eval_desk_close(d);
}

static void a_recipient_that_nearly_is_in_the_subject(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, "To: ");
    put_again(&b, "a", FIELD_BYTES);
    strbuf_puts(&b, "b@example.net\n");
    while (b.len < HEADER_BYTES) {
        strbuf_puts(&b, "Subject: ");
        put_again(&b, "a", FIELD_BYTES);
        strbuf_puts(&b, "\n");
    }
    strbuf_puts(&b, "\n");
    struct eval_desk *d = desk_of(&b);

    for (int i = 0; i < TIMES; i++)
        EXPECT_INT(0, EVAL(d, "check_for_to_in_subject", "address"));
    eval_desk_close(d);
}

/* Each would have the words of all that are in it. */
static void alternatives_in_alternatives(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 4 << 20);
    strbuf_puts(&b, "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b0\n\n");
    for (int i = 0; i < LEVELS; i++)
        strbuf_putf(&b, "--b%d\nContent-Type: multipart/alternative; boundary=b%d\n\n", i, i + 1);
    strbuf_putf(&b, "--b%d\nContent-Type: text/plain\n\n", LEVELS);
    put_again(&b, "a b ", TEXT_BYTES);
    strbuf_putf(&b, "\n--b%d\nContent-Type: text/html\n\n", LEVELS);
    put_again(&b, "c ", TEXT_BYTES);
    strbuf_puts(&b, "\n");
    struct eval_desk *d = desk_of(&b);

    eval_desk_scan(d, NULL);
    size_t before = d->arena.used_bytes;

    EXPECT_INT(1, EVAL(d, "multipart_alternative_difference", "99", "100"));
    EXPECT_TRUE(d->arena.used_bytes - before < (size_t)32 << 20);
    eval_desk_close(d);
}

RUN_TESTS(TEST(charsets_that_never_end), TEST(a_recipient_that_nearly_is_in_the_subject),
          TEST(alternatives_in_alternatives))
