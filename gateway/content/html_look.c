/* content/html_look.c - how text looks in an element, and so whether anybody sees it.
 *
 * From the outside in: what is inherited, what the element's name and attributes say, style sheets, its own style
 * [CSS2 6]. Colours are compared as people see them [WCAG21 1.4.3]. What cannot be known (the colour of an image)
 * counts as seen.
 */
#include "gateway/content/html_color.h"
#include "gateway/content/html_parts.h"

#define CONTRAST_LEAST 1.2 /* #ebebeb on white; what is meant to be read begins at 3 */
#define ALPHA_LEAST    0.11F
#define PX_LEAST       3.0F    /* of a font */
#define PX_BOX         2.0F    /* a box of no more is none */
#define PX_AWAY        600.0F  /* out of its place by so much: out of sight */
#define PX_FAR         1500.0F /* the same to where there is room */
#define PX_MARGIN_AWAY 900.0F
#define PX_LETTER      5.0F /* the least width of one on an average */

const struct html_look plain_look = {
    .is_ground_known = true, .is_ink_known = true, .ground = 0xffffff, .ink_alpha = 1, .opacity = 1, .size = 16
};

/* ---- names and attributes ---- */

static void ink(struct html_look *look, uint32_t rgb)
{
    if (look->is_filled)
        return;
    look->ink = rgb;
    look->ink_alpha = 1;
    look->is_ink_known = true;
}

static void set_ink(struct html_look *look, struct html_reading *r, enum html_attribute which)
{
    uint32_t rgb;

    if (html_has(&r->token.attributes, which) &&
        html_color_attribute(html_decode(r->a, r->token.attributes.value[which]), &rgb))
        ink(look, rgb);
}

static void set_ground(struct html_look *look, struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    uint32_t rgb;

    if (html_has(a, HTML_AT_BGCOLOR) && html_color_attribute(html_decode(r->a, a->value[HTML_AT_BGCOLOR]), &rgb)) {
        look->ground = rgb;
        look->is_ground_known = true;
    } else if (html_has(a, HTML_AT_BACKGROUND)) {
        look->is_ground_known = false;
    }
}

/* <font size>: 1 to 7, or steps from 3. */
static void set_font_size(struct html_look *look, struct html_reading *r)
{
    static const float px[] = { 10, 13, 16, 18, 24, 32, 48 };
    struct span s = span_trim(html_value(&r->token.attributes, HTML_AT_SIZE));
    bool is_step = s.len && (s.ptr[0] == '+' || s.ptr[0] == '-');
    int n = 0;

    for (size_t i = is_step; i < s.len && i < 4 && ascii_is_digit(s.ptr[i]); i++)
        n = n * 10 + (s.ptr[i] - '0');
    if (!s.len || (!is_step && !ascii_is_digit(s.ptr[0])))
        return;
    n = !is_step ? n : s.ptr[0] == '+' ? 3 + n : 3 - n;
    look->size = px[n < 1 ? 0 : n > 7 ? 6 : n - 1];
}

static void set_named(struct html_look *look, struct html_reading *r)
{
    switch (r->token.element) {
    case HTML_EL_A:
        if (html_has(&r->token.attributes, HTML_AT_HREF))
            ink(look, 0x0000ee); /* unless somebody says otherwise */
        break;
    case HTML_EL_MARK:
        look->ground = 0xffff00;
        look->is_ground_known = true;
        ink(look, 0);
        break;
    case HTML_EL_BUTTON:
    case HTML_EL_SELECT:
    case HTML_EL_TEXTAREA:
        ink(look, 0);
        look->is_ground_known = false;
        break;
    case HTML_EL_SMALL:
    case HTML_EL_SUB:
    case HTML_EL_SUP: look->size *= 0.83F; break;
    case HTML_EL_BIG: look->size *= 1.2F; break;
    case HTML_EL_FONT:
        set_ink(look, r, HTML_AT_COLOR);
        set_font_size(look, r);
        break;
    case HTML_EL_BODY: set_ink(look, r, HTML_AT_TEXT); break;
    default: break;
    }
}

static bool preserves(enum html_element e)
{
    return e == HTML_EL_PRE || e == HTML_EL_LISTING || e == HTML_EL_XMP || e == HTML_EL_PLAINTEXT ||
           e == HTML_EL_TEXTAREA;
}

