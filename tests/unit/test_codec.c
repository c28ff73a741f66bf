/* tests/unit/test_codec.c - transfer encodings, whole and broken. */
#include "gateway/mail/codec.h"

#include <stdlib.h>

#include "gateway/mail/codec_run.h"
#include "tests/kit/expect.h"

struct codec_case {
    const char *encoded, *decoded;
    unsigned flaws;
};

static void expect_all(size_t (*decode)(struct span, char *, unsigned *), const struct codec_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span text = span_of(cases[i].encoded);
        char *out = mem_alloc(codec_most(text.len)); /* so that the sanitizer sees its end */
        unsigned flaws = 0;
        size_t len = decode(text, out, &flaws);

        EXPECT_SPAN(cases[i].decoded, span_make(out, len));
        EXPECT_INT(cases[i].flaws, flaws);
        free(out);
    }
}

static void base64_is_read_as_far_as_it_goes(void **state)
{
    static const struct codec_case cases[] = {
        { "", "", 0 },
        { "QQ==", "A", 0 },
        { "QUI=", "AB", 0 },
        { "QUJD", "ABC", 0 },
        { "QU\r\nJD\r\n", "ABC", 0 },
        { "QQ=\r\n=", "A", 0 },
        { "Q U\tI=", "AB", 0 },
        { "QQ==\r\n", "A", 0 },
        { "Q!U*J-D", "ABC", CODEC_FOREIGN },
        { "QQ", "A", CODEC_PADDING },
        { "QUI", "AB", CODEC_PADDING },
        { "QQ=", "A", CODEC_PADDING },
        { "Q", "", CODEC_TRUNCATED },
        { "QUJDQ", "ABC", CODEC_TRUNCATED },
        { "QQ==QUJD", "AABC", CODEC_PADDING },
        { "QQ==QQ==", "AA", CODEC_PADDING },
        { "QQ=QUJD", "AABC", CODEC_PADDING },
        { "=QUJD", "ABC", CODEC_PADDING },
        { "QUJD=", "ABC", CODEC_PADDING },
        { "QQ===", "A", CODEC_PADDING },
        { "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNrIGJyb3du\r\n"
          "IGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4=\r\n",
          "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog.", 0 },
        { "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyI*HRoZSBsYXp5IGRvZy4gVGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRo",
          "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over th", CODEC_FOREIGN },
    };

    (void)state;
    expect_all(base64_decode, cases, COUNT(cases));
}

static void base64_may_end_at_its_padding(void **state)
{
    static const struct codec_case cases[] = {
        { "QUJD", "ABC", 0 },
        { "QQ==\r\n", "A", 0 },
        { "QUI=", "AB", 0 },
        { "QQ==QUJD", "A", CODEC_PADDING },
        { "QUI=QUJD", "AB", CODEC_PADDING },
        { "QQ=", "A", CODEC_PADDING },
        { "QQ", "A", CODEC_PADDING },
    };

    (void)state;
    expect_all(base64_decode_to_padding, cases, COUNT(cases));
}

static void base64_may_be_read_without_its_padding(void **state)
{
    static const struct codec_case cases[] = {
        { "QUJD", "ABC", 0 },
        { "QU=JD", "ABC", 0 },
        { "=Q=U=J=D=RA==", "ABCD", CODEC_PADDING },
        { "QUI=QUJD", "AB\x10P\x90", CODEC_PADDING },
    };

    (void)state;
    expect_all(base64_decode_without_padding, cases, COUNT(cases));
}

static void quoted_printable_is_read_as_far_as_it_goes(void **state)
{
    static const struct codec_case cases[] = {
        { "", "", 0 },
        { "plain\r\n", "plain\r\n", 0 },
        { "a=3Db=c3=A4", "a=b\xc3\xa4", 0 },
        { "soft=\r\nbreak=\nagain", "softbreakagain", 0 },
        { "soft= \t\r\nbreak", "softbreak", 0 },
        { "keep =\r\nthis", "keep this", 0 },
        { "blanks  \t\r\nat the end \n", "blanks\r\nat the end\n", 0 },
        { "no blank=20\r\n", "no blank \r\n", 0 },
        { "no blank=20 \r\n", "no blank \r\n", 0 },
        { "the end  ", "the end", 0 },
        { "a=\r\n  \r\nb", "a\r\nb", 0 },
        { "a =\r\n\r\nb", "a \r\nb", 0 },
        { "a =\r\n \r\nb", "a \r\nb", 0 },
        { "a =\n \r\nb", "a \r\nb", 0 },
        { "a=XYb", "a=XYb", CODEC_ESCAPE },
        { "a=4", "a=4", CODEC_ESCAPE },
        { "a==41", "a=A", CODEC_ESCAPE },
        { "a= b", "a= b", CODEC_ESCAPE },
        { "a=\rb", "a=\rb", CODEC_ESCAPE },
        { "a=", "a", CODEC_TRUNCATED },
        { "a= ", "a", CODEC_TRUNCATED },
        { "\xe4\x01", "\xe4\x01", CODEC_FOREIGN },
        { "a line that is longer than thirty-two bytes, for these are read at once; \xe4, too =3D\r\nand more of it, "
          "with blanks at its end   \r\n",
          "a line that is longer than thirty-two bytes, for these are read at once; \xe4, too =\r\nand more of it, "
          "with blanks at its end\r\n",
          CODEC_FOREIGN },
    };

    (void)state;
    expect_all(quoted_printable_decode, cases, COUNT(cases));
}

