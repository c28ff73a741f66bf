/* tests/unit/test_http_intake.c - bodies by every framing and packing, cut anywhere; and their bounds. */
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "gateway/base/strbuf.h"
#include "gateway/http/intake.h"

static const struct intake_limits limits = {
    .directory = "/tmp", .memory_most = 4096, .size_most = 1 << 20, .ratio_most = 50
};

/* In pieces of `step`; what is not taken is given again, with the next piece. */
static enum intake_state feed(struct intake *in, struct span text, size_t step, bool ends)
{
    size_t at = 0, end = 0, took;

    while (in->state <= INTAKE_AGAIN && (at < text.len || in->state == INTAKE_AGAIN)) {
        end = end + step < text.len ? end + step : text.len;
        intake_take(in, span_make(text.ptr + at, end - at), &took);
        at += took;
    }
    while (ends && in->state <= INTAKE_AGAIN)
        intake_end(in);
    return in->state;
}

static void expect_message(struct intake *in, struct span want)
{
    struct span bytes;

    EXPECT_INT(FAULT_NONE, spool_seal(in->spool, &bytes));
    EXPECT_INT(want.len, bytes.len);
    EXPECT_TRUE(span_eq(want, bytes));
}

static void bodies_come_in_by_every_framing(void **state)
{
    static const struct {
        struct request request;
        const char *text;
        enum intake_state end;
        const char *message;
    } cases[] = {
        { { .framing = FRAMING_NONE }, "", INTAKE_ENDED, "" },
        { { .framing = FRAMING_LENGTH, .length = 0 }, "", INTAKE_ENDED, "" },
        { { .framing = FRAMING_LENGTH, .length = 4 }, "a\nb\n", INTAKE_ENDED, "a\r\nb\r\n" },
        { { .framing = FRAMING_LENGTH, .length = 4 }, "a\nb\nGET", INTAKE_ENDED, "a\r\nb\r\n" },
        { { .framing = FRAMING_LENGTH, .length = 9 }, "a\nb\n", INTAKE_CUT, NULL },
        { { .framing = FRAMING_TO_END }, "a\r\nb", INTAKE_ENDED, "a\r\nb" },
        { { .framing = FRAMING_CHUNKED }, "2\r\na\n\r\n2\r\nb\n\r\n0\r\n\r\nGET", INTAKE_ENDED, "a\r\nb\r\n" },
        { { .framing = FRAMING_CHUNKED }, "2\r\na\n\r\n", INTAKE_CUT, NULL },
        { { .framing = FRAMING_CHUNKED }, "2\r\nabc\r\n", INTAKE_BAD_CHUNK, NULL },
        { { .framing = FRAMING_LENGTH, .length = 4, .packing = PACKING_GZIP }, "abcd", INTAKE_BAD_PACK, NULL },
        { { .framing = FRAMING_LENGTH, .length = (1 << 20) + 1 }, "", INTAKE_TOO_BIG, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].text) + 1; step++) {
            struct intake in;

            intake_init(&in, &cases[i].request, &limits);
            EXPECT_INT(cases[i].end, feed(&in, span_of(cases[i].text), step, true));
            if (cases[i].message)
                expect_message(&in, span_of(cases[i].message));
            intake_release(&in);
        }
    }
}

/* As chunks of `size` bytes. */
static void chunk(struct span body, size_t size, struct strbuf *out)
{
    for (size_t at = 0; at < body.len; at += size) {
        struct span piece = span_first(span_skip(body, at), size);

        strbuf_putf(out, "%zx\r\n", piece.len);
        strbuf_put(out, piece);
        strbuf_puts(out, "\r\n");
    }
    strbuf_puts(out, "0\r\n\r\n");
}

/* Large enough that a call does not unpack all of it, in chunks that end in the midst of that. */
static void packed_chunks_come_out_whole(void **state)
{
    static const size_t chunks[] = { 3, 1000, 100000 }, steps[] = { 1, 777, 100000 };
    size_t bytes = 900000, room = ZSTD_compressBound(bytes);
    char *text = mem_alloc(bytes), *packed = mem_alloc(room);
    uint32_t x = 7;
    struct request request = { .framing = FRAMING_CHUNKED, .packing = PACKING_ZSTD };

    (void)state;
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)('a' + ((x = x * 1664525 + 1013904223) >> 24) % 16);
    struct span small = span_make(packed, ZSTD_compress(packed, room, text, bytes, 1));

    for (size_t c = 0; c < COUNT(chunks); c++) {
        for (size_t s = 0; s < COUNT(steps); s++) {
            struct strbuf body;
            struct intake in;

            strbuf_init(&body, 4 << 20);
            chunk(small, chunks[c], &body);
            intake_init(&in, &request, &limits);
            EXPECT_INT(INTAKE_ENDED, feed(&in, strbuf_span(&body), steps[s], false));
            expect_message(&in, span_make(text, bytes));
            intake_release(&in);
            strbuf_release(&body);
        }
    }
    free(text);
    free(packed);
}

