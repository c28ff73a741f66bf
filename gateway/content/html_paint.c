/* content/html_paint.c - colours and sizes of text as SpamAssassin keeps them: which text it takes for unseen, and the
 * facts that its rules ask for [Mail::SpamAssassin::HTML].
 *
 * What a reader really shows is html_look.c's; this is what rules were written against. The stack knows how many of a
 * kind are in it, so that a tag costs the same however many are open.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/content/html_color.h"
#include "gateway/content/html_parts.h"

enum { PAINT_DEPTH_MAX = 50000, COLOUR_INVALID = -1, COLOUR_TRANSPARENT = -2, COLOUR_EMPTY = -3, DISTANCE_LEAST = 12 };

struct html_style_entry {
    uint8_t element;
    bool is_undisplayed, is_invisible;
    int32_t ink, ground;
    int size;
};

void html_paint_init(struct html_reading *r)
{
    struct html_paint *p = &r->paint;

    p->room = 64;
    p->stack = mem_alloc(p->room * sizeof *p->stack);
    p->stack[0] = (struct html_style_entry){ .ground = 0xffffff, .size = 3 };
    p->depth = 1;
    p->base_size = 3;
    r->out->counts.least_size = r->out->counts.most_size = 3;
}

void html_paint_release(struct html_reading *r)
{
    free(r->paint.stack);
    r->paint.stack = NULL;
}

static struct html_style_entry *top(struct html_paint *p)
{
    return &p->stack[p->depth - 1];
}

static void push(struct html_paint *p, const struct html_style_entry *entry)
{
    if (p->depth == PAINT_DEPTH_MAX)
        return;
    if (p->depth == p->room) {
        p->room *= 2;
        p->stack = mem_grow(p->stack, p->room * sizeof *p->stack);
    }
    p->stack[p->depth++] = *entry;
    p->count[entry->element]++;
}

static void pop(struct html_paint *p)
{
    p->count[p->stack[--p->depth].element]--;
}

/* ---- values ---- */

static bool is_hex(char c)
{
    return ascii_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

enum { DIGITS_MOST = 6, DIGITS_SHORT = 3 };

/* "#a", "#abcd", "#abcdef12": what is there, cut to three or six digits, or filled up with zeros. */
static int32_t by_digits(struct span s)
{
    char digits[DIGITS_MOST] = { '0', '0', '0', '0', '0', '0' };
    size_t all = 0;
    int32_t out = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (!is_hex(s.ptr[i]))
            continue;
        if (all < DIGITS_MOST)
            digits[all] = s.ptr[i];
        all++;
    }
    if (!all)
        return COLOUR_EMPTY;
    size_t n = all < DIGITS_MOST ? DIGITS_SHORT : DIGITS_MOST;

    for (size_t i = 0; i < n; i++) {
        out = out << 4 | ascii_hex(digits[i]);
        if (n == DIGITS_SHORT) /* each stands twice */
            out = out << 4 | ascii_hex(digits[i]);
    }
    return out;
}

static int32_t colour_of(struct span value)
{
    struct span s = span_trim(value);
    uint32_t named;

    if (html_color_named(s, &named))
        return (int32_t)named;
    for (size_t i = 0; i < s.len; i++)
        if (!is_hex(s.ptr[i]) && s.ptr[i] != '#')
            return COLOUR_INVALID;
    return s.len && s.ptr[0] == '#' ? by_digits(s) : COLOUR_INVALID;
}

/* rgb(), rgba(): the digits between the first commas. */
static int32_t by_numbers(struct span s)
{
    unsigned part[3] = { 0, 0, 0 };
    size_t at = 0;

    for (size_t i = 0; i < s.len && at < 3; i++) {
        if (s.ptr[i] == ',')
            at++;
        else if (ascii_is_digit(s.ptr[i]) && part[at] < 256)
            part[at] = part[at] * 10 + (unsigned)(s.ptr[i] - '0');
    }
    for (size_t i = 0; i < 3; i++)
        part[i] = part[i] > 255 ? 255 : part[i];
    return (int32_t)(part[0] << 16 | part[1] << 8 | part[2]);
}

