/* tests/kit/mime_invariants.h - what holds of every tree of parts, whatever the message: nothing of it is lost, nothing
 * is in two places, and nothing is out of bounds. BUG() where it does not.
 */
#ifndef KIT_MIME_INVARIANTS_H
#define KIT_MIME_INVARIANTS_H

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/mime.h"

static inline bool lies_in(struct span inner, struct span outer)
{
    return inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len;
}

/* Between two parts there is one boundary line, and the line end before it. The last part may be empty behind a
 * boundary at the very end. */
static inline bool is_boundary_line(struct span gap, bool is_last)
{
    if (gap.len && gap.ptr[0] == '\r')
        gap = span_skip(gap, 1);
    if (gap.len && gap.ptr[0] == '\n')
        gap = span_skip(gap, 1);
    size_t lf = span_find(gap, '\n');

    return span_starts(gap, SPAN("--")) && (lf == SPAN_NPOS ? is_last : lf == gap.len - 1);
}

static inline void check_part(const struct mime_tree *tree, size_t i)
{
    const struct mime_part *part = tree->parts[i];

    if (part->index != i)
        BUG("part %zu is called %u", i, part->index);
    if (part->depth > MIME_DEPTH_MAX + 1)
        BUG("part %zu is %u deep", i, part->depth);
    if (part->whole.len && !lies_in(part->encoded, part->whole))
        BUG("the body of part %zu is outside of it", i);
    if (!part->type || !part->charset || !part->filename || !part->boundary || !part->reading || !part->content_id)
        BUG("part %zu lacks a text", i);
    if (part->parent && (part->parent->index >= i || part->depth != part->parent->depth + 1))
        BUG("part %zu is not below its parent", i);
    if (!part->parent && part->depth)
        BUG("part %zu has no parent", i);
    if (part->reading_of && (!part->is_reading || part->reading_of->index >= i || !part->reading[0]))
        BUG("part %zu is a reading of nothing", i);
    if (part->parent && part->parent->is_reading && !part->is_reading)
        BUG("part %zu lies in a reading and is none", i);
    if (part->is_multipart + part->is_message + part->is_text > 1)
        BUG("part %zu is more than one thing", i);
}

/* The children of `parent`: in order, and only boundary lines between them. */
static inline void check_children(const struct mime_tree *tree, const struct mime_part *parent)
{
    const struct mime_part *last = NULL;
    unsigned children = 0, readings = 0;

    for (size_t i = parent->index + 1; i < tree->count; i++) {
        const struct mime_part *part = tree->parts[i];

        readings += part->reading_of == parent;
        if (part->parent != parent || part->reading_of)
            continue;
        children++;
        if (parent->is_multipart) {
            if (!lies_in(part->whole, parent->encoded))
                BUG("part %u is not in its parent", part->index);
            const char *from = last ? last->whole.ptr + last->whole.len : NULL;

            if (last && part->anomalies >> MIME_PARTS_REACHED & 1)
                from = NULL;
            if (from && (part->whole.ptr < from ||
                         !is_boundary_line(span_make(from, (size_t)(part->whole.ptr - from)), part->whole.len == 0)))
                BUG("bytes are lost before part %u", part->index);
        } else if (parent->is_message && lies_in(part->whole, parent->encoded) &&
                   (part->whole.ptr != parent->encoded.ptr || part->whole.len != parent->encoded.len)) {
            BUG("the message of part %u is not all of it", parent->index);
        }
        last = part;
    }
    if (children != parent->children)
        BUG("part %u has %u children, and says %u", parent->index, children, parent->children);
    if (readings >= MIME_READINGS_MAX * 8)
        BUG("part %u has %u readings", parent->index, readings);
}

static inline void check_bodies(struct message *m, struct mime_part *part)
{
    struct span bytes = mime_bytes(m, part), text = mime_text(m, part);

    if (!utf8_is_valid(text) || span_search(text, SPAN("\r\n")) != SPAN_NPOS)
        BUG("the text of part %u is no text", part->index);
    if (bytes.ptr != mime_bytes(m, part).ptr || text.ptr != mime_text(m, part).ptr)
        BUG("the body of part %u is not kept", part->index);
    if (!part->children && part->encoded.len && !bytes.len && part->encoding <= MIME_BINARY)
        BUG("the body of part %u is lost", part->index);
}

static inline void check_mime(struct message *m)
{
    const struct mime_tree *tree = message_mime(m);

    if (tree->count < 1 || tree->count > MIME_PARTS_MAX || tree != message_mime(m))
        BUG("%zu parts", tree->count);
    if (!span_eq(tree->parts[0]->whole, m->bytes) || tree->parts[0]->parent)
        BUG("the first part is not the message");
    for (size_t i = 0; i < tree->count; i++) {
        check_part(tree, i);
        check_children(tree, tree->parts[i]);
        check_bodies(m, tree->parts[i]);
    }
    for (size_t i = 0; i < tree->count; i++)
        if (tree->parts[i]->anomalies & ~tree->anomalies)
            BUG("an anomaly of part %zu is not in the tree's", i);
}

#endif
