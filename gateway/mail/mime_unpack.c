/* mail/mime_unpack.c - files that stand packed in the middle of texts: uuencode and yEnc [yEnc 1.3]. Readers show them
 * as attachments.
 *
 * A text is looked through once. What begins like a file and does not go on like one is text.
 */
#include "gateway/mail/bytes_scan.h"
#include "gateway/mail/mime_parts.h"

enum { FILENAME_BYTES_MAX = 1024 };

static struct span line_at(struct span text, size_t at)
{
    struct span rest = span_skip(text, at);
    size_t lf = span_find(rest, '\n');

    return lf == SPAN_NPOS ? rest : span_first(rest, lf + 1);
}

/* From `from` on the first line that is `word`, or begins with it and a blank; SPAN_NPOS. */
static size_t find_line(struct span text, size_t from, const char *word)
{
    struct span wanted = span_of(word);
    size_t at = from;

    while ((at = line_start_find(text, at, word[0], word[1])) != SPAN_NPOS) {
        struct span line = line_at(text, at), rest = span_skip(line, wanted.len);

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
    size_t whole_end = end == SPAN_NPOS ? text.len : end + line_at(text, end).len;

    if (end == SPAN_NPOS)
        end = text.len;
    out->lines = span_make(text.ptr + from, end - from);
    out->whole = span_make(text.ptr + whole_from, whole_end - whole_from);
}

bool mime_uuencoded(struct span text, size_t from, struct mime_packed *out)
{
    size_t at = from;

    while ((at = find_line(text, at, "begin")) != SPAN_NPOS) {
        struct span line = line_at(text, at);
        size_t next = at + line.len;

        if (is_begin(line, &out->name) && is_uu_line(line_at(text, next))) {
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
    struct span line = line_at(text, at);
    size_t next = at + line.len, name = span_search(line, SPAN(" name="));

    if (span_starts(span_skip(text, next), SPAN("=ypart ")))
        next += line_at(text, next).len;
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

void mime_unpack(struct mime_state *state, struct mime_node *node)
{
    struct mime_part *part = &node->part;

    if (!part->is_text || part->is_html || part->is_unpacked || part->encoding == MIME_UUENCODE)
        return;
    struct span text = mime_decode(state, node);

    state->tree.looked_at += 2 * text.len;
    unpack_all(state, node, text, MIME_UUENCODE);
    unpack_all(state, node, text, MIME_YENC);
}
