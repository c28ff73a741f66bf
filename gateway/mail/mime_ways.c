/* mail/mime_ways.c - in which other ways readers may take a part: where what it says is said twice, contradicts itself
 * or is broken, and readers are known to differ.
 *
 * Each way costs at most one look over the header or, where the body must be looked at, one over the body.
 */
#include "gateway/mail/bytes_scan.h"
#include "gateway/mail/codec.h"
#include "gateway/mail/mime_parts.h"

enum { LOOK_BYTES = 1024, BLANK_LINES_MOST = 8, BAD_LINES_MOST = 4 };

struct ways {
    struct mime_state *state;
    struct mime_node *node;
    struct mime_way *items;
    size_t count, most;
};

/* Another way, which begins as the part's own; NULL: there are enough, or it does not come after that one. */
static struct mime_way *way_add(struct ways *w, enum mime_way_kind kind, const char *name)
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

static struct arena *arena_of(const struct ways *w)
{
    return &w->state->message->arena;
}

/* ---- the header's end, and its lines ---- */

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

static void header_way(struct ways *w, const char *name, const struct header_index *h, size_t body_at)
{
    struct mime_way *way = way_add(w, MIME_BY_HEADER, name);

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

    header_way(w, "bare CR ends lines", h, h->body_at);
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
    header_way(w, "only CRLF ends lines", index_new(w, span_make(copy, end + 4)), end + 4);
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
        header_way(w, "a blank line ends the header", cut, at + span_find(span_skip(whole, at), '\n') + 1);
        return;
    }
}

/* The header goes on behind a line that is no field, if something is said of the body there. */
static void bad_line_way(struct ways *w, struct span whole)
{
    const struct header_index *own = &w->node->part.header;
    struct header_index *all = arena_alloc(arena_of(w), sizeof *all);
    size_t at = w->node->body_at;

    if (!(own->anomalies & HEADER_BAD_LINE))
        return;
    *all = *own;
    for (int i = 0; i < BAD_LINES_MOST && all->anomalies & HEADER_BAD_LINE; i++) {
        size_t lf = span_find(span_skip(whole, at), '\n');

        if (lf == SPAN_NPOS)
            break;
        at += lf + 1;
        const struct header_index *more = index_new(w, span_skip(whole, at));

        all->fields = arena_grow(arena_of(w), all->fields, all->count, all->count + more->count, sizeof *all->fields);
        for (size_t k = 0; k < more->count; k++)
            all->fields[all->count++] = more->fields[k];
        all->anomalies = more->anomalies;
        at += more->body_at;
    }
    if (says_of_body(all, own->count))
        header_way(w, "the header goes on behind a bad line", all, at);
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
    header_way(w, "the header is behind an empty line", h, at + h->body_at);
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
    header_way(w, "the header ends behind its MIME fields", cut, (size_t)(h->fields[last].whole.ptr - whole.ptr));
}

static void header_ways(struct ways *w)
{
    struct span whole = w->node->part.whole;
    const struct mime_way *own = w->node->way;

    if (own && own->kind >= MIME_BY_HEADER)
        return;
    if (mime_has(&w->node->part, MIME_BARE_CR) || (w->state->has_bare_cr && !w->node->part.parent))
        bare_cr_way(w, whole);
    if (mime_has(&w->node->part, MIME_BARE_LF))
        crlf_way(w, whole);
    blank_line_way(w, whole);
    bad_line_way(w, whole);
    header_in_body_way(w, whole);
    no_end_way(w, whole);
}

/* ---- fields that come more than once ---- */

static void type_ways(struct ways *w)
{
    const struct mime_said *types = &w->node->types;

    for (unsigned i = types->count; i-- > 1;) {
        struct mime_way *way =
            way_add(w, MIME_BY_TYPE, i + 1 == types->count ? "last Content-Type" : "another Content-Type");

        if (way)
            way->type = types->fields[i];
    }
    /* "multipart", "multipart/": some readers take it for multipart/mixed */
    if (mime_has(&w->node->part, MIME_BAD_TYPE) && span_istarts(w->node->type_params.value, SPAN("multipart"))) {
        struct mime_way *way = way_add(w, MIME_BY_TYPE, "multipart/mixed");

        if (way)
            way->forced_type = "multipart/mixed";
    }
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

static struct span up_to(struct span s, const char *ends)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(ends, s.ptr[i]) && s.ptr[i])
            return span_first(s, i);
    return s;
}

