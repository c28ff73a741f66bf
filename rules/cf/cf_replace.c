/* rules/cf/cf_replace.c - tags in patterns: <V1> becomes what replace_tag V1 says
 * [Mail::SpamAssassin::Plugin::ReplaceTags].
 *
 * A pass takes <pre NAME>, <post NAME> and <inter NAME> out, parts the pattern at what looks like a tag, puts the texts
 * of those names before, behind and between tags, and replaces one name in each part. What has brought new tags in is
 * gone through again, six times at most.
 *
 * Where that makes a pattern that is too large for PCRE2, tags whose text is one group become calls of it.
 */
#include <stdio.h>

#include "rules/cf/cf.h"

enum { PASSES_MAX = 6 };

static const char *const kinds[] = {
    [CF_TAG] = "tag", [CF_TAG_PRE] = "pre", [CF_TAG_INTER] = "inter", [CF_TAG_POST] = "post"
};

void cf_replace_tag(struct cf *cf, const char *to, struct span value)
{
    struct span name;
    size_t kind = 0;

    while (strcmp(kinds[kind], to) != 0)
        kind++;
    if (!cf_word(&value, &name) || !value.len) {
        cf_note(cf, "replace_%s wants a name and what to put there", to);
        return;
    }
    size_t number = names_add(&cf->tags[kind], name);

    if (number >= cf->tag_room[kind]) {
        size_t room = number ? number * 2 : 64;

        cf->tag_texts[kind] =
            arena_grow(cf->arena, cf->tag_texts[kind], cf->tag_room[kind], room, sizeof *cf->tag_texts[kind]);
        cf->tag_room[kind] = room;
    }
    cf->tag_texts[kind][number] = arena_dup(cf->arena, value);
}

void cf_replace_limit(struct cf *cf, const char *to, struct span value)
{
    if (!value.len)
        cf_note(cf, "replace_%s wants the characters that tags %s with", to, to);
    else
        *(to[0] == 's' ? &cf->tag_start : &cf->tag_end) = arena_dup(cf->arena, value);
}

void cf_replace_rules(struct cf *cf, const char *to, struct span value)
{
    struct span name;

    (void)to;
    while (cf_word(&value, &name)) {
        struct draft *draft = cf_draft(cf, name);

        if (draft)
            draft->is_replaced = true;
    }
}

/* ---- replacing ---- */

struct replacing {
    struct cf *cf;
    struct span start, end;
    struct span before, between, behind; /* of this pass; len 0: none */
    struct strbuf *out;
    bool has_new_tags;
    bool *is_called; /* by number of a tag; NULL: tags are replaced by their text */
};

static struct span text_of(const struct cf *cf, enum cf_tag_kind kind, struct span name)
{
    size_t number = names_find(&cf->tags[kind], name);

    return number == NAMES_NONE ? (struct span){ 0 } : span_of(cf->tag_texts[kind][number]);
}

/* The first tag in `part`, of a name of one byte at least: where it stands, and the name. */
static bool find_tag(const struct replacing *r, struct span part, size_t *at, struct span *name)
{
    *at = span_search(part, r->start);
    if (*at == SPAN_NPOS)
        return false;
    struct span inner = span_skip(part, *at + r->start.len);
    size_t end = span_search(span_skip(inner, 1), r->end);

    *name = span_first(inner, end + 1);
    return end != SPAN_NPOS;
}

/* <pre NAME>: taken out of the pattern, the first of them; gives NAME's text. */
static struct span take_modifier(struct replacing *r, struct strbuf *pattern, enum cf_tag_kind kind)
{
    char opening[64];
    int len = snprintf(opening, sizeof opening, "%.*s%s ", SPAN_ARG(span_first(r->start, 40)), kinds[kind]);
    struct span all = strbuf_span(pattern);
    size_t at = span_search(all, span_make(opening, (size_t)len));

    if (at == SPAN_NPOS)
        return (struct span){ 0 };
    struct span inner = span_skip(all, at + (size_t)len);
    size_t end = span_search(span_skip(inner, 1), r->end);

    if (end == SPAN_NPOS)
        return (struct span){ 0 };
    struct span text = text_of(r->cf, kind, span_first(inner, end + 1));
    size_t gone = (size_t)len + end + 1 + r->end.len;

    memmove(pattern->data + at, pattern->data + at + gone, all.len - at - gone);
    pattern->len -= gone;
    pattern->data[pattern->len] = 0;
    return text;
}

static bool has_tag(struct span text)
{
    size_t last = span_rfind(text, '>');

    for (size_t i = 0; last != SPAN_NPOS && i + 1 < last; i++)
        if (text.ptr[i] == '<' && text.ptr[i + 1] != '>')
            return true;
    return false;
}

/* Puts what belongs around tags around those of a part: the first has `before`, each has `behind`. */
static void surround(struct replacing *r, struct span part, struct strbuf *out)
{
    struct span name;
    size_t at;
    bool is_first = true;

    while (!out->is_full && find_tag(r, part, &at, &name)) {
        size_t whole = r->start.len + name.len + r->end.len;

        strbuf_put(out, span_first(part, at));
        if (is_first)
            strbuf_put(out, r->before);
        strbuf_put(out, span_first(span_skip(part, at), whole));
        strbuf_put(out, r->behind);
        part = span_skip(part, at + whole);
        is_first = false;
    }
    strbuf_put(out, part);
}

