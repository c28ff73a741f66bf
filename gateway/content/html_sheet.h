/* content/html_sheet.h - the rules of style sheets, for elements by name, class and id.
 *
 * Selectors of one compound are kept: *, p, .a, p.a, #b, p#b; what they ask of ancestors, siblings and other attributes
 * is beyond us, and such rules are left out. What several rules say for the same selector is one style, so that finding
 * an element's styles costs the same however many rules there are. Of @media those are taken that hold for a window on
 * a desk.
 *
 * Threads: any. Memory: its own, at most SHEET_RULES_MAX selectors, given back by sheet_release(): a message may have
 * hundreds of pages.
 */
#ifndef CONTENT_HTML_SHEET_H
#define CONTENT_HTML_SHEET_H

#include "gateway/base/arena.h"
#include "gateway/content/html_style.h"

enum { SHEET_RULES_MAX = 4000, SHEET_SLOTS = 8192, SHEET_CLASSES_MAX = 32 };

struct html_sheet_rule {
    uint32_t hash;
    struct span element, name;       /* name: with its . or #; both may be empty: * */
    unsigned turn;                   /* when it was last added to: later ones win */
    uint32_t set, important;         /* as in a struct html_style */
    struct html_style_value *values; /* of those that are set, in their order */
};

struct html_sheet {
    struct arena room;
    struct html_sheet_rule **slots; /* SHEET_SLOTS; NULL: no rule yet */
    unsigned count, turns;
    bool is_cut; /* there were more rules than it holds */
};

void sheet_init(struct html_sheet *sheet);
void sheet_release(struct html_sheet *sheet);
/* sheet_read - adds the rules of a <style>. `css` must live as long. */
void sheet_read(struct html_sheet *sheet, struct span css);
/* sheet_is_for_screen - whether media="..." is said of a window on a desk; empty: of all. */
bool sheet_is_for_screen(struct span media);
/* sheet_style - what the rules say of an element; `out` is merged into. */
void sheet_style(const struct html_sheet *sheet, struct span element, struct span classes, struct span id,
                 struct html_style *out);

#endif
