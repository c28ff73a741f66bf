/* content/html_text.h - text as it is shown: blanks joined, lines ended by blocks, cells parted by TAB.
 *
 * Threads: any. Memory: html_writer_release(); the bytes are bounded by HTML_TEXT_MAX.
 */
#ifndef CONTENT_HTML_TEXT_H
#define CONTENT_HTML_TEXT_H

#include "gateway/base/strbuf.h"

struct html_writer {
    struct strbuf text;
    size_t letters;    /* characters that are no blanks */
    unsigned lines;    /* ends of lines that come before what is written next: 0 to 2 */
    char gap;          /* else a blank or a TAB that does; 0 */
    bool is_cut;       /* there was more than it holds */
    bool is_preserved; /* blanks and line ends stand as they are written: pre */
};

void html_writer_init(struct html_writer *w);
void html_writer_release(struct html_writer *w);
/* html_write - decoded text. */
void html_write(struct html_writer *w, struct span text);
/* html_end_line - what follows begins a line; `lines` 2: after an empty one. html_add_line - br: one line end more.
 * html_end_cell - what follows in the line is another cell. */
void html_end_line(struct html_writer *w, unsigned lines);
void html_add_line(struct html_writer *w);
void html_end_cell(struct html_writer *w);
/* html_blank - how many bytes of `s` at its start are one blank, &nbsp; included; 0: none. */
size_t html_blank(struct span s);
/* html_letters - characters that are no blanks. */
size_t html_letters(struct span s);

/* html_cut - at most `most` bytes of UTF-8 text, whole characters. */
struct span html_cut(struct span text, size_t most);

#endif
