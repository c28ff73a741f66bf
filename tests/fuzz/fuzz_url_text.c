/* tests/fuzz/fuzz_url_text.c - a text and links full of URLs: what is found is bounded, is a URL each, and tells truly
 * what it was taken out of. The first line is a base, the second a target.
 */
#include "gateway/base/bug.h"
#include "gateway/content/url.h"

static void check_urls(struct arena *a, const struct urls *urls)
{
    if (urls->count > URLS_MAX || urls->email_count > EMAILS_MAX)
        BUG("more than there is room for");
    for (size_t i = 0; i < urls->count; i++) {
        const struct url *u = &urls->items[i];
        struct url again;

        if (u->wrapper >= (int)i || u->wrapper < -1)
            BUG("a URL was taken out of a later one");
        if ((u->source == URL_WRAPPED) != (u->wrapper >= 0) || !(u->sources >> u->source & 1) || !u->count)
            BUG("a URL does not know where it stood");
        if (u->host[0] && !(u->flags & URL_LONG) && !url_read(a, u->text, &again))
            BUG("a URL is none");
    }
    for (size_t i = 0; i < urls->email_count; i++)
        if (!urls->emails[i].local.len || !urls->emails[i].domain[0] || !urls->emails[i].key.len)
            BUG("an address has no parts");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size), rest = text, base, target;
    struct urls urls = { 0 };
    struct arena a;

    arena_init(&a, SIZE_MAX);
    urls_in_text(&a, &urls, text, URL_TEXT, SPAN(""));
    if (span_cut(&rest, '\n', &base) && span_cut(&rest, '\n', &target))
        urls_add(&a, &urls, target, base, rest.ptr ? rest : SPAN(""), URL_LINK, 0);
    check_urls(&a, &urls);
    arena_release(&a);
    return 0;
}
