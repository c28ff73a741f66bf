/* content/html_open.c - which elements are open.
 *
 * A stack of bounded depth. Start tags close what cannot be around them, end tags what is open inside; both as browsers
 * do it [HTML 13.2.6], in the part of their rules that matters to what is seen. An end tag without its start is found
 * by a count, not by a search.
 */
#include "gateway/content/html_parts.h"

enum { UNKNOWN_KINDS = OPEN_KINDS - HTML_EL_COUNT, AROUND_MOST = 16 };

_Static_assert(HTML_EL_COUNT + 32 < OPEN_KINDS, "room for the hashes of unknown names");

void html_open_init(struct html_looks *l)
{
    l->depth = l->floor = 0;
    memset(l->count, 0, sizeof l->count);
    memset(l->lost, 0, sizeof l->lost);
}

/* What was started beyond HTML_DEPTH_MAX lies in the innermost of what is closed. */
void html_open_close_to(struct html_looks *l, size_t depth)
{
    if (l->has_lost && l->depth == HTML_DEPTH_MAX && depth < HTML_DEPTH_MAX) {
        memset(l->lost, 0, sizeof l->lost);
        l->has_lost = false;
    }
    while (l->depth > depth)
        l->count[l->open[--l->depth].kind]--;
}

size_t html_open_floor(struct html_looks *l, size_t floor)
{
    size_t before = l->floor;

    html_open_close_to(l, floor);
    l->floor = floor;
    return before;
}

const struct html_look *html_look_own(const struct html_looks *l)
{
    return l->depth ? &l->open[l->depth - 1].look : &plain_look;
}

static uint8_t kind_of(const struct html_token *t)
{
    unsigned hash = 0;

    if (t->element != HTML_EL_UNKNOWN)
        return (uint8_t)t->element;
    for (size_t i = 0; i < t->name.len && i < 16; i++)
        hash = hash * 31 + (unsigned char)ascii_lower(t->name.ptr[i]);
    return (uint8_t)(HTML_EL_COUNT + hash % UNKNOWN_KINDS);
}

/* In a drawing a name says nothing about lines and scopes. */
unsigned html_open_nature(const struct html_open *open)
{
    return open->kind < HTML_EL_COUNT && open->language == HTML_LANGUAGE ? html_nature((enum html_element)open->kind)
                                                                         : 0;
}

void html_open_close_within(struct html_looks *l, uint8_t kind, unsigned stops, uint8_t stop)
{
    if (!l->count[kind])
        return;
    for (size_t i = l->depth; i-- > l->floor;) {
        if (l->open[i].kind == kind) {
            html_open_close_to(l, i);
            return;
        }
        if (html_open_nature(&l->open[i]) & stops || l->open[i].kind == stop)
            return;
    }
}

/* ---- SVG and MathML ---- */

enum { AS_HTML = HTML_LANGUAGE, AS_SVG, AS_MATHML };

bool html_open_is_foreign(const struct html_looks *l)
{
    return l->depth > l->floor && l->open[l->depth - 1].language != AS_HTML;
}

enum html_element html_open_code(const struct html_looks *l)
{
    uint8_t kind = html_open_is_foreign(l) ? l->open[l->depth - 1].kind : (uint8_t)HTML_EL_UNKNOWN;

    return kind == HTML_EL_SCRIPT || kind == HTML_EL_STYLE ? (enum html_element)kind : HTML_EL_UNKNOWN;
}

/* How the content of an element is read: in some of SVG's and MathML's, HTML begins again [HTML 13.2.6]. */
static uint8_t language_in(uint8_t kind, uint8_t around)
{
    switch (kind) {
    case HTML_EL_SVG: return AS_SVG;
    case HTML_EL_MATH: return AS_MATHML;
    case HTML_EL_FOREIGNOBJECT:
    case HTML_EL_DESC:
    case HTML_EL_TITLE: return around == AS_SVG ? AS_HTML : around;
    case HTML_EL_MI:
    case HTML_EL_MN:
    case HTML_EL_MO:
    case HTML_EL_MS:
    case HTML_EL_MTEXT: return around == AS_MATHML ? AS_HTML : around;
    default: return around;
    }
}

