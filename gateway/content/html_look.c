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
#define PX_LEAST       3.0F   /* of a font */
#define PX_BOX         2.0F   /* a box of no more is none */
#define PX_AWAY        300.0F /* out of its place by so much: out of sight */
#define PX_MARGIN_AWAY 900.0F

const struct html_look plain_look = {
    .is_ground_known = true, .ground = 0xffffff, .ink_alpha = 1, .opacity = 1, .size = 16
};

/* ---- names and attributes ---- */

static void set_ink(struct html_look *look, struct html_reading *r, enum html_attribute which)
{
    struct html_style_value colour;

    if (!html_has(&r->token.attributes, which))
        return;
    if (style_colour(html_decode(r->a, r->token.attributes.value[which]), &colour)) {
        look->ink = colour.rgb;
        look->ink_alpha = 1;
    }
}

static void set_ground(struct html_look *look, struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    struct html_style_value colour;

    if (html_has(a, HTML_AT_BGCOLOR) && style_colour(html_decode(r->a, a->value[HTML_AT_BGCOLOR]), &colour)) {
        look->ground = colour.rgb;
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
        if (html_has(&r->token.attributes, HTML_AT_HREF)) {
            look->ink = 0x0000ee; /* unless somebody says otherwise */
            look->ink_alpha = 1;
        }
        break;
    case HTML_EL_MARK:
        look->ground = 0xffff00;
        look->ink = 0;
        look->is_ground_known = true;
        break;
    case HTML_EL_BUTTON:
    case HTML_EL_SELECT:
    case HTML_EL_TEXTAREA:
        look->ink = 0;
        look->ink_alpha = 1;
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

static void set_attributes(struct html_look *look, struct html_reading *r)
{
    const struct html_attributes *a = &r->token.attributes;
    enum html_element e = r->token.element;

    if (html_nature(e) & HTML_UNSEEN || html_has(a, HTML_AT_HIDDEN) ||
        (e == HTML_EL_DIALOG && !html_has(a, HTML_AT_OPEN)))
        look->fixed |= HTML_DISPLAY_NONE;
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
    return style_has(s, p) && pixels(&s->value[p], size, 800) >= 5 * PX_AWAY;
}

static bool is_no_box(const struct html_style *s, enum html_property p, float size)
{
    return style_has(s, p) && s->value[p].unit != UNIT_INHERIT && pixels(&s->value[p], size, 600) <= PX_BOX;
}

static bool is_out_of_sight(const struct html_style *s, const struct html_look *look)
{
    if (style_is(s, STYLE_POSITION) &&
        (is_away(s, STYLE_LEFT, look->size, PX_AWAY) || is_away(s, STYLE_TOP, look->size, PX_AWAY) ||
         is_away(s, STYLE_RIGHT, look->size, PX_AWAY) || is_away(s, STYLE_BOTTOM, look->size, PX_AWAY) ||
         is_far(s, STYLE_LEFT, look->size)))
        return true;
    if (is_away(s, STYLE_MARGIN_LEFT, look->size, PX_MARGIN_AWAY) ||
        is_away(s, STYLE_MARGIN_TOP, look->size, PX_MARGIN_AWAY))
        return true;
    if (style_is(s, STYLE_OVERFLOW) &&
        (is_no_box(s, STYLE_HEIGHT, look->size) || is_no_box(s, STYLE_WIDTH, look->size)))
        return true;
    return style_is(s, STYLE_CLIP) || style_is(s, STYLE_TRANSFORM);
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

static void set_colours(struct html_look *look, const struct html_style *s, const struct html_look *outer)
{
    const struct html_style_value *ground = &s->value[STYLE_BACKGROUND], *ink = &s->value[STYLE_COLOR];

    if (style_has(s, STYLE_BACKGROUND) && ground->unit == UNIT_IMAGE) {
        look->is_ground_known = false;
    } else if (style_has(s, STYLE_BACKGROUND) && ground->unit == UNIT_COLOUR) {
        look->ground = blended(ground->rgb, look->ground, ground->number);
        look->is_ground_known |= ground->number >= 0.99F;
    }
    if (style_has(s, STYLE_COLOR)) {
        look->ink = ink->unit == UNIT_COLOUR ? ink->rgb : outer->ink;
        look->ink_alpha = ink->unit == UNIT_COLOUR ? ink->number : outer->ink_alpha;
    }
}

static void set_style(struct html_look *look, const struct html_style *s, const struct html_look *outer,
                      struct html_reading *r)
{
    const struct html_style_value *size = &s->value[STYLE_FONT_SIZE];

    if (style_has(s, STYLE_FONT_SIZE) && size->unit != UNIT_INHERIT)
        look->size = pixels(size, outer->size, outer->size);
    if (style_is(s, STYLE_DISPLAY))
        look->fixed |= HTML_DISPLAY_NONE;
    look->is_inline = style_has(s, STYLE_DISPLAY) && s->value[STYLE_DISPLAY].unit == UNIT_INLINE;
    if (style_has(s, STYLE_VISIBILITY) && s->value[STYLE_VISIBILITY].unit == UNIT_FLAG)
        look->is_invisible = style_is(s, STYLE_VISIBILITY);
    if (style_has(s, STYLE_WHITE_SPACE))
        look->is_preserved = style_is(s, STYLE_WHITE_SPACE);
    if (style_has(s, STYLE_OPACITY) && s->value[STYLE_OPACITY].unit == UNIT_PX)
        look->opacity *= s->value[STYLE_OPACITY].number;
    if (style_has(s, STYLE_INDENT))
        look->indent = pixels(&s->value[STYLE_INDENT], look->size, 600);
    if (style_is(s, STYLE_MSO_HIDE))
        r->out->facts |= HTML_HIDES_MSO;
    set_colours(look, s, outer);
    if (is_out_of_sight(s, look))
        look->fixed |= HTML_OFF_SCREEN;
}

/* ---- all in all ---- */

static void judge(struct html_look *look)
{
    float covers = look->ink_alpha * look->opacity;

    look->hiding = look->fixed;
    if (look->is_invisible)
        look->hiding |= HTML_DISPLAY_NONE;
    if (look->size < PX_LEAST)
        look->hiding |= HTML_TINY;
    if (covers < ALPHA_LEAST)
        look->hiding |= HTML_TRANSPARENT;
    else if (look->is_ground_known &&
             html_contrast(blended(look->ink, look->ground, look->ink_alpha), look->ground) < CONTRAST_LEAST)
        look->hiding |= HTML_LOW_CONTRAST;
    if (look->indent <= -PX_AWAY)
        look->hiding |= HTML_OFF_SCREEN;
}

void look_start(struct html_reading *r, struct html_look *look)
{
    const struct html_attributes *a = &r->token.attributes;
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
    }
    judge(look);
}

void look_lose(struct html_look *look, const struct html_look *closed, const struct html_look *outer)
{
    if (look->ink == closed->ink && look->ink_alpha == closed->ink_alpha) {
        look->ink = outer->ink;
        look->ink_alpha = outer->ink_alpha;
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
