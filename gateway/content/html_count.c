/* content/html_count.c - tags as they are written, and the facts that rules ask of a part [Mail::SpamAssassin::HTML].
 *
 * Names that HTML does not have are told apart by hash, and only so many of them.
 */
#include "gateway/content/html_parts.h"

enum { SLOTS = 1024, NAME_MOST = 64, UNKNOWN_MOST = HTML_TAG_KINDS_MAX - HTML_EL_COUNT };

static struct html_tag *tag_add(struct html_reading *r, struct span name)
{
    struct html_tags *t = &r->tags;

    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 32;
        t->items = arena_grow(r->a, t->items, t->count, t->room, sizeof *t->items);
    }
    t->items[t->count] = (struct html_tag){ .name = name };
    return &t->items[t->count++];
}

static struct span lowered(struct html_reading *r, struct span name)
{
    char *to = arena_dup(r->a, name);

    for (size_t i = 0; i < name.len; i++)
        to[i] = ascii_lower(to[i]);
    return span_make(to, name.len);
}

/* Of an unknown name; *is_new also when there is no room to remember it. NULL: no room. */
static struct html_tag *unknown_tag(struct html_reading *r, struct span name, bool *is_new)
{
    struct html_tags *t = &r->tags;
    uint32_t hash = 2166136261u;

    name = span_first(name, NAME_MOST);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)ascii_lower(name.ptr[i])) * 16777619u;
    for (uint32_t at = hash % SLOTS;; at = (at + 1) % SLOTS) { /* at most UNKNOWN_MOST are in use */
        if (!t->slots[at]) {
            *is_new = true;
            if (t->unknown == UNKNOWN_MOST)
                return NULL;
            t->unknown++;
            struct html_tag *tag = tag_add(r, lowered(r, name));

            t->slots[at] = (unsigned)t->count;
            return tag;
        }
        if (span_ieq(t->items[t->slots[at] - 1].name, name))
            return &t->items[t->slots[at] - 1];
    }
}

static struct html_tag *known_tag(struct html_reading *r, enum html_element e, bool *is_new)
{
    struct html_tags *t = &r->tags;

    if (!t->known[e]) {
        tag_add(r, span_of(html_element_name(e)));
        t->known[e] = (unsigned)t->count;
        *is_new = true;
    }
    return &t->items[t->known[e] - 1];
}

bool html_is_inside(const struct html_reading *r, enum html_element e)
{
    const struct html_tags *t = &r->tags;

    return t->known[e] && t->items[t->known[e] - 1].inside;
}

/* Word's <o:p>, <st1:city>. */
static bool is_namespaced(struct span name)
{
    size_t at = span_find(name, ':');

    return (at == 1 && (name.ptr[0] | 32) == 'o') ||
           (at == 3 && span_istarts(name, SPAN("st")) && ascii_is_digit(name.ptr[2]));
}

static void count_balance(struct html_reading *r, struct html_tag *tag)
{
    if (r->token.kind == HTML_START) {
        tag->opened++;
        tag->inside++;
        return;
    }
    tag->closed++;
    if (tag->inside)
        tag->inside--;
    else
        r->out->counts.closed_extra++;
}

/* ---- facts ---- */

/* A family's name: two letters at least, blanks and dashes within, perhaps a digit. */
static bool skip_family(struct span *s, bool is_first)
{
    size_t n = 0;

    if (s->len && (s->ptr[0] == '"' || s->ptr[0] == '\'' || (is_first && s->ptr[0] == '.')))
        *s = span_skip(*s, 1);
    while (n < s->len && (ascii_is_alpha(s->ptr[n]) || s->ptr[n] == ' ' || (n && s->ptr[n] == '-')))
        n++;
    if (n < 2 || !ascii_is_alpha(s->ptr[n - 1]) || (!is_first && !ascii_is_alpha(s->ptr[0])))
        return false;
    *s = span_skip(*s, n);
    if (s->len && ascii_is_digit(s->ptr[0]))
        *s = span_skip(*s, 1);
    if (s->len && (s->ptr[0] == '"' || s->ptr[0] == '\''))
        *s = span_skip(*s, 1);
    return true;
}

