/* http/intake.h - a body on its way in: framing taken off, unpacked, lines made to end in CRLF, gathered in a spool.
 *
 * No call does more than a bounded amount of work, whatever was packed into its input. Threads: the loop's.
 */
#ifndef HTTP_INTAKE_H
#define HTTP_INTAKE_H

#include "gateway/http/chunked.h"
#include "gateway/http/lines.h"
#include "gateway/http/request.h"
#include "gateway/mail/spool.h"

struct intake_limits {
    const char *directory; /* for what does not fit into memory */
    size_t memory_most, size_most;
    unsigned ratio_most; /* of what is unpacked to what came */
};

enum intake_state {
    INTAKE_MORE,
    INTAKE_AGAIN, /* enough for now: call again in another turn of the loop */
    INTAKE_ENDED,
    INTAKE_BAD_CHUNK, /* the chunked coding is broken */
    INTAKE_BAD_PACK,  /* what was to be unpacked is not of that format, or not whole */
    INTAKE_TOO_BIG,
    INTAKE_IO,  /* the spool cannot be written: errno in `error` */
    INTAKE_CUT, /* it ended before its length */
};

struct intake {
    enum intake_state state;
    struct request request;
    uint64_t left; /* of FRAMING_LENGTH */
    uint64_t came; /* bytes of the body as they came */
    struct chunked chunked;
    struct unpack *unpack; /* NULL: not packed */
    struct lines lines;
    struct spool *spool;
    enum fault fault; /* of the spool */
    int error;
};

void intake_init(struct intake *in, const struct request *request, const struct intake_limits *limits);
void intake_release(struct intake *in);
/* intake_take - reads from the front of `bytes`; *took is how much. The state stays once it is ENDED or worse. */
enum intake_state intake_take(struct intake *in, struct span bytes, size_t *took);
/* intake_end - the peer sends no more. */
enum intake_state intake_end(struct intake *in);

#endif
