/* rules/view/texts.h - pieces of text, as the kinds of rules have them.
 *
 * What is cut where follows SpamAssassin, whose rules are written for it: paragraphs of at most 2 KiB of what is seen,
 * pieces of 2 to 4 KiB of what was decoded, limits on how much of a part is looked at.
 *
 * Pure; linear in the text. Memory: `a`.
 */
#ifndef RULES_TEXTS_H
#define RULES_TEXTS_H

#include "gateway/base/arena.h"
#include "rules/view/scanning.h"

enum { TEXT_PIECE_BYTES = 2048 };

/* lines_add - one more piece, borrowed. lines_join - copies them all, one behind the other: `joined` is made and the
 * pieces lie in it. */
void lines_add(struct arena *a, struct rule_lines *lines, size_t *room, struct span piece);
void lines_join(struct arena *a, struct rule_lines *lines);

/* text_squeeze - blanks of all kinds become one space, what has an empty line in it a line end. Writes at most text.len
 * bytes to `out`; returns how many. */
size_t text_squeeze(struct span text, char *out);
/* text_cut - the beginning of a part's text, `most` bytes or up to 1 KiB more so that it ends behind one of the bytes
 * in `after`: the first of them that there is. 0: all of it. */
struct span text_cut(struct span text, size_t most, const char *after);
/* text_paragraphs - adds the lines of squeezed text, long ones cut at a space. text_pieces - adds pieces of 2 to 4 KiB
 * of raw text, cut behind a line end, a > or a space. */
void text_paragraphs(struct arena *a, struct rule_lines *lines, size_t *room, struct span squeezed);
void text_pieces(struct arena *a, struct rule_lines *lines, size_t *room, struct span text);
/* text_lf - with CRLF as LF; `text` itself when it has none. */
struct span text_lf(struct arena *a, struct span text);

#endif
