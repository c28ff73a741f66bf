/* tests/unit/test_mime_readings.c - where readers differ: all that any of them would show is in the tree. */
#include "tests/kit/expect.h"

#include "tests/kit/mime_view.h"

#define V    "MIME-Version: 1.0\r\n"
#define TYPE V "Content-Type: "
#define END  "\r\n\r\n"

static const struct {
    const char *what;
    const char *message;
    const char *reading; /* its name, NULL: there is none */
    const char *shown;   /* a leaf's bytes in it */
} cases[] = {
    { "two types", TYPE "text/plain\r\nContent-Type: multipart/mixed; boundary=b" END "--b\r\n\r\nx\r\n--b--",
      "last Content-Type", "x" },
    { "three types",
      TYPE "text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Type: text/html" END
           "--b\r\n\r\nx\r\n--b--",
      "another Content-Type", "x" },
    { "the same type twice", TYPE "text/plain\r\nContent-Type: text/plain" END "x", NULL, NULL },
    { "multipart without subtype", TYPE "multipart; boundary=b" END "--b\r\n\r\nx\r\n--b--",
      "the type that it begins like", "x" },
    { "a type with something behind it", TYPE "text/html,x" END "<p>", "the type that it begins like", "<p>" },
    { "what is at least HTML", TYPE "html" END "<p>", "the type that it begins like", "<p>" },
    { "more boundaries than are looked at",
      TYPE "multipart/mixed; boundary=a; boundary=c; boundary=d; boundary=e; boundary=f; boundary=g; boundary=h; "
           "boundary=i; boundary=b" END "--b\r\n\r\nx\r\n--b--",
      "another boundary parameter", "x" },
    { "two encodings", V "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64" END "eHl6",
      "last Content-Transfer-Encoding", "xyz" },
    { "two encodings, the other way round",
      V "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit" END "eHl6",
      "last Content-Transfer-Encoding", "eHl6" },
    { "encodings that all change nothing",
      V "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 8bit" END "eHl6", NULL, NULL },
    { "an encoding in other words", V "Content-Transfer-Encoding: x-base64" END "eHl6",
      "a name within Content-Transfer-Encoding", "xyz" },
    { "two boundaries",
      TYPE "multipart/mixed; boundary=a; boundary=b" END "--a\r\n\r\nx\r\n--a--\r\n--b\r\n\r\ny\r\n--b--",
      "another boundary parameter", "y" },
    { "a boundary by RFC 2231 and a plain one",
      TYPE "multipart/mixed; boundary*=us-ascii''a; boundary=b" END "--a\r\n\r\nx\r\n--a--\r\n--b\r\n\r\ny\r\n--b--",
      "another boundary parameter", "y" },
    { "a boundary in RFC 2231's encoding",
      TYPE "multipart/mixed; boundary*=us-ascii''a%62" END "--ab\r\n\r\nx\r\n--ab--", "", "x" },
    { "a quote that does not end", TYPE "multipart/mixed; boundary=\"b" END "--b\r\n\r\nx\r\n--b--", "", "x" },
    { "a boundary with blanks that is not quoted", TYPE "multipart/mixed; boundary=a b" END "--a b\r\n\r\nx\r\n--a b--",
      "", "x" },
    { "a boundary with blanks that is not quoted, cut",
      TYPE "multipart/mixed; boundary=a b" END "--a\r\n\r\nx\r\n--a--", "", "x" },
    { "a comment behind a boundary", TYPE "multipart/mixed; boundary=a(b)" END "--a(b)\r\n\r\nx\r\n--a(b)--", "", "x" },
    { "a comment before a boundary", TYPE "multipart/mixed; boundary=(b)a" END "--a\r\n\r\nx\r\n--a--", "", "x" },
    { "a boundary on two lines", TYPE "multipart/mixed; boundary=\"b\r\n c\"" END "--bc\r\n\r\nx\r\n--bc--",
      "boundary without its fold", "x" },
    { "an empty boundary", TYPE "multipart/mixed; boundary=\"\"" END "--\r\n\r\nx\r\n----", "the empty boundary", "x" },
    { "no boundary, and a line that only looks like one", TYPE "multipart/mixed" END "--c\r\n--b\r\n\r\nx\r\n--b--",
      "boundary of the last line that looks like one", "x" },
    { "no boundary", TYPE "multipart/mixed" END "--b\r\n\r\nx\r\n--b--",
      "boundary of the first line that looks like one", "x" },
    { "a boundary that never comes", TYPE "multipart/mixed; boundary=a" END "--b\r\n\r\nx\r\n--b--",
      "boundary of the first line that looks like one", "x" },
    { "no parts at all", TYPE "multipart/mixed; boundary=a" END "hello", "as plain text", "hello" },
    { "boundary lines that go on", TYPE "multipart/mixed; boundary=b" END "--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--",
      "boundary lines may go on", "y" },
    { "parts behind the end", TYPE "multipart/mixed; boundary=b" END "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--",
      "parts behind the last boundary", "y" },
    { "the same boundary inside",
      TYPE "multipart/mixed; boundary=b" END "--b\r\nContent-Type: multipart/mixed; boundary=b" END
           "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--",
      "outer boundaries come first", "x" },
    { "a packed multipart",
      TYPE "multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64" END "LS1iDQoNCngNCi0tYi0t", "unpacked",
      "x" },
    { "a packed message that is not",
      TYPE "message/rfc822\r\nContent-Transfer-Encoding: base64" END "Subject: hi" END "x", "not encoded", "x" },
    { "text that is no base64", TYPE "text/plain\r\nContent-Transfer-Encoding: base64" END "hello, you there",
      "not encoded", "hello, you there" },
    { "text that is base64", TYPE "text/plain\r\nContent-Transfer-Encoding: base64" END "eHl6\r\n", NULL, NULL },
    { "base64 behind its padding", TYPE "text/plain\r\nContent-Transfer-Encoding: base64" END "eA==\r\neHl6",
      "base64 to its padding", "x" },
    { "padding within base64", TYPE "text/plain\r\nContent-Transfer-Encoding: base64" END "eH=l6",
      "base64 without its padding", "xyz" },
    { "text that is no uuencode", TYPE "text/plain\r\nContent-Transfer-Encoding: x-uuencode" END "hello", "not encoded",
      "hello" },
    { "a file that is no yEnc", TYPE "a/b\r\nContent-Transfer-Encoding: x-yencode" END "hello", "not encoded",
      "hello" },
    { "a second file in uuencode",
      TYPE "a/b\r\nContent-Transfer-Encoding: x-uuencode" END
           "begin 644 a\r\n#86)C\r\n`\r\nend\r\nbegin 644 b\r\n#>'EZ\r\n`\r\nend\r\n",
      "not encoded", "xyz" },
    { "one file in uuencode",
      TYPE "a/b\r\nContent-Transfer-Encoding: x-uuencode" END "begin 644 a\r\n#86)C\r\n`\r\nend\r\n", NULL, NULL },
    { "a message that is not quoted-printable",
      TYPE "message/rfc822\r\nContent-Transfer-Encoding: quoted-printable" END "Subject: y" END "=41", "not encoded",
      "=41" },
    { "a message by its name",
      TYPE "application/octet-stream; name=a.EML\r\nContent-Transfer-Encoding: base64" END "U3ViamVjdDogeQ0KDQp4",
      "the message that it is by its name", "x" },
    { "a name alone makes no message", TYPE "application/octet-stream; name=a.eml" END "hello", NULL, NULL },
    { "the first part of a packed message",
      TYPE "message/partial; id=x; number=1\r\nContent-Transfer-Encoding: base64" END "U3ViamVjdDogeQ0KDQp4",
      "the message of which it is a part", "x" },
    { "base64 with padding at the end", TYPE "text/plain\r\nContent-Transfer-Encoding: base64" END "eA==\r\n", NULL,
      NULL },
    { "no MIME-Version", "Content-Transfer-Encoding: base64" END "eHl6", "without MIME", "eHl6" },
    { "no MIME-Version, plain text", "Content-Type: text/plain" END "eHl6", NULL, NULL },
    { "a header broken by a bare CR", V "X: y\rContent-Transfer-Encoding: base64" END "eHl6", "bare CR ends lines",
      "xyz" },
    { "boundary lines behind a bare CR", TYPE "multipart/mixed; boundary=b" END "--b\r\n\r\nx\r--b\r\n\r\ny\r\n--b--",
      "bare CR ends lines", "y" },
    { "a header broken by a bare LF", V "X: y\nContent-Transfer-Encoding: base64" END "eHl6", "only CRLF ends lines",
      "eHl6" },
    { "a header that an empty line with bare LFs ends", V "X: y\n\nContent-Transfer-Encoding: base64" END "eHl6",
      "only CRLF ends lines", "eHl6" },
    { "a line of blanks", V "X: y\r\n \t\r\nContent-Transfer-Encoding: base64" END "eHl6",
      "a blank line ends the header", "Content-Transfer-Encoding: base64\\x0d\\x0a\\x0d\\x0aeHl6" },
    { "blanks before the empty line", V "X: y\r\n  \r\n\r\nx", NULL, NULL },
    { "a line that is no field", V "hello\r\nContent-Transfer-Encoding: base64" END "eHl6",
      "the header goes on behind a bad line", "xyz" },
    { "many lines that are no fields", V "a\r\nb\r\nc\r\nd\r\ne\r\nf\r\nContent-Transfer-Encoding: base64" END "eHl6",
      "the header goes on behind a bad line", "xyz" },
    { "a header that begins with blanks", " Content-Transfer-Encoding: base64\r\nContent-Type: a/b" END "eHl6",
      "the header goes on behind a bad line", "xyz" },
    { "all of a header behind blanks",
      " Content-Type: multipart/mixed; boundary=b\r\n Subject: y" END "--b\r\n\r\nx\r\n--b--",
      "the header goes on behind a bad line", "x" },
    { "a parameter that lacks the blank before it",
      TYPE "multipart/mixed;\r\nboundary=b" END "--c\r\n--b\r\n\r\nx\r\n--b--", "the header goes on behind a bad line",
      "x" },
    { "an encoded word behind a line that is no field",
      V "hello\r\nContent-Transfer-Encoding: =?us-ascii?q?=62ase64?=" END "eHl6", "encoded words in MIME fields",
      "xyz" },
    { "a line that is no field, between bare CRs", V "X: y\rhello\rContent-Transfer-Encoding: base64" END "eHl6",
      "the header goes on behind a bad line", "xyz" },
    { "a text with a boundary", TYPE "text/plain; boundary=b" END "--b\r\n\r\nx\r\n--b--",
      "multipart/mixed, as it has a boundary", "x" },
    { "a text with a boundary that never comes", TYPE "text/plain; boundary=b" END "--\r\n\r\nx", NULL, NULL },
    { "an encoding in an encoded word", V "Content-Transfer-Encoding: =?us-ascii?q?=62ase64?=" END "eHl6",
      "encoded words in MIME fields", "xyz" },
    { "a type in an encoded word", TYPE "=?us-ascii?q?multipart/mixed=3B_boundary=3Db?=" END "--b\r\n\r\nx\r\n--b--",
      "encoded words in MIME fields", "x" },
    { "more types than are looked at",
      TYPE "a/a\r\nContent-Type: a/b\r\nContent-Type: a/c\r\nContent-Type: a/d\r\nContent-Type: a/e\r\n"
           "Content-Type: a/f\r\nContent-Type: a/g\r\nContent-Type: a/h\r\nContent-Type: a/i\r\n"
           "Content-Type: multipart/mixed; boundary=b" END "--b\r\n\r\nx\r\n--b--",
      "last Content-Type", "x" },
    { "a line that is no field, and text", V "hello\r\nyou: there" END "x", NULL, NULL },
    { "fields behind an empty line", V "\r\nContent-Transfer-Encoding: base64" END "eHl6",
      "the header is behind an empty line", "xyz" },
    { "all header", TYPE "multipart/mixed; boundary=b" END "--b\r\nContent-Type: text/html\r\nSee: here\r\n--b--",
      "the header ends behind its MIME fields", "See: here\\x0d\\x0a" },
    { "the first part of a message", TYPE "message/partial; id=x; number=1" END "Subject: y" END "x",
      "the message of which it is a part", "x" },
    { "another name within another type",
      TYPE "text/plain\r\nContent-Type: multipart/mixed; boundary=a; boundary=b" END "--b\r\n\r\nx\r\n--b--",
      "another boundary parameter", "x" },
    { "within a part",
      TYPE "multipart/mixed; boundary=b" END
           "--b\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64" END "eHl6\r\n--b--",
      "last Content-Transfer-Encoding", "xyz" },
};

