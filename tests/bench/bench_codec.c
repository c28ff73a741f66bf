/* tests/bench/bench_codec.c - transfer encodings, charsets and header texts: MB a second of CPU time on one core, ours
 * beside GMime's and GLib's where these have the same. Bytes are those of the input; each figure is the best of nine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <gmime/gmime.h>

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/mail/codec.h"
#include "gateway/mail/codec_run.h"
#include "gateway/mail/flowed.h"
#include "gateway/mail/words.h"

enum { TEXT_BYTES = 1 << 20, ROUNDS = 9 };

struct job {
    const char *name;
    struct span text;
    size_t (*ours)(struct span text);
    size_t (*theirs)(struct span text); /* NULL: nothing to compare with */
};

static char *room;
static unsigned flaws;

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* MB/s: the best round of about 10 ms. */
static double speed(size_t (*work)(struct span), struct span text)
{
    double best = 0;

    for (int i = 0; i < ROUNDS; i++) {
        double start = cpu_s(), end = start;
        size_t bytes = 0;

        while (end - start < 0.01) {
            work(text);
            bytes += text.len;
            end = cpu_s();
        }
        if ((double)bytes / (end - start) > best)
            best = (double)bytes / (end - start);
    }
    return best / 1e6;
}

static size_t ours_base64(struct span text)
{
    return base64_decode(text, room, &flaws);
}

static size_t plain_base64(struct span text)
{
    size_t made = 0;

    while (text.len) {
        struct codec_run run = base64_run_plain(text, room + made);

        made += run.made;
        text = span_skip(text, run.used ? run.used : text.len);
    }
    return made;
}

static size_t ours_quoted(struct span text)
{
    return quoted_printable_decode(text, room, &flaws);
}

static size_t gmime_decode(struct span text, GMimeContentEncoding how)
{
    GMimeEncoding state;

    g_mime_encoding_init_decode(&state, how);
    return g_mime_encoding_step(&state, text.ptr, text.len, room);
}

static size_t gmime_base64(struct span text)
{
    return gmime_decode(text, GMIME_CONTENT_ENCODING_BASE64);
}

static size_t gmime_quoted(struct span text)
{
    return gmime_decode(text, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
}

static size_t gmime_uu(struct span text)
{
    GMimeEncoding state;

    g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_UUENCODE);
    state.state = GMIME_UUDECODE_STATE_BEGIN;
    return g_mime_encoding_step(&state, text.ptr, text.len, room);
}

static size_t ours_uu(struct span text)
{
    return uuencode_decode(text, room, uuencode_most(text), &flaws);
}

static size_t ours_yenc(struct span text)
{
    return yenc_decode(text, room, &flaws);
}

static size_t charset_of(const char *label, struct span text)
{
    struct arena a;

    arena_init(&a, SIZE_MAX);
    size_t len = charset_utf8(&a, span_of(label), text, SIZE_MAX / 4, &flaws).len;

    arena_release(&a);
    return len;
}

static size_t glib_convert(const char *label, struct span text)
{
    gsize read, len = 0;
    char *converted = g_convert_with_fallback(text.ptr, (gssize)text.len, "UTF-8", label, "?", &read, &len, NULL);

    g_free(converted);
    return len;
}

static size_t ours_utf8(struct span text)
{
    return charset_of("utf-8", text);
}

static size_t glib_utf8(struct span text)
{
    return g_utf8_validate_len(text.ptr, text.len, NULL);
}

static size_t ours_1251(struct span text)
{
    return charset_of("windows-1251", text);
}

static size_t glib_1251(struct span text)
{
    return glib_convert("windows-1251", text);
}

static size_t ours_jp(struct span text)
{
    return charset_of("iso-2022-jp", text);
}

static size_t glib_jp(struct span text)
{
    return glib_convert("iso-2022-jp", text);
}

static size_t ours_invalid(struct span text)
{
    return charset_of("gb18030", text);
}

static size_t ours_flowed(struct span text)
{
    struct arena a;

    arena_init(&a, SIZE_MAX);
    size_t len = flowed_join(&a, text, false).len;

    arena_release(&a);
    return len;
}

static size_t ours_words(struct span text)
{
    struct arena a;

    arena_init(&a, SIZE_MAX);
    size_t len = words_decode(&a, text, SIZE_MAX / 4, &flaws).len;

    arena_release(&a);
    return len;
}

static size_t gmime_words(struct span text)
{
    char *decoded = g_mime_utils_header_decode_text(NULL, text.ptr);
    size_t len = strlen(decoded);

    g_free(decoded);
    return len;
}

static size_t ours_params(struct span text)
{
    struct params p;
    struct arena a;

    arena_init(&a, SIZE_MAX);
    params_read(&a, text, &p);
    arena_release(&a);
    return p.count;
}

static size_t gmime_params(struct span text)
{
    GMimeContentType *type = g_mime_content_type_parse(NULL, text.ptr);

    g_object_unref(type);
    return 1;
}

/* `unit` again and again, about `bytes` of it. */
static struct span repeated(const char *unit, size_t bytes)
{
    size_t len = strlen(unit), n = 0;
    char *out = mem_alloc(bytes + len + 1);

