/* tests/fuzz/fuzz_words.c - encoded words: what comes out is UTF-8 within its limit; text without them and without
 * raw bytes stays what it is.
 */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/header.h"
#include "gateway/mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = span_make((const char *)data, size);
    struct arena a;

    arena_init(&a, 1 << 26);
    for (size_t most = 1 << 20; most; most = most > 20 ? size % 20 : 0) {
        unsigned flaws = 0;
        struct span text = words_decode(&a, body, most, &flaws);

        if (text.len > most || !utf8_is_valid(text))
            BUG("%zu bytes that are no UTF-8, or more than %zu", text.len, most);
        if (most > size && ascii_is_all(body) && span_search(body, SPAN("=?")) == SPAN_NPOS &&
            span_find(body, 0x1b) == SPAN_NPOS && !span_eq(text, header_unfold(&a, body)))
            BUG("plain text changed");
        if (!!(flaws & WORDS_TOO_LONG) && text.len + 4 < most)
            BUG("cut at %zu of %zu", text.len, most);
    }
    arena_release(&a);
    return 0;
}