static void uuencode_is_read_as_far_as_it_goes(void **state)
{
    static const struct codec_case cases[] = {
        { "#0V%T\r\n`\r\n", "Cat", 0 },
        { "#0V%T\n \n", "Cat", 0 },
        { "#0V%TX\n`\n", "Cat", 0 }, /* a checksum */
        { "!00\n`\n", "A", 0 },
        { "#0V%T\n", "Cat", CODEC_TRUNCATED },
        { "#0V%T\n#0V%T", "CatCat", CODEC_TRUNCATED },
        { "#0V%T\nsmall letters\n`\n", "Cat", CODEC_FOREIGN },
        { "#0V%Tand much more\n`\n", "Cat", CODEC_FOREIGN },
        { "#0V%T\n`\n#0V%T", "Cat", 0 },
        { "", "", CODEC_TRUNCATED },
    };
    char out[45], zeros[45] = { 0 };
    unsigned flaws = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span lines = span_of(cases[i].encoded);
        size_t room = uuencode_most(lines);
        char *exact = mem_alloc(room + 1);

        flaws = 0;
        EXPECT_SPAN(cases[i].decoded, span_make(exact, uuencode_decode(lines, exact, room, &flaws)));
        EXPECT_INT(cases[i].flaws, flaws);
        free(exact);
    }
    flaws = 0;
    EXPECT_INT(45, uuencode_most(SPAN("M\n`\n"))); /* its blanks were lost on the way */
    EXPECT_INT(45, uuencode_decode(SPAN("M\n`\n"), out, sizeof out, &flaws));
    EXPECT_TRUE(memcmp(out, zeros, sizeof out) == 0);
    EXPECT_INT(0, flaws);
    EXPECT_INT(0, uuencode_decode(SPAN("M\n`\n"), out, 44, &flaws));
    EXPECT_INT(CODEC_TRUNCATED, flaws);
}

static void yenc_is_read_as_far_as_it_goes(void **state)
{
    static const struct codec_case cases[] = {
        { "km\x8b\x9e\r\n", "ACat", 0 },
        { "=ypart begin=1 end=2\r\nkk\r\n", "AA", 0 },
        { "=n=M\r\n=}k",
          "\x04\xe3\x13"
          "A",
          0 },
        { "k=", "A", CODEC_TRUNCATED },
        { "=ypart", "", 0 },
    };

    (void)state;
    expect_all(yenc_decode, cases, COUNT(cases));
}

static void what_yenc_says_of_its_bytes_is_checked(void **state)
{
    static const struct {
        const char *line;
        unsigned flaws;
    } cases[] = {
        { "=yend size=9 crc32=cbf43926", 0 },
        { "=yend size=9 part=1 pcrc32=CBF43926 crc32=12345678\r\n", 0 },
        { "=yend size=9", 0 },
        { "=yend size=8 crc32=cbf43926", CODEC_CHECKSUM },
        { "=yend size=9 crc32=cbf43927", CODEC_CHECKSUM },
        { "=yend crc32=cbf43926", CODEC_CHECKSUM },
        { "", CODEC_CHECKSUM },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned flaws = 0;

        yenc_check(span_of(cases[i].line), SPAN("123456789"), &flaws);
        EXPECT_INT(cases[i].flaws, flaws);
    }
}

/* A text for seed `n`: of letters of the encoding mostly, with odd bytes here and there. */
static size_t make_text(uint64_t n, char *out, size_t most)
{
    static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char odd[] = "\r\n \t==-_!\x80\xff";
    size_t len = n * 7919 % most;
    uint64_t random = n * 0x9e3779b97f4a7c15;

    for (size_t i = 0; i < len; i++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        bool is_odd = random >> 40 & 63 ? false : n % 3 != 0;

        out[i] = is_odd ? odd[(random >> 48) % (sizeof odd - 1)] : usual[random >> 58];
        if (i % 78 >= 76 && n % 2)
            out[i] = i % 78 == 76 ? '\r' : '\n';
    }
    return len;
}

static void wide_runs_are_those_of_the_plain_loops(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 3000; n++) {
        char text[700], wide[700], plain[700];
        size_t len = make_text(n, text, sizeof text);
        struct codec_run a = base64_run(span_make(text, len), wide);
        struct codec_run b = base64_run_plain(span_make(text, len), plain);

        EXPECT_INT(b.used, a.used);
        EXPECT_INT(b.made, a.made);
        EXPECT_TRUE(memcmp(plain, wide, b.made) == 0);
        a = quoted_run(span_make(text, len), wide);
        b = quoted_run_plain(span_make(text, len), plain);
        EXPECT_INT(b.used, a.used);
        EXPECT_INT(b.made, a.made);
        EXPECT_INT(b.kept, a.kept);
        EXPECT_INT(b.has_foreign, a.has_foreign);
        EXPECT_TRUE(memcmp(plain, wide, b.made) == 0);
    }
}

RUN_TESTS(TEST(base64_is_read_as_far_as_it_goes), TEST(base64_may_end_at_its_padding),
          TEST(base64_may_be_read_without_its_padding), TEST(quoted_printable_is_read_as_far_as_it_goes),
          TEST(uuencode_is_read_as_far_as_it_goes), TEST(yenc_is_read_as_far_as_it_goes),
          TEST(what_yenc_says_of_its_bytes_is_checked), TEST(wide_runs_are_those_of_the_plain_loops))