/* What cannot stand in a drawing ends it [HTML 13.2.6.5]. */
static bool ends_foreign(const struct html_token *t)
{
    const struct html_attributes *a = &t->attributes;

    switch (t->element) {
    case HTML_EL_B:
    case HTML_EL_BIG:
    case HTML_EL_BLOCKQUOTE:
    case HTML_EL_BODY:
    case HTML_EL_BR:
    case HTML_EL_CENTER:
    case HTML_EL_CODE:
    case HTML_EL_DD:
    case HTML_EL_DIV:
    case HTML_EL_DL:
    case HTML_EL_DT:
    case HTML_EL_EM:
    case HTML_EL_EMBED:
    case HTML_EL_H1:
    case HTML_EL_H2:
    case HTML_EL_H3:
    case HTML_EL_H4:
    case HTML_EL_H5:
    case HTML_EL_H6:
    case HTML_EL_HEAD:
    case HTML_EL_HR:
    case HTML_EL_I:
    case HTML_EL_IMG:
    case HTML_EL_LI:
    case HTML_EL_LISTING:
    case HTML_EL_MENU:
    case HTML_EL_META:
    case HTML_EL_NOBR:
    case HTML_EL_OL:
    case HTML_EL_P:
    case HTML_EL_PRE:
    case HTML_EL_RUBY:
    case HTML_EL_S:
    case HTML_EL_SMALL:
    case HTML_EL_SPAN:
    case HTML_EL_STRIKE:
    case HTML_EL_STRONG:
    case HTML_EL_SUB:
    case HTML_EL_SUP:
    case HTML_EL_TABLE:
    case HTML_EL_TT:
    case HTML_EL_U:
    case HTML_EL_UL:
    case HTML_EL_VAR: return true;
    case HTML_EL_FONT: return html_has(a, HTML_AT_COLOR) || html_has(a, HTML_AT_FACE) || html_has(a, HTML_AT_SIZE);
    default: return false;
    }
}

static void end_foreign(struct html_looks *l)
{
    while (html_open_is_foreign(l))
        html_open_close_to(l, l->depth - 1);
}

/* Two elements stay MathML's where HTML begins again. */
static bool is_glyph(const struct html_looks *l, const struct html_token *t)
{
    return l->depth >= l->floor + 2 && l->open[l->depth - 2].language == AS_MATHML &&
           (span_iis(t->name, "mglyph") || span_iis(t->name, "malignmark"));
}

/* How the content of what the token starts is read. */
static uint8_t language_of(const struct html_looks *l, const struct html_token *t)
{
    uint8_t around = html_open_is_foreign(l) ? l->open[l->depth - 1].language : AS_HTML;

    return is_glyph(l, t) ? AS_MATHML : language_in(kind_of(t), around);
}

bool html_open_reads_markup(const struct html_looks *l, const struct html_token *t)
{
    if (html_open_is_foreign(l) || is_glyph(l, t))
        return true;
    if (l->has_lost && (l->lost[HTML_EL_SVG] || l->lost[HTML_EL_MATH] || l->lost[HTML_EL_SELECT]))
        return true;
    return t->kind == HTML_START && t->element != HTML_EL_SCRIPT && t->element != HTML_EL_TEXTAREA &&
           html_place_is_in_select(l);
}

void html_open_start(struct html_reading *r)
{
    struct html_looks *l = &r->looks;
    enum html_element e = r->token.element;
    uint8_t kind = kind_of(&r->token);

    if (html_open_is_foreign(l) && ends_foreign(&r->token))
        end_foreign(l);
    bool was_foreign = html_open_is_foreign(l);

    if (!was_foreign && !html_place_start(l, e))
        return;
    uint8_t language = language_of(l, &r->token);

    if (html_nature(e) & HTML_VOID || ((language != AS_HTML || was_foreign) && r->token.attributes.has_slash))
        return;
    if (l->depth == HTML_DEPTH_MAX) {
        l->lost[kind]++;
        l->has_lost = true;
        r->out->facts |= HTML_TOO_DEEP;
        return;
    }
    struct html_open *open = &l->open[l->depth];

    open->kind = kind;
    open->language = language;
    open->look = html_place_is_part(e) ? *html_look_own(l) : *html_look(r);
    look_start(r, &open->look);
    l->depth++;
    l->count[kind]++;
}

