/* http/original.h - a message on its way back to who sent it: with the line ends that it came with.
 *
 * An edited message is a list of pieces (mail/edit.h) in CRLF. Stretches of the original get back the LF that they
 * came with, line by line; lines of ours end as the first line of the message did. Pure; it copies nothing.
 */
#ifndef HTTP_ORIGINAL_H
#define HTTP_ORIGINAL_H

#include "gateway/http/lines.h"
#include "gateway/mail/edit.h"

struct original {
    const struct lines *lines;
    struct span message;  /* whole, in CRLF */
    struct pieces pieces; /* count 0: there is nothing to give back */
    size_t piece, at;     /* how far it has gone */
    const char *known;    /* up to here the lines of the message are counted */
    size_t line;          /* that come before `known` */
};

void original_init(struct original *o, const struct lines *lines, struct span message, const struct pieces *pieces);
/* original_next - the next stretch, of at most 64 KiB; false at the end. */
bool original_next(struct original *o, struct span *out);
/* original_bytes - of all that is still to come. */
size_t original_bytes(const struct original *o);

#endif
