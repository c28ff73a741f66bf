/* tests/unit/test_body.c - where a message's data end, whatever the sender and the network do to it. */
#include "tests/kit/expect.h"

#include <stdlib.h>

#include "gateway/base/strbuf.h"
#include "gateway/smtp/body.h"

#define CR_BIT   BODY_BARE_CR
#define LF_BIT   BODY_BARE_LF
#define NUL_BIT  BODY_NUL
#define LONG_BIT BODY_LONG_LINE

struct body_case {
    const char *name;
    struct span in;
    const char *normalised; /* what comes out with BARE_NORMALISE */
    unsigned faults;
    bool is_ended;
    size_t rest; /* bytes left behind the end */
};

#define IN(literal) SPAN(literal)

static const struct body_case cases[] = {
    { "a plain message", IN("a\r\nb\r\n.\r\n"), "a\r\nb\r\n", 0, true, 0 },
    { "an empty message", IN(".\r\n"), "", 0, true, 0 },
    { "commands may follow", IN("a\r\n.\r\nMAIL"), "a\r\n", 0, true, 4 },
    { "a stuffed dot goes", IN("..\r\n..a\r\n.b\r\n.\r\n"), ".\r\n.a\r\nb\r\n", 0, true, 0 },
    { "a dot inside a line stays", IN("a.\r\n.\r\n"), "a.\r\n", 0, true, 0 },
    { "three dots", IN("...\r\n.\r\n"), "..\r\n", 0, true, 0 },
    { "a message without its end", IN("a\r\n."), "a\r\n", 0, false, 0 },
    { "an end without its LF", IN("a\r\n.\r"), "a\r\n", 0, false, 0 },
    /* What was smuggled past somebody, somewhere [CVE-2023-51764, 51765, 51766, and the paper's other sequences]. */
    { "LF . LF is no end", IN("a\n.\nMAIL\r\n.\r\n"), "a\r\n.\r\nMAIL\r\n", LF_BIT, true, 0 },
    { "LF . CRLF is no end", IN("a\n.\r\nMAIL\r\n.\r\n"), "a\r\n.\r\nMAIL\r\n", LF_BIT, true, 0 },
    { "CRLF . LF is no end", IN("a\r\n.\nMAIL\r\n.\r\n"), "a\r\n\r\nMAIL\r\n", LF_BIT, true, 0 },
    { "CRLF . CR is no end", IN("a\r\n.\rMAIL\r\n.\r\n"), "a\r\n\r\nMAIL\r\n", CR_BIT, true, 0 },
    { "CR . CRLF is no end", IN("a\r.\r\nMAIL\r\n.\r\n"), "a\r\n.\r\nMAIL\r\n", CR_BIT, true, 0 },
    { "CR . CR is no end", IN("a\r.\rMAIL\r\n.\r\n"), "a\r\n.\r\nMAIL\r\n", CR_BIT, true, 0 },
    { "CR . LF is no end", IN("a\r.\nMAIL\r\n.\r\n"), "a\r\n.\r\nMAIL\r\n", CR_BIT | LF_BIT, true, 0 },
    { "LF . CR is no end", IN("a\n.\rMAIL\r\n.\r\n"), "a\r\n.\r\nMAIL\r\n", CR_BIT | LF_BIT, true, 0 },
    { "CRLF . CR CRLF is no end", IN("a\r\n.\r\r\nMAIL\r\n.\r\n"), "a\r\n\r\n\r\nMAIL\r\n", CR_BIT, true, 0 },
    { "CRLF CR . CRLF is no end", IN("a\r\n\r.\r\nb\r\n.\r\n"), "a\r\n\r\n.\r\nb\r\n", CR_BIT, true, 0 },
    { "CR CRLF . CRLF ends, for CRLF . CRLF is in it", IN("a\r\r\n.\r\n"), "a\r\n\r\n", CR_BIT, true, 0 },
    { "CRLF NUL . CRLF is no end", IN("a\r\n\0.\r\nb\r\n.\r\n"), NULL, NUL_BIT, true, 0 },
    { "CRLF . NUL CRLF is no end", IN("a\r\n.\0\r\nb\r\n.\r\n"), NULL, NUL_BIT, true, 0 },
    { "LF alone all through never ends", IN("a\nb\n.\n"), "a\r\nb\r\n.\r\n", LF_BIT, false, 0 },
    { "CR alone all through never ends", IN("a\rb\r.\r"), "a\r\nb\r\n.", CR_BIT, false, 0 },
    { "a stuffed dot before LF", IN("..\n.\r\n"), ".\r\n.\r\n", LF_BIT, false, 0 },
    { "LF CR is two faults", IN("a\n\rb\r\n.\r\n"), "a\r\n\r\nb\r\n", LF_BIT | CR_BIT, true, 0 },
    { "CR CR CR", IN("\r\r\r\n.\r\n"), "\r\n\r\n\r\n", CR_BIT, true, 0 },
    { "dot CR CR", IN(".\r\r.\r\n.\r\n"), "\r\n\r\n.\r\n", CR_BIT, true, 0 },
    { "LF first", IN("\n.\r\n.\r\n"), "\r\n.\r\n", LF_BIT, true, 0 },
    { "NUL behind the end is none of ours", IN("a\r\n.\r\n\0"), "a\r\n", 0, true, 1 },
    { "a bare LF behind the end is none of ours", IN("a\r\n.\r\nRSET\n"), "a\r\n", 0, true, 5 },
    { "a line at the limit", IN("1234567890123456\r\n.\r\n"), "1234567890123456\r\n", 0, true, 0 },
    { "a line past the limit", IN("12345678901234567\r\n.\r\n"), NULL, LONG_BIT, true, 0 },
    { "the limit is without the stuffed dot", IN("..234567890123456\r\n.\r\n"), ".234567890123456\r\n", 0, true, 0 },
};

