/* content/html_link.c - what a click, a look or a mail reader would fetch: targets, with the text that is shown for
 * them. */
#include "gateway/content/html_parts.h"
#include "gateway/content/url.h"

enum { IMPORT_MAX = 4096 };

bool html_is_clicked(const struct html_link *link)
{
    switch (link->kind) {
    case HTML_A:
    case HTML_AREA:
    case HTML_FORM:
    case HTML_REFRESH:
    case HTML_BASE: return !link->is_hidden;
    default: return false;
    }
}

void html_links_see(struct html_reading *r)
{
    struct html_links *l = &r->links;

    if (l->open == SPAN_NPOS || !l->items[l->open].is_hidden || r->is_behind)
        return;
    l->items[l->open].is_hidden = false;
    l->unclicked--;
}

/* By what is said of itself, for nothing is open in it. Once for a tag: it may have thousands. */
static bool is_unseen_picture(struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    struct html_look look;

    if (r->picture == PICTURE_UNKNOWN) {
        look = *html_look(r);
        if (html_has(a, HTML_AT_STYLE) || html_has(a, HTML_AT_HIDDEN) || html_has(a, HTML_AT_CLASS))
            look_start(r, &look);
        r->picture = look_hides_pictures(&look) ? PICTURE_UNSEEN : PICTURE_SEEN;
    }
    return r->picture == PICTURE_UNSEEN;
}

static struct html_link *link_add(struct html_reading *r, enum html_link_kind kind, struct span target)
{
    struct html_links *l = &r->links;
    struct html_link new = { .kind = kind, .target = target, .text = SPAN(""), .is_outlook = r->is_outlook };

    const struct html_look *look = html_look(r);

    new.is_hidden = r->is_behind || (kind == HTML_A ? look->hiding != 0 : look_hides_pictures(look));
    new.is_hidden |= kind == HTML_IMG &&is_unseen_picture(r);
    bool is_clicked = html_is_clicked(&new);

    if (l->count == HTML_LINKS_MAX || (!is_clicked && l->unclicked == HTML_LINKS_MAX / 2)) {
        r->out->facts |= HTML_TOO_MUCH;
        return NULL;
    }
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 16;
        l->items = arena_grow(r->a, l->items, l->count, l->room, sizeof *l->items);
        l->ranges = arena_grow(r->a, l->ranges, l->count, l->room, sizeof *l->ranges);
    }
    struct html_link *link = &l->items[l->count];

    *link = new;
    l->unclicked += !is_clicked;
    l->ranges[l->count++] = (struct html_range){ 0, 0, SPAN("") };
    return link;
}

static bool is_control(char c)
{
    return (unsigned char)c <= ' ';
}

