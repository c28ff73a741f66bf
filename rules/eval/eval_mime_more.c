/* rules/eval/eval_mime_more.c - MIMEEval's functions over the structure of a message.
 */
#include "rules/eval/eval_parts.h"
#include "rules/view/fields.h"

/* ---- what was odd when the message was taken apart ---- */

static bool has_long_field(struct scanning *s)
{
    const struct header_index *h = &s->q->message->header;
    size_t bytes = 0;

    for (size_t i = 0; i < h->count; i++) {
        bytes += h->fields[i].whole.len;
        if (h->fields[i].name.len > FIELD_NAME_BYTES || h->fields[i].body.len > FIELD_VALUE_BYTES)
            return true;
    }
    return bytes > FIELDS_BYTES || h->anomalies & (HEADER_TOO_LONG | HEADER_TOO_MANY);
}

/* A line that looks like a field's beginning. */
static bool is_field(struct span line)
{
    size_t n = 0;

    while (n < line.len && line.ptr[n] > ' ' && line.ptr[n] < 0x7f && line.ptr[n] != ':')
        n++;
    return n > 0 && n < line.len && line.ptr[n] == ':';
}

/* The line at the start of what a part is (behind its boundary). */
static struct span first_line(struct span whole)
{
    size_t end = span_find(whole, '\n');

    return span_trim(end == SPAN_NPOS ? whole : span_first(whole, end));
}

static bool lacks_headers(struct scanning *s)
{
    struct mime_part *part;

    for (size_t at = 0; (part = eval_part_next(s, &at));)
        if (part->parent && part->parent->is_multipart && part->whole.len && !is_field(first_line(part->whole)))
            return true;
    return false;
}

/* A part's fields with no empty line behind them, and then text. */
static bool lacks_separator(struct scanning *s)
{
    struct mime_part *part;

    for (size_t at = 0; (part = eval_part_next(s, &at));)
        if (part->parent && part->parent->is_multipart && part->header.anomalies & HEADER_BAD_LINE)
            return true;
    return false;
}

/* Text behind the last boundary. */
static bool has_epilogue(struct scanning *s)
{
    struct mime_part *part;

    for (size_t at = 0; (part = eval_part_next(s, &at));) {
        if (!part->is_multipart || !part->boundary[0] || !part->children)
            continue;
        struct span end = span_of(arena_printf(s->q->arena, "--%s--", part->boundary));
        size_t where = span_search(part->encoded, end);
        struct span rest = where == SPAN_NPOS ? SPAN("") : span_skip(part->encoded, where + end.len);
        size_t line_end = span_find(rest, '\n');

        rest = line_end == SPAN_NPOS ? SPAN("") : span_skip(rest, line_end);
        for (size_t i = 0; i < rest.len; i++)
            if (!strchr(" \t\r\n\v\f.", rest.ptr[i]) || rest.ptr[i] == '\0')
                return true;
    }
    return false;
}

static unsigned parse_flags(struct scanning *s, const struct rule *rule)
{
    const char *flag = eval_argument(rule, 0);
    const struct header_index *h = &s->q->message->header;

    if (strcmp(flag, "truncated_header") == 0)
        return has_long_field(s);
    if (strcmp(flag, "missing_head_body_separator") == 0)
        return (h->anomalies & (HEADER_BAD_LINE | HEADER_NO_END)) != 0;
    if (strcmp(flag, "missing_mime_headers") == 0)
        return lacks_headers(s);
    if (strcmp(flag, "missing_mime_head_body_separator") == 0)
        return lacks_separator(s);
    if (strcmp(flag, "mime_epilogue_exists") == 0)
        return has_epilogue(s);
    if (strcmp(flag, "mimepart_limit_exceeded") == 0)
        return message_mime(s->q->message)->anomalies >> MIME_PARTS_REACHED & 1;
    return 0;
}

/* ---- what is in an alternative, and in base64 ---- */

static unsigned ma_non_text(struct scanning *s, const struct rule *rule)
{
    struct mime_part *part;

    (void)rule;
    for (size_t at = 0; (part = eval_part_next(s, &at));)
        if (part->parent && strcmp(part->parent->type, "multipart/alternative") == 0 && eval_part_is_leaf(part) &&
            !span_starts(eval_part_type(part), SPAN("text/")) && strcmp(part->type, "multipart/related") != 0 &&
            strcmp(part->type, "application/rtf") != 0)
            return 1;
    return 0;
}

static size_t longest_line(struct span text)
{
    size_t most = 0;

    for (struct span rest = text, line; rest.len && span_cut(&rest, '\n', &line);) {
        size_t bytes = line.len + (rest.ptr != NULL) - span_ends(line, SPAN("\r"));
        most = bytes > most ? bytes : most;
    }
    return most;
}

static size_t longest_base64_line(struct scanning *s)
{
    struct mime_part *part;
    size_t most = 0;

    for (size_t at = 0; (part = eval_part_next(s, &at));) {
        if (!eval_part_is_leaf(part) || strcmp(part->type, "application/ics") == 0 ||
            !span_is(eval_part_field(s, part, "Content-Transfer-Encoding"), "base64"))
            continue;
        size_t longest = longest_line(part->encoded);
        most = longest > most ? longest : most;
    }
    return most;
}

static unsigned base64_length(struct scanning *s, const struct rule *rule)
{
    struct eval_memo *memo = eval_memo(s);

    if (!memo->base64_line) {
        memo->base64_line = arena_alloc(s->q->arena, sizeof *memo->base64_line);
        *memo->base64_line = longest_base64_line(s);
    }
    size_t most = *memo->base64_line;

    return (double)most >= eval_number(rule, 0, 0) &&
           (eval_is_unset(rule, 1) || (double)most <= eval_number(rule, 1, 0));
}

#define MIME SA_PLUGIN("MIMEEval")

const struct eval_function eval_mime_more_functions[] = {
    { "check_msg_parse_flags", MIME, parse_flags, 1, 1 },
    { "check_ma_non_text", MIME, ma_non_text, 0, 0 },
    { "check_base64_length", MIME, base64_length, 1, 2 },
    { 0 },
};
