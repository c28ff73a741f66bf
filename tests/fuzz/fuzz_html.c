/* tests/fuzz/fuzz_html.c - HTML of anybody's making.
 *
 * Whatever the bytes (made valid UTF-8, as mime_text() does): what comes out is valid UTF-8 and within its bounds.
 */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text, size_t most)
{
    if (text.len > most || !utf8_is_valid(text))
        BUG("text of %zu bytes is too long or no UTF-8", text.len);
}

static void check(const struct html *h, size_t size)
{
    static const char *const names[] = { "comment", "script", "title", "anchor" };

    check_text(h->shown, size * 6 / 5 + 3 * h->tag_count);
    check_text(h->hidden, size * 6 / 5 + 3 * h->tag_count);
    check_text(h->outlook, size * 6 / 5 + 3 * h->tag_count);
    check_text(h->rendered, size * 6 / 5 + 2 * h->tag_count);
    for (size_t i = 0; i < h->link_count; i++) {
        check_text(h->links[i].target, size * 6 / 5);
        check_text(h->links[i].text, HTML_LINK_TEXT_MAX);
        if (!h->links[i].target.len)
            BUG("a link to nowhere");
    }
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t k = 0; k < html_strings(h, names[i])->count; k++)
            check_text(html_strings(h, names[i])->items[k], size * 6 / 5 + 6 * h->tag_count);
    for (size_t i = 0; i < h->tag_kinds; i++)
        if (!h->tags[i].name.len || h->tags[i].inside > h->tags[i].opened)
            BUG("a tag that cannot be");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    char *text = arena_alloc(&arena, size + 1);

    for (size_t i = 0; i < size;) {
        size_t n = utf8_length(span_make((const char *)data + i, size - i));

        memcpy(text + i, n ? (const char *)data + i : "?", n ? n : 1);
        i += n ? n : 1;
    }
    const struct html *h = html_read(&arena, span_make(text, size));

    check(h, size);
    arena_release(&arena);
    return 0;
}
