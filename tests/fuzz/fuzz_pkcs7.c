/* tests/fuzz/fuzz_pkcs7.c - S/MIME: bounded, and what was signed lies in what was wrapped or in the arena. */
#include "gateway/base/bug.h"
#include "gateway/mail/pkcs7.h"

enum { MOST = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span content;
    struct arena a;
    unsigned sum = 0;

    arena_init(&a, 1 << 20);
    enum pkcs7_kind kind = pkcs7_signed(&a, span_make((const char *)data, size), MOST, &content);

    if (content.len > MOST || content.len > size || (kind == PKCS7_OTHER && content.len))
        BUG("%zu bytes of %zu", content.len, size);
    for (size_t i = 0; i < content.len; i++)
        sum += (unsigned char)content.ptr[i];
    arena_release(&a);
    return sum > 255 * MOST;
}
