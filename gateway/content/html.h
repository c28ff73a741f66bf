/* content/html.h - an HTML part as a person sees it, and what it hides.
 *
 * libxml2's push SAX reader behind a guard that bounds the bytes of one tag; nothing is built but what stands here.
 * Bounded in text, links, nesting; never fails.
 *
 * Threads: any. Memory: `a`.
 */
#ifndef CONTENT_HTML_H
#define CONTENT_HTML_H

#include "gateway/base/arena.h"

enum html_hiding {                             /* why text is not seen; a bit each */
                   HTML_DISPLAY_NONE = 1 << 0, /* display:none, visibility:hidden, hidden, template, noscript... */
                   HTML_TINY = 1 << 1,         /* font size too small to read */
                   HTML_LOW_CONTRAST = 1 << 2, /* colour like the background */
                   HTML_TRANSPARENT = 1 << 3,  /* opacity */
                   HTML_OFF_SCREEN = 1 << 4,   /* positioned, indented or clipped out of sight; zero height or width */
};

enum html_link_kind {
    HTML_A,
    HTML_AREA,
    HTML_IMG,
    HTML_FORM,
    HTML_FRAME,
    HTML_LINK,
    HTML_SCRIPT,
    HTML_BACKGROUND,
    HTML_OBJECT,
    HTML_REFRESH,
    HTML_BASE
};

struct html_link {
    enum html_link_kind kind;
    struct span
        target;       /* as written, entities decoded, blanks trimmed; resolved against base by who makes URLs of it */
    struct span text; /* what is shown for it: anchor text, an image's alt; UTF-8, blanks joined */
    bool is_hidden;
    unsigned width, height; /* of images, pixels; 0: unsaid */
};

enum html_fact { /* a bit each */
                 HTML_HAS_FORM = 1 << 0,
                 HTML_HAS_PASSWORD = 1 << 1, /* an input for a password */
                 HTML_HAS_SCRIPT = 1 << 2,
                 HTML_SCRIPT_WRITES =
                     1 << 3, /* script that writes or decodes: document.write, eval, unescape, atob, Blob */
                 HTML_HAS_REFRESH = 1 << 4,
                 HTML_HAS_BASE = 1 << 5,
                 HTML_HAS_IFRAME = 1 << 6,
                 HTML_HAS_OBJECT = 1 << 7, /* object, embed, applet */
                 HTML_HAS_DATA_URI = 1 << 8,
                 HTML_HAS_EVENT = 1 << 9,     /* onclick=, onload=, ... */
                 HTML_TAG_TOO_LONG = 1 << 10, /* a tag over the limit: cut */
                 HTML_TOO_DEEP = 1 << 11,
                 HTML_TOO_MUCH = 1 << 12, /* text or links over the limit */
                 HTML_NO_HTML = 1 << 13,  /* no tag at all */
                 HTML_UNCLOSED = 1 << 14, /* ends inside of a tag, comment or script */
};

struct html {
    struct span shown;  /* the text as seen: UTF-8, blocks end lines, blanks joined outside of pre */
    struct span hidden; /* text that is not seen, one piece a line */
    unsigned hidings;   /* of enum html_hiding, that hid any text */
    unsigned facts;     /* of enum html_fact */
    struct html_link *links;
    size_t link_count;
    struct span base; /* href of <base>; empty */
    struct span title;
    struct span comments; /* text of comments, joined by LF, bounded */
    size_t tag_count, unknown_tags, shown_letters, hidden_letters;
    struct html_tag *tags; /* a count for each element name that came; opaque order */
    size_t tag_kinds;
    size_t image_area; /* pixels, of all images with both sizes */
    unsigned images;
    struct html_font *fonts; /* what rules ask of sizes, colours, faces */
};

/* html_read - `utf8` is the part's text (mime_text()). */
const struct html *html_read(struct arena *a, struct span utf8);

#endif
