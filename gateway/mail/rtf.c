/* mail/rtf.c - the text that Rich Text shows.
 *
 * Destinations that show nothing (fonts, colours, pictures, whatever begins with \* and is unknown) are left out.
 * Bytes are in the code page that \ansicpg says; \u characters are UTF-16, and as many bytes as \uc says stand for each
 * in old readers. In RTF made from HTML, \*\htmltag groups hold its tags, and \htmlrtf frames what only readers of RTF
 * shall see.
 */
#include "gateway/mail/rtf.h"

#include "gateway/mail/charset_out.h"
#include "gateway/mail/codec_run.h"

enum { GROUPS_MAX = 256, WORD_MAX = 32, RUN_MAX = 4096, RUNS_MAX = 100000 };

struct group {
    bool is_hidden;  /* a destination that shows nothing */
    bool is_htmlrtf; /* between \htmlrtf and \htmlrtf0 */
    unsigned skip;   /* characters that stand for a \u */
};

struct reader {
    struct arena *arena;
    struct span rest;
    struct charset_out out;
    struct group group, outer[GROUPS_MAX];
    size_t depth; /* of groups; those beyond GROUPS_MAX have the state of the last one */
    const char *charset;
    char run[RUN_MAX]; /* bytes in it that wait */
    size_t run_len;
    size_t runs;             /* that were converted: each takes its time, and no honest text has so many */
    uint32_t high_surrogate; /* that waits for its other half */
    unsigned to_skip;        /* characters behind a \u */
    bool is_starred;         /* behind \* */
    bool from_html;
};

struct word {
    struct span name;
    bool has_number;
    int32_t number;
};

static void flush(struct reader *r)
{
    struct span run = span_make(r->run, r->run_len);
    unsigned flaws = 0;

    if (run.len && r->runs++ < RUNS_MAX)
        charset_put_bytes(&r->out, charset_utf8(r->arena, span_of(r->charset), run, 4 * RUN_MAX, &flaws));
    r->out.is_full |= r->runs > RUNS_MAX;
    r->run_len = 0;
}

static bool shows(const struct reader *r)
{
    return !r->group.is_hidden && !r->group.is_htmlrtf;
}

static void end_surrogate(struct reader *r)
{
    if (r->high_surrogate)
        charset_put_bad(&r->out);
    r->high_surrogate = 0;
}

/* A byte of text in the charset that holds. */
static void put_byte(struct reader *r, char c)
{
    if (!shows(r))
        return;
    end_surrogate(r);
    bool is_between = c == ' ' || c == '\n'; /* two characters: no charset has these bytes inside of one */

    if (r->run_len == RUN_MAX || (is_between && r->run_len > RUN_MAX / 2))
        flush(r);
    r->run[r->run_len++] = c;
}

/* One that may stand for a character that came before. */
static void put_text(struct reader *r, char c)
{
    if (r->to_skip)
        r->to_skip--;
    else
        put_byte(r, c);
}

static void put_code(struct reader *r, uint32_t code)
{
    if (code < 0x80) {
        put_byte(r, (char)code);
        return;
    }
    if (!shows(r))
        return;
    flush(r);
    end_surrogate(r);
    charset_put(&r->out, code);
}

/* A unit of UTF-16 [\u]. */
static void put_unit(struct reader *r, uint32_t unit)
{
    bool is_low = unit >= 0xdc00 && unit < 0xe000;

    r->to_skip = r->group.skip;
    if (!shows(r))
        return;
    flush(r);
    if (is_low && r->high_surrogate) {
        charset_put(&r->out, 0x10000 + ((r->high_surrogate - 0xd800) << 10) + (unit - 0xdc00));
        r->high_surrogate = 0;
        return;
    }
    end_surrogate(r);
    if (unit >= 0xd800 && unit < 0xdc00)
        r->high_surrogate = unit;
    else if (is_low)
        charset_put_bad(&r->out);
    else
        charset_put(&r->out, unit);
}

static void open_group(struct reader *r)
{
    if (r->depth < GROUPS_MAX)
        r->outer[r->depth] = r->group;
    r->depth++;
    r->is_starred = false;
    r->to_skip = 0;
}

static void close_group(struct reader *r)
{
    if (r->depth)
        r->depth--;
    if (r->depth < GROUPS_MAX)
        r->group = r->outer[r->depth];
    r->is_starred = false;
    r->to_skip = 0;
}

/* "\word-12 ": letters, a number, one blank that belongs to it. */
static struct word take_word(struct reader *r)
{
    struct word w = { 0 };
    bool is_negative;
    size_t n = 0;

    while (n < r->rest.len && n < WORD_MAX && ascii_is_alpha(r->rest.ptr[n]))
        n++;
    w.name = span_first(r->rest, n);
    r->rest = span_skip(r->rest, n);
    is_negative = r->rest.len > 1 && r->rest.ptr[0] == '-' && ascii_is_digit(r->rest.ptr[1]);
    r->rest = span_skip(r->rest, is_negative);
    for (n = 0; n < r->rest.len && n < 9 && ascii_is_digit(r->rest.ptr[n]); n++)
        w.number = w.number * 10 + (r->rest.ptr[n] - '0');
    w.has_number = n > 0;
    w.number = is_negative ? -w.number : w.number;
    r->rest = span_skip(r->rest, n);
    if (r->rest.len && r->rest.ptr[0] == ' ')
        r->rest = span_skip(r->rest, 1);
    return w;
}

