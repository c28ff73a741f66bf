/* mail/mime.c - the tree as others see it, and bodies decoded when they are first asked for. */
#include "gateway/mail/mime.h"

#include "gateway/base/bug.h"
#include "gateway/mail/bytes_scan.h"
#include "gateway/mail/charset.h"
#include "gateway/mail/codec.h"
#include "gateway/mail/flowed.h"
#include "gateway/mail/mime_parts.h"
#include "gateway/mail/rtf.h"

/* What may be decoded of a message: so many times its size, and at least so much. */
enum { DECODED_TIMES = 3, DECODED_BYTES_MORE = 64 * 1024, DECODED_BYTES_LEAST = 16 * 1024 * 1024 };
/* What may be passed again for other readings, beside so many times its size. */
enum { AGAIN_TIMES = 2, AGAIN_BYTES_LEAST = 1024 * 1024 };
/* Of a page, where it says its charset. */
enum { HTML_LOOK_BYTES = 1024 };

/* ---- the tree ---- */

static void list_node(struct mime_state *state, struct mime_node *node)
{
    struct mime_tree *tree = &state->tree;

    node->part.index = (unsigned)tree->count;
    tree->parts[tree->count++] = &node->part;
    tree->anomalies |= node->part.anomalies;
    for (struct mime_node *child = node->first_child; child; child = child->next)
        list_node(state, child);
    for (struct mime_node *reading = node->first_reading; reading; reading = reading->next)
        list_node(state, reading);
}

const struct mime_tree *message_mime(struct message *m)
{
    if (m->mime)
        return m->mime;
    struct mime_state *state = arena_alloc(&m->arena, sizeof *state);
    size_t most = m->bytes.len * DECODED_TIMES + DECODED_BYTES_MORE;

    state->message = m;
    state->fields_left = MIME_FIELDS_MAX;
    state->decoded_left = most > DECODED_BYTES_LEAST ? most : DECODED_BYTES_LEAST;
    state->again_left = m->bytes.len * AGAIN_TIMES + AGAIN_BYTES_LEAST;
    state->part_most = MIME_STANDARD_PARTS_MAX;
    mime_read(state, NULL, m->bytes);
    state->part_most = MIME_PARTS_MAX - MIME_DEPTH_MAX - 1; /* each level that is open may need one for its rest */
    mime_readings(state);
    state->tree.parts = arena_alloc(&m->arena, state->part_count * sizeof *state->tree.parts);
    list_node(state, state->root);
    m->mime = &state->tree;
    return m->mime;
}

/* ---- bodies ---- */

static struct mime_node *node_of(struct mime_part *part)
{
    return (struct mime_node *)part;
}

/* What is decoded, and at most how long it becomes. */
static struct span decodable(const struct mime_part *part, size_t *most)
{
    struct mime_packed packed;
    struct span encoded = part->encoded;

    if (part->encoding == MIME_UUENCODE && !part->is_unpacked && mime_uuencoded(encoded, 0, &packed))
        encoded = packed.lines;
    *most = part->encoding == MIME_UUENCODE ? uuencode_most(encoded) : codec_most(encoded.len);
    return encoded;
}

static size_t decode_base64(enum mime_padding padding, struct span encoded, char *out, unsigned *flaws)
{
    switch (padding) {
    case MIME_PADDING_ENDS: return base64_decode_to_padding(encoded, out, flaws);
    case MIME_PADDING_IGNORED: return base64_decode_without_padding(encoded, out, flaws);
    default: return base64_decode(encoded, out, flaws);
    }
}

static size_t decode_as(const struct mime_node *node, struct span encoded, char *out, size_t most, unsigned *flaws)
{
    switch (node->part.encoding) {
    case MIME_BASE64: return decode_base64(node->way ? node->way->padding : MIME_PADDING_GOES_ON, encoded, out, flaws);
    case MIME_QUOTED_PRINTABLE: return quoted_printable_decode(encoded, out, flaws);
    case MIME_UUENCODE: return uuencode_decode(encoded, out, most, flaws);
    case MIME_YENC: return yenc_decode(encoded, out, flaws);
    default: BUG("nothing to decode");
    }
}

bool mime_is_packed(enum mime_encoding encoding)
{
    return encoding == MIME_BASE64 || encoding == MIME_QUOTED_PRINTABLE || encoding == MIME_UUENCODE ||
           encoding == MIME_YENC;
}

/* The last line of what was packed: =yend, with its length and checksum. */
static struct span behind_body(const struct mime_part *part)
{
    const char *end = part->encoded.ptr + part->encoded.len;

    return span_make(end, (size_t)(part->whole.ptr + part->whole.len - end));
}

static struct span unpack(struct mime_state *state, struct mime_node *node)
{
    struct mime_part *part = &node->part;
    unsigned flaws = 0;
    size_t most;
    struct span encoded = decodable(part, &most);

