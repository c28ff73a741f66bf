/* tests/fuzz/fuzz_http_request.c - HTTP requests from strangers: head, framing, packing, envelope.
 *
 * The first byte says into which pieces the rest is cut. It must be read as the same request however it is cut, and a
 * message of it must be the same bytes: what a reader gets wrong there is how requests are smuggled.
 */
#include "tests/kit/fuzz_request.h"

/* A head that was taken has one end of its body, or none. */
static void check_framing(struct span text)
{
    struct arena a;
    struct head head;
    struct span line;
    struct request request;
    const char *wrong = NULL;
    size_t seen = 0, bytes = head_end(text, &seen);

    arena_init(&a, 1 << 20);
    if (bytes && !head_parse(&a, span_first(text, bytes), &head, &line) && head.protocol == PROTOCOL_HTTP &&
        !request_read(&head, &request, &wrong)) {
        bool has_length = head_find(&head, "Content-Length", 0), has_coding = head_find(&head, "Transfer-Encoding", 0);

        if ((has_length && has_coding) || head_find(&head, "Content-Length", 1) ||
            head_find(&head, "Transfer-Encoding", 1))
            BUG("two ways to tell where the body ends");
        if (has_length != (request.framing == FRAMING_LENGTH) || has_coding != (request.framing == FRAMING_CHUNKED))
            BUG("a framing that nobody asked for");
        if (!request.path.len || request.path.ptr[0] != '/' || span_find(request.path, '?') != SPAN_NPOS)
            BUG("no path");
        for (size_t i = 0; i < bytes; i++)
            if (text.ptr[i] == '\0' || (text.ptr[i] == '\n' && (!i || text.ptr[i - 1] != '\r')))
                BUG("a bare LF or a NUL was taken");
    }
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);

    if (size < 2)
        return 0;
    text = span_skip(text, 1);
    check_framing(text);
    check_cuts(text, (size_t)data[0] + 1);
    return 0;
}
