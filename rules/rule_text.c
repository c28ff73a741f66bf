/* rules/rule_text.c - what a group of rules looks at, put together and sifted. See rules/rule_text.h. */
#include "rules/rule_text.h"

#include "rules/view/texts.h"

enum { STRETCHES_MAX = 32, STRETCH_BYTES_LEAST = 512 };

struct rule_lines rule_text_single(struct arena *a, struct span text)
{
    struct rule_lines lines = { .count = 1, .joined = text };

    lines.items = arena_alloc(a, sizeof *lines.items);
    lines.items[0] = text;
    return lines;
}

struct span rule_text_join(struct arena *a, struct rule_lines values)
{
    if (values.count == 1)
        return values.items[0];
    size_t bytes = 0;

    for (size_t i = 0; i < values.count; i++)
        bytes += values.items[i].len;
    char *out = arena_alloc(a, bytes + 1), *to = out;

    for (size_t i = 0; i < values.count; i++) {
        memcpy(to, values.items[i].ptr, values.items[i].len);
        to += values.items[i].len;
    }
    return span_make(out, bytes);
}

/* A value for each part in its place, empty where it has none. */
static struct rule_lines part_lines(struct scanning *s, const struct matcher_group *group)
{
    const struct mime_tree *tree = s->content->mime;
    struct rule_lines lines = { 0 };
    size_t room = 0;

    for (size_t i = 0; i < tree->count; i++) {
        if (tree->parts[i]->is_reading)
            continue;
        struct rule_lines values = scanning_part_values(s, tree->parts[i], group->field, group->form);
        bool is_all = span_is(span_of(group->field), "ALL");

        lines_add(s->q->arena, &lines, &room,
                  !values.count ? SPAN("")
                  : is_all      ? rule_text_join(s->q->arena, values)
                                : values.items[values.count - 1]);
    }
    lines_join(s->q->arena, &lines);
    return lines;
}

void rule_text_make(struct scanning *s, const struct matcher_group *group, struct rule_text *text)
{
    struct span value = SPAN("");

    switch (group->kind) {
    case RULE_BODY: text->lines = s->body; break;
    case RULE_RAWBODY: text->lines = s->rawbody; break;
    case RULE_URI: text->lines = s->uris; break;
    case RULE_FULL: text->lines = rule_text_single(s->q->arena, scanning_full(s)); break;
    case RULE_MIMEHEADER: text->lines = part_lines(s, group); break;
    case RULE_HEADER:
    case RULE_META:
        text->is_absent = !scanning_header(s, group->field, group->form, &value);
        text->lines = rule_text_single(s->q->arena, value);
        break;
    }
    text->is_ready = true;
}

/* All but the last are large enough that there are never more than STRETCHES_MAX. */
static void sift_stretches(struct scanning *s, const struct matcher_group *group, struct rule_text *text,
                           uint32_t *maybe)
{
    const struct rule_lines *lines = &text->lines;
    size_t enough = lines->joined.len / (STRETCHES_MAX - 1) + 1, bytes = 0;
    const char *from = lines->joined.ptr;

    enough = enough > STRETCH_BYTES_LEAST ? enough : STRETCH_BYTES_LEAST;
    text->stretch_ends = arena_alloc(s->q->arena, STRETCHES_MAX * sizeof *text->stretch_ends);
    for (size_t i = 0; i < lines->count; i++) {
        bytes += lines->items[i].len + 1;
        if (bytes < enough && i + 1 < lines->count)
            continue;
        matcher_sift(s->matcher, s->q->runner, group, span_make(from, bytes), 1U << text->stretch_count, maybe);
        text->stretch_ends[text->stretch_count++] = i + 1;
        from += bytes;
        bytes = 0;
    }
}

/* What is known by its beginnings, and begins nowhere, cannot match. */
static void find_starts(struct scanning *s, const struct matcher_group *group, struct rule_text *text, uint32_t *maybe)
{
    const struct sieve *sieve = matcher_sieve(s->matcher);

    if (!sieve)
        return;
    starts_find(s->q->arena, sieve, group->index, text->lines.items, text->lines.count, &text->starts);
    for (size_t i = 0; text->starts.count && i < group->count; i++) {
        uint64_t bits;
        const struct start_list *list = starts_of(&text->starts, group->rules[i], &bits);

        if (list && !(list->bits & bits))
            maybe[group->rules[i]->index] = 0;
    }
}

void rule_text_sift(struct scanning *s, const struct matcher_group *group, struct rule_text *text, uint32_t *maybe)
{
    if (group->kind == RULE_BODY || group->kind == RULE_RAWBODY || group->kind == RULE_URI) {
        sift_stretches(s, group, text, maybe);
        find_starts(s, group, text, maybe);
    } else if (!text->is_absent) {
        matcher_sift(s->matcher, s->q->runner, group, text->lines.joined, UINT32_MAX, maybe);
    }
}
