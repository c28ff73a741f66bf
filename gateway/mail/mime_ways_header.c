/* mail/mime_ways_header.c - in which other ways readers may take a header: where it ends, and where its lines do. */
#include "gateway/mail/mime_ways.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/bytes_scan.h"

enum { BLANK_LINES_MOST = 8, MENDED_BYTES_MAX = 64 * 1024, MENDED_FIELDS_MAX = 100 };

static bool says_of_body(const struct header_index *h, size_t from)
{
    for (size_t i = from; i < h->count; i++)
        if (span_iis(h->fields[i].name, "content-type") || span_iis(h->fields[i].name, "content-transfer-encoding"))
            return true;
    return false;
}

static struct header_index *index_new(struct ways *w, struct span bytes)
{
    struct header_index *h = arena_alloc(arena_of(w), sizeof *h);
    size_t most = w->state->fields_left < MIME_PART_FIELDS_MAX ? w->state->fields_left : MIME_PART_FIELDS_MAX;

    header_parse(arena_of(w), bytes, MIME_HEADER_BYTES_MAX, most, h);
    w->state->fields_left -= h->count;
    return h;
}

static void header_way(struct ways *w, enum mime_way_kind kind, const char *name, const struct header_index *h,
                       size_t body_at)
{
    struct mime_way *way = way_add(w, kind, name);

    if (!way)
        return;
    way->header = h;
    way->has_body_at = true;
    way->body_at = body_at;
}

/* A copy of which each bare CR is an LF, too. Readers that split lines as text files have them see it so. */
static void bare_cr_way(struct ways *w, struct span whole)
{
    bool is_in_header = bytes_facts(span_first(whole, w->node->body_at)) & BYTES_BARE_CR;
    bool is_root = !w->node->part.parent && w->node->part.is_multipart;

    w->state->tree.looked_at += is_root ? whole.len : 0;
    if (!is_in_header && !(is_root && span_search(whole, SPAN("\r--")) != SPAN_NPOS))
        return;
    if (whole.len > w->state->again_left)
        return;
    char *copy = arena_dup(arena_of(w), whole);

    w->state->again_left -= whole.len;
    for (size_t i = 0; i < whole.len; i++)
        if (copy[i] == '\r' && (i + 1 == whole.len || copy[i + 1] != '\n'))
            copy[i] = '\n';
    const struct header_index *h = index_new(w, span_make(copy, whole.len));
    size_t before = w->count;

    header_way(w, MIME_BY_LINE_END, "bare CR ends lines", h, h->body_at);
    if (w->count > before)
        w->items[before].bytes = span_make(copy, whole.len);
}

/* Where only CRLF ends a line, others go on in what they are continued by. */
static void crlf_way(struct ways *w, struct span whole)
{
    struct span header = span_first(whole, MIME_HEADER_BYTES_MAX);
    size_t end = span_search(header, SPAN("\r\n\r\n"));

    if (end == SPAN_NPOS || !(bytes_facts(span_first(header, end)) & BYTES_BARE_LF))
        return;
    char *copy = arena_dup(arena_of(w), span_first(header, end + 4));

    for (size_t i = 0; i < end; i++)
        if (copy[i] == '\n' && (i == 0 || copy[i - 1] != '\r'))
            copy[i] = ' ';
    header_way(w, MIME_BY_HEADER, "only CRLF ends lines", index_new(w, span_make(copy, end + 4)), end + 4);
}

/* Where in `field`, from its second line on, a line of blanks begins; SPAN_NPOS. At the end of the last field it is not
 * different from the empty line behind it. */
static size_t blank_line_in(struct span field, bool is_last)
{
    size_t at = span_find(field, '\n');
    size_t end = field.len;

    while (is_last && end && strchr(" \t\r\n", field.ptr[end - 1]))
        end--;
    while (at != SPAN_NPOS && ++at < end) {
        struct span rest = span_skip(field, at);
        size_t lf = span_find(rest, '\n');

        if (!span_trim(span_first(rest, lf)).len)
            return at;
        at = lf == SPAN_NPOS ? SPAN_NPOS : at + lf;
    }
    return SPAN_NPOS;
}

/* A line of blanks only continues a field; many readers take it for the empty line that ends the header. */
static void blank_line_way(struct ways *w, struct span whole)
{
    const struct header_index *h = &w->node->part.header;

    for (size_t i = 0; i < h->count; i++) {
        struct header_field field = h->fields[i];
        size_t cut_at = blank_line_in(field.whole, i + 1 == h->count);

        if (cut_at == SPAN_NPOS)
            continue;
        struct header_index *cut = arena_alloc(arena_of(w), sizeof *cut);
        const char *line = field.whole.ptr + cut_at;
        size_t at = (size_t)(line - whole.ptr);

        *cut = *h;
        cut->count = i + 1;
        cut->fields = arena_grow(arena_of(w), h->fields, i + 1, i + 1, sizeof *h->fields);
        cut->fields[i].whole.len = cut_at;
        cut->fields[i].body.len = (size_t)(line - field.body.ptr);
        header_way(w, MIME_BY_HEADER, "a blank line ends the header", cut,
                   at + span_find(span_skip(whole, at), '\n') + 1);
        return;
    }
}

