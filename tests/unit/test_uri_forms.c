/* tests/unit/test_uri_forms.c - one address in all the ways that rules may ask for it. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "rules/view/uris.h"

static bool to_query(void *arg, struct span uri, struct span *target)
{
    size_t at = span_search(uri, SPAN("q="));

    ++*(unsigned *)arg;
    *target = span_skip(uri, at + 2);
    return at != SPAN_NPOS;
}

static void an_address_has_these_forms(void **state)
{
    static const struct {
        const char *uri;
        const char *want[6];
    } cases[] = {
        { "http://www.example.com/", { "http://www.example.com/" } },
        { " http://www.example.com/\n", { "http://www.example.com/" } },
        { "http://www.example%2Ecom/%41%20b", { "http://www.example%2Ecom/%41%20b", "http://www.example.com/A%20b" } },
        { "http:\\\\www.example.com\\x", { "http:\\\\www.example.com\\x", "http://www.example.com/x" } },
        { "http:www.example.com", { "http:www.example.com", "http://www.example.com" } },
        { "www.example.com?a", { "www.example.com?a", "http://www.example.com/?a" } },
        { "http://&#119;ww.example&#x2e;com/", { "http://&#119;ww.example&#x2e;com/", "http://www.example.com/" } },
        { "http://bank.example@evil.example/", { "http://bank.example@evil.example/", "http://evil.example/" } },
        { "http://www.example.com:80/x", { "http://www.example.com:80/x", "http://www.example.com/x" } },
        { "https://www.example.com:80/x", { "https://www.example.com:80/x" } },
        { "http://WWW.Example.COM./", { "http://WWW.Example.COM./", "http://WWW.Example.COM/" } },
        { "http://0x7f.0.0.01/", { "http://0x7f.0.0.01/", "http://127.0.0.1/" } },
        { "http://3221225985/x", { "http://3221225985/x", "http://192.0.2.1/x" } },
        { "http://r.example/?u=http://t.example/&x",
          { "http://r.example/?u=http://t.example/&x", "http://t.example/" } },
        { "http://r.example/?q=t.example/", { "http://r.example/?q=t.example/", "t.example/", "http://t.example/" } },
        { "http://b\xc3\xbc"
          "cher.example/",
          { "http://b\xc3\xbc"
            "cher.example/",
            "http://xn--bcher-kva.example/" } },
        { "mailto:a@example.org?subject=x", { "mailto:a@example.org?subject=x", "mailto:a@example.org" } },
        { "mailto:%20a@example.org", { "mailto:%20a@example.org", "mailto:a@example.org" } },
        { "#top", { "#top" } },
        { "/image.gif", { "/image.gif" } },
        { "//www.example.com/", { "//www.example.com/", "http:////www.example.com/" } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uri_list list;
        struct arena a;
        unsigned asked = 0;
        size_t wanted = 0;

        arena_init(&a, 1 << 20);
        uri_list_init(&list, &a);
        uri_forms(&list, span_of(cases[i].uri), to_query, &asked);
        while (wanted < 6 && cases[i].want[wanted])
            wanted++;
        for (size_t k = 0; k < list.lines.count && k < wanted; k++)
            EXPECT_SPAN(cases[i].want[k], list.lines.items[k]);
        EXPECT_INT(wanted, list.lines.count);
        arena_release(&a);
    }
}

static void each_stands_once(void **state)
{
    struct uri_list list;
    struct arena a;
    char text[40];

    (void)state;
    arena_init(&a, 1 << 20);
    uri_list_init(&list, &a);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(text, sizeof text, "http://h%d.example/", i);
            EXPECT_INT(round == 0, uri_list_put(&list, arena_copy(&a, span_of(text))));
        }
    EXPECT_INT(1000, list.lines.count);
    arena_release(&a);
}

/* Redirections that lead on and on, and more than there is room for. */
static void bombs_are_bounded(void **state)
{
    enum { BYTES = 8000 };
    struct uri_list list;
    struct arena a;
    char *text = mem_alloc(BYTES + 1);
    unsigned asked = 0;

    (void)state;
    arena_init(&a, 1 << 20);
    uri_list_init(&list, &a);
    for (size_t i = 0; i + 13 <= BYTES; i += 13)
        memcpy(text + i, "http://a.b/q=", 13);
    uri_forms(&list, span_of(text), to_query, &asked);
    EXPECT_INT(URI_TARGETS_MAX, asked);
    EXPECT_TRUE(list.lines.count <= URI_TARGETS_MAX * 3);
    for (int i = 0; i < 1000; i++) {
        text[11] = (char)('a' + i % 26);
        text[12] = (char)('a' + i / 26);
        uri_forms(&list, arena_copy(&a, span_of(text)), to_query, &asked);
    }
    EXPECT_TRUE(list.bytes_left < BYTES);
    EXPECT_TRUE(asked < URIS_BYTES_MAX / BYTES * 2);
    free(text);
    arena_release(&a);
}

RUN_TESTS(TEST(an_address_has_these_forms), TEST(each_stands_once), TEST(bombs_are_bounded))
