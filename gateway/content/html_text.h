/* content/html_text.h - text as it is shown: blanks joined, lines ended by blocks, cells parted by TAB.
 *
 * Threads: any. Memory: html_writer_release(); the bytes are bounded by HTML_TEXT_MAX.
 */
#ifndef CONTENT_HTML_TEXT_H
#define CONTENT_HTML_TEXT_H

#include "gateway/base/strbuf.h"

struct html_writer {
    struct strbuf text;
    unsigned lines; /* ends of lines that come before what is written next: 0 to 2 */
    char gap;       /* else a blank or a TAB that does; 0 */
    bool is_cut;    /* there was more than it holds */
};

void html_writer_init(struct html_writer *w);
void html_writer_release(struct html_writer *w);
/* html_write - text out of html_join(). html_write_preserved - decoded text whose blanks stand as written: pre. */
void html_write(struct html_writer *w, struct span joined);
void html_write_preserved(struct html_writer *w, struct span text);
/* html_end_line - what follows begins a line; `lines` 2: after an empty one. html_add_line - br: one line end more.
 * html_end_cell - what follows in the line is another cell. */
void html_end_line(struct html_writer *w, unsigned lines);
void html_add_line(struct html_writer *w);
void html_end_cell(struct html_writer *w);

/* html_join - each run of blanks, &nbsp; included, as one; into `to`, which has room for text.len bytes. Returns the
 * bytes written. */
size_t html_join(char *to, struct span text);
/* html_blank - how many bytes of `s` at its start are one blank, &nbsp; included; 0: none. */
size_t html_blank(struct span s);
/* html_characters - of valid UTF-8. html_blanks - blanks among them, Unicode's too. */
size_t html_characters(struct span s);
size_t html_blanks(struct span s);
/* html_letters - of them those that are seen: no blanks, no joiners and other characters without ink, with which
 * newsletters fill up the line behind the subject. */
size_t html_letters(struct span s);
/* html_cut - at most `most` bytes of UTF-8 text, whole characters. */
struct span html_cut(struct span text, size_t most);

#endif
