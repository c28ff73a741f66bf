/* rules/view/fields.c - header fields as rules have them, found by name and kept for who asks again.
 *
 * Fields are found by a hash of their names, so that many rules about many fields cost no more than one pass.
 */
#include "rules/view/fields.h"

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "rules/view/relays.h"
#include "rules/view/texts.h"

enum { SLOTS = 256, NONE = -1 };

struct answer {
    const char *field;
    enum header_form form;
    struct rule_lines values;
    bool is_there; /* it has been put together */
    struct span all;
    struct answer *next;
};

struct fields {
    int first[SLOTS], *next; /* of the message's fields, by the hash of their names; ascending */
    struct answer *answers[SLOTS];
};

static unsigned hash_of(struct span name)
{
    unsigned hash = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)ascii_lower(name.ptr[i])) * 16777619u;
    return hash % SLOTS;
}

static struct fields *fields_of(struct scanning *s)
{
    const struct header_index *h = &s->q->message->header;
    struct fields *f = s->fields;

    if (f)
        return f;
    f = s->fields = arena_alloc(s->q->arena, sizeof *f);
    f->next = arena_alloc(s->q->arena, (h->count + 1) * sizeof *f->next);
    for (size_t i = 0; i < SLOTS; i++)
        f->first[i] = NONE;
    for (size_t i = h->count; i > 0; i--) {
        unsigned slot = hash_of(h->fields[i - 1].name);

        f->next[i - 1] = f->first[slot];
        f->first[slot] = (int)i - 1;
    }
    return f;
}

/* ---- one field ---- */

struct span field_raw(struct arena *a, const struct header_field *field)
{
    struct span body = text_lf(a, field->body);
    size_t length = body.len < FIELD_VALUE_BYTES ? body.len : FIELD_VALUE_BYTES;
    char *out = arena_alloc(a, length + 1);

    memcpy(out, body.ptr, length);
    out[length] = '\n';
    return span_make(out, length < FIELD_VALUE_BYTES ? length + 1 : length);
}

/* A line end and the blanks behind it are one space. */
static struct span unfolded(struct arena *a, struct span value)
{
    char *out = arena_alloc(a, value.len + 1), *to = out;

    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != '\n') {
            *to++ = value.ptr[i];
            continue;
        }
        while (i + 1 < value.len && ascii_is_wsp(value.ptr[i + 1]))
            i++;
        *to++ = ' ';
    }
    return span_make(out, (size_t)(to - out));
}

/* These have no encoded words by their standards, and what looks like one is none. */
static bool is_never_encoded(struct span name)
{
    static const char *const names[] = { "Received",     "Message-ID", "Resent-Message-ID", "Date", "Resent-Date",
                                         "MIME-Version", "References", "In-Reply-To",       NULL };

    for (size_t i = 0; names[i]; i++)
        if (span_iis(name, names[i]))
            return true;
    return span_istarts(name, SPAN("List-"));
}

static struct span decoded(struct arena *a, struct span name, struct span text)
{
    unsigned flaws = 0;

    if (span_search(text, SPAN("=?")) != SPAN_NPOS && !is_never_encoded(name))
        return words_decode(a, text, FIELD_VALUE_BYTES * 2, &flaws);
    if (!ascii_is_all(text))
        return charset_utf8(a, SPAN("utf-8"), text, FIELD_VALUE_BYTES * 2, &flaws);
    return text;
}

struct span field_decoded(struct arena *a, const struct header_field *field)
{
    struct span value = text_lf(a, field->body);

    value = span_first(value, FIELD_VALUE_BYTES);
    if (span_find(value, '\n') != SPAN_NPOS)
        value = unfolded(a, value);
    return decoded(a, field->name, span_trim(value));
}

/* ---- values ---- */

struct collecting {
    struct arena *arena;
    const struct header_index *header;
    struct rule_lines out;
    size_t room;
};

static void collect(struct collecting *c, struct span value)
{
    lines_add(c->arena, &c->out, &c->room, value);
}

static struct span with_end(struct arena *a, struct span value)
{
    char *out = arena_alloc(a, value.len + 1);

    if (value.len)
        memcpy(out, value.ptr, value.len);
    out[value.len] = '\n';
    return span_make(out, value.len + 1);
}

