/* rules/view/texts.c - pieces of text, as the kinds of rules have them. */
#include "rules/view/texts.h"

#include "gateway/mail/bytes_scan.h"

enum { NEAR_BYTES = 1024, ROOM_AT_FIRST = 32 };

/* ---- lists of pieces ---- */

void lines_add(struct arena *a, struct rule_lines *lines, size_t *room, struct span piece)
{
    if (lines->count == *room) {
        *room = *room ? *room * 2 : ROOM_AT_FIRST;
        lines->items = arena_grow(a, lines->items, lines->count, *room, sizeof *lines->items);
    }
    lines->items[lines->count++] = piece;
}

void lines_join(struct arena *a, struct rule_lines *lines)
{
    size_t bytes = 0;

    for (size_t i = 0; i < lines->count; i++)
        bytes += lines->items[i].len + 1;
    char *to = arena_alloc(a, bytes + 1);

    lines->joined = span_make(to, bytes);
    for (size_t i = 0; i < lines->count; i++) {
        struct span *piece = &lines->items[i];

        if (piece->len)
            memcpy(to, piece->ptr, piece->len);
        piece->ptr = to;
        to += piece->len;
        *to++ = '\n';
    }
}

/* ---- blanks ---- */

enum byte_kind { PLAIN, BLANK, NEWLINE, NUL, LEAD }; /* LEAD: perhaps the first byte of a blank of several */

static const unsigned char kinds[256] = {
    [0] = NUL,     ['\t'] = BLANK, ['\n'] = NEWLINE, [0x0b] = BLANK, ['\f'] = BLANK, ['\r'] = BLANK,
    [' '] = BLANK, [0xc2] = LEAD,  [0xe1] = LEAD,    [0xe2] = LEAD,  [0xe3] = LEAD,
};

/* Bytes of the blank character of Unicode [UAX44, White_Space] that is at `p`; 0: none is. */
static size_t wide_blank(const unsigned char *p, size_t left)
{
    if (left >= 2 && p[0] == 0xc2)
        return p[1] == 0x85 || p[1] == 0xa0 ? 2 : 0;
    if (left < 3)
        return 0;
    if (p[0] == 0xe1)
        return p[1] == 0x9a && p[2] == 0x80 ? 3 : 0;
    if (p[0] == 0xe3)
        return p[1] == 0x80 && p[2] == 0x80 ? 3 : 0;
    if (p[0] == 0xe2 && p[1] == 0x80)
        return (p[2] >= 0x80 && p[2] <= 0x8a) || p[2] == 0xa8 || p[2] == 0xa9 || p[2] == 0xaf ? 3 : 0;
    return p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f ? 3 : 0;
}

/* Bytes of the blank at `p`, of whatever kind; 0: it is none. */
static size_t blank_at(const unsigned char *p, size_t left)
{
    switch (kinds[*p]) {
    case BLANK:
    case NEWLINE: return 1;
    case LEAD: return wide_blank(p, left);
    default: return 0;
    }
}

/* What a run of blanks becomes: one space; with two line ends or more in it a line end, and a space before and behind
 * it where there was something. Moves *at behind the run. */
static char *squeeze_run(struct span text, size_t *at, char *to)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t first = SPAN_NPOS, last = 0, begin = *at, i = *at, bytes;

    while (i < text.len && (bytes = blank_at(p + i, text.len - i))) {
        if (p[i] == '\n') {
            first = first == SPAN_NPOS ? i : first;
            last = i;
        }
        i += bytes;
    }
    *at = i;
    if (first == SPAN_NPOS || first == last) {
        *to++ = ' ';
        return to;
    }
    if (first > begin)
        *to++ = ' ';
    *to++ = '\n';
    if (last + 1 < i)
        *to++ = ' ';
    return to;
}

size_t text_squeeze(struct span text, char *out)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    char *to = out;

    for (size_t i = 0; i < text.len;) {
        unsigned char kind = kinds[p[i]];

        if (kind == PLAIN || (kind == LEAD && !wide_blank(p + i, text.len - i))) {
            *to++ = (char)p[i++];
        } else if (kind == NUL) {
            *to++ = '\n';
            i++;
        } else if (p[i] == ' ' && i + 1 < text.len && kinds[p[i + 1]] == PLAIN) {
            *to++ = ' ';
            i++;
        } else {
            to = squeeze_run(text, &i, to);
        }
    }
    return (size_t)(to - out);
}

/* ---- cutting ---- */

/* Behind the first `byte` at or behind `from` and before `end`; SPAN_NPOS: there is none. */
static size_t behind(struct span text, char byte, size_t from, size_t end)
{
    size_t to = end < text.len ? end : text.len;
    const char *found = from < to ? memchr(text.ptr + from, byte, to - from) : NULL;

    return found ? (size_t)(found - text.ptr) + 1 : SPAN_NPOS;
}

static size_t behind_any(struct span text, const char *bytes, size_t from, size_t end)
{
    size_t at = SPAN_NPOS;

    for (; *bytes && at == SPAN_NPOS; bytes++)
        at = behind(text, *bytes, from, end);
    return at;
}

struct span text_cut(struct span text, size_t most, const char *after)
{
    if (!most || text.len <= most)
        return text;
    size_t at = behind_any(text, after, most, most + NEAR_BYTES + 1);

    return span_first(text, at == SPAN_NPOS ? most : at);
}

/* A line that is too long is cut behind the last space before its limit; SpamAssassin looks one byte further. */
static size_t nice_length(struct span line)
{
    size_t space = span_rfind(span_first(line, TEXT_PIECE_BYTES + 1), ' ');

    return space == SPAN_NPOS ? TEXT_PIECE_BYTES : space + 1;
}

void text_paragraphs(struct arena *a, struct rule_lines *lines, size_t *room, struct span squeezed)
{
    struct span rest = squeezed;

    while (rest.len) {
        size_t end = span_find(rest, '\n');
        struct span line = end == SPAN_NPOS ? rest : span_first(rest, end + 1);

        rest = span_skip(rest, line.len);
        while (line.len > TEXT_PIECE_BYTES) {
            size_t length = nice_length(line);

            lines_add(a, lines, room, span_first(line, length));
            line = span_skip(line, length);
        }
        if (line.len)
            lines_add(a, lines, room, line);
    }
}

void text_pieces(struct arena *a, struct rule_lines *lines, size_t *room, struct span text)
{
    while (text.len > 2 * TEXT_PIECE_BYTES) {
        size_t end = behind_any(text, "\n> ", TEXT_PIECE_BYTES, 2 * TEXT_PIECE_BYTES);

        end = end == SPAN_NPOS ? TEXT_PIECE_BYTES + 1 : end;
        lines_add(a, lines, room, span_first(text, end));
        text = span_skip(text, end);
    }
    if (text.len)
        lines_add(a, lines, room, text);
}

struct span text_lf(struct arena *a, struct span text)
{
    size_t cr = span_find(text, '\r');

    if (cr == SPAN_NPOS)
        return text;
    char *out = arena_alloc(a, text.len + 1), *to = out;

    for (struct span rest = text; rest.len; cr = byte_find_near(rest, '\r')) {
        size_t until = cr == SPAN_NPOS ? rest.len : cr;

        memcpy(to, rest.ptr, until);
        to += until;
        rest = span_skip(rest, until);
        if (!rest.len)
            break;
        if (rest.len < 2 || rest.ptr[1] != '\n')
            *to++ = '\r';
        rest = span_skip(rest, 1);
    }
    return span_make(out, (size_t)(to - out));
}