/* All of it has come, and is not unpacked yet, when the peer closes its half. */
static void what_ends_with_its_connection_is_unpacked_all_the_same(void **state)
{
    static const enum framing framings[] = { FRAMING_LENGTH, FRAMING_TO_END };
    static const enum packing packings[] = { PACKING_ZSTD, PACKING_ZLIB };
    static char text[900000];

    (void)state;
    for (size_t i = 0; i < COUNT(framings) * COUNT(packings); i++) {
        struct request request = { .framing = framings[i % 2], .packing = packings[i / 2] };
        const struct intake_limits generous = {
            .directory = "/tmp", .memory_most = 4096, .size_most = 1 << 20, .ratio_most = 100000
        };
        unsigned char packed[8192];
        uLongf bytes = sizeof packed;
        struct intake in;
        size_t took;

        if (request.packing == PACKING_ZSTD)
            bytes = ZSTD_compress(packed, sizeof packed, text, sizeof text, 1);
        else
            EXPECT_INT(Z_OK, compress(packed, &bytes, (const Bytef *)text, sizeof text));
        request.length = bytes;
        intake_init(&in, &request, &generous);
        EXPECT_INT(INTAKE_AGAIN, intake_take(&in, span_make((const char *)packed, bytes), &took));
        while (took < bytes && in.state == INTAKE_AGAIN) {
            size_t more;

            intake_take(&in, span_make((const char *)packed + took, bytes - took), &more);
            took += more;
        }
        while (in.state <= INTAKE_AGAIN)
            intake_end(&in);
        EXPECT_INT(INTAKE_ENDED, in.state);
        expect_message(&in, span_make(text, sizeof text));
        intake_release(&in);
    }
}

static void what_is_too_large_is_refused_wherever_it_shows(void **state)
{
    size_t bytes = 2 << 20, room = ZSTD_compressBound(bytes);
    char *text = mem_alloc(bytes), *packed = mem_alloc(room);
    const struct request plain = { .framing = FRAMING_TO_END },
                         zstd = { .framing = FRAMING_TO_END, .packing = PACKING_ZSTD },
                         chunked = { .framing = FRAMING_CHUNKED };
    struct strbuf body;
    struct intake in;

    (void)state;
    struct span small = span_make(packed, ZSTD_compress(packed, room, text, bytes, 1));

    intake_init(&in, &plain, &limits);
    EXPECT_INT(INTAKE_TOO_BIG, feed(&in, span_make(text, bytes), 10000, false));
    intake_release(&in);
    intake_init(&in, &zstd, &limits);
    EXPECT_INT(INTAKE_TOO_BIG, feed(&in, small, 10000, false));
    intake_release(&in);
    strbuf_init(&body, 4 << 20);
    chunk(span_make(text, bytes), 50000, &body);
    intake_init(&in, &chunked, &limits);
    EXPECT_INT(INTAKE_TOO_BIG, feed(&in, strbuf_span(&body), 10000, false));
    intake_release(&in);
    strbuf_release(&body);
    free(text);
    free(packed);
}

static void a_folder_that_cannot_be_written_is_a_fault_of_ours(void **state)
{
    const struct intake_limits nowhere = {
        .directory = "/nonexistent", .memory_most = 4, .size_most = 1 << 20, .ratio_most = 50
    };
    const struct request plain = { .framing = FRAMING_TO_END };
    struct intake in;

    (void)state;
    intake_init(&in, &plain, &nowhere);
    EXPECT_INT(INTAKE_IO, feed(&in, SPAN("more than four bytes"), 100, false));
    intake_release(&in);
}

RUN_TESTS(TEST(bodies_come_in_by_every_framing), TEST(packed_chunks_come_out_whole),
          TEST(what_ends_with_its_connection_is_unpacked_all_the_same),
          TEST(what_is_too_large_is_refused_wherever_it_shows),
          TEST(a_folder_that_cannot_be_written_is_a_fault_of_ours))