/* ---- a header that is broken ---- */

enum line_kind { LINE_NONE, LINE_OF_MIME, LINE_OF_OTHER };

/* The fields that tell of the body, gathered from a header whose other lines may be anything. */
struct gathered {
    char *text;
    size_t len;
    enum line_kind last; /* what a continuation continues */
    bool is_unfolded;    /* there was a line that continues none */
};

/* [RFC5322 3.6.8], blanks before the colon allowed. */
static enum line_kind kind_of(struct span line)
{
    struct span name = up_to(line, ": \t");
    struct span rest = span_trim(span_skip(line, name.len));

    if (!name.len || !rest.len || rest.ptr[0] != ':')
        return LINE_NONE;
    return span_istarts(name, SPAN("content-")) || span_iis(name, "mime-version") ? LINE_OF_MIME : LINE_OF_OTHER;
}

/* Puts a line without the control characters that readers leave out; what begins with a blank and continues nothing is
 * taken for the field that it looks like. A line that is no field goes on with parameters where they are due. */
static void gather_line(struct gathered *g, struct span line)
{
    size_t room = MENDED_BYTES_MAX - g->len, n = 0, blanks = 0;
    char *out = g->text + g->len;

    if (room < line.len + 3)
        return;
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.ptr[i] > ' ' || ascii_is_wsp(line.ptr[i]))
            out[n++] = line.ptr[i];
    while (blanks < n && ascii_is_wsp(out[blanks]))
        blanks++;
    struct span text = span_make(out, n);

    g->is_unfolded |= blanks == 0;
    if (!g->is_unfolded)
        g->last = LINE_NONE;
    bool is_due = g->last == LINE_OF_MIME && g->len > 3 && g->text[g->len - 3] == ';';
    bool goes_on = blanks ? g->last == LINE_OF_MIME : is_due && kind_of(text) == LINE_NONE;

    if (blanks && g->last == LINE_NONE) {
        text = span_skip(text, blanks);
        memmove(out, text.ptr, text.len);
        n = text.len;
        text = span_make(out, n);
    }
    if (goes_on && !blanks) {
        memmove(out + 1, out, n++);
        out[0] = ' ';
    }
    if (!goes_on && !(blanks && g->last != LINE_NONE))
        g->last = kind_of(text);
    if (g->last != LINE_OF_MIME)
        return;
    memcpy(out + n, "\r\n", 2);
    g->len += n + 2;
}

/* Gathers up to the empty line; returns where the body begins. */
static size_t gather_header(struct gathered *g, struct span bytes)
{
    size_t at = 0;

    while (at < bytes.len) {
        struct span rest = span_skip(bytes, at);
        size_t lf = span_find(rest, '\n');
        struct span line = span_first(rest, lf);

        at += lf == SPAN_NPOS ? rest.len : lf + 1;
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!line.len)
            break;
        gather_line(g, line);
    }
    return at;
}

static const struct header_field *next_mime_field(const struct header_index *h, size_t *at)
{
    while (*at < h->count) {
        const struct header_field *field = &h->fields[(*at)++];

        if (span_istarts(field->name, SPAN("content-")))
            return field;
    }
    return NULL;
}

static bool says_the_same(const struct header_index *a, const struct header_index *b)
{
    const struct header_field *x, *y;
    size_t i = 0, k = 0;

    do {
        x = next_mime_field(a, &i);
        y = next_mime_field(b, &k);
        if (x && y && (!span_ieq(x->name, y->name) || !span_eq(x->body, y->body)))
            return false;
    } while (x && y);
    return !x && !y;
}