static void collect_field(struct collecting *c, const struct header_field *field, const struct field_request *r)
{
    if (r->is_raw || r->is_addr || r->is_name)
        collect(c, field_raw(c->arena, field));
    else
        collect(c, with_end(c->arena, field_decoded(c->arena, field)));
}

/* Our own Received field, which is not in the message yet. */
static void collect_own(struct scanning *s, struct collecting *c, const struct field_request *r)
{
    struct span own = relays_own_field(s);

    if (own.len)
        collect(c, with_end(c->arena, r->is_raw ? own : span_trim(own)));
}

static void collect_named(struct scanning *s, struct collecting *c, struct span name, const struct field_request *r)
{
    const struct fields *f = fields_of(s);

    if (span_iis(name, "Received"))
        collect_own(s, c, r);
    for (int i = f->first[hash_of(name)]; i != NONE; i = f->next[i])
        if (span_ieq(c->header->fields[i].name, name))
            collect_field(c, &c->header->fields[i], r);
}

static struct span whole_field(struct arena *a, const struct header_field *field, bool is_raw)
{
    struct span name = span_first(field->name, FIELD_NAME_BYTES);

    if (is_raw)
        return text_lf(a, field->whole);
    struct span value = field_decoded(a, field);
    char *out = arena_alloc(a, name.len + value.len + 3);

    memcpy(out, name.ptr, name.len);
    memcpy(out + name.len, ": ", 2);
    if (value.len)
        memcpy(out + name.len + 2, value.ptr, value.len);
    out[name.len + 2 + value.len] = '\n';
    return span_make(out, name.len + value.len + 3);
}

/* All fields from the first to the last of these numbers. */
static void collect_range(struct collecting *c, size_t from, size_t to, bool is_raw)
{
    size_t bytes = 0;

    for (size_t i = from; i < to && i < c->header->count && bytes < FIELDS_BYTES; i++) {
        struct span one = whole_field(c->arena, &c->header->fields[i], is_raw);

        bytes += one.len;
        if (bytes <= FIELDS_BYTES)
            collect(c, one);
    }
}

/* ---- pseudo-fields ---- */

/* The place of the nth Received field, from 0; behind the last field when there are fewer. */
static size_t received_at(const struct header_index *h, size_t nth)
{
    for (size_t i = 0; i < h->count; i++)
        if (span_iis(h->fields[i].name, "Received") && nth-- == 0)
            return i;
    return h->count;
}

/* Those above a Received field were added after it. The one of the first host that is not trusted was written by the
 * last that is: it belongs to both. Where we are that one it is not in the message yet. */
static bool collect_relays_fields(struct scanning *s, struct collecting *c, const struct field_request *r)
{
    static const struct {
        const char *name;
        bool is_internal, is_above;
    } kinds[] = { { "ALL-TRUSTED", false, true },
                  { "ALL-INTERNAL", true, true },
                  { "ALL-UNTRUSTED", false, false },
                  { "ALL-EXTERNAL", true, false } };

    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!span_is(r->name, kinds[i].name))
            continue;
        const struct relays *relays = relays_of(s);
        bool is_all_foreign = relays->has_client && !(kinds[i].is_internal ? relays->internal : relays->trusted);
        size_t at = received_at(c->header, kinds[i].is_internal ? relays->internal_fields : relays->trusted_fields);

        if (!kinds[i].is_above)
            collect_range(c, is_all_foreign ? 0 : at, c->header->count, r->is_raw);
        else if (!is_all_foreign)
            collect_range(c, 0, at + 1, r->is_raw);
        return true;
    }
    return false;
}

static bool collect_relays_text(struct scanning *s, struct collecting *c, const struct field_request *r)
{
    if (!span_istarts(r->name, SPAN("X-Spam-Relays-")))
        return false;
    struct span which = span_skip(r->name, strlen("X-Spam-Relays-"));
    const struct relays *relays = relays_of(s);

    if (span_iis(which, "Trusted"))
        collect(c, relays->trusted_text);
    else if (span_iis(which, "Untrusted"))
        collect(c, relays->untrusted_text);
    else if (span_iis(which, "Internal"))
        collect(c, relays->internal_text);
    else if (span_iis(which, "External"))
        collect(c, relays->external_text);
    return true;
}

static void collect_sender(struct scanning *s, struct collecting *c)
{
    struct span sender;

    if (relays_sender(s, &sender))
        collect(c, sender);
}

