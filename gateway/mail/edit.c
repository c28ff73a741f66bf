/* mail/edit.c - what we change in a message on its way. */
#include "gateway/mail/edit.h"

#include "gateway/base/bug.h"

void edits_init(struct edits *e, struct arena *arena)
{
    *e = (struct edits){ .arena = arena };
}

static void add(struct edits *e, struct edit edit)
{
    if (e->count == e->capacity) {
        e->capacity = e->capacity ? e->capacity * 2 : 16;
        e->items = arena_grow(e->arena, e->items, e->count, e->capacity, sizeof *e->items);
    }
    e->items[e->count++] = edit;
}

static bool is_folding(struct span value, size_t at)
{
    return at + 2 < value.len && value.ptr[at] == '\r' && value.ptr[at + 1] == '\n' && ascii_is_wsp(value.ptr[at + 2]);
}

static struct span safe_value(struct arena *a, struct span value)
{
    char *out = arena_dup(a, value);

    for (size_t i = 0; i < value.len; i++) {
        if (is_folding(value, i))
            i += 2;
        else if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0')
            out[i] = ' ';
    }
    return span_make(out, value.len);
}

void edits_prepend(struct edits *e, const char *name, struct span value)
{
    add(e, (struct edit){ .op = EDIT_PREPEND,
                          .header = arena_copy(e->arena, span_of(name)),
                          .value = safe_value(e->arena, value) });
}

/* Fields go in the order of the message, each once, so that edits_apply() is one pass. */
static void expect_order(const struct edits *e, const struct header_field *field)
{
    for (size_t i = e->count; i-- > 0;) {
        if (e->items[i].field && e->items[i].field >= field)
            BUG("edits of header fields out of order");
        if (e->items[i].field)
            return;
    }
}

void edits_remove(struct edits *e, const struct header_field *field)
{
    expect_order(e, field);
    add(e, (struct edit){ .op = EDIT_REMOVE, .header = field->name, .value = span_trim(field->body), .field = field });
}

void edits_replace(struct edits *e, const struct header_field *field, struct span value)
{
    expect_order(e, field);
    add(e, (struct edit){
               .op = EDIT_REPLACE, .header = field->name, .value = safe_value(e->arena, value), .field = field });
}

static void put(struct pieces *p, struct span s)
{
    if (!s.len)
        return;
    p->items[p->count++] = s;
    p->bytes += s.len;
}

static struct span line_of(const struct edits *e, const struct edit *edit)
{
    struct span h = edit->header, v = edit->value;
    char *line = arena_alloc(e->arena, h.len + v.len + 5);
    size_t n = 0;

    memcpy(line, h.ptr, h.len);
    n += h.len;
    memcpy(line + n, ": ", 2);
    n += 2;
    if (v.len)
        memcpy(line + n, v.ptr, v.len);
    n += v.len;
    memcpy(line + n, "\r\n", 2);
    return span_make(line, n + 2);
}

/* What follows the last field. Without an empty line before it (the header ended at a line that is no field) it gets
 * one: a folded line would go on with the last field that we put on top, and lenient readers would find fields there
 * that no check has seen. */
static void put_body(struct pieces *p, const struct message *m, const char *at)
{
    const char *body = m->bytes.ptr + m->header.body_at, *end = m->bytes.ptr + m->bytes.len;

    if (m->header.anomalies & HEADER_BAD_LINE) {
        put(p, span_make(at, (size_t)(body - at)));
        put(p, SPAN("\r\n"));
        at = body;
    }
    put(p, span_make(at, (size_t)(end - at)));
}

void edits_apply(const struct edits *e, const struct message *m, struct pieces *out)
{
    const char *at = m->bytes.ptr;

    *out = (struct pieces){ .items = arena_alloc(e->arena, (e->count * 2 + 4) * sizeof *out->items) };
    for (size_t i = e->count; i-- > 0;)
        if (e->items[i].op == EDIT_PREPEND)
            put(out, line_of(e, &e->items[i]));
    for (size_t i = 0; i < e->count; i++) {
        const struct edit *edit = &e->items[i];

        if (!edit->field)
            continue;
        put(out, span_make(at, (size_t)(edit->field->whole.ptr - at)));
        if (edit->op == EDIT_REPLACE)
            put(out, line_of(e, edit));
        at = edit->field->whole.ptr + edit->field->whole.len;
    }
    put_body(out, m, at);
}
