/* tests/unit/test_pkcs7.c - what was signed in an S/MIME message: as it should be, and broken. */
#include "gateway/mail/pkcs7.h"

#include "gateway/base/strbuf.h"
#include "tests/kit/expect.h"

enum { AMPLE = 100000 };

#define SIGNED "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define DATA   "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define CASE(text, kind, content)                                                                                      \
    {                                                                                                                  \
        SPAN(text), kind, content                                                                                      \
    }

static void content_is_found(void **state)
{
    static const struct {
        struct span wrapped;
        enum pkcs7_kind kind;
        const char *content;
    } cases[] = {
        CASE("", PKCS7_OTHER, ""),
        CASE("hello, this is a text", PKCS7_OTHER, ""),
        /* lengths are said */
        CASE("\x30\x28" SIGNED "\xa0\x1b\x30\x19\x02\x01\x01\x31\x00\x30\x12" DATA "\xa0\x05\x04\x03"
             "abc\x31\x00",
             PKCS7_SIGNED, "abc"),
        CASE("\x30\x81\x2a" SIGNED "\xa0\x82\x00\x1b\x30\x19\x02\x01\x01\x31\x00\x30\x12" DATA "\xa0\x05\x04\x03"
             "abc",
             PKCS7_SIGNED, "abc"),
        /* up to two NULs, in pieces, of which one lies in another; algorithms without length, too */
        CASE("\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x80\x30\x80\x05\x00\x00\x00\x00\x00\x30\x80" DATA
             "\xa0\x80\x24\x80\x04\x02"
             "ab\x24\x80\x04\x01"
             "c\x00\x00\x04\x01"
             "d\x00\x00\x00\x00\x00\x00\x31\x00",
             PKCS7_SIGNED, "abcd"),
        /* without content, encrypted, another value where the content should be */
        CASE("\x30\x20" SIGNED "\xa0\x13\x30\x11\x02\x01\x01\x31\x00\x30\x0b" DATA, PKCS7_OTHER, ""),
        CASE("\x30\x27\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x1b\x30\x19", PKCS7_OTHER, ""),
        CASE("\x30\x28" SIGNED "\xa0\x1b\x30\x19\x02\x01\x01\x31\x00\x30\x12" DATA "\xa0\x05\x02\x03"
             "abc",
             PKCS7_OTHER, ""),
        /* cut: what is there is read */
        CASE("\x30\x28" SIGNED "\xa0\x1b\x30\x19\x02\x01", PKCS7_BROKEN, ""),
        CASE("\x30\x28" SIGNED "\xa0\x1b\x30\x19\x02\x01\x01\x31\x00\x30\x12" DATA "\xa0\x05\x04\x03"
             "ab",
             PKCS7_BROKEN, "ab"),
        CASE("\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" DATA "\xa0\x80\x24\x80\x04\x02"
             "ab\x04\x09"
             "cd",
             PKCS7_BROKEN, "abcd"),
        CASE("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" DATA
             "\xa0\x80\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff"
             "abc",
             PKCS7_BROKEN, "abc"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct span content;

        arena_init(&a, AMPLE);
        EXPECT_INT(cases[i].kind, pkcs7_signed(&a, cases[i].wrapped, AMPLE, &content));
        EXPECT_SPAN(cases[i].content, content);
        arena_release(&a);
    }
}

static void no_more_is_unwrapped_than_may_be(void **state)
{
    struct span content;
    struct arena a;

    (void)state;
    arena_init(&a, AMPLE);
    EXPECT_INT(PKCS7_BROKEN, pkcs7_signed(&a,
                                          SPAN("\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" DATA
                                               "\xa0\x80\x24\x80\x04\x02"
                                               "ab\x04\x02"
                                               "cd\x00\x00"),
                                          3, &content));
    EXPECT_SPAN("abc", content);
    arena_release(&a);
}

/* As many levels as there are bytes for: an end is found, or none. */
static void levels_have_an_end(void **state)
{
    struct strbuf b;
    struct span content;
    struct arena a;

    (void)state;
    arena_init(&a, AMPLE);
    strbuf_init(&b, AMPLE);
    strbuf_put(&b, SPAN("\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01"));
    for (int i = 0; i < 10000; i++)
        strbuf_put(&b, SPAN("\x31\x80"));
    EXPECT_INT(PKCS7_BROKEN, pkcs7_signed(&a, strbuf_span(&b), AMPLE, &content));
    strbuf_release(&b);
    arena_release(&a);
}

RUN_TESTS(TEST(content_is_found), TEST(no_more_is_unwrapped_than_may_be), TEST(levels_have_an_end))
