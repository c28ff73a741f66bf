/* tests/unit/test_canon.c - canonicalisation: known texts, a slow reference, and the shared body hashes. */
#include "gateway/mail/canon.h"

#include <stdlib.h>

#include "tests/kit/expect.h"

static struct strbuf copy;

static const char *hashed(struct hasher *h)
{
    unsigned char out[HASH_BYTES_MAX];

    hasher_end(h, out);
    return strbuf_span(&copy).ptr;
}

static void begin(struct hasher *h, uint64_t most)
{
    hasher_start(h, HASH_SHA256, most);
    strbuf_clear(&copy);
    h->copy = &copy;
}

static const char *body_of(enum canon canon, struct span text)
{
    struct hasher h;

    begin(&h, HASHER_ALL);
    canon_body(&h, canon, text);
    return hashed(&h);
}

static void bodies_become_what_the_rfc_says(void **state)
{
    static const struct {
        const char *body, *simple, *relaxed;
    } cases[] = {
        { "", "\r\n", "" },
        { "\r\n", "\r\n", "" },
        { "\r\n\r\n", "\r\n", "" },
        { " \r\n", " \r\n", "" },
        { " \t\r\n\r\n\t\r\n", " \t\r\n\r\n\t\r\n", "" },
        { "a", "a\r\n", "a\r\n" },
        { "a ", "a \r\n", "a\r\n" },
        { "a\r\n", "a\r\n", "a\r\n" },
        { "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
        { " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" }, /* [RFC6376 3.4.6] */
        { "a \r\n \r\nb\t\tc\r\n \r\n", "a \r\n \r\nb\t\tc\r\n \r\n", "a\r\n\r\nb c\r\n" },
        { "a\tb\r\n", "a\tb\r\n", "a b\r\n" },
        { "a \rb \nc\r\n", "a \rb \nc\r\n", "a \rb \nc\r\n" }, /* no line ends in CR or LF alone */
        { "a\r\r\n\r\n", "a\r\r\n", "a\r\r\n" },
        { "\r\na\r\n", "\r\na\r\n", "\r\na\r\n" },
        { "a\r\n  ", "a\r\n  \r\n", "a\r\n" },
        { "a\r\n \r\n  ", "a\r\n \r\n  \r\n", "a\r\n" },
        { "a\r", "a\r\r\n", "a\r\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        EXPECT_STR(cases[i].simple, body_of(CANON_SIMPLE, span_of(cases[i].body)));
        EXPECT_STR(cases[i].relaxed, body_of(CANON_RELAXED, span_of(cases[i].body)));
    }
}

/* Relaxed, a line and a byte at a time, as one would write it down from the RFC. */
static void slow_relaxed(struct span body, struct strbuf *out)
{
    size_t empty = 0;

    while (body.len) {
        size_t crlf = span_search(body, SPAN("\r\n"));
        struct span line = span_first(body, crlf == SPAN_NPOS ? body.len : crlf);
        size_t end = line.len;

        body = span_skip(body, crlf == SPAN_NPOS ? body.len : crlf + 2);
        while (end && ascii_is_wsp(line.ptr[end - 1]))
            end--;
        if (!end) {
            empty++;
            continue;
        }
        for (; empty; empty--)
            strbuf_puts(out, "\r\n");
        for (size_t i = 0; i < end; i++) {
            bool is_wsp = ascii_is_wsp(line.ptr[i]);

            if (!is_wsp || !ascii_is_wsp(line.ptr[i + 1]))
                strbuf_putc(out, is_wsp ? ' ' : line.ptr[i]);
        }
        strbuf_puts(out, "\r\n");
    }
}

/* Few different bytes, so that all their neighbourhoods come about, at all distances from the blocks' borders. */
static void relaxed_equals_a_slow_reference(void **state)
{
    static const char bytes[] = "abcdefghijkl     \t\r\n\n";
    enum { LENGTH = 700, ROUNDS = 3000 };
    struct strbuf slow;
    char text[LENGTH];
    uint32_t seed = 1;

    (void)state;
    strbuf_init(&slow, 1 << 16);
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t len = 0, most = round % LENGTH;
        size_t kinds = round % 3 ? sizeof bytes - 1 : 14; /* long words without tricks, too */

        while (len < most) {
            seed = seed * 1664525 + 1013904223;
            char c = bytes[(seed >> 16) % kinds];

            if (c == '\n' && len + 1 < most)
                text[len++] = '\r';
            text[len++] = c;
        }
        strbuf_clear(&slow);
        slow_relaxed(span_make(text, len), &slow);
        EXPECT_STR(strbuf_span(&slow).ptr, body_of(CANON_RELAXED, span_make(text, len)));
    }
    strbuf_release(&slow);
}

static void long_bodies_equal_the_slow_reference(void **state)
{
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH);
    struct strbuf slow;

    (void)state;
    strbuf_init(&slow, 1 << 20);
    for (size_t phase = 0; phase < 3; phase++) {
        for (size_t i = 0; i < LENGTH; i++)
            text[i] = (i + phase) % 64 == 0 ? ' ' : "x \t\r\n"[i % 977 == 0 ? i % 5 : 0];
        strbuf_clear(&slow);
        slow_relaxed(span_make(text, LENGTH), &slow);
        EXPECT_STR(strbuf_span(&slow).ptr, body_of(CANON_RELAXED, span_make(text, LENGTH)));
    }
    strbuf_release(&slow);
    free(text);
}

static struct header_index parse(struct arena *a, const char *text)
{
    struct header_index index;

    header_parse(a, span_of(text), 1 << 20, 100, &index);
    return index;
}

