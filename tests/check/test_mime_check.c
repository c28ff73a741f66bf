/* tests/check/test_mime_check.c - what the structure of a message and its HTML say of who wrote it. */
#include "rules/mime.h"

#include <stdio.h>

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#define HEAD  "From: a@example.org\nMIME-Version: 1.0\n"
#define HTML  HEAD "Content-Type: text/html; charset=utf-8\n\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\n\n"

static void each_symbol_is_found(void **state)
{
    static const struct {
        const char *message, *symbol, *reason;
    } cases[] = {
        { HEAD "Content-Type: text/plain\nContent-Type: text/html\n\nx\n", "MIME_AMBIGUOUS", "part 0: " },
        { HEAD "Content-Type: text/plain\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\neA==\n",
          "MIME_AMBIGUOUS", "part 0: " },
        { HEAD "Content-Disposition: inline; filename=a\nContent-Disposition: inline; filename=b\n\nx\n",
          "MIME_AMBIGUOUS", "part 0: duplicate_disposition" },
        { HEAD "Content-Type: a/b; name=a.txt\nContent-Disposition: inline; filename=b.exe\n\nx\n", "MIME_AMBIGUOUS",
          "part 0: parameter_conflict" },
        { HEAD "Content-Type: application/ms-tnef\n\nx\n", "MIME_BAD_ENCODING", "part 0: bad_packed" },
        { HEAD "Content-Transfer-Encoding: base64\nContent-Type: application/zip\n\neA==\neA==\n", "MIME_BAD_ENCODING",
          "part 0: bad_base64" },
        { HEAD "\nContent-Type: text/html\n\n<p>\n", "BROKEN_HEADERS", "part 0: header_in_body" },
        { HEAD "Content-Type: multipart/mixed\n\nx\n", "MIME_BAD_BOUNDARY", "part 0: " },
        { HEAD "Content-Type: multipart/mixed; boundary=c\n\n--b\n\nx\n", "MIME_BAD_BOUNDARY", "part 0: " },
        { MIXED "--b\n\nx\n", "MIME_UNCLOSED", "part 0: " },
        { HEAD "Content-Type: text/plain\nContent-Transfer-Encoding: x-rot13\n\nx\n", "MIME_BAD_ENCODING", "part 0: " },
        { MIXED "--b\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n=ZZ=\n--b--\n",
          "MIME_BAD_ENCODING", "part 1: " },
        { HEAD "Content-Type: what is this\n\nx\n", "BROKEN_CONTENT_TYPE", "part 0: " },
        { HEAD "Content-Type: text/plain\nContent-Transfer-Encoding: 7bit\n\nGr\xc3\xbc\xc3\x9f"
               "e\n",
          "BAD_CTE_7BIT", "part 0: " },
        { "From: a@example.org\nContent-Type: text/html\n\n<p>x</p>\n", "MISSING_MIME_VERSION", "part 0: " },
        { HEAD "Content-Type: text/plain; charset=martian\n\nx\n", "R_BAD_CHARSET", "part 0: " },
        { HEAD "Content-Type: message/partial; id=a; number=1; total=2\n\nx\n", "MIME_PARTIAL", "part 0: " },
        { HEAD "Content-Type: message/external-body; access-type=URL; URL=\"http://a/\"\n\n\n", "MIME_EXTERNAL_BODY",
          "part 0: " },
        { HEAD "Content-Type: text/plain\n\nbegin 644 a.txt\n#86)C\n`\nend\n", "MIME_UUENCODE", "part 0: " },
        { HTML "<p>x</p>\n", "MIME_HTML_ONLY", "no text/plain part" },
        { HTML "<p>shown</p><p style=\"font-size:0\">not shown</p>\n", "ZERO_FONT", "part 0: 8 letters" },
        { HTML "<form><input type=password></form>\n", "HTML_PASSWORD_FIELD", "part 0: an input of type password" },
        { HTML "<script>document.write(unescape('%41'))</script>\n", "HTML_SCRIPT_WRITES", "part 0: script that" },
        { HTML "<meta http-equiv=refresh content=\"0; url=https://example.com/\">\n", "HTML_META_REFRESH",
          "part 0: meta refresh" },
        { HTML "<a href=\"data:text/html;base64,PGgxPg==\">x</a>\n", "HTML_DATA_PAGE", "part 0: data:text/html" },
        { HTML "<iframe src=\"https://example.com/\"></iframe>\n", "HTML_OBJECT", "part 0: object" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open_bare(&mime_module, NULL);

        desk_message(d, cases[i].message);
        desk_settle(d);
        const struct finding *finding = desk_finding(d, cases[i].symbol);

        if (!finding)
            fail_msg("%s is not found in case %zu", cases[i].symbol, i);
        if (strncmp(finding->reason, cases[i].reason, strlen(cases[i].reason)) != 0)
            fail_msg("case %zu: \"%s\", not \"%s\"", i, finding->reason, cases[i].reason);
        desk_close(d);
    }
}

static void much_hidden_text_is_found_and_a_preheader_is_not(void **state)
{
    char text[2000] = "";

    (void)state;
    for (int hides = 0; hides < 2; hides++) {
        struct desk *d = desk_open_bare(&mime_module, NULL);

        snprintf(text, sizeof text, HTML "<div style=\"display:none\">%0*d</div><p>a letter</p>\n", hides ? 400 : 90,
                 7);
        for (char *c = strstr(text, "none"); *c && *c != '<'; c++)
            if (*c == '0')
                *c = 'a';
        desk_message(d, text);
        desk_settle(d);
        EXPECT_INT(hides, desk_finding(d, "HTML_HIDDEN_TEXT") != NULL);
        desk_close(d);
    }
}

#define FILL10 "&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;"
#define FILLER FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10

static void ordinary_mail_has_nothing(void **state)
{
    static const char *const messages[] = {
        "From: a@example.org\nSubject: plain\n\nHello.\n",
        HEAD "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9f"
             "e\n",
        HEAD "Content-Type: multipart/alternative; boundary=\"b\"\n\npreamble\n--b\nContent-Type: text/plain; "
             "charset=us-ascii\n\nHello.\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: "
             "quoted-printable\n\n<p>Hello,=20<b>you</b></p>\n--b--\n",
        MIXED "--b\nContent-Type: text/plain\n\nSee the file.\n--b\nContent-Type: application/pdf; name=a.pdf\n"
              "Content-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0x\n--b--\n",
        /* the line behind the subject, as newsletters have it, and what fills it up */
        MIXED "--b\nContent-Type: text/plain\n\nHello.\n--b\nContent-Type: text/html\n\n"
              "<div style=\"display:none;font-size:1px\">preheader" FILLER FILLER FILLER FILLER
              "</div><p>Hello.</p>\n--b--\n",
        /* a name in the forms of two standards, as Thunderbird writes it */
        MIXED "--b\nContent-Type: text/plain\n\nSee the file.\n--b\nContent-Type: application/pdf; "
              "name=\"=?utf-8?q?=C3=BC.pdf?=\"\nContent-Disposition: attachment; filename*=utf-8''%C3%BC.pdf\n"
              "Content-Transfer-Encoding: base64\n\nJVBERi0x\n--b--\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        struct desk *d = desk_open_bare(&mime_module, NULL);

        desk_message(d, messages[i]);
        desk_settle(d);
        if (d->run.finding_count)
            fail_msg("message %zu: %s: %s", i, d->run.findings[0].symbol, d->run.findings[0].reason);
        desk_close(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_symbol_is_found),
        cmocka_unit_test(much_hidden_text_is_found_and_a_preheader_is_not),
        cmocka_unit_test(ordinary_mail_has_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
