/* tests/fuzz/fuzz_mime.c - the parts of messages, all readings and bodies: whatever the bytes, nothing is lost, nothing
 * is out of bounds, and the work is bounded (tests/kit/mime_invariants.h).
 */
#include "tests/kit/mime_invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_limits limits = { 1 << 20, size % 3 ? 1000 : 3 };
    struct message *m = message_new(span_make((const char *)data, size), &limits);

    check_mime(m);
    if (message_mime(m)->looked_at > 64 * (3 * (uint64_t)size + (1 << 20)))
        BUG("%llu bytes looked at for %zu", (unsigned long long)message_mime(m)->looked_at, size);
    message_free(m);
    return 0;
}
