/* mail/mime_unpack.c - files that are packed in others: uuencode and yEnc in the middle of texts, and what is in a
 * winmail.dat, which readers show as attachments, and what is in a signature, which they show as the message.
 *
 * A text is looked through once. What begins like a file and does not go on like one is text.
 */
#include "gateway/mail/bytes_scan.h"
#include "gateway/mail/mime_parts.h"
#include "gateway/mail/pkcs7.h"
#include "gateway/mail/tnef.h"

enum { FILENAME_BYTES_MAX = 1024, BLANK_LINES_MOST = 3 };

/* From `from` on the first line that is `word`, or begins with it and a blank; SPAN_NPOS. */
static size_t find_line(struct span text, size_t from, const char *word)
{
    struct span wanted = span_of(word);
    size_t at = from;

    while ((at = line_start_find(text, at, word[0], word[1])) != SPAN_NPOS) {
        struct span line = span_line(span_skip(text, at)), rest = span_skip(line, wanted.len);

        if (span_starts(line, wanted) && (!rest.len || strchr(" \t\r\n", rest.ptr[0])))
            return at;
        at++;
    }
    return SPAN_NPOS;
}

/* "begin", a mode of octal digits, a name. */
static bool is_begin(struct span line, struct span *name)
{
    struct span rest = span_skip(span_trim(line), 5), mode;

    if (!span_word(&rest, &mode) || mode.len < 3 || mode.len > 5)
        return false;
    for (size_t i = 0; i < mode.len; i++)
        if (mode.ptr[i] < '0' || mode.ptr[i] > '7')
            return false;
    *name = span_trim(rest);
    return name->len != 0;
}

/* A line that says how many bytes it holds, and is about as long as that takes. */
static bool is_uu_line(struct span line)
{
    struct span text = line;

    while (text.len && strchr("\r\n", text.ptr[text.len - 1]))
        text.len--;
    if (!text.len || text.ptr[0] < ' ' || text.ptr[0] > '`')
        return false;
    size_t bytes = (size_t)(text.ptr[0] - ' ') & 63, letters = (bytes + 2) / 3 * 4;

    return text.len + 3 >= 1 + letters && text.len <= letters + 3;
}

static void cut_at_end(struct span text, size_t from, const char *end_word, size_t whole_from, struct mime_packed *out)
{
    size_t end = find_line(text, from, end_word);
    size_t whole_end = end == SPAN_NPOS ? text.len : end + span_line(span_skip(text, end)).len;

    if (end == SPAN_NPOS)
        end = text.len;
    out->lines = span_make(text.ptr + from, end - from);
    out->whole = span_make(text.ptr + whole_from, whole_end - whole_from);
}

bool mime_uuencoded(struct span text, size_t from, struct mime_packed *out)
{
    size_t at = from;

    while ((at = find_line(text, at, "begin")) != SPAN_NPOS) {
        struct span line = span_line(span_skip(text, at));
        size_t next = at + line.len;

        for (int i = 0; i < BLANK_LINES_MOST && next < text.len && !span_trim(span_line(span_skip(text, next))).len;
             i++)
            next += span_line(span_skip(text, next)).len;
        if (is_begin(line, &out->name) && is_uu_line(span_line(span_skip(text, next)))) {
            cut_at_end(text, next, "end", at, out);
            return true;
        }
        at = next;
    }
    return false;
}

/* "=ybegin line=128 size=1234 name=...", perhaps "=ypart ...", lines, "=yend ...". */
static bool yencoded(struct span text, size_t from, struct mime_packed *out)
{
    size_t at = find_line(text, from, "=ybegin");

    if (at == SPAN_NPOS)
        return false;
    struct span line = span_line(span_skip(text, at));
    size_t next = at + line.len, name = span_search(line, SPAN(" name="));

    if (span_starts(span_skip(text, next), SPAN("=ypart ")))
        next += span_line(span_skip(text, next)).len;
    out->name = name == SPAN_NPOS ? span_make(NULL, 0) : span_trim(span_skip(line, name + 6));
    cut_at_end(text, next, "=yend", at, out);
    return true;
}

static void add_packed(struct mime_state *state, struct mime_node *parent, const struct mime_packed *packed,
                       enum mime_encoding encoding)
{
    struct mime_node *node = mime_node_new(state, parent);
    struct mime_part *part = &node->part;

    part->whole = packed->whole;
    part->encoded = packed->lines;
    part->encoding = encoding;
    part->type = "application/octet-stream";
    part->filename = mime_text_of(&state->message->arena, span_first(packed->name, FILENAME_BYTES_MAX), false);
    part->disposition = MIME_ATTACHMENT;
    part->is_unpacked = true;
}

