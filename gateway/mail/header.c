/* mail/header.c - the header section's index. One pass with memchr; a field is three spans. */
#include "gateway/mail/header.h"

#include "gateway/base/strbuf.h"

struct reader {
    struct arena *arena;
    struct header_index *out;
    size_t capacity;
};

static struct span without_eol(struct span line)
{
    if (line.len && line.ptr[line.len - 1] == '\n')
        line.len--;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* [RFC5322 3.6.8]: printable ASCII but colon. Length of the name, or SPAN_NPOS when the line is no field. */
static size_t name_length(struct span line, bool *has_blank)
{
    size_t n = 0;

    while (n < line.len && line.ptr[n] > 0x20 && line.ptr[n] < 0x7f && line.ptr[n] != ':')
        n++;
    size_t colon = n;

    while (colon < line.len && ascii_is_wsp(line.ptr[colon]))
        colon++;
    if (n == 0 || colon >= line.len || line.ptr[colon] != ':')
        return SPAN_NPOS;
    *has_blank = colon != n;
    return n;
}

static void add_field(struct reader *r, struct span whole, size_t name_len)
{
    struct header_index *h = r->out;

    if (h->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 32;
        h->fields = arena_grow(r->arena, h->fields, h->count, r->capacity, sizeof *h->fields);
    }
    size_t colon = span_find(whole, ':');

    h->fields[h->count++] = (struct header_field){
        .name = span_first(whole, name_len),
        .body = without_eol(span_skip(whole, colon + 1)),
        .whole = whole,
    };
}

static void note_bytes(struct header_index *h, struct span header)
{
    if (span_find(header, '\0') != SPAN_NPOS)
        h->anomalies |= HEADER_NUL;
    for (size_t i = 0; i < header.len; i++) {
        if ((unsigned char)header.ptr[i] > 0x7f) {
            h->anomalies |= HEADER_8BIT;
            return;
        }
    }
}

/* The end of the field that begins at `at`: behind its last continuation line. */
static size_t field_end(struct span bytes, size_t at)
{
    size_t end = at + span_line(span_skip(bytes, at)).len;

    while (end < bytes.len && ascii_is_wsp(bytes.ptr[end]))
        end += span_line(span_skip(bytes, end)).len;
    return end;
}

static size_t read_fields(struct reader *r, struct span bytes, size_t most_bytes, size_t most_fields)
{
    struct header_index *h = r->out;
    size_t at = 0;

    if (bytes.len && ascii_is_wsp(bytes.ptr[0])) {
        h->anomalies |= HEADER_STARTS_FOLDED | HEADER_BAD_LINE;
        return 0;
    }
    while (at < bytes.len) {
        struct span line = span_line(span_skip(bytes, at));
        bool has_blank = false;

        if (without_eol(line).len == 0)
            return at;
        size_t name_len = name_length(line, &has_blank);

        if (name_len == SPAN_NPOS) {
            h->anomalies |= HEADER_BAD_LINE;
            return at;
        }
        size_t end = field_end(bytes, at);

        if (end > most_bytes || h->count >= most_fields) {
            h->anomalies |= end > most_bytes ? HEADER_TOO_LONG : HEADER_TOO_MANY;
            return at;
        }
        if (has_blank)
            h->anomalies |= HEADER_BLANK_NAME;
        add_field(r, span_make(bytes.ptr + at, end - at), name_len);
        at = end;
    }
    h->anomalies |= HEADER_NO_END;
    return at;
}

void header_parse(struct arena *a, struct span message, size_t most_bytes, size_t most_fields, struct header_index *out)
{
    struct reader r = { .arena = a, .out = out };

    *out = (struct header_index){ 0 };
    size_t end = read_fields(&r, message, most_bytes, most_fields);

    note_bytes(out, span_first(message, end));
    out->body_at = end;
    if (end < message.len && !(out->anomalies & (HEADER_BAD_LINE | HEADER_TOO_LONG | HEADER_TOO_MANY)))
        out->body_at = end + span_line(span_skip(message, end)).len;
}

const struct header_field *header_find(const struct header_index *h, const char *name, size_t nth)
{
    struct span wanted = span_of(name);

    for (size_t i = 0; i < h->count; i++)
        if (span_ieq(h->fields[i].name, wanted) && nth-- == 0)
            return &h->fields[i];
    return NULL;
}

size_t header_count(const struct header_index *h, const char *name)
{
    struct span wanted = span_of(name);
    size_t n = 0;

    for (size_t i = 0; i < h->count; i++)
        n += span_ieq(h->fields[i].name, wanted);
    return n;
}

struct span header_unfold(struct arena *a, struct span body)
{
    body = span_trim(body);
    if (span_find(body, '\n') == SPAN_NPOS && span_find(body, '\r') == SPAN_NPOS)
        return body;
    char *out = arena_alloc(a, body.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < body.len; i++)
        if (body.ptr[i] != '\r' && body.ptr[i] != '\n')
            out[n++] = body.ptr[i];
    return span_make(out, n);
}
