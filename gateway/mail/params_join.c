/* mail/params_join.c - pieces of parameters put together: continuations, charsets and languages [RFC2231 3, 4], encoded
 * words where they do not belong, raw bytes.
 */
#include "gateway/mail/params_join.h"

#include <stdlib.h>

#include "gateway/base/utf8.h"
#include "gateway/mail/codec_run.h"

/* What stands behind the first star of a name. */
static void read_stars(struct param_pieces *p, struct span stars, struct param_piece *piece)
{
    uint64_t section;

    if (stars.len && stars.ptr[stars.len - 1] == '*') {
        piece->is_extended = true;
        stars.len--;
    }
    if (stars.len == 0)
        return;
    if (span_u64(span_skip(stars, 1), PARAM_SECTION_MAX, &section))
        p->flaws |= PARAMS_SYNTAX;
    else
        piece->section = (int)section;
}

/* Parameters by which readers find and name what is in a part. */
static bool matters(struct span name)
{
    static const char *const names[] = { "boundary", "charset", "name", "filename", "format", "delsp", "url" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_iis(name, names[i]))
            return true;
    return false;
}

bool param_piece_add(struct param_pieces *p, struct span name, struct span value, bool is_other_reading)
{
    struct param_piece piece = { .value = value, .section = PARAM_NO_SECTION, .is_other_reading = is_other_reading };
    size_t star = span_find(name, '*');

    if (star == 0) {
        p->flaws |= PARAMS_SYNTAX;
        return false;
    }
    if (p->count == PARAMS_PIECES_MAX || (p->count >= PARAMS_PIECES_OF_OTHERS && !matters(span_first(name, star)))) {
        p->flaws |= PARAMS_TOO_MANY;
        return false;
    }
    if (star != SPAN_NPOS)
        read_stars(p, span_skip(name, star), &piece);
    piece.name = arena_copy(p->arena, span_first(name, star));
    for (size_t i = 0; i < piece.name.len; i++)
        ((char *)piece.name.ptr)[i] = ascii_lower(piece.name.ptr[i]);
    p->items[p->count++] = piece;
    return true;
}

static struct param *item_add(struct param_pieces *p, struct params *out, struct span name)
{
    if (out->count == PARAMS_MAX) {
        p->flaws |= PARAMS_TOO_MANY;
        return NULL;
    }
    struct param *item = &out->items[out->count++];

    *item = (struct param){ .name = name };
    return item;
}

/* Text without a charset: encoded words, which do not belong there, or raw bytes. */
static void decode_plain(struct param_pieces *p, struct param *item)
{
    unsigned flaws = 0;

    item->value = words_decode_all(p->arena, item->raw, PARAM_VALUE_MAX, &flaws);
    item->is_word_decoded = span_search(item->raw, SPAN("=?")) != SPAN_NPOS && !span_eq(item->raw, item->value);
    if (item->is_word_decoded)
        p->flaws |= PARAMS_ENCODED;
    if (flaws & WORDS_CHARSET)
        p->flaws |= PARAMS_CHARSET;
}

/* Takes charset'language' off the front of *value; what has no two quotes has no charset. */
static struct span cut_charset(struct param_pieces *p, struct span *value)
{
    struct span rest = *value, charset, language;

    if (!span_cut(&rest, '\'', &charset) || !rest.ptr || !span_cut(&rest, '\'', &language) || !rest.ptr) {
        p->flaws |= PARAMS_SYNTAX;
        return SPAN("");
    }
    *value = rest;
    return charset;
}

static size_t decode_percent(struct span text, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

        out[n++] = low >= 0 ? (char)(high << 4 | low) : text.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return n;
}

/* One parameter of the pieces given, in their order. */
static void join(struct param_pieces *p, struct param_piece *const *pieces, size_t count, struct params *out)
{
    struct param *item = item_add(p, out, pieces[0]->name);
    struct span charset = SPAN("");
    unsigned flaws = 0;
    size_t len = 0;

    if (!item)
        return;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i]->value.len;
        item->is_extended |= pieces[i]->is_extended;
    }
    char *bytes = arena_alloc(p->arena, len + 1);

    len = 0;
    for (size_t i = 0; i < count; i++) {
        struct span value = pieces[i]->value;

        if (i == 0 && pieces[i]->is_extended)
            charset = cut_charset(p, &value);
        if (pieces[i]->is_extended)
            len += decode_percent(value, bytes + len);
        else if (value.len)
            memcpy(bytes + len, value.ptr, value.len);
        len += pieces[i]->is_extended ? 0 : value.len;
    }
    item->raw = span_make(bytes, len);
    if (!item->is_extended) {
        decode_plain(p, item);
        return;
    }
    item->value = charset_utf8(p->arena, charset, item->raw, PARAM_VALUE_MAX, &flaws);
    if (flaws & (CHARSET_UNKNOWN | CHARSET_INVALID))
        p->flaws |= PARAMS_CHARSET;
}

