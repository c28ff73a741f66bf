/* tests/fuzz/fuzz_edit.c - how others will read a message that we have edited.
 *
 * After our edits (a field on top, one kind taken out, a Subject rewritten) it must read as intended: our field first,
 * none of the kind that went, every other field and the body as they were. (fuzz_header.c looks at the index itself.)
 */
#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/mail/edit.h"

static const char gone[] = "X-Gone", ours[] = "X-Ours", subject[] = "Subject";

/* What is left of the fields must be those of the edited message, after ours. */
static void check_edited(const struct message *m, const struct message *edited, const struct header_field *rewritten)
{
    size_t k = 1;

    if (!edited->header.count || !span_is(edited->header.fields[0].name, ours))
        BUG("our field is not on top");
    for (size_t i = 0; i < m->header.count; i++) {
        const struct header_field *f = &m->header.fields[i];

        if (span_iis(f->name, gone))
            continue;
        if (k == edited->header.count)
            BUG("field %zu is lost", i);
        if (f != rewritten && !span_eq(f->whole, edited->header.fields[k].whole))
            BUG("field %zu has changed", i);
        k++;
    }
    if (k != edited->header.count)
        BUG("%zu fields instead of %zu", edited->header.count, k);
    if (!span_ends(edited->bytes, m->body))
        BUG("the body has changed");
}

static void edit(struct message *m, struct span value)
{
    const struct message_limits limits = { SIZE_MAX, SIZE_MAX };
    const struct header_field *rewritten = NULL;
    struct pieces pieces;
    struct edits edits;
    struct strbuf out;

    edits_init(&edits, &m->arena);
    edits_prepend(&edits, ours, value);
    for (size_t i = 0; i < m->header.count; i++) {
        const struct header_field *f = &m->header.fields[i];

        if (span_iis(f->name, gone)) {
            edits_remove(&edits, f);
        } else if (!rewritten && span_iis(f->name, subject)) {
            rewritten = f;
            edits_replace(&edits, f, value);
        }
    }
    edits_apply(&edits, m, &pieces);
    strbuf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < pieces.count; i++)
        strbuf_put(&out, pieces.items[i]);
    if (out.len != pieces.bytes)
        BUG("%zu bytes instead of %zu", out.len, pieces.bytes);
    struct message *edited = message_new(strbuf_span(&out), &limits);

    check_edited(m, edited, rewritten);
    message_free(edited);
    strbuf_release(&out);
}

/* The first line is the value that we write; the rest is the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size), value;
    const struct message_limits limits = { SIZE_MAX, SIZE_MAX };

    if (!span_cut(&rest, '\n', &value))
        return 0;
    struct message *m = message_new(rest.ptr ? rest : SPAN(""), &limits);

    edit(m, value);
    message_free(m);
    return 0;
}
