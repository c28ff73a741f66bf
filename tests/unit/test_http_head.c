/* tests/unit/test_http_head.c - heads of requests: what is taken, what is refused, and in which protocol. */
#include "tests/kit/arena_tests.h"

#include "gateway/base/strbuf.h"
#include "gateway/http/head.h"

static enum head_wrong parse(const char *text, struct head *out, struct span *line)
{
    *line = SPAN("");
    return head_parse(&arena, span_of(text), out, line);
}

static void the_first_line_tells_the_protocol(void **state)
{
    static const struct {
        const char *line;
        enum head_wrong wrong;
        enum head_protocol protocol;
        const char *method, *target;
        unsigned minor;
    } cases[] = {
        { "POST /checkv2 HTTP/1.1\r\n\r\n", HEAD_OK, PROTOCOL_HTTP, "POST", "/checkv2", 1 },
        { "GET / HTTP/1.0\r\n\r\n", HEAD_OK, PROTOCOL_HTTP, "GET", "/", 0 },
        { "M-SEARCH * HTTP/1.1\r\n\r\n", HEAD_OK, PROTOCOL_HTTP, "M-SEARCH", "*", 1 },
        { "CHECK SPAMC/1.5\r\n\r\n", HEAD_OK, PROTOCOL_SPAMC, "CHECK", "", 5 },
        { "REPORT_IFSPAM SPAMC/1.2\r\n\r\n", HEAD_OK, PROTOCOL_SPAMC, "REPORT_IFSPAM", "", 2 },
        { "CHECK RSPAMC/1.3\r\n\r\n", HEAD_OK, PROTOCOL_RSPAMC, "CHECK", "", 3 },
        { "PING SPAMC/1.2\n", HEAD_OK, PROTOCOL_SPAMC, "PING", "", 2 },
        { "POST  /checkv2 HTTP/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST /a b HTTP/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST /a\tb HTTP/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { " POST / HTTP/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST / HTTP/1.1 \r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST / HTTP/1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST / HTTP/1.10\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST / http/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST HTTP/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "HTTP/1.1\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "CHECK now SPAMC/1.5\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_SPAMC, NULL, NULL, 0 },
        { "EHLO client.example\r\n\r\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "request=smtpd_access_policy\n\n", HEAD_NO_PROTOCOL, PROTOCOL_HTTP, NULL, NULL, 0 },
        { "POST / HTTP/1.1\n\n", HEAD_BAD_LINE, PROTOCOL_HTTP, NULL, NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct head head;
        struct span line;

        EXPECT_INT(cases[i].wrong, parse(cases[i].line, &head, &line));
        EXPECT_INT(cases[i].protocol, head.protocol);
        if (cases[i].wrong)
            continue;
        EXPECT_SPAN(cases[i].method, head.method);
        EXPECT_SPAN(cases[i].target, head.target);
        EXPECT_INT(1, head.major);
        EXPECT_INT(cases[i].minor, head.minor);
    }
}

static void fields_are_read_strictly_in_http(void **state)
{
    static const struct {
        const char *field;
        bool is_http, is_spam; /* taken there */
    } cases[] = {
        { "IP: 192.0.2.7\r\n", true, true },     { "IP:192.0.2.7\r\n", true, true },
        { "Subject: \xc3\xa9\r\n", true, true }, { "X:\r\n", true, true },
        { "X: a\tb\r\n", true, true },           { "IP: 192.0.2.7\n", false, true },
        { "IP : 192.0.2.7\r\n", false, false },  { " IP: folded\r\n", false, false },
        { "no colon\r\n", false, false },        { ": no name\r\n", false, false },
        { "X: a\rY: b\r\n", false, false },      { "X: \x01\r\n", false, false },
        { "X(y): b\r\n", false, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct head head;
        struct span line;
        const char *http = arena_printf(&arena, "GET / HTTP/1.1\r\nA: b\r\n%s\r\n", cases[i].field);
        const char *spam = arena_printf(&arena, "CHECK SPAMC/1.5\r\nA: b\r\n%s\r\n", cases[i].field);

        EXPECT_INT(cases[i].is_http ? HEAD_OK : HEAD_BAD_LINE, parse(http, &head, &line));
        EXPECT_INT(cases[i].is_spam ? HEAD_OK : HEAD_BAD_LINE, parse(spam, &head, &line));
    }
}

static void nul_in_a_value_is_refused(void **state)
{
    struct head head;
    struct span line;

    (void)state;
    EXPECT_INT(HEAD_BAD_LINE, head_parse(&arena, SPAN("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n"), &head, &line));
}

static void too_much_is_refused(void **state)
{
    struct strbuf text;
    struct head head;
    struct span line;

    (void)state;
    strbuf_init(&text, 1 << 20);
    strbuf_puts(&text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HEAD_FIELDS_MAX; i++)
        strbuf_puts(&text, "A: b\r\n");
    strbuf_puts(&text, "\r\n");
    EXPECT_INT(HEAD_OK, head_parse(&arena, strbuf_span(&text), &head, &line));
    EXPECT_INT(HEAD_FIELDS_MAX, head.count);
    text.len -= 2;
    strbuf_puts(&text, "A: b\r\n\r\n");
    EXPECT_INT(HEAD_TOO_BIG, head_parse(&arena, strbuf_span(&text), &head, &line));
    strbuf_clear(&text);
    strbuf_putf(&text, "GET / HTTP/1.1\r\nX: %*s\r\n\r\n", HEAD_LINE_MAX, "y");
    EXPECT_INT(HEAD_TOO_BIG, head_parse(&arena, strbuf_span(&text), &head, &line));
    strbuf_release(&text);
}

static void the_end_is_found_however_the_input_is_cut(void **state)
{
    static const char *const heads[] = { "GET / HTTP/1.1\r\nA: b\r\n\r\nrest", "GET / HTTP/1.1\nA: b\n\nrest",
                                         "GET / HTTP/1.1\r\n\r\nrest" };

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct span all = span_of(heads[i]);
        size_t end = all.len - 4, seen = 0;

        for (size_t n = 0; n < end; n++)
            EXPECT_INT(0, head_end(span_first(all, n), &seen));
        EXPECT_INT(end, head_end(span_first(all, end), &seen));
        seen = 0;
        EXPECT_INT(end, head_end(all, &seen));
    }
}

static void ping_needs_no_empty_line(void **state)
{
    size_t seen = 0;

    (void)state;
    EXPECT_INT(15, head_end(SPAN("PING SPAMC/1.2\n"), &seen));
    seen = 0;
    EXPECT_INT(17, head_end(SPAN("PING RSPAMC/1.3\r\n"), &seen));
    seen = 0;
    EXPECT_INT(0, head_end(SPAN("CHECK SPAMC/1.2\r\n"), &seen));
    seen = 0;
    EXPECT_INT(0, head_end(SPAN("PING / HTTP/1.1\r\n"), &seen));
}

static void fields_are_found_without_case(void **state)
{
    struct head head;
    struct span line;

    (void)state;
    EXPECT_INT(HEAD_OK, parse("POST / HTTP/1.1\r\nRcpt: a\r\nRCPT: b\r\nFlags: pass_all, Groups\r\nflags: zstd\r\n\r\n",
                              &head, &line));
    EXPECT_SPAN("a", head_value(&head, "rcpt"));
    EXPECT_SPAN("b", head_find(&head, "rcpt", 1)->value);
    EXPECT_NULL(head_find(&head, "rcpt", 2));
    EXPECT_TRUE(head_value(&head, "From").ptr == NULL);
    EXPECT_TRUE(head_lists(&head, "Flags", "groups"));
    EXPECT_TRUE(head_lists(&head, "Flags", "zstd"));
    EXPECT_FALSE(head_lists(&head, "Flags", "pass"));
}

RUN_ARENA_TESTS(TEST(the_first_line_tells_the_protocol), TEST(fields_are_read_strictly_in_http),
                TEST(nul_in_a_value_is_refused), TEST(too_much_is_refused),
                TEST(the_end_is_found_however_the_input_is_cut), TEST(ping_needs_no_empty_line),
                TEST(fields_are_found_without_case))