static void into_strbuf(void *arg, struct span piece)
{
    strbuf_put(arg, piece);
}

/* Gives `in` in chunks, each a malloc of its own so that ASan sees a read past it. */
static size_t take_chunk(struct body *b, struct span in, struct strbuf *out)
{
    char *copy = malloc(in.len ? in.len : 1);

    assert_non_null(copy);
    if (in.len)
        memcpy(copy, in.ptr, in.len);
    size_t took = body_take(b, span_make(copy, in.len), into_strbuf, out);

    free(copy);
    return took;
}

static void check_case(const struct body_case *c, enum bare_newline mode, size_t cut1, size_t cut2)
{
    struct strbuf out;
    struct body b;
    size_t cuts[] = { cut1, cut2, c->in.len }, at = 0;

    strbuf_init(&out, 4096);
    body_init(&b, mode, 16);
    for (size_t i = 0; i < COUNT(cuts); i++)
        if (cuts[i] > at && !body_is_ended(&b))
            at += take_chunk(&b, span_make(c->in.ptr + at, cuts[i] - at), &out);
    EXPECT_INT(c->is_ended, body_is_ended(&b));
    EXPECT_INT(c->faults, b.faults);
    EXPECT_INT(c->rest, c->in.len - at);
    EXPECT_INT(mode == BARE_REJECT ? c->faults : c->faults & (NUL_BIT | LONG_BIT), body_refused(&b));
    if (!body_refused(&b))
        EXPECT_SPAN(c->normalised, strbuf_span(&out));
    strbuf_release(&out);
}

static void ends_at_the_same_place_wherever_the_chunks_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t cut1 = 0; cut1 <= cases[i].in.len; cut1++)
            for (size_t cut2 = cut1; cut2 <= cases[i].in.len; cut2++) {
                check_case(&cases[i], BARE_NORMALISE, cut1, cut2);
                check_case(&cases[i], BARE_REJECT, cut1, cut2);
            }
}

static void byte_by_byte_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf out;
        struct body b;
        size_t at = 0;

        strbuf_init(&out, 4096);
        body_init(&b, BARE_NORMALISE, 16);
        while (at < cases[i].in.len && !body_is_ended(&b))
            at += take_chunk(&b, span_make(cases[i].in.ptr + at, 1), &out);
        EXPECT_INT(cases[i].faults, b.faults);
        EXPECT_INT(cases[i].rest, cases[i].in.len - at);
        if (cases[i].normalised)
            EXPECT_SPAN(cases[i].normalised, strbuf_span(&out));
        strbuf_release(&out);
    }
}

/* All strings of up to 7 of the bytes that matter: an end is exactly CRLF.CRLF, or .CRLF at the very start. */
static void an_end_is_crlf_dot_crlf_alone(void **state)
{
    static const char letters[] = "\r\n.x";
    char text[7 + 1];

    (void)state;
    for (unsigned n = 0; n < 1U << 14; n++) {
        struct strbuf out;
        struct body b;

        for (unsigned i = 0; i < 7; i++)
            text[i] = letters[n >> (2 * i) & 3];
        text[7] = '\0';
        strbuf_init(&out, 64);
        body_init(&b, BARE_NORMALISE, 1000);
        size_t took = body_take(&b, span_make(text, 7), into_strbuf, &out);
        size_t want = span_search(span_make(text, 7), SPAN("\r\n.\r\n"));

        want = strncmp(text, ".\r\n", 3) == 0 ? 3 : want == SPAN_NPOS ? 0 : want + 5;
        EXPECT_INT(want != 0, body_is_ended(&b));
        EXPECT_INT(want ? want : 7, took);
        EXPECT_INT(SPAN_NPOS, span_search(strbuf_span(&out), SPAN("\n\n")));
        strbuf_release(&out);
    }
}