    for (; n < bytes; n += len)
        memcpy(out + n, unit, len);
    return span_make(out, n);
}

#define LETTERS "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNrIGJy"

int main(void)
{
    const struct job jobs[] = {
        { "base64, lines of 76", repeated(LETTERS "\r\n", TEXT_BYTES), ours_base64, gmime_base64 },
        { "base64, one line", repeated(LETTERS, TEXT_BYTES), ours_base64, gmime_base64 },
        { "base64, portable loop", repeated(LETTERS "\r\n", TEXT_BYTES), plain_base64, gmime_base64 },
        { "base64, every second byte odd", repeated("V!G*h-l:", TEXT_BYTES), ours_base64, gmime_base64 },
        { "quoted-printable, English",
          repeated("The quick brown fox jumps over the lazy dog, =\r\nand so on.\r\n", TEXT_BYTES), ours_quoted,
          gmime_quoted },
        { "quoted-printable, German",
          repeated("Zw=C3=B6lf Boxk=C3=A4mpfer jagen Viktor quer =C3=BCber den Sylter=\r\n", TEXT_BYTES), ours_quoted,
          gmime_quoted },
        { "quoted-printable, Russian",
          repeated("=D0=A1=D1=8A=D0=B5=D1=88=D1=8C =D0=B5=D1=89=D1=91 =D1=8D=D1=82=\r\n", TEXT_BYTES), ours_quoted,
          gmime_quoted },
        { "quoted-printable, = alone", repeated("= ", TEXT_BYTES), ours_quoted, gmime_quoted },
        { "uuencode", repeated("M5&AE('%U:6-K(&)R;W=N(&9O>\"!J=6UP<R!O=F5R('1H92!L87IY(&1O9RX@\r\n", TEXT_BYTES),
          ours_uu, gmime_uu },
        { "yEnc", repeated("km\x8b\x9e=}klmnopqrstuvwxyz{|}~\x80\x81\x82\x83\r\n", TEXT_BYTES), ours_yenc, NULL },
        { "UTF-8, ASCII", repeated("The quick brown fox jumps over the lazy dog. \r\n", TEXT_BYTES), ours_utf8,
          glib_utf8 },
        { "UTF-8, German",
          repeated("Zw\xc3\xb6lf Boxk\xc3\xa4mpfer jagen Viktor quer \xc3\xbc"
                   "ber\r\n",
                   TEXT_BYTES),
          ours_utf8, glib_utf8 },
        { "UTF-8, Russian", repeated("\xd0\xa1\xd1\x8a\xd0\xb5\xd1\x88\xd1\x8c \xd0\xb5\xd1\x89\xd1\x91 ", TEXT_BYTES),
          ours_utf8, glib_utf8 },
        { "UTF-8, broken", repeated("\xd0\xff", TEXT_BYTES), ours_utf8, NULL },
        { "windows-1251", repeated("\xd1\xfa\xe5\xf8\xfc \xe5\xf9\xb8 \xfd\xf2\xe8\xf5 ", TEXT_BYTES), ours_1251,
          glib_1251 },
        { "ISO-2022-JP", repeated("\x1b$BF|K\\8l$N%F%-%9%H\x1b(B and ASCII\r\n", TEXT_BYTES), ours_jp, glib_jp },
        { "ISO-2022-JP, escapes", repeated("\x1b$BF|\x1b(B", TEXT_BYTES), ours_jp, glib_jp },
        { "GB18030, broken", repeated("\xff\xd6\xd0", TEXT_BYTES), ours_invalid, NULL },
        { "format=flowed", repeated("The quick brown fox jumps over the lazy dog, and so on. \r\n> x\r\n", TEXT_BYTES),
          ours_flowed, NULL },
        { "a Subject", SPAN("=?utf-8?q?Zw=C3=B6lf_Boxk=C3=A4mpfer?= =?utf-8?b?Z3LDvMOf?= plain"), ours_words,
          gmime_words },
        { "64 KB of encoded words", repeated("=?utf-8?q?Zw=C3=B6lf?= ", 1 << 16), ours_words, gmime_words },
        { "64 KB of broken ones", repeated("=?utf-8?q?", 1 << 16), ours_words, gmime_words },
        { "a Content-Type", SPAN("text/plain; charset=\"utf-8\"; format=flowed; name*0*=utf-8''gr%C3%BC; name*1=x"),
          ours_params, gmime_params },
        { "64 KB of parameters", repeated("a=b c=d ; (e) f*1=g; ", 1 << 16), ours_params, NULL },
        { "64 KB of comments", repeated("(a ", 1 << 16), ours_params, NULL },
    };

    room = mem_alloc(4 * TEXT_BYTES);
    g_mime_init();
    printf("AVX2: %s\n%-32s %10s %10s\n", codec_has_wide() ? "yes" : "no", "MB/s", "ours", "theirs");
    for (size_t i = 0; i < COUNT(jobs); i++) {
        printf("%-32s %10.1f", jobs[i].name, speed(jobs[i].ours, jobs[i].text));
        if (jobs[i].theirs)
            printf(" %10.1f", speed(jobs[i].theirs, jobs[i].text));
        printf("\n");
    }
    g_mime_shutdown();
    return 0;
}