static struct span trimmed(struct span s)
{
    while (s.len && is_control(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len && is_control(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Browsers trim targets by blanks and control characters, and leave out the line ends and tabs within
 * [URL, basic URL parser]. */
static struct span target_of(struct html_reading *r, struct span value)
{
    struct span s = html_decode(r->a, value);

    if (s.ptr != value.ptr && html_has_odd_entity(value))
        r->out->facts |= HTML_ODD_ENTITIES;
    s = trimmed(s);
    if (span_find(s, '\n') == SPAN_NPOS && span_find(s, '\t') == SPAN_NPOS && span_find(s, '\r') == SPAN_NPOS)
        return s;
    char *to = arena_alloc(r->a, s.len);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '\n' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            to[len++] = s.ptr[i];
    return span_make(to, len);
}

static void page_add(struct html_reading *r, struct span page)
{
    if (r->page_count < PAGES_MAX && page.len)
        r->pages[r->page_count++] = page;
}

static struct html_link *link_to(struct html_reading *r, enum html_link_kind kind, struct span target)
{
    if (span_istarts(target, SPAN("data:"))) {
        r->out->facts |= HTML_HAS_DATA_URI;
        html_strings_add(r, &r->data_uris, target);
        if (kind != HTML_IMG && kind != HTML_BACKGROUND)
            page_add(r, url_data_page(r->a, target));
    }
    if (span_istarts(target, SPAN("javascript:")))
        r->out->facts |= HTML_HAS_SCRIPT;
    return target.len ? link_add(r, kind, target) : NULL;
}

/* A link of what was written, if that says anything; NULL. */
static struct html_link *link_written(struct html_reading *r, enum html_link_kind kind, struct span value)
{
    struct span target = target_of(r, value);

    return link_to(r, kind, target);
}

/* The same of an attribute's value, if it is there. */
static struct html_link *link_of(struct html_reading *r, enum html_link_kind kind, enum html_attribute which)
{
    const struct html_attributes *a = &r->token.attributes;

    return html_has(a, which) ? link_written(r, kind, a->value[which]) : NULL;
}

/* srcset: "a.png 1x, b.png 2x". */
static void links_of_set(struct html_reading *r)
{
    struct span rest = html_decode(r->a, html_value(&r->token.attributes, HTML_AT_SRCSET));

    while (rest.len) {
        size_t i = 0;

        while (i < rest.len && (html_is_space(rest.ptr[i]) || rest.ptr[i] == ','))
            i++;
        rest = span_skip(rest, i);
        for (i = 0; i < rest.len && !html_is_space(rest.ptr[i]);)
            i++;
        bool has_comma = i && rest.ptr[i - 1] == ',';

        link_written(r, HTML_IMG, span_first(rest, i - has_comma));
        rest = span_skip(rest, i);
        if (!has_comma)
            rest = span_skip(rest, span_find(rest, ','));
    }
}

/* @import "x": without url(). */
static void links_of_imports(struct html_reading *r, struct span css)
{
    for (size_t at; (at = span_find(css, '@')) != SPAN_NPOS;) {
        css = span_skip(css, at + 1);
        if (!span_istarts(css, SPAN("import")))
            continue;
        struct span target = span_trim(span_skip(span_first(css, IMPORT_MAX), 6));

        if (!target.len || (target.ptr[0] != '"' && target.ptr[0] != '\''))
            continue;
        size_t end = span_find(span_skip(target, 1), target.ptr[0]);

        link_written(r, HTML_LINK, span_first(span_skip(target, 1), end));
        css = span_skip(css, 6);
    }
}

void html_links_in_css(struct html_reading *r, struct span css)
{
    links_of_imports(r, css);
    for (size_t at; (at = span_find(css, '(')) != SPAN_NPOS;) {
        bool is_url = at >= 3 && span_ieq(span_make(css.ptr + at - 3, 3), SPAN("url"));

        css = span_skip(css, at + 1);
        if (!is_url)
            continue;
        size_t end = span_find(css, ')');
        struct span target = span_trim(span_first(css, end == SPAN_NPOS ? css.len : end));

        if (target.len > 1 && (target.ptr[0] == '"' || target.ptr[0] == '\'') &&
            target.ptr[target.len - 1] == target.ptr[0])
            target = span_make(target.ptr + 1, target.len - 2);
        link_written(r, HTML_BACKGROUND, target);
        css = span_skip(css, end);
    }
}

static unsigned pixels(struct span value)
{
    struct span s = span_trim(value);
    unsigned n = 0;

    for (size_t i = 0; i < s.len && ascii_is_digit(s.ptr[i]) && n < 100000; i++)
        n = n * 10 + (unsigned)(s.ptr[i] - '0');
    return span_find(s, '%') == SPAN_NPOS ? n : 0;
}

static void image_start(struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    struct html_links *l = &r->links;
    struct span alt = html_cut(html_decode(r->a, html_value(a, HTML_AT_ALT)), HTML_LINK_TEXT_MAX);
    bool has_src = html_has(a, HTML_AT_SRC);
    bool has_xlink = html_has(a, HTML_AT_XLINK_HREF);
    struct html_link *link = link_of(r, HTML_IMG,
                                     has_src     ? HTML_AT_SRC
                                     : has_xlink ? HTML_AT_XLINK_HREF
                                                 : HTML_AT_HREF);

    r->out->images++;
    if (link && !link->is_hidden)
        html_links_see(r);
    if (link) {
        link->width = pixels(html_value(a, HTML_AT_WIDTH));
        link->height = pixels(html_value(a, HTML_AT_HEIGHT));
        l->ranges[link - l->items].alt = alt;
    }
    if (l->open != SPAN_NPOS && !l->ranges[l->open].alt.len)
        l->ranges[l->open].alt = alt;
    links_of_set(r);
}

static void anchor_end(struct html_reading *r)
{
    struct html_links *l = &r->links;

    if (l->open == SPAN_NPOS)
        return;
    l->ranges[l->open].to = (l->items[l->open].is_outlook ? &r->outlook : &r->shown)->text.len;
    l->open = SPAN_NPOS;
}

static void anchor_start(struct html_reading *r)
{
    struct html_links *l = &r->links;

    anchor_end(r);
    bool has_href = html_has(&r->token.attributes, HTML_AT_HREF);
    struct html_link *link = link_of(r, HTML_A, has_href ? HTML_AT_HREF : HTML_AT_XLINK_HREF);

    if (link) {
        l->open = (size_t)(link - l->items);
        l->ranges[l->open].from = (r->is_outlook ? &r->outlook : &r->shown)->text.len;
    }
    link_of(r, HTML_A, HTML_AT_SAFE_REDIRECT);
}

/* "0; url='x'", "0,x", "0 url=x" [HTML 4.2.5.3]: a number, a sign, perhaps `url=`, perhaps quotes. */
static struct span refresh_target(struct span content)
{
    struct span s = span_trim(content), after;

    while (s.len && (ascii_is_digit(s.ptr[0]) || s.ptr[0] == '.'))
        s = span_skip(s, 1);
    s = span_trim(s);
    if (s.len && (s.ptr[0] == ';' || s.ptr[0] == ','))
        s = span_trim(span_skip(s, 1));
    after = span_istarts(s, SPAN("url")) ? span_trim(span_skip(s, 3)) : SPAN("");
    if (after.len && after.ptr[0] == '=')
        s = span_trim(span_skip(after, 1));
    if (s.len && (s.ptr[0] == '\'' || s.ptr[0] == '"')) {
        size_t end = span_find(span_skip(s, 1), s.ptr[0]);

        s = span_first(span_skip(s, 1), end == SPAN_NPOS ? s.len - 1 : end);
    }
    return s;
}

/* <meta http-equiv=refresh content="0; url=..."> and the charsets that rules ask about. */
static void meta_start(struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    struct span what = html_decode(r->a, html_value(a, HTML_AT_HTTP_EQUIV));
    struct span content = html_decode(r->a, html_value(a, HTML_AT_CONTENT));
    size_t at;

    if (span_isearch(what, SPAN("content-type")) != SPAN_NPOS &&
        (at = span_isearch(content, SPAN("charset="))) != SPAN_NPOS)
        html_strings_add(r, &r->charsets, span_trim(span_skip(content, at + 8)));
    if (!span_iis(span_trim(what), "refresh"))
        return;
    r->out->facts |= HTML_HAS_REFRESH;
    link_to(r, HTML_REFRESH, trimmed(refresh_target(content)));
}

static void base_start(struct html_reading *r)
{
    struct html_link *link = link_of(r, HTML_BASE, HTML_AT_HREF);

    r->out->facts |= HTML_HAS_BASE;
    if (link && !r->out->base.len && !r->nesting)
        r->out->base = link->target;
}

static void form_start(struct html_reading *r)
{
    r->out->facts |= HTML_HAS_FORM;
    link_of(r, HTML_FORM, HTML_AT_ACTION);
}

static void input_start(struct html_reading *r)
{
    struct span type = span_trim(html_decode(r->a, html_value(&r->token.attributes, HTML_AT_TYPE)));

    if (span_iis(type, "password"))
        r->out->facts |= HTML_HAS_PASSWORD;
    if (span_iis(type, "image"))
        link_of(r, HTML_IMG, HTML_AT_SRC);
    link_of(r, HTML_FORM, HTML_AT_FORMACTION);
}

static void iframe_start(struct html_reading *r)
{
    r->out->facts |= HTML_HAS_IFRAME;
    if (html_has(&r->token.attributes, HTML_AT_SRCDOC)) {
        r->out->facts |= HTML_HAS_SRCDOC;
        page_add(r, html_decode(r->a, r->token.attributes.value[HTML_AT_SRCDOC]));
    }
    link_of(r, HTML_IFRAME, HTML_AT_SRC);
}

static void object_start(struct html_reading *r)
{
    r->out->facts |= HTML_HAS_OBJECT;
    link_of(r, HTML_OBJECT, HTML_AT_DATA);
    link_of(r, HTML_OBJECT, HTML_AT_SRC);
}

static void media_start(struct html_reading *r)
{
    link_of(r, HTML_OBJECT, HTML_AT_SRC);
    links_of_set(r);
    link_of(r, HTML_IMG, HTML_AT_POSTER);
}

static void script_start(struct html_reading *r)
{
    r->out->facts |= HTML_HAS_SCRIPT;
    link_of(r, HTML_SCRIPT, HTML_AT_SRC);
}

void html_links_start(struct html_reading *r)
{
    r->picture = PICTURE_UNKNOWN;
    link_of(r, HTML_BACKGROUND, HTML_AT_BACKGROUND);
    struct span style = html_value(&r->token.attributes, HTML_AT_STYLE);

    if (span_find(style, '(') != SPAN_NPOS || span_find(style, '&') != SPAN_NPOS)
        html_links_in_css(r, html_decode(r->a, style));
    switch (r->token.element) {
    case HTML_EL_A: anchor_start(r); break;
    case HTML_EL_AREA: link_of(r, HTML_AREA, HTML_AT_HREF); break;
    case HTML_EL_IMG:
    case HTML_EL_IMAGE: image_start(r); break;
    case HTML_EL_META: meta_start(r); break;
    case HTML_EL_BASE: base_start(r); break;
    case HTML_EL_FORM: form_start(r); break;
    case HTML_EL_INPUT:
    case HTML_EL_BUTTON: input_start(r); break;
    case HTML_EL_IFRAME: iframe_start(r); break;
    case HTML_EL_FRAME: link_of(r, HTML_FRAME, HTML_AT_SRC); break;
    case HTML_EL_LINK: link_of(r, HTML_LINK, HTML_AT_HREF); break;
    case HTML_EL_SCRIPT: script_start(r); break;
    case HTML_EL_OBJECT:
    case HTML_EL_EMBED:
    case HTML_EL_APPLET: object_start(r); break;
    case HTML_EL_AUDIO:
    case HTML_EL_VIDEO:
    case HTML_EL_SOURCE:
    case HTML_EL_TRACK:
    case HTML_EL_BGSOUND: media_start(r); break;
    case HTML_EL_SVG: r->out->facts |= HTML_HAS_SVG; break;
    case HTML_EL_ISINDEX: form_start(r); break;
    default: /* svg's use, any element of MathML */
        link_of(r, HTML_IMG, HTML_AT_XLINK_HREF);
        if (html_open_is_foreign(&r->looks))
            link_of(r, HTML_A, HTML_AT_HREF);
    }
}

/* In conditional comments any element may be a link: <v:roundrect href>, <v:fill src>. */
void html_links_outlook(struct html_reading *r)
{
    r->picture = PICTURE_UNKNOWN;
    if (r->token.element == HTML_EL_IMG)
        image_start(r);
    else if (r->token.element == HTML_EL_A)
        anchor_start(r);
    else if (!link_of(r, HTML_A, HTML_AT_HREF))
        link_of(r, HTML_IMG, HTML_AT_SRC);
    link_of(r, HTML_BACKGROUND, HTML_AT_BACKGROUND);
}

void html_links_end(struct html_reading *r)
{
    if (r->token.element == HTML_EL_A)
        anchor_end(r);
}

/* One line of at most HTML_LINK_TEXT_MAX bytes. */
static struct span joined(struct arena *a, struct span text)
{
    text = html_cut(span_trim(text), HTML_LINK_TEXT_MAX);
    char *to = arena_dup(a, text);

    for (size_t i = 0; i < text.len; i++)
        if (to[i] == '\n' || to[i] == '\t')
            to[i] = ' ';
    return span_make(to, text.len);
}

void html_links_finish(struct html_reading *r)
{
    struct html_links *l = &r->links;

    anchor_end(r);
    for (size_t i = 0; i < l->count; i++) {
        const struct html_writer *w = l->items[i].is_outlook ? &r->outlook : &r->shown;
        struct span text = span_first(strbuf_span(&w->text), l->ranges[i].to);

        if (l->ranges[i].to > l->ranges[i].from)
            l->items[i].text = joined(r->a, span_skip(text, l->ranges[i].from));
        if (!l->items[i].text.len)
            l->items[i].text = joined(r->a, l->ranges[i].alt);
    }
    r->out->links = l->items;
    r->out->link_count = l->count;
}
