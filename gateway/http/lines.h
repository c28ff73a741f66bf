/* http/lines.h - messages from files end their lines in LF alone; ours end in CRLF (mail/header.h).
 *
 * A bare LF becomes CRLF; all else stays as it is. Input may be cut anywhere; pieces are as large as it allows.
 */
#ifndef HTTP_LINES_H
#define HTTP_LINES_H

#include "gateway/base/span.h"

struct lines {
    bool ends_in_cr;   /* what came so far */
    bool has_lf_first; /* the first line ended in LF alone: what goes back must, too */
    bool has_line;
};

typedef void lines_sink_fn(void *arg, struct span piece);

void lines_take(struct lines *l, struct span in, lines_sink_fn *sink, void *arg);

#endif
