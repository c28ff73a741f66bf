/* tests/unit/test_http_request.c - where a body ends, how it is packed, and what is refused for being told twice. */
#include "tests/kit/expect.h"

#include "gateway/http/request.h"

static unsigned read_it(const char *first, const char *fields, struct request *out)
{
    struct arena a;
    struct head head;
    struct span line;
    const char *wrong = NULL;

    arena_init(&a, 1 << 20);
    const char *text = arena_printf(&a, "%s\r\n%s\r\n", first, fields);

    EXPECT_INT(HEAD_OK, head_parse(&a, span_of(text), &head, &line));
    unsigned status = (head.protocol == PROTOCOL_HTTP ? request_read : request_read_spam)(&head, out, &wrong);

    EXPECT_TRUE((status == 0) == (wrong == NULL));
    arena_release(&a);
    return status;
}

static void a_body_ends_in_one_way_or_the_request_is_refused(void **state)
{
    static const struct {
        const char *fields;
        unsigned status;
        enum framing framing;
        uint64_t length;
    } cases[] = {
        { "", 0, FRAMING_NONE, 0 },
        { "Content-Length: 0\r\n", 0, FRAMING_LENGTH, 0 },
        { "Content-length: 812\r\n", 0, FRAMING_LENGTH, 812 },
        { "Transfer-Encoding: chunked\r\n", 0, FRAMING_CHUNKED, 0 },
        { "Transfer-Encoding: CHUNKED\r\n", 0, FRAMING_CHUNKED, 0 },
        { "Content-Length: 3\r\nContent-Length: 3\r\n", 400, 0, 0 },
        { "Content-Length: 3\r\nContent-Length: 5\r\n", 400, 0, 0 },
        { "Content-Length: 3, 3\r\n", 400, 0, 0 },
        { "Content-Length: +3\r\n", 400, 0, 0 },
        { "Content-Length: -3\r\n", 400, 0, 0 },
        { "Content-Length: 0x3\r\n", 400, 0, 0 },
        { "Content-Length: 3 \r\n", 0, FRAMING_LENGTH, 3 },
        { "Content-Length:\r\n", 400, 0, 0 },
        { "Content-Length: 99999999999999999999\r\n", 400, 0, 0 },
        { "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400, 0, 0 },
        { "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400, 0, 0 },
        { "Transfer-Encoding: identity\r\n", 501, 0, 0 },
        { "Transfer-Encoding: xchunked\r\n", 501, 0, 0 },
        { "Transfer-Encoding: gzip, chunked\r\n", 501, 0, 0 },
        { "Host: a\r\nHost: b\r\n", 400, 0, 0 },
        { "Expect: 100-continue\r\n", 0, FRAMING_NONE, 0 },
        { "Expect: miracles\r\n", 417, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct request r;

        EXPECT_INT(cases[i].status, read_it("POST /checkv2 HTTP/1.1", cases[i].fields, &r));
        if (cases[i].status)
            continue;
        EXPECT_INT(cases[i].framing, r.framing);
        EXPECT_INT(cases[i].length, r.length);
    }
}

static void persistence_is_as_the_version_has_it(void **state)
{
    static const struct {
        const char *first, *fields;
        bool keeps_alive;
    } cases[] = {
        { "GET / HTTP/1.1", "", true },
        { "GET / HTTP/1.1", "Connection: close\r\n", false },
        { "GET / HTTP/1.1", "Connection: foo, Close\r\n", false },
        { "GET / HTTP/1.0", "", false },
        { "GET / HTTP/1.0", "Connection: Keep-Alive\r\n", true },
    };
    struct request r;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        EXPECT_INT(0, read_it(cases[i].first, cases[i].fields, &r));
        EXPECT_INT(cases[i].keeps_alive, r.keeps_alive);
    }
    EXPECT_INT(505, read_it("GET / HTTP/2.0", "", &r));
    EXPECT_INT(400, read_it("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n", &r));
    EXPECT_INT(0, read_it("POST / HTTP/1.0", "Content-Length: 1\r\nExpect: 100-continue\r\n", &r));
    EXPECT_FALSE(r.expects_continue);
}

static void paths_stand_without_query_and_host(void **state)
{
    static const struct {
        const char *first, *path;
        unsigned status;
    } cases[] = {
        { "GET /metrics HTTP/1.1", "/metrics", 0 },
        { "GET /metrics?a=b HTTP/1.1", "/metrics", 0 },
        { "GET http://mx.example.org:11333/ping HTTP/1.1", "/ping", 0 },
        { "GET http://mx.example.org HTTP/1.1", "/", 0 },
        { "GET metrics HTTP/1.1", "", 400 },
        { "OPTIONS * HTTP/1.1", "", 400 },
        { "CONNECT mx.example.org:25 HTTP/1.1", "", 400 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct head head;
        struct span line;
        struct request r;
        const char *wrong;

        arena_init(&a, 1 << 20);
        EXPECT_INT(HEAD_OK, head_parse(&a, span_of(arena_printf(&a, "%s\r\n\r\n", cases[i].first)), &head, &line));
        EXPECT_INT(cases[i].status, request_read(&head, &r, &wrong));
        if (!cases[i].status)
            EXPECT_SPAN(cases[i].path, r.path);
        arena_release(&a);
    }
}

static void packing_is_said_once(void **state)
{
    static const struct {
        const char *fields;
        unsigned status;
        enum packing packing;
    } cases[] = {
        { "Compression: zstd\r\n", 0, PACKING_ZSTD },
        { "Content-Encoding: ZSTD\r\n", 0, PACKING_ZSTD },
        { "Content-Encoding: gzip\r\n", 0, PACKING_GZIP },
        { "Content-Encoding: x-gzip\r\n", 0, PACKING_GZIP },
        { "Content-Encoding: deflate\r\n", 0, PACKING_ZLIB },
        { "Content-Encoding: identity\r\n", 0, PACKING_NONE },
        { "Content-Encoding: br\r\n", 415, 0 },
        { "Content-Encoding: gzip, gzip\r\n", 415, 0 },
        { "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", 400, 0 },
        { "Content-Encoding: zstd\r\nCompression: zstd\r\n", 400, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct request r;

        EXPECT_INT(cases[i].status, read_it("POST /checkv2 HTTP/1.1", cases[i].fields, &r));
        if (!cases[i].status)
            EXPECT_INT(cases[i].packing, r.packing);
    }
}

static void spam_protocols_may_leave_the_length_out(void **state)
{
    struct request r;

    (void)state;
    EXPECT_INT(0, read_it("CHECK SPAMC/1.1", "", &r));
    EXPECT_INT(FRAMING_TO_END, r.framing);
    EXPECT_FALSE(r.keeps_alive);
    EXPECT_INT(0, read_it("CHECK SPAMC/1.5", "Content-length: 7\r\nUser: joe\r\nCompress: zlib\r\n", &r));
    EXPECT_INT(FRAMING_LENGTH, r.framing);
    EXPECT_INT(7, r.length);
    EXPECT_INT(PACKING_ZLIB, r.packing);
    EXPECT_TRUE(read_it("CHECK SPAMC/1.5", "Content-length: 7\r\nContent-length: 8\r\n", &r) != 0);
    EXPECT_TRUE(read_it("CHECK SPAMC/1.5", "Content-length: seven\r\n", &r) != 0);
    EXPECT_TRUE(read_it("CHECK SPAMC/1.5", "Compress: zstd\r\n", &r) != 0);
    EXPECT_TRUE(read_it("CHECK RSPAMC/1.3", "Content-length: 4294967296\r\n", &r) != 0);
}

RUN_TESTS(TEST(a_body_ends_in_one_way_or_the_request_is_refused), TEST(persistence_is_as_the_version_has_it),
          TEST(paths_stand_without_query_and_host), TEST(packing_is_said_once),
          TEST(spam_protocols_may_leave_the_length_out))
