/* content/html_style_value.c - values in CSS: lengths, colours, words [CSS2, CSS-COLOR]. */
#include "gateway/content/html_style_value.h"

#include "gateway/content/html_color.h"

#define SYSTEM_PX 13.0F
#define ROOM_PX   8.0F
#define ROOM_EM   16.0F

enum { NUMBERS_MOST = 8 };

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- numbers ---- */

struct number {
    double value;
    struct span unit;
};

/* 10 to the power that is written at s[*i]: e2, E-3; else 1. */
static double power_at(struct span s, size_t *i)
{
    size_t at = *i + 1, n = 0;
    bool is_negative = at < s.len && s.ptr[at] == '-';
    double power = 1;

    if (*i >= s.len || (s.ptr[*i] | 32) != 'e')
        return 1;
    at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+');
    if (at == s.len || !ascii_is_digit(s.ptr[at]))
        return 1;
    for (; at < s.len && ascii_is_digit(s.ptr[at]); at++)
        n = n < 30 ? n * 10 + (size_t)(s.ptr[at] - '0') : n;
    for (n = n < 30 ? n : 30; n; n--)
        power = is_negative ? power / 10 : power * 10;
    *i = at;
    return power;
}

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
    value *= power_at(*s, &i);
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
    { "px", UNIT_PX, 1 },     { "pt", UNIT_PX, 1.3333F }, { "em", UNIT_EM, 1 },      { "%", UNIT_PERCENT, 1 },
    { "rem", UNIT_REM, 1 },   { "pc", UNIT_PX, 16 },      { "in", UNIT_PX, 96 },     { "cm", UNIT_PX, 37.8F },
    { "mm", UNIT_PX, 3.78F }, { "ex", UNIT_EM, 0.5F },    { "ch", UNIT_EM, 0.5F },   { "vw", UNIT_PX, 8 },
    { "vh", UNIT_PX, 6 },     { "", UNIT_PX, 1 },         { "vmin", UNIT_PX, 6 },    { "vmax", UNIT_PX, 8 },
    { "q", UNIT_PX, 0.945F }, { "lh", UNIT_EM, 1.2F },    { "rlh", UNIT_REM, 1 },    { "ic", UNIT_EM, 1 },
    { "cap", UNIT_EM, 0.7F }, { "vi", UNIT_PX, 8 },       { "vb", UNIT_PX, 6 },      { "svw", UNIT_PX, 8 },
    { "svh", UNIT_PX, 6 },    { "lvw", UNIT_PX, 8 },      { "lvh", UNIT_PX, 6 },     { "dvw", UNIT_PX, 8 },
    { "dvh", UNIT_PX, 6 },    { "rex", UNIT_REM, 0.5F },  { "rch", UNIT_REM, 0.5F },
};

/* calc() and the like: nothing when all in it is nothing, else nobody knows. */
static bool computed(struct span value, struct html_style_value *out)
{
    struct number n[NUMBERS_MOST];
    size_t count = numbers(value, n);
    bool is_zero = count > 0;

    if (span_find(value, '(') == SPAN_NPOS)
        return false;
    for (size_t i = 0; i < count; i++)
        is_zero &= n[i].value == 0;
    *out = (struct html_style_value){ 0, 0, is_zero ? UNIT_PX : UNIT_UNKNOWN };
    return true;
}