/* "": any reading, or the standard one. */
static bool is_of(const struct mime_part *part, const char *reading)
{
    if (!reading[0])
        return true;
    for (; part; part = part->parent)
        if (strcmp(part->reading, reading) == 0)
            return true;
    return false;
}

static bool has_leaf(struct message *m, const char *reading, const char *shown)
{
    const struct mime_tree *tree = message_mime(m);

    for (size_t i = 0; i < tree->count; i++) {
        struct mime_part *part = tree->parts[i];
        struct strbuf bytes;

        strbuf_init(&bytes, 10000);
        strbuf_put_escaped(&bytes, mime_bytes(m, part), 1000);
        bool is_it = !part->children && is_of(part, reading) && span_is(strbuf_span(&bytes), shown);

        strbuf_release(&bytes);
        if (is_it)
            return true;
    }
    return false;
}

static void what_any_reader_shows_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message *m = message_new(span_of(cases[i].message), &mime_view_limits);
        const struct mime_tree *tree = message_mime(m);
        bool is_good = cases[i].reading ? has_leaf(m, cases[i].reading, cases[i].shown) : true;

        for (size_t k = 0; !cases[i].reading && k < tree->count; k++)
            is_good &= !tree->parts[k]->is_reading && !tree->parts[k]->reading_of;
        if (!is_good) {
            struct strbuf view;

            mime_view(&view, m);
            fail_msg("%s:\n%s", cases[i].what, strbuf_span(&view).ptr);
        }
        message_free(m);
    }
}

