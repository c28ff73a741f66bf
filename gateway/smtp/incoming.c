/* smtp/incoming.c - a message from the wire into its spool. */
#include "gateway/smtp/incoming.h"

#include <errno.h>

void incoming_open(struct incoming *in, enum incoming_kind kind, const struct incoming_limits *limits)
{
    incoming_close(in);
    *in = (struct incoming){ .kind = kind, .limits = *limits };
    in->spool = spool_new(limits->directory, limits->memory_most, limits->size_most);
    if (kind == INCOMING_DATA)
        body_init(&in->body, limits->bare_newline, limits->line_most);
    else
        body_init_chunks(&in->body, limits->bare_newline, limits->line_most);
}

void incoming_close(struct incoming *in)
{
    spool_free(in->spool);
    in->spool = NULL;
}

struct spool *incoming_give(struct incoming *in)
{
    struct spool *spool = in->spool;

    in->spool = NULL;
    return spool;
}

bool incoming_announce(struct incoming *in, uint64_t bytes)
{
    if (bytes > in->limits.size_most - in->chunk_bytes)
        in->is_too_big = true;
    if (in->is_too_big)
        return false;
    in->chunk_bytes += bytes;
    in->chunks++;
    return true;
}

static void put(void *arg, struct span piece)
{
    struct incoming *in = arg;

    in->bytes += piece.len;
    if (in->spool_fault)
        return;
    in->spool_fault = spool_put(in->spool, piece);
    in->spool_errno = errno;
}

size_t incoming_take(struct incoming *in, struct span bytes)
{
    if (in->kind != INCOMING_BINARY)
        return body_take(&in->body, bytes, put, in);
    put(in, bytes);
    return bytes.len;
}

static enum reply body_reply(unsigned faults)
{
    if (faults & BODY_NUL)
        return REPLY_NUL;
    return faults & BODY_LONG_LINE ? REPLY_LONG_LINE : REPLY_BARE_NEWLINE;
}

enum reply incoming_refused(const struct incoming *in)
{
    unsigned faults = body_refused(&in->body);

    if (faults)
        return body_reply(faults);
    if (in->is_too_big || in->spool_fault == FAULT_FULL || in->bytes > in->limits.size_most)
        return REPLY_TOO_BIG;
    return in->spool_fault ? REPLY_SPOOL : REPLY_NONE;
}

enum reply incoming_finish(struct incoming *in)
{
    struct span bytes;

    if (in->kind == INCOMING_CHUNKS)
        body_finish(&in->body, put, in);
    enum reply refused = incoming_refused(in);

    if (refused)
        return refused;
    in->spool_fault = spool_seal(in->spool, &bytes);
    in->spool_errno = errno;
    return incoming_refused(in);
}

static void discard(void *arg, struct span piece)
{
    (void)arg, (void)piece;
}

/* BINARYMIME is for bodies [RFC3030 3]: what some server might read as one more header field is none. */
enum reply incoming_header_refused(const struct incoming *in, struct span header)
{
    struct body lines;

    if (in->kind != INCOMING_BINARY)
        return REPLY_NONE;
    body_init_chunks(&lines, BARE_REJECT, in->limits.line_most);
    body_take(&lines, header, discard, NULL);
    return body_refused(&lines) ? body_reply(body_refused(&lines)) : REPLY_NONE;
}

uint64_t incoming_number(const struct incoming *in, enum reply refused)
{
    switch (refused) {
    case REPLY_TOO_BIG: return in->limits.size_most;
    case REPLY_LONG_LINE: return in->limits.line_most;
    default: return 0;
    }
}
