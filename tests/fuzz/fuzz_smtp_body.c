/* tests/fuzz/fuzz_smtp_body.c - bytes after 354: the machine agrees with a slow and simple reader, however the network
 * cuts them, and lets no bare CR, bare LF or NUL through.
 *
 * The first byte chooses the mode, the size of chunks, and whether it comes by BDAT: then nothing in it is an end.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/smtp/body.h"

enum { LINE_MOST = 50, OUT_MOST = 1 << 20 };

/* Where data end: behind the first CRLF.CRLF, or behind .CRLF at the very start; 0: nowhere. */
static size_t find_end(struct span in)
{
    if (span_starts(in, SPAN(".\r\n")))
        return 3;
    size_t at = span_search(in, SPAN("\r\n.\r\n"));

    return at == SPAN_NPOS ? 0 : at + 5;
}

static unsigned find_faults(struct span data)
{
    unsigned faults = 0;

    for (size_t i = 0; i < data.len; i++) {
        bool has_cr = i > 0 && data.ptr[i - 1] == '\r', has_lf = i + 1 < data.len && data.ptr[i + 1] == '\n';

        if (data.ptr[i] == '\0')
            faults |= BODY_NUL;
        if (data.ptr[i] == '\n' && !has_cr)
            faults |= BODY_BARE_LF;
        if (data.ptr[i] == '\r' && !has_lf && i + 1 < data.len)
            faults |= BODY_BARE_CR;
    }
    return faults;
}

static void keep(void *arg, struct span piece)
{
    strbuf_put(arg, piece);
}

static size_t feed(struct body *b, struct span in, size_t chunk, struct strbuf *out)
{
    size_t at = 0;

    while (at < in.len && !body_is_ended(b)) {
        size_t n = in.len - at < chunk ? in.len - at : chunk;
        char *copy = malloc(n);

        memcpy(copy, in.ptr + at, n);
        at += body_take(b, span_make(copy, n), keep, out);
        free(copy);
    }
    return at;
}

static void check_out(struct span out)
{
    for (size_t i = 0; i < out.len; i++) {
        if (out.ptr[i] == '\0')
            BUG("NUL went through");
        if (out.ptr[i] == '\n' && (i == 0 || out.ptr[i - 1] != '\r'))
            BUG("a bare LF went through");
        if (out.ptr[i] == '\r' && i + 1 < out.len && out.ptr[i + 1] != '\n')
            BUG("a bare CR went through");
    }
}

static void start(struct body *b, uint8_t choice)
{
    enum bare_newline mode = choice & 1 ? BARE_NORMALISE : BARE_REJECT;

    if (choice & 0x20)
        body_init_chunks(b, mode, LINE_MOST);
    else
        body_init(b, mode, LINE_MOST);
}

static void check_chunks(struct body *b, struct span in, struct strbuf *out)
{
    if (body_is_ended(b))
        BUG("an end inside of chunks");
    body_finish(b, keep, out);
    if ((b->faults & ~(unsigned)(BODY_LONG_LINE | BODY_BARE_CR)) != (find_faults(in) & ~(unsigned)BODY_BARE_CR))
        BUG("faults %u", b->faults);
    if (!body_refused(b) && out->len && out->data[out->len - 1] != '\n')
        BUG("a last line without its end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span in = span_make((const char *)data + 1, size - 1);
    struct body whole, cut;
    struct strbuf all, bits;
    bool is_chunks = data[0] & 0x20;
    size_t end = is_chunks ? 0 : find_end(in);

    strbuf_init(&all, OUT_MOST);
    strbuf_init(&bits, OUT_MOST);
    start(&whole, data[0]);
    start(&cut, data[0]);
    size_t took = feed(&whole, in, in.len, &all), took_bits = feed(&cut, in, 1 + (data[0] >> 1) % 16, &bits);

    if (is_chunks) {
        check_chunks(&whole, in, &all);
        check_chunks(&cut, in, &bits);
    } else if (body_is_ended(&whole) != (end > 0) || (end && took != end)) {
        BUG("an end at %zu, and not at %zu", took, end);
    }
    if (took != took_bits || whole.faults != cut.faults)
        BUG("chunks change the reading");
    if (end && (whole.faults & ~(unsigned)BODY_LONG_LINE) != find_faults(span_first(in, end)))
        BUG("faults %u", whole.faults);
    if (!body_refused(&whole)) {
        if (!span_eq(strbuf_span(&all), strbuf_span(&bits)))
            BUG("chunks change the bytes");
        check_out(strbuf_span(&all));
    }
    strbuf_release(&all);
    strbuf_release(&bits);
    return 0;
}