    size_t kept =
        part->is_reading ? state->message->bytes.len : 0; /* for what the standards say, whoever comes first */

    if (most > state->decoded_left || kept > state->decoded_left - most) {
        mime_note(node, MIME_BYTES_REACHED);
        return part->is_reading ? SPAN("") : part->encoded;
    }
    state->decoded_left -= most;
    char *out = arena_alloc(&state->message->arena, most);
    struct span bytes = span_make(out, decode_as(node, encoded, out, most, &flaws));

    if (part->encoding == MIME_YENC)
        yenc_check(behind_body(part), bytes, &flaws);
    if (flaws)
        mime_note(node, part->encoding == MIME_BASE64             ? MIME_BAD_BASE64
                        : part->encoding == MIME_QUOTED_PRINTABLE ? MIME_BAD_QUOTED_PRINTABLE
                                                                  : MIME_BAD_PACKED);
    return bytes;
}

struct span mime_decode(struct mime_state *state, struct mime_node *node)
{
    struct mime_decoded *decoded = &node->decoded;

    if (!decoded->has_bytes) {
        decoded->bytes = mime_is_packed(node->part.encoding) ? unpack(state, node) : node->part.encoded;
        decoded->has_bytes = true;
        node->part.decoded = decoded;
        state->tree.anomalies |= node->part.anomalies;
    }
    return decoded->bytes;
}

/* What shows nothing itself but what is in it. */
static bool is_container(const struct mime_part *part)
{
    return part->children && (part->is_multipart || part->is_message);
}

struct span mime_bytes(struct message *m, struct mime_part *part)
{
    struct mime_state *state = (struct mime_state *)message_mime(m);

    return is_container(part) ? SPAN("") : mime_decode(state, node_of(part));
}

/* ---- texts ---- */

/* Lines in LF: the CRs before an LF go. */
static struct span without_crs(struct arena *a, struct span text)
{
    size_t at = span_find(text, '\r'), n = 0;

    if (at == SPAN_NPOS)
        return text;
    char *out = arena_alloc(a, text.len);

    for (size_t from = 0; from < text.len; from = at) {
        at = byte_find_near(span_skip(text, from), '\r');
        at = at == SPAN_NPOS ? text.len : from + at;
        memcpy(out + n, text.ptr + from, at - from);
        n += at - from;
        size_t run = at;

        while (run < text.len && text.ptr[run] == '\r')
            run++;
        if (run == text.len || text.ptr[run] != '\n') {
            memcpy(out + n, text.ptr + at, run - at);
            n += run - at;
        }
        at = run;
    }
    return span_make(out, n);
}

/* What a page says of its charset at its beginning, as browsers look for it; empty: nothing. One that can be read so
 * far is not in UTF-16, whatever it says. */
static struct span charset_in_html(struct span bytes)
{
    struct span look = span_first(bytes, HTML_LOOK_BYTES);
    size_t at = span_isearch(look, SPAN("charset="));
    size_t n = 0;

    if (at == SPAN_NPOS)
        return SPAN("");
    look = span_skip(look, at + 8);
    if (look.len && (look.ptr[0] == '"' || look.ptr[0] == '\''))
        look = span_skip(look, 1);
    while (n < look.len && (ascii_is_alnum(look.ptr[n]) || memchr("-_.:", look.ptr[n], 4)))
        n++;
    look = span_first(look, n);
    return span_istarts(look, SPAN("utf-16")) ? SPAN("utf-8") : look;
}

/* Nobody shows NULs, and a word with some in it is the same word. */
static struct span without_nuls(struct arena *a, struct span text)
{
    size_t n = span_find(text, '\0');

    if (n == SPAN_NPOS)
        return text;
    char *out = arena_alloc(a, text.len);

    memcpy(out, text.ptr, n);
    for (size_t i = n; i < text.len; i++)
        if (text.ptr[i])
            out[n++] = text.ptr[i];
    return span_make(out, n);
}

static struct span make_rtf_text(struct mime_state *state, struct mime_node *node)
{
    struct rtf_text shown;

    rtf_read(&state->message->arena, mime_decode(state, node), state->decoded_left, &shown);
    state->decoded_left -= shown.text.len < state->decoded_left ? shown.text.len : state->decoded_left;
    if (shown.is_cut)
        mime_note(node, MIME_BYTES_REACHED);
    node->part.is_html = shown.is_html;
    state->tree.anomalies |= node->part.anomalies;
    return without_crs(&state->message->arena, shown.text);
}

static struct span make_text(struct mime_state *state, struct mime_node *node)
{
    struct arena *a = &state->message->arena;
    struct mime_part *part = &node->part;
    struct span bytes = mime_decode(state, node), label = span_of(part->charset);
    unsigned flaws = 0;