/* (?:...), of which the first bracket is closed by the last. */
static bool is_group(struct span text)
{
    unsigned depth = 0;
    size_t class_from = 0;
    bool is_in_class = false;

    if (!span_starts(text, SPAN("(?:")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\') {
            i++;
        } else if (is_in_class) {
            is_in_class = c != ']' || i == class_from;
        } else if (c == '[') {
            is_in_class = true;
            class_from = i + 1 + (i + 1 < text.len && text.ptr[i + 1] == '^'); /* a ] there is one of the class */
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return i + 1 == text.len;
        }
    }
    return false;
}

/* A tag whose text is one group: a call of that group, which define_called() puts behind the pattern. */
static struct span call_of(struct replacing *r, struct span name, struct span text)
{
    size_t number = names_find(&r->cf->tags[CF_TAG], name);

    if (!r->is_called || !is_group(text))
        return text;
    r->is_called[number] = true;
    return span_of(arena_printf(r->cf->arena, "(?&tag%zu)", number));
}

/* Each place of the part's first tag, if there is such a tag at all. */
static void replace_in(struct replacing *r, struct span part)
{
    struct span name, text, whole;
    size_t at;

    if (!find_tag(r, part, &at, &name) || !(text = text_of(r->cf, CF_TAG, name)).len) {
        strbuf_put(r->out, part);
        return;
    }
    text = call_of(r, name, text);
    whole = span_make(part.ptr + at, r->start.len + name.len + r->end.len);
    r->has_new_tags |= has_tag(text);
    for (; at != SPAN_NPOS; at = span_search(part, whole)) {
        strbuf_put(r->out, span_first(part, at));
        strbuf_put(r->out, text);
        part = span_skip(part, at + whole.len);
    }
    strbuf_put(r->out, part);
}

static void replace_part(struct replacing *r, struct span part)
{
    struct strbuf around;

    if (r->out->is_full)
        return;
    if (!part.len) {
        strbuf_put(r->out, r->between);
        return;
    }
    strbuf_init(&around, CF_PATTERN_MAX);
    surround(r, part, &around);
    replace_in(r, strbuf_span(&around));
    if (around.is_full)
        r->out->is_full = true;
    strbuf_release(&around);
}

/* The parts: what stands between <...>, and those. Between two tags that touch is an empty part. */
static void replace_parts(struct replacing *r, struct span pattern)
{
    size_t from = 0, open = SPAN_NPOS;

    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] == '<')
            open = i;
        if (pattern.ptr[i] != '>' || open == SPAN_NPOS)
            continue;
        if (i > open + 1) {
            if (open > 0)
                replace_part(r, span_make(pattern.ptr + from, open - from));
            replace_part(r, span_make(pattern.ptr + open, i + 1 - open));
            from = i + 1;
        }
        open = SPAN_NPOS;
    }
    if (from < pattern.len)
        replace_part(r, span_skip(pattern, from));
}

static bool pass(struct replacing *r, struct strbuf *pattern)
{
    struct strbuf out;

    strbuf_init(&out, CF_PATTERN_MAX);
    r->out = &out;
    r->has_new_tags = false;
    r->before = take_modifier(r, pattern, CF_TAG_PRE);
    r->behind = take_modifier(r, pattern, CF_TAG_POST);
    r->between = take_modifier(r, pattern, CF_TAG_INTER);
    replace_parts(r, strbuf_span(pattern));
    strbuf_release(pattern);
    *pattern = out;
    return r->has_new_tags && !out.is_full;
}

/* All passes over `pattern`. */
static void replace_all(struct replacing *r, struct strbuf *pattern)
{
    int passes = 0;

    while (!pattern->is_full && pass(r, pattern) && ++passes < PASSES_MAX)
        ;
}

static void define(struct replacing *r, size_t number, struct strbuf *pattern)
{
    struct strbuf text;

    strbuf_init(&text, CF_PATTERN_MAX);
    strbuf_puts(&text, r->cf->tag_texts[CF_TAG][number]);
    replace_all(r, &text);
    strbuf_putf(pattern, "(?(DEFINE)(?<tag%zu>", number);
    strbuf_put(pattern, strbuf_span(&text));
    strbuf_puts(pattern, "))");
    strbuf_release(&text);
}

/* Groups that are called, behind the pattern, where they count as nothing; they may call others. */
static void define_called(struct replacing *r, struct strbuf *pattern)
{
    size_t count = r->cf->tags[CF_TAG].count;
    bool *is_done = arena_alloc(r->cf->arena, count + 1);
    bool has_more = true;

    while (has_more && !pattern->is_full) {
        has_more = false;
        for (size_t i = 0; i < count && !pattern->is_full; i++) {
            if (!r->is_called[i] || is_done[i])
                continue;
            has_more = is_done[i] = true;
            define(r, i, pattern);
        }
    }
}

const char *cf_replace(struct cf *cf, const char *text, bool with_calls)
{
    struct replacing r = { .cf = cf, .start = span_of(cf->tag_start), .end = span_of(cf->tag_end) };
    struct strbuf pattern;

    if (with_calls)
        r.is_called = arena_alloc(cf->arena, cf->tags[CF_TAG].count + 1);
    strbuf_init(&pattern, CF_PATTERN_MAX);
    strbuf_puts(&pattern, text);
    replace_all(&r, &pattern);
    if (with_calls)
        define_called(&r, &pattern);
    const char *out = pattern.is_full ? NULL : arena_dup(cf->arena, strbuf_span(&pattern));

    strbuf_release(&pattern);
    return out;
}
