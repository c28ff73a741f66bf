/* content/html_parts.h - html_read() at work: what its files share.
 *
 * html.c goes through the tokens; html_look.c keeps what elements are open and how text looks in them; html_link.c
 * collects targets; html_count.c, html_paint.c and html_render.c see the mail as SpamAssassin does.
 */
#ifndef CONTENT_HTML_PARTS_H
#define CONTENT_HTML_PARTS_H

#include "gateway/content/html.h"
#include "gateway/content/html_entity.h"
#include "gateway/content/html_sheet.h"
#include "gateway/content/html_text.h"
#include "gateway/content/html_token.h"

enum { OPEN_KINDS = 256, PAGES_MAX = 4, HTML_LANGUAGE = 0 };

/* How text looks, as far as it is inherited. */
struct html_look {
    unsigned hiding; /* of enum html_hiding, all in all */
    unsigned fixed;  /* what no element inside can take back: display, opacity, place */
    bool is_invisible, is_preserved;
    bool is_inline; /* a block that is said to be none; not inherited */
    bool is_ground_known, is_ink_known;
    bool is_filled; /* `ink` is what letters are filled with, whatever colour is said */
    uint32_t ink, ground, shadow;
    float ink_alpha, shadow_alpha, opacity, size;
    float indent; /* of a block's first line */
};

struct html_open {
    uint8_t kind;     /* element, or a hash of an unknown name */
    uint8_t language; /* of what is in it: HTML_LANGUAGE, or SVG's or MathML's */
    struct html_look look;
};

struct html_looks {
    struct html_open open[HTML_DEPTH_MAX];
    size_t depth, floor;        /* what is below `floor` is not closed */
    unsigned count[OPEN_KINDS]; /* of those in `open` */
    unsigned lost[OPEN_KINDS];  /* started beyond HTML_DEPTH_MAX */
    bool has_lost;
    bool has_form; /* its end tag has not come */
    struct html_sheet sheet;
};

/* Where a link's text stands in `shown`. */
struct html_range {
    size_t from, to;
    struct span alt;
};

struct html_links {
    struct html_link *items;
    struct html_range *ranges;
    size_t count, room, unclicked;
    size_t open; /* index of the <a> that we are in; SPAN_NPOS */
};

struct html_string_list {
    struct html_strings list;
    size_t room;
};

/* SpamAssassin's view. */
struct html_style_entry;
struct html_paint {
    struct html_style_entry *stack;
    size_t depth, room;
    unsigned count[OPEN_KINDS];
    int base_size;
};

struct html_render {
    struct strbuf text;
    size_t last_at; /* where the last piece begins */
    bool has_piece, last_is_space, last_is_unseen;
    bool is_cut;
};

struct html_tags {
    struct html_tag *items;
    size_t count, room, unknown;
    unsigned known[HTML_EL_COUNT]; /* index + 1 in `items` */
    unsigned slots[1024];          /* of unknown names: the same, by hash */
};

struct html_reading {
    struct arena *a;
    struct html *out;
    struct span source;
    struct html_token token;
    struct html_looks looks;
    struct html_writer shown, hidden, outlook;
    struct html_links links;
    struct html_tags tags;
    struct html_string_list comments, scripts, handlers, titles, charsets, data_uris, anchors;
    struct strbuf anchor_text;
    struct html_paint paint;
    struct html_render render;
    struct strbuf scratch, joined;
    struct span pages[PAGES_MAX]; /* in attributes of the tag, to be read behind it */
    size_t page_count;
    enum { PICTURE_UNKNOWN, PICTURE_SEEN, PICTURE_UNSEEN } picture; /* that of the tag */
    unsigned nesting;                                               /* pages inside of pages */
    bool is_uncounted;                                              /* rules do not see it: what an iframe holds */
    bool is_outlook;                                                /* inside of a conditional comment */
    bool is_island;                                                 /* in its <xml> */
    bool is_sheet_off;                                              /* the <style> that comes is for others */
    bool is_behind; /* of a comment that does not end: nobody sees the rest */
};

