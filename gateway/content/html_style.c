/* content/html_style.c - CSS declarations [CSS2, CSS-COLOR]: those that hide text. One pass over the bytes. */
#include "gateway/content/html_style.h"

#include "gateway/content/html_color.h"

enum { NAME_MOST = 32, VALUE_MOST = 256, NUMBERS_MOST = 8 };

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- numbers ---- */

struct number {
    double value;
    struct span unit;
};

/* Takes the number at the start of *s off it. */
static bool take_number(struct span *s, struct number *out)
{
    size_t i = 0;
    bool is_negative = false, has_digit = false;
    double value = 0, scale = 1;

    if (i < s->len && (s->ptr[i] == '-' || s->ptr[i] == '+'))
        is_negative = s->ptr[i++] == '-';
    for (; i < s->len && ascii_is_digit(s->ptr[i]); i++, has_digit = true)
        value = value < 1e9 ? value * 10 + (s->ptr[i] - '0') : value;
    if (i < s->len && s->ptr[i] == '.')
        for (i++; i < s->len && ascii_is_digit(s->ptr[i]); i++, has_digit = true)
            value += (s->ptr[i] - '0') * (scale /= 10);
    if (!has_digit)
        return false;
    size_t unit = i;

    while (i < s->len && (ascii_is_alpha(s->ptr[i]) || s->ptr[i] == '%'))
        i++;
    out->value = is_negative ? -value : value;
    out->unit = span_make(s->ptr + unit, i - unit);
    *s = span_skip(*s, i);
    return true;
}

/* All numbers in a function's arguments; how many. */
static size_t numbers(struct span s, struct number out[NUMBERS_MOST])
{
    size_t n = 0;

    while (s.len && n < NUMBERS_MOST)
        if (take_number(&s, &out[n]))
            n++;
        else
            s = span_skip(s, 1);
    return n;
}

static const struct {
    const char *name;
    enum html_unit unit;
    float times;
} units[] = {
    { "px", UNIT_PX, 1 },     { "pt", UNIT_PX, 1.3333F }, { "em", UNIT_EM, 1 },    { "%", UNIT_PERCENT, 1 },
    { "rem", UNIT_REM, 1 },   { "pc", UNIT_PX, 16 },      { "in", UNIT_PX, 96 },   { "cm", UNIT_PX, 37.8F },
    { "mm", UNIT_PX, 3.78F }, { "ex", UNIT_EM, 0.5F },    { "ch", UNIT_EM, 0.5F }, { "vw", UNIT_PX, 8 },
    { "vh", UNIT_PX, 6 },     { "", UNIT_PX, 1 },         { "vmin", UNIT_PX, 6 },  { "vmax", UNIT_PX, 8 },
};

