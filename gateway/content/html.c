/* content/html.c - reads HTML: token by token, into what is shown, what is not, and facts. */
#include "gateway/content/html.h"

#include "gateway/content/html_parts.h"

enum { ATTRIBUTES_ODD = 200, NESTING_MAX = 3 };

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
    if (rest.len < text.len)
        r->out->facts |= HTML_TOO_MUCH;
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
        else if (taken && html_entity_is_odd(utf8, bytes))
            r->out->facts |= HTML_ODD_ENTITIES;
        memcpy(to, utf8, bytes);
        to += bytes;
        rest = span_skip(rest, taken ? taken : 1);
    }
    b->len = (size_t)(to - b->data);
    return strbuf_span(b);
}

static bool has_any(struct span text, const char *const *words)
{
    for (; *words; words++)
        if (span_search(text, span_of(*words)) != SPAN_NPOS)
            return true;
    return false;
}

static void see_script(struct html_reading *r, struct span text)
{
    static const char *const writes[] = {
        "document.write",
        "eval(",
        "unescape(",
        "atob(",
        "fromCharCode",
        "new Blob",
        "innerHTML",
        "msSaveBlob",
        "msSaveOrOpenBlob",
        "createObjectURL",
        "decodeURIComponent(",
        "Function(",
        NULL,
    };
    static const char *const goes[] = { "location.href", "location.replace", "location.assign", "window.location",
                                        NULL };
    struct span searched = span_first(text, HTML_TEXT_MAX);

    if (!(r->out->facts & HTML_SCRIPT_WRITES) && has_any(searched, writes))
        r->out->facts |= HTML_SCRIPT_WRITES;
    if (!(r->out->facts & HTML_SCRIPT_GOES) && has_any(searched, goes))
        r->out->facts |= HTML_SCRIPT_GOES;
}

/* onclick= and the like: of the whole tag, for it may have any number of them. */
static void see_handlers(struct html_reading *r)
{
    struct span tag = html_decode(r->a, r->token.whole);

    r->out->facts |= HTML_HAS_EVENT;
    html_strings_add(r, &r->handlers, tag);
    see_script(r, tag);
}

static void see_title(struct html_reading *r, struct span text)
{
    struct span title = arena_copy(r->a, html_cut(text, HTML_LINK_TEXT_MAX * 4));

    html_strings_add(r, &r->titles, title);
    if (!r->out->title.len)
        r->out->title = span_trim(title);
}

/* The same with blanks joined. */
static struct span joined(struct html_reading *r, struct span text)
{
    struct span cut = html_cut(text, HTML_TEXT_MAX);

    if (cut.len < text.len)
        r->out->facts |= HTML_TOO_MUCH;
    strbuf_clear(&r->joined);
    char *to = strbuf_room(&r->joined, cut.len);

    if (to)
        r->joined.len = html_join(to, cut);
    return strbuf_span(&r->joined);
}

static void write_text(struct html_reading *r, struct span text, struct span line)
{
    const struct html_look *look = html_look(r);
    unsigned hiding =
        look->hiding | (r->is_behind ? HTML_DISPLAY_NONE : 0) | (look_hides_line(look, line.len) ? HTML_OFF_SCREEN : 0);
    struct html_writer *w = hiding ? &r->hidden : &r->shown;
    bool has_ink = line.len && !span_is(line, " ");

    if (hiding && has_ink)
        r->out->hidings |= hiding;
    else if (has_ink)
        html_links_see(r);
    if (hiding & HTML_TINY && !(hiding & HTML_DISPLAY_NONE))
        r->out->tiny_letters += html_letters(line);
    if (look->is_preserved)
        html_write_preserved(w, text);
    else
        html_write(w, line);
}

/* What it says holds for this page, as people see it on a screen. */
static bool is_our_sheet(const struct html_reading *r)
{
    return !r->is_sheet_off && !r->is_behind && !r->nesting && !r->looks.count[HTML_EL_TEMPLATE];
}

static void note_sheet(struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    struct span type = html_decode(r->a, html_value(a, HTML_AT_TYPE));

    r->is_sheet_off = (type.len && !span_iis(type, "text/css")) ||
                      !sheet_is_for_screen(html_decode(r->a, html_value(a, HTML_AT_MEDIA)));
}

