/* http/chunked.c - the chunked transfer coding. */
#include "gateway/http/chunked.h"

enum { DIGITS_MOST = 15, SPARE_MOST = 4096 };

static enum chunked_state after_size(char c)
{
    if (c == '\r')
        return CHUNKED_SIZE_LF;
    return c == ';' ? CHUNKED_EXTENSION : CHUNKED_BROKEN;
}

static enum chunked_state take_size(struct chunked *c, char byte)
{
    int digit = ascii_hex(byte);

    if (digit < 0)
        return c->digits ? after_size(byte) : CHUNKED_BROKEN;
    if (++c->digits > DIGITS_MOST)
        return CHUNKED_BROKEN;
    c->left = c->left << 4 | (unsigned)digit;
    return CHUNKED_SIZE;
}

/* A byte of what is read over: an extension or a trailer. */
static enum chunked_state take_spare(struct chunked *c, char byte, enum chunked_state same, enum chunked_state at_cr)
{
    if (++c->spare > SPARE_MOST || (byte != '\t' && byte != '\r' && (unsigned char)byte < 0x20))
        return CHUNKED_BROKEN;
    return byte == '\r' ? at_cr : same;
}

static enum chunked_state expect(char byte, char wanted, enum chunked_state next)
{
    return byte == wanted ? next : CHUNKED_BROKEN;
}

static enum chunked_state take_byte(struct chunked *c, char byte)
{
    switch (c->state) {
    case CHUNKED_SIZE_FIRST: c->left = c->digits = 0; return take_size(c, byte);
    case CHUNKED_SIZE: return take_size(c, byte);
    case CHUNKED_EXTENSION: return take_spare(c, byte, CHUNKED_EXTENSION, CHUNKED_SIZE_LF);
    case CHUNKED_SIZE_LF: return expect(byte, '\n', c->left ? CHUNKED_DATA : CHUNKED_TRAILER_START);
    case CHUNKED_DATA_CR: return expect(byte, '\r', CHUNKED_DATA_LF);
    case CHUNKED_DATA_LF: return expect(byte, '\n', CHUNKED_SIZE_FIRST);
    case CHUNKED_TRAILER_START: return take_spare(c, byte, CHUNKED_TRAILER, CHUNKED_END_LF);
    case CHUNKED_TRAILER: return take_spare(c, byte, CHUNKED_TRAILER, CHUNKED_TRAILER_LF);
    case CHUNKED_TRAILER_LF: return expect(byte, '\n', CHUNKED_TRAILER_START);
    case CHUNKED_END_LF: return expect(byte, '\n', CHUNKED_ENDED);
    default: return CHUNKED_BROKEN;
    }
}

size_t chunked_take(struct chunked *c, struct span in, struct span *data)
{
    size_t at = 0;

    *data = span_make(in.ptr, 0);
    while (at < in.len && c->state != CHUNKED_DATA && c->state < CHUNKED_ENDED)
        c->state = take_byte(c, in.ptr[at++]);
    if (c->state != CHUNKED_DATA || at == in.len)
        return at;
    *data = span_first(span_skip(in, at), c->left < in.len ? (size_t)c->left : in.len);
    c->left -= data->len;
    if (!c->left)
        c->state = CHUNKED_DATA_CR;
    return at + data->len;
}
