/* content/html.c - reads HTML: token by token, into what is shown, what is not, and facts. */
#include "gateway/content/html.h"

#include "gateway/content/html_parts.h"

enum { ATTRIBUTES_ODD = 200 };

void html_strings_add(struct html_reading *r, struct html_string_list *list, struct span item)
{
    if (list->list.count == HTML_STRINGS_MAX) {
        r->out->facts |= HTML_TOO_MUCH;
        return;
    }
    if (list->list.count == list->room) {
        list->room = list->room ? list->room * 2 : 8;
        list->list.items = arena_grow(r->a, list->list.items, list->list.count, list->room, sizeof *list->list.items);
    }
    list->list.items[list->list.count++] = item;
}

/* The text with its character references decoded; in `scratch` when it has any. */
static struct span decoded(struct html_reading *r, struct span text)
{
    struct strbuf *b = &r->scratch;
    struct span rest = html_cut(text, HTML_TEXT_MAX);
    size_t amp = span_find(rest, '&');

    if (amp == SPAN_NPOS)
        return text;
    strbuf_clear(b);
    char *to = strbuf_room(b, rest.len + rest.len / 5 + HTML_ENTITY_BYTES_MAX);

    if (!to)
        return SPAN("");
    for (; rest.len; amp = span_find(rest, '&')) {
        size_t plain = amp == SPAN_NPOS ? rest.len : amp, bytes = 1;

        memcpy(to, rest.ptr, plain);
        to += plain;
        rest = span_skip(rest, plain);
        if (!rest.len)
            break;
        char utf8[HTML_ENTITY_BYTES_MAX] = "&";
        size_t taken = html_entity(rest, false, utf8, &bytes);

        if (taken == 6 && !memcmp(rest.ptr, "&nbsp;", 6))
            utf8[0] = ' ', bytes = 1; /* as SpamAssassin has it: no ink */
        else if (taken && bytes == 1 && (ascii_is_alnum(utf8[0]) || utf8[0] == ':' || utf8[0] == '.'))
            r->out->facts |= HTML_ODD_ENTITIES;
        memcpy(to, utf8, bytes);
        to += bytes;
        rest = span_skip(rest, taken ? taken : 1);
    }
    b->len = (size_t)(to - b->data);
    return strbuf_span(b);
}

static bool is_within(const struct html_reading *r, enum html_element e)
{
    return r->looks.count[e] > 0;
}

static void see_script(struct html_reading *r, struct span text)
{
    static const char *const words[] = {
        "document.write",  "eval(",     "unescape(",  "atob(",
        "fromCharCode",    "new Blob",  "msSaveBlob", "msSaveOrOpenBlob",
        "createObjectURL", "innerHTML", "Function(",  "decodeURIComponent(",
    };
    struct span searched = span_first(text, HTML_TEXT_MAX);

    for (size_t i = 0; i < sizeof words / sizeof *words && !(r->out->facts & HTML_SCRIPT_WRITES); i++)
        if (span_search(searched, span_of(words[i])) != SPAN_NPOS)
            r->out->facts |= HTML_SCRIPT_WRITES;
}

static void see_raw(struct html_reading *r, const struct html_token *t)
{
    if (is_within(r, HTML_EL_SCRIPT)) {
        html_strings_add(r, &r->scripts, t->text);
        see_script(r, t->text);
    } else if (is_within(r, HTML_EL_STYLE) && !r->is_outlook) {
        sheet_read(r->a, &r->looks.sheet, t->text);
        if (r->looks.sheet.is_cut)
            r->out->facts |= HTML_TOO_MUCH;
    }
}

static void see_title(struct html_reading *r, struct span text)
{
    struct span title = arena_copy(r->a, html_cut(text, HTML_LINK_TEXT_MAX * 4));

    html_strings_add(r, &r->titles, title);
    if (!r->out->title.len)
        r->out->title = span_trim(title);
}

static void see_text(struct html_reading *r)
{
    const struct html_token *t = &r->token;

    if (t->is_unclosed)
        r->out->facts |= HTML_UNCLOSED;
    if (t->is_raw && !is_within(r, HTML_EL_XMP) && !is_within(r, HTML_EL_PLAINTEXT)) {
        see_raw(r, t);
        if (html_is_inside(r, HTML_EL_SCRIPT) || html_is_inside(r, HTML_EL_STYLE))
            return;
    }
    struct span text = t->is_raw ? t->text : decoded(r, t->text);
    const struct html_look *look = html_look(r);

    html_render_text(r, text);
    if (is_within(r, HTML_EL_TITLE)) {
        see_title(r, text);
        return;
    }
    struct html_writer *w = r->is_outlook ? &r->outlook : look->hiding ? &r->hidden : &r->shown;

    if (look->hiding && html_letters(text))
        r->out->hidings |= look->hiding;
    w->is_preserved = look->is_preserved;
    html_write(w, text);
}

