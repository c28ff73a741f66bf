/* mail/flowed.h - paragraphs of format=flowed text, whose lines were broken on the way [RFC3676 4].
 *
 * Threads: any. Memory: the result lies in `a`, and is no longer than `text`.
 */
#ifndef MAIL_FLOWED_H
#define MAIL_FLOWED_H

#include "gateway/base/arena.h"

/* flowed_join - lines in CRLF or LF become lines in LF; those that flow are joined with what follows in the same depth
 * of quoting, without their last blank if `is_delsp` says so. The blank that was stuffed before a line goes; the marks
 * of quoting stay. */
struct span flowed_join(struct arena *a, struct span text, bool is_delsp);

#endif
