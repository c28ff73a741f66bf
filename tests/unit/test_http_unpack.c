/* tests/unit/test_http_unpack.c - compressed bodies: whole, cut anywhere, broken, and larger than they look. */
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "gateway/base/strbuf.h"
#include "gateway/http/unpack.h"

enum { ROOM = 4 << 20 };

static struct span pack(enum packing packing, struct span in, char *out)
{
    if (packing == PACKING_ZSTD)
        return span_make(out, ZSTD_compress(out, ROOM, in.ptr, in.len, 1));
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len, .next_out = (Bytef *)out, .avail_out = ROOM
    };

    EXPECT_INT(Z_OK, deflateInit2(&z, 6, Z_DEFLATED, packing == PACKING_GZIP ? 31 : 15, 8, Z_DEFAULT_STRATEGY));
    EXPECT_INT(Z_STREAM_END, deflate(&z, Z_FINISH));
    size_t bytes = z.total_out;

    deflateEnd(&z);
    return span_make(out, bytes);
}

static void put(void *arg, struct span piece)
{
    strbuf_put(arg, piece);
}

/* In pieces of `step`, with `quota` per call. */
static enum unpack_state feed(struct unpack *u, struct span in, size_t step, size_t quota, struct strbuf *out)
{
    enum unpack_state state = UNPACK_MORE;
    size_t at = 0, took;

    while (at < in.len && state == UNPACK_MORE) {
        struct span piece = span_first(span_skip(in, at), step);

        state = unpack_take(u, piece, quota, &took, put, out);
        at += took;
        while (state == UNPACK_QUOTA) {
            piece = span_skip(piece, took);
            state = unpack_take(u, piece, quota, &took, put, out);
            at += took;
        }
    }
    return state;
}

static const enum packing packings[] = { PACKING_ZSTD, PACKING_GZIP, PACKING_ZLIB };

/* Text that packs about as well as mail does. */
static struct span text_of(size_t bytes)
{
    static char text[300000];
    uint32_t x = 7;

    for (size_t i = 0; i < bytes; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = (char)('a' + (x >> 24) % 16);
    }
    return span_make(text, bytes);
}

static void whole_bodies_come_out(void **state)
{
    static const size_t sizes[] = { 0, 1, 16384, 32768, 300000 };
    char *packed = mem_alloc(ROOM);

    (void)state;
    for (size_t p = 0; p < COUNT(packings); p++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct span in = text_of(sizes[i]), small = pack(packings[p], in, packed);

            for (size_t step = 1; step <= 100000; step *= 100) {
                struct unpack *u = unpack_new(packings[p], 1 << 20, 100);
                struct strbuf out;

                strbuf_init(&out, ROOM);
                EXPECT_FALSE(unpack_is_whole(u));
                EXPECT_INT(UNPACK_MORE, feed(u, small, step, 20000, &out));
                EXPECT_TRUE(unpack_is_whole(u));
                EXPECT_TRUE(span_eq(in, strbuf_span(&out)));
                unpack_free(u);
                strbuf_release(&out);
            }
        }
    }
    free(packed);
}

static void cut_bodies_are_not_whole(void **state)
{
    char *packed = mem_alloc(ROOM);

    (void)state;
    for (size_t p = 0; p < COUNT(packings); p++) {
        struct span small = pack(packings[p], text_of(5000), packed);
        struct unpack *u = unpack_new(packings[p], 1 << 20, 100);
        struct strbuf out;

        strbuf_init(&out, ROOM);
        EXPECT_INT(UNPACK_MORE, feed(u, span_first(small, small.len - 1), 1000, 20000, &out));
        EXPECT_FALSE(unpack_is_whole(u));
        unpack_free(u);
        strbuf_release(&out);
    }
    free(packed);
}