static bool collect_pseudo(struct scanning *s, struct collecting *c, const struct field_request *r)
{
    static const char *const ids[] = { "X-Message-Id", "Resent-Message-Id", "X-Original-Message-ID", "Message-Id" };

    if (span_is(r->name, "ALL")) {
        collect_range(c, 0, c->header->count, r->is_raw);
    } else if (span_iis(r->name, "EnvelopeFrom")) {
        collect_sender(s, c);
    } else if (span_iis(r->name, "ToCc")) {
        collect_named(s, c, SPAN("To"), r);
        collect_named(s, c, SPAN("Cc"), r);
    } else if (span_is(r->name, "MESSAGEID")) {
        for (size_t i = 0; i < COUNT(ids); i++)
            collect_named(s, c, span_of(ids[i]), r);
    } else {
        return collect_relays_fields(s, c, r) || collect_relays_text(s, c, r);
    }
    return true;
}

/* ---- asking ---- */

static struct answer *answer_of(struct scanning *s, const char *field, enum header_form form)
{
    struct fields *f = fields_of(s);
    unsigned slot = hash_of(span_of(field));

    for (struct answer *a = f->answers[slot]; a; a = a->next)
        if (a->form == form && strcmp(a->field, field) == 0)
            return a;
    struct field_request r = field_request(field, form);
    struct collecting c = { .arena = s->q->arena, .header = &s->q->message->header };
    struct answer *made = arena_alloc(s->q->arena, sizeof *made);

    if (!collect_pseudo(s, &c, &r))
        collect_named(s, &c, r.name, &r);
    *made = (struct answer){ .field = arena_dup(s->q->arena, span_of(field)), .form = form };
    made->values = field_narrow(s->q->arena, &r, c.out);
    made->next = f->answers[slot];
    f->answers[slot] = made;
    return made;
}

const struct rule_lines *scanning_values(struct scanning *s, const char *field, enum header_form form)
{
    return &answer_of(s, field, form)->values;
}

/* Values that end in LF follow each other; others have one between them. */
static struct span together(struct arena *a, const struct rule_lines *values)
{
    bool has_ends = values->items[0].len && values->items[0].ptr[values->items[0].len - 1] == '\n';
    size_t bytes = 0;

    if (values->count == 1)
        return values->items[0];
    for (size_t i = 0; i < values->count; i++)
        bytes += values->items[i].len + 1;
    char *out = arena_alloc(a, bytes), *to = out;

    for (size_t i = 0; i < values->count; i++) {
        if (i && !has_ends)
            *to++ = '\n';
        if (values->items[i].len)
            memcpy(to, values->items[i].ptr, values->items[i].len);
        to += values->items[i].len;
    }
    return span_make(out, (size_t)(to - out));
}

bool scanning_header(struct scanning *s, const char *field, enum header_form form, struct span *out)
{
    struct answer *answer = answer_of(s, field, form);

    if (!answer->values.count)
        return false;
    if (!answer->is_there)
        answer->all = together(s->q->arena, &answer->values);
    answer->is_there = true;
    *out = answer->all;
    return true;
}

/* SpamAssassin keeps the blanks behind the colon in a message's own header, and takes them away in those of parts
 * [Mail::SpamAssassin::Message, _parse_multipart]. */
static void trim_raw(struct rule_lines values)
{
    for (size_t i = 0; i < values.count; i++)
        while (values.items[i].len && strchr(" \t\n\v\f\r", *values.items[i].ptr) && *values.items[i].ptr)
            values.items[i] = span_skip(values.items[i], 1);
}

struct rule_lines scanning_part_values(struct scanning *s, struct mime_part *part, const char *field,
                                       enum header_form form)
{
    struct field_request r = field_request(field, form);
    struct collecting c = { .arena = s->q->arena, .header = &part->header };

    if (span_is(r.name, "ALL")) {
        collect_range(&c, 0, c.header->count, r.is_raw);
        return c.out;
    }
    for (size_t i = 0; i < c.header->count; i++)
        if (span_ieq(c.header->fields[i].name, r.name))
            collect_field(&c, &c.header->fields[i], &r);
    if (r.is_raw && part->parent && !part->parent->is_message)
        trim_raw(c.out);
    return field_narrow(s->q->arena, &r, c.out);
}
