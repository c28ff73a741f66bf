/* tests/unit/test_endpoint.c - where something listens. */
#include "tests/kit/expect.h"

#include "gateway/base/endpoint.h"

#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void endpoints_are_read_and_printed(void **state)
{
    static const struct {
        const char *text;
        unsigned default_port;
        enum fault fault;
        const char *printed;
    } cases[] = {
        { "192.0.2.1:25", 0, FAULT_NONE, "192.0.2.1:25" },
        { "192.0.2.1", 25, FAULT_NONE, "192.0.2.1:25" },
        { "[2001:db8::1]:25", 0, FAULT_NONE, "[2001:db8::1]:25" },
        { "[2001:db8::1]", 25, FAULT_NONE, "[2001:db8::1]:25" },
        { "2001:db8::1", 25, FAULT_NONE, "[2001:db8::1]:25" },
        { "[::ffff:192.0.2.1]:25", 0, FAULT_NONE, "192.0.2.1:25" },
        { "mail.example.org:25", 0, FAULT_NONE, "mail.example.org:25" },
        { "mail.example.org", 587, FAULT_NONE, "mail.example.org:587" },
        { "localhost:0", 0, FAULT_NONE, "localhost:0" },
        { "unix:/run/x.sock", 0, FAULT_NONE, "unix:/run/x.sock" },
        { "/run/x.sock", 0, FAULT_NONE, "unix:/run/x.sock" },
        { "unix:run/x.sock", 0, FAULT_NONE, "unix:run/x.sock" },
        { "inet:8891@localhost", 0, FAULT_NONE, "localhost:8891" },
        { "inet:8891@127.0.0.1", 0, FAULT_NONE, "127.0.0.1:8891" },
        { "inet:127.0.0.1:8891", 0, FAULT_NONE, "127.0.0.1:8891" },
        { "inet6:8891@[::1]", 0, FAULT_NONE, "[::1]:8891" },
        { "inet6:8891@::1", 0, FAULT_NONE, "[::1]:8891" },
        { "local:/run/x.sock", 0, FAULT_NONE, "unix:/run/x.sock" },
        { "192.0.2.1:65535", 0, FAULT_NONE, "192.0.2.1:65535" },
        { "192.0.2.1", 0, FAULT_SYNTAX, NULL }, /* no port */
        { "2001:db8::1", 0, FAULT_SYNTAX, NULL },
        { "192.0.2.1:65536", 0, FAULT_RANGE, NULL },
        { "192.0.2.1:", 25, FAULT_SYNTAX, NULL },
        { "192.0.2.1:x", 25, FAULT_SYNTAX, NULL },
        { "192.0.2.1:-1", 25, FAULT_SYNTAX, NULL },
        { ":25", 0, FAULT_SYNTAX, NULL },
        { "", 25, FAULT_SYNTAX, NULL },
        { "unix:", 0, FAULT_SYNTAX, NULL },
        { "inet:", 25, FAULT_SYNTAX, NULL },
        { "inet:inet:25@localhost", 0, FAULT_SYNTAX, NULL },
        { "inet:unix:/run/x", 25, FAULT_SYNTAX, NULL },
        { "inet:x@localhost", 0, FAULT_SYNTAX, NULL },
        { "mail example:25", 0, FAULT_SYNTAX, NULL },
        { "-mail.example:25", 0, FAULT_SYNTAX, NULL },
        { "mail.example\n:25", 0, FAULT_SYNTAX, NULL },
        { "[2001:db8::1:25", 0, FAULT_SYNTAX, NULL },
        { "/" X100, 0, FAULT_NONE, "unix:/" X100 },
        { "/" X100 "1234567", 0, FAULT_TOO_LONG, NULL },
        { X100 X100 X100 ":25", 0, FAULT_TOO_LONG, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct endpoint e = { .port = 4711 }, again;
        char out[ENDPOINT_TEXT_MAX];

        EXPECT_INT(cases[i].fault, endpoint_parse(span_of(cases[i].text), cases[i].default_port, &e));
        if (!cases[i].printed) {
            EXPECT_INT(4711, e.port); /* untouched */
            continue;
        }
        EXPECT_STR(cases[i].printed, endpoint_text(&e, out));
        EXPECT_INT(FAULT_NONE, endpoint_parse(span_of(out), 0, &again));
        EXPECT_TRUE(endpoint_eq(&e, &again));
    }
    EXPECT_INT(FAULT_SYNTAX, endpoint_parse(span_make("/run/a\0b", 8), 0, &(struct endpoint){ 0 }));
}

static void what_differs_is_not_equal(void **state)
{
    static const char *const texts[] = { "192.0.2.1:25", "192.0.2.2:25", "192.0.2.1:26", "a.example:25",
                                         "b.example:25", "/run/a",       "/run/b",       "[2001:db8::1]:25" };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t k = 0; k < COUNT(texts); k++) {
            struct endpoint a, b;

            EXPECT_INT(FAULT_NONE, endpoint_parse(span_of(texts[i]), 0, &a));
            EXPECT_INT(FAULT_NONE, endpoint_parse(span_of(texts[k]), 0, &b));
            EXPECT_INT(i == k, endpoint_eq(&a, &b));
        }
}

RUN_TESTS(TEST(endpoints_are_read_and_printed), TEST(what_differs_is_not_equal))
