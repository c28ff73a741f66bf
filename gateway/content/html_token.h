/* content/html_token.h - HTML taken apart as browsers do it [HTML 13.2.5]: texts, tags with their attributes, comments.
 *
 * Why our own and not libxml2's: that one (2.9) does not see what browsers show behind `<!-->`, does not find the href
 * of `<a/href=x>`, leaves out all text behind `</p/>`, does not know `&colon;`, and takes seconds for half a megabyte
 * of end tags inside of many elements. Rules also ask for tags as they were written, which it does not tell.
 *
 * Each byte is looked at a bounded number of times, whatever stands there. Nothing is copied: spans point into the
 * source. Threads: any.
 */
#ifndef CONTENT_HTML_TOKEN_H
#define CONTENT_HTML_TOKEN_H

#include "gateway/base/span.h"
#include "gateway/content/html_element.h"

/* The attributes that anything is made of. */
enum html_attribute {
    HTML_AT_ACTION,
    HTML_AT_ALT,
    HTML_AT_BACKGROUND,
    HTML_AT_BGCOLOR,
    HTML_AT_CLASS,
    HTML_AT_COLOR,
    HTML_AT_CONTENT,
    HTML_AT_DATA,
    HTML_AT_FACE,
    HTML_AT_FORMACTION,
    HTML_AT_HEIGHT,
    HTML_AT_HIDDEN,
    HTML_AT_HREF,
    HTML_AT_HTTP_EQUIV,
    HTML_AT_ID,
    HTML_AT_MEDIA,
    HTML_AT_OPEN,
    HTML_AT_PLACEHOLDER,
    HTML_AT_POSTER,
    HTML_AT_SAFE_REDIRECT, /* data-saferedirecturl, Gmail's */
    HTML_AT_SIZE,
    HTML_AT_SRC,
    HTML_AT_SRCDOC,
    HTML_AT_SRCSET,
    HTML_AT_STYLE,
    HTML_AT_TEXT,
    HTML_AT_TYPE,
    HTML_AT_VALUE,
    HTML_AT_WIDTH,
    HTML_AT_XLINK_HREF,
    HTML_AT_COUNT
};

struct html_attributes {
    uint64_t has;                     /* 1 << enum html_attribute; of the others the value is not set */
    struct span value[HTML_AT_COUNT]; /* as written: entities not decoded; of several the first, as in browsers */
    unsigned count;                   /* all that there are, the unknown ones too */
    bool has_event;                   /* onclick=, ... */
    bool has_odd;                     /* a name with quotes or < in it */
    bool has_slash;                   /* before the `>`, and not of a value */
};

enum html_token_kind { HTML_TEXT, HTML_START, HTML_END, HTML_COMMENT, HTML_DECLARATION };

struct html_token {
    enum html_token_kind kind;
    struct span whole;                 /* as written, with < and > */
    struct span text;                  /* HTML_TEXT: undecoded; HTML_COMMENT: without <!-- and --> */
    struct span name;                  /* tags: as written */
    enum html_element element;         /* tags; of text: the script, title, ... that it is all of; HTML_EL_UNKNOWN */
    bool is_raw;                       /* text of a script or style sheet: no entities */
    bool is_unclosed;                  /* the source ends inside of it */
    bool is_bogus;                     /* a comment that does not begin with <!-- */
    bool is_odd;                       /* what readers differ in: <!-->, --!>, <a/href=x>, </p x>, <p"> */
    struct html_attributes attributes; /* tags */
};

struct html_tokens {
    const char *at, *end;
    enum html_element raw;   /* we are behind its start tag; HTML_EL_UNKNOWN: behind none */
    bool has_no_comment_end; /* in what is left */
};

void html_tokens_init(struct html_tokens *t, struct span source);
/* html_tokens_next - false: that was all. `out->attributes` is set for tags only. */
bool html_tokens_next(struct html_tokens *t, struct html_token *out);

static inline bool html_has(const struct html_attributes *a, enum html_attribute which)
{
    return a->has >> which & 1;
}
/* html_value - an attribute's value, empty when it is not there. */
static inline struct span html_value(const struct html_attributes *a, enum html_attribute which)
{
    return html_has(a, which) ? a->value[which] : (struct span){ "", 0 };
}
/* html_is_space - what HTML takes for a blank. */
static inline bool html_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

#endif
