/* content/html.h - an HTML part as a person sees it, what it hides, and what rules ask of it.
 *
 * A reader of our own (content/html_token.h says why), one pass, that builds nothing but what stands here. Bounded in
 * text, links, nesting; linear in time on any input; never fails.
 *
 * Threads: any. Memory: `a`; spans also point into the text that was read, which must live as long.
 */
#ifndef CONTENT_HTML_H
#define CONTENT_HTML_H

#include "gateway/base/arena.h"

enum {
    HTML_TEXT_MAX = 4 << 20,   /* bytes of shown, of hidden, of rendered text; of scripts */
    HTML_LINKS_MAX = 10000,    /* what nobody sees or clicks on: half of it */
    HTML_LINK_TEXT_MAX = 1000, /* bytes of a link's text */
    HTML_DEPTH_MAX = 200,      /* open elements that are told apart */
    HTML_TAG_KINDS_MAX = 400,
    HTML_STRINGS_MAX = 2000, /* comments, titles, anchors, scripts: of each so many */
};

enum html_hiding {                             /* why text is not seen; a bit each */
                   HTML_DISPLAY_NONE = 1 << 0, /* display:none, visibility:hidden, hidden, template, ... */
                   HTML_TINY = 1 << 1,         /* font size too small to read */
                   HTML_LOW_CONTRAST = 1 << 2, /* colour like the background */
                   HTML_TRANSPARENT = 1 << 3,  /* opacity */
                   HTML_OFF_SCREEN = 1 << 4,   /* positioned, indented or clipped out of sight; zero height or width */
};

enum html_link_kind {
    HTML_A,
    HTML_AREA,
    HTML_IMG,
    HTML_FORM, /* of buttons, too: formaction */
    HTML_FRAME,
    HTML_LINK,
    HTML_SCRIPT,
    HTML_BACKGROUND,
    HTML_OBJECT, /* object, embed, applet, audio, video, source */
    HTML_REFRESH,
    HTML_BASE,
    HTML_IFRAME,
};

struct html_link {
    enum html_link_kind kind;
    struct span
        target;       /* as written, entities decoded, blanks trimmed; resolved against base by who makes URLs of it */
    struct span text; /* what is shown for it: anchor text, an image's alt; UTF-8, blanks joined */
    bool is_hidden;
    bool is_outlook;        /* in a conditional comment: only Outlook sees it */
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
                 HTML_TAG_TOO_LONG = 1 << 10, /* a tag with more attributes than anybody writes */
                 HTML_TOO_DEEP = 1 << 11,
                 HTML_TOO_MUCH = 1 << 12,    /* text or links over the limit */
                 HTML_NO_HTML = 1 << 13,     /* no tag at all */
                 HTML_UNCLOSED = 1 << 14,    /* ends inside of a tag, comment or script */
                 HTML_HAS_OUTLOOK = 1 << 15, /* conditional comments with text or links for Outlook alone */
                 HTML_HAS_SVG = 1 << 16,
                 HTML_HAS_SRCDOC = 1 << 17,   /* a page inside of an attribute */
                 HTML_HIDES_MSO = 1 << 18,    /* mso-hide: Outlook does not show what others do */
                 HTML_ODD_MARKUP = 1 << 19,   /* what readers differ in: <!-->, --!>, <a/href=x>, </p x>, <p"> */
                 HTML_SCRIPT_GOES = 1 << 21,  /* script that leads elsewhere: location */
                 HTML_ODD_ENTITIES = 1 << 20, /* letters, digits, signs of URLs by reference: &colon; &#104; */
};

/* An element name that came, as written but for case. */
struct html_tag {
    struct span name;
    unsigned opened, closed;
    unsigned inside; /* as SpamAssassin balances them: open at the end */
};

struct html_strings {
    struct span *items;
    size_t count;
};

/* What SpamAssassin's HTMLEval asks, counted as Mail::SpamAssassin::HTML counts it: html_result() gives it by name. */
struct html_counts {
    size_t length;          /* characters of the source */
    size_t rendered_length; /* characters of `rendered` */
    size_t blank_length;    /* blanks among them */
    unsigned tags, elements, tags_seen, elements_seen, closed_extra, obfuscations;
    int least_size, most_size; /* of fonts */
    uint64_t image_area;
    bool has_embeds, has_mailto_form, has_low_contrast, has_invalid_colour, has_bad_face;
};

struct html {
    struct span shown;    /* the text as seen: UTF-8, blocks end lines, cells by TAB, blanks joined outside of pre */
    struct span hidden;   /* text that is not seen, one piece a line */
    struct span rendered; /* as SpamAssassin renders it for body rules, before it joins blanks over all parts */
    struct span outlook;  /* text and links that only Outlook shows: conditional comments */
    unsigned hidings;     /* of enum html_hiding, that hid any text */
    unsigned facts;       /* of enum html_fact */
    struct html_link *links;
    size_t link_count;
    struct span base; /* href of <base>; empty */
    struct span title;
    struct html_strings comments; /* as written, with <!-- and --> */
    struct html_strings scripts, titles;
    struct html_strings handlers;  /* tags with onclick= and the like, references decoded */
    struct html_strings anchors;   /* texts of <a>, an image in it as "<img>\n" */
    struct html_strings charsets;  /* of <meta http-equiv=Content-Type> */
    struct html_strings data_uris; /* as written */
    size_t tag_count, unknown_tags, shown_letters, hidden_letters;
    size_t tiny_letters;   /* too small to read, and not taken out of sight besides, as lines behind a subject are */
    struct html_tag *tags; /* a count for each element name that came; opaque order */
    size_t tag_kinds;
    unsigned images;
    struct html_counts counts;
};

/* html_is_clicked - a link that a reader follows, not one that his program fetches. */
bool html_is_clicked(const struct html_link *link);
/* html_read - `utf8` is the part's text (mime_text()). */
const struct html *html_read(struct arena *a, struct span utf8);

/* html_tag_find - NULL: no such tag came. */
const struct html_tag *html_tag_find(const struct html *h, const char *name);
/* html_result - what SpamAssassin's html_test, html_range and html_eval call `name`: "length", "max_size",
 * "bad_tag_ratio", "font_low_contrast", ...; false: it is not set. */
bool html_result(const struct html *h, const char *name, double *out);
/* html_strings - what html_text_match calls "comment", "script", "title", "anchor"; NULL: nothing. */
const struct html_strings *html_strings(const struct html *h, const char *name);

#endif
