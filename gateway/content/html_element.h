/* content/html_element.h - the names of HTML's elements, and how each is shown.
 *
 * Pure tables.
 */
#ifndef CONTENT_HTML_ELEMENT_H
#define CONTENT_HTML_ELEMENT_H

#include "gateway/base/span.h"

enum html_nature {
    HTML_BLOCK = 1 << 0,      /* begins and ends a line */
    HTML_VOID = 1 << 1,       /* has no content and no end tag */
    HTML_CELL = 1 << 2,       /* td, th */
    HTML_UNSEEN = 1 << 3,     /* its text is never shown */
    HTML_RAW_TEXT = 1 << 4,   /* its content is no markup and has no entities: script, style, ... */
    HTML_PLAIN_TEXT = 1 << 5, /* its content is no markup, but has entities: title, textarea */
    HTML_INLINE = 1 << 6,     /* formatting: its end tag leaves blocks inside of it open */
    HTML_SCOPE = 1 << 7,      /* end tags of other things inside of it do not reach out of it */
    /* What SpamAssassin makes of it [Mail::SpamAssassin::HTML]. */
    HTML_SA_ELEMENT = 1 << 8, /* it counts as valid */
    HTML_SA_TRICK = 1 << 9,   /* it does not, but is rendered */
    HTML_SA_STYLE = 1 << 10,  /* may change how text looks */
    HTML_SA_SPACE = 1 << 11,  /* a blank */
    HTML_SA_LINE = 1 << 12,   /* a line end */
    HTML_SA_PARAGRAPH = 1 << 13,
};