static void a_large_chunk_goes_out_in_one_piece(void **state)
{
    struct strbuf in, out;
    struct body b;

    (void)state;
    strbuf_init(&in, 1 << 20);
    strbuf_init(&out, 1 << 20);
    for (int i = 0; i < 5000; i++)
        strbuf_puts(&in, "0123456789012345678901234567890123456789\r\n");
    size_t plain = in.len;

    strbuf_puts(&in, ".\r\n");
    body_init(&b, BARE_REJECT, 1000);
    EXPECT_INT(in.len, body_take(&b, strbuf_span(&in), into_strbuf, &out));
    EXPECT_INT(plain, out.len);
    EXPECT_INT(0, memcmp(in.data, out.data, plain));
    strbuf_release(&in);
    strbuf_release(&out);
}

struct chunks_case {
    const char *name;
    struct span in;
    const char *normalised;
    unsigned faults;
};

/* What comes by BDAT: nothing in it is an end, and no dot is stuffed. */
static const struct chunks_case chunks_cases[] = {
    { "nothing", IN(""), "", 0 },
    { "lines", IN("a\r\nb\r\n"), "a\r\nb\r\n", 0 },
    { "dots are dots", IN(".\r\n..\r\n.a\r\n"), ".\r\n..\r\n.a\r\n", 0 },
    { "CRLF . CRLF is text", IN("a\r\n.\r\nMAIL\r\n"), "a\r\n.\r\nMAIL\r\n", 0 },
    { "a last line without CRLF gets one", IN("a\r\nb"), "a\r\nb\r\n", 0 },
    { "a lone dot at the end is a line", IN("a\r\n."), "a\r\n.\r\n", 0 },
    { "CR at the end", IN("a\r"), "a\r\n", CR_BIT },
    { "CR alone", IN("\r"), "\r\n", CR_BIT },
    { "LF at the end", IN("a\n"), "a\r\n", LF_BIT },
    { "LF . LF", IN("a\n.\nb"), "a\r\n.\r\nb\r\n", LF_BIT },
    { "CRLF . CR", IN("a\r\n.\rb\r\n"), "a\r\n.\r\nb\r\n", CR_BIT },
    { "CR CRLF . CR CRLF", IN("a\r\r\n.\r\r\n"), "a\r\n\r\n.\r\n\r\n", CR_BIT },
    { "CR . CR", IN("a\r.\r"), "a\r\n.\r\n", CR_BIT },
    { "NUL", IN("a\r\n\0.\r\n"), NULL, NUL_BIT },
    { "a line past the limit", IN("12345678901234567"), NULL, LONG_BIT },
    { "a dot counts", IN("..345678901234567\r\n"), NULL, LONG_BIT },
};

static void check_chunks(const struct chunks_case *c, enum bare_newline mode, size_t cut1, size_t cut2)
{
    struct strbuf out;
    struct body b;
    size_t cuts[] = { cut1, cut2, c->in.len }, at = 0;

    strbuf_init(&out, 4096);
    body_init_chunks(&b, mode, 16);
    for (size_t i = 0; i < COUNT(cuts); i++)
        if (cuts[i] > at)
            at += take_chunk(&b, span_make(c->in.ptr + at, cuts[i] - at), &out);
    EXPECT_INT(false, body_is_ended(&b));
    body_finish(&b, into_strbuf, &out);
    EXPECT_INT(true, body_is_ended(&b));
    EXPECT_INT(c->in.len, at);
    EXPECT_INT(c->faults, b.faults);
    EXPECT_INT(mode == BARE_REJECT ? c->faults : c->faults & (NUL_BIT | LONG_BIT), body_refused(&b));
    if (!body_refused(&b))
        EXPECT_SPAN(c->normalised, strbuf_span(&out));
    strbuf_release(&out);
}

static void chunks_hold_no_end_wherever_their_borders_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(chunks_cases); i++)
        for (size_t cut1 = 0; cut1 <= chunks_cases[i].in.len; cut1++)
            for (size_t cut2 = cut1; cut2 <= chunks_cases[i].in.len; cut2++) {
                check_chunks(&chunks_cases[i], BARE_NORMALISE, cut1, cut2);
                check_chunks(&chunks_cases[i], BARE_REJECT, cut1, cut2);
            }
}

RUN_TESTS(TEST(chunks_hold_no_end_wherever_their_borders_are), TEST(ends_at_the_same_place_wherever_the_chunks_are_cut),
          TEST(byte_by_byte_is_the_same), TEST(an_end_is_crlf_dot_crlf_alone),
          TEST(a_large_chunk_goes_out_in_one_piece))
