/* tests/bench/bench_mime.c - the parts of messages, all of them decoded: MB a second of CPU time on one core, beside
 * GMime over the same mail. Each figure is the best of fifteen rounds, ours and theirs in turn.
 *
 * Theirs parses from memory and decodes every leaf into memory. Ours does that, looks for other readings and named
 * anomalies besides; the last column turns texts into UTF-8, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <gmime/gmime.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"
#include "gateway/mail/mime.h"

enum { ROUNDS = 15, MOST = 1 << 25 };

static const struct message_limits limits = { 1 << 20, 5000 };

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t ours(struct span bytes, bool as_text)
{
    struct message *m = message_new(bytes, &limits);
    const struct mime_tree *tree = message_mime(m);
    size_t decoded = 0;

    for (size_t i = 0; i < tree->count; i++) {
        struct mime_part *part = tree->parts[i];

        decoded += (as_text && part->is_text ? mime_text(m, part) : mime_bytes(m, part)).len;
    }
    message_free(m);
    return decoded;
}

static size_t ours_bytes(struct span bytes)
{
    return ours(bytes, false);
}

static size_t ours_text(struct span bytes)
{
    return ours(bytes, true);
}

static void decode_leaf(GMimeObject *parent, GMimeObject *part, gpointer decoded)
{
    GMimeDataWrapper *content = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;

    (void)parent;
    if (!content)
        return;
    GMimeStream *out = g_mime_stream_mem_new();

    g_mime_data_wrapper_write_to_stream(content, out);
    *(size_t *)decoded += (size_t)g_mime_stream_length(out);
    g_object_unref(out);
}

static size_t gmime(struct span bytes)
{
    GMimeStream *in = g_mime_stream_mem_new_with_buffer(bytes.ptr, bytes.len);
    GMimeParser *parser = g_mime_parser_new_with_stream(in);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    size_t decoded = 0;

    g_mime_message_foreach(message, decode_leaf, &decoded);
    g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(in);
    return decoded;
}

static double speed(size_t (*work)(struct span), struct span bytes)
{
    double start = cpu_s(), end = start;
    size_t done = 0;

    while (end - start < 0.01) {
        work(bytes);
        done += bytes.len;
        end = cpu_s();
    }
    return (double)done / (end - start) / 1e6;
}

static void repeat(struct strbuf *b, const char *line, size_t bytes)
{
    for (size_t end = b->len + bytes; b->len < end;)
        strbuf_puts(b, line);
}

#define LETTERS "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNrIGJy\r\n"

/* An ordinary mail of about `bytes`: a text and a page in quoted-printable, the rest an attachment. */
static void ordinary(struct strbuf *b, size_t bytes)
{
    size_t text = bytes / 5 < 20000 ? bytes / 5 : 20000;

    strbuf_puts(b, "Received: from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.net with ESMTPS\r\n"
                   "\tfor <you@example.net>; Mon, 23 Nov 2026 10:00:00 +0000\r\nFrom: Somebody <me@example.org>\r\n"
                   "To: you@example.net\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.org>\r\n"
                   "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: multipart/mixed; boundary=\"=_outer_1234567890\"\r\n\r\n--=_outer_1234567890\r\n"
                   "Content-Type: multipart/alternative; boundary=\"=_inner_1234567890\"\r\n\r\n"
                   "--=_inner_1234567890\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    repeat(b, "Zw=C3=B6lf Boxk=C3=A4mpfer jagen Viktor quer =C3=BCber den gro=C3=9Fen =\r\nSylter Deich.\r\n", text);
    strbuf_puts(b, "\r\n--=_inner_1234567890\r\nContent-Type: text/html; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><body>\r\n");
    repeat(b,
           "<p class=3D\"text\">The quick brown fox jumps over <a href=3D\"https://exam=\r\nple.org/\">the "
           "dog</a></p>\r\n",
           text * 2);
    strbuf_puts(b, "</body></html>\r\n--=_inner_1234567890--\r\n\r\n--=_outer_1234567890\r\n"
                   "Content-Type: application/pdf; name=\"report.pdf\"\r\nContent-Transfer-Encoding: base64\r\n"
                   "Content-Disposition: attachment; filename=\"report.pdf\"\r\n\r\n");
    if (bytes > b->len)
        repeat(b, LETTERS, bytes - b->len);
    strbuf_puts(b, "\r\n--=_outer_1234567890--\r\n");
}

static void plain(struct strbuf *b, size_t bytes)
{
    strbuf_puts(b, "From: me@example.org\r\nTo: you@example.net\r\nSubject: plain\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
    repeat(b, "The quick brown fox jumps over the lazy dog, and so on and so forth.\r\n", bytes);
}

static void small_parts(struct strbuf *b, size_t bytes)
{
    strbuf_puts(b, "From: me@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    repeat(b,
           "--b\r\nContent-Type: text/plain; charset=utf-8; name=\"a.txt\"\r\nContent-Transfer-Encoding: "
           "base64\r\n\r\n" LETTERS LETTERS LETTERS LETTERS "\r\n",
           bytes);
    strbuf_puts(b, "--b--\r\n");
}

int main(void)
{
    static const struct {
        const char *name;
        void (*make)(struct strbuf *, size_t);
        size_t bytes;
    } mails[] = {
        { "ordinary, 3 KB", ordinary, 3000 },
        { "ordinary, 10 KB", ordinary, 10000 },
        { "ordinary, 100 KB", ordinary, 100000 },
        { "ordinary, 1 MB", ordinary, 1000000 },
        { "plain text, 10 KB", plain, 10000 },
        { "plain text, 1 MB", plain, 1000000 },
        { "200 parts of 440 bytes", small_parts, 88000 },
    };

    g_mime_init();
    printf("%-26s %9s %9s %9s\n", "MB/s", "ours", "GMime", "with text");
    for (size_t i = 0; i < COUNT(mails); i++) {
        double best[3] = { 0 };
        struct strbuf b;

        strbuf_init(&b, MOST);
        mails[i].make(&b, mails[i].bytes);
        if (ours_bytes(strbuf_span(&b)) != gmime(strbuf_span(&b)))
            printf("%s: %zu bytes decoded, GMime %zu\n", mails[i].name, ours_bytes(strbuf_span(&b)),
                   gmime(strbuf_span(&b)));
        for (int round = 0; round < ROUNDS; round++) {
            size_t (*const work[])(struct span) = { ours_bytes, gmime, ours_text };

            for (size_t k = 0; k < COUNT(work); k++) {
                double now = speed(work[k], strbuf_span(&b));

                best[k] = now > best[k] ? now : best[k];
            }
        }
        printf("%-26s %9.0f %9.0f %9.0f\n", mails[i].name, best[0], best[1], best[2]);
        strbuf_release(&b);
    }
    g_mime_shutdown();
    return 0;
}
