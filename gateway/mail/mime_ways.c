/* mail/mime_ways.c - in which other ways readers may take a part: where what it says is said twice, contradicts itself
 * or is broken, and readers are known to differ.
 *
 * Each way costs at most one look over the header or, where the body must be looked at, one over the body.
 */
#include "gateway/mail/mime_ways.h"

#include "gateway/mail/bytes_scan.h"

struct mime_way *way_add(struct ways *w, enum mime_way_kind kind, const char *name)
{
    const struct mime_way *own = w->node->way;

    if (own && own->kind >= kind)
        return NULL;
    if (w->count == w->most) {
        mime_note(w->node, MIME_READINGS_REACHED);
        return NULL;
    }
    struct mime_way *way = &w->items[w->count++];

    *way = own ? *own : (struct mime_way){ 0 };
    way->kind = kind;
    way->name = name;
    way->bytes = span_make(NULL, 0);
    way->has_body_at = false;
    way->header = NULL;
    return way;
}

/* ---- fields that come more than once ---- */

/* "multipart", "multipart/": some readers take it for multipart/mixed. "text/html,x": up to what is odd. "html". */
static void bad_type_ways(struct ways *w)
{
    struct span value = w->node->type_params.value, head = up_to(value, "()<>@,;:\\\"[]?= \t");
    const char *type = NULL;

    if (span_istarts(value, SPAN("multipart")))
        type = "multipart/mixed";
    else if (mime_is_type(head))
        type = mime_text_of(arena_of(w), head, true);
    else if (span_isearch(value, SPAN("html")) != SPAN_NPOS)
        type = "text/html";
    struct mime_way *way = type ? way_add(w, MIME_BY_TYPE, "the type that it begins like") : NULL;

    if (way)
        way->forced_type = type;
}

/* What has a boundary, and lines with it, whatever its type is. */
static void multipart_way(struct ways *w)
{
    const struct mime_part *part = &w->node->part;
    const struct param *boundary = params_find(&w->node->type_params, "boundary", 0);

    if (part->is_multipart || part->is_message || !boundary || !boundary->raw.len || boundary->raw.len > 200)
        return;
    w->state->tree.looked_at += part->encoded.len;
    if (span_search(part->encoded, span_of(arena_printf(arena_of(w), "--%.*s", SPAN_ARG(boundary->raw)))) == SPAN_NPOS)
        return;
    struct mime_way *way = way_add(w, MIME_BY_TYPE, "multipart/mixed, as it has a boundary");

    if (way)
        way->forced_type = "multipart/mixed";
}

static void type_ways(struct ways *w)
{
    const struct mime_said *types = &w->node->types;

    for (unsigned i = types->count; i-- > 1;) {
        struct mime_way *way =
            way_add(w, MIME_BY_TYPE, i + 1 == types->count ? "last Content-Type" : "another Content-Type");

        if (way)
            way->type = types->fields[i];
    }
    if (mime_has(&w->node->part, MIME_BAD_TYPE))
        bad_type_ways(w);
    else
        multipart_way(w);
}

/* What an encoding that is none means to those who look for a name in it; MIME_UNKNOWN. */
static enum mime_encoding encoding_within(struct span value)
{
    if (span_isearch(value, SPAN("base64")) != SPAN_NPOS)
        return MIME_BASE64;
    if (span_isearch(value, SPAN("quoted")) != SPAN_NPOS)
        return MIME_QUOTED_PRINTABLE;
    return span_isearch(value, SPAN("uu")) != SPAN_NPOS ? MIME_UUENCODE : MIME_UNKNOWN;
}

static bool undoes_already(const struct ways *w, enum mime_encoding encoding)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].kind == MIME_BY_ENCODING && w->items[i].forced_encoding == encoding)
            return true;
    return w->node->part.encoding == encoding;
}

/* Those that change nothing are all one. */
static void encoding_way(struct ways *w, enum mime_encoding encoding, const char *name)
{
    if (!mime_is_packed(encoding))
        encoding = MIME_BINARY;
    if (undoes_already(w, encoding) || (encoding == MIME_BINARY && !mime_is_packed(w->node->part.encoding)))
        return;
    struct mime_way *way = way_add(w, MIME_BY_ENCODING, name);

    if (!way)
        return;
    way->has_encoding = true;
    way->forced_encoding = encoding;
}

static void encoding_ways(struct ways *w)
{
    const struct mime_said *said = &w->node->encodings;

    if (w->node->part.is_multipart)
        return;
    for (unsigned i = said->count; i-- > 1;)
        encoding_way(w, mime_encoding_of(span_trim(said->fields[i]->body)),
                     i + 1 == said->count ? "last Content-Transfer-Encoding" : "another Content-Transfer-Encoding");
    for (unsigned i = 0; i < said->count; i++) {
        enum mime_encoding within = encoding_within(said->fields[i]->body);

        if (within != MIME_UNKNOWN && mime_encoding_of(span_trim(said->fields[i]->body)) == MIME_UNKNOWN)
            encoding_way(w, within, "a name within Content-Transfer-Encoding");
    }
}

/* ---- boundaries ---- */

static void boundary_way(struct ways *w, struct span boundary, const char *name)
{
    boundary = span_trim(boundary);
    if (!boundary.len || span_is(boundary, w->node->part.boundary))
        return;
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].kind == MIME_BY_BOUNDARY && span_eq(w->items[i].boundary, boundary))
            return;
    struct mime_way *way = way_add(w, MIME_BY_BOUNDARY, name);

    if (way)
        way->boundary = boundary;
}

