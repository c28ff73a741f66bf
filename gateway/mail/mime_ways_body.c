/* mail/mime_ways_body.c - in which other ways readers may take a part's body, and its charset. */
#include "gateway/mail/mime_ways.h"

#include "gateway/mail/charset.h"
#include "gateway/mail/codec_run.h"

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

/* A multipart whose parts are not found, what lies too deep, or what a reader without MIME shows as it is. */
static void plain_ways(struct ways *w)
{
    const struct mime_part *part = &w->node->part;

    if (w->node->way)
        return;
    if ((part->is_multipart || part->is_message) && !part->children && part->encoded.len)
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

    while (at < encoded.len && base64_sixes[(unsigned char)encoded.ptr[at]] >= 64)
        at++;
    return at < encoded.len;
}

static bool looks_like_header(struct span bytes)
{
    struct span name = up_to(span_first(bytes, 80), ":\r\n \t");

    return name.len && name.len < bytes.len && bytes.ptr[name.len] == ':';
}

/* A reader that ends at padding, and one that takes no notice of it. */
static void padding_ways(struct ways *w)
{
    struct span encoded = w->node->part.encoded;
    struct mime_way *way;

    w->state->tree.looked_at += encoded.len;
    if (!goes_on_behind_padding(encoded))
        return;
    mime_note(w->node, MIME_BAD_BASE64);
    if ((way = body_way(w, "base64 to its padding", NULL, MIME_BASE64)))
        way->padding = MIME_PADDING_ENDS;
    if ((way = body_way(w, "base64 without its padding", NULL, MIME_BASE64)))
        way->padding = MIME_PADDING_IGNORED;
}

/* Whether all of `encoded` is one file in the encoding that it is said to be in. */
static bool is_one_file(struct span encoded, enum mime_encoding encoding)
{
    struct mime_packed packed;

    encoded = span_trim(encoded);
    if (encoding == MIME_YENC)
        return span_starts(encoded, SPAN("=ybegin "));
    return mime_uuencoded(encoded, 0, &packed) && span_trim(packed.whole).len == encoded.len;
}

/* What many readers do not undo, or what is not encoded although it says so. */
static void as_it_is_ways(struct ways *w)
{
    const struct mime_part *part = &w->node->part;
    bool is_plain = false;

    switch (part->encoding) {
    case MIME_BASE64:
        is_plain = part->is_message ? looks_like_header(part->encoded) : looks_plain(part->encoded);
        break;
    case MIME_QUOTED_PRINTABLE: is_plain = part->is_message && looks_like_header(part->encoded); break;
    case MIME_UUENCODE:
    case MIME_YENC:
        w->state->tree.looked_at += part->encoded.len;
        is_plain = !part->is_unpacked && !is_one_file(part->encoded, part->encoding);
        break;
    default: break;
    }
    if (is_plain)
        body_way(w, "not encoded", part->is_text || part->is_message ? NULL : "text/plain", MIME_BINARY);
}

/* A message by what it is called, which readers open as one, and the first piece of one. */
static void message_ways(struct ways *w)
{
    static const char *const ends[] = { ".eml", ".mht", ".mhtml", ".nws" };
    const struct mime_part *part = &w->node->part;
    bool is_named = false;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0] && !part->is_message; i++)
        is_named |= mime_is_named(part, ends[i]);
    if ((!is_named && !mime_has(part, MIME_PARTIAL)) || !looks_like_header(mime_decode(w->state, w->node)))
        return;
    body_way(w, is_named ? "the message that it is by its name" : "the message of which it is a part", "message/rfc822",
             part->encoding);
}

void body_ways(struct ways *w)
{
    struct mime_part *part = &w->node->part;

    plain_ways(w);
    packed_multipart_way(w);
    if (part->is_multipart)
        return;
    as_it_is_ways(w);
    if (part->encoding == MIME_BASE64)
        padding_ways(w);
    message_ways(w);
}

/* ---- charsets ---- */

static void charset_way(struct ways *w, const char *charset, const char *name)
{
    struct mime_way *way = strcmp(charset, w->node->part.charset) ? way_add(w, MIME_BY_CHARSET, name) : NULL;

    if (way)
        way->charset = charset;
}

void charset_ways(struct ways *w)
{
    struct mime_node *node = w->node;
    const struct param *param;
    size_t count = 0;

    if (!node->part.is_text || node->part.is_rtf)
        return;
    while (params_find(&node->type_params, "charset", count))
        count++;
    for (size_t n = count; n-- > 1;) {
        param = params_find(&node->type_params, "charset", n);
        charset_way(w, mime_text_of(arena_of(w), param->value, true),
                    n + 1 == count ? "last charset" : "another charset");
    }
    if (charset_hides_ascii(span_of(node->part.charset)) && span_find(mime_decode(w->state, node), '\0') == SPAN_NPOS)
        charset_way(w, "us-ascii", "without its charset");
}
