/* http/intake.c - a body on its way in. */
#include "gateway/http/intake.h"

#include <errno.h>

enum { QUOTA_BYTES = 256 * 1024, TAKE_MOST = 64 * 1024 };

/* ---- from the inside out: spool, lines, unpacking ---- */

static void put(void *arg, struct span piece)
{
    struct intake *in = arg;

    if (in->fault)
        return;
    in->fault = spool_put(in->spool, piece);
    in->error = errno;
}

static void put_lines(void *arg, struct span piece)
{
    struct intake *in = arg;

    lines_take(&in->lines, piece, put, in);
}

static enum intake_state check_spool(const struct intake *in, enum intake_state fine)
{
    if (in->fault == FAULT_FULL)
        return INTAKE_TOO_BIG;
    return in->fault ? INTAKE_IO : fine;
}

/* A stretch of the body as it came. */
static enum intake_state take_body(struct intake *in, struct span body, size_t *took)
{
    enum unpack_state state = UNPACK_MORE;

    *took = body.len;
    if (in->unpack)
        state = unpack_take(in->unpack, body, QUOTA_BYTES, took, put_lines, in);
    else
        put_lines(in, body);
    in->came += *took;
    if (state == UNPACK_BROKEN)
        return INTAKE_BAD_PACK;
    if (state == UNPACK_BOMB)
        return INTAKE_TOO_BIG;
    return check_spool(in, state == UNPACK_QUOTA ? INTAKE_AGAIN : INTAKE_MORE);
}

static enum intake_state finish(struct intake *in)
{
    return in->unpack && !unpack_is_whole(in->unpack) ? INTAKE_BAD_PACK : INTAKE_ENDED;
}

/* ---- framing ---- */

static enum intake_state take_length(struct intake *in, struct span bytes, size_t *took)
{
    struct span body = span_first(bytes, in->left < bytes.len ? (size_t)in->left : bytes.len);
    enum intake_state state = take_body(in, body, took);

    in->left -= *took;
    return state == INTAKE_MORE && !in->left ? finish(in) : state;
}

/* chunked_take() cannot be asked to take half a stretch: of a packed body no more is shown to it than can be used. */
static enum intake_state take_chunks(struct intake *in, struct span bytes, size_t *took)
{
    enum intake_state state = INTAKE_MORE;

    while (state == INTAKE_MORE && *took < bytes.len) {
        struct chunked before = in->chunked;
        struct span body;
        size_t used = 0, n = chunked_take(&in->chunked, span_skip(bytes, *took), &body);

        if (body.len)
            state = take_body(in, body, &used);
        if (used < body.len) { /* back to where it stopped: in the midst of the chunk */
            in->chunked = before;
            n = chunked_take(&in->chunked, span_first(span_skip(bytes, *took), n - body.len + used), &body);
        }
        *took += n;
        if (in->chunked.state == CHUNKED_BROKEN)
            return INTAKE_BAD_CHUNK;
        if (in->chunked.state == CHUNKED_ENDED)
            return state == INTAKE_MORE ? finish(in) : state;
    }
    return state;
}

/* What was put off comes first: output that waits inside the unpacker. */
static enum intake_state take_framed(struct intake *in, struct span bytes, size_t *took)
{
    size_t none = 0;

    if (in->state == INTAKE_AGAIN && in->unpack) {
        enum intake_state state = take_body(in, SPAN(""), &none);

        if (state != INTAKE_MORE)
            return state;
    }
    if (in->request.framing == FRAMING_CHUNKED)
        return take_chunks(in, bytes, took);
    if (in->request.framing == FRAMING_LENGTH)
        return take_length(in, bytes, took);
    return in->request.framing == FRAMING_NONE ? INTAKE_ENDED : take_body(in, bytes, took);
}

/* ---- for the caller ---- */

void intake_init(struct intake *in, const struct request *request, const struct intake_limits *limits)
{
    bool is_packed = request->packing != PACKING_NONE;

    *in = (struct intake){ .state = INTAKE_MORE, .request = *request, .left = request->length };
    chunked_init(&in->chunked);
    in->spool = spool_new(limits->directory, limits->memory_most, limits->size_most);
    if (is_packed && request->framing != FRAMING_NONE)
        in->unpack = unpack_new(request->packing, limits->size_most, limits->ratio_most);
    if (request->framing == FRAMING_NONE || (request->framing == FRAMING_LENGTH && !request->length))
        in->state = finish(in);
    else if (request->framing == FRAMING_LENGTH && request->length > limits->size_most)
        in->state = INTAKE_TOO_BIG;
}

void intake_release(struct intake *in)
{
    unpack_free(in->unpack);
    spool_free(in->spool);
    lines_release(&in->lines);
    *in = (struct intake){ .state = INTAKE_ENDED };
}

enum intake_state intake_take(struct intake *in, struct span bytes, size_t *took)
{
    *took = 0;
    if (in->state > INTAKE_AGAIN)
        return in->state;
    in->state = take_framed(in, span_first(bytes, TAKE_MOST), took);
    return in->state;
}

enum intake_state intake_end(struct intake *in)
{
    size_t took = 0;

    if (in->state == INTAKE_AGAIN)
        in->state = take_framed(in, SPAN(""), &took);
    if (in->state == INTAKE_MORE)
        in->state = in->request.framing == FRAMING_TO_END ? finish(in) : INTAKE_CUT;
    return in->state;
}
