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

static void adopt(struct mime_node *parent, struct mime_node *node)
{
    node->part.parent = &parent->part;
    node->part.depth = parent->part.depth + 1;
    node->part.is_reading = parent->part.is_reading;
    parent->part.children++;
    if (parent->last_child)
        parent->last_child->next = node;
    else
        parent->first_child = node;
    parent->last_child = node;
}

static const char *no_filenames[] = { NULL };

struct mime_node *mime_node_new(struct mime_state *state, struct mime_node *parent)
{
    struct mime_node *node = arena_alloc(&state->message->arena, sizeof *node);
    struct mime_part *part = &node->part;

    part->reading = part->charset = part->filename = part->content_id = part->boundary = "";
    part->other_filenames = no_filenames;
    part->type = "text/plain";
    state->part_count++;
    if (state->last_made)
        state->last_made->next_made = node;
    else
        state->root = node;
    state->last_made = node;
    if (parent)
        adopt(parent, node);
    return node;
}

/* ---- boundary lines ---- */

static struct span without_trailing_blanks(struct span s)
{
    while (s.len && (ascii_is_wsp(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n'))
        s.len--;
    return s;
}

static void looked(const struct mime_pass *pass, size_t bytes)
{
    pass->state->tree.looked_at += bytes;
}

static size_t next_candidate(struct mime_pass *pass, size_t from)
{
    if (!pass->has_candidate || from < pass->candidate_from || from > pass->candidate) {
        pass->candidate = line_start_find(pass->bytes, from, '-', '-');
        looked(pass, (pass->candidate == SPAN_NPOS ? pass->bytes.len : pass->candidate) - from);
        pass->has_candidate = true;
    }
    pass->candidate_from = from;
    return pass->candidate;
}

/* The levels in `left` one after the other, the innermost first. */
static int take_level(const struct mime_pass *pass, uint64_t *left)
{
    int level = pass->lines == MIME_LINES_OUTER_FIRST ? __builtin_ctzll(*left) : 63 - __builtin_clzll(*left);

    *left &= ~((uint64_t)1 << level);
    return level;
}

/* Whose boundary line it is. `text` is what stands behind its --. Where it goes on behind a boundary it is none, but
 * in that reading. */
static int level_of(const struct mime_pass *pass, struct span text, bool *is_close)
{
    uint64_t left = pass->empty | (text.len ? pass->by_first[(unsigned char)text.ptr[0]] : 0);
    int begun = NO_LEVEL;

    while (left) {
        int level = take_level(pass, &left);

        if (!span_starts(text, pass->boundaries[level]))
            continue;
        struct span rest = without_trailing_blanks(span_skip(text, pass->boundaries[level].len));

        *is_close = span_is(rest, "--");
        if (!rest.len || *is_close || pass->lines == MIME_LINES_PREFIX)
            return level;
        if (begun == NO_LEVEL)
            begun = level;
    }
    if (begun != NO_LEVEL)
        pass->multiparts[begun]->has_prefix_line = true;
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
        struct span line = span_line(span_skip(pass->bytes, at));

        looked(pass, line.len);
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

static void note_boundary(const struct mime_pass *pass, struct mime_node *node)
{
    struct span boundary = span_of(node->part.boundary);

    for (unsigned i = 0; i < pass->level_count; i++) {
        struct span outer = pass->boundaries[i];

        if (!span_starts(boundary, outer) && !span_starts(outer, boundary))
            continue;
        mime_note(node, MIME_BOUNDARY_NESTED);
        pass->multiparts[i]->has_nested_boundary = true;
    }
}

static uint64_t *bits_of(struct mime_pass *pass, struct span boundary)
{
    return boundary.len ? &pass->by_first[(unsigned char)boundary.ptr[0]] : &pass->empty;
}

static void push_level(struct mime_pass *pass, struct mime_node *node)
{
    struct span boundary = span_of(node->part.boundary);

    *bits_of(pass, boundary) |= (uint64_t)1 << pass->level_count;
    pass->multiparts[pass->level_count] = node;
    pass->boundaries[pass->level_count++] = boundary;
}

static void pop_level(struct mime_pass *pass)
{
    uint64_t *bits = bits_of(pass, pass->boundaries[--pass->level_count]);

    *bits &= ~((uint64_t)1 << pass->level_count);
}

static void note_facts(struct mime_state *state, struct mime_node *node, unsigned facts)
{
    if (facts & BYTES_NUL)
        mime_note(node, MIME_NUL);
    if (facts & BYTES_BARE_CR)
        mime_note(node, MIME_BARE_CR);
    state->has_bare_cr |= facts & BYTES_BARE_CR;
    if (facts & BYTES_BARE_LF)
        mime_note(node, MIME_BARE_LF);
    if (facts & BYTES_LONG_LINE)
        mime_note(node, MIME_LONG_LINE);
}

static void note_body(const struct mime_pass *pass, struct mime_node *node, struct span bytes)
{
    unsigned facts = bytes_facts(bytes);

    looked(pass, bytes.len);
    note_facts(pass->state, node, facts);
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

static struct delimiter read_epilogue(struct mime_pass *pass, struct mime_node *node, size_t from)
{
    struct span boundary = span_of(node->part.boundary);
    struct delimiter end = next_delimiter(pass, from);
    struct span bytes = between(pass, from, end.at);

    note_body(pass, node, bytes);
    for (size_t at = 0; !node->goes_on && (at = line_start_find(bytes, at, '-', '-')) != SPAN_NPOS; at++)
        node->goes_on = span_starts(span_skip(bytes, at + 2), boundary);
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

    note_body(pass, node, between(pass, from, here.at));
    if (here.level != mine)
        mime_note(node, MIME_BOUNDARY_ABSENT);
    while (here.level == mine && (!here.is_close || pass->lines == MIME_LINES_PAST_CLOSE)) {
        if (pass->state->part_count >= pass->state->part_most)
            return read_rest(pass, node, &here);
        here = read_part(pass, node, here.end);
    }
    pop_level(pass);
    if (here.level != mine) {
        mime_note(node, MIME_BOUNDARY_UNCLOSED);
        return here;
    }
    return read_epilogue(pass, node, here.end);
}

/* ---- headers ---- */

/* Where the header that begins at `at` must end: behind its empty line, behind the first line that is no field, before
 * a boundary line. */
static size_t header_limit(struct mime_pass *pass, size_t at)
{
    size_t most = pass->bytes.len - at > MIME_HEADER_BYTES_MAX ? at + MIME_HEADER_BYTES_MAX : pass->bytes.len;
    bool is_close;

    while (at < most) {
        struct span line = span_line(span_skip(pass->bytes, at));
        struct span text = without_trailing_blanks(line);

        looked(pass, 2 * line.len); /* here, and to find its fields */
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
    note_facts(pass->state, node, bytes_facts(between(pass, at, at + h->body_at)));
    return at + h->body_at;
}

/* ---- parts ---- */

/* Whether what `node` holds is read: a multipart's parts, a message in a message. */
static bool goes_deeper(struct mime_state *state, struct mime_node *node)
{
    struct mime_part *part = &node->part;

    if (!part->is_message && !(part->is_multipart && node->has_boundary))
        return false;
    if (part->depth >= MIME_DEPTH_MAX)
        mime_note(node, MIME_DEPTH_REACHED);
    else if (state->part_count >= state->part_most)
        mime_note(node, MIME_PARTS_REACHED);
    else
        return true;
    return false;
}

static struct delimiter read_leaf(struct mime_pass *pass, struct mime_node *node, size_t at)
{
    struct delimiter end = next_delimiter(pass, at);

    note_body(pass, node, between(pass, at, end.at));
    return end;
}

/* Where the last of the parts that were just read ends: a header without end takes the line end before a boundary. */
static size_t children_end(const struct mime_pass *pass, const struct mime_node *node, size_t body_at)
{
    if (!node->last_child)
        return body_at;
    struct span last = node->last_child->part.whole;

    return (size_t)(last.ptr + last.len - pass->bytes.ptr);
}

/* `node` from where it begins and where its body does to the delimiter that ends it. */
static struct delimiter read_content(struct mime_pass *pass, struct mime_node *node, size_t at, size_t body_at)
{
    struct mime_part *part = &node->part;
    bool is_deep = goes_deeper(pass->state, node);
    bool is_deep_and_packed = is_deep && part->is_message && mime_is_packed(part->encoding);
    struct delimiter end;

    if (!is_deep || is_deep_and_packed)
        end = read_leaf(pass, node, body_at);
    else if (part->is_multipart)
        end = read_multipart(pass, node, body_at);
    else
        end = read_part(pass, node, body_at);
    size_t end_at =
        end_before(pass, &end, is_deep && !is_deep_and_packed ? children_end(pass, node, body_at) : body_at);

    node->body_at = body_at - at;
    part->whole = between(pass, at, end_at);
    part->encoded = between(pass, body_at, end_at);
    if (is_deep_and_packed)
        mime_read(pass->state, node, mime_decode(pass->state, node));
    return end;
}

static struct delimiter read_part(struct mime_pass *pass, struct mime_node *parent, size_t at)
{
    struct mime_node *node = mime_node_new(pass->state, parent);

    node->is_in_digest = parent && strcmp(parent->part.type, "multipart/digest") == 0;
    return read_content(pass, node, at, read_header(pass, node, at));
}

static struct mime_pass *pass_new(struct mime_state *state, struct span bytes, enum mime_lines lines)
{
    struct mime_pass *pass = mem_alloc(sizeof *pass);

    pass->state = state;
    pass->bytes = bytes.ptr ? bytes : SPAN("");
    pass->lines = lines;
    return pass;
}

void mime_read(struct mime_state *state, struct mime_node *parent, struct span bytes)
{
    struct mime_pass *pass = pass_new(state, bytes, MIME_LINES_EXACT);

    read_part(pass, parent, 0);
    free(pass);
}

/* ---- other readings ---- */

static struct mime_node *reading_new(struct mime_state *state, struct mime_node *of, const struct mime_way *way)
{
    struct mime_node *node = mime_node_new(state, NULL);
    struct mime_part *part = &node->part;

    node->way = way;
    node->is_in_digest = of->is_in_digest;
    part->parent = of->part.parent;
    part->depth = of->part.depth;
    part->is_unpacked = of->part.is_unpacked;
    part->is_reading = true;
    part->reading = way->name;
    part->header = way->header ? *way->header : of->part.header;
    return node;
}

static void add_reading(struct mime_node *of, struct mime_node *reading)
{
    if (of->last_reading)
        of->last_reading->next = reading;
    else
        of->first_reading = reading;
    of->last_reading = reading;
}

static bool is_same(const struct mime_node *a, const struct mime_node *b)
{
    const struct mime_part *p = &a->part, *q = &b->part;

    if (p->encoded.ptr != q->encoded.ptr || p->encoded.len != q->encoded.len || p->encoding != q->encoding ||
        p->children != q->children || strcmp(p->type, q->type) != 0 || strcmp(p->charset, q->charset) != 0)
        return false;
    if ((a->way ? a->way->padding : MIME_PADDING_GOES_ON) != (b->way ? b->way->padding : MIME_PADDING_GOES_ON))
        return false;
    for (a = a->first_child, b = b->first_child; a && b; a = a->next, b = b->next)
        if (!is_same(a, b))
            return false;
    return true;
}

/* Whether `reading` shows what `of` or another reading of it has shown. */
static bool is_known(const struct mime_node *of, const struct mime_node *reading)
{
    if (is_same(of, reading))
        return true;
    for (const struct mime_node *other = of->first_reading; other; other = other->next)
        if (is_same(other, reading))
            return true;
    return false;
}

static void drop(struct mime_node *node)
{
    node->is_dropped = true;
    for (struct mime_node *child = node->first_child; child; child = child->next)
        drop(child);
}

void mime_read_again(struct mime_state *state, struct mime_node *of, const struct mime_way *way)
{
    struct span bytes = way->bytes.ptr ? way->bytes : of->part.whole;

    if (state->part_count >= state->part_most || bytes.len > state->again_left) {
        mime_note(of, MIME_READINGS_REACHED);
        return;
    }
    state->again_left -= bytes.len;
    struct mime_node *shown = of;

    while (shown->is_hidden)
        shown = (struct mime_node *)shown->part.reading_of;
    struct mime_node *node = reading_new(state, of, way);

    node->part.reading_of = &shown->part;
    struct mime_pass *pass = pass_new(state, bytes, way->lines);

    mime_header_facts(state, node);
    note_header(node);
    read_content(pass, node, 0, way->has_body_at ? way->body_at : of->body_at);
    free(pass);
    node->is_hidden = node->part.is_multipart && !node->part.children;
    if (node->is_hidden)
        return;
    if (is_known(shown, node))
        drop(node);
    else
        add_reading(shown, node);
}