static bool is_word(const struct word *w, const char *name)
{
    return w->name.len && w->name.ptr[0] == name[0] && span_is(w->name, name);
}

/* Words that are a character. */
static const struct {
    const char *name;
    uint32_t code;
} characters[] = {
    { "par", '\n' },         { "line", '\n' },     { "row", '\n' },       { "sect", '\n' },
    { "page", '\n' },        { "tab", '\t' },      { "cell", '\t' },      { "emdash", 0x2014 },
    { "endash", 0x2013 },    { "lquote", 0x2018 }, { "rquote", 0x2019 },  { "ldblquote", 0x201c },
    { "rdblquote", 0x201d }, { "bullet", 0x2022 }, { "emspace", 0x2003 }, { "enspace", 0x2002 },
    { "zwj", 0x200d },       { "zwnj", 0x200c },   { "ltrmark", 0x200e }, { "rtlmark", 0x200f },
};

/* Destinations that show nothing, without \* before them. */
static const char *const hidden[] = {
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "objdata", "themedata", "datastore", "bkmkstart",
};

static const char *charset_of_page(struct reader *r, int32_t page)
{
    const char *label = page == 65001 ? "utf-8" : arena_printf(r->arena, "cp%d", (int)page);

    return charset_name(span_of(label)) ? label : "windows-1252";
}

/* Words that change how others are read; false: it is none of them. */
static bool is_state(struct reader *r, const struct word *w)
{
    if (is_word(w, "u") && w->has_number)
        put_unit(r, (uint32_t)w->number & 0xffff);
    else if (is_word(w, "uc"))
        r->group.skip = w->number > 0 && w->number < 16 ? (unsigned)w->number : 0;
    else if (is_word(w, "bin"))
        r->rest = span_skip(r->rest, w->number > 0 ? (size_t)w->number : 0);
    else if (is_word(w, "ansicpg")) {
        flush(r);
        r->charset = charset_of_page(r, w->number);
    } else if (is_word(w, "fromhtml"))
        r->from_html = true;
    else if (is_word(w, "htmlrtf"))
        r->group.is_htmlrtf = r->from_html && !(w->has_number && w->number == 0);
    else
        return false;
    return true;
}

static void read_word(struct reader *r)
{
    bool is_starred = r->is_starred;
    struct word w = take_word(r);

    r->is_starred = false;
    if (is_state(r, &w) || (r->from_html && is_starred && is_word(&w, "htmltag")))
        return;
    if (is_starred && !is_word(&w, "fldinst")) { /* in which the targets of links are */
        r->group.is_hidden = true;
        return;
    }
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        r->group.is_hidden |= is_word(&w, hidden[i]);
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++)
        if (is_word(&w, characters[i].name))
            put_code(r, characters[i].code);
}

/* Behind a backslash. */
static void read_control(struct reader *r)
{
    char c = r->rest.len ? r->rest.ptr[0] : ' ';

    if (ascii_is_alpha(c)) {
        read_word(r);
        return;
    }
    r->rest = span_skip(r->rest, 1);
    if (c == '\'') {
        int high = r->rest.len > 1 ? hex_digit(r->rest.ptr[0]) : -1, low = high >= 0 ? hex_digit(r->rest.ptr[1]) : -1;

        if (low >= 0) {
            put_text(r, (char)(high << 4 | low));
            r->rest = span_skip(r->rest, 2);
        }
    } else if (c == '*') {
        r->is_starred = true;
    } else if (c == '~') {
        put_code(r, 0xa0);
    } else if (c == '\r' || c == '\n') {
        put_code(r, '\n');
    } else if (c == '\\' || c == '{' || c == '}') {
        put_text(r, c);
    }
}

static void read_one(struct reader *r)
{
    char c = r->rest.ptr[0];

    r->rest = span_skip(r->rest, 1);
    switch (c) {
    case '{': open_group(r); break;
    case '}': close_group(r); break;
    case '\\': read_control(r); break;
    case '\r':
    case '\n':
    case '\0': break;
    default: put_text(r, c); break;
    }
}

void rtf_read(struct arena *a, struct span rtf, size_t most, struct rtf_text *out)
{
    struct reader r = { .arena = a, .rest = rtf, .charset = "windows-1252", .group = { .skip = 1 } };

    charset_out_init(&r.out, most);
    while (r.rest.len && !r.out.is_full)
        read_one(&r);
    flush(&r);
    end_surrogate(&r);
    *out = (struct rtf_text){ .text = arena_copy(a, span_make(r.out.data, r.out.len)),
                              .is_html = r.from_html,
                              .is_cut = r.out.is_full };
    charset_out_release(&r.out);
}