/* What a reader finds that goes on to the empty line, whatever stands before it, and that leaves NULs out. */
static void mended_way(struct ways *w, struct span whole)
{
    const struct header_index *own = &w->node->part.header;
    bool is_limit = own->anomalies & (HEADER_TOO_LONG | HEADER_TOO_MANY);
    struct span bytes = span_first(whole, w->state->again_left);
    struct gathered g = { 0 };

    if (!(own->anomalies & (HEADER_BAD_LINE | HEADER_NUL | HEADER_TOO_LONG | HEADER_TOO_MANY)))
        return;
    g.text = mem_alloc(MENDED_BYTES_MAX + 2);
    size_t body_at = gather_header(&g, bytes);

    w->state->again_left -= body_at;
    w->state->tree.looked_at += body_at;
    if (body_at == bytes.len && bytes.len < whole.len)
        mime_note(w->node, MIME_READINGS_REACHED);
    memcpy(g.text + g.len, "\r\n", 2);
    struct header_index *h = arena_alloc(arena_of(w), sizeof *h);

    header_parse(arena_of(w), arena_copy(arena_of(w), span_make(g.text, g.len + 2)), MENDED_BYTES_MAX + 2,
                 MENDED_FIELDS_MAX, h);
    free(g.text);
    if (says_of_body(h, 0) && !says_the_same(own, h))
        header_way(w, MIME_BY_HEADER,
                   is_limit                           ? "the header goes on behind its limit"
                   : own->anomalies & HEADER_BAD_LINE ? "the header goes on behind a bad line"
                                                      : "a header without NULs",
                   h, body_at);
}

/* The value of a field as one or more encoded words, which do not belong there [RFC2047 5]. */
static void encoded_words_way(struct ways *w)
{
    const struct header_index *own = &w->node->part.header;
    struct header_index *h = NULL;

    for (size_t i = 0; i < own->count; i++) {
        const struct header_field *field = &own->fields[i];
        unsigned ignored = 0;

        if (!span_istarts(field->name, SPAN("content-")) ||
            span_search(up_to(field->body, ";"), SPAN("=?")) == SPAN_NPOS)
            continue;
        if (!h) {
            h = arena_alloc(arena_of(w), sizeof *h);
            *h = *own;
            h->fields = arena_grow(arena_of(w), own->fields, own->count, own->count, sizeof *own->fields);
        }
        h->fields[i].body = words_decode(arena_of(w), field->body, MENDED_BYTES_MAX, &ignored);
    }
    if (h && says_of_body(h, 0) && !says_the_same(own, h))
        header_way(w, MIME_BY_WORDS, "encoded words in MIME fields", h, w->node->body_at);
}

/* MIME fields at the top of a body: an empty line too many before them. */
static void header_in_body_way(struct ways *w, struct span whole)
{
    const struct mime_part *part = &w->node->part;
    size_t at = w->node->body_at;

    if (part->is_multipart || part->is_message)
        return;
    for (int i = 0; i < BLANK_LINES_MOST && at < whole.len && (whole.ptr[at] == '\r' || whole.ptr[at] == '\n'); i++)
        at += whole.ptr[at] == '\r' && at + 1 < whole.len && whole.ptr[at + 1] == '\n' ? 2 : 1;
    if (!span_istarts(span_skip(whole, at), SPAN("content-")) &&
        !span_istarts(span_skip(whole, at), SPAN("mime-version:")))
        return;
    const struct header_index *h = index_new(w, span_skip(whole, at));

    if (!says_of_body(h, 0))
        return;
    mime_note(w->node, MIME_HEADER_IN_BODY);
    header_way(w, MIME_BY_HEADER, "the header is behind an empty line", h, at + h->body_at);
}

/* A part that is all header: what stands behind the last field that tells of its body may be that. */
static void no_end_way(struct ways *w, struct span whole)
{
    const struct header_index *h = &w->node->part.header;
    size_t last = h->count;

    if (!mime_has(&w->node->part, MIME_NO_HEADER_END))
        return;
    while (last > 0 && !span_istarts(h->fields[last - 1].name, SPAN("content-")) &&
           !span_iis(h->fields[last - 1].name, "mime-version"))
        last--;
    if (last == 0 || last == h->count)
        return;
    struct header_index *cut = arena_alloc(arena_of(w), sizeof *cut);

    *cut = *h;
    cut->count = last;
    header_way(w, MIME_BY_HEADER, "the header ends behind its MIME fields", cut,
               (size_t)(h->fields[last].whole.ptr - whole.ptr));
}

void header_ways(struct ways *w)
{
    struct span whole = w->node->part.whole;
    enum mime_way_kind own = w->node->way ? w->node->way->kind : MIME_AS_SAID;

    if (own < MIME_BY_LINE_END &&
        (mime_has(&w->node->part, MIME_BARE_CR) || (w->state->has_bare_cr && !w->node->part.parent)))
        bare_cr_way(w, whole);
    if (own < MIME_BY_HEADER) {
        if (mime_has(&w->node->part, MIME_BARE_LF))
            crlf_way(w, whole);
        blank_line_way(w, whole);
        mended_way(w, whole);
        header_in_body_way(w, whole);
        no_end_way(w, whole);
    }
    if (own < MIME_BY_WORDS)
        encoded_words_way(w);
}