static bool is_good_face(struct span s)
{
    while (s.len > 1 && html_is_space(s.ptr[0]) && !ascii_is_alpha(s.ptr[1]))
        s = span_skip(s, 1);
    if (!skip_family(&s, true))
        return false;
    while (s.len && s.ptr[0] == ',') {
        s = span_skip(s, 1);
        while (s.len && html_is_space(s.ptr[0]))
            s = span_skip(s, 1);
        if (!skip_family(&s, false))
            return false;
    }
    if (s.len && s.ptr[0] == ';')
        s = span_skip(s, 1);
    return !s.len || span_is(s, "\n");
}

/* A width or height: a number or a percentage of a screen; anything else, and 0, counts as 200. */
static uint64_t measure(struct span value, uint64_t percent)
{
    uint64_t n = 0;
    size_t i = 0;

    for (; i < value.len && ascii_is_digit(value.ptr[i]); i++)
        n = n < 1000000 ? n * 10 + (uint64_t)(value.ptr[i] - '0') : n;
    if (!i || !n)
        return 200;
    if (i == value.len)
        return n;
    return i + 1 == value.len && value.ptr[i] == '%' ? n * percent : 200;
}

static void count_facts(struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    struct html_counts *c = &r->out->counts;

    switch (r->token.element) {
    case HTML_EL_FONT:
        if (html_has(a, HTML_AT_FACE) && !is_good_face(html_decode(r->a, a->value[HTML_AT_FACE])))
            c->has_bad_face = true;
        break;
    case HTML_EL_IMG:
        if (html_has(a, HTML_AT_WIDTH) && html_has(a, HTML_AT_HEIGHT))
            c->image_area += measure(a->value[HTML_AT_WIDTH], 8) * measure(a->value[HTML_AT_HEIGHT], 6);
        break;
    case HTML_EL_FORM:
        if (span_isearch(html_value(a, HTML_AT_ACTION), SPAN("mailto:")) != SPAN_NPOS)
            c->has_mailto_form = true;
        break;
    case HTML_EL_OBJECT:
    case HTML_EL_EMBED: c->has_embeds = true; break;
    case HTML_EL_A: /* its text goes behind what is there: html_count_finish() */
        html_strings_add(r, &r->anchors, span_make(NULL, r->anchor_text.len));
        break;
    default: break;
    }
}

void html_count_tag(struct html_reading *r)
{
    struct html_counts *c = &r->out->counts;
    enum html_element e = r->token.element;
    unsigned nature = html_nature(e);
    bool is_new = false, is_space = e == HTML_EL_UNKNOWN && is_namespaced(r->token.name);
    struct html_tag *tag = e == HTML_EL_UNKNOWN ? unknown_tag(r, r->token.name, &is_new) : known_tag(r, e, &is_new);

    r->out->tag_count++;
    r->out->unknown_tags += e == HTML_EL_UNKNOWN && !is_space;
    c->tags++;
    c->tags_seen += is_new;
    if (nature & HTML_SA_ELEMENT || is_space) {
        c->elements++;
        c->elements_seen += is_new;
    }
    if (tag)
        count_balance(r, tag);
    if (r->token.kind == HTML_START && nature & (HTML_SA_ELEMENT | HTML_SA_TRICK))
        count_facts(r);
}

void html_count_unclosed(struct html_reading *r, enum html_element e)
{
    if (html_is_inside(r, e))
        r->tags.items[r->tags.known[e] - 1].inside = 0;
}

void html_count_declaration(struct html_reading *r)
{
    r->out->counts.tags++;
    r->out->counts.elements++;
}

void html_count_finish(struct html_reading *r)
{
    struct html_counts *c = &r->out->counts;
    struct span all = arena_copy(r->a, strbuf_span(&r->anchor_text));
    struct html_strings *anchors = &r->anchors.list;

    for (size_t i = 0; i < anchors->count; i++) {
        size_t from = anchors->items[i].len, to = i + 1 < anchors->count ? anchors->items[i + 1].len : all.len;

        anchors->items[i] = span_make(all.ptr + from, to - from);
    }
    r->out->anchors = *anchors;
    c->length = html_characters(r->source);
    c->rendered_length = html_characters(strbuf_span(&r->render.text));
    c->blank_length = html_blanks(strbuf_span(&r->render.text));
    r->out->tags = r->tags.items;
    r->out->tag_kinds = r->tags.count;
}
