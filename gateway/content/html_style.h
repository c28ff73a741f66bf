/* content/html_style.h - CSS, as far as it decides whether text is seen: declarations of a style attribute or a rule.
 *
 * Threads: any. Memory: none; a style holds no spans.
 */
#ifndef CONTENT_HTML_STYLE_H
#define CONTENT_HTML_STYLE_H

#include "gateway/base/span.h"

enum html_property {
    STYLE_BACKGROUND, /* a colour, or an image */
    STYLE_BOTTOM,
    STYLE_CLIP,      /* a flag: all of it is clipped away, if it is out of the flow */
    STYLE_CLIP_PATH, /* the same of any element */
    STYLE_COLOR,
    STYLE_DISPLAY, /* a flag: none; UNIT_INLINE: inline, contents */
    STYLE_FILL,    /* the colour of letters, whatever `color` says */
    STYLE_FLOAT,   /* a flag */
    STYLE_FONT_SIZE,
    STYLE_HEIGHT, /* max-height too */
    STYLE_INDENT,
    STYLE_LEFT,
    STYLE_MARGIN_LEFT,
    STYLE_MARGIN_TOP,
    STYLE_MSO_HIDE, /* a flag */
    STYLE_OPACITY,  /* a number from 0 to 1 */
    STYLE_OVERFLOW, /* a flag: hidden */
    STYLE_POSITION, /* enum html_position */
    STYLE_RIGHT,
    STYLE_ROOM,   /* a flag: padding or least sizes */
    STYLE_SHADOW, /* a colour */
    STYLE_TOP,
    STYLE_TRANSFORM,   /* a flag: scaled to nothing or moved away */
    STYLE_VISIBILITY,  /* a flag: hidden */
    STYLE_WHITE_SPACE, /* a flag: preserved */
    STYLE_WIDTH,
    STYLE_COUNT
};

enum html_position { STYLE_STATIC, STYLE_IN_FLOW, STYLE_OUT_OF_FLOW };

enum html_unit {
    UNIT_PX,
    UNIT_EM,
    UNIT_REM,
    UNIT_PERCENT,
    UNIT_COLOUR,
    UNIT_IMAGE,
    UNIT_FLAG,
    UNIT_INLINE,
    UNIT_INHERIT,
    UNIT_INITIAL,
    UNIT_UNKNOWN, /* it says something, but nobody here knows what */
};

struct html_style_value {
    float number; /* of a colour: how much of it covers, 0 to 1 */
    uint32_t rgb;
    enum html_unit unit;
};

struct html_style {
    uint32_t set, important; /* 1 << enum html_property */
    struct html_style_value value[STYLE_COUNT];
};

static inline bool style_has(const struct html_style *s, enum html_property p)
{
    return s->set >> p & 1;
}
/* style_is - a flag that is set and says yes. */
static inline bool style_is(const struct html_style *s, enum html_property p)
{
    return style_has(s, p) && s->value[p].number != 0;
}

/* style_read - adds what `declarations` say ("color: red; ..."); later ones win. */
void style_read(struct html_style *s, struct span declarations);
/* style_merge - what `more` says wins, but for what is !important here and not there. */
void style_merge(struct html_style *s, const struct html_style *more);
/* style_colour - a colour as attributes or CSS have it; false: none. */
bool style_colour(struct span value, struct html_style_value *out);

/* style_pixels - a length as a window has it, whose letters are 16 pixels high. */
bool style_pixels(struct span value, float *px);
/* style_plain - without comments, backslashes (d\69splay) and the blanks around it; in `out` if it has any, and of
 * `most` bytes at most. */
struct span style_plain(struct span s, char *out, size_t most);
/* style_comment - the length of the comment at the start of `s`; 0: there is none. */
size_t style_comment(struct span s);

#endif
