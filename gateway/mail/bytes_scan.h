/* mail/bytes_scan.h - looks through a message's bytes at the speed of memory: where lines begin with two given bytes,
 * and what stands in a body that should not.
 *
 * Blocks of bytes are compared at once, so that no text, not even ten million empty lines, costs more than any other.
 *
 * Threads: any. Memory: none.
 */
#ifndef MAIL_BYTES_SCAN_H
#define MAIL_BYTES_SCAN_H

#include "gateway/base/span.h"

/* line_start_find - the first line at or behind `from` that begins with `first` and `second`; SPAN_NPOS. Lines begin
 * behind an LF, and at the beginning of `bytes`. */
size_t line_start_find(struct span bytes, size_t from, char first, char second);

enum bytes_fact {
    BYTES_NUL = 1 << 0,
    BYTES_8BIT = 1 << 1,
    BYTES_BARE_CR = 1 << 2,   /* without LF behind it */
    BYTES_BARE_LF = 1 << 3,   /* without CR before it */
    BYTES_LONG_LINE = 1 << 4, /* over 998 bytes without its CRLF [RFC5322 2.1.1] */
};

/* bytes_facts - of `bytes`, which lie in something larger or not: a CR that ends them is bare. */
unsigned bytes_facts(struct span bytes);

/* byte_find_near - as span_find(), for a byte that mostly stands within the next few: lines may be empty, millions of
 * them, and a look at each costs more than it. */
static inline size_t byte_find_near(struct span s, char byte)
{
    enum { NEAR = 16 };
    size_t near = s.len < NEAR ? s.len : NEAR;

    for (size_t i = 0; i < near; i++)
        if (s.ptr[i] == byte)
            return i;
    size_t at = span_find(span_skip(s, near), byte);

    return at == SPAN_NPOS ? at : near + at;
}

#endif
