/* tests/fuzz/fuzz_charset.c - text of any charset: what comes out is UTF-8, and no more of it than asked for.
 *
 * The first line is the label, the rest the text.
 */
#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *a, struct span label, struct span text, size_t most)
{
    unsigned flaws = 0, again = 0;
    struct span utf8 = charset_utf8(a, label, text, most, &flaws);

    if (utf8.len > most || !utf8_is_valid(utf8))
        BUG("charset %.*s: %zu bytes that are no UTF-8, or more than %zu", SPAN_ARG(label), utf8.len, most);
    if (!span_eq(utf8, charset_utf8(a, SPAN("utf-8"), utf8, most, &again)) && !span_starts(utf8, SPAN("\xef\xbb\xbf")))
        BUG("what is UTF-8 changed");
}

/* ascii_length() and utf8_valid_length() against one character after the other. */
static void check_lengths(struct span text)
{
    size_t ascii = 0, valid = 0, length = 1;

    while (ascii < text.len && (unsigned char)text.ptr[ascii] < 0x80)
        ascii++;
    while (length) {
        length = utf8_length(span_skip(text, valid));
        valid += length;
    }
    if (ascii_length(text) != ascii || utf8_valid_length(text) != valid)
        BUG("%zu bytes of ASCII, %zu of UTF-8", ascii, valid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size), label;
    struct arena a;

    if (!span_cut(&text, '\n', &label) || !text.ptr)
        return 0;
    arena_init(&a, 1 << 26);
    check_lengths(text);
    check(&a, label, text, 1 << 20);
    check(&a, label, text, size / 2);
    check(&a, SPAN(""), text, 1 << 20);
    arena_release(&a);
    return 0;
}