static bool is_zero(struct span value)
{
    struct span s = span_trim(value);

    return s.len && s.ptr[0] == '0' && (s.len == 1 || !ascii_is_digit(s.ptr[1]));
}

/* Not shown, unless a style says how. */
static bool is_undisplayed(const struct html_token *t)
{
    return html_nature(t->element) & HTML_UNSEEN || html_has(&t->attributes, HTML_AT_HIDDEN) ||
           (t->element == HTML_EL_DIALOG && !html_has(&t->attributes, HTML_AT_OPEN));
}

static bool may_be_displayed(enum html_element e)
{
    return !(html_nature(e) & HTML_UNSEEN) || e == HTML_EL_DATALIST || e == HTML_EL_RP;
}

static void set_attributes(struct html_look *look, struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    enum html_element e = r->token.element;

    if (e == HTML_EL_MARQUEE && (is_zero(html_value(a, HTML_AT_WIDTH)) || is_zero(html_value(a, HTML_AT_HEIGHT))))
        look->fixed |= HTML_OFF_SCREEN;
    look->is_preserved |= preserves(e);
    set_named(look, r);
    set_ground(look, r);
}

/* ---- styles ---- */

static float pixels(const struct html_style_value *v, float em, float percent_of)
{
    switch (v->unit) {
    case UNIT_EM: return v->number * em;
    case UNIT_REM: return v->number * 16;
    case UNIT_PERCENT: return v->number * percent_of / 100;
    default: return v->number;
    }
}

static bool is_away(const struct html_style *s, enum html_property p, float size, float most)
{
    return style_has(s, p) && pixels(&s->value[p], size, 800) <= -most;
}

static bool is_far(const struct html_style *s, enum html_property p, float size)
{
    return style_has(s, p) && pixels(&s->value[p], size, 800) >= PX_FAR;
}

static bool is_no_box(const struct html_style *s, enum html_property p, float size)
{
    return style_has(s, p) && s->value[p].unit < UNIT_COLOUR && pixels(&s->value[p], size, 600) <= PX_BOX;
}

static bool is_table_part(enum html_element e)
{
    return e == HTML_EL_TABLE || e == HTML_EL_CAPTION || html_place_is_part(e);
}

/* Whether it is more than a piece of a line: only then it has a height, and may be moved. */
static bool is_box(const struct html_style *s, enum html_element e)
{
    const struct html_style_value *display = &s->value[STYLE_DISPLAY];

    if (s->value[STYLE_POSITION].number == STYLE_OUT_OF_FLOW || style_is(s, STYLE_FLOAT))
        return true;
    if (style_has(s, STYLE_DISPLAY) && display->unit != UNIT_UNKNOWN)
        return display->unit == UNIT_FLAG;
    return html_nature(e) & (HTML_BLOCK | HTML_CELL) || e == HTML_EL_BUTTON || e == HTML_EL_SELECT ||
           e == HTML_EL_TEXTAREA || e == HTML_EL_MARQUEE || e == HTML_EL_OBJECT;
}

/* Clipped to nothing; what is in a cell of a table makes it larger. */
static bool is_without_room(const struct html_style *s, const struct html_look *look, enum html_element e)
{
    if (!style_is(s, STYLE_OVERFLOW) || style_is(s, STYLE_ROOM) || !is_box(s, e) ||
        (is_table_part(e) && !style_has(s, STYLE_DISPLAY)))
        return false;
    return is_no_box(s, STYLE_HEIGHT, look->size) || is_no_box(s, STYLE_WIDTH, look->size);
}

static bool is_moved_away(const struct html_style *s, const struct html_look *look)
{
    return is_away(s, STYLE_LEFT, look->size, PX_AWAY) || is_away(s, STYLE_TOP, look->size, PX_AWAY) ||
           is_away(s, STYLE_RIGHT, look->size, PX_FAR) || is_away(s, STYLE_BOTTOM, look->size, PX_FAR) ||
           is_far(s, STYLE_LEFT, look->size);
}

static bool is_out_of_sight(const struct html_style *s, const struct html_look *look, enum html_element e)
{
    if (style_is(s, STYLE_POSITION) && is_moved_away(s, look))
        return true;
    if (is_away(s, STYLE_MARGIN_LEFT, look->size, PX_MARGIN_AWAY) ||
        (is_box(s, e) && is_away(s, STYLE_MARGIN_TOP, look->size, PX_MARGIN_AWAY)))
        return true;
    if (style_is(s, STYLE_CLIP) && s->value[STYLE_POSITION].number == STYLE_OUT_OF_FLOW)
        return true;
    return style_is(s, STYLE_CLIP_PATH) || (style_is(s, STYLE_TRANSFORM) && is_box(s, e)) ||
           is_without_room(s, look, e);
}

