/* tests/unit/test_html_bombs.c - HTML that was made to be slow or to grow: half a megabyte of each kind. What is not
 * linear in time does not end before the test's limit. */
#include "gateway/base/strbuf.h"
#include "gateway/content/html.h"
#include "tests/kit/expect.h"

enum { BOMB_BYTES = 1 << 19 };

/* before, then `unit` again and again, then after. */
static const struct bomb {
    const char *before, *unit, *after;
} bombs[] = {
    { "<a ", "a b=c ", ">" },
    { "<a ", "href=x style=y class=z ", ">" },
    { "<style>.a{color:red}</style><p class=\"", "a b c ", "\">x" },
    { "", "<style>.a,#b,p.c{color:red}</style><p class='a b c' id=b>x", "" },
    { "<style>", "a,.b,#c,", "{color:red}</style>" },
    { "<style>", ".a{color:red!important}#b{opacity:1}", "" },
    { "<style>", "/*", "" },
    { "<style>", "{", "" },
    { "<style>", "@media{", "" },
    { "<style>.a{", "\"", "" },
    { "", "<div>", "" },
    { "<div><div><div>", "</b>", "" },
    { "<b><div><div><div><div><div><div><div><div>", "</b><b>x", "" },
    { "", "<font color=red><div></font>", "" },
    { "", "<p><table><td><span>", "" },
    { "", "<li>", "" },
    { "", "<ul><li>", "" },
    { "<table>", "<td>", "" },
    { "<table>", "<tr><td><font>", "" },
    { "", "<!--", "" },
    { "<!--", "->", "" },
    { "", "<!---->", "" },
    { "", "<", "" },
    { "", "</", "" },
    { "", "<title>", "" },
    { "", "<svg><style>", "" },
    { "", "<svg><title><style>", "" },
    { "<svg>", "<g>", "" },
    { "<svg>", "<![CDATA[", "" },
    { "<svg>", "<![CDATA[]]>", "" },
    { "<style>", "@import", "" },
    { "<style>", "@import \"", "" },
    { "<style>@media (min-width:1px)", " and (min-width:1px)", "{.a{color:red}}" },
    { "<style>@media (", "(", "{.a{color:red}}" },
    { "", "<iframe src=data:text/html,<iframe></iframe>", "" },
    { "<iframe src='", "data:text/html,<iframe src=", "'>" },
    { "<b><b><b><b>", "<i></b>", "" },
    { "", "<!", "" },
    { "", "<p", "" },
    { "", "<p x='", "" },
    { "", "<script>", "" },
    { "<script>", "</scrip", "" },
    { "", "<script>eval(</script>", "" },
    { "", "<iframe><iframe></iframe>", "" },
    { "", "<noframes><noembed><noframes>", "" },
    { "", "<!--[if mso]><a href=x>x<![endif]-->", "" },
    { "<!--[if mso]>", "<a href=x>x", "<![endif]-->" },
    { "", "&", "" },
    { "", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "" },
    { "", "&#1111111111;", "" },
    { "", "&nGt;", "" },
    { "<p style=\"", "color:red;", "\">x" },
    { "<p style=\"", "(", "\">x" },
    { "<p style=\"", "/*", "\">x" },
    { "<p style=\"", "/**/:", "\">x" },
    { "<p style=\"", "\\61 ", "\">x" },
    { "<p style=\"font-size:", "1", "\">x" },
    { "<p style=\"background:", "red,", "\">x" },
    { "", "<a href=x>t", "" },
    { "<a href=x>", "text <div>", "" },
    { "<a href=\"", "\n", "\">x" },
    { "", "<x-a><x-b><x-c>", "" },
    { "<meta http-equiv=refresh content=\"", "url", "\">" },
    { "<font face=\"", "aa,", "\">" },
    { "", "<a>x</a>", "" },
    { "<iframe srcdoc=\"", "&lt;b>", "\"></iframe>" },
    { "<iframe srcdoc=\"", "&lt;iframe srcdoc=", "\"></iframe>" },
    { "", "\xe2\x80\x9c", "" },
    { "<pre>", "\n", "" },
};

static void expect_bounds(const struct html *h, size_t length)
{
    EXPECT_TRUE(h->shown.len + h->hidden.len <= 2 * length);
    EXPECT_TRUE(h->rendered.len <= 2 * length);
    EXPECT_TRUE(h->link_count <= HTML_LINKS_MAX);
    EXPECT_TRUE(h->tag_kinds <= HTML_TAG_KINDS_MAX);
    EXPECT_TRUE(h->comments.count <= HTML_STRINGS_MAX);
    EXPECT_TRUE(h->scripts.count <= HTML_STRINGS_MAX);
}

