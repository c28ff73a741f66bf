/* mail/mime_tree.c - the parts of a message in one pass over its bytes [RFC2046 5.1].
 *
 * A boundary line is looked for among all multiparts that are open, so that one which is never closed ends where an
 * outer one goes on [RFC2046 5.1.2]. Each byte is passed once in search of lines with --, once in search of a header's
 * end, and once for what its leaf holds, however deep it lies; parts that were packed by a transfer encoding are passed
 * unpacked.
 */
#include "gateway/mail/mime_parts.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/bytes_scan.h"

enum { NO_LEVEL = -1 };

/* A boundary line, or the end of all bytes. */
struct delimiter {
    size_t at;  /* where the line begins */
    size_t end; /* behind it */
    int level;  /* whose; NO_LEVEL: the end of the bytes */
    bool is_close;
};

static struct delimiter read_part(struct mime_pass *pass, struct mime_node *parent, size_t at);

struct mime_node *mime_node_new(struct mime_state *state, struct mime_node *parent)
{
    struct mime_node *node = arena_alloc(&state->message->arena, sizeof *node);
    struct mime_part *part = &node->part;

    part->reading = part->charset = part->filename = part->other_filename = part->content_id = part->boundary = "";
    part->type = "text/plain";
    state->part_count++;
    if (!parent) {
        state->root = node;
        return node;
    }
    part->parent = &parent->part;
    part->depth = parent->part.depth + 1;
    parent->part.children++;
    if (parent->last_child)
        parent->last_child->next = node;
    else
        parent->first_child = node;
    parent->last_child = node;
    return node;
}

/* ---- boundary lines ---- */

static struct span line_from(struct span bytes, size_t at)
{
    struct span rest = span_skip(bytes, at);
    size_t lf = span_find(rest, '\n');

    return lf == SPAN_NPOS ? rest : span_first(rest, lf + 1);
}

