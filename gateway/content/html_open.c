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

/* Closes all down to open[depth]; what was started beyond HTML_DEPTH_MAX lies in the innermost of them. */
static void close_to(struct html_looks *l, size_t depth)
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

    close_to(l, floor);
    l->floor = floor;
    return before;
}

const struct html_look *html_look(const struct html_reading *r)
{
    return r->looks.depth ? &r->looks.open[r->looks.depth - 1].look : &plain_look;
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

static unsigned nature_of(uint8_t kind)
{
    return kind < HTML_EL_COUNT ? html_nature((enum html_element)kind) : 0;
}

/* Closes the innermost `kind`, unless something of `stops` is nearer. */
static void close_within(struct html_looks *l, uint8_t kind, unsigned stops, uint8_t stop)
{
    if (!l->count[kind])
        return;
    for (size_t i = l->depth; i-- > l->floor;) {
        if (l->open[i].kind == kind) {
            close_to(l, i);
            return;
        }
        if (nature_of(l->open[i].kind) & stops || l->open[i].kind == stop)
            return;
    }
}

/* ---- SVG and MathML ---- */

enum { AS_HTML, AS_SVG, AS_MATHML };

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
static bool ends_foreign(enum html_element e)
{
    switch (e) {
    case HTML_EL_BODY:
    case HTML_EL_BR:
    case HTML_EL_CODE:
    case HTML_EL_EMBED:
    case HTML_EL_HEAD:
    case HTML_EL_IMG:
    case HTML_EL_META:
    case HTML_EL_RUBY:
    case HTML_EL_SPAN:
    case HTML_EL_SUB:
    case HTML_EL_SUP:
    case HTML_EL_VAR: return true;
    case HTML_EL_A: return false;
    default: return html_nature(e) & (HTML_BLOCK | HTML_INLINE) && html_nature(e) & (HTML_SA_ELEMENT | HTML_SA_TRICK);
    }
}

static void end_foreign(struct html_looks *l)
{
    while (html_open_is_foreign(l))
        close_to(l, l->depth - 1);
}

/* What a start tag ends that its author left open. */
static void close_before(struct html_looks *l, enum html_element e)
{
    switch (e) {
    case HTML_EL_LI: close_within(l, HTML_EL_LI, HTML_SCOPE, HTML_EL_UL); break;
    case HTML_EL_DD:
    case HTML_EL_DT:
        close_within(l, HTML_EL_DD, HTML_SCOPE, HTML_EL_DL);
        close_within(l, HTML_EL_DT, HTML_SCOPE, HTML_EL_DL);
        break;
    case HTML_EL_OPTION: close_within(l, HTML_EL_OPTION, HTML_SCOPE, HTML_EL_SELECT); break;
    case HTML_EL_TD:
    case HTML_EL_TH:
        close_within(l, HTML_EL_TD, 0, HTML_EL_TABLE);
        close_within(l, HTML_EL_TH, 0, HTML_EL_TABLE);
        break;
    case HTML_EL_TR:
    case HTML_EL_TBODY:
    case HTML_EL_TFOOT: close_within(l, HTML_EL_TR, 0, HTML_EL_TABLE); break;
    case HTML_EL_BODY: close_within(l, HTML_EL_HEAD, HTML_SCOPE, HTML_EL_BODY); break;
    case HTML_EL_A: close_within(l, HTML_EL_A, HTML_SCOPE, HTML_EL_A); break;
    default: break;
    }
    if (html_nature(e) & HTML_BLOCK && e != HTML_EL_TR && e != HTML_EL_TBODY)
        close_within(l, HTML_EL_P, HTML_SCOPE, HTML_EL_BUTTON);
}

void html_open_start(struct html_reading *r)
{
    struct html_looks *l = &r->looks;
    enum html_element e = r->token.element;
    uint8_t kind = kind_of(&r->token);

    if (html_open_is_foreign(l) && ends_foreign(e))
        end_foreign(l);
    close_before(l, e);
    uint8_t language = language_in(kind, html_open_is_foreign(l) ? l->open[l->depth - 1].language : AS_HTML);
    bool is_foreign = language != AS_HTML || html_open_is_foreign(l);

    if (html_nature(e) & HTML_VOID || (is_foreign && r->token.attributes.has_slash))
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
    open->look = *html_look(r);
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
        if (nature_of(l->open[--i].kind) & HTML_SCOPE || l->depth - i > AROUND_MOST)
            return false;
    if (i-- == l->floor)
        return false;
    bool has_block = false;

    for (size_t k = i + 1; k < l->depth; k++)
        has_block |= nature_of(l->open[k].kind) & HTML_BLOCK;
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
    if (is_of_table(kind))
        return 0;
    return nature_of(kind) & (HTML_BLOCK | HTML_INLINE | HTML_SCOPE) ? HTML_SCOPE : HTML_SCOPE | HTML_BLOCK;
}

void html_open_end(struct html_reading *r)
{
    struct html_looks *l = &r->looks;
    uint8_t kind = kind_of(&r->token);

    if (l->lost[kind]) {
        l->lost[kind]--;
        return;
    }
    if (!l->count[kind] || (nature_of(kind) & HTML_INLINE && close_around(l, kind)))
        return;
    close_within(l, kind, stops_of(kind), is_of_table(kind) ? HTML_EL_TABLE : OPEN_KINDS - 1);
}