/* What a C string cannot hold, and a header beyond its limit. */
static void headers_that_are_broken_hide_nothing(void **state)
{
    struct strbuf bytes;

    (void)state;
    struct message *m = message_new(SPAN(V "Content-\0Transfer-Encoding: ba\0se64" END "eHl6"), &mime_view_limits);

    EXPECT_TRUE(has_leaf(m, "the header goes on behind a bad line", "xyz"));
    message_free(m);
    m = message_new(SPAN(V "Content-Transfer-Encoding: ba\0se64" END "eHl6"), &mime_view_limits);
    EXPECT_TRUE(has_leaf(m, "a header without NULs", "xyz"));
    message_free(m);
    strbuf_init(&bytes, 1 << 20);
    strbuf_puts(&bytes, TYPE "multipart/mixed; boundary=b" END "--b\r\n");
    for (int i = 0; i < 2000; i++)
        strbuf_puts(&bytes, "X: y\r\n");
    strbuf_puts(&bytes, "Content-Transfer-Encoding: base64" END "eHl6\r\n--b--\r\n");
    m = message_new(strbuf_span(&bytes), &mime_view_limits);
    EXPECT_TRUE(message_mime(m)->anomalies >> MIME_HEADER_REACHED & 1);
    EXPECT_TRUE(has_leaf(m, "the header goes on behind its limit", "xyz"));
    message_free(m);
    strbuf_release(&bytes);
}