static void see_style(struct html_reading *r)
{
    if (is_our_sheet(r))
        sheet_read(&r->looks.sheet, r->token.text);
    html_links_in_css(r, r->token.text);
    if (r->looks.sheet.is_cut)
        r->out->facts |= HTML_TOO_MUCH;
}

static void see_plain_text(struct html_reading *r)
{
    const struct html_token *t = &r->token;
    struct span text = t->is_raw ? t->text : decoded(r, t->text), line = joined(r, text);

    if (!r->is_uncounted)
        html_render_text(r, text, line);
    if (t->element == HTML_EL_TITLE)
        see_title(r, text);
    else
        write_text(r, text, line);
}

/* A page that few readers show, or none: rules do not see it. */
static void read_unseen(struct html_reading *r, struct span page)
{
    bool is_uncounted = r->is_uncounted, is_behind = r->is_behind;

    r->is_uncounted = r->is_behind = true;
    html_read_inner(r, page);
    r->is_uncounted = is_uncounted;
    r->is_behind = is_behind;
}

/* What readers without frames would find there; SpamAssassin takes it for text. */
static void see_inside_iframe(struct html_reading *r)
{
    struct span text = r->token.text;

    if (!r->is_uncounted)
        html_render_text(r, text, joined(r, text));
    read_unseen(r, text);
}

static void see_text(struct html_reading *r)
{
    const struct html_token *t = &r->token;
    struct span source = t->text;
    enum html_element e = t->element == HTML_EL_UNKNOWN ? html_open_code(&r->looks) : t->element;
    bool is_unclosed = t->is_unclosed;

    switch (e) {
    case HTML_EL_SCRIPT:
        if (!r->is_uncounted)
            html_strings_add(r, &r->scripts, t->text);
        see_script(r, t->text);
        break;
    case HTML_EL_STYLE: see_style(r); break;
    case HTML_EL_IFRAME: see_inside_iframe(r); break;
    case HTML_EL_NOEMBED: /* browsers do not read them, others do */
    case HTML_EL_NOFRAMES: html_read_inner(r, t->text); break;
    default: see_plain_text(r);
    }
    if (!is_unclosed)
        return;
    r->out->facts |= HTML_UNCLOSED;
    html_count_unclosed(r, e);
    html_render_end(r, e);
    if (e != HTML_EL_IFRAME && e != HTML_EL_NOEMBED && e != HTML_EL_NOFRAMES)
        read_unseen(r, source);
}

/* What an element's start or end does to the lines. `look` is its own: without a box it does nothing. */
static void see_lines(struct html_reading *r, enum html_element e, const struct html_look *look)
{
    struct html_writer *w = r->is_outlook ? &r->outlook : &r->shown;
    unsigned nature = html_nature(e);

    if (nature & (HTML_BLOCK | HTML_CELL) || e == HTML_EL_BR)
        html_end_line(&r->hidden, 1);
    if (look->fixed & HTML_DISPLAY_NONE || (nature & HTML_BLOCK && look->is_inline))
        return;
    if (e == HTML_EL_BR)
        html_add_line(w);
    else if (nature & HTML_BLOCK)
        html_end_line(w, e == HTML_EL_P ? 2 : 1);
    else if (nature & HTML_CELL)
        html_end_cell(w);
}

/* A field shows its value, or what to put there; a button its words. */
static void see_field(struct html_reading *r)
{
    static const char *const unseen[] = {
        "hidden", "checkbox", "radio", "image", "file", "password", "color", "range"
    };
    const struct html_attributes *a = &r->token.attributes;
    struct span type = span_trim(html_decode(r->a, html_value(a, HTML_AT_TYPE)));
    enum html_attribute which = html_value(a, HTML_AT_VALUE).len ? HTML_AT_VALUE : HTML_AT_PLACEHOLDER;

    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (span_iis(type, unseen[i]))
            return;
    struct span text = html_decode(r->a, html_value(a, which));

    html_write(&r->shown, SPAN(" "));
    write_text(r, text, joined(r, text));
    html_write(&r->shown, SPAN(" "));
}

/* Pages in an attribute: mail readers leave them out, and their frames. */
static void see_pages(struct html_reading *r)
{
    struct span pages[PAGES_MAX];
    size_t count = r->page_count;

    memcpy(pages, r->pages, sizeof pages);
    r->page_count = 0;
    for (size_t i = 0; i < count; i++)
        read_unseen(r, pages[i]);
}

