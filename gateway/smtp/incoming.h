/* smtp/incoming.h - one message as it comes in: by DATA up to its dot, or by BDAT in chunks [RFC3030].
 *
 * It is held to the rules of lines and sizes and gathers in a spool. What breaks a rule is read on and thrown away: the
 * client is told when it can listen.
 *
 * Threads: one. Memory: incoming_open() to incoming_close(), unless the spool is given away.
 */
#ifndef SMTP_INCOMING_H
#define SMTP_INCOMING_H

#include "gateway/mail/spool.h"
#include "gateway/smtp/body.h"
#include "gateway/smtp/reply.h"

/* INCOMING_BINARY: BODY=BINARYMIME; its body is no lines, and passes as it is. */
enum incoming_kind { INCOMING_DATA, INCOMING_CHUNKS, INCOMING_BINARY };

struct incoming_limits {
    const char *directory; /* of the spool; borrowed */
    size_t memory_most, size_most, line_most;
    enum bare_newline bare_newline;
};

struct incoming {
    struct spool *spool; /* NULL: no message is under way */
    enum incoming_kind kind;
    struct incoming_limits limits;
    struct body body;
    enum fault spool_fault;
    int spool_errno; /* of FAULT_IO */
    size_t bytes;    /* of the message so far */
    uint64_t chunk_bytes;
    unsigned chunks;
    bool is_too_big; /* a chunk is missing */
};

void incoming_open(struct incoming *in, enum incoming_kind kind, const struct incoming_limits *limits);
void incoming_close(struct incoming *in);
static inline bool incoming_is_open(const struct incoming *in)
{
    return in->spool != NULL;
}
/* incoming_announce - a chunk of so many bytes is about to come: false when they are too many: then the
 * message is refused, whatever else comes. */
bool incoming_announce(struct incoming *in, uint64_t bytes);
/* incoming_take - reads from `bytes` up to the end of DATA, or all of them; returns how many it took. */
size_t incoming_take(struct incoming *in, struct span bytes);
static inline bool incoming_is_ended(const struct incoming *in)
{
    return body_is_ended(&in->body);
}
/* incoming_refused - why the message that came so far must not be passed on: REPLY_NONE, or a reply with its number
 * (of incoming_number()). incoming_finish - the same for all of it, at its end; then the spool is sealed. */
enum reply incoming_refused(const struct incoming *in);
enum reply incoming_finish(struct incoming *in);
/* incoming_header_refused - of a message whose body is no lines: the header section is some still. */
enum reply incoming_header_refused(const struct incoming *in, struct span header);
uint64_t incoming_number(const struct incoming *in, enum reply refused);
/* incoming_give - the sealed spool is the caller's; the incoming is closed. */
struct spool *incoming_give(struct incoming *in);

#endif