static struct span without_trailing_blanks(struct span s)
{
    while (s.len && (ascii_is_wsp(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n'))
        s.len--;
    return s;
}

static size_t next_candidate(struct mime_pass *pass, size_t from)
{
    if (!pass->has_candidate || from < pass->candidate_from || from > pass->candidate) {
        pass->candidate = line_start_find(pass->bytes, from, '-', '-');
        pass->has_candidate = true;
    }
    pass->candidate_from = from;
    return pass->candidate;
}

/* Whose boundary line it is, the innermost first. `text` is what stands behind its --. */
static int level_of(const struct mime_pass *pass, struct span text, bool *is_close)
{
    uint64_t left = text.len ? pass->by_first[(unsigned char)text.ptr[0]] : 0;

    while (left) {
        int level = 63 - __builtin_clzll(left);
        struct span boundary = pass->boundaries[level];

        left &= ~((uint64_t)1 << level);
        if (!span_starts(text, boundary))
            continue;
        struct span rest = without_trailing_blanks(span_skip(text, boundary.len));

        if (rest.len && !span_is(rest, "--"))
            continue;
        *is_close = rest.len != 0;
        return level;
    }
    return NO_LEVEL;
}

static struct delimiter end_of(const struct mime_pass *pass)
{
    return (struct delimiter){ .at = pass->bytes.len, .end = pass->bytes.len, .level = NO_LEVEL };
}

/* The next boundary line at or behind `from`, where a line begins. */
static struct delimiter next_delimiter(struct mime_pass *pass, size_t from)
{
    while (pass->level_count) {
        size_t at = next_candidate(pass, from);

        if (at == SPAN_NPOS)
            break;
        struct delimiter found = { .at = at };
        struct span line = line_from(pass->bytes, at);

        found.end = at + line.len;
        found.level = level_of(pass, span_skip(without_trailing_blanks(line), 2), &found.is_close);
        if (found.level != NO_LEVEL)
            return found;
        from = found.end;
    }
    return end_of(pass);
}

static struct span between(const struct mime_pass *pass, size_t from, size_t to)
{
    return span_make(pass->bytes.ptr + from, from < to ? to - from : 0);
}

/* The line end before a boundary line belongs to it [RFC2046 5.1.1]. */
static size_t end_before(const struct mime_pass *pass, const struct delimiter *end, size_t body_at)
{
    size_t at = end->at;

    if (end->level == NO_LEVEL)
        return at;
    if (at > body_at && pass->bytes.ptr[at - 1] == '\n')
        at--;
    if (at > body_at && pass->bytes.ptr[at - 1] == '\r')
        at--;
    return at;
}

/* ---- multiparts ---- */

/* What may stand in a boundary [RFC2046 5.1.1]. */
static bool is_good_boundary(struct span boundary)
{
    for (size_t i = 0; i < boundary.len; i++)
        if (!ascii_is_alnum(boundary.ptr[i]) && !memchr("'()+_,-./:=? ", boundary.ptr[i], 13))
            return false;
    return boundary.len <= 70 && boundary.ptr[boundary.len - 1] != ' ';
}

static void note_boundary(const struct mime_pass *pass, struct mime_node *node)
{
    struct span boundary = span_of(node->part.boundary);

    if (!is_good_boundary(boundary))
        mime_note(node, MIME_BOUNDARY_ODD);
    for (unsigned i = 0; i < pass->level_count; i++) {
        struct span outer = pass->boundaries[i];

        if (span_starts(boundary, outer) || span_starts(outer, boundary))
            mime_note(node, MIME_BOUNDARY_NESTED);
    }
}

static void push_level(struct mime_pass *pass, struct mime_node *node)
{
    struct span boundary = span_of(node->part.boundary);

    pass->by_first[(unsigned char)boundary.ptr[0]] |= (uint64_t)1 << pass->level_count;
    pass->boundaries[pass->level_count++] = boundary;
}

static void pop_level(struct mime_pass *pass)
{
    unsigned char first = (unsigned char)pass->boundaries[--pass->level_count].ptr[0];

    pass->by_first[first] &= ~((uint64_t)1 << pass->level_count);
}

static void note_facts(struct mime_node *node, unsigned facts)
{
    if (facts & BYTES_NUL)
        mime_note(node, MIME_NUL);
    if (facts & BYTES_BARE_CR)
        mime_note(node, MIME_BARE_CR);
    if (facts & BYTES_BARE_LF)
        mime_note(node, MIME_BARE_LF);
    if (facts & BYTES_LONG_LINE)
        mime_note(node, MIME_LONG_LINE);
}

static void note_body(struct mime_node *node, struct span bytes)
{
    unsigned facts = bytes_facts(bytes);

    note_facts(node, facts);
    if (facts & BYTES_8BIT && node->part.encoding != MIME_8BIT && node->part.encoding != MIME_BINARY)
        mime_note(node, MIME_8BIT_IN_7BIT);
}

/* With as many parts as there may be, all the others of a multipart are one without a header. */
static struct delimiter read_rest(struct mime_pass *pass, struct mime_node *node, const struct delimiter *here)
{
    struct mime_node *rest = mime_node_new(pass->state, node);

    pop_level(pass);
    struct delimiter end = next_delimiter(pass, here->end);

    rest->part.whole = between(pass, here->at, end_before(pass, &end, here->at));
    rest->part.encoded = rest->part.whole;
    rest->part.encoding = MIME_BINARY;
    rest->part.is_text = true;
    mime_note(rest, MIME_PARTS_REACHED);
    return end;
}

/* From behind the header of `node` to the delimiter that ends it. What stands before the first part and behind the last
 * one belongs to no part of it, but to `node`. */
static struct delimiter read_multipart(struct mime_pass *pass, struct mime_node *node, size_t from)
{
    int mine = (int)pass->level_count;

    note_boundary(pass, node);
    push_level(pass, node);
    struct delimiter here = next_delimiter(pass, from);

    note_body(node, between(pass, from, here.at));
    if (here.level != mine)
        mime_note(node, MIME_BOUNDARY_ABSENT);
    while (here.level == mine && !here.is_close) {
        if (pass->state->part_count >= MIME_STANDARD_PARTS_MAX)
            return read_rest(pass, node, &here);
        here = read_part(pass, node, here.end);
    }
    pop_level(pass);
    if (here.level != mine) {
        mime_note(node, MIME_BOUNDARY_UNCLOSED);
        return here;
    }
    from = here.end;
    here = next_delimiter(pass, from);
    note_body(node, between(pass, from, here.at));
    return here;
}

/* ---- headers ---- */

/* Where the header that begins at `at` must end: behind its empty line, behind the first line that is no field, before a
 * boundary line. */
static size_t header_limit(struct mime_pass *pass, size_t at)
{
    size_t most = pass->bytes.len - at > MIME_HEADER_BYTES_MAX ? at + MIME_HEADER_BYTES_MAX : pass->bytes.len;
    bool is_close;

    while (at < most) {
        struct span line = line_from(pass->bytes, at);
        struct span text = without_trailing_blanks(line);

        if (span_starts(text, SPAN("--")) && level_of(pass, span_skip(text, 2), &is_close) != NO_LEVEL)
            return at;
        at += line.len;
        if (!ascii_is_wsp(line.ptr[0]) && (!text.len || span_find(text, ':') == SPAN_NPOS))
            return at;
    }
    return at;
}

static void note_header(struct mime_node *node)
{
    const struct header_index *h = &node->part.header;

    if (h->anomalies & (HEADER_TOO_LONG | HEADER_TOO_MANY))
        mime_note(node, MIME_HEADER_REACHED);
    else if (h->anomalies & HEADER_NO_END && h->count)
        mime_note(node, MIME_NO_HEADER_END);
    if (h->anomalies & HEADER_BAD_LINE)
        mime_note(node, MIME_BAD_HEADER_LINE);
}

/* Returns where the body begins. */
static size_t read_header(struct mime_pass *pass, struct mime_node *node, size_t at)
{
    struct mime_state *state = pass->state;
    struct header_index *h = &node->part.header;

    if (!node->part.parent) {
        *h = state->message->header; /* is indexed already */
        note_header(node);
    } else {
        size_t limit = header_limit(pass, at);
        size_t fields = state->fields_left < MIME_PART_FIELDS_MAX ? state->fields_left : MIME_PART_FIELDS_MAX;

        header_parse(&state->message->arena, between(pass, at, limit), MIME_HEADER_BYTES_MAX, fields, h);
        state->fields_left -= h->count;
        note_header(node);
    }
    mime_header_facts(state, node);
    note_facts(node, bytes_facts(between(pass, at, at + h->body_at)));
    return at + h->body_at;
}

/* ---- parts ---- */

static bool is_packed(const struct mime_node *node)
{
    return node->part.encoding == MIME_BASE64 || node->part.encoding == MIME_QUOTED_PRINTABLE ||
           node->part.encoding == MIME_UUENCODE;
}

/* Whether what `node` holds is read: a multipart's parts, a message in a message. */
static bool goes_deeper(struct mime_state *state, struct mime_node *node)
{
    struct mime_part *part = &node->part;

    if (!part->is_message && !(part->is_multipart && part->boundary[0]))
        return false;
    if (part->depth >= MIME_DEPTH_MAX)
        mime_note(node, MIME_DEPTH_REACHED);
    else if (state->part_count >= MIME_STANDARD_PARTS_MAX)
        mime_note(node, MIME_PARTS_REACHED);
    else
        return true;
    return false;
}

static struct delimiter read_leaf(struct mime_pass *pass, struct mime_node *node, size_t at)
{
    struct delimiter end = next_delimiter(pass, at);

    note_body(node, between(pass, at, end.at));
    return end;
}

static struct delimiter read_part(struct mime_pass *pass, struct mime_node *parent, size_t at)
{
    struct mime_node *node = mime_node_new(pass->state, parent);
    struct mime_part *part = &node->part;

    node->is_in_digest = parent && strcmp(parent->part.type, "multipart/digest") == 0;
    size_t body_at = read_header(pass, node, at);
    bool is_deep = goes_deeper(pass->state, node);
    bool is_deep_and_packed = is_deep && part->is_message && is_packed(node);
    struct delimiter end;

    if (!is_deep || is_deep_and_packed)
        end = read_leaf(pass, node, body_at);
    else if (part->is_multipart)
        end = read_multipart(pass, node, body_at);
    else
        end = read_part(pass, node, body_at);
    size_t end_at = end_before(pass, &end, body_at);

    part->whole = between(pass, at, end_at);
    part->encoded = between(pass, body_at, end_at);
    if (is_deep_and_packed)
        mime_read(pass->state, node, mime_decode(pass->state, node));
    return end;
}

void mime_read(struct mime_state *state, struct mime_node *parent, struct span bytes)
{
    struct mime_pass *pass = mem_alloc(sizeof *pass);

    pass->state = state;
    pass->bytes = bytes.ptr ? bytes : SPAN("");
    read_part(pass, parent, 0);
    free(pass);
}
