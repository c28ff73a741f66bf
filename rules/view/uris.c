/* rules/view/uris.c - the list of a message's addresses for uri rules. rules/view/uri_forms.c makes the forms of one.
 * */
#include "rules/view/uris.h"

#include "rules/sieve/matcher.h"
#include "rules/view/texts.h"

enum { SLOTS_AT_FIRST = 64 };

static uint32_t hash_of(struct span text)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 1099511628211u;
    return (uint32_t)(hash ^ hash >> 32);
}

void uri_list_init(struct uri_list *list, struct arena *a)
{
    *list = (struct uri_list){ .arena = a, .slot_count = SLOTS_AT_FIRST, .bytes_left = URIS_BYTES_MAX };
    list->slots = arena_alloc(a, SLOTS_AT_FIRST * sizeof *list->slots);
}

/* Its slot, or the free one where it belongs. */
static uint32_t *slot_of(const struct uri_list *list, struct span uri)
{
    for (size_t i = hash_of(uri);; i++) {
        uint32_t *slot = &list->slots[i % list->slot_count];

        if (!*slot || span_eq(list->lines.items[*slot - 1], uri))
            return slot;
    }
}

static void widen(struct uri_list *list)
{
    list->slot_count *= 2;
    list->slots = arena_alloc(list->arena, list->slot_count * sizeof *list->slots);
    for (size_t i = 0; i < list->lines.count; i++)
        *slot_of(list, list->lines.items[i]) = (uint32_t)i + 1;
}

bool uri_list_put(struct uri_list *list, struct span uri)
{
    uri = span_first(uri, URI_BYTES_MAX);
    uint32_t *slot = slot_of(list, uri);

    if (*slot || list->lines.count == URIS_MAX)
        return false;
    lines_add(list->arena, &list->lines, &list->room, uri);
    *slot = (uint32_t)list->lines.count;
    if (list->lines.count * 2 > list->slot_count)
        widen(list);
    return true;
}

/* ---- a message's ---- */

struct finder {
    struct scanning *scanning;
};

static bool target_by_pattern(void *arg, struct span uri, struct span *target)
{
    struct scanning *s = ((struct finder *)arg)->scanning;

    return matcher_redirect(s->matcher, s->q->runner, uri, target);
}

static struct span prefixed(struct arena *a, const char *scheme, struct span rest)
{
    struct span out = { arena_printf(a, "%s%.*s", scheme, SPAN_ARG(rest)), strlen(scheme) + rest.len };

    return out;
}

static bool has_scheme(struct span uri)
{
    return span_istarts(uri, SPAN("http:")) || span_istarts(uri, SPAN("https:")) || span_istarts(uri, SPAN("ftp:")) ||
           span_istarts(uri, SPAN("mailto:"));
}

/* As it stood in a text, with the scheme that a reader gives it. */
static struct span written(struct arena *a, struct span raw)
{
    raw = span_first(raw, URI_BYTES_MAX);
    if (has_scheme(raw) || memchr(raw.ptr, 0, raw.len))
        return raw;
    return prefixed(a, span_istarts(raw, SPAN("ftp.")) ? "ftp://" : "http://", raw);
}

static bool is_disguised(const struct url *url)
{
    return url->source == URL_WRAPPED || url->flags & (URL_OBFUSCATED | URL_ESCAPED_HOST | URL_ODD_NUMERIC);
}

enum { OF_TEXT = 1 << URL_TEXT | 1 << URL_SHOWN | 1 << URL_HIDDEN | 1 << URL_DECODED };

struct rule_lines uris_of(struct scanning *s)
{
    struct finder finder = { s };
    struct arena *a = s->q->arena;
    const struct urls *urls = &s->content->urls;
    struct uri_list list;

    uri_list_init(&list, a);
    for (size_t i = 0; i < s->content->text_count; i++) {
        const struct html *html = s->content->texts[i].html;

        for (size_t k = 0; html && k < html->link_count; k++)
            uri_forms(&list, span_first(html->links[k].target, URI_BYTES_MAX), target_by_pattern, &finder);
    }
    for (size_t i = 0; i < urls->count; i++) {
        const struct url *url = &urls->items[i];

        bool is_bare_ip = url->flags & URL_SCHEMELESS && url->flags & URL_NUMERIC_HOST; /* 127.0.0.1: no link */

        if (url->sources & (OF_TEXT | 1 << URL_HEADER) && !is_bare_ip && url->raw.len)
            uri_forms(&list, written(a, url->raw), target_by_pattern, &finder);
        if (is_disguised(url))
            uri_forms(&list, url->text, target_by_pattern, &finder);
    }
    for (size_t i = 0; i < urls->email_count; i++) {
        const struct email *e = &urls->emails[i];

        if (e->sources & OF_TEXT)
            uri_forms(&list, prefixed(a, "mailto:", span_of(arena_printf(a, "%.*s@%s", SPAN_ARG(e->local), e->domain))),
                      NULL, NULL);
    }
    lines_join(a, &list.lines);
    return list.lines;
}