static void unpack_all(struct mime_state *state, struct mime_node *node, struct span text, enum mime_encoding encoding)
{
    bool (*find)(struct span, size_t, struct mime_packed *) = encoding == MIME_YENC ? yencoded : mime_uuencoded;
    struct mime_packed packed;
    size_t at = 0;

    while (find(text, at, &packed)) {
        mime_note(node, encoding == MIME_YENC ? MIME_YENCODED : MIME_UUENCODED);
        if (state->part_count >= state->part_most || node->part.depth >= MIME_DEPTH_MAX) {
            mime_note(node, MIME_PARTS_REACHED);
            return;
        }
        add_packed(state, node, &packed, encoding);
        at = (size_t)(packed.whole.ptr + packed.whole.len - text.ptr);
    }
}

/* ---- TNEF ---- */

static bool is_tnef(const struct mime_part *part)
{
    return strcmp(part->type, "application/ms-tnef") == 0 || strcmp(part->type, "application/vnd.ms-tnef") == 0 ||
           mime_is_named(part, "winmail.dat");
}

static const char *type_of_item(struct arena *a, const struct tnef_item *item)
{
    switch (item->kind) {
    case TNEF_TEXT: return "text/plain";
    case TNEF_HTML: return "text/html";
    case TNEF_RTF_TEXT: return "application/rtf";
    default: return item->type.len ? mime_text_of(a, item->type, true) : "application/octet-stream";
    }
}

static void add_item(struct mime_state *state, struct mime_node *parent, const struct tnef_item *item)
{
    struct arena *a = &state->message->arena;
    struct mime_node *node = mime_node_new(state, parent);
    struct mime_part *part = &node->part;

    part->whole = part->encoded = item->bytes;
    part->encoding = MIME_BINARY;
    part->type = type_of_item(a, item);
    part->charset = item->charset;
    part->filename = mime_text_of(a, span_first(item->name, FILENAME_BYTES_MAX), false);
    part->content_id = mime_text_of(a, item->content_id, false);
    part->disposition = item->kind == TNEF_ATTACHMENT ? MIME_ATTACHMENT : MIME_UNSAID;
    part->is_unpacked = true;
    mime_set_kind(node);
    part->is_multipart = false;
    part->is_text &= !part->is_rtf; /* what it shows is an item of its own */
    if (part->is_message && part->depth < MIME_DEPTH_MAX && state->part_count < state->part_most)
        mime_read(state, node, item->bytes);
}

static void unpack_tnef(struct mime_state *state, struct mime_node *node)
{
    struct tnef tnef;

    mime_note(node, MIME_TNEF);
    tnef_read(&state->message->arena, mime_decode(state, node), state->decoded_left, &tnef);
    state->decoded_left -= tnef.unpacked;
    if (tnef.flaws)
        mime_note(node, MIME_BAD_PACKED);
    for (size_t i = 0; i < tnef.count; i++)
        if (state->part_count < state->part_most && node->part.depth < MIME_DEPTH_MAX)
            add_item(state, node, &tnef.items[i]);
        else
            mime_note(node, MIME_PARTS_REACHED);
}

/* ---- S/MIME ---- */

static bool is_pkcs7(const struct mime_part *part)
{
    return strcmp(part->type, "application/pkcs7-mime") == 0 || strcmp(part->type, "application/x-pkcs7-mime") == 0 ||
           mime_is_named(part, ".p7m");
}

/* What was signed is a part with a header of its own, which readers show in place of this one. */
static void unpack_pkcs7(struct mime_state *state, struct mime_node *node)
{
    struct span content;
    enum pkcs7_kind kind =
        pkcs7_signed(&state->message->arena, mime_decode(state, node), state->decoded_left, &content);

    if (kind == PKCS7_OTHER)
        return;
    mime_note(node, kind == PKCS7_SIGNED ? MIME_SIGNED : MIME_BAD_PACKED);
    state->decoded_left -= content.len;
    if (state->part_count >= state->part_most || node->part.depth >= MIME_DEPTH_MAX) {
        mime_note(node, MIME_PARTS_REACHED);
        return;
    }
    mime_read(state, node, content);
    node->last_child->part.is_unpacked = true;
}

void mime_unpack(struct mime_state *state, struct mime_node *node)
{
    struct mime_part *part = &node->part;

    if (part->children || part->is_multipart) /* of a multipart without parts there is a reading as text */
        return;
    if (is_tnef(part)) {
        unpack_tnef(state, node);
        return;
    }
    if (is_pkcs7(part)) {
        unpack_pkcs7(state, node);
        return;
    }
    if (!part->is_text || part->is_html || part->is_unpacked || part->encoding == MIME_UUENCODE)
        return;
    struct span text = mime_decode(state, node);

    state->tree.looked_at += 2 * text.len;
    unpack_all(state, node, text, MIME_UUENCODE);
    unpack_all(state, node, text, MIME_YENC);
}