static bool length(struct span value, struct html_style_value *out)
{
    struct number n;

    if (!take_number(&value, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (span_iis(n.unit, units[i].name)) {
            *out = (struct html_style_value){ (float)n.value * units[i].times, 0, units[i].unit };
            return true;
        }
    return false;
}

bool style_pixels(struct span value, float *px)
{
    struct html_style_value v;

    if (!length(value, &v) || v.unit == UNIT_PERCENT)
        return false;
    *px = v.unit == UNIT_PX ? v.number : v.number * 16;
    return true;
}

/* ---- colours ---- */

/* fff, ffff, ffffff, ffffffff */
static bool by_digits(struct span s, struct html_style_value *out)
{
    unsigned part[4] = { 0, 0, 0, 255 };
    size_t each = s.len == 3 || s.len == 4 ? 1 : 2, n = s.len / each;

    if ((n != 3 && n != 4) || n * each != s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = ascii_hex(s.ptr[i]);

        if (digit < 0)
            return false;
        if (i % each == 0)
            part[i / each] = 0;
        part[i / each] = part[i / each] * 16 + (unsigned)digit;
        if (each == 1)
            part[i] *= 17;
    }
    *out = (struct html_style_value){ (float)part[3] / 255, part[0] << 16 | part[1] << 8 | part[2], UNIT_COLOUR };
    return true;
}

static unsigned channel(struct number n)
{
    double value = span_is(n.unit, "%") ? n.value * 2.55 : n.value;

    return value < 0 ? 0 : value > 255 ? 255 : (unsigned)(value + 0.5);
}

static double alpha(struct number n)
{
    double value = span_is(n.unit, "%") ? n.value / 100 : n.value;

    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double hue_part(double m1, double m2, double h)
{
    h = h < 0 ? h + 1 : h > 1 ? h - 1 : h;
    if (h * 6 < 1)
        return m1 + (m2 - m1) * h * 6;
    if (h * 2 < 1)
        return m2;
    return h * 3 < 2 ? m1 + (m2 - m1) * (2.0 / 3 - h) * 6 : m1;
}

static uint32_t from_hue(const struct number n[3])
{
    double h = (n[0].value - 360 * (double)(long)(n[0].value / 360)) / 360;
    double s = n[1].value < 0 ? 0 : n[1].value > 100 ? 1 : n[1].value / 100;
    double l = n[2].value < 0 ? 0 : n[2].value > 100 ? 1 : n[2].value / 100;
    double m2 = l <= 0.5 ? l * (s + 1) : l + s - l * s, m1 = l * 2 - m2;

    h = h < 0 ? h + 1 : h;
    return (uint32_t)(hue_part(m1, m2, h + 1.0 / 3) * 255 + 0.5) << 16 |
           (uint32_t)(hue_part(m1, m2, h) * 255 + 0.5) << 8 | (uint32_t)(hue_part(m1, m2, h - 1.0 / 3) * 255 + 0.5);
}

static bool by_function(struct span s, struct html_style_value *out)
{
    struct number n[NUMBERS_MOST];
    bool is_hue = span_istarts(s, SPAN("hsl"));
    size_t open = span_find(s, '(');

    if (open == SPAN_NPOS || (!is_hue && !span_istarts(s, SPAN("rgb"))))
        return false;
    size_t count = numbers(span_skip(s, open), n);

    if (count < 3)
        return false;
    out->unit = UNIT_COLOUR;
    out->rgb = is_hue ? from_hue(n) : channel(n[0]) << 16 | channel(n[1]) << 8 | channel(n[2]);
    out->number = count > 3 ? (float)alpha(n[3]) : 1;
    return true;
}

bool style_colour(struct span value, struct html_style_value *out)
{
    struct span s = span_trim(value);

    if (!s.len)
        return false;
    if (span_iis(s, "transparent")) {
        *out = (struct html_style_value){ 0, 0, UNIT_COLOUR };
        return true;
    }
    if (html_color_named(s, &out->rgb)) {
        out->number = 1;
        out->unit = UNIT_COLOUR;
        return true;
    }
    return by_function(s, out) || by_digits(s.ptr[0] == '#' ? span_skip(s, 1) : s, out);
}

/* ---- values ---- */

/* The next word of a value, with the parentheses that belong to it. */
static bool take_word(struct span *s, struct span *word)
{
    size_t i = 0, depth = 0;

    *s = span_trim(*s);
    for (; i < s->len && (depth || (!is_space(s->ptr[i]) && s->ptr[i] != ',')); i++) {
        depth += s->ptr[i] == '(';
        depth -= s->ptr[i] == ')' && depth;
    }
    *word = span_first(*s, i);
    *s = span_skip(*s, i < s->len ? i + 1 : i);
    return i > 0 || s->len;
}

/* A colour somewhere in it; else an image, which nobody knows the colour of. */
static bool background(struct span value, struct html_style_value *out)
{
    struct html_style_value colour;
    struct span word;
    bool has = false;

    if (span_isearch(value, SPAN("url(")) != SPAN_NPOS || span_isearch(value, SPAN("gradient(")) != SPAN_NPOS) {
        *out = (struct html_style_value){ 0, 0, UNIT_IMAGE };
        has = true;
    }
    while (take_word(&value, &word))
        if (style_colour(word, &colour)) {
            *out = colour;
            has = true;
        }
    return has;
}

static bool font_size(struct span value, struct html_style_value *out)
{
    static const struct {
        const char *name;
        float px;
    } sizes[] = {
        { "xx-small", 9 }, { "x-small", 10 }, { "small", 13 },    { "medium", 16 },
        { "large", 18 },   { "x-large", 24 }, { "xx-large", 32 },
    };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (span_iis(value, sizes[i].name)) {
            *out = (struct html_style_value){ sizes[i].px, 0, UNIT_PX };
            return true;
        }
    if (span_iis(value, "smaller") || span_iis(value, "larger")) {
        *out = (struct html_style_value){ span_iis(value, "smaller") ? 0.83F : 1.2F, 0, UNIT_EM };
        return true;
    }
    return length(value, out);
}

/* font: the size is the first number that is no weight. */
static bool font(struct span value, struct html_style_value *out)
{
    struct span word;

    while (take_word(&value, &word)) {
        size_t slash = span_find(word, '/');

        word = span_first(word, slash == SPAN_NPOS ? word.len : slash);
        if (font_size(word, out) &&
            !(out->unit == UNIT_PX && out->number >= 100 && ascii_is_digit(word.ptr[word.len - 1])))
            return true;
    }
    return false;
}

static bool flag(bool value, struct html_style_value *out)
{
    *out = (struct html_style_value){ value, 0, UNIT_FLAG };
    return true;
}

/* rect(), inset(), circle(), polygon(): whether nothing is left. */
static bool clips_all(struct span value)
{
    struct number n[NUMBERS_MOST];
    size_t count = numbers(value, n);

    if (!count || span_isearch(value, SPAN("url")) != SPAN_NPOS)
        return false;
    if (span_istarts(value, SPAN("inset")))
        return span_is(n[0].unit, "%") && n[0].value >= 50;
    if (span_istarts(value, SPAN("circle")) || span_istarts(value, SPAN("ellipse")))
        return n[0].value < 1;
    if (span_istarts(value, SPAN("rect")) && span_isearch(value, SPAN("auto")) != SPAN_NPOS)
        return false;
    if (!span_istarts(value, SPAN("rect")) && !span_istarts(value, SPAN("polygon")))
        return false;
    for (size_t i = 0; i < count; i++)
        if (n[i].value > 1 || n[i].value < -1)
            return false;
    return true;
}

static bool transforms_away(struct span value)
{
    struct number n[NUMBERS_MOST];

    if (span_isearch(value, SPAN("scale")) != SPAN_NPOS)
        return numbers(span_skip(value, span_isearch(value, SPAN("scale"))), n) && n[0].value < 0.1 &&
               n[0].value > -0.1;
    if (span_isearch(value, SPAN("translate")) != SPAN_NPOS)
        return numbers(span_skip(value, span_isearch(value, SPAN("translate"))), n) && n[0].value <= -300;
    return false;
}

/* opacity; filter: alpha(opacity=0), opacity(0). */
static bool opacity(struct span value, bool is_filter, struct html_style_value *out)
{
    struct number n[NUMBERS_MOST];

    if (is_filter) {
        size_t at = span_isearch(value, SPAN("opacity"));

        if (at == SPAN_NPOS || !numbers(span_skip(value, at), n))
            return false;
        if (span_isearch(value, SPAN("alpha")) != SPAN_NPOS)
            n[0].unit = SPAN("%");
    } else if (!take_number(&value, &n[0])) {
        return false;
    }
    *out = (struct html_style_value){ (float)alpha(n[0]), 0, UNIT_PX };
    return true;
}

/* ---- declarations ---- */

enum how {
    AS_COLOUR,
    AS_BACKGROUND,
    AS_LENGTH,
    AS_FONT_SIZE,
    AS_FONT,
    AS_OPACITY,
    AS_FILTER,
    AS_CLIP,
    AS_TRANSFORM,
    AS_FLAG,
    AS_DISPLAY
};

static const struct known_property {
    const char *name;
    size_t length;
    enum html_property property;
    enum how how;
    const char *words; /* AS_FLAG: those that say yes */
} properties[] = {
    { "color", sizeof "color" - 1, STYLE_COLOR, AS_COLOUR, NULL },
    { "background", sizeof "background" - 1, STYLE_BACKGROUND, AS_BACKGROUND, NULL },
    { "background-color", sizeof "background-color" - 1, STYLE_BACKGROUND, AS_BACKGROUND, NULL },
    { "background-image", sizeof "background-image" - 1, STYLE_BACKGROUND, AS_BACKGROUND, NULL },
    { "display", sizeof "display" - 1, STYLE_DISPLAY, AS_DISPLAY, "none" },
    { "visibility", sizeof "visibility" - 1, STYLE_VISIBILITY, AS_FLAG, "hidden collapse" },
    { "font-size", sizeof "font-size" - 1, STYLE_FONT_SIZE, AS_FONT_SIZE, NULL },
    { "font", sizeof "font" - 1, STYLE_FONT_SIZE, AS_FONT, NULL },
    { "opacity", sizeof "opacity" - 1, STYLE_OPACITY, AS_OPACITY, NULL },
    { "-moz-opacity", sizeof "-moz-opacity" - 1, STYLE_OPACITY, AS_OPACITY, NULL },
    { "filter", sizeof "filter" - 1, STYLE_OPACITY, AS_FILTER, NULL },
    { "position", sizeof "position" - 1, STYLE_POSITION, AS_FLAG, "absolute fixed relative" },
    { "left", sizeof "left" - 1, STYLE_LEFT, AS_LENGTH, NULL },
    { "top", sizeof "top" - 1, STYLE_TOP, AS_LENGTH, NULL },
    { "right", sizeof "right" - 1, STYLE_RIGHT, AS_LENGTH, NULL },
    { "bottom", sizeof "bottom" - 1, STYLE_BOTTOM, AS_LENGTH, NULL },
    { "margin-left", sizeof "margin-left" - 1, STYLE_MARGIN_LEFT, AS_LENGTH, NULL },
    { "margin-top", sizeof "margin-top" - 1, STYLE_MARGIN_TOP, AS_LENGTH, NULL },
    { "text-indent", sizeof "text-indent" - 1, STYLE_INDENT, AS_LENGTH, NULL },
    { "height", sizeof "height" - 1, STYLE_HEIGHT, AS_LENGTH, NULL },
    { "max-height", sizeof "max-height" - 1, STYLE_HEIGHT, AS_LENGTH, NULL },
    { "width", sizeof "width" - 1, STYLE_WIDTH, AS_LENGTH, NULL },
    { "max-width", sizeof "max-width" - 1, STYLE_WIDTH, AS_LENGTH, NULL },
    { "overflow", sizeof "overflow" - 1, STYLE_OVERFLOW, AS_FLAG, "hidden clip" },
    { "overflow-y", sizeof "overflow-y" - 1, STYLE_OVERFLOW, AS_FLAG, "hidden clip" },
    { "clip", sizeof "clip" - 1, STYLE_CLIP, AS_CLIP, NULL },
    { "clip-path", sizeof "clip-path" - 1, STYLE_CLIP, AS_CLIP, NULL },
    { "transform", sizeof "transform" - 1, STYLE_TRANSFORM, AS_TRANSFORM, NULL },
    { "white-space", sizeof "white-space" - 1, STYLE_WHITE_SPACE, AS_FLAG, "pre pre-wrap pre-line break-spaces" },
    { "mso-hide", sizeof "mso-hide" - 1, STYLE_MSO_HIDE, AS_FLAG, "all" },
    { "-webkit-text-fill-color", sizeof "-webkit-text-fill-color" - 1, STYLE_COLOR, AS_COLOUR, NULL },
};

static bool is_word_of(struct span value, const char *words)
{
    struct span rest = span_of(words), word;

    while (span_word(&rest, &word))
        if (span_ieq(word, value))
            return true;
    return false;
}

static bool value_of(const struct known_property *known, struct span value, struct html_style_value *out)
{
    if (span_iis(value, "inherit")) {
        *out = (struct html_style_value){ 0, 0, UNIT_INHERIT };
        return true;
    }
    switch (known->how) {
    case AS_COLOUR: return style_colour(value, out);
    case AS_BACKGROUND: return background(value, out);
    case AS_LENGTH: return length(value, out);
    case AS_FONT_SIZE: return font_size(value, out);
    case AS_FONT: return font(value, out);
    case AS_OPACITY:
    case AS_FILTER: return opacity(value, known->how == AS_FILTER, out);
    case AS_CLIP: return flag(clips_all(value), out);
    case AS_TRANSFORM: return flag(transforms_away(value), out);
    case AS_DISPLAY:
    case AS_FLAG:
        flag(is_word_of(value, known->words), out);
        if (known->how == AS_DISPLAY && is_word_of(value, "inline contents"))
            out->unit = UNIT_INLINE;
        return true;
    }
    return false;
}

size_t style_comment(struct span s)
{
    if (!span_starts(s, SPAN("/*")))
        return 0;
    size_t end = span_search(span_skip(s, 2), SPAN("*/"));

    return end == SPAN_NPOS ? s.len : end + 4;
}

/* Without comments and backslashes (d\69splay); into `out`. Too long: its beginning. */
static struct span plain(struct span s, char *out, size_t most)
{
    size_t n = 0;

    s = span_trim(s);
    if (span_find(s, '\\') == SPAN_NPOS && span_find(s, '/') == SPAN_NPOS)
        return span_trim(span_first(s, most));
    for (size_t i = 0; i < s.len && n < most; i++) {
        size_t comment = s.ptr[i] == '/' ? style_comment(span_skip(s, i)) : 0;

        if (comment) {
            i += comment - 1;
        } else if (s.ptr[i] == '\\' && i + 1 < s.len) {
            unsigned code = 0, digits = 0;

            while (digits < 6 && i + 1 < s.len && ascii_hex(s.ptr[i + 1]) >= 0) {
                code = code * 16 + (unsigned)ascii_hex(s.ptr[++i]);
                digits++;
            }
            if (!digits)
                out[n++] = s.ptr[++i];
            else
                out[n++] = code < 128 ? (char)code : '?';
            if (digits && i + 1 < s.len && is_space(s.ptr[i + 1]))
                i++;
        } else {
            out[n++] = s.ptr[i];
        }
    }
    return span_trim(span_make(out, n));
}

static void declare(struct html_style *s, struct span name, struct span value)
{
    char name_room[NAME_MOST], value_room[VALUE_MOST];

    name = plain(name, name_room, sizeof name_room);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        const struct known_property *known = &properties[i];

        if (known->length != name.len || !span_ieq(name, span_make(known->name, name.len)))
            continue;
        value = plain(value, value_room, sizeof value_room);
        size_t bang = span_rfind(value, '!');
        bool is_important = bang != SPAN_NPOS && span_iis(span_trim(span_skip(value, bang + 1)), "important");
        struct html_style_value read = { 0, 0, UNIT_FLAG };
        uint32_t bit = 1U << known->property;

        if (is_important)
            value = span_trim(span_first(value, bang));
        if ((s->important & bit && !is_important) || !value_of(known, value, &read))
            return;
        if (read.unit == UNIT_IMAGE && s->set & bit && s->value[known->property].unit == UNIT_COLOUR)
            return; /* the colour is what is seen while images are not fetched */
        s->value[known->property] = read;
        s->set |= bit;
        s->important |= is_important ? bit : 0;
        return;
    }
}

/* Where the declaration at the front of `s` ends: at a `;` outside of quotes and parentheses. */
static size_t declaration_length(struct span s, size_t *colon)
{
    size_t depth = 0, comment;
    char quote = 0;

    *colon = SPAN_NPOS;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (quote) {
            if (c == quote || c == '\n')
                quote = 0;
            continue;
        }
        switch (c) {
        case '/':
            if ((comment = style_comment(span_skip(s, i))))
                i += comment - 1;
            break;
        case '"':
        case '\'': quote = c; break;
        case '(': depth++; break;
        case ')': depth -= depth > 0; break;
        case ':':
            if (*colon == SPAN_NPOS)
                *colon = i;
            break;
        case ';':
            if (!depth)
                return i;
            break;
        default: break;
        }
    }
    return s.len;
}

void style_read(struct html_style *s, struct span declarations)
{
    while (declarations.len) {
        size_t colon, end = declaration_length(declarations, &colon);

        if (colon != SPAN_NPOS && colon < end)
            declare(s, span_first(declarations, colon), span_make(declarations.ptr + colon + 1, end - colon - 1));
        declarations = span_skip(declarations, end + 1);
    }
}

void style_merge(struct html_style *s, const struct html_style *more)
{
    uint32_t wins = more->set & ~(s->important & ~more->important);

    for (unsigned i = 0; i < STYLE_COUNT; i++)
        if (wins >> i & 1)
            s->value[i] = more->value[i];
    s->set |= wins;
    s->important |= more->important;
}