static void rubbish_is_refused(void **state)
{
    char *packed = mem_alloc(ROOM);

    (void)state;
    for (size_t p = 0; p < COUNT(packings); p++) {
        struct span small = pack(packings[p], text_of(5000), packed);
        const struct span bad[] = { SPAN("this is no compressed data, is it?"), small };

        packed[small.len / 2] ^= 0x55;
        packed[small.len - 2] ^= 0x55;
        for (size_t i = 0; i < COUNT(bad); i++) {
            struct unpack *u = unpack_new(packings[p], 1 << 20, 100);
            struct strbuf out;

            strbuf_init(&out, ROOM);
            enum unpack_state end = feed(u, bad[i], 1000, 20000, &out);

            /* zstd without a checksum cannot know of every flipped bit */
            EXPECT_TRUE(end == UNPACK_BROKEN || (packings[p] == PACKING_ZSTD && i == 1));
            unpack_free(u);
            strbuf_release(&out);
        }
    }
    free(packed);
}

static void what_follows_the_end_is_refused_or_another_member(void **state)
{
    char *packed = mem_alloc(ROOM);

    (void)state;
    for (size_t p = 0; p < COUNT(packings); p++) {
        struct span small = pack(packings[p], SPAN("hello"), packed);
        struct unpack *u = unpack_new(packings[p], 1 << 20, 100);
        struct strbuf out;

        memcpy(packed + small.len, packed, small.len);
        strbuf_init(&out, ROOM);
        enum unpack_state end = feed(u, span_make(packed, 2 * small.len), 7, 20000, &out);

        EXPECT_INT(packings[p] == PACKING_ZLIB ? UNPACK_BROKEN : UNPACK_MORE, end);
        EXPECT_SPAN(packings[p] == PACKING_ZLIB ? "hello" : "hellohello", strbuf_span(&out));
        unpack_free(u);
        strbuf_release(&out);
    }
    free(packed);
}

static void bombs_do_not_go_off(void **state)
{
    char *zeros = mem_alloc(ROOM), *packed = mem_alloc(ROOM);

    (void)state;
    for (size_t p = 0; p < COUNT(packings); p++) {
        struct span small = pack(packings[p], span_make(zeros, ROOM), packed);
        const struct {
            size_t most;
            unsigned ratio;
        } bounds[] = { { 1 << 20, 1000000 }, { SIZE_MAX / 2, 50 } };

        for (size_t i = 0; i < COUNT(bounds); i++) {
            struct unpack *u = unpack_new(packings[p], bounds[i].most, bounds[i].ratio);
            struct strbuf out;

            strbuf_init(&out, SIZE_MAX / 2);
            EXPECT_INT(UNPACK_BOMB, feed(u, small, 64, 100000, &out));
            EXPECT_TRUE(out.len <= (1 << 20) + 16384);
            unpack_free(u);
            strbuf_release(&out);
        }
    }
    free(zeros);
    free(packed);
}

static void no_call_gives_much_more_than_its_quota(void **state)
{
    char *zeros = mem_alloc(ROOM), *packed = mem_alloc(ROOM);

    (void)state;
    for (size_t p = 0; p < COUNT(packings); p++) {
        struct span small = pack(packings[p], span_make(zeros, 1 << 20), packed);
        struct unpack *u = unpack_new(packings[p], ROOM, 1000000);
        enum unpack_state end = UNPACK_QUOTA;
        size_t at = 0, total = 0, took;

        while (end == UNPACK_QUOTA) {
            struct strbuf out;

            strbuf_init(&out, ROOM);
            end = unpack_take(u, span_skip(small, at), 50000, &took, put, &out);
            EXPECT_TRUE(out.len <= 50000 + 16384);
            at += took;
            total += out.len;
            strbuf_release(&out);
        }
        EXPECT_INT(UNPACK_MORE, end);
        EXPECT_INT(1 << 20, total);
        EXPECT_TRUE(unpack_is_whole(u));
        unpack_free(u);
    }
    free(zeros);
    free(packed);
}

RUN_TESTS(TEST(whole_bodies_come_out), TEST(cut_bodies_are_not_whole), TEST(rubbish_is_refused),
          TEST(what_follows_the_end_is_refused_or_another_member), TEST(bombs_do_not_go_off),
          TEST(no_call_gives_much_more_than_its_quota))
