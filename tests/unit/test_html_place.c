/* tests/unit/test_html_place.c - tags that browsers leave out, or put elsewhere: what is seen all the same. */
#include "gateway/content/html.h"
#include "tests/kit/arena_tests.h"

/* In each case the text "seen" is shown, and its link is one that is clicked. */
static void expect_seen(const char *const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct html *h = html_read(&arena, span_of(cases[i]));
        bool is_clicked = false;

        for (size_t k = 0; k < h->link_count; k++)
            is_clicked |= span_is(h->links[k].target, "http://e.example") && html_is_clicked(&h->links[k]);
        if (span_search(h->shown, SPAN("seen")) == SPAN_NPOS || (strstr(cases[i], "href") && !is_clicked))
            fail_msg("%s: shown \"%.*s\", hidden \"%.*s\"", cases[i], SPAN_ARG(h->shown), SPAN_ARG(h->hidden));
    }
}

static void expect_unseen(const char *const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct html *h = html_read(&arena, span_of(cases[i]));

        if (span_search(h->shown, SPAN("unseen")) != SPAN_NPOS)
            fail_msg("%s: shown \"%.*s\", hidden \"%.*s\"", cases[i], SPAN_ARG(h->shown), SPAN_ARG(h->hidden));
    }
}

#define NONE "style='display:none'"
#define LINK "<a href=http://e.example>seen</a>"

static void tables(void **state)
{
    static const char *const seen[] = {
        "<tr " NONE ">" LINK,
        "<td " NONE ">" LINK,
        "<tbody " NONE ">" LINK,
        "<caption " NONE ">" LINK,
        "<colgroup " NONE ">" LINK,
        "<table " NONE ">" LINK "</table>",
        "<table><tr " NONE ">" LINK "</table>",
        "<table " NONE "><tr><div>" LINK "</div></table>",
        "<table " NONE "><table><tr><td>" LINK,
        "<table " NONE "><tr><td>x</td><table><tr><td>" LINK,
        "<table " NONE "><div><table><tr><td>" LINK,
        "<table><tbody " NONE "><tr><td>x<tbody><tr><td>" LINK,
        "<table><thead " NONE "><tr><td>x<tbody><tr><td>" LINK,
        "<table><tbody " NONE "><tr><td>x<thead><tr><td>" LINK,
        "<table><caption " NONE ">x<tr><td>" LINK,
        "<table><caption " NONE ">x<td>" LINK,
        "<table><colgroup " NONE "><tr><td>" LINK,
        "<table><tbody><p " NONE "><tr><td>" LINK,
        "<table><tr><td " NONE "><div>x<td>" LINK,
        "<table><tr><td " NONE "><div>x<tr><td>" LINK,
        "<table><form " NONE "><tr><td>" LINK,
        "<div><table " NONE "><tr><td>x</table></div>" LINK,
    };
    static const char *const unseen[] = {
        "<table " NONE "><tr><td>unseen</table>",
        "<div " NONE "><table><tr>unseen</table></div>",
        "<table><tr " NONE "><td><table><tr><td>unseen</table></table>",
        "<table><tr><td " NONE "><table><tr><td>x</table>unseen</table>",
        "<table><tbody " NONE "><tr><td>x</td></tr><tr><td>unseen</table>",
        "<table><caption " NONE ">unseen</caption><tr><td>x</table>",
    };

    (void)state;
    expect_seen(seen, COUNT(seen));
    expect_unseen(unseen, COUNT(unseen));
}

static void pages(void **state)
{
    static const char *const seen[] = {
        "<head " NONE "><p>" LINK,
        "<html><head " NONE "><title>x</title>" LINK,
        "<body>x<head " NONE ">" LINK,
        "<body><body " NONE ">" LINK,
        "<body><div><body style='color:white'>" LINK "seen",
        "<html><html " NONE ">" LINK,
        "<p>x<frameset " NONE ">" LINK,
        "<form>x<form " NONE ">" LINK,
        "<form><p " NONE "></form>" LINK,
        "<form " NONE "></form>" LINK,
    };
    static const char *const unseen[] = {
        "<body " NONE ">x</body>unseen",
        "<html " NONE ">x</html>unseen",
        "<form " NONE "><div></form>unseen</div>",
        "<form></form><form " NONE ">unseen</form>",
    };

    (void)state;
    expect_seen(seen, COUNT(seen));
    expect_unseen(unseen, COUNT(unseen));
}

static void elements_that_end_each_other(void **state)
{
    static const char *const seen[] = {
        "<h1 " NONE "><h2>" LINK,
        "<h1 " NONE ">x</h2>" LINK,
        "<nobr " NONE ">x<nobr>" LINK,
        "<button " NONE ">x<button>" LINK,
        "<li " NONE ">x<li>" LINK,
        "<dd " NONE ">x<dt>" LINK,
        "<p " NONE ">x<p>" LINK,
        "<select><div " NONE "></select>" LINK,
        "<select><option " NONE ">x</select>" LINK,
        "<select><div " NONE "><input>" LINK,
        "<select " NONE "><select>" LINK,
    };
    static const char *const unseen[] = {
        "<li " NONE "><ol><li>unseen",
        "<dd " NONE "><dl><dd>unseen",
        "<p " NONE "><option>unseen",
        "<h1 " NONE "><p><b>x</b>unseen</h1>",
    };

    (void)state;
    expect_seen(seen, COUNT(seen));
    expect_unseen(unseen, COUNT(unseen));
}

/* Behind these no style sheet or title begins, whatever the tag says. */
static void what_is_markup_all_the_same(void **state)
{
    static const char *const seen[] = {
        "<select><style></select>" LINK "</style>",
        "<select><title></select>" LINK "</title>",
        "<select><option><xmp></select>" LINK "</xmp>",
        "<svg><form><style><p>" LINK "</style>",
        "<svg><tr><style><p>" LINK "</style>",
        "<svg><font><style><p>" LINK "</style>",
        "<svg><xmp><style><p>" LINK "</style>",
        "<math><mtext><mglyph><style><p>" LINK "</style>",
        "<svg><tr " NONE "></svg>" LINK,
    };

    (void)state;
    expect_seen(seen, COUNT(seen));
    EXPECT_SPAN("", html_read(&arena, SPAN("<svg><font color=red><style>p{} <p>x</style>"))->shown);
    EXPECT_SPAN("", html_read(&arena, SPAN("<svg></p><style>p{} <p>x</style>"))->shown);
    EXPECT_SPAN("", html_read(&arena, SPAN("<mi><mglyph><style>p{} <p>x</style>"))->shown);
    EXPECT_SPAN("y", html_read(&arena, SPAN("<select></select><style>p{} <p>x</style>y"))->shown);
}

/* Nor beyond the depth to which elements are told apart. */
static void nor_deep_down(void **state)
{
    static const char *const tails[] = { "<svg><style><p>" LINK "</style>",
                                         "<select><style></select>" LINK "</style>" };

    (void)state;
    for (size_t i = 0; i < COUNT(tails); i++) {
        char text[HTML_DEPTH_MAX * 5 + 200], *to = text;
        const char *cases[] = { text };

        for (int k = 0; k < HTML_DEPTH_MAX; k++)
            to = stpcpy(to, "<div>");
        stpcpy(to, tails[i]);
        expect_seen(cases, 1);
    }
}

RUN_ARENA_TESTS(TEST(tables), TEST(pages), TEST(elements_that_end_each_other), TEST(what_is_markup_all_the_same),
                TEST(nor_deep_down))
