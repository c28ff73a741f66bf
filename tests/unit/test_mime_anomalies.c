/* tests/unit/test_mime_anomalies.c - each anomaly by a message that has it, and by one next to it that has not. */
#include "tests/kit/expect.h"

#include "tests/kit/mime_view.h"

#define V    "MIME-Version: 1.0\r\n"
#define TYPE V "Content-Type: "
#define MIX  TYPE "multipart/mixed; boundary="
#define END  "\r\n\r\n"
/* S/MIME in which "abc" was signed. */
#define SIGNED_ABC                                                                                                     \
    "\x30\x28\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x1b\x30\x19\x02\x01\x01\x31\x00\x30\x12\x06\x09\x2a\x86" \
    "\x48\x86\xf7\x0d\x01\x07\x01\xa0\x05\x04\x03"                                                                     \
    "abc\x31"

static const struct {
    enum mime_anomaly anomaly;
    struct span has, has_not;
} cases[] = {
    { MIME_DUPLICATE_TYPE, SPAN(TYPE "text/plain\r\nContent-Type: text/html" END),
      SPAN(TYPE "text/plain\r\nContent-Type:  Text/Plain" END) },
    { MIME_DUPLICATE_ENCODING, SPAN(V "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64" END),
      SPAN(V "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 7BIT" END) },
    { MIME_DUPLICATE_DISPOSITION, SPAN("Content-Disposition: inline\r\nContent-Disposition: attachment" END),
      SPAN("Content-Disposition: inline\r\nContent-Disposition: inline" END) },
    { MIME_DUPLICATE_PARAM, SPAN(MIX "a; boundary=b" END "--a\r\n\r\n--a--"), SPAN(MIX "a" END "--a\r\n\r\n--a--") },
    { MIME_NO_BOUNDARY, SPAN(TYPE "multipart/mixed" END "--a\r\n\r\n--a--"), SPAN(MIX "a" END "--a\r\n\r\n--a--") },
    { MIME_NO_BOUNDARY, SPAN(TYPE "multipart/mixed; boundary=\"\"" END), SPAN(TYPE "text/plain" END) },
    { MIME_BOUNDARY_ABSENT, SPAN(MIX "a" END "--b\r\n\r\n--b--"), SPAN(MIX "a" END "--a\r\n\r\n--b--") },
    { MIME_BOUNDARY_UNCLOSED, SPAN(MIX "a" END "--a\r\n\r\n--b--"), SPAN(MIX "a" END "--a\r\n\r\n--a--") },
    { MIME_BOUNDARY_NESTED,
      SPAN(MIX "a" END "--a\r\nContent-Type: multipart/mixed; boundary=ab" END "--ab\r\n\r\n--ab--\r\n--a--"),
      SPAN(MIX "a" END "--a\r\nContent-Type: multipart/mixed; boundary=b" END "--b\r\n\r\n--b--\r\n--a--") },
    { MIME_BOUNDARY_NESTED,
      SPAN(MIX "a" END "--a\r\nContent-Type: multipart/mixed; boundary=a" END "--a\r\n\r\n--a--\r\n--a--"),
      SPAN(MIX "a" END "--a\r\n\r\n--a\r\n\r\n--a--") },
    { MIME_BOUNDARY_ODD, SPAN(MIX "\"a@b\"" END "--a@b\r\n\r\n--a@b--"),
      SPAN(MIX "\"a b\"" END "--a b\r\n\r\n--a b--") },
    { MIME_BOUNDARY_ODD, SPAN(MIX "\"a \"" END "--a\r\n\r\n--a--"), SPAN(MIX "\"a\"" END "--a\r\n\r\n--a--") },
    { MIME_BOUNDARY_ODD, SPAN(MIX "a012345678901234567890123456789012345678901234567890123456789012345678901" END),
      SPAN(MIX "a01234567890123456789012345678901234567890123456789012345678901234567" END) },
    { MIME_MULTIPART_ENCODED, SPAN(MIX "a\r\nContent-Transfer-Encoding: base64" END "--a\r\n\r\n--a--"),
      SPAN(MIX "a\r\nContent-Transfer-Encoding: 8bit" END "--a\r\n\r\n--a--") },
    { MIME_BAD_BASE64, SPAN(V "Content-Transfer-Encoding: base64" END "eH*g="),
      SPAN(V "Content-Transfer-Encoding: base64" END "eHg=\r\n") },
    { MIME_BAD_QUOTED_PRINTABLE, SPAN(V "Content-Transfer-Encoding: quoted-printable" END "a=ZZ"),
      SPAN(V "Content-Transfer-Encoding: quoted-printable" END "a=3D=\r\n") },
    { MIME_UNKNOWN_ENCODING, SPAN(V "Content-Transfer-Encoding: 9bit" END),
      SPAN(V "Content-Transfer-Encoding: Binary (x)" END) },
    { MIME_BAD_TYPE, SPAN(TYPE "text" END), SPAN(TYPE "text/x-y" END) },
    { MIME_BAD_TYPE, SPAN(TYPE "/plain" END), SPAN(TYPE "(a) text/plain (b)" END) },
    { MIME_BAD_PARAM, SPAN(TYPE "text/plain; charset" END), SPAN(TYPE "text/plain; charset=us-ascii" END) },
    { MIME_COMMENT_IN_PARAM, SPAN(TYPE "text/plain; charset=(x)utf-8" END),
      SPAN(TYPE "text/plain; charset=\"(x)\"" END) },
    { MIME_ENCODED_WORD_PARAM, SPAN(TYPE "text/plain; name=\"=?utf-8?q?a?=\"" END),
      SPAN(TYPE "text/plain; name*=utf-8''a" END) },
    { MIME_PARAM_CONFLICT, SPAN(TYPE "text/plain; name=a; name*=utf-8''b" END),
      SPAN(TYPE "text/plain; name=a; name*=utf-8''a" END) },
    { MIME_PARAM_CONFLICT, SPAN(TYPE "text/plain; name=a\r\nContent-Disposition: attachment; filename=b" END),
      SPAN(TYPE "text/plain; name=a\r\nContent-Disposition: attachment; filename=a" END) },
    { MIME_HEADER_IN_BODY, SPAN(V "\r\nContent-Type: text/html" END "<p>"),
      SPAN(V "\r\nContent-Types: text/html are nice" END) },
    { MIME_NO_HEADER_END, SPAN(TYPE "text/plain"), SPAN(TYPE "text/plain" END) },
    { MIME_BAD_HEADER_LINE, SPAN(TYPE "text/plain\r\nhello" END), SPAN(TYPE "text/plain\r\n hello" END) },
    { MIME_NUL, SPAN(V "\r\na\0b"), SPAN(V "\r\nab") },
    { MIME_BARE_CR, SPAN(V "\r\na\rb"), SPAN(V "\r\na\r\nb") },
    { MIME_BARE_LF, SPAN(V "\r\na\nb"), SPAN(V "\r\na\r\nb") },
    { MIME_8BIT_IN_7BIT, SPAN(V "\r\na\xfc"), SPAN(V "Content-Transfer-Encoding: 8bit" END "a\xfc") },
    { MIME_PARTIAL, SPAN(TYPE "message/partial; id=x; number=1; total=2" END),
      SPAN(TYPE "message/rfc822" END "A: b" END) },
    { MIME_EXTERNAL_BODY, SPAN(TYPE "message/external-body; access-type=URL; url=x" END "Content-Type: text/plain" END),
      SPAN(TYPE "message/rfc822" END "A: b" END) },
    { MIME_UUENCODED, SPAN(V "\r\nhi\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n"),
      SPAN(V "\r\nhi\r\nbegin 644 a.txt\r\nis how it begins\r\nend\r\n") },
    { MIME_YENCODED, SPAN(V "\r\n=ybegin line=128 size=1 name=a\r\nx\r\n=yend size=1\r\n"),
      SPAN(V "\r\nso =ybegin line=1\r\n") },
    { MIME_SIGNED, SPAN(TYPE "application/pkcs7-mime" END SIGNED_ABC),
      SPAN(TYPE "application/octet-stream" END SIGNED_ABC) },
    { MIME_TNEF, SPAN(TYPE "application/ms-tnef" END), SPAN(TYPE "application/ms-tneff" END) },
    { MIME_BAD_PACKED, SPAN(V "\r\nbegin 644 a.txt\r\n#86)C\r\n#8\x7f\x7f\x7f\r\nend\r\n"),
      SPAN(V "\r\nhi\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n") },
    { MIME_BAD_PACKED, SPAN(V "\r\n=ybegin line=128 size=3 name=a\r\n\x8b\x8c\x8d\r\n=yend size=4\r\n"),
      SPAN(V "\r\n=ybegin line=128 size=3 name=a\r\n\x8b\x8c\x8d\r\n=yend size=3\r\n") },
    { MIME_BAD_PACKED, SPAN(TYPE "application/ms-tnef" END "x"), SPAN(TYPE "application/ms-tne" END "x") },
    { MIME_CHARSET_UNKNOWN, SPAN(TYPE "text/plain; charset=x-none-such" END "a\xfc"),
      SPAN(TYPE "text/plain; charset=koi8-r" END "a") },
    { MIME_CHARSET_INVALID, SPAN(TYPE "text/plain; charset=utf-8" END "a\xfc"),
      SPAN(TYPE "text/plain; charset=utf-8" END "\xc3\xbc") },
    { MIME_NO_VERSION, SPAN("Content-Type: text/plain" END), SPAN("Subject: x" END) },
};