static void see_start(struct html_reading *r)
{
    const struct html_token *t = &r->token;

    if (t->attributes.count > ATTRIBUTES_ODD)
        r->out->facts |= HTML_TAG_TOO_LONG;
    if (t->attributes.has_event)
        see_handlers(r);
    size_t depth = r->looks.depth;

    html_open_start(r);
    /* a start tag that closes what was open ends its line, whatever it is itself */
    bool has_closed = r->looks.depth < depth + !(html_nature(t->element) & HTML_VOID);

    see_lines(r, t->element, has_closed ? &plain_look : html_look_own(&r->looks));
    html_links_start(r);
    if (t->element == HTML_EL_STYLE)
        note_sheet(r);
    if (t->element == HTML_EL_INPUT)
        see_field(r);
    see_pages(r);
}

/* An end tag without its start does nothing, but for </p> and </br>. */
static void see_end(struct html_reading *r)
{
    enum html_element e = r->token.element;
    bool is_known = r->looks.count[e] || e == HTML_EL_P || e == HTML_EL_BR;
    size_t depth = r->looks.depth;

    html_links_end(r);
    html_open_end(r);
    /* what was closed last is still there */
    if (is_known)
        see_lines(r, e, r->looks.depth < depth ? &r->looks.open[r->looks.depth].look : html_look(r));
}

/* The source ends within it: browsers leave it out. What stands in it is looked at all the same. */
static void see_cut_tag(struct html_reading *r)
{
    r->out->facts |= HTML_UNCLOSED;
    if (r->token.kind == HTML_START)
        html_links_start(r);
    r->page_count = 0;
    html_end_line(&r->hidden, 1);
    html_write_preserved(&r->hidden, r->token.whole);
}

static void see_tag(struct html_reading *r)
{
    if (!r->is_uncounted) {
        html_count_tag(r);
        html_paint_tag(r);
        html_render_tag(r);
    }
    if (r->token.kind == HTML_START)
        see_start(r);
    else
        see_end(r);
}

/* [if !mso] is what Outlook is not; [if !IE], [if !vml] and the like it may be. */
static bool is_for_others(struct span condition)
{
    size_t n = 0;

    while (n < condition.len && strchr(" (", condition.ptr[n]))
        n++;
    if (n == condition.len || condition.ptr[n] != '!')
        return false;
    for (n++; n < condition.len && strchr(" (", condition.ptr[n]);)
        n++;
    return span_istarts(span_skip(condition, n), SPAN("mso"));
}

/* What Outlook shows of `[if mso]>...<![endif]`; empty: nothing. */
static struct span outlook_part(struct span comment)
{
    comment = span_trim(comment);
    size_t open = span_search(comment, SPAN("]>")), end;

    if (!span_istarts(comment, SPAN("[if")) || open == SPAN_NPOS ||
        is_for_others(span_skip(span_first(comment, open), 3)))
        return SPAN("");
    comment = span_skip(comment, open + 2);
    end = span_search(comment, SPAN("<![endif"));
    return end == SPAN_NPOS ? comment : span_first(comment, end);
}

static void see_comment(struct html_reading *r)
{
    const struct html_token *t = &r->token;
    struct span outlook = t->is_bogus ? SPAN("") : outlook_part(t->text);

    if (!r->is_uncounted && !span_starts(t->whole, SPAN("<?")))
        html_strings_add(r, &r->comments, t->whole);
    if (t->is_unclosed)
        r->out->facts |= HTML_UNCLOSED;
    r->is_behind |= t->is_unclosed;
    if (!outlook.len || r->nesting)
        return;
    r->is_outlook = true;
    html_read_inner(r, outlook);
    r->is_outlook = false;
}

static void reading_init(struct html_reading *r, struct arena *a, struct html *out)
{
    *r = (struct html_reading){ .a = a, .out = out };
    html_open_init(&r->looks);
    sheet_init(&r->looks.sheet);
    html_writer_init(&r->shown);
    html_writer_init(&r->hidden);
    html_writer_init(&r->outlook);
    strbuf_init(&r->anchor_text, HTML_TEXT_MAX);
    strbuf_init(&r->scratch, HTML_TEXT_MAX * 2);
    strbuf_init(&r->joined, HTML_TEXT_MAX);
    html_paint_init(r);
    html_render_init(&r->render);
    r->links.open = SPAN_NPOS;
}