static struct span without_important(struct span s)
{
    size_t at = span_rfind(s, '!');

    if (at != SPAN_NPOS && span_iis(span_trim(span_skip(s, at + 1)), "important"))
        return span_trim(span_first(s, at));
    return s;
}

static void set_colour(int32_t *to, struct span value)
{
    struct span s = without_important(span_trim(value));

    if (span_isearch(s, SPAN("rgb")) != SPAN_NPOS)
        *to = by_numbers(s);
    else if (span_iis(s, "transparent"))
        *to = COLOUR_TRANSPARENT;
    else if (!span_iis(s, "inherit"))
        *to = colour_of(s);
}

/* background: the first word of its last layer that is a colour. */
static void set_background(int32_t *to, struct span value)
{
    size_t depth = 0, from = 0;
    bool has = false;

    for (size_t i = 0; i <= value.len; i++) {
        char c = i < value.len ? value.ptr[i] : ' ';

        depth += c == '(';
        depth -= c == ')' && depth;
        if (depth && i < value.len)
            continue;
        if (c != ' ' && c != ',')
            continue;
        struct span word = span_make(value.ptr + from, i - from);
        int32_t colour = span_istarts(word, SPAN("rgb(")) ? by_numbers(word) : colour_of(word);

        if (i > from && !has && colour != COLOUR_INVALID) {
            *to = colour;
            has = true;
        }
        if (c == ',')
            has = false;
        from = i + 1;
    }
}

static void declaration(struct html_style_entry *e, struct span part)
{
    struct span name, value = part;

    while (value.len && html_is_space(value.ptr[0]))
        value = span_skip(value, 1);
    if (!span_cut(&value, ':', &name) || !value.ptr || !span_trim(value).len)
        return;
    if (span_iis(name, "color"))
        set_colour(&e->ink, value);
    else if (span_iis(name, "background-color"))
        set_colour(&e->ground, value);
    else if (span_is(name, "background"))
        set_background(&e->ground, span_trim(value));
    name = span_trim(name);
    if (span_is(name, "display"))
        e->is_undisplayed = span_iis(span_trim(value), "none");
    else if (span_is(name, "visibility"))
        e->is_invisible = span_iis(span_trim(value), "hidden");
}

static void set_style(struct html_style_entry *e, const struct html_style_entry *outer, struct span style)
{
    struct span part;

    while (span_cut(&style, ';', &part))
        declaration(e, part);
    if (e->ground == COLOUR_TRANSPARENT)
        e->ground = outer->ground;
    if (e->ink == COLOUR_TRANSPARENT)
        e->ink = e->ground;
}

static bool number_at(struct span s, int *out)
{
    int n = 0;

    if (!s.len || !ascii_is_digit(s.ptr[0]))
        return false;
    for (size_t i = 0; i < s.len && ascii_is_digit(s.ptr[i]); i++)
        n = n < 100000 ? n * 10 + (s.ptr[i] - '0') : n;
    *out = n;
    return true;
}

static void set_size(struct html_style_entry *e, int base, struct span value)
{
    struct span s = span_trim(value);
    int n;

    if (s.len && (s.ptr[0] == '+' || s.ptr[0] == '-')) {
        if (number_at(span_skip(s, 1), &n))
            e->size = s.ptr[0] == '+' ? base + n : base - n;
    } else if (number_at(s, &n)) {
        e->size = n;
    }
}

static bool takes_style(enum html_element e)
{
    return e == HTML_EL_TABLE || e == HTML_EL_TD || e == HTML_EL_TR || e == HTML_EL_SPAN || e == HTML_EL_P ||
           e == HTML_EL_DIV || e == HTML_EL_A;
}

/* ---- tags ---- */

