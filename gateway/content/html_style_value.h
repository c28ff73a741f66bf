/* content/html_style_value.h - values in CSS: lengths, colours, words.
 *
 * What browsers compute and we do not (calc(), var(), hwb()) is UNIT_UNKNOWN: it counts as seen. What browsers do not
 * know is no value, and what was said before it stays. Threads: any. Memory: none.
 */
#ifndef CONTENT_HTML_STYLE_VALUE_H
#define CONTENT_HTML_STYLE_VALUE_H

#include "gateway/content/html_style.h"

enum style_how {
    AS_COLOUR,
    AS_BACKGROUND,
    AS_SHADOW,
    AS_LENGTH,
    AS_FONT_SIZE,
    AS_FONT,
    AS_OPACITY,
    AS_FILTER,
    AS_CLIP,
    AS_TRANSFORM,
    AS_ROOM,
    AS_POSITION,
    AS_FLAG,
    AS_DISPLAY
};

struct style_words {
    const char *yes, *no;
};

/* style_value - false: it is none. `words` are those of a flag. */
bool style_value(enum style_how how, const struct style_words *words, struct span value, struct html_style_value *out);
bool style_is_word_of(struct span value, const char *words);

#endif