static void expect_text(struct span message, const char *reading, const char *text)
{
    struct message *m = message_new(message, &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);
    bool is_there = false;

    for (size_t i = 0; i < tree->count; i++)
        is_there |= is_of(tree->parts[i], reading) && span_is(mime_text(m, tree->parts[i]), text);
    if (!is_there)
        fail_msg("%s is not there as %s", text, reading);
    message_free(m);
}

static void texts_are_there_in_each_charset(void **state)
{
    (void)state;
    expect_text(SPAN(TYPE "text/plain; charset=utf-8; charset=utf-7" END "+AGE-b"), "last charset", "ab");
    expect_text(SPAN(TYPE "text/plain; charset=utf-8; charset=a; charset=utf-7; charset=b" END "+AGE-b"),
                "another charset", "ab");
    expect_text(SPAN(TYPE "text/plain; charset=utf-7" END "+AGE-b"), "without its charset", "+AGE-b");
    expect_text(SPAN(TYPE "text/plain; charset=hz-gb-2312" END "~{ab"), "without its charset", "~{ab");
    expect_text(SPAN(TYPE "text/plain; charset=IBM037" END "\x81\x82\x83"), "", "abc");
    expect_text(SPAN(TYPE "text/plain; charset=cp500" END "abc"), "without its charset", "abc");
    expect_text(SPAN(TYPE "text/plain; charset=utf-16" END "abcd"), "without its charset", "abcd");
    expect_text(SPAN(TYPE "text/html" END "<meta charset=utf-16>a"), "", "<meta charset=utf-16>a");
    expect_text(SPAN(TYPE "text/html; charset=x" END "<meta charset=koi8-r>\xc1"), "", "<meta charset=koi8-r>\xd0\xb0");
    expect_text(SPAN(TYPE "text/plain" END "a\0b\0"), "", "ab");
}