static void set_attributes(struct html_reading *r, enum html_element element, struct html_style_entry *e)
{
    const struct html_attributes *a = &r->token.attributes;
    struct html_counts *c = &r->out->counts;
    bool is_any = false;

    if (element == HTML_EL_BODY && html_has(a, HTML_AT_TEXT) && (is_any = true))
        e->ink = colour_of(html_decode(r->a, a->value[HTML_AT_TEXT]));
    if (element == HTML_EL_FONT && html_has(a, HTML_AT_COLOR) && (is_any = true))
        e->ink = colour_of(html_decode(r->a, a->value[HTML_AT_COLOR]));
    if (element == HTML_EL_FONT && html_has(a, HTML_AT_SIZE) && (is_any = true))
        set_size(e, r->paint.base_size, html_decode(r->a, a->value[HTML_AT_SIZE]));
    if (takes_style(element) && html_has(a, HTML_AT_STYLE) && (is_any = true))
        set_style(e, top(&r->paint), html_decode(r->a, a->value[HTML_AT_STYLE]));
    is_any |= html_has(a, HTML_AT_FACE) || html_has(a, HTML_AT_BGCOLOR) || html_has(a, HTML_AT_BACKGROUND);
    if (is_any && e->size > c->most_size)
        c->most_size = e->size;
    else if (is_any && e->size < c->least_size)
        c->least_size = e->size;
}

/* A cell ends the one before, a row the cells and the row. */
static void close_cells(struct html_paint *p, enum html_element e)
{
    if (!p->count[e])
        return;
    while (p->depth > 1) {
        uint8_t last = top(p)->element;

        if (last != HTML_EL_FONT && last != HTML_EL_TD && (last != HTML_EL_TR || e != HTML_EL_TR))
            return;
        pop(p);
    }
}

static void paint_start(struct html_reading *r, enum html_element e)
{
    struct html_paint *p = &r->paint;
    struct span size = html_value(&r->token.attributes, HTML_AT_SIZE);

    if (e == HTML_EL_BASEFONT && number_at(span_trim(size), &p->base_size))
        return;
    if (e == HTML_EL_TD || e == HTML_EL_TR)
        close_cells(p, e);
    struct html_style_entry entry = *top(p);

    entry.element = (uint8_t)e;
    if (e == HTML_EL_BIG)
        entry.size++;
    else if (e == HTML_EL_SMALL)
        entry.size--;
    else
        set_attributes(r, e, &entry);
    push(p, &entry);
}

void html_paint_tag(struct html_reading *r)
{
    struct html_paint *p = &r->paint;
    enum html_element e = r->token.element == HTML_EL_TH ? HTML_EL_TD : r->token.element;

    if (!(html_nature(e) & HTML_SA_STYLE))
        return;
    if (r->token.kind == HTML_START) {
        paint_start(r, e);
        return;
    }
    if (e == HTML_EL_BODY || !p->count[e])
        return;
    for (uint8_t last = HTML_EL_UNKNOWN; last != e;) {
        last = top(p)->element;
        pop(p);
    }
}

/* The square of how far two colours are apart, by brightness. */
static double distance2(int32_t a, int32_t b)
{
    double red = 0.2126 * ((a >> 16 & 255) - (b >> 16 & 255));
    double green = 0.7152 * ((a >> 8 & 255) - (b >> 8 & 255));
    double blue = 0.0722 * ((a & 255) - (b & 255));

    return red * red + green * green + blue * blue;
}

bool html_paint_hides(struct html_reading *r)
{
    const struct html_style_entry *e = top(&r->paint);
    struct html_counts *c = &r->out->counts;
    bool are_colours = e->ink >= 0 && e->ground >= 0;

    if (e->ink == e->ground || (are_colours && distance2(e->ink, e->ground) < DISTANCE_LEAST * DISTANCE_LEAST)) {
        c->has_low_contrast = true;
        return true;
    }
    if (e->ink == COLOUR_INVALID || e->ground == COLOUR_INVALID) {
        c->has_invalid_colour = true;
        return true;
    }
    return e->size <= 1 || e->is_undisplayed || e->is_invisible;
}
