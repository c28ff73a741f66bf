/* tests/fuzz/fuzz_codec.c - transfer encodings. What must hold for any bytes: what was encoded is decoded to itself;
 * the fast loops find what the plain ones find; nothing is written behind the room that was promised.
 */
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/mail/codec.h"
#include "gateway/mail/codec_run.h"
#include "gateway/mail/flowed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes into a buffer of exactly the room promised, so that the sanitizer sees a byte behind it. */
static size_t decode(size_t (*how)(struct span, char *, unsigned *), struct span text, char **out, unsigned *flaws)
{
    *flaws = 0;
    *out = mem_alloc(codec_most(text.len));
    size_t len = how(text, *out, flaws);

    if (len > codec_most(text.len))
        BUG("%zu bytes of %zu", len, text.len);
    return len;
}

static void check_runs(struct span text)
{
    char *wide = mem_alloc(text.len + 1), *plain = mem_alloc(text.len + 1);
    struct codec_run a = base64_run(text, wide), b = base64_run_plain(text, plain);

    if (a.used != b.used || a.made != b.made || memcmp(wide, plain, b.made) != 0)
        BUG("base64 runs differ: %zu and %zu bytes", a.made, b.made);
    a = quoted_run(text, wide);
    b = quoted_run_plain(text, plain);
    if (a.used != b.used || a.made != b.made || a.kept != b.kept || a.has_foreign != b.has_foreign ||
        memcmp(wide, plain, b.made) != 0)
        BUG("quoted-printable runs differ: %zu and %zu bytes", a.made, b.made);
    free(wide);
    free(plain);
}

static void check_decoders(struct span text)
{
    char *all, *less, *quoted, *yenc;
    unsigned flaws, less_flaws, ignored = 0;
    size_t len = decode(base64_decode, text, &all, &flaws);
    size_t less_len = decode(base64_decode_to_padding, text, &less, &less_flaws);

    if (less_len > len || memcmp(all, less, less_len) != 0)
        BUG("what stands before the padding is %zu bytes, all is %zu", less_len, len);
    if (len != less_len && !(less_flaws & CODEC_PADDING))
        BUG("nobody said that the readings differ");
    decode(quoted_printable_decode, text, &quoted, &flaws);
    len = decode(yenc_decode, text, &yenc, &flaws);
    yenc_check(text, span_make(yenc, len), &ignored);
    free(all);
    free(less);
    free(quoted);
    free(yenc);

    size_t room = uuencode_most(text);
    char *out = mem_alloc(room + 1);

    if (uuencode_decode(text, out, room, &flaws) > room)
        BUG("uuencode wrote over its room");
    free(out);
}

static void check_base64_of(struct span bytes, size_t line)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = mem_alloc(bytes.len * 4 + 8), *out;
    size_t n = 0;
    unsigned flaws;

    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t three = 0;

        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (i + k < bytes.len ? (unsigned char)bytes.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            text[n++] = i + k > bytes.len ? '=' : letters[three >> (18 - 6 * k) & 63];
        if (line && i / 3 % line == line - 1) {
            text[n++] = '\r';
            text[n++] = '\n';
        }
    }
    size_t len = decode(base64_decode, span_make(text, n), &out, &flaws);

    if (flaws || !span_eq(bytes, span_make(out, len)))
        BUG("base64 of %zu bytes came back as %zu, flaws %u", bytes.len, len, flaws);
    free(text);
    free(out);
}

static void check_quoted_of(struct span bytes)
{
    char *text = mem_alloc(bytes.len * 6 + 1), *out;
    size_t n = 0;
    unsigned flaws;

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];

        if (c > ' ' && c < 0x7f && c != '=') {
            text[n++] = (char)c;
        } else {
            text[n++] = '=';
            text[n++] = "0123456789ABCDEF"[c >> 4];
            text[n++] = "0123456789abcdef"[c & 15];
        }
        if (i % 20 == 19) {
            memcpy(text + n, "=\r\n", 3);
            n += 3;
        }
    }
    size_t len = decode(quoted_printable_decode, span_make(text, n), &out, &flaws);

    if (!span_eq(bytes, span_make(out, len)))
        BUG("quoted-printable of %zu bytes came back as %zu", bytes.len, len);
    free(text);
    free(out);
}

static void check_flowed(struct span text)
{
    struct arena a;

    arena_init(&a, 1 << 26);
    for (unsigned is_delsp = 0; is_delsp < 2; is_delsp++) {
        struct span joined = flowed_join(&a, text, is_delsp);

        if (joined.len > text.len)
            BUG("joined lines are longer than they were");
    }
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);

    check_runs(text);
    check_decoders(text);
    check_base64_of(text, 0);
    check_base64_of(text, 1 + size % 19);
    check_quoted_of(text);
    check_flowed(text);
    return 0;
}