/* Of a conditional comment only texts and links are taken: its tags are halves of pairs as often as not. */
static void see_outlook(struct html_reading *r)
{
    const struct html_token *t = &r->token;
    struct span text;

    switch (t->kind) {
    case HTML_TEXT:
        if (t->is_raw || r->is_island)
            return;
        text = decoded(r, t->text);
        html_write(&r->outlook, joined(r, text));
        return;
    case HTML_START:
        see_lines(r, t->element, &plain_look);
        html_links_outlook(r);
        r->page_count = 0;
        r->is_island |= span_iis(t->name, "xml");
        return;
    case HTML_END:
        see_lines(r, t->element, &plain_look);
        html_links_end(r);
        r->is_island &= !span_iis(t->name, "xml");
        return;
    default: return;
    }
}

static void see_token(struct html_reading *r)
{
    if (r->token.is_odd)
        r->out->facts |= HTML_ODD_MARKUP;
    switch (r->token.kind) {
    case HTML_TEXT: see_text(r); break;
    case HTML_START:
    case HTML_END:
        if (r->token.is_unclosed)
            see_cut_tag(r);
        else
            see_tag(r);
        break;
    case HTML_COMMENT: see_comment(r); break;
    case HTML_DECLARATION: html_count_declaration(r); break;
    }
}

/* <![CDATA[...]]> in a drawing is text. */
static void see_cdata(struct html_reading *r, struct html_tokens *tokens)
{
    struct html_token *t = &r->token;
    const char *from = t->whole.ptr + sizeof "<![CDATA[" - 1;
    struct span rest = span_make(from, (size_t)(tokens->end - from));
    size_t end = span_search(rest, SPAN("]]>"));

    t->kind = HTML_TEXT;
    t->text = span_first(rest, end);
    t->is_raw = true;
    t->is_bogus = t->is_unclosed = false;
    tokens->at = end == SPAN_NPOS ? tokens->end : from + end + 3;
    t->whole = span_make(t->whole.ptr, (size_t)(tokens->at - t->whole.ptr));
}

static void read_tokens(struct html_reading *r, struct span source)
{
    struct html_tokens tokens;

    html_tokens_init(&tokens, source);
    while (html_tokens_next(&tokens, &r->token)) {
        if (r->is_outlook) {
            see_outlook(r);
            continue;
        }
        if (html_open_reads_markup(&r->looks, &r->token)) {
            tokens.raw = HTML_EL_UNKNOWN;
            if (html_open_is_foreign(&r->looks) && r->token.is_bogus && span_starts(r->token.whole, SPAN("<![CDATA[")))
                see_cdata(r, &tokens);
        }
        see_token(r);
    }
}

void html_read_inner(struct html_reading *r, struct span source)
{
    bool is_behind = r->is_behind, has_form = r->looks.has_form;
    size_t floor, link = r->links.open;

    if (r->nesting == NESTING_MAX) {
        html_write_preserved(&r->hidden, source);
        return;
    }
    r->nesting++;
    html_end_line(&r->hidden, 1);
    floor = html_open_floor(&r->looks, r->looks.depth);
    r->looks.has_form = false;
    r->links.open = SPAN_NPOS;
    read_tokens(r, source);
    html_open_floor(&r->looks, r->looks.floor);
    r->looks.floor = floor;
    r->looks.has_form = has_form;
    r->links.open = link;
    r->is_behind = is_behind;
    r->nesting--;
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
    h->shown_letters = html_letters(h->shown);
    h->hidden_letters = html_letters(h->hidden);
    h->comments = r->comments.list;
    h->scripts = r->scripts.list;
    h->handlers = r->handlers.list;
    h->titles = r->titles.list;
    h->charsets = r->charsets.list;
    h->data_uris = r->data_uris.list;
    if (r->shown.is_cut || r->hidden.is_cut || r->outlook.is_cut || r->render.is_cut)
        h->facts |= HTML_TOO_MUCH;
    if (h->outlook.len)
        h->facts |= HTML_HAS_OUTLOOK;
    if (!h->tag_count)
        h->facts |= HTML_NO_HTML;
    html_writer_release(&r->shown);
    html_writer_release(&r->hidden);
    html_writer_release(&r->outlook);
    strbuf_release(&r->render.text);
    strbuf_release(&r->anchor_text);
    strbuf_release(&r->scratch);
    strbuf_release(&r->joined);
    html_paint_release(r);
    sheet_release(&r->looks.sheet);
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
    read_tokens(&r, r.source);
    reading_finish(&r);
    return h;
}