static uint64_t anomalies_of(struct span bytes)
{
    struct message *m = message_new(bytes, &mime_view_limits);
    const struct mime_tree *tree = message_mime(m);

    for (size_t i = 0; i < tree->count; i++)
        mime_text(m, tree->parts[i]);
    uint64_t anomalies = tree->anomalies;

    message_free(m);
    return anomalies;
}

static void each_is_told_and_only_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool has = anomalies_of(cases[i].has) >> cases[i].anomaly & 1;
        bool has_not = anomalies_of(cases[i].has_not) >> cases[i].anomaly & 1;

        if (!has || has_not)
            fail_msg("%s: case %zu has %d, next to it %d", mime_anomaly_name(cases[i].anomaly), i, has, has_not);
    }
}

static uint64_t with_line(size_t bytes)
{
    char text[2000];
    int n = snprintf(text, sizeof text, "%s\r\n%0*d\r\n", V, (int)bytes, 1);

    return anomalies_of(span_make(text, (size_t)n));
}

static void lines_over_998_bytes_are_long(void **state)
{
    (void)state;
    EXPECT_INT(0, with_line(998) >> MIME_LONG_LINE & 1);
    EXPECT_INT(1, with_line(999) >> MIME_LONG_LINE & 1);
}

static void names_are_all_different(void **state)
{
    (void)state;
    for (int i = 0; i < MIME_ANOMALY_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(mime_anomaly_name((enum mime_anomaly)i), mime_anomaly_name((enum mime_anomaly)k));
}

RUN_TESTS(TEST(each_is_told_and_only_where_it_is), TEST(lines_over_998_bytes_are_long), TEST(names_are_all_different))
