/* tests/fuzz/fuzz_smtp_proxy.c - headers of the PROXY protocol: no crash, nothing read past them, and what was taken
 * does not depend on how it came. */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/proxy_header.h"

static void check_inside(struct span part, struct span in, size_t took)
{
    if (part.len && (part.ptr < in.ptr || part.ptr + part.len > in.ptr + took))
        BUG("a span outside of its header");
}

static void check_text(struct span part, struct span in, size_t took)
{
    check_inside(part, in, took);
    for (size_t i = 0; i < part.len; i++)
        if (part.ptr[i] < ' ' || part.ptr[i] > '~')
            BUG("text with a byte that could not stand in a log");
}

static void check(const struct proxy_header *h, struct span in, size_t took)
{
    if (!took || took > in.len || took > PROXY_V2_MAX)
        BUG("%zu bytes taken", took);
    if (h->is_local && (h->client.family || h->is_tls || h->unique_id.len))
        BUG("the proxy itself is somebody else");
    check_inside(h->unique_id, in, took);
    check_text(h->authority, in, took);
    check_text(h->tls_version, in, took);
    check_text(h->tls_cipher, in, took);
    check_text(h->tls_subject_cn, in, took);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* of its own, so that a read past it is seen */
    struct span in = { copy, size };
    struct proxy_header h, again;
    size_t took, took_again;
    const char *why;

    if (size)
        memcpy(copy, data, size);
    enum proxy_state state = proxy_header_parse(in, &h, &took, &why);

    if ((state == PROXY_BAD) != (why != NULL))
        BUG("a refusal and its reason do not go together");
    if (state == PROXY_MORE && size >= PROXY_V2_MAX)
        BUG("more than all is awaited");
    if (state == PROXY_DONE) {
        check(&h, in, took);
        if (proxy_header_parse(span_first(in, took - 1), &again, &took_again, &why) != PROXY_MORE)
            BUG("a header without its last byte is no beginning of one");
    }
    free(copy);
    return 0;
}
