/* tests/unit/test_url_bombs.c - texts that are made to be slow: each byte is looked at a few times at most, and what is
 * kept stays small. Nothing is timed here: a text that took quadratic time would not end within the test's limit.
 */
#include <stdlib.h>

#include "gateway/base/strbuf.h"
#include "gateway/content/url.h"
#include "tests/kit/expect.h"
#include "tests/kit/url_pieces.h"

enum { BOMB_BYTES = 400 * 1000, KEPT_MOST = 64 * 1024 * 1024 };

static void expect_an_end(const char *piece)
{
    struct span s = span_of(piece);
    struct urls urls = { 0 };
    struct arena a;
    char *text = malloc(BOMB_BYTES);

    for (size_t i = 0; i < BOMB_BYTES; i++)
        text[i] = s.ptr[i % s.len];
    arena_init(&a, SIZE_MAX);
    urls_in_text(&a, &urls, span_make(text, BOMB_BYTES), URL_TEXT, SPAN(""));
    urls_add(&a, &urls, span_make(text, BOMB_BYTES), SPAN(""), span_make(text, BOMB_BYTES), URL_LINK, 0);
    EXPECT_TRUE(urls.count <= URLS_MAX);
    EXPECT_TRUE(urls.email_count <= EMAILS_MAX);
    EXPECT_TRUE(a.used_bytes < KEPT_MOST);
    arena_release(&a);
    free(text);
}

static void texts_of_one_piece_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(url_pieces); i++)
        expect_an_end(url_pieces[i]);
}

static void different_urls_are_bounded(void **state)
{
    struct urls urls = { 0 };
    struct strbuf text;
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&text, 5 * BOMB_BYTES);
    for (int i = 0; i < 20000; i++)
        strbuf_putf(&text, "http://h%d.com/?u=http://a%d.com x%d@a.com\n", i, i, i);
    urls_in_text(&a, &urls, strbuf_span(&text), URL_HIDDEN, SPAN(""));
    EXPECT_INT(URLS_MAX / 2, urls.count);
    EXPECT_TRUE(urls.is_cut);
    strbuf_release(&text);
    arena_release(&a);
}

/* What is hidden must not use up the room of what is seen. */
static void hidden_urls_leave_room(void **state)
{
    struct urls urls = { 0 };
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (int i = 0; i < URLS_MAX; i++)
        urls_add(&a, &urls, span_of(arena_printf(&a, "http://h%d.com/", i)), SPAN(""), SPAN(""), URL_HIDDEN, 0);
    EXPECT_TRUE(urls.is_cut);
    const struct url *u = urls_add(&a, &urls, SPAN("http://seen.com/"), SPAN(""), SPAN(""), URL_LINK, 0);

    EXPECT_STR("seen.com", u->host);
    arena_release(&a);
}

/* What stands behind as many as are read is not looked at, and links still are where a text says one all the time. */
static void texts_are_left_where_nothing_can_be_added(void **state)
{
    struct urls urls = { 0 }, again = { 0 };
    struct strbuf text;
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&text, 20 * BOMB_BYTES);
    strbuf_puts(&text, "http://first.com/ ");
    for (int i = 1; i < URL_READS_MAX; i++)
        strbuf_putf(&text, "http://h%d.com/ ", i);
    for (int i = 0; i < 100; i++)
        strbuf_puts(&text, "http://first.com/ ");
    urls_in_text(&a, &urls, strbuf_span(&text), URL_TEXT, SPAN(""));
    EXPECT_INT(1, urls.items[0].count);
    EXPECT_TRUE(urls.is_cut);

    strbuf_clear(&text);
    for (int i = 0; i < URL_AGAIN_MAX + 100; i++)
        strbuf_puts(&text, "http://first.com/ ");
    urls_in_text(&a, &again, strbuf_span(&text), URL_TEXT, SPAN(""));
    EXPECT_INT(URL_AGAIN_MAX + 1, again.items[0].count);
    EXPECT_TRUE(again.is_cut);
    EXPECT_TRUE(urls_add(&a, &again, SPAN("http://other.com/"), SPAN(""), SPAN(""), URL_LINK, 0) != NULL);
    strbuf_release(&text);
    arena_release(&a);
}

RUN_TESTS(TEST(texts_of_one_piece_end), TEST(different_urls_are_bounded), TEST(hidden_urls_leave_room),
          TEST(texts_are_left_where_nothing_can_be_added))