static void what_lies_too_deep_is_a_text(void **state)
{
    struct strbuf bytes;

    (void)state;
    strbuf_init(&bytes, 1 << 20);
    for (int i = 0; i < 60; i++)
        strbuf_puts(&bytes, TYPE "message/rfc822" END);
    strbuf_puts(&bytes, "hello");
    struct message *m = message_new(strbuf_span(&bytes), &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);
    struct mime_part *last = tree->parts[tree->count - 1];

    EXPECT_TRUE(tree->anomalies >> MIME_DEPTH_REACHED & 1);
    EXPECT_TRUE(last->is_text && span_iends(mime_text(m, last), SPAN("hello")));
    message_free(m);
    strbuf_release(&bytes);
}

static void readings_say_whose_they_are(void **state)
{
    struct message *m =
        message_new(SPAN(TYPE "text/plain\r\nContent-Type: multipart/mixed; boundary=b" END "--b\r\n\r\nx\r\n--b--"),
                    &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);

    (void)state;
    EXPECT_INT(3, tree->count);
    EXPECT_TRUE(!tree->parts[0]->is_reading && !tree->parts[0]->reading_of);
    EXPECT_TRUE(tree->parts[1]->is_reading && tree->parts[1]->reading_of == tree->parts[0]);
    EXPECT_TRUE(tree->parts[2]->is_reading && !tree->parts[2]->reading_of);
    EXPECT_TRUE(tree->parts[2]->parent == tree->parts[1]);
    EXPECT_INT(0, tree->parts[0]->children);
    for (unsigned i = 0; i < tree->count; i++)
        EXPECT_INT(i, tree->parts[i]->index);
    message_free(m);
}

RUN_TESTS(TEST(what_any_reader_shows_is_there), TEST(headers_that_are_broken_hide_nothing),
          TEST(texts_are_there_in_each_charset), TEST(what_lies_too_deep_is_a_text), TEST(readings_say_whose_they_are))