static int by_section(const void *a, const void *b)
{
    const struct param_piece *x = *(struct param_piece *const *)a, *y = *(struct param_piece *const *)b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Of pieces in the order of their numbers: each number once, up to a gap if `to_gap` says so. Returns how many. */
static size_t keep_sections(struct param_piece *const *found, size_t count, bool is_last, bool to_gap,
                            struct param_piece **kept)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        bool is_again = n && found[i]->section == kept[n - 1]->section;

        if (to_gap && n && found[i]->section > kept[n - 1]->section + 1)
            break;
        if (!is_again)
            kept[n++] = found[i];
        else if (is_last)
            kept[n - 1] = found[i];
    }
    return n;
}

/* As other readers put them together that take the last of a number, or stop at a gap. Item `own` is how most do. */
static void join_otherwise(struct param_pieces *p, struct param_piece *const *found, size_t count, size_t own,
                           struct params *out)
{
    struct param_piece *kept[PARAMS_PIECES_MAX];

    for (int i = 0; i < 2; i++) {
        size_t before = out->count;

        join(p, kept, keep_sections(found, count, i == 0, i == 1, kept), out);
        if (out->count == before)
            return;
        out->items[before].is_other_reading = true;
        if (span_eq(out->items[before].value, out->items[own].value))
            out->count = before;
    }
}

/* The continuations of `name`: in the order of their numbers, each number once. */
static void join_sections(struct param_pieces *p, struct span name, struct params *out)
{
    struct param_piece *found[PARAMS_PIECES_MAX], *kept[PARAMS_PIECES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < p->count; i++) {
        struct param_piece *piece = &p->items[i];

        if (piece->is_taken || piece->section == PARAM_NO_SECTION || !span_eq(piece->name, name))
            continue;
        if (count && found[count - 1]->section >= piece->section)
            p->flaws |= PARAMS_CONTINUATION;
        piece->is_taken = true;
        if (!piece->is_other_reading)
            found[count++] = piece;
    }
    if (count == 0)
        return;
    qsort(found, count, sizeof found[0], by_section);
    size_t kept_count = keep_sections(found, count, false, false, kept), before = out->count;
    bool has_gap = (size_t)kept[kept_count - 1]->section != kept_count - 1;

    if (found[0]->section != 0 || has_gap)
        p->flaws |= PARAMS_CONTINUATION;
    join(p, kept, kept_count, out);
    if (out->count > before && (kept_count < count || has_gap))
        join_otherwise(p, found, count, before, out);
}

/* Those of `name` that stand for themselves. */
static void join_singles(struct param_pieces *p, struct span name, bool is_extended, struct params *out)
{
    for (size_t i = 0; i < p->count; i++) {
        struct param_piece *piece = &p->items[i];

        if (piece->is_taken || piece->section != PARAM_NO_SECTION || piece->is_extended != is_extended ||
            !span_eq(piece->name, name))
            continue;
        size_t before = out->count;

        piece->is_taken = true;
        join(p, &piece, 1, out);
        if (out->count > before)
            out->items[before].is_other_reading = piece->is_other_reading;
    }
}

/* Items [from, count) are those of one name. */
static void compare(struct param_pieces *p, const struct params *out, size_t from)
{
    const struct param *first = &out->items[from];

    for (size_t i = from + 1; i < out->count; i++) {
        const struct param *item = &out->items[i];

        if (item->is_other_reading || span_eq(first->value, item->value))
            continue;
        p->flaws |= first->is_extended != item->is_extended ? PARAMS_CONFLICT : PARAMS_DUPLICATE;
    }
}

/* Those that matter, or all that are left. */
static void join_all(struct param_pieces *p, bool is_for_all, struct params *out)
{
    for (size_t i = 0; i < p->count && out->count < PARAMS_MAX; i++) {
        struct span name = p->items[i].name;
        size_t from = out->count;

        if (p->items[i].is_taken || (!is_for_all && !matters(name)))
            continue;
        join_singles(p, name, true, out);
        join_sections(p, name, out);
        join_singles(p, name, false, out);
        compare(p, out, from);
    }
}

void params_join(struct param_pieces *p, struct params *out)
{
    if (p->count > PARAMS_MAX)
        join_all(p, false, out);
    join_all(p, true, out);
    out->flaws |= p->flaws;
}
