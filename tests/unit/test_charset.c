/* tests/unit/test_charset.c - text of any charset as UTF-8. */
#include "gateway/mail/charset.h"

#include "gateway/base/utf8.h"
#include "tests/kit/expect.h"

#define BAD "\xef\xbf\xbd"

enum { AMPLE = 100000 };

struct charset_case {
    const char *label;
    struct span text;
    const char *utf8;
    unsigned flaws;
};
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static void expect_all(const struct charset_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena a;
        unsigned flaws = 0;

        arena_init(&a, AMPLE);
        EXPECT_SPAN(cases[i].utf8, charset_utf8(&a, span_of(cases[i].label), cases[i].text, AMPLE, &flaws));
        EXPECT_INT(cases[i].flaws, flaws);
        arena_release(&a);
    }
}

static void labels_are_read_as_browsers_read_them(void **state)
{
    static const struct {
        const char *label, *name;
    } cases[] = {
        { "utf-8", "utf-8" },
        { " UTF8 ", "utf-8" },
        { "ISO-8859-1", "windows-1252" },
        { "latin1", "windows-1252" },
        { "us-ascii", "us-ascii" },
        { "gb2312", "gb18030" },
        { "GBK", "gb18030" },
        { "Big5", "big5-hkscs" },
        { "Shift_JIS", "cp932" },
        { "euc-kr", "cp949" },
        { "ks_c_5601-1987", "cp949" },
        { "iso-8859-9", "windows-1254" },
        { "tis-620", "windows-874" },
        { "unicode-1-1-utf-7", "utf-7" },
        { "x-sjis", "cp932" },
        { "866", "ibm866" },
        { "x-x-big5", "big5-hkscs" },
        { "visual", "iso-8859-8" },
        { "IBM037", "ibm037" },
        { "ebcdic-cp-us", "ibm037" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_STR(cases[i].name, charset_name(span_of(cases[i].label)));
    EXPECT_NULL(charset_name(SPAN("")));
    EXPECT_NULL(charset_name(SPAN("utf-8//TRANSLIT")));
    EXPECT_NULL(charset_name(SPAN("no-such-charset-in-all-this-world-and-none-of-this-length")));
}

static void bytes_of_one_charset_are_converted(void **state)
{
    static const struct charset_case cases[] = {
        { "utf-8", TEXT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", 0 },
        { "iso-8859-1", TEXT("\x80 \xfc\x81"), "\xe2\x82\xac \xc3\xbc\xc2\x81", 0 },
        { "koi8-r", TEXT("\xf0\xf2"), "\xd0\x9f\xd0\xa0", 0 },
        { "windows-1251", TEXT("\xef\xf0\x98"), "\xd0\xbf\xd1\x80\xc2\x98", 0 },
        { "windows-1255", TEXT("\xca\xd9"), "\xd6\xba" BAD, CHARSET_INVALID },
        { "iso-8859-7", TEXT("\xe1\xff"), "\xce\xb1" BAD, CHARSET_INVALID },
        { "shift_jis", TEXT("\x93\xfa\x96{\\ \xb1"), "\xe6\x97\xa5\xe6\x9c\xac\\ \xef\xbd\xb1", 0 },
        { "euc-jp", TEXT("\xc6\xfc\xcb\xdc"), "\xe6\x97\xa5\xe6\x9c\xac", 0 },
        { "gb2312", TEXT("\xd6\xd0\xb9\xfa\x80"), "\xe4\xb8\xad\xe5\x9b\xbd\xe2\x82\xac", 0 },
        { "big5", TEXT("\xa4\xa4\xa4\xe5"), "\xe4\xb8\xad\xe6\x96\x87", 0 },
        { "ks_c_5601-1987", TEXT("\xc7\xd1\xb1\xdb"), "\xed\x95\x9c\xea\xb8\x80", 0 },
        { "cp850", TEXT("\x81\x84"), "\xc3\xbc\xc3\xa4", 0 },
        { "utf-16le", TEXT("a\0\xac\x20\x3d\xd8\xe7\xdc"), "a\xe2\x82\xac\xf0\x9f\x93\xa7", 0 },
        { "utf-16", TEXT("\0a\x20\xac"), "a\xe2\x82\xac", 0 },
        { "utf-16", TEXT("\xff\xfe\xac\x20"), "\xe2\x82\xac", 0 },
        { "utf-16", TEXT("\xfe\xff\0a"), "a", 0 },
        { "utf-16be", TEXT("\xd8\x3d\0a\0"), BAD "a" BAD, CHARSET_INVALID },
        { "utf-32", TEXT("\0\x01\xf4\xe7"), "\xf0\x9f\x93\xa7", 0 },
        { "utf-32", TEXT("\xff\xfe\0\0a\0\0\0"), "a", 0 },
        { "utf-32be", TEXT("\0\x11\0\0\0\0\xd8\0"), BAD BAD, CHARSET_INVALID },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void charsets_with_escapes_are_converted(void **state)
{
    static const struct charset_case cases[] = {
        { "utf-7", TEXT("Hi +2D3c5w- +AKM-1 +- +ADw-b+AD4"),
          "Hi \xf0\x9f\x93\xa7 \xc2\xa3"
          "1 + <b>",
          0 },
        { "utf-7", TEXT("a + b"), "a + b", 0 },
        { "utf-7", TEXT("+2D0-x \xe4"), BAD "x " BAD, CHARSET_INVALID },
        { "iso-2022-jp", TEXT("\x1b$BF|K\\\x1b(B!"), "\xe6\x97\xa5\xe6\x9c\xac!", 0 },
        { "iso-2022-jp", TEXT("\x1b(J\\~\x1b(I1\x1b(B"), "\xc2\xa5\xe2\x80\xbe\xef\xbd\xb1", 0 },
        { "iso-2022-jp", TEXT("\x1b$BF|\nhidden?"), "\xe6\x97\xa5\nhidden?", CHARSET_INVALID },
        { "iso-2022-jp", TEXT("vi\x1b(Bagra"), "viagra", 0 },
        { "iso-2022-jp", TEXT("\x1b$BF\x1b(Bx"), BAD "x", CHARSET_INVALID },
        { "iso-2022-jp", TEXT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", CHARSET_INVALID },
        { "iso-2022-kr", TEXT("\x1b$)C\x0eGQ1[\x0f!"), "\xed\x95\x9c\xea\xb8\x80!", 0 },
        { "hz-gb-2312", TEXT("~{VP9z~} ~~ a~\nb"), "\xe4\xb8\xad\xe5\x9b\xbd ~ ab", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void what_cannot_be_read_swallows_nothing(void **state)
{
    static const struct charset_case cases[] = {
        { "utf-8", TEXT("a\xc3<b>\xe2\x82<\xff\xed\xa0\x80"), "a" BAD "<b>" BAD "<" BAD BAD BAD BAD, CHARSET_INVALID },
        { "gbk", TEXT("\x81<b>\xff\xff<i>"), BAD "<b>" BAD "<i>", CHARSET_INVALID },
        { "shift_jis", TEXT("\x81\x22>"), BAD "\">", CHARSET_INVALID },
        { "big5", TEXT("ab\xa4"), "ab" BAD, CHARSET_INVALID },
        { "euc-kr", TEXT("\xc7<"), BAD "<", CHARSET_INVALID },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void text_without_a_charset_is_guessed(void **state)
{
    static const struct charset_case cases[] = {
        { "", TEXT("plain"), "plain", 0 },
        { "", TEXT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", 0 },
        { "", TEXT("gr\xfc\xdf"), "gr\xc3\xbc\xc3\x9f", 0 },
        { "", TEXT("\x1b$BF|\x1b(B"), "\xe6\x97\xa5", 0 },
        { "x-nonsense", TEXT("gr\xfc\xdf"), "gr\xc3\xbc\xc3\x9f", CHARSET_UNKNOWN },
        { "us-ascii", TEXT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", CHARSET_INVALID },
        { "us-ascii", TEXT("gr\xfc\xdf"), "gr\xc3\xbc\xc3\x9f", CHARSET_INVALID },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void a_byte_order_mark_counts_where_the_text_bears_it_out(void **state)
{
    static const struct charset_case cases[] = {
        { "", TEXT("\xef\xbb\xbf\xc3\xbc"), "\xc3\xbc", 0 },
        { "utf-8",
          TEXT("\xef\xbb\xbf"
               "a"),
          "a", 0 },
        { "windows-1251", TEXT("\xef\xbb\xbf\xc3\xbc"), "\xc3\xbc", CHARSET_BOM },
        { "windows-1251", TEXT("\xef\xbb\xbf\xe0"), "\xd0\xbf\xc2\xbb\xd1\x97\xd0\xb0", 0 },
        { "windows-1251", TEXT("\xff\xfe text"), "\xd1\x8f\xd1\x8e text", 0 },
        { "windows-1251", TEXT("\xff\xfet\0"), "t", CHARSET_BOM },
        { "", TEXT("\xfe\xff\0t"), "t", 0 },
    };

    (void)state;
    expect_all(cases, COUNT(cases));
}

static void results_end_at_a_character(void **state)
{
    static const struct {
        const char *label;
        struct span text;
        size_t most;
        const char *utf8;
    } cases[] = {
        { "utf-8", TEXT("a\xc3\xbc\xc3\xbc"), 4, "a\xc3\xbc" },
        { "utf-8", TEXT("\xc3\xbc\xff\xff"), 6, "\xc3\xbc" BAD },
        { "koi8-r", TEXT("\xf0\xf0"), 3, "\xd0\x9f" },
        { "utf-16be", TEXT("\0a\x20\xac"), 3, "a" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        unsigned flaws = 0;

        arena_init(&a, AMPLE);
        EXPECT_SPAN(cases[i].utf8, charset_utf8(&a, span_of(cases[i].label), cases[i].text, cases[i].most, &flaws));
        EXPECT_TRUE(flaws & CHARSET_CUT);
        arena_release(&a);
    }
}

/* Whatever the bytes and the charset, what comes out is UTF-8. */
static void all_is_utf8(void **state)
{
    static const char *const labels[] = {
        "",   "utf-8", "iso-8859-8", "gbk",      "big5",  "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "iso-2022-kr",
        "hz", "utf-7", "utf-16",     "utf-32le", "cp864", "euc-tw",    "johab",  "iso-2022-cn"
    };

    (void)state;
    for (uint64_t n = 0; n < 4000; n++) {
        const char *label = labels[n % COUNT(labels)];
        uint64_t random = n * 0x9e3779b97f4a7c15;
        char text[120];
        size_t most = n % 7 ? AMPLE : n % 50;
        unsigned flaws = 0;
        struct arena a;

        for (size_t i = 0; i < sizeof text; i++) {
            random = random * 6364136223846793005 + 1442695040888963407;
            text[i] = random >> 62 ? (char)(random >> 40) : "\x1b$B(JI~{}+\x0e\x0f<\n"[(random >> 40) % 15];
        }
        arena_init(&a, AMPLE);
        struct span utf8 = charset_utf8(&a, span_of(label), span_make(text, sizeof text), most, &flaws);

        EXPECT_TRUE(utf8_is_valid(utf8));
        EXPECT_TRUE(utf8.len <= most);
        arena_release(&a);
    }
}

RUN_TESTS(TEST(labels_are_read_as_browsers_read_them), TEST(bytes_of_one_charset_are_converted),
          TEST(charsets_with_escapes_are_converted), TEST(what_cannot_be_read_swallows_nothing),
          TEST(text_without_a_charset_is_guessed), TEST(a_byte_order_mark_counts_where_the_text_bears_it_out),
          TEST(results_end_at_a_character), TEST(all_is_utf8))
