/* milter/actions.c - what we want of the MTA at the end of a message. */
#include "milter/actions.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum {
    REPLY_LINE_MOST = 456, /* with codes and id a line has 512 bytes at most [RFC5321 4.5.3.1.5] */
    REPLY_LINES_MOST = 16,
    REPLY_MOST = 32 * 1024,
    REASON_TEXT_MOST = 200,
    NAMES_MOST = 24,
};

/* ---- which one of several fields of a name ---- */

struct tally {
    struct span names[NAMES_MOST];
    uint32_t counts[NAMES_MOST];
    size_t count;
};

static uint32_t *count_of(struct tally *t, struct span name)
{
    for (size_t i = 0; i < t->count; i++)
        if (span_ieq(t->names[i], name))
            return &t->counts[i];
    return NULL;
}

static void collect_names(const struct edits *edits, struct tally *t)
{
    *t = (struct tally){ .count = 0 };
    for (size_t i = 0; i < edits->count; i++)
        if (edits->items[i].field && !count_of(t, edits->items[i].header) && t->count < NAMES_MOST)
            t->names[t->count++] = edits->items[i].header;
}

/* Of each edit of a field, which one of its name it is, from 1; edits stand in the order of the message. Names beyond
 * NAMES_MOST (there are a dozen that we ever touch) keep 0. */
static uint32_t *find_positions(const struct edits *edits, const struct header_index *header)
{
    uint32_t *positions = mem_alloc((edits->count + 1) * sizeof *positions);
    struct tally t;
    size_t next = 0;

    collect_names(edits, &t);
    for (size_t i = 0; i < header->count; i++) {
        uint32_t *count = count_of(&t, header->fields[i].name);

        if (!count)
            continue;
        ++*count;
        while (next < edits->count && !edits->items[next].field)
            next++;
        if (next < edits->count && edits->items[next].field == &header->fields[i])
            positions[next++] = *count;
    }
    return positions;
}

static void change_fields(struct strbuf *out, bool is_spaced, const struct edits *edits,
                          const struct header_index *header)
{
    uint32_t *positions = find_positions(edits, header);

    for (size_t i = edits->count; i-- > 0;) {
        const struct edit *e = &edits->items[i];

        if (e->field && positions[i])
            packet_put_change(out, positions[i], e->header, e->op == EDIT_REMOVE ? SPAN("") : e->value, is_spaced);
    }
    free(positions);
}

uint32_t actions_edits(struct strbuf *out, const struct milter_terms *terms, const struct edits *edits,
                       const struct header_index *header)
{
    bool is_spaced = (terms->protocol & SMFIP_HDR_LEADSPC) != 0;
    uint32_t needed = 0;

    for (size_t i = 0; i < edits->count; i++)
        needed |= edits->items[i].field ? SMFIF_CHGHDRS : SMFIF_ADDHDRS;
    if (needed & terms->actions & SMFIF_CHGHDRS)
        change_fields(out, is_spaced, edits, header);
    for (size_t i = 0; (terms->actions & SMFIF_ADDHDRS) && i < edits->count; i++)
        if (edits->items[i].op == EDIT_PREPEND)
            packet_put_insert(out, 0, edits->items[i].header, edits->items[i].value, is_spaced);
    return needed & ~terms->actions;
}

/* ---- replies ---- */

static char washed(char c)
{
    return c < ' ' || c > '~' ? '?' : c;
}

/* The MTA takes it for a format of its own: "%" is written twice. */
static void put_washed(struct strbuf *out, struct span text, size_t most)
{
    for (size_t i = 0; i < text.len && i < most; i++) {
        strbuf_putc(out, washed(text.ptr[i]));
        if (text.ptr[i] == '%')
            strbuf_putc(out, '%');
    }
}

void actions_reply(struct strbuf *out, unsigned code, const char *enhanced, struct span text, const char *id)
{
    struct strbuf reply;
    struct span line = { NULL, 0 };
    unsigned lines = 0;
    bool is_last = false;

    strbuf_init(&reply, REPLY_MOST);
    text = span_trim(text);
    while (!is_last) {
        span_cut(&text, '\n', &line);
        is_last = !text.ptr || ++lines == REPLY_LINES_MOST;
        strbuf_putf(&reply, "%u%c%s ", code, is_last ? ' ' : '-', enhanced);
        put_washed(&reply, span_trim(line), REPLY_LINE_MOST);
        if (!is_last)
            strbuf_puts(&reply, "\r\n");
    }
    if (id)
        strbuf_putf(&reply, " (id %s)", id);
    packet_put_text(out, SMFIR_REPLYCODE, strbuf_span(&reply));
    strbuf_release(&reply);
}

void actions_quarantine(struct strbuf *out, struct span reason, const char *id)
{
    struct strbuf text;

    strbuf_init(&text, REPLY_MOST);
    strbuf_puts(&text, "Postern: ");
    for (size_t i = 0; i < reason.len && i < REASON_TEXT_MOST; i++)
        strbuf_putc(&text, washed(reason.ptr[i]));
    strbuf_putf(&text, " (id %s)", id);
    packet_put_text(out, SMFIR_QUARANTINE, strbuf_span(&text));
    strbuf_release(&text);
}