static void a_bomb_costs_what_its_bytes_cost(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 2 * BOMB_BYTES);
    for (size_t i = 0; i < COUNT(bombs); i++) {
        struct arena arena;

        arena_init(&arena, SIZE_MAX);
        strbuf_clear(&b);
        strbuf_puts(&b, bombs[i].before);
        while (b.len < BOMB_BYTES)
            strbuf_puts(&b, bombs[i].unit);
        strbuf_puts(&b, bombs[i].after);
        expect_bounds(html_read(&arena, strbuf_span(&b)), b.len);
        if (arena.used_bytes > 16 * b.len)
            fail_msg("%s: %zu bytes of memory for %zu", bombs[i].unit, arena.used_bytes, b.len);
        arena_release(&arena);
    }
    strbuf_release(&b);
}

static const struct html *repeated(struct arena *a, const char *unit, size_t times)
{
    size_t len = strlen(unit);
    char *text = arena_alloc(a, len * times);

    for (size_t i = 0; i < times; i++)
        memcpy(text + i * len, unit, len);
    return html_read(a, span_make(text, len * times));
}

static void what_is_beyond_a_limit_is_said(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    EXPECT_INT(HTML_TOO_DEEP, repeated(&a, "<i>x", HTML_DEPTH_MAX + 1)->facts);
    EXPECT_INT(0, repeated(&a, "<i>x", HTML_DEPTH_MAX)->facts);
    EXPECT_INT(0, repeated(&a, "<i>x</i>", HTML_DEPTH_MAX + 1)->facts);
    EXPECT_INT(HTML_TOO_MUCH, repeated(&a, "<area href=x>", HTML_LINKS_MAX + 1)->facts);
    EXPECT_INT(0, repeated(&a, "<area href=x>", HTML_LINKS_MAX)->facts);
    EXPECT_INT(HTML_TOO_MUCH, repeated(&a, "<img src=x>", HTML_LINKS_MAX / 2 + 1)->facts);
    EXPECT_INT(0, repeated(&a, "<img src=x>", HTML_LINKS_MAX / 2)->facts);
    EXPECT_INT(HTML_TOO_MUCH, repeated(&a, "<!--x--><b>", HTML_STRINGS_MAX + 1)->facts & HTML_TOO_MUCH);
    const struct html *h = repeated(&a, "<b>0123456789", HTML_TEXT_MAX / 10 + 1);

    EXPECT_INT(HTML_TOO_MUCH, h->facts & HTML_TOO_MUCH);
    EXPECT_INT(HTML_TEXT_MAX, h->shown.len);
    EXPECT_INT(HTML_TEXT_MAX, h->rendered.len);
    arena_release(&a);
}

/* What is fetched or hidden leaves room for what is clicked on. */
static void pictures_leave_room_for_links(void **state)
{
    static const char *const units[] = { "<img src=x>", "<a hidden href=x></a>", "<link href=x>" };

    (void)state;
    for (size_t i = 0; i < COUNT(units); i++) {
        struct arena a;
        struct strbuf b;

        arena_init(&a, SIZE_MAX);
        strbuf_init(&b, 1 << 20);
        for (int k = 0; k < HTML_LINKS_MAX; k++)
            strbuf_puts(&b, units[i]);
        strbuf_puts(&b, "<a href=clicked>here</a>");
        const struct html *h = html_read(&a, strbuf_span(&b));

        EXPECT_SPAN("clicked", h->links[h->link_count - 1].target);
        EXPECT_TRUE(h->facts & HTML_TOO_MUCH);
        strbuf_release(&b);
        arena_release(&a);
    }
}

/* What is too deep to be remembered is closed all the same. */
static void depth_does_not_confuse_what_is_hidden(void **state)
{
    struct arena a;
    struct strbuf b;

    (void)state;
    arena_init(&a, SIZE_MAX);
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, "<div style='display:none'>");
    for (int i = 0; i < 1000; i++)
        strbuf_puts(&b, "<div>");
    for (int i = 0; i < 1000; i++)
        strbuf_puts(&b, "</div>");
    strbuf_puts(&b, "hidden</div>shown");
    const struct html *h = html_read(&a, strbuf_span(&b));

    EXPECT_SPAN("hidden", h->hidden);
    EXPECT_SPAN("shown", h->shown);
    strbuf_release(&b);
    arena_release(&a);
}

RUN_TESTS(TEST(a_bomb_costs_what_its_bytes_cost), TEST(what_is_beyond_a_limit_is_said),
          TEST(pictures_leave_room_for_links), TEST(depth_does_not_confuse_what_is_hidden))
