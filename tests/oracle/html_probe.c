/* tests/oracle/html_probe.c - what html_read() makes of HTML, for tests that compare it with other readers.
 *
 * Standard input: parts, each as "LENGTH LF" and so many bytes of UTF-8. Standard output: a line of JSON for each.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/content/html.h"

static json_t *text_of(struct span s)
{
    return json_stringn(s.len ? s.ptr : "", s.len);
}

static void add_strings(json_t *out, const char *name, const struct html_strings *strings)
{
    json_t *list = json_array();

    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(list, text_of(strings->items[i]));
    json_object_set_new(out, name, list);
}

static void add_results(json_t *out, const struct html *h)
{
    static const char *const names[] = {
        "length",        "html_length",        "non_space_len",     "ratio",
        "min_size",      "max_size",           "image_area",        "closed_extra_ratio",
        "embeds",        "form_action_mailto", "font_low_contrast", "font_invalid_color",
        "bad_tag_ratio", "non_element_ratio",  "obfuscation_ratio", "font_face_bad",
    };
    json_t *results = json_object();

    for (size_t i = 0; i < COUNT(names); i++) {
        double value;

        if (html_result(h, names[i], &value))
            json_object_set_new(results, names[i], json_real(value));
    }
    json_object_set_new(out, "results", results);
}

static void add_links(json_t *out, const struct html *h)
{
    json_t *links = json_array();

    for (size_t i = 0; i < h->link_count; i++)
        json_array_append_new(links, json_pack("{s:i,s:o,s:o,s:b}", "kind", (int)h->links[i].kind, "target",
                                               text_of(h->links[i].target), "text", text_of(h->links[i].text), "hidden",
                                               h->links[i].is_hidden));
    json_object_set_new(out, "links", links);
}

static void add_tags(json_t *out, const struct html *h)
{
    json_t *tags = json_object();

    for (size_t i = 0; i < h->tag_kinds; i++)
        json_object_setn_new_nocheck(tags, h->tags[i].name.ptr, h->tags[i].name.len, json_integer(h->tags[i].inside));
    json_object_set_new(out, "inside", tags);
}

static void print_part(const struct html *h)
{
    json_t *out = json_pack("{s:o,s:o,s:o,s:o,s:o,s:i,s:i}", "shown", text_of(h->shown), "hidden", text_of(h->hidden),
                            "outlook", text_of(h->outlook), "rendered", text_of(h->rendered), "title",
                            text_of(h->title), "facts", (int)h->facts, "hidings", (int)h->hidings);

    add_strings(out, "comment", &h->comments);
    add_strings(out, "script", &h->scripts);
    add_strings(out, "anchor", &h->anchors);
    add_results(out, h);
    add_links(out, h);
    add_tags(out, h);
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
}

int main(void)
{
    struct arena arena;
    size_t length;

    arena_init(&arena, SIZE_MAX);
    while (scanf("%zu", &length) == 1 && getchar() == '\n') {
        char *bytes = arena_alloc(&arena, length + 1);

        if (fread(bytes, 1, length, stdin) != length)
            return 1;
        print_part(html_read(&arena, span_make(bytes, length)));
        arena_clear(&arena);
    }
    arena_release(&arena);
    return 0;
}
