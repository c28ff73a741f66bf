/* content/html_place.c - where a start tag's element lies [HTML 13.2.6.4]: what it ends that its author left open, and
 * which tags browsers leave out.
 *
 * Who hides text writes what hides it into such a tag: a <tr> outside of any table, a second <body>, a <table> whose
 * text lies in no cell. Browsers show that text.
 */
#include "gateway/content/html_parts.h"

static unsigned nature_at(const struct html_looks *l, size_t i)
{
    return html_open_nature(&l->open[i]);
}

static bool is_at(const struct html_looks *l, size_t i, enum html_element e)
{
    return l->open[i].kind == e && l->open[i].language == HTML_LANGUAGE;
}

static bool is_innermost(const struct html_looks *l, enum html_element e)
{
    return l->depth > l->floor && is_at(l, l->depth - 1, e);
}

static bool is_open(const struct html_looks *l, enum html_element e)
{
    if (l->count[e])
        for (size_t i = l->depth; i-- > l->floor;)
            if (is_at(l, i, e))
                return true;
    return false;
}

static void close_innermost(struct html_looks *l)
{
    html_open_close_to(l, l->depth - 1);
}

/* ---- tables ---- */

/* What holds nothing but other parts: browsers put what else is in it before the table. */
static bool is_frame(const struct html_open *open)
{
    if (open->language != HTML_LANGUAGE)
        return false;
    switch (open->kind) {
    case HTML_EL_TABLE:
    case HTML_EL_TBODY:
    case HTML_EL_TFOOT:
    case HTML_EL_THEAD:
    case HTML_EL_TR: return true;
    default: return false;
    }
}

static bool is_cell(const struct html_open *open)
{
    return open->language == HTML_LANGUAGE &&
           (open->kind == HTML_EL_TD || open->kind == HTML_EL_TH || open->kind == HTML_EL_CAPTION);
}

/* The innermost part of a table that is open; SPAN_NPOS: none. */
static size_t part_around(const struct html_looks *l)
{
    if (l->count[HTML_EL_TABLE])
        for (size_t i = l->depth; i-- > l->floor && l->open[i].kind != HTML_EL_TEMPLATE;)
            if (is_frame(&l->open[i]) || is_cell(&l->open[i]))
                return i;
    return SPAN_NPOS;
}

static bool is_around(const struct html_open *open, enum html_element e)
{
    if (!is_frame(open))
        return false;
    switch (e) {
    case HTML_EL_TD:
    case HTML_EL_TH: return true;
    case HTML_EL_TR: return open->kind != HTML_EL_TR;
    default: return open->kind == HTML_EL_TABLE;
    }
}

/* Closes down to what a part of a table lies in; false: there is no table. */
static bool place_part(struct html_looks *l, enum html_element e)
{
    size_t i = part_around(l);

    if (i == SPAN_NPOS)
        return false;
    while (i > l->floor && !is_around(&l->open[i], e))
        i--;
    html_open_close_to(l, i + 1);
    return true;
}

/* A table in a table, not in its cell, ends it. */
static void end_table(struct html_looks *l)
{
    size_t i = part_around(l);

    if (i == SPAN_NPOS || is_cell(&l->open[i]))
        return;
    while (i > l->floor && !is_at(l, i, HTML_EL_TABLE))
        i--;
    html_open_close_to(l, i);
}

const struct html_look *html_look(const struct html_reading *r)
{
    const struct html_looks *l = &r->looks;
    size_t i = l->depth;

    if (!i)
        return &plain_look;
    if (!is_frame(&l->open[i - 1]))
        return &l->open[i - 1].look;
    while (i > 0 && !is_at(l, --i, HTML_EL_TABLE))
        ;
    return i ? &l->open[i - 1].look : &plain_look;
}

/* ---- lists of choices ---- */

bool html_place_is_in_select(const struct html_looks *l)
{
    size_t i = l->depth;

    while (i > l->floor && (is_at(l, i - 1, HTML_EL_OPTION) || is_at(l, i - 1, HTML_EL_OPTGROUP)))
        i--;
    return i > l->floor && is_at(l, i - 1, HTML_EL_SELECT);
}

static void end_select(struct html_looks *l)
{
    while (!is_innermost(l, HTML_EL_SELECT))
        close_innermost(l);
    close_innermost(l);
}

/* False: the tag is left out. */
static bool place_in_select(struct html_looks *l, enum html_element e)
{
    switch (e) {
    case HTML_EL_HR:
    case HTML_EL_OPTGROUP:
    case HTML_EL_OPTION:
    case HTML_EL_SCRIPT:
    case HTML_EL_TEMPLATE: return true;
    case HTML_EL_INPUT:
    case HTML_EL_TEXTAREA: end_select(l); return true;
    case HTML_EL_SELECT: end_select(l); return false;
    case HTML_EL_CAPTION:
    case HTML_EL_TABLE:
    case HTML_EL_TBODY:
    case HTML_EL_TD:
    case HTML_EL_TFOOT:
    case HTML_EL_TH:
    case HTML_EL_THEAD:
    case HTML_EL_TR:
        if (part_around(l) == SPAN_NPOS)
            return false;
        end_select(l);
        return true;
    default: return false;
    }
}

