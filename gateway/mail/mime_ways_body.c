/* mail/mime_ways_body.c - in which other ways readers may take a part's body. */
#include "gateway/mail/mime_ways.h"

enum { LOOK_BYTES = 1024 };

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

void body_ways(struct ways *w)
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
