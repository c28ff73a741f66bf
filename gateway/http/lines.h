/* http/lines.h - messages from files end their lines in LF alone; ours end in CRLF (mail/header.h).
 *
 * A bare LF becomes CRLF; all else stays as it is. Input may be cut anywhere; short pieces of it go out together. Which
 * lines ended how is kept, so that a message can go back as it came (http/original.h): a bit per line, and none while
 * all end as the first does.
 */
#ifndef HTTP_LINES_H
#define HTTP_LINES_H

#include "gateway/base/span.h"

struct lines {
    bool ends_in_cr;   /* what came so far */
    bool has_lf_first; /* the first line ended in LF alone */
    size_t count;      /* ends of lines */
    uint8_t *bare;     /* a bit for each; NULL: all are as the first */
    size_t bare_bytes;
};

typedef void lines_sink_fn(void *arg, struct span piece);

void lines_take(struct lines *l, struct span in, lines_sink_fn *sink, void *arg);
/* lines_is_bare - whether the nth line, from 0, ended in LF alone; of those that have no end here: as the first. */
bool lines_is_bare(const struct lines *l, size_t nth);
void lines_release(struct lines *l);

#endif