/* What end tags of table parts may reach through. */
static bool is_of_table(uint8_t kind)
{
    return kind == HTML_EL_TABLE || kind == HTML_EL_TD || kind == HTML_EL_TH || kind == HTML_EL_TR ||
           kind == HTML_EL_TBODY || kind == HTML_EL_THEAD || kind == HTML_EL_TFOOT || kind == HTML_EL_BODY ||
           kind == HTML_EL_HTML;
}

/* </b> where a <div> inside of it is still open: the <div> stays. */
static bool close_around(struct html_looks *l, uint8_t kind)
{
    size_t i = l->depth;

    while (i > l->floor && l->open[i - 1].kind != kind)
        if (html_open_nature(&l->open[--i]) & HTML_SCOPE || l->depth - i > AROUND_MOST)
            return false;
    if (i-- == l->floor)
        return false;
    bool has_block = false;

    for (size_t k = i + 1; k < l->depth; k++)
        has_block |= html_open_nature(&l->open[k]) & HTML_BLOCK;
    if (!has_block)
        return false;
    struct html_open closed = l->open[i];

    for (size_t k = i; k + 1 < l->depth; k++) {
        l->open[k] = l->open[k + 1];
        look_lose(&l->open[k].look, &closed.look, i ? &l->open[i - 1].look : &plain_look);
    }
    l->depth--;
    l->count[kind]--;
    return true;
}

/* What an end tag does not reach through: </span> not through a <div>, </div> not through a <td>. */
static unsigned stops_of(uint8_t kind)
{
    unsigned nature = kind < HTML_EL_COUNT ? html_nature((enum html_element)kind) : 0;

    if (is_of_table(kind))
        return 0;
    return nature & (HTML_BLOCK | HTML_INLINE | HTML_SCOPE) || kind == HTML_EL_SELECT ? HTML_SCOPE
                                                                                      : HTML_SCOPE | HTML_BLOCK;
}

/* Elements whose end tags may be left out. */
static bool ends_unsaid(const struct html_open *open)
{
    switch (open->kind) {
    case HTML_EL_DD:
    case HTML_EL_DT:
    case HTML_EL_LI:
    case HTML_EL_OPTGROUP:
    case HTML_EL_OPTION:
    case HTML_EL_P:
    case HTML_EL_RP:
    case HTML_EL_RT: return open->language == HTML_LANGUAGE;
    default: return false;
    }
}

/* What else is open in a form stays so, and in it. */
static void end_form(struct html_looks *l)
{
    l->has_form = false;
    while (l->count[HTML_EL_FORM] && l->depth > l->floor && ends_unsaid(&l->open[l->depth - 1]))
        html_open_close_to(l, l->depth - 1);
    for (size_t i = l->depth; i-- > l->floor && !(html_open_nature(&l->open[i]) & HTML_SCOPE);) {
        if (l->open[i].kind != HTML_EL_FORM)
            continue;
        memmove(&l->open[i], &l->open[i + 1], (l->depth - i - 1) * sizeof l->open[i]);
        l->depth--;
        l->count[HTML_EL_FORM]--;
        return;
    }
}

/* The end tags that mean more or less than others. */
static bool ends_as_said(struct html_looks *l, enum html_element e)
{
    size_t at;

    switch (e) {
    case HTML_EL_BODY: /* what comes behind it is in it, too */
    case HTML_EL_HTML: return true;
    case HTML_EL_FORM: end_form(l); return true;
    case HTML_EL_H1:
    case HTML_EL_H2:
    case HTML_EL_H3:
    case HTML_EL_H4:
    case HTML_EL_H5:
    case HTML_EL_H6:
        if ((at = html_place_heading(l)) != SPAN_NPOS)
            html_open_close_to(l, at);
        return true;
    default: return false;
    }
}

void html_open_end(struct html_reading *r)
{
    struct html_looks *l = &r->looks;
    enum html_element e = r->token.element;
    uint8_t kind = kind_of(&r->token);

    if (l->lost[kind]) {
        l->lost[kind]--;
        return;
    }
    if (html_open_is_foreign(l) && (e == HTML_EL_P || e == HTML_EL_BR))
        end_foreign(l);
    if (!html_open_is_foreign(l) && ends_as_said(l, e))
        return;
    if (!l->count[kind] || (html_nature(e) & HTML_INLINE && close_around(l, kind)))
        return;
    html_open_close_within(l, kind, stops_of(kind), is_of_table(kind) ? HTML_EL_TABLE : OPEN_KINDS - 1);
}
