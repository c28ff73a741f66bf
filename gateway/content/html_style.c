/* content/html_style.c - CSS declarations [CSS2]: those that hide text. One pass over the bytes. */
#include "gateway/content/html_style.h"

#include "gateway/content/html_style_value.h"

enum { NAME_MOST = 32, VALUE_MOST = 256 };

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#define DISPLAYS                                                                                                       \
    "block inline inline-block flex inline-flex grid inline-grid table inline-table table-row table-cell "             \
    "table-row-group table-header-group table-footer-group table-column table-column-group table-caption list-item "   \
    "run-in flow flow-root contents ruby ruby-base ruby-text math -webkit-box -webkit-inline-box -webkit-flex "        \
    "-webkit-inline-flex"

static const struct known_property {
    const char *name;
    size_t length;
    enum html_property property;
    enum style_how how;
    struct style_words words; /* AS_FLAG */
} properties[] = {
    { "color", sizeof "color" - 1, STYLE_COLOR, AS_COLOUR, { NULL, NULL } },
    { "background", sizeof "background" - 1, STYLE_BACKGROUND, AS_BACKGROUND, { NULL, NULL } },
    { "background-color", sizeof "background-color" - 1, STYLE_BACKGROUND, AS_BACKGROUND, { NULL, NULL } },
    { "background-image", sizeof "background-image" - 1, STYLE_BACKGROUND, AS_BACKGROUND, { NULL, NULL } },
    { "display", sizeof "display" - 1, STYLE_DISPLAY, AS_DISPLAY, { "none", DISPLAYS } },
    { "visibility", sizeof "visibility" - 1, STYLE_VISIBILITY, AS_FLAG, { "hidden collapse", "visible" } },
    { "font-size", sizeof "font-size" - 1, STYLE_FONT_SIZE, AS_FONT_SIZE, { NULL, NULL } },
    { "font", sizeof "font" - 1, STYLE_FONT_SIZE, AS_FONT, { NULL, NULL } },
    { "opacity", sizeof "opacity" - 1, STYLE_OPACITY, AS_OPACITY, { NULL, NULL } },
    { "-moz-opacity", sizeof "-moz-opacity" - 1, STYLE_OPACITY, AS_OPACITY, { NULL, NULL } },
    { "filter", sizeof "filter" - 1, STYLE_OPACITY, AS_FILTER, { NULL, NULL } },
    { "position", sizeof "position" - 1, STYLE_POSITION, AS_POSITION, { "absolute fixed", "static" } },
    { "left", sizeof "left" - 1, STYLE_LEFT, AS_LENGTH, { NULL, NULL } },
    { "top", sizeof "top" - 1, STYLE_TOP, AS_LENGTH, { NULL, NULL } },
    { "right", sizeof "right" - 1, STYLE_RIGHT, AS_LENGTH, { NULL, NULL } },
    { "bottom", sizeof "bottom" - 1, STYLE_BOTTOM, AS_LENGTH, { NULL, NULL } },
    { "margin-left", sizeof "margin-left" - 1, STYLE_MARGIN_LEFT, AS_LENGTH, { NULL, NULL } },
    { "margin-top", sizeof "margin-top" - 1, STYLE_MARGIN_TOP, AS_LENGTH, { NULL, NULL } },
    { "text-indent", sizeof "text-indent" - 1, STYLE_INDENT, AS_LENGTH, { NULL, NULL } },
    { "height", sizeof "height" - 1, STYLE_HEIGHT, AS_LENGTH, { NULL, NULL } },
    { "max-height", sizeof "max-height" - 1, STYLE_HEIGHT, AS_LENGTH, { NULL, NULL } },
    { "width", sizeof "width" - 1, STYLE_WIDTH, AS_LENGTH, { NULL, NULL } },
    { "max-width", sizeof "max-width" - 1, STYLE_WIDTH, AS_LENGTH, { NULL, NULL } },
    { "overflow", sizeof "overflow" - 1, STYLE_OVERFLOW, AS_FLAG, { "hidden clip", "visible auto scroll overlay" } },
    { "overflow-y",
      sizeof "overflow-y" - 1,
      STYLE_OVERFLOW,
      AS_FLAG,
      { "hidden clip", "visible auto scroll overlay" } },
    { "clip", sizeof "clip" - 1, STYLE_CLIP, AS_CLIP, { NULL, NULL } },
    { "clip-path", sizeof "clip-path" - 1, STYLE_CLIP_PATH, AS_CLIP, { NULL, NULL } },
    { "transform", sizeof "transform" - 1, STYLE_TRANSFORM, AS_TRANSFORM, { NULL, NULL } },
    { "white-space",
      sizeof "white-space" - 1,
      STYLE_WHITE_SPACE,
      AS_FLAG,
      { "pre pre-wrap pre-line break-spaces", "normal nowrap" } },
    { "mso-hide", sizeof "mso-hide" - 1, STYLE_MSO_HIDE, AS_FLAG, { "all", "none screen" } },
    { "-webkit-text-fill-color", sizeof "-webkit-text-fill-color" - 1, STYLE_FILL, AS_COLOUR, { NULL, NULL } },
    { "text-shadow", sizeof "text-shadow" - 1, STYLE_SHADOW, AS_SHADOW, { NULL, NULL } },
    { "float", sizeof "float" - 1, STYLE_FLOAT, AS_FLAG, { "left right inline-start inline-end", "none" } },
    { "padding", sizeof "padding" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
    { "padding-top", sizeof "padding-top" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
    { "padding-bottom", sizeof "padding-bottom" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
    { "padding-left", sizeof "padding-left" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
    { "padding-right", sizeof "padding-right" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
    { "min-height", sizeof "min-height" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
    { "min-width", sizeof "min-width" - 1, STYLE_ROOM, AS_ROOM, { NULL, NULL } },
};

size_t style_comment(struct span s)
{
    if (!span_starts(s, SPAN("/*")))
        return 0;
    size_t end = span_search(span_skip(s, 2), SPAN("*/"));

    return end == SPAN_NPOS ? s.len : end + 4;
}

struct span style_plain(struct span s, char *out, size_t most)
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

/* all: initial takes back what is inherited. */
static void declare_all(struct html_style *s, struct span value)
{
    static const enum html_property inherited[] = { STYLE_COLOR,      STYLE_FILL,   STYLE_FONT_SIZE,  STYLE_INDENT,
                                                    STYLE_VISIBILITY, STYLE_SHADOW, STYLE_WHITE_SPACE };

    if (!span_istarts(value, SPAN("initial")))
        return;
    for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++) {
        s->value[inherited[i]] = (struct html_style_value){ 0, 0, UNIT_INITIAL };
        s->set |= 1U << inherited[i];
    }
}

static void declare(struct html_style *s, struct span name, struct span value)
{
    char name_room[NAME_MOST], value_room[VALUE_MOST];

    name = style_plain(name, name_room, sizeof name_room);
    if (span_iis(name, "all"))
        declare_all(s, style_plain(value, value_room, sizeof value_room));
    char first = name.len ? ascii_lower(name.ptr[0]) : '\0';

    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        const struct known_property *known = &properties[i];

        if (known->length != name.len || known->name[0] != first || !span_ieq(name, span_make(known->name, name.len)))
            continue;
        value = style_plain(value, value_room, sizeof value_room);
        size_t bang = span_rfind(value, '!');
        bool is_important = bang != SPAN_NPOS && span_iis(span_trim(span_skip(value, bang + 1)), "important");
        struct html_style_value read = { 0, 0, UNIT_FLAG };
        uint32_t bit = 1U << known->property;

        if (is_important)
            value = span_trim(span_first(value, bang));
        if ((s->important & bit && !is_important) || !style_value(known->how, &known->words, value, &read))
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
            if (c == '\\')
                i++;
            else if (c == quote || c == '\n')
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
        case '\\': i++; break;
        case '(':
        case '[':
        case '{': depth++; break;
        case ')':
        case ']':
        case '}': depth -= depth > 0; break;
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

    for (uint32_t left = wins; left; left &= left - 1) {
        int i = __builtin_ctz(left);

        s->value[i] = more->value[i];
    }
    s->set |= wins;
    s->important |= more->important;
}
