/* tests/unit/test_mime.c - the parts of messages, as the standards have them, and where they end. */
#include "tests/kit/expect.h"

#include "gateway/base/utf8.h"
#include "tests/kit/mime_view.h"

#define TYPE "MIME-Version: 1.0\r\nContent-Type: "

static void expect_tree(struct span message, const char *want)
{
    struct message *m = message_new(message, &mime_view_limits);
    struct strbuf view;

    mime_view(&view, m);
    EXPECT_SPAN(want, strbuf_span(&view));
    strbuf_release(&view);
    message_free(m);
}

static void parts_are_where_their_boundaries_say(void **state)
{
    static const struct {
        const char *message, *tree;
    } cases[] = {
        { "\r\nhello\r\n", "text/plain \"hello\\x0d\\x0a\"\n" },
        { "", "text/plain \"\"\n" },
        { TYPE "text/html\r\n\r\n<p>", "text/html \"<p>\"\n" },
        { TYPE "multipart/mixed; boundary=b\r\n\r\n"
               "--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n",
          "multipart/mixed\n  text/plain \"one\"\n  text/html \"two\"\n" },
        /* before, behind, blanks behind a boundary, an empty line before one */
        { TYPE "multipart/mixed; boundary=b\r\n\r\n"
               "before\r\n--b \t\r\n\r\none\r\n\r\n--b-- \r\nbehind\r\n",
          "multipart/mixed\n  text/plain \"one\\x0d\\x0a\"\n" },
        /* not a boundary: it goes on, or does not begin the line */
        { TYPE "multipart/mixed; boundary=bc\r\n\r\n--bc\r\n\r\n--b\r\n --bc\r\n---bc\r\n-bc\r\n--bc--",
          "multipart/mixed\n  text/plain \"--b\\x0d\\x0a --bc\\x0d\\x0a---bc\\x0d\\x0a-bc\"\n" },
        /* a part without header, empty, or all header */
        { TYPE "multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b--",
          "multipart/mixed\n  text/plain \"\"\n  text/plain \"\"\n  text/html [no_header_end] \"\"\n" },
        { TYPE "multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nContent-Type: text/html\r\n\r\nx\r\n--b--",
          "multipart/digest\n  message/rfc822\n    text/html \"x\"\n" },
        { TYPE "message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\nx",
          "message/rfc822\n  message/rfc822\n    text/html \"x\"\n" },
        { TYPE "message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQ29udGVudC1UeXBlOiB0ZXh0L2h0bWwKCng=",
          "message/rfc822\n  text/html [bare_lf] \"x\"\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_tree(span_of(cases[i].message), cases[i].tree);
}

static void inner_multiparts_end_where_outer_ones_go_on(void **state)
{
    (void)state;
    expect_tree(SPAN(TYPE "multipart/mixed; boundary=o\r\n\r\n"
                          "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
                          "--i\r\n\r\none\r\n--i\r\n\r\ntwo\r\n"
                          "--o\r\n\r\nthree\r\n--o--\r\n"),
                "multipart/mixed\n"
                "  multipart/alternative [boundary_unclosed]\n    text/plain \"one\"\n    text/plain \"two\"\n"
                "  text/plain \"three\"\n");
    expect_tree(SPAN(TYPE "multipart/mixed; boundary=o\r\n\r\n"
                          "--o\r\nContent-Type: message/rfc822\r\n\r\n"
                          "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\none\r\n--i--\r\n"
                          "--o\r\n\r\nthree\r\n--o--\r\n"),
                "multipart/mixed\n"
                "  message/rfc822\n    multipart/alternative\n      text/plain \"one\"\n"
                "  text/plain \"three\"\n");
}

static void what_has_no_good_type_is_text_or_a_file(void **state)
{
    (void)state;
    expect_tree(SPAN(TYPE "text\r\n\r\nx"), "text/plain [bad_content_type] \"x\"\n");
    expect_tree(SPAN(TYPE "; name=a.zip\r\n\r\nx"), "application/octet-stream [bad_content_type] \"x\"\n");
    expect_tree(SPAN(TYPE "zip\r\nContent-Disposition: attachment\r\n\r\nx"),
                "application/octet-stream [bad_content_type] \"x\"\n");
}

static void a_boundary_ends_a_header(void **state)
{
    (void)state;
    expect_tree(SPAN(TYPE "multipart/mixed; boundary=\"a:b\"\r\n\r\n--a:b\r\nX: y\r\n--a:b\r\n\r\nz\r\n--a:b--\r\n"),
                "multipart/mixed\n  text/plain [no_header_end] \"\"\n  text/plain \"z\"\n");
}

static void facts_of_a_part_are_told(void **state)
{
    struct message *m = message_new(SPAN(TYPE "Text/HTML; Charset=\"UTF-8\"; name=other\r\n"
                                              "Content-Disposition: Attachment; filename=\"a b.html\"\r\n"
                                              "Content-ID: <x@y>\r\n"
                                              "Content-Transfer-Encoding: (hm) Base64 (ha)\r\n\r\neA==\r\n"),
                                    &mime_view_limits);
    struct mime_part *part = message_mime(m)->parts[0];

    (void)state;
    EXPECT_STR("text/html", part->type);
    EXPECT_STR("utf-8", part->charset);
    EXPECT_STR("a b.html", part->filename);
    EXPECT_STR("other", part->other_filenames[0]);
    EXPECT_NULL(part->other_filenames[1]);
    EXPECT_TRUE(mime_is_named(part, ".HTML") && mime_is_named(part, "other") && !mime_is_named(part, "a"));
    EXPECT_STR("x@y", part->content_id);
    EXPECT_INT(MIME_ATTACHMENT, part->disposition);
    EXPECT_INT(MIME_BASE64, part->encoding);
    EXPECT_TRUE(part->is_text && part->is_html && !part->is_multipart && !part->is_message);
    EXPECT_SPAN("x", mime_bytes(m, part));
    EXPECT_SPAN("x", mime_text(m, part));
    EXPECT_SPAN("eA==\r\n", part->encoded);
    message_free(m);
}

static void expect_names(const char *fields, const char *filename, const char *other)
{
    char text[1000];

    snprintf(text, sizeof text, "%s\r\n\r\n", fields);
    struct message *m = message_new(span_of(text), &mime_view_limits);

    EXPECT_STR(filename, message_mime(m)->parts[0]->filename);
    struct strbuf others;

    strbuf_init(&others, 10000);
    for (size_t i = 0; message_mime(m)->parts[0]->other_filenames[i]; i++)
        strbuf_putf(&others, "%s%s", i ? "|" : "", message_mime(m)->parts[0]->other_filenames[i]);
    EXPECT_SPAN(other, strbuf_span(&others));
    strbuf_release(&others);
    message_free(m);
}

static void names_that_readers_may_see_are_told(void **state)
{
    (void)state;
    expect_names("Content-Disposition: attachment; filename=a.txt", "a.txt", "");
    expect_names("Content-Type: text/plain; name=a.txt", "a.txt", "");
    expect_names("Content-Disposition: attachment; filename=a.txt; filename=b.exe", "a.txt", "b.exe");
    expect_names("Content-Disposition: attachment; filename=b.exe; filename*=utf-8''a.txt", "a.txt", "b.exe");
    expect_names("Content-Disposition: attachment; filename=a.txt; name=b.exe", "a.txt", "b.exe");
    expect_names("Content-Type: a/b; name=a.txt\r\nContent-Disposition: attachment; name=b.exe", "a.txt", "b.exe");
    expect_names("Content-Type: text/plain; name=b.exe\r\nContent-Disposition: attachment; filename=a.txt", "a.txt",
                 "b.exe");
    expect_names("Content-Disposition: attachment; filename=\"=?utf-8?q?a.txt?=\"", "a.txt", "=?utf-8?q?a.txt?=");
    expect_names("Content-Disposition: attachment; filename=a; filename=b; filename=c.exe", "a", "b|c.exe");
    expect_names("Content-Disposition: attachment; filename=a\r\nContent-Disposition: inline; filename=b.exe", "a",
                 "b.exe");
    expect_names("Content-Type: a/b; name=a\r\nContent-Type: a/b; name=b.exe", "a", "b.exe");
    expect_names("Content-Disposition: attachment; filename*=utf-8''b.exe%00.txt", "b.exe?.txt", "b.exe");
    expect_names("Content-Disposition: attachment; filename*0=a; filename*1=.txt", "a.txt", "");
    expect_names("Content-Disposition: attachment; filename*=iso-8859-1''%fc.txt", "\xc3\xbc.txt", "");
}

static void long_names_keep_their_ends(void **state)
{
    struct strbuf text;

    (void)state;
    strbuf_init(&text, 10000);
    strbuf_puts(&text, "Content-Disposition: attachment; filename=\"");
    for (int i = 0; i < 1001; i++)
        strbuf_puts(&text, "\xc3\xbc");
    strbuf_puts(&text, ".exe. \"\r\n\r\n");
    struct message *m = message_new(strbuf_span(&text), &mime_view_limits);
    struct span name = span_of(message_mime(m)->parts[0]->filename);

    EXPECT_TRUE(name.len <= 1024 && utf8_is_valid(name) && mime_is_named(message_mime(m)->parts[0], ".exe"));
    message_free(m);
    strbuf_release(&text);
}

static void texts_are_utf8_with_lf(void **state)
{
    struct message *m = message_new(SPAN(TYPE "text/plain; charset=iso-8859-1\r\n"
                                              "Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\n=FC\r\n\rb"),
                                    &mime_view_limits);

    (void)state;
    EXPECT_SPAN("a\xc3\xbc\n\rb", mime_text(m, message_mime(m)->parts[0]));
    EXPECT_SPAN("a\xfc\r\n\rb", mime_bytes(m, message_mime(m)->parts[0]));
    message_free(m);
}

static void files_in_texts_are_parts(void **state)
{
    (void)state;
    expect_tree(SPAN("\r\nhi\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n"
                     "=ybegin line=128 size=3 name=a b\r\n\x8b\x8c\x8d\r\n=yend size=3\r\nbye\r\n"),
                "text/plain [8bit_in_7bit uuencoded yencoded]\n"
                "  application/octet-stream \"abc\"\n"
                "  application/octet-stream \"abc\"\n");
    expect_tree(SPAN(TYPE "text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
                          "begin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n"),
                "text/plain \"abc\"\n");
}

/* An attachment: a.txt, "abc". */
#define WINMAIL_DAT                                                                                                    \
    "eJ8+IgEAAgKQBgAOAAAAAQD/////IAAgAAAAAAA9BAIQgAEABgAAAGEudHh0AO8BAg+ABgADAAAA"                                     \
    "YWJjJgE="

static void files_in_winmail_dat_are_parts(void **state)
{
    struct message *m = message_new(
        SPAN(TYPE "application/x; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" WINMAIL_DAT),
        &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);

    (void)state;
    EXPECT_INT(2, tree->count);
    EXPECT_TRUE(mime_has(tree->parts[0], MIME_TNEF) && !mime_has(tree->parts[0], MIME_BAD_PACKED));
    EXPECT_STR("a.txt", tree->parts[1]->filename);
    EXPECT_SPAN("abc", mime_bytes(m, tree->parts[1]));
    EXPECT_TRUE(tree->parts[1]->is_unpacked && tree->parts[1]->parent == tree->parts[0]);
    message_free(m);
}

/* What was signed is a part; so is what was signed in it. */
static void what_was_signed_is_a_part(void **state)
{
    struct message *m = message_new(
        SPAN(TYPE "application/x-pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n"
                  "MIAGCSqGSIb3DQEHAqCAMIACAQExADCABgkqhkiG9w0BBwGggCSABBRDb250ZW50LVR5cGU6IHRleHQvaAQLdG1sDQoNCjxwPmEA"
                  "AAAAAAAxAA=="),
        &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);

    (void)state;
    EXPECT_INT(2, tree->count);
    EXPECT_TRUE(mime_has(tree->parts[0], MIME_SIGNED) && !mime_has(tree->parts[0], MIME_BAD_PACKED));
    EXPECT_TRUE(tree->parts[1]->is_html && tree->parts[1]->is_unpacked);
    EXPECT_SPAN("<p>a", mime_text(m, tree->parts[1]));
    message_free(m);
}

static struct span first_text(struct span message)
{
    static struct message *m;

    message_free(m);
    m = message.ptr ? message_new(message, &mime_view_limits) : NULL;
    return m ? mime_text(m, message_mime(m)->parts[0]) : message;
}

static void texts_are_what_people_read(void **state)
{
    (void)state;
    EXPECT_SPAN("one line\ntwo\n", first_text(SPAN(TYPE "text/plain; format=flowed\r\n\r\none \r\nline\r\ntwo\r\n")));
    EXPECT_SPAN("oneline", first_text(SPAN(TYPE "text/plain; format=flowed; delsp=yes\r\n\r\none \r\nline")));
    EXPECT_SPAN("one\n", first_text(SPAN(TYPE "text/plain; format=flowed; delsp=yes\r\n\r\none\r \r\n\r\n")));
    EXPECT_SPAN("one \nline", first_text(SPAN(TYPE "text/html; format=flowed\r\n\r\none \r\nline")));
    EXPECT_SPAN("<meta charset='koi8-r'>\xd0\xb0",
                first_text(SPAN(TYPE "text/html\r\n\r\n<meta charset='koi8-r'>\xc1")));
    EXPECT_SPAN("charset=koi8-r \xc3\x81", first_text(SPAN(TYPE "text/plain\r\n\r\ncharset=koi8-r \xc1")));
    EXPECT_SPAN("hello", span_trim(first_text(SPAN(TYPE "application/rtf\r\n\r\n{\\rtf1\\ansi {\\b hel}lo}"))));
    first_text(span_make(NULL, 0));
}

RUN_TESTS(TEST(parts_are_where_their_boundaries_say), TEST(inner_multiparts_end_where_outer_ones_go_on),
          TEST(a_boundary_ends_a_header), TEST(what_has_no_good_type_is_text_or_a_file), TEST(facts_of_a_part_are_told),
          TEST(texts_are_utf8_with_lf), TEST(files_in_texts_are_parts), TEST(files_in_winmail_dat_are_parts),
          TEST(what_was_signed_is_a_part), TEST(names_that_readers_may_see_are_told), TEST(long_names_keep_their_ends),
          TEST(texts_are_what_people_read))
