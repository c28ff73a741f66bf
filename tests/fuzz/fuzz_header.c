/* tests/fuzz/fuzz_header.c - the header section's index, and the edits that stand on it.
 *
 * Whatever the bytes: fields lie inside the message, in order, without gaps; the body begins behind them; taking out
 * every other field and putting one on top changes nothing else.
 */
#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/mail/edit.h"

static void check_index(const struct message *m)
{
    const char *at = m->bytes.ptr;

    for (size_t i = 0; i < m->header.count; i++) {
        const struct header_field *f = &m->header.fields[i];

        if (f->whole.ptr != at || f->name.ptr != at || !f->name.len)
            BUG("field %zu is not where the last one ended", i);
        if (f->body.ptr < f->name.ptr + f->name.len || f->body.ptr + f->body.len > f->whole.ptr + f->whole.len)
            BUG("the body of field %zu is outside of it", i);
        at += f->whole.len;
    }
    if (m->header.body_at > m->bytes.len || m->bytes.ptr + m->header.body_at < at)
        BUG("the body begins inside the header");
    if (m->body.len + m->header.body_at != m->bytes.len)
        BUG("header and body are not the message");
}

static void check_lookups(struct message *m)
{
    for (size_t i = 0; i < m->header.count && i < 20; i++) {
        char name[100];

        if (span_copy(m->header.fields[i].name, name, sizeof name))
            continue;
        if (!header_find(&m->header, name, header_count(&m->header, name) - 1))
            BUG("a field that is counted is not found");
        struct span unfolded = header_unfold(&m->arena, m->header.fields[i].body);

        if (span_find(unfolded, '\n') != SPAN_NPOS)
            BUG("a line end is left");
    }
}

static void check_edits(const struct message *m)
{
    struct arena arena;
    struct edits edits;
    struct pieces pieces;
    struct strbuf want, got;

    arena_init(&arena, SIZE_MAX);
    strbuf_init(&want, 1 << 26);
    strbuf_init(&got, 1 << 26);
    edits_init(&edits, &arena);
    edits_prepend(&edits, "Top", SPAN("most"));
    strbuf_puts(&want, "Top: most\r\n");
    for (size_t i = 0; i < m->header.count; i++) {
        if (i % 2)
            edits_remove(&edits, &m->header.fields[i]);
        else
            strbuf_put(&want, m->header.fields[i].whole);
    }
    size_t fields = m->header.count;
    const struct header_field *last = fields ? &m->header.fields[fields - 1] : NULL;
    size_t at = last ? (size_t)(last->whole.ptr + last->whole.len - m->bytes.ptr) : 0;

    strbuf_put(&want, span_make(m->bytes.ptr + at, m->header.body_at - at));
    if (m->header.anomalies & HEADER_BAD_LINE) /* others must not find a header where we found none */
        strbuf_puts(&want, "\r\n");
    strbuf_put(&want, m->body);
    edits_apply(&edits, m, &pieces);
    for (size_t i = 0; i < pieces.count; i++)
        strbuf_put(&got, pieces.items[i]);
    if (!span_eq(strbuf_span(&want), strbuf_span(&got)) || got.len != pieces.bytes)
        BUG("the edited message is not what it should be");
    strbuf_release(&want);
    strbuf_release(&got);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_limits limits = { size % 3 ? 1 << 20 : 200, size % 5 ? 1000 : 3 };
    struct message *m = message_new(span_make((const char *)data, size), &limits);

    check_index(m);
    check_lookups(m);
    check_edits(m);
    message_free(m);
    return 0;
}