/* ---- other elements ---- */

static bool is_heading(uint8_t kind)
{
    return kind >= HTML_EL_H1 && kind <= HTML_EL_H6;
}

size_t html_place_heading(const struct html_looks *l)
{
    for (size_t i = l->depth; i-- > l->floor && !(nature_at(l, i) & HTML_SCOPE);)
        if (is_heading(l->open[i].kind) && l->open[i].language == HTML_LANGUAGE)
            return i;
    return SPAN_NPOS;
}

/* The innermost `e` or `other`, unless a block is nearer that is more than a paragraph. */
static void end_item(struct html_looks *l, enum html_element e, enum html_element other)
{
    for (size_t i = l->depth; i-- > l->floor;) {
        enum html_element here = (enum html_element)l->open[i].kind;

        if (is_at(l, i, e) || is_at(l, i, other)) {
            html_open_close_to(l, i);
            return;
        }
        if (nature_at(l, i) & (HTML_BLOCK | HTML_CELL | HTML_SCOPE) && here != HTML_EL_ADDRESS && here != HTML_EL_DIV &&
            here != HTML_EL_P)
            return;
    }
}

static bool ends_paragraph(enum html_element e)
{
    switch (e) {
    case HTML_EL_BODY:
    case HTML_EL_FRAMESET:
    case HTML_EL_HEAD:
    case HTML_EL_HTML:
    case HTML_EL_LEGEND:
    case HTML_EL_OPTGROUP:
    case HTML_EL_OPTION: return false;
    default: return html_nature(e) & HTML_BLOCK;
    }
}

static void end_before(struct html_looks *l, enum html_element e)
{
    switch (e) {
    case HTML_EL_LI: end_item(l, e, e); break;
    case HTML_EL_DD:
    case HTML_EL_DT: end_item(l, HTML_EL_DD, HTML_EL_DT); break;
    case HTML_EL_OPTGROUP:
    case HTML_EL_OPTION:
        if (is_innermost(l, HTML_EL_OPTION))
            close_innermost(l);
        if (e == HTML_EL_OPTGROUP && html_place_is_in_select(l) && is_innermost(l, e))
            close_innermost(l);
        break;
    case HTML_EL_A:
    case HTML_EL_BUTTON:
    case HTML_EL_NOBR: html_open_close_within(l, (uint8_t)e, HTML_SCOPE, (uint8_t)e); break;
    case HTML_EL_TABLE: end_table(l); break;
    default: break;
    }
    if (ends_paragraph(e))
        html_open_close_within(l, HTML_EL_P, HTML_SCOPE, HTML_EL_BUTTON);
    if (is_heading((uint8_t)e) && l->depth > l->floor && is_heading(l->open[l->depth - 1].kind))
        close_innermost(l);
}

/* A form in a form is none, and one between the cells of a table holds nothing. */
static bool place_form(struct html_looks *l)
{
    if (l->has_form)
        return false;
    l->has_form = true;
    return !l->depth || !is_frame(&l->open[l->depth - 1]);
}

bool html_place_start(struct html_looks *l, enum html_element e)
{
    if (html_place_is_in_select(l) && !place_in_select(l, e))
        return false;
    if (l->has_lost && l->lost[HTML_EL_TABLE])
        return true;
    switch (e) {
    case HTML_EL_BODY:
    case HTML_EL_HTML: return !is_open(l, e);
    case HTML_EL_FRAMESET:
    case HTML_EL_HEAD: return false; /* what is seen lies in none of them */
    case HTML_EL_COL:
    case HTML_EL_COLGROUP: place_part(l, e); return false;
    case HTML_EL_CAPTION:
    case HTML_EL_TBODY:
    case HTML_EL_TD:
    case HTML_EL_TFOOT:
    case HTML_EL_TH:
    case HTML_EL_THEAD:
    case HTML_EL_TR: return place_part(l, e);
    default: break;
    }
    end_before(l, e);
    return e != HTML_EL_FORM || place_form(l);
}

bool html_place_is_part(enum html_element e)
{
    switch (e) {
    case HTML_EL_CAPTION:
    case HTML_EL_TBODY:
    case HTML_EL_TD:
    case HTML_EL_TFOOT:
    case HTML_EL_TH:
    case HTML_EL_THEAD:
    case HTML_EL_TR: return true;
    default: return false;
    }
}
