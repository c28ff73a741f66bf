/* content/html_text.c - text as it is shown. */
#include "gateway/content/html_text.h"

#include "gateway/content/html.h"

void html_writer_init(struct html_writer *w)
{
    *w = (struct html_writer){ .letters = 0 };
    strbuf_init(&w->text, HTML_TEXT_MAX + 8);
}

void html_writer_release(struct html_writer *w)
{
    strbuf_release(&w->text);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t html_blank(struct span s)
{
    if (!s.len)
        return 0;
    if (is_blank(s.ptr[0]))
        return 1;
    return s.len > 1 && s.ptr[0] == '\xc2' && s.ptr[1] == '\xa0' ? 2 : 0;
}

struct span html_cut(struct span text, size_t most)
{
    if (text.len <= most)
        return text;
    while (most && ((unsigned char)text.ptr[most] & 0xc0) == 0x80)
        most--;
    return span_first(text, most);
}

/* Bytes up to the next blank. */
static size_t word_length(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && !is_blank(*p) && !(*p == '\xc2' && end - p > 1 && p[1] == '\xa0'))
        p++;
    return (size_t)(p - from);
}

static size_t characters(const char *p, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += (p[i] & 0xc0) != 0x80;
    return n;
}

size_t html_letters(struct span s)
{
    size_t n = 0;

    for (const char *p = s.ptr, *end = s.ptr + s.len; p < end;) {
        size_t word = word_length(p, end);

        n += characters(p, word);
        p += word;
        while (p < end && (word = html_blank(span_make(p, (size_t)(end - p)))))
            p += word;
    }
    return n;
}

/* What was to come before the next word; at the very start nothing. */
static char *put_gap(struct html_writer *w, char *to)
{
    if (w->text.len) {
        for (unsigned i = 0; i < w->lines; i++)
            *to++ = '\n';
        if (!w->lines && w->gap)
            *to++ = w->gap;
    }
    w->lines = 0;
    w->gap = 0;
    return to;
}

static void write_joined(struct html_writer *w, struct span text, char *to)
{
    const char *end = text.ptr + text.len;
    char *start = to;

    for (const char *p = text.ptr; p < end;) {
        size_t blank = html_blank(span_make(p, (size_t)(end - p)));

        if (blank) {
            if (!w->gap)
                w->gap = ' ';
            p += blank;
            continue;
        }
        size_t word = word_length(p, end);

        to = put_gap(w, to);
        memcpy(to, p, word);
        to += word;
        p += word;
        w->letters += characters(p - word, word);
        w->text.len += (size_t)(to - start);
        start = to;
    }
}

static void write_preserved(struct html_writer *w, struct span text, char *to)
{
    char *start = to;

    to = put_gap(w, to);
    memcpy(to, text.ptr, text.len);
    w->text.len += (size_t)(to - start) + text.len;
    w->letters += html_letters(text);
}

void html_write(struct html_writer *w, struct span text)
{
    size_t left = HTML_TEXT_MAX - (w->text.len < HTML_TEXT_MAX ? w->text.len : HTML_TEXT_MAX);
    struct span cut = html_cut(text, left);

    w->is_cut |= cut.len < text.len;
    if (!cut.len)
        return;
    char *to = strbuf_room(&w->text, cut.len + 3);

    if (!to) {
        w->is_cut = true;
        return;
    }
    if (w->is_preserved)
        write_preserved(w, cut, to);
    else
        write_joined(w, cut, to);
    w->text.data[w->text.len] = '\0';
}

void html_end_line(struct html_writer *w, unsigned lines)
{
    if (w->lines < lines)
        w->lines = lines;
}

void html_add_line(struct html_writer *w)
{
    if (w->lines < 2)
        w->lines++;
}

void html_end_cell(struct html_writer *w)
{
    w->gap = '\t';
}