enum { FOLDED_BYTES_MAX = 1000 };

/* Behind the first `boundary` `=` of the field, as a reader without quotes, comments and encodings finds it. */
static struct span boundary_as_written(struct span field)
{
    size_t at = span_isearch(field, SPAN("boundary"));

    if (at == SPAN_NPOS)
        return span_make(NULL, 0);
    struct span rest = span_skip(field, at + 8);
    size_t equals = span_find(rest, '=');

    return equals == SPAN_NPOS ? span_make(NULL, 0) : span_trim(span_skip(rest, equals + 1));
}

/* The Content-Type that counts for the part. */
static struct span type_field(const struct ways *w)
{
    const struct mime_way *own = w->node->way;

    if (own && own->type)
        return own->type->body;
    return w->node->types.count ? w->node->types.fields[0]->body : SPAN("");
}

/* A boundary on two lines: without the blanks at the fold, as some put them together. */
static void folded_way(struct ways *w)
{
    struct span written = boundary_as_written(type_field(w)), text = SPAN("");
    size_t n = 0;

    if (written.len && written.ptr[0] == '"')
        text = span_first(up_to(span_skip(written, 1), "\""), FOLDED_BYTES_MAX);
    if (span_find(text, '\n') == SPAN_NPOS)
        return;
    char *out = arena_alloc(arena_of(w), text.len);

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
            out[n++] = text.ptr[i];
        while (text.ptr[i] == '\n' && i + 1 < text.len && ascii_is_wsp(text.ptr[i + 1]))
            i++;
    }
    boundary_way(w, span_make(out, n), "boundary without its fold");
}

static void written_ways(struct ways *w)
{
    struct span written = boundary_as_written(type_field(w));

    if (!written.len)
        return;
    struct span whole = span_trim(up_to(written, ";\r\n"));

    if (whole.len && whole.ptr[0] == '"')
        boundary_way(w, up_to(span_skip(whole, 1), "\""), "boundary to the next quote");
    boundary_way(w, whole, "boundary as it is written");
    boundary_way(w, up_to(whole, " \t("), "boundary to the first blank");
    if (whole.len > 1 && whole.ptr[0] == '"' && whole.ptr[whole.len - 1] == '"')
        boundary_way(w, span_first(span_skip(whole, 1), whole.len - 2), "boundary between the outer quotes");
}

/* Without the boundary that was said some readers take the first line that looks like one. */
static void guessed_way(struct ways *w)
{
    struct span body = w->node->part.encoded;
    size_t at = line_start_find(body, 0, '-', '-');

    if (at == SPAN_NPOS)
        return;
    struct span line = up_to(span_skip(body, at + 2), "\r\n"), last = SPAN("");

    if (line.len <= 200)
        boundary_way(w, line, "boundary of the first line that looks like one");
    for (; at != SPAN_NPOS; at = line_start_find(body, at + 1, '-', '-')) { /* before it there may be others */
        line = span_trim(up_to(span_first(span_skip(body, at + 2), 200), "\r\n"));
        if (line.len > 2 && span_iends(line, SPAN("--")))
            last = span_first(line, line.len - 2);
    }
    w->state->tree.looked_at += body.len;
    boundary_way(w, last, "boundary of the last line that looks like one");
}

/* "": each line of two dashes begins a part. */
static void empty_boundary_way(struct ways *w)
{
    struct mime_way *way = way_add(w, MIME_BY_BOUNDARY, "the empty boundary");

    if (way)
        way->has_empty_boundary = true;
}

static void boundary_ways(struct ways *w)
{
    struct mime_node *node = w->node;
    const struct param *param;
    size_t count = 0;

    if (!node->part.is_multipart)
        return;
    while (params_find(&node->type_params, "boundary", count))
        count++;
    for (size_t n = count; n-- > 0;) { /* the last first: it is the one that most of the others take */
        param = params_find(&node->type_params, "boundary", n);
        boundary_way(w, param->raw, "another boundary parameter");
        boundary_way(w, param->value, "another boundary parameter");
    }
    folded_way(w);
    if (node->types.count && (node->type_params.flaws || mime_has(&node->part, MIME_BOUNDARY_ODD)))
        written_ways(w);
    if (count && mime_has(&node->part, MIME_NO_BOUNDARY))
        empty_boundary_way(w);
    if (!node->part.children)
        guessed_way(w);
}

static void lines_way(struct ways *w, enum mime_lines lines, const char *name)
{
    struct mime_way *way = way_add(w, MIME_BY_LINES, name);

    if (way)
        way->lines = lines;
}

static void lines_ways(struct ways *w)
{
    if (w->node->has_prefix_line || w->node->has_nested_boundary)
        lines_way(w, MIME_LINES_PREFIX, "boundary lines may go on");
    if (w->node->has_nested_boundary)
        lines_way(w, MIME_LINES_OUTER_FIRST, "outer boundaries come first");
    if (w->node->goes_on)
        lines_way(w, MIME_LINES_PAST_CLOSE, "parts behind the last boundary");
}

size_t mime_ways(struct mime_state *state, struct mime_node *node, struct mime_way *ways, size_t most)
{
    struct ways w = { .state = state, .node = node, .items = ways, .most = most };

    state->tree.looked_at += 4 * node->body_at; /* for each of the ways by the header */
    header_ways(&w);
    type_ways(&w);
    encoding_ways(&w);
    boundary_ways(&w);
    lines_ways(&w);
    body_ways(&w);
    charset_ways(&w);
    return w.count;
}