static uint32_t blend_part(uint32_t over, uint32_t under, unsigned shift, float alpha)
{
    float o = (float)(over >> shift & 255), u = (float)(under >> shift & 255);

    return (uint32_t)(o * alpha + u * (1 - alpha) + 0.5F) << shift;
}

static uint32_t blended(uint32_t over, uint32_t under, float alpha)
{
    if (alpha >= 1)
        return over;
    return blend_part(over, under, 16, alpha) | blend_part(over, under, 8, alpha) | blend_part(over, under, 0, alpha);
}

static void set_ground_of(struct html_look *look, const struct html_style_value *ground, const struct html_look *outer)
{
    look->ground = ground->unit == UNIT_COLOUR ? blended(ground->rgb, outer->ground, ground->number) : outer->ground;
    look->is_ground_known = outer->is_ground_known;
    if (ground->unit == UNIT_IMAGE || ground->unit == UNIT_UNKNOWN)
        look->is_ground_known = false;
    else if (ground->unit == UNIT_COLOUR && ground->number >= 0.99F)
        look->is_ground_known = true;
}

static void set_ink_of(struct html_look *look, const struct html_style_value *colour, const struct html_look *outer)
{
    if (look->is_filled)
        return;
    look->is_ink_known = colour->unit != UNIT_UNKNOWN;
    if (colour->unit == UNIT_INHERIT) {
        look->ink = outer->ink;
        look->ink_alpha = outer->ink_alpha;
        look->is_ink_known = outer->is_ink_known;
        return;
    }
    look->ink = colour->unit == UNIT_COLOUR ? colour->rgb : 0;
    look->ink_alpha = colour->unit == UNIT_COLOUR ? colour->number : 1;
}

static void set_colours(struct html_look *look, const struct html_style *s, const struct html_look *outer)
{
    const struct html_style_value *fill = &s->value[STYLE_FILL], *shadow = &s->value[STYLE_SHADOW];

    if (style_has(s, STYLE_BACKGROUND))
        set_ground_of(look, &s->value[STYLE_BACKGROUND], outer);
    if (style_has(s, STYLE_FILL) && fill->unit != UNIT_INHERIT)
        look->is_filled = false;
    if (style_has(s, STYLE_COLOR))
        set_ink_of(look, &s->value[STYLE_COLOR], outer);
    if (style_has(s, STYLE_FILL) && (fill->unit == UNIT_COLOUR || fill->unit == UNIT_UNKNOWN)) {
        set_ink_of(look, fill, outer);
        look->is_filled = true;
    }
    if (style_has(s, STYLE_SHADOW) && shadow->unit != UNIT_INHERIT) {
        look->shadow = shadow->rgb;
        look->shadow_alpha = shadow->unit == UNIT_UNKNOWN ? 1 : shadow->number;
        look->is_ink_known &= shadow->unit != UNIT_UNKNOWN;
    }
}

static void set_size(struct html_look *look, const struct html_style_value *size, const struct html_look *outer)
{
    switch (size->unit) {
    case UNIT_INHERIT: look->size = outer->size; break;
    case UNIT_INITIAL:
    case UNIT_UNKNOWN: look->size = plain_look.size; break;
    default: look->size = pixels(size, outer->size, outer->size);
    }
}

/* What elements inside have, too. */
static void set_inherited(struct html_look *look, const struct html_style *s, const struct html_look *outer,
                          enum html_element e)
{
    if (style_has(s, STYLE_FONT_SIZE))
        set_size(look, &s->value[STYLE_FONT_SIZE], outer);
    if (style_has(s, STYLE_VISIBILITY) && s->value[STYLE_VISIBILITY].unit != UNIT_INHERIT)
        look->is_invisible = style_is(s, STYLE_VISIBILITY);
    if (style_has(s, STYLE_WHITE_SPACE) && s->value[STYLE_WHITE_SPACE].unit != UNIT_INHERIT)
        look->is_preserved = style_is(s, STYLE_WHITE_SPACE);
    if (style_has(s, STYLE_INDENT) && s->value[STYLE_INDENT].unit != UNIT_INHERIT &&
        (is_box(s, e) || s->value[STYLE_INDENT].number >= 0))
        look->indent = pixels(&s->value[STYLE_INDENT], look->size, 600);
}