static void written_ways(struct ways *w)
{
    const struct mime_way *own = w->node->way;
    const struct header_field *field = own && own->type ? own->type : w->node->types.fields[0];
    struct span written = boundary_as_written(field->body);

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
    struct span line = up_to(span_skip(body, at + 2), "\r\n");

    if (line.len <= 200)
        boundary_way(w, line, "boundary of the first line that looks like one");
}

static void boundary_ways(struct ways *w)
{
    struct mime_node *node = w->node;
    const struct param *param;

    if (!node->part.is_multipart)
        return;
    for (size_t n = 0; (param = params_find(&node->type_params, "boundary", n)); n++) {
        boundary_way(w, param->raw, "another boundary parameter");
        boundary_way(w, param->value, "another boundary parameter");
    }
    if (node->types.count && (node->type_params.flaws || mime_has(&node->part, MIME_BOUNDARY_ODD)))
        written_ways(w);
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

/* ---- bodies ---- */

static struct mime_way *body_way(struct ways *w, const char *name, const char *type, enum mime_encoding encoding)
{
    struct mime_way *way = way_add(w, MIME_BY_BODY, name);

    if (!way)
        return NULL;
    way->forced_type = type;
    way->has_encoding = true;
    way->forced_encoding = encoding;
    return way;
}

/* A multipart whose parts are not found, or that a reader without MIME shows as it is. */
static void plain_ways(struct ways *w)
{
    const struct mime_part *part = &w->node->part;

    if (w->node->way)
        return;
    if (part->is_multipart && !part->children && part->encoded.len)
        body_way(w, "as plain text", "text/plain", MIME_BINARY);
    else if (mime_has(part, MIME_NO_VERSION) && (part->is_multipart || mime_is_packed(part->encoding)))
        body_way(w, "without MIME", "text/plain", MIME_BINARY);
}

/* Multiparts cannot be packed [RFC2045 6.4]; some readers unpack them all the same. */
static void packed_multipart_way(struct ways *w)
{
    struct mime_node *node = w->node;

    if (!node->part.is_multipart || !mime_is_packed(node->part.encoding))
        return;
    struct span bytes = mime_decode(w->state, node);
    struct mime_way *way = bytes.len ? body_way(w, "unpacked", NULL, MIME_BINARY) : NULL;

    if (!way)
        return;
    way->bytes = bytes;
    way->has_body_at = true;
    way->body_at = 0;
}

/* What is no base64 by its looks is shown as it is by readers that notice. */
static bool looks_plain(struct span encoded)
{
    struct span look = span_first(encoded, LOOK_BYTES);
    size_t odd = 0;

    for (size_t i = 0; i < look.len; i++) {
        char c = look.ptr[i];

        odd += !ascii_is_alnum(c) && c != '+' && c != '/' && c != '=' && c != '\r' && c != '\n';
    }
    return odd * 16 > look.len;
}

/* Whether base64 goes on behind its padding. */
static bool goes_on_behind_padding(struct span encoded)
{
    size_t at = span_find(encoded, '=');

    while (at < encoded.len && !ascii_is_alnum(encoded.ptr[at]))
        at++;
    return at < encoded.len;
}

static bool looks_like_header(struct span bytes)
{
    struct span name = up_to(span_first(bytes, 80), ":\r\n \t");

    return name.len && name.len < bytes.len && bytes.ptr[name.len] == ':';
}

static void body_ways(struct ways *w)
{
    struct mime_node *node = w->node;
    struct mime_part *part = &node->part;

    plain_ways(w);
    packed_multipart_way(w);
    if (part->is_multipart)
        return;
    if (part->encoding == MIME_BASE64) {
        if (part->is_message ? looks_like_header(part->encoded) : looks_plain(part->encoded))
            body_way(w, "not encoded", NULL, MIME_BINARY);
        w->state->tree.looked_at += part->encoded.len;
        if (goes_on_behind_padding(part->encoded)) {
            struct mime_way *way = body_way(w, "base64 to its padding", NULL, MIME_BASE64);

            if (way)
                way->is_to_padding = true;
        }
    }
    if (mime_has(part, MIME_PARTIAL) && looks_like_header(part->encoded))
        body_way(w, "the message of which it is a part", "message/rfc822", part->encoding);
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
    return w.count;
}
