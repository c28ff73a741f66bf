/* http/head.c - the head of a request. */
#include "gateway/http/head.h"

/* ---- where it ends ---- */

static bool is_bare_command(struct span line)
{
    struct span word;

    return span_word(&line, &word) && (span_is(word, "PING") || span_is(word, "SKIP")) && span_word(&line, &word) &&
           (span_starts(word, SPAN("SPAMC/")) || span_starts(word, SPAN("RSPAMC/")));
}

/* Bare LF is taken for the end of a line here, so that the end of a head that is wrong is found, too. */
size_t head_end(struct span in, size_t *seen)
{
    size_t at = *seen;

    for (;;) {
        size_t lf = span_find(span_skip(in, at), '\n');

        if (lf == SPAN_NPOS)
            return 0;
        if (at == 0 && is_bare_command(span_trim(span_first(in, lf))))
            return lf + 1;
        if (at && (lf == 0 || (lf == 1 && in.ptr[at] == '\r')))
            return at + lf + 1;
        at += lf + 1;
        *seen = at;
    }
}

/* ---- the first line ---- */

static bool is_word(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alpha(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '-')
            return false;
    return s.len > 0 && s.len <= HEAD_WORD_MAX;
}

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= 0x20 || s.ptr[i] > 0x7e)
            return false;
    return s.len > 0;
}

static bool take_digit(struct span *s, unsigned *out)
{
    if (!s->len || !ascii_is_digit(s->ptr[0]))
        return false;
    *out = (unsigned)(s->ptr[0] - '0');
    *s = span_skip(*s, 1);
    return true;
}

/* "1.3" [RFC9112 2.3] */
static bool take_version(struct span s, struct head *out)
{
    if (!take_digit(&s, &out->major) || !s.len || s.ptr[0] != '.')
        return false;
    s = span_skip(s, 1);
    return take_digit(&s, &out->minor) && !s.len;
}

static bool take_protocol(struct span text, struct head *out)
{
    static const struct {
        const char *name;
        enum head_protocol protocol;
    } known[] = { { "HTTP/", PROTOCOL_HTTP }, { "RSPAMC/", PROTOCOL_RSPAMC }, { "SPAMC/", PROTOCOL_SPAMC } };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!span_starts(text, span_of(known[i].name)))
            continue;
        out->protocol = known[i].protocol;
        return take_version(span_skip(text, strlen(known[i].name)), out);
    }
    return false;
}

/* One blank between the parts, and no other [RFC9112 3]. */
static bool parse_first(struct span line, struct head *out)
{
    struct span rest = line, last = { NULL, 0 };
    size_t blank = span_rfind(line, ' ');

    if (blank == SPAN_NPOS || !span_cut(&rest, ' ', &out->method))
        return false;
    last = span_skip(line, blank + 1);
    if (!take_protocol(last, out) || !is_word(out->method))
        return false;
    if (out->protocol != PROTOCOL_HTTP)
        return rest.len == last.len;
    if (rest.len <= last.len)
        return false;
    out->target = span_first(rest, rest.len - last.len - 1);
    return is_visible(out->target);
}

/* ---- the fields ---- */

/* [RFC9110 5.6.2] */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum(s.ptr[i]) && (!s.ptr[i] || !strchr("!#$%&'*+-.^_`|~", s.ptr[i])))
            return false;
    return s.len > 0;
}

/* [RFC9110 5.5]: no control character but TAB. */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool parse_field(struct span line, struct head_field *out)
{
    struct span rest = line;

    if (span_find(line, ':') == SPAN_NPOS || !span_cut(&rest, ':', &out->name))
        return false;
    out->value = span_trim(rest);
    return is_token(out->name) && is_value(rest);
}

/* Takes the next line off *text; false when it does not end as the protocol wants. */
static bool take_line(struct span *text, bool is_strict, struct span *line)
{
    if (!span_cut(text, '\n', line))
        return false;
    bool has_cr = line->len && line->ptr[line->len - 1] == '\r';

    line->len -= has_cr;
    return (has_cr || !is_strict) && line->len <= HEAD_LINE_MAX;
}

static enum head_wrong parse_fields(struct arena *a, struct span text, struct head *out, struct span *line)
{
    size_t room = 0;

    while (text.len) {
        if (!take_line(&text, out->protocol == PROTOCOL_HTTP, line))
            return line->len > HEAD_LINE_MAX ? HEAD_TOO_BIG : HEAD_BAD_LINE;
        if (!line->len)
            break;
        if (out->count == HEAD_FIELDS_MAX)
            return HEAD_TOO_BIG;
        if (out->count == room) {
            room = room ? 2 * room : 16;
            out->fields = arena_grow(a, out->fields, out->count, room, sizeof *out->fields);
        }
        if (!parse_field(*line, &out->fields[out->count]))
            return HEAD_BAD_LINE;
        out->count++;
    }
    return HEAD_OK;
}

enum head_wrong head_parse(struct arena *a, struct span text, struct head *out, struct span *line)
{
    bool ends_well = false;

    *out = (struct head){ .protocol = PROTOCOL_HTTP };
    if (text.len > HEAD_BYTES_MAX)
        return HEAD_TOO_BIG;
    ends_well = take_line(&text, true, line);
    if (!parse_first(*line, out))
        return HEAD_NO_PROTOCOL;
    if (!ends_well && out->protocol == PROTOCOL_HTTP)
        return HEAD_BAD_LINE;
    return parse_fields(a, text, out, line);
}

/* ---- looking things up ---- */

const struct head_field *head_find(const struct head *head, const char *name, size_t nth)
{
    for (size_t i = 0; i < head->count; i++)
        if (span_iis(head->fields[i].name, name) && nth-- == 0)
            return &head->fields[i];
    return NULL;
}

struct span head_value(const struct head *head, const char *name)
{
    const struct head_field *field = head_find(head, name, 0);

    return field ? field->value : span_make(NULL, 0);
}

bool head_lists(const struct head *head, const char *name, const char *word)
{
    for (size_t i = 0; i < head->count; i++) {
        struct span rest = head->fields[i].value, part;

        if (!span_iis(head->fields[i].name, name))
            continue;
        while (span_cut(&rest, ',', &part))
            if (span_iis(span_trim(part), word))
                return true;
    }
    return false;
}
