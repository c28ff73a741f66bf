/* smtp/body.h - the bytes of a message: where they end, and what they are without the stuffed dots.
 *
 * Data end at CRLF.CRLF alone [RFC5321 4.1.1.4]; nothing else that some server somewhere takes for an end is one here
 * (CVE-2023-51764 to 51766), and no bare CR, bare LF or NUL is ever passed on. Only what CRLF begins is a line: a dot
 * behind a bare LF is neither an end nor stuffed.
 *
 * What comes in chunks [RFC3030] ends where the chunks do, and its dots are dots; lines are held to the same rules, for
 * the message may go on by DATA.
 *
 * Works on chunks of any size at the speed of memchr(); a chunk may be cut anywhere. Nothing is kept but the state.
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "gateway/base/span.h"

/* BARE_REJECT: the message is refused at its end. BARE_NORMALISE: each bare CR or LF becomes CRLF. NUL is refused in
 * both. The words of the key `bare_newline`, in this order. */
enum bare_newline { BARE_REJECT, BARE_NORMALISE };

enum body_fault {
    BODY_BARE_CR = 1 << 0,
    BODY_BARE_LF = 1 << 1,
    BODY_NUL = 1 << 2,
    BODY_LONG_LINE = 1 << 3, /* longer than line_most, without its CRLF */
};

enum body_state { BODY_LINE_START, BODY_DOT, BODY_DOT_CR, BODY_TEXT, BODY_TEXT_CR, BODY_ENDED };

struct body {
    enum body_state state;
    enum bare_newline mode;
    bool has_dots; /* it comes by DATA */
    size_t line_most;
    size_t line_bytes; /* of the line that is being read */
    unsigned faults;   /* of enum body_fault: all that were seen so far */
};

/* body_sink_fn - gets the unstuffed bytes, in pieces as large as the input allows. */
typedef void body_sink_fn(void *arg, struct span piece);

/* body_init - of DATA. body_init_chunks - of BDAT: it ends by body_finish(). */
void body_init(struct body *b, enum bare_newline mode, size_t line_most);
void body_init_chunks(struct body *b, enum bare_newline mode, size_t line_most);
/* body_take - reads from `in` up to the end of data, or all of it; returns how many bytes it took. What it took before
 * a fault may have gone to the sink; after a fault that refuses the message nothing goes there any more. */
size_t body_take(struct body *b, struct span in, body_sink_fn *sink, void *arg);
/* body_finish - no more bytes come: a last line without its CRLF gets one. */
void body_finish(struct body *b, body_sink_fn *sink, void *arg);

static inline bool body_is_ended(const struct body *b)
{
    return b->state == BODY_ENDED;
}
/* body_refused - the faults for which the message must not be passed on, as enum body_fault; 0: none. */
unsigned body_refused(const struct body *b);

#endif