/* What an element's start or end does to the lines. */
static void see_lines(struct html_reading *r, enum html_element e)
{
    struct html_writer *w = r->is_outlook ? &r->outlook : &r->shown;
    unsigned nature = html_nature(e);

    if (e == HTML_EL_BR)
        html_add_line(w);
    else if (nature & HTML_BLOCK)
        html_end_line(w, e == HTML_EL_P ? 2 : 1);
    else if (nature & HTML_CELL)
        html_end_cell(w);
    if (nature & (HTML_BLOCK | HTML_CELL) || e == HTML_EL_BR)
        html_end_line(&r->hidden, 1);
}

static void see_start(struct html_reading *r)
{
    const struct html_token *t = &r->token;

    if (t->attributes.count > ATTRIBUTES_ODD)
        r->out->facts |= HTML_TAG_TOO_LONG;
    if (t->attributes.has_event)
        r->out->facts |= HTML_HAS_EVENT;
    see_lines(r, t->element);
    html_open_start(r);
    html_links_start(r);
}

static void see_end(struct html_reading *r)
{
    see_lines(r, r->token.element);
    html_links_end(r);
    html_open_end(r);
}

static void see_tag(struct html_reading *r)
{
    if (r->token.is_unclosed)
        r->out->facts |= HTML_UNCLOSED;
    html_count_tag(r);
    html_paint_tag(r);
    html_render_tag(r);
    if (r->token.kind == HTML_START)
        see_start(r);
    else
        see_end(r);
}

static void see_comment(struct html_reading *r)
{
    const struct html_token *t = &r->token;

    if (t->is_unclosed)
        r->out->facts |= HTML_UNCLOSED;
    html_strings_add(r, &r->comments, t->whole);
}

static void reading_init(struct html_reading *r, struct arena *a, struct html *out)
{
    *r = (struct html_reading){ .a = a, .out = out };
    html_open_init(&r->looks);
    html_writer_init(&r->shown);
    html_writer_init(&r->hidden);
    html_writer_init(&r->outlook);
    strbuf_init(&r->anchor_text, HTML_TEXT_MAX);
    strbuf_init(&r->scratch, HTML_TEXT_MAX * 2);
    html_paint_init(r);
    html_render_init(&r->render);
    r->links.open = SPAN_NPOS;
}

static void read_tokens(struct html_reading *r)
{
    struct html_tokens tokens;

    html_tokens_init(&tokens, r->source);
    while (html_tokens_next(&tokens, &r->token)) {
        switch (r->token.kind) {
        case HTML_TEXT: see_text(r); break;
        case HTML_START:
        case HTML_END: see_tag(r); break;
        case HTML_COMMENT: see_comment(r); break;
        case HTML_DECLARATION: html_count_declaration(r); break;
        }
    }
}

static void reading_finish(struct html_reading *r)
{
    struct html *h = r->out;

    html_count_finish(r);
    html_links_finish(r); /* before `shown` moves */
    h->shown = arena_copy(r->a, strbuf_span(&r->shown.text));
    h->hidden = arena_copy(r->a, strbuf_span(&r->hidden.text));
    h->outlook = arena_copy(r->a, strbuf_span(&r->outlook.text));
    h->rendered = arena_copy(r->a, strbuf_span(&r->render.text));
    h->shown_letters = r->shown.letters;
    h->hidden_letters = r->hidden.letters;
    h->comments = r->comments.list;
    h->scripts = r->scripts.list;
    h->titles = r->titles.list;
    h->charsets = r->charsets.list;
    h->data_uris = r->data_uris.list;
    if (r->shown.is_cut || r->hidden.is_cut || r->outlook.is_cut || r->render.is_cut)
        h->facts |= HTML_TOO_MUCH;
    if (!h->tag_count)
        h->facts |= HTML_NO_HTML;
    html_writer_release(&r->shown);
    html_writer_release(&r->hidden);
    html_writer_release(&r->outlook);
    strbuf_release(&r->render.text);
    strbuf_release(&r->anchor_text);
    strbuf_release(&r->scratch);
    html_paint_release(r);
}

/* Without NUL, as browsers read it. */
static struct span without_nul(struct arena *a, struct span s)
{
    if (span_find(s, '\0') == SPAN_NPOS)
        return s;
    char *to = arena_alloc(a, s.len);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i])
            to[len++] = s.ptr[i];
    return span_make(to, len);
}

const struct html *html_read(struct arena *a, struct span utf8)
{
    struct html_reading r;
    struct html *h = arena_alloc(a, sizeof *h);

    reading_init(&r, a, h);
    r.source = without_nul(a, utf8);
    read_tokens(&r);
    reading_finish(&r);
    return h;
}