static bool length(struct span value, struct html_style_value *out)
{
    struct span written = value;
    struct number n;

    if (!take_number(&value, &n))
        return computed(written, out);
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

    if (!length(value, &v) || v.unit == UNIT_PERCENT || v.unit == UNIT_UNKNOWN)
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
    if (html_color_named(s, &out->rgb) || html_color_system(s, &out->rgb)) {
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

/* What CSS has for colours and we do not compute: hwb(), lab(), color-mix(), var(). */
static bool is_function(struct span value)
{
    return span_find(value, '(') != SPAN_NPOS && span_find(value, ')') != SPAN_NPOS;
}

static bool colour(struct span value, struct html_style_value *out)
{
    if (style_colour(value, out))
        return true;
    *out = (struct html_style_value){ 0, 0, UNIT_UNKNOWN };
    return is_function(value);
}

/* An image that comes with the mail is seen, whatever the colour below. */
static bool is_at_hand(struct span word)
{
    size_t at = span_isearch(word, SPAN("url("));
    struct span target = at == SPAN_NPOS ? SPAN("") : span_skip(word, at + 4);

    while (target.len && (is_space(target.ptr[0]) || target.ptr[0] == '"' || target.ptr[0] == '\''))
        target = span_skip(target, 1);
    return at == SPAN_NPOS || span_istarts(target, SPAN("data:")) || span_istarts(target, SPAN("cid:"));
}

/* A colour somewhere in it; else an image, which nobody knows the colour of. What covers the colour wins. */
static bool background(struct span value, struct html_style_value *out)
{
    struct html_style_value found;
    struct span word;
    bool has = false, is_covered = false;

    while (take_word(&value, &word)) {
        bool is_colour = style_colour(word, &found);

        if (!is_colour && !is_function(word))
            continue;
        is_covered |= !is_colour && is_at_hand(word);
        if (is_colour || !has)
            *out = is_colour ? found : (struct html_style_value){ 0, 0, UNIT_IMAGE };
        has = true;
    }
    if (is_covered)
        out->unit = UNIT_UNKNOWN;
    return has;
}

/* text-shadow: the colour of one that is seen. */
static bool shadow(struct span value, struct html_style_value *out)
{
    struct html_style_value found;
    struct span word;

    *out = (struct html_style_value){ 0, 0, UNIT_INITIAL };
    while (take_word(&value, &word))
        if (colour(word, &found) && (found.unit == UNIT_UNKNOWN || found.number > out->number))
            *out = found;
    return true;
}

static bool font_size(struct span value, struct html_style_value *out)
{
    static const struct {
        const char *name;
        float px;
    } sizes[] = {
        { "xx-small", 9 }, { "x-small", 10 }, { "small", 13 },    { "medium", 16 },
        { "large", 18 },   { "x-large", 24 }, { "xx-large", 32 }, { "xxx-large", 48 },
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

/* font: the size is the first number that is no weight; or it is one of the system's. */
static bool font(struct span value, struct html_style_value *out)
{
    struct span word;

    if (style_is_word_of(value, "caption icon menu message-box small-caption status-bar")) {
        *out = (struct html_style_value){ SYSTEM_PX, 0, UNIT_PX };
        return true;
    }

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
        return numbers(span_skip(value, span_isearch(value, SPAN("translate"))), n) && n[0].value <= -600;
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
        *out = (struct html_style_value){ 0, 0, UNIT_UNKNOWN };
        return is_function(value);
    }
    *out = (struct html_style_value){ (float)alpha(n[0]), 0, UNIT_PX };
    return true;
}

/* padding, min-height: room beside a height of 0 in which text is seen. */
static bool has_room(struct span value)
{
    struct html_style_value v;
    struct span word;

    while (take_word(&value, &word))
        if (length(word, &v) && (v.unit == UNIT_UNKNOWN || v.number * (v.unit == UNIT_PX ? 1 : ROOM_EM) > ROOM_PX))
            return true;
    return false;
}

bool style_is_word_of(struct span value, const char *words)
{
    struct span rest = span_of(words), word;

    while (span_word(&rest, &word))
        if (span_ieq(word, value))
            return true;
    return false;
}

/* By the first word; browsers leave out what they do not know. */
static bool by_word(const struct style_words *words, struct span value, struct html_style_value *out)
{
    struct span word = value;

    take_word(&value, &word);
    bool is_yes = style_is_word_of(word, words->yes);

    *out = (struct html_style_value){ is_yes, 0, is_function(word) ? UNIT_UNKNOWN : UNIT_FLAG };
    return is_yes || out->unit == UNIT_UNKNOWN || style_is_word_of(word, words->no);
}

static bool position(const struct style_words *words, struct span value, struct html_style_value *out)
{
    if (style_is_word_of(value, "relative sticky -webkit-sticky")) {
        *out = (struct html_style_value){ STYLE_IN_FLOW, 0, UNIT_FLAG };
        return true;
    }
    bool is_known = by_word(words, value, out);

    out->number *= STYLE_OUT_OF_FLOW;
    return is_known;
}

bool style_value(enum style_how how, const struct style_words *words, struct span value, struct html_style_value *out)
{
    *out = (struct html_style_value){ 0, 0, UNIT_INHERIT };
    if (style_is_word_of(value, "inherit unset revert revert-layer") || span_iis(value, "currentcolor"))
        return true;
    if (span_iis(value, "initial")) {
        out->unit = UNIT_INITIAL;
        return true;
    }
    switch (how) {
    case AS_COLOUR: return colour(value, out);
    case AS_BACKGROUND: return background(value, out);
    case AS_SHADOW: return shadow(value, out);
    case AS_LENGTH: return length(value, out);
    case AS_FONT_SIZE: return font_size(value, out);
    case AS_FONT: return font(value, out);
    case AS_OPACITY:
    case AS_FILTER: return opacity(value, how == AS_FILTER, out);
    case AS_CLIP: return flag(clips_all(value), out);
    case AS_TRANSFORM: return flag(transforms_away(value), out);
    case AS_ROOM: return flag(has_room(value), out);
    case AS_POSITION: return position(words, value, out);
    case AS_FLAG: return by_word(words, value, out);
    case AS_DISPLAY:
        if (!by_word(words, value, out))
            return false;
        if (style_is_word_of(value, "inline contents"))
            out->unit = UNIT_INLINE;
        return true;
    }
    return false;
}