static void set_style(struct html_look *look, const struct html_style *s, const struct html_look *outer,
                      struct html_reading *r)
{
    enum html_element e = r->token.element;

    set_inherited(look, s, outer, e);
    if (style_is(s, STYLE_DISPLAY))
        look->fixed |= HTML_DISPLAY_NONE;
    look->is_inline = style_has(s, STYLE_DISPLAY) && s->value[STYLE_DISPLAY].unit == UNIT_INLINE;
    if (style_has(s, STYLE_OPACITY) && s->value[STYLE_OPACITY].unit == UNIT_PX)
        look->opacity *= s->value[STYLE_OPACITY].number;
    if (style_is(s, STYLE_MSO_HIDE))
        r->out->facts |= HTML_HIDES_MSO;
    set_colours(look, s, outer);
    if (is_out_of_sight(s, look, e))
        look->fixed |= HTML_OFF_SCREEN;
}

/* ---- all in all ---- */

static bool has_contrast(const struct html_look *look, uint32_t rgb, float alpha)
{
    return html_contrast(blended(rgb, look->ground, alpha), look->ground) >= CONTRAST_LEAST;
}

bool look_hides_pictures(const struct html_look *look)
{
    return look->fixed || look->is_invisible || look->opacity < ALPHA_LEAST;
}

bool look_hides_line(const struct html_look *look, size_t letters)
{
    return look->indent <= -PX_AWAY && (float)letters * PX_LETTER <= -look->indent;
}

static void judge(struct html_look *look)
{
    float alpha = look->ink_alpha > look->shadow_alpha ? look->ink_alpha : look->shadow_alpha;

    look->hiding = look->fixed;
    if (look->is_invisible)
        look->hiding |= HTML_DISPLAY_NONE;
    if (look->size < PX_LEAST)
        look->hiding |= HTML_TINY;
    if (alpha * look->opacity < ALPHA_LEAST)
        look->hiding |= HTML_TRANSPARENT;
    else if (look->is_ground_known && look->is_ink_known && !has_contrast(look, look->ink, look->ink_alpha) &&
             !(look->shadow_alpha > 0 && has_contrast(look, look->shadow, look->shadow_alpha)))
        look->hiding |= HTML_LOW_CONTRAST;
}

void look_start(struct html_reading *r, struct html_look *look)
{
    const struct html_attributes *a = &r->token.attributes;
    bool is_unseen = is_undisplayed(&r->token);
    struct html_look outer = *look;

    look->is_inline = false;
    set_attributes(look, r);
    if (r->looks.sheet.count || html_has(a, HTML_AT_STYLE)) {
        struct html_style style = { .set = 0 };

        sheet_style(&r->looks.sheet, r->token.name, html_decode(r->a, html_value(a, HTML_AT_CLASS)),
                    html_decode(r->a, html_value(a, HTML_AT_ID)), &style);
        if (html_has(a, HTML_AT_STYLE))
            style_read(&style, html_decode(r->a, a->value[HTML_AT_STYLE]));
        if (style.set)
            set_style(look, &style, &outer, r);
        is_unseen &= !style_has(&style, STYLE_DISPLAY) || !may_be_displayed(r->token.element);
    }
    if (is_unseen)
        look->fixed |= HTML_DISPLAY_NONE;
    judge(look);
}

void look_lose(struct html_look *look, const struct html_look *closed, const struct html_look *outer)
{
    if (look->ink == closed->ink && look->ink_alpha == closed->ink_alpha) {
        look->ink = outer->ink;
        look->ink_alpha = outer->ink_alpha;
        look->is_ink_known = outer->is_ink_known;
        look->is_filled = outer->is_filled;
    }
    if (look->shadow == closed->shadow && look->shadow_alpha == closed->shadow_alpha) {
        look->shadow = outer->shadow;
        look->shadow_alpha = outer->shadow_alpha;
    }
    if (look->ground == closed->ground) {
        look->ground = outer->ground;
        look->is_ground_known = outer->is_ground_known;
    }
    if (look->size == closed->size)
        look->size = outer->size;
    if (look->is_invisible == closed->is_invisible)
        look->is_invisible = outer->is_invisible;
    if (look->opacity == closed->opacity)
        look->opacity = outer->opacity;
    look->fixed &= ~(closed->fixed & ~outer->fixed);
    judge(look);
}