static void fields_become_what_the_rfc_says(void **state)
{
    static const struct {
        const char *field, *relaxed;
    } cases[] = {
        { "A: X\r\n", "a:X\r\n" }, /* [RFC6376 3.4.6] */
        { "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
        { "SUBJect: AbC\r\n", "subject:AbC\r\n" },
        { "X:\r\n", "x:\r\n" },
        { "X: \r\n \r\n", "x:\r\n" },
        { "X:\r\n a\r\n\t b \r\n", "x:a b\r\n" },
        { "X:  a  b\t\tc\r\n", "x:a b c\r\n" },
        { "X: a\rb\r\n", "x:a\rb\r\n" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header_index index = parse(&a, cases[i].field);
        struct hasher h;

        EXPECT_INT(1, index.count);
        begin(&h, HASHER_ALL);
        canon_field(&h, CANON_RELAXED, &index.fields[0]);
        EXPECT_STR(cases[i].relaxed, hashed(&h));
        begin(&h, HASHER_ALL);
        canon_field(&h, CANON_SIMPLE, &index.fields[0]);
        EXPECT_STR(cases[i].field, hashed(&h));
    }
    arena_release(&a);
}

static void a_signature_is_hashed_without_its_value(void **state)
{
    static const struct {
        const char *field, *cut, *simple, *relaxed;
    } cases[] = {
        { "S: a=1; b=xyz; c=2\r\n", "xyz", "S: a=1; b=; c=2", "s:a=1; b=; c=2" },
        { "S: a=1; b= x\r\n yz ; c=2\r\n", " x\r\n yz ", "S: a=1; b=; c=2", "s:a=1; b=; c=2" },
        { "S: a=1;\r\n b=xyz \r\n\t\r\n", "xyz \r\n\t", "S: a=1;\r\n b=", "s:a=1; b=" },
        { "S: a=1;\r\n b=;  c=2\r\n", "", "S: a=1;\r\n b=;  c=2", "s:a=1; b=; c=2" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header_index index = parse(&a, cases[i].field);
        struct span body = index.fields[0].body;
        struct span cut = span_first(span_skip(body, span_search(body, SPAN("b=")) + 2), strlen(cases[i].cut));
        struct hasher h;

        EXPECT_SPAN(cases[i].cut, cut);
        begin(&h, HASHER_ALL);
        canon_signature(&h, CANON_SIMPLE, &index.fields[0], cut);
        EXPECT_STR(cases[i].simple, hashed(&h));
        begin(&h, HASHER_ALL);
        canon_signature(&h, CANON_RELAXED, &index.fields[0], cut);
        EXPECT_STR(cases[i].relaxed, hashed(&h));
    }
    arena_release(&a);
}

static void only_the_length_asked_for_is_hashed(void **state)
{
    struct hasher h;

    (void)state;
    begin(&h, 5);
    canon_body(&h, CANON_RELAXED, SPAN("a  b  c  d\r\n"));
    EXPECT_STR("a b c", hashed(&h));
    EXPECT_INT(9, h.total);
}

/* The empty body's hashes are those of CRLF and of nothing [RFC6376 3.4.3, 3.4.4]. */
static void body_hashes_are_shared(void **state)
{
    static const struct message_limits limits = { 1 << 20, 100 };
    static const unsigned char empty_simple[] = { 0x7e, 0xb7, 0x02, 0x57 };
    static const unsigned char empty_relaxed[] = { 0xe3, 0xb0, 0xc4, 0x42 };
    struct message *m = message_new(SPAN("From: a\r\n\r\n"), &limits);
    const struct body_hash *simple, *relaxed, *sha1, *short_one;

    (void)state;
    simple = body_hash(m, CANON_SIMPLE, HASH_SHA256, BODY_WHOLE);
    relaxed = body_hash(m, CANON_RELAXED, HASH_SHA256, BODY_WHOLE);
    sha1 = body_hash(m, CANON_RELAXED, HASH_SHA1, BODY_WHOLE);
    short_one = body_hash(m, CANON_SIMPLE, HASH_SHA256, 0);
    EXPECT_INT(2, simple->whole_bytes);
    EXPECT_INT(0, relaxed->whole_bytes);
    assert_memory_equal(empty_relaxed, relaxed->hash, sizeof empty_relaxed);
    assert_memory_equal(relaxed->hash, short_one->hash, 32);
    EXPECT_INT(0xda, sha1->hash[0]);
    assert_memory_equal(empty_simple, simple->hash, sizeof empty_simple);
    EXPECT_TRUE(simple == body_hash(m, CANON_SIMPLE, HASH_SHA256, BODY_WHOLE));
    for (uint64_t i = 4; i < BODY_HASHES_MAX; i++)
        EXPECT_TRUE(body_hash(m, CANON_SIMPLE, HASH_SHA256, i) != NULL);
    EXPECT_NULL(body_hash(m, CANON_SIMPLE, HASH_SHA256, 1000));
    EXPECT_TRUE(relaxed == body_hash(m, CANON_RELAXED, HASH_SHA256, BODY_WHOLE));
    message_free(m);
}

static int start(void **state)
{
    (void)state;
    strbuf_init(&copy, 1 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    strbuf_release(&copy);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bodies_become_what_the_rfc_says),
        TEST(relaxed_equals_a_slow_reference),
        TEST(long_bodies_equal_the_slow_reference),
        TEST(fields_become_what_the_rfc_says),
        TEST(a_signature_is_hashed_without_its_value),
        TEST(only_the_length_asked_for_is_hashed),
        TEST(body_hashes_are_shared),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