    if (part->is_html && !charset_name(label)) {
        struct span own = charset_in_html(bytes);

        if (label.len)
            mime_note(node, MIME_CHARSET_UNKNOWN);
        label = own.len ? own : label;
    }
    struct span text = charset_utf8(a, label, bytes, bytes.len * 3 + 16, &flaws);

    if (flaws & CHARSET_UNKNOWN && label.len)
        mime_note(node, MIME_CHARSET_UNKNOWN);
    if (flaws & CHARSET_INVALID)
        mime_note(node, MIME_CHARSET_INVALID);
    state->tree.anomalies |= part->anomalies;
    text = without_crs(a, without_nuls(a, text));
    if (part->is_flowed) /* joined, a CR may have come to stand before an LF */
        text = without_crs(a, flowed_join(a, text, part->is_delsp));
    return text;
}

struct span mime_text(struct message *m, struct mime_part *part)
{
    struct mime_state *state = (struct mime_state *)message_mime(m);
    struct mime_node *node = node_of(part);

    if (is_container(part))
        return SPAN("");
    if (!node->decoded.has_text) {
        node->decoded.text = part->is_rtf ? make_rtf_text(state, node) : make_text(state, node);
        node->decoded.has_text = true;
    }
    return node->decoded.text;
}

/* ---- names ---- */

static bool ends_so(const char *name, const char *end)
{
    struct span text = span_trim(span_of(name));

    while (text.len && strchr(". ", text.ptr[text.len - 1]))
        text.len--;
    return span_iends(text, span_of(end));
}

bool mime_is_named(const struct mime_part *part, const char *end)
{
    bool is_named = ends_so(part->filename, end);

    for (size_t i = 0; part->other_filenames[i] && !is_named; i++)
        is_named = ends_so(part->other_filenames[i], end);
    return is_named;
}

static const char *const anomaly_names[] = {
    [MIME_DUPLICATE_TYPE] = "duplicate_content_type",
    [MIME_DUPLICATE_ENCODING] = "duplicate_transfer_encoding",
    [MIME_DUPLICATE_DISPOSITION] = "duplicate_disposition",
    [MIME_DUPLICATE_PARAM] = "duplicate_parameter",
    [MIME_NO_BOUNDARY] = "no_boundary",
    [MIME_BOUNDARY_ABSENT] = "boundary_absent",
    [MIME_BOUNDARY_UNCLOSED] = "boundary_unclosed",
    [MIME_BOUNDARY_NESTED] = "boundary_nested",
    [MIME_BOUNDARY_ODD] = "boundary_odd",
    [MIME_MULTIPART_ENCODED] = "multipart_encoded",
    [MIME_BAD_BASE64] = "bad_base64",
    [MIME_BAD_QUOTED_PRINTABLE] = "bad_quoted_printable",
    [MIME_UNKNOWN_ENCODING] = "unknown_transfer_encoding",
    [MIME_BAD_TYPE] = "bad_content_type",
    [MIME_BAD_PARAM] = "bad_parameter",
    [MIME_COMMENT_IN_PARAM] = "comment_in_parameter",
    [MIME_ENCODED_WORD_PARAM] = "encoded_word_in_parameter",
    [MIME_PARAM_CONFLICT] = "parameter_conflict",
    [MIME_HEADER_IN_BODY] = "header_in_body",
    [MIME_NO_HEADER_END] = "no_header_end",
    [MIME_BAD_HEADER_LINE] = "bad_header_line",
    [MIME_NUL] = "nul",
    [MIME_BARE_CR] = "bare_cr",
    [MIME_BARE_LF] = "bare_lf",
    [MIME_8BIT_IN_7BIT] = "8bit_in_7bit",
    [MIME_LONG_LINE] = "long_line",
    [MIME_PARTIAL] = "partial",
    [MIME_EXTERNAL_BODY] = "external_body",
    [MIME_UUENCODED] = "uuencoded",
    [MIME_YENCODED] = "yencoded",
    [MIME_TNEF] = "tnef",
    [MIME_CHARSET_UNKNOWN] = "charset_unknown",
    [MIME_CHARSET_INVALID] = "charset_invalid",
    [MIME_NO_VERSION] = "no_mime_version",
    [MIME_DEPTH_REACHED] = "depth_reached",
    [MIME_PARTS_REACHED] = "parts_reached",
    [MIME_HEADER_REACHED] = "header_reached",
    [MIME_BYTES_REACHED] = "bytes_reached",
    [MIME_READINGS_REACHED] = "readings_reached",
    [MIME_BAD_PACKED] = "bad_packed",
    [MIME_SIGNED] = "signed",
};

_Static_assert(COUNT(anomaly_names) == MIME_ANOMALY_COUNT, "each anomaly has a name");

const char *mime_anomaly_name(enum mime_anomaly anomaly)
{
    return anomaly_names[anomaly];
}