/* In the order of their names: name in the source, name in the enum, nature. */
#define HTML_ELEMENTS(X)                                                                                               \
    X("a", A, HTML_INLINE | HTML_SA_ELEMENT | HTML_SA_STYLE)                                                           \
    X("abbr", ABBR, HTML_SA_ELEMENT)                                                                                   \
    X("acronym", ACRONYM, HTML_SA_ELEMENT)                                                                             \
    X("address", ADDRESS, HTML_BLOCK | HTML_SA_ELEMENT)                                                                \
    X("applet", APPLET, HTML_SCOPE | HTML_SA_ELEMENT)                                                                  \
    X("area", AREA, HTML_VOID | HTML_SA_ELEMENT)                                                                       \
    X("article", ARTICLE, HTML_BLOCK)                                                                                  \
    X("aside", ASIDE, HTML_BLOCK)                                                                                      \
    X("audio", AUDIO, 0)                                                                                               \
    X("b", B, HTML_INLINE | HTML_SA_ELEMENT)                                                                           \
    X("base", BASE, HTML_VOID | HTML_SA_ELEMENT)                                                                       \
    X("basefont", BASEFONT, HTML_VOID | HTML_SA_ELEMENT | HTML_SA_STYLE)                                               \
    X("bdi", BDI, 0)                                                                                                   \
    X("bdo", BDO, HTML_SA_ELEMENT)                                                                                     \
    X("bgsound", BGSOUND, HTML_VOID | HTML_SA_TRICK)                                                                   \
    X("big", BIG, HTML_INLINE | HTML_SA_ELEMENT | HTML_SA_STYLE)                                                       \
    X("blink", BLINK, 0)                                                                                               \
    X("blockquote", BLOCKQUOTE, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_PARAGRAPH)                                      \
    X("body", BODY, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_STYLE)                                                      \
    X("br", BR, HTML_VOID | HTML_SA_ELEMENT | HTML_SA_LINE)                                                            \
    X("button", BUTTON, HTML_SA_ELEMENT)                                                                               \
    X("canvas", CANVAS, 0)                                                                                             \
    X("caption", CAPTION, HTML_BLOCK | HTML_SCOPE | HTML_SA_ELEMENT)                                                   \
    X("center", CENTER, HTML_BLOCK | HTML_SA_ELEMENT)                                                                  \
    X("cite", CITE, HTML_SA_ELEMENT)                                                                                   \
    X("code", CODE, HTML_INLINE | HTML_SA_ELEMENT)                                                                     \
    X("col", COL, HTML_VOID | HTML_SA_ELEMENT)                                                                         \
    X("colgroup", COLGROUP, HTML_SA_ELEMENT)                                                                           \
    X("data", DATA, 0)                                                                                                 \
    X("datalist", DATALIST, HTML_UNSEEN)                                                                               \
    X("dd", DD, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("del", DEL, HTML_SA_ELEMENT)                                                                                     \
    X("desc", DESC, 0)                                                                                                 \
    X("details", DETAILS, HTML_BLOCK)                                                                                  \
    X("dfn", DFN, HTML_SA_ELEMENT)                                                                                     \
    X("dialog", DIALOG, HTML_BLOCK)                                                                                    \
    X("dir", DIR, HTML_BLOCK | HTML_SA_ELEMENT)                                                                        \
    X("div", DIV, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_STYLE | HTML_SA_LINE)                                         \
    X("dl", DL, HTML_BLOCK | HTML_SA_ELEMENT)                                                                          \
    X("dt", DT, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("em", EM, HTML_INLINE | HTML_SA_ELEMENT)                                                                         \
    X("embed", EMBED, HTML_VOID | HTML_SA_TRICK | HTML_SA_SPACE)                                                       \
    X("fieldset", FIELDSET, HTML_BLOCK | HTML_SA_ELEMENT)                                                              \
    X("figcaption", FIGCAPTION, HTML_BLOCK)                                                                            \
    X("figure", FIGURE, HTML_BLOCK)                                                                                    \
    X("font", FONT, HTML_INLINE | HTML_SA_ELEMENT | HTML_SA_STYLE)                                                     \
    X("footer", FOOTER, HTML_BLOCK)                                                                                    \
    X("foreignobject", FOREIGNOBJECT, 0)                                                                               \
    X("form", FORM, HTML_BLOCK | HTML_SA_ELEMENT)                                                                      \
    X("frame", FRAME, HTML_VOID | HTML_SA_ELEMENT)                                                                     \
    X("frameset", FRAMESET, HTML_BLOCK | HTML_SA_ELEMENT)                                                              \
    X("h1", H1, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("h2", H2, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("h3", H3, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("h4", H4, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("h5", H5, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("h6", H6, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("head", HEAD, HTML_BLOCK | HTML_SA_ELEMENT)                                                                      \
    X("header", HEADER, HTML_BLOCK)                                                                                    \
    X("hr", HR, HTML_BLOCK | HTML_VOID | HTML_SA_ELEMENT | HTML_SA_PARAGRAPH)                                          \
    X("html", HTML, HTML_BLOCK | HTML_SA_ELEMENT)                                                                      \
    X("i", I, HTML_INLINE | HTML_SA_ELEMENT)                                                                           \
    X("iframe", IFRAME, HTML_UNSEEN | HTML_RAW_TEXT | HTML_SA_ELEMENT)                                                 \
    X("image", IMAGE, HTML_VOID)                                                                                       \
    X("img", IMG, HTML_VOID | HTML_SA_ELEMENT)                                                                         \
    X("input", INPUT, HTML_VOID | HTML_SA_ELEMENT)                                                                     \
    X("ins", INS, HTML_SA_ELEMENT)                                                                                     \
    X("isindex", ISINDEX, HTML_VOID | HTML_SA_ELEMENT)                                                                 \
    X("kbd", KBD, HTML_SA_ELEMENT)                                                                                     \
    X("label", LABEL, HTML_SA_ELEMENT)                                                                                 \
    X("legend", LEGEND, HTML_BLOCK | HTML_SA_ELEMENT)                                                                  \
    X("li", LI, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_SPACE)                                                          \
    X("link", LINK, HTML_VOID | HTML_SA_ELEMENT)                                                                       \
    X("listing", LISTING, HTML_BLOCK | HTML_SA_TRICK | HTML_SA_PARAGRAPH)                                              \
    X("main", MAIN, HTML_BLOCK)                                                                                        \
    X("map", MAP, HTML_SA_ELEMENT)                                                                                     \
    X("mark", MARK, 0)                                                                                                 \
    X("marquee", MARQUEE, HTML_SCOPE)                                                                                  \
    X("math", MATH, 0)                                                                                                 \
    X("menu", MENU, HTML_BLOCK | HTML_SA_ELEMENT)                                                                      \
    X("meta", META, HTML_VOID | HTML_SA_ELEMENT)                                                                       \
    X("meter", METER, 0)                                                                                               \
    X("mi", MI, 0)                                                                                                     \
    X("mn", MN, 0)                                                                                                     \
    X("mo", MO, 0)                                                                                                     \
    X("ms", MS, 0)                                                                                                     \
    X("mtext", MTEXT, 0)                                                                                               \
    X("nav", NAV, HTML_BLOCK)                                                                                          \
    X("nobr", NOBR, HTML_INLINE | HTML_SA_ELEMENT)                                                                     \
    X("noembed", NOEMBED, HTML_RAW_TEXT)                                                                               \
    X("noframes", NOFRAMES, HTML_RAW_TEXT | HTML_SA_ELEMENT)                                                           \
    X("noscript", NOSCRIPT, HTML_SA_ELEMENT)                                                                           \
    X("object", OBJECT, HTML_SCOPE | HTML_SA_ELEMENT)                                                                  \
    X("ol", OL, HTML_BLOCK | HTML_SA_ELEMENT)                                                                          \
    X("optgroup", OPTGROUP, HTML_BLOCK | HTML_SA_ELEMENT)                                                              \
    X("option", OPTION, HTML_BLOCK | HTML_SA_ELEMENT)                                                                  \
    X("output", OUTPUT, 0)                                                                                             \
    X("p", P, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_STYLE | HTML_SA_PARAGRAPH)                                        \
    X("param", PARAM, HTML_VOID | HTML_SA_ELEMENT)                                                                     \
    X("picture", PICTURE, 0)                                                                                           \
    X("plaintext", PLAINTEXT, HTML_BLOCK | HTML_RAW_TEXT | HTML_SA_TRICK | HTML_SA_PARAGRAPH)                          \
    X("pre", PRE, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_PARAGRAPH)                                                    \
    X("progress", PROGRESS, 0)                                                                                         \
    X("q", Q, HTML_SA_ELEMENT)                                                                                         \
    X("rp", RP, HTML_UNSEEN)                                                                                           \
    X("rt", RT, 0)                                                                                                     \
    X("ruby", RUBY, 0)                                                                                                 \
    X("s", S, HTML_INLINE | HTML_SA_ELEMENT)                                                                           \
    X("samp", SAMP, HTML_SA_ELEMENT)                                                                                   \
    X("script", SCRIPT, HTML_UNSEEN | HTML_RAW_TEXT | HTML_SA_ELEMENT)                                                 \
    X("search", SEARCH, HTML_BLOCK)                                                                                    \
    X("section", SECTION, HTML_BLOCK)                                                                                  \
    X("select", SELECT, HTML_SA_ELEMENT)                                                                               \
    X("slot", SLOT, 0)                                                                                                 \
    X("small", SMALL, HTML_INLINE | HTML_SA_ELEMENT | HTML_SA_STYLE)                                                   \
    X("source", SOURCE, HTML_VOID)                                                                                     \
    X("span", SPAN, HTML_SA_ELEMENT | HTML_SA_STYLE)                                                                   \
    X("strike", STRIKE, HTML_INLINE | HTML_SA_ELEMENT)                                                                 \
    X("strong", STRONG, HTML_INLINE | HTML_SA_ELEMENT)                                                                 \
    X("style", STYLE, HTML_UNSEEN | HTML_RAW_TEXT | HTML_SA_ELEMENT)                                                   \
    X("sub", SUB, HTML_SA_ELEMENT)                                                                                     \
    X("summary", SUMMARY, HTML_BLOCK)                                                                                  \
    X("sup", SUP, HTML_SA_ELEMENT)                                                                                     \
    X("svg", SVG, 0)                                                                                                   \
    X("table", TABLE, HTML_BLOCK | HTML_SCOPE | HTML_SA_ELEMENT | HTML_SA_STYLE)                                       \
    X("tbody", TBODY, HTML_BLOCK | HTML_SA_ELEMENT)                                                                    \
    X("td", TD, HTML_CELL | HTML_SCOPE | HTML_SA_ELEMENT | HTML_SA_STYLE | HTML_SA_SPACE)                              \
    X("template", TEMPLATE, HTML_UNSEEN | HTML_SCOPE)                                                                  \
    X("textarea", TEXTAREA, HTML_PLAIN_TEXT | HTML_SA_ELEMENT)                                                         \
    X("tfoot", TFOOT, HTML_BLOCK | HTML_SA_ELEMENT)                                                                    \
    X("th", TH, HTML_CELL | HTML_SCOPE | HTML_SA_ELEMENT | HTML_SA_STYLE | HTML_SA_SPACE)                              \
    X("thead", THEAD, HTML_BLOCK | HTML_SA_ELEMENT)                                                                    \
    X("time", TIME, 0)                                                                                                 \
    X("title", TITLE, HTML_UNSEEN | HTML_PLAIN_TEXT | HTML_SA_ELEMENT | HTML_SA_PARAGRAPH)                             \
    X("tr", TR, HTML_BLOCK | HTML_SA_ELEMENT | HTML_SA_STYLE)                                                          \
    X("track", TRACK, HTML_VOID)                                                                                       \
    X("tt", TT, HTML_INLINE | HTML_SA_ELEMENT)                                                                         \
    X("u", U, HTML_INLINE | HTML_SA_ELEMENT)                                                                           \
    X("ul", UL, HTML_BLOCK | HTML_SA_ELEMENT)                                                                          \
    X("var", VAR, HTML_SA_ELEMENT)                                                                                     \
    X("video", VIDEO, 0)                                                                                               \
    X("wbr", WBR, HTML_VOID)                                                                                           \
    X("x-sigsep", X_SIGSEP, HTML_SA_ELEMENT)                                                                           \
    X("x-tab", X_TAB, HTML_SA_ELEMENT)                                                                                 \
    X("xmp", XMP, HTML_BLOCK | HTML_RAW_TEXT | HTML_SA_TRICK | HTML_SA_PARAGRAPH)

enum html_element {
    HTML_EL_UNKNOWN,
#define X(name, id, nature) HTML_EL_##id,
    HTML_ELEMENTS(X)
#undef X
        HTML_EL_COUNT
};

/* html_element - of a name as written, in any case; HTML_EL_UNKNOWN. */
enum html_element html_element(struct span name);
/* html_element_name - in lower case; "" of HTML_EL_UNKNOWN. html_nature - of enum html_nature. */
const char *html_element_name(enum html_element e);

extern const uint16_t html_natures[HTML_EL_COUNT];

static inline unsigned html_nature(enum html_element e)
{
    return html_natures[e];
}

#endif
