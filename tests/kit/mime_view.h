/* tests/kit/mime_view.h - a tree of parts as a few lines of text, for tests.
 *
 * A line for each part, two blanks for each level: type, (reading), [anomalies], and for a leaf "its bytes".
 */
#ifndef KIT_MIME_VIEW_H
#define KIT_MIME_VIEW_H

#include "gateway/base/strbuf.h"
#include "gateway/mail/mime.h"

static const struct message_limits mime_view_limits = { 1 << 20, 1000 };

static inline void mime_view_anomalies(struct strbuf *out, uint64_t anomalies)
{
    const char *before = " [";

    for (int i = 0; i < MIME_ANOMALY_COUNT; i++) {
        if (!(anomalies >> i & 1))
            continue;
        strbuf_putf(out, "%s%s", before, mime_anomaly_name((enum mime_anomaly)i));
        before = " ";
    }
    strbuf_puts(out, anomalies ? "]" : "");
}

static inline void mime_view_part(struct strbuf *out, struct message *m, struct mime_part *part)
{
    struct span bytes = mime_bytes(m, part);

    strbuf_putf(out, "%*s%s", (int)part->depth * 2, "", part->type);
    if (part->reading[0])
        strbuf_putf(out, " (%s)", part->reading);
    mime_view_anomalies(out, part->anomalies);
    if (!part->children) {
        strbuf_puts(out, " \"");
        strbuf_put_escaped(out, bytes, 200);
        strbuf_puts(out, "\"");
    }
    strbuf_puts(out, "\n");
}

static inline void mime_view(struct strbuf *out, struct message *m)
{
    const struct mime_tree *tree = message_mime(m);

    strbuf_init(out, 1 << 20);
    for (size_t i = 0; i < tree->count; i++)
        mime_view_part(out, m, tree->parts[i]);
}

#endif
