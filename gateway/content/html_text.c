/* content/html_text.c - text as it is shown. */
#include "gateway/content/html_text.h"

#include "gateway/base/utf8.h"
#include "gateway/content/html.h"

enum { EACH = sizeof(uint64_t) };

void html_writer_init(struct html_writer *w)
{
    *w = (struct html_writer){ .lines = 0 };
    strbuf_init(&w->text, HTML_TEXT_MAX + 8);
}

void html_writer_release(struct html_writer *w)
{
    strbuf_release(&w->text);
}

/* Blanks, and the bytes that may begin one. */
static const bool may_be_blank[256] = {
    ['\t'] = true, ['\n'] = true, ['\v'] = true, ['\f'] = true, ['\r'] = true, [' '] = true, [0xc2] = true
};

size_t html_blank(struct span s)
{
    if (!s.len || !may_be_blank[(unsigned char)s.ptr[0]])
        return 0;
    if (s.ptr[0] != '\xc2')
        return 1;
    return s.len > 1 && s.ptr[1] == '\xa0' ? 2 : 0;
}

size_t html_join(char *to, struct span text)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    char *start = to;

    while (p < end) {
        while (p < end && !may_be_blank[(unsigned char)*p])
            *to++ = *p++;
        size_t blank = html_blank(span_make(p, (size_t)(end - p)));

        if (blank)
            *to++ = ' ';
        else if (p < end)
            *to++ = *p++;
        for (; blank; blank = html_blank(span_make(p, (size_t)(end - p))))
            p += blank;
    }
    return (size_t)(to - start);
}

struct span html_cut(struct span text, size_t most)
{
    if (text.len <= most)
        return text;
    while (most && ((unsigned char)text.ptr[most] & 0xc0) == 0x80)
        most--;
    return span_first(text, most);
}

/* ---- counting, eight bytes at a time ---- */

static uint64_t all(unsigned char byte)
{
    return 0x0101010101010101 * (uint64_t)byte;
}

static uint64_t word_at(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* How many bytes of a word have their highest bit set, when no other bit is. */
static unsigned high_bits(uint64_t word)
{
    return (unsigned)((word >> 7) * all(1) >> 56);
}

/* The bytes of a word that are `byte`. */
static unsigned count_of(uint64_t word, unsigned char byte)
{
    uint64_t x = word ^ all(byte);

    return high_bits(~(((x & all(0x7f)) + all(0x7f)) | x | all(0x7f)));
}

size_t html_characters(struct span s)
{
    size_t i = 0, continued = 0;

    for (; i + EACH <= s.len; i += EACH) {
        uint64_t word = word_at(s.ptr + i);

        continued += high_bits(word & ~(word << 1) & all(0x80));
    }
    for (; i < s.len; i++)
        continued += (s.ptr[i] & 0xc0) == 0x80;
    return s.len - continued;
}

static bool is_unicode_blank(uint32_t u)
{
    return u == 0x85 || u == 0xa0 || u == 0x1680 || (u >= 0x2000 && u <= 0x200a) || u == 0x2028 || u == 0x2029 ||
           u == 0x202f || u == 0x205f || u == 0x3000;
}

static size_t unicode_blanks(struct span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t length = c == 0xc2 ? 2 : c >= 0xe1 && c <= 0xe3 ? 3 : 0;

        if (length && i + length <= s.len)
            n += is_unicode_blank(utf8_code_point(span_skip(s, i), length));
    }
    return n;
}

size_t html_blanks(struct span s)
{
    size_t i = 0, n = 0;
    uint64_t seen = 0;

    for (; i + EACH <= s.len; i += EACH) {
        uint64_t word = word_at(s.ptr + i);

        n += count_of(word, ' ') + count_of(word, '\n') + count_of(word, '\t');
        seen |= word;
    }
    for (; i < s.len; i++) {
        n += s.ptr[i] == ' ' || s.ptr[i] == '\n' || s.ptr[i] == '\t';
        seen |= (unsigned char)s.ptr[i];
    }
    return n + (seen & all(0x80) ? unicode_blanks(s) : 0);
}

static bool has_no_ink(uint32_t u)
{
    return u == 0xad || u == 0x34f || u == 0x61c || (u >= 0x180b && u <= 0x180e) || (u >= 0x200b && u <= 0x200f) ||
           (u >= 0x202a && u <= 0x202e) || (u >= 0x2060 && u <= 0x206f) || u == 0xfeff;
}

size_t html_letters(struct span s)
{
    size_t n = html_characters(s) - html_blanks(s);

    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0xc2)
            continue;
        size_t length = utf8_length(span_skip(s, i));

        if (length > 1 && has_no_ink(utf8_code_point(span_skip(s, i), length)))
            n--;
        i += length ? length - 1 : 0;
    }
    return n;
}

/* ---- writing ---- */

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

static void put(struct html_writer *w, struct span text)
{
    struct span cut = html_cut(text, HTML_TEXT_MAX - (w->text.len < HTML_TEXT_MAX ? w->text.len : HTML_TEXT_MAX));
    char *start = cut.len ? strbuf_room(&w->text, cut.len + 3) : NULL;

    w->is_cut |= cut.len < text.len || !start;
    if (!start)
        return;
    char *to = put_gap(w, start);

    memcpy(to, cut.ptr, cut.len);
    w->text.len += (size_t)(to - start) + cut.len;
    w->text.data[w->text.len] = '\0';
}

void html_write(struct html_writer *w, struct span joined)
{
    bool has_gap = joined.len && joined.ptr[joined.len - 1] == ' ';

    if (joined.len && joined.ptr[0] == ' ') {
        w->gap = w->gap ? w->gap : ' ';
        joined = span_skip(joined, 1);
    }
    if (!joined.len)
        return;
    put(w, span_first(joined, joined.len - has_gap));
    if (has_gap)
        w->gap = ' ';
}

void html_write_preserved(struct html_writer *w, struct span text)
{
    if (text.len)
        put(w, text);
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