/* html.c - a page inside of the page. */
void html_read_inner(struct html_reading *r, struct span source);

/* html_open.c - which elements are open. html_open_floor - closes down to `floor`, and nothing below it from then on;
 * returns the floor before. html_open_is_foreign - what comes now is read as SVG or MathML. html_open_reads_markup -
 * what follows the start tag is markup, even behind <style> or <title>. html_open_code - the <script> or <style> that
 * we are in there; HTML_EL_UNKNOWN. html_look_own - how text looks in the innermost one. */
void html_open_init(struct html_looks *l);
size_t html_open_floor(struct html_looks *l, size_t floor);
bool html_open_is_foreign(const struct html_looks *l);
bool html_open_reads_markup(const struct html_looks *l, const struct html_token *t);
enum html_element html_open_code(const struct html_looks *l);
const struct html_look *html_look_own(const struct html_looks *l);
void html_open_start(struct html_reading *r);
void html_open_end(struct html_reading *r);
/* html_open_nature - of enum html_nature. html_open_close_to - closes all down to open[depth].
 * html_open_close_within - closes the innermost `kind`, unless something of `stops`, or a `stop`, is nearer. */
unsigned html_open_nature(const struct html_open *open);
void html_open_close_to(struct html_looks *l, size_t depth);
void html_open_close_within(struct html_looks *l, uint8_t kind, unsigned stops, uint8_t stop);

/* html_place.c - html_look - how text looks that comes now: between the cells of a table, as before it.
 * html_place_start - closes what a start tag ends; false: browsers leave the tag out, or nothing is in it.
 * html_place_heading - the heading that is open; SPAN_NPOS. html_place_is_part - of a table. */
const struct html_look *html_look(const struct html_reading *r);
bool html_place_start(struct html_looks *l, enum html_element e);
bool html_place_is_in_select(const struct html_looks *l);
bool html_place_is_part(enum html_element e);
size_t html_place_heading(const struct html_looks *l);

/* html_look.c - how text looks in the element that the token starts; `look` is that of the element around it.
 * look_lose - an element that is closed before those inside of it: what they have of it is lost. */
extern const struct html_look plain_look;
void look_start(struct html_reading *r, struct html_look *look);
/* look_hides_pictures - what hides more than letters. look_hides_line - of so many letters, by its indent. */
bool look_hides_pictures(const struct html_look *look);
bool look_hides_line(const struct html_look *look, size_t letters);
void look_lose(struct html_look *look, const struct html_look *closed, const struct html_look *outer);

/* html_link.c */
void html_links_start(struct html_reading *r);
void html_links_end(struct html_reading *r);
void html_links_outlook(struct html_reading *r);
void html_links_in_css(struct html_reading *r, struct span css);
void html_links_finish(struct html_reading *r);
/* html_links_see - something is seen in the <a> that is open: it can be clicked on. */
void html_links_see(struct html_reading *r);

/* html_count.c - tags as they are written; facts for rules. */
void html_count_tag(struct html_reading *r);
void html_count_declaration(struct html_reading *r);
void html_count_unclosed(struct html_reading *r, enum html_element e);
void html_count_finish(struct html_reading *r);
bool html_is_inside(const struct html_reading *r, enum html_element e);

/* html_paint.c - colours and sizes as SpamAssassin keeps them. html_paint_hides - and notes why. */
void html_paint_init(struct html_reading *r);
void html_paint_tag(struct html_reading *r);
bool html_paint_hides(struct html_reading *r);
void html_paint_release(struct html_reading *r);

/* html_render.c - text as SpamAssassin renders it: `joined` is html_join()'s of `text`. */
void html_render_init(struct html_render *render);
void html_render_tag(struct html_reading *r);
void html_render_text(struct html_reading *r, struct span text, struct span joined);
/* html_render_end - of an element whose end tag never came. */
void html_render_end(struct html_reading *r, enum html_element e);

/* html_strings_add - bounded. */
void html_strings_add(struct html_reading *r, struct html_string_list *list, struct span item);

#endif
