/* tests/unit/test_eval_parts.c - eval functions over parts, HTML, texts, pictures. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

static unsigned hits(const char *text, const char *function, const char *a, const char *b, const char *c)
{
    struct eval_desk *d = eval_desk_open(text);
    unsigned n;

    eval_desk_scan(d, NULL);
    n = !a ? EVAL(d, function) : !b ? EVAL(d, function, a) : !c ? EVAL(d, function, a, b) : EVAL(d, function, a, b, c);
    eval_desk_close(d);
    return n;
}

#define HTML_HEAD "MIME-Version: 1.0\nSubject: An offer\nContent-Type: text/html; charset=utf-8\n\n"
#define PAGE                                                                                                           \
    HTML_HEAD "<html><head><title>A long title of a page</title></head><body><p>Words <font size=6>large</font>"       \
              "<img src='http://a.example/i.gif' width=100 height=50></p>"                                             \
              "<a href='http://203.0.113.7/x'>https://bank.example/</a>"                                               \
              "<a href='http://evil.example/x'>https://www.bank.com/login</a>"                                         \
              "<iframe src='http://a.example/'></iframe></body></html>\n"
#define BARE HTML_HEAD "<p>Words</p>\n"

static void html_is_asked(void **state)
{
    (void)state;
    EXPECT_INT(1, hits(PAGE, "html_test", "html", NULL, NULL));
    EXPECT_INT(0, hits("Subject: x\n\nplain\n", "html_test", "html", NULL, NULL));
    EXPECT_INT(1, hits(PAGE, "html_tag_exists", "font", NULL, NULL));
    EXPECT_INT(0, hits(BARE, "html_tag_exists", "font", NULL, NULL));
    EXPECT_INT(1, hits(HTML_HEAD "<b><b>x\n", "html_tag_balance", "b", "> 1", NULL));
    EXPECT_INT(0, hits(HTML_HEAD "<b>x</b>\n", "html_tag_balance", "b", "!= 0", NULL));
    EXPECT_INT(1, hits(PAGE, "html_range", "max_size", "5", "8"));
    EXPECT_INT(0, hits(BARE, "html_range", "max_size", "5", "inf"));
    EXPECT_INT(1, hits(PAGE, "html_image_only", "0", "1000", NULL));
    EXPECT_INT(0, hits(BARE, "html_image_only", "0", "1000", NULL));
    EXPECT_INT(1, hits(PAGE, "html_image_ratio", "0.000", "0.100", NULL));
    EXPECT_INT(0, hits(PAGE, "html_image_ratio", "0.100", "0.900", NULL));
    EXPECT_INT(1, hits(BARE, "html_eval", "length", "< 512", NULL));
    EXPECT_INT(0, hits(BARE, "html_eval", "length", ">= 512", NULL));
    EXPECT_INT(1, hits(PAGE, "html_text_match", "title", "(?i)LONG", NULL));
    EXPECT_INT(1, hits(PAGE, "html_text_match", "title", "/LONG/i", NULL));
    EXPECT_INT(0, hits(PAGE, "html_text_match", "title", "m{LONG}", NULL));
    EXPECT_INT(1, hits(PAGE, "html_text_not_match", "title", "/short/", NULL));
    EXPECT_INT(0, hits(PAGE, "html_text_not_match", "title", "/long/", NULL));
    EXPECT_INT(1, hits(PAGE, "html_title_subject_ratio", "1.5", NULL, NULL));
    EXPECT_INT(0, hits(PAGE, "html_title_subject_ratio", "5.0", NULL, NULL));
    EXPECT_INT(0, hits(PAGE, "html_charset_faraway", NULL, NULL, NULL));
    EXPECT_INT(1, hits(PAGE, "check_iframe_src", NULL, NULL, NULL));
    EXPECT_INT(0, hits(BARE, "check_iframe_src", NULL, NULL, NULL));
    EXPECT_INT(1, hits(PAGE, "check_https_ip_mismatch", NULL, NULL, NULL));
    EXPECT_INT(0, hits(BARE, "check_https_ip_mismatch", NULL, NULL, NULL));
    EXPECT_INT(1, hits(HTML_HEAD "<a href='http://evil.com/x'>https://www.bank.com/login</a>\n",
                       "check_https_http_mismatch", "1", "10", NULL));
    EXPECT_INT(0, hits(HTML_HEAD "<a href='http://www.bank.com/x'>https://bank.com/login</a>\n",
                       "check_https_http_mismatch", "1", "10", NULL));
}

#define MULTI "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n"
#define TEXT  "--b\nContent-Type: text/plain\n\none two three four\n"
#define SAME  "--b\nContent-Type: text/html\n\n<p>one two three four</p>\n--b--\n"
#define OTHER "--b\nContent-Type: text/html\n\n<p>alpha beta gamma four</p>\n--b--\n"

static void parts_are_counted(void **state)
{
    (void)state;
    EXPECT_INT(1, hits(MULTI TEXT SAME, "check_for_mime", "mime_multipart_alternative", NULL, NULL));
    EXPECT_INT(0, hits(BARE, "check_for_mime", "mime_multipart_alternative", NULL, NULL));
    EXPECT_INT(1, hits(MULTI TEXT, "check_for_mime", "mime_missing_boundary", NULL, NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "check_for_mime", "mime_missing_boundary", NULL, NULL));
    EXPECT_INT(1, hits("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nYWJj\n", "check_for_mime",
                       "mime_base64_encoded_text", NULL, NULL));
    EXPECT_INT(0, hits("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                       "Content-Transfer-Encoding: base64\n\nYWJj\n",
                       "check_for_mime", "mime_base64_encoded_text", NULL, NULL));
    EXPECT_INT(1, hits("MIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-99x\n\nx\n", "check_for_mime",
                       "mime_bad_iso_charset", NULL, NULL));
    EXPECT_INT(0, hits("MIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-15\n\nx\n", "check_for_mime",
                       "mime_bad_iso_charset", NULL, NULL));
    EXPECT_INT(1, hits(BARE, "check_for_mime_html_only", NULL, NULL, NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "check_for_mime_html_only", NULL, NULL, NULL));
    EXPECT_INT(1, hits(MULTI TEXT SAME, "check_for_mime_html", NULL, NULL, NULL));
    EXPECT_INT(0, hits("Subject: x\n\nx\n", "check_for_mime_html", NULL, NULL, NULL));
    EXPECT_INT(1, hits(MULTI TEXT SAME, "check_mime_multipart_ratio", "0.50", "0.90", NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "check_mime_multipart_ratio", "0.00", "0.10", NULL));
    EXPECT_INT(1, hits("Subject: x\n\n\x80\n", "check_for_ascii_text_illegal", NULL, NULL, NULL));
    EXPECT_INT(0, hits("Subject: x\n\nx\n", "check_for_ascii_text_illegal", NULL, NULL, NULL));
    EXPECT_INT(1, hits("Subject: x\n\n&#x0041;&#x0042;x\n", "check_abundant_unicode_ratio", "0.500", NULL, NULL));
    EXPECT_INT(
        0, hits("Subject: x\n\n&#x0041; and many more words\n", "check_abundant_unicode_ratio", "0.500", NULL, NULL));
    EXPECT_INT(1, hits("MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\n=41=42=43\n",
                       "check_qp_ratio", "0.2", NULL, NULL));
    EXPECT_INT(0, hits("MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n\nABC=20\n", "check_qp_ratio",
                       "0.2", NULL, NULL));
    EXPECT_INT(1, hits(MULTI TEXT "--b\nContent-Type: image/gif\n\nx\n--b--\n", "check_ma_non_text", NULL, NULL, NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "check_ma_non_text", NULL, NULL, NULL));
}

static void oddities_of_structure_are_seen(void **state)
{
    char text[12000];
    int n = snprintf(text, sizeof text, "X: ");

    (void)state;
    memset(text + n, 'x', 9000);
    snprintf(text + n + 9000, sizeof text - 9000 - (size_t)n, "\n\nx\n");
    EXPECT_INT(1, hits(text, "check_msg_parse_flags", "truncated_header", NULL, NULL));
    EXPECT_INT(0, hits(BARE, "check_msg_parse_flags", "truncated_header", NULL, NULL));
    EXPECT_INT(1, hits(MULTI TEXT SAME "more\n", "check_msg_parse_flags", "mime_epilogue_exists", NULL, NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME "\n", "check_msg_parse_flags", "mime_epilogue_exists", NULL, NULL));
    EXPECT_INT(1, hits(MULTI "--b\n\nx\n--b--\n", "check_msg_parse_flags", "missing_mime_headers", NULL, NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "check_msg_parse_flags", "missing_mime_headers", NULL, NULL));
    EXPECT_INT(1, hits("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n"
                       "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\n",
                       "check_base64_length", "79", NULL, NULL));
    EXPECT_INT(0, hits("MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nYWFh\n", "check_base64_length", "79",
                       NULL, NULL));
}

static void texts_are_measured(void **state)
{
    static const char loud[] = "Subject: x\n\nTHIS IS LOUD. THIS IS LOUD. THIS IS LOUD. THIS IS LOUD. THIS IS LOUD. "
                               "THIS IS LOUD. THIS IS LOUD. "
                               "THIS IS LOUD. THIS IS LOUD. THIS IS LOUD. THIS IS LOUD. THIS IS LOUD. THIS IS LOUD. "
                               "THIS IS LOUD. THIS IS LOUD.\n";

    (void)state;
    EXPECT_INT(1, hits(loud, "check_for_uppercase", "75", "100", NULL));
    EXPECT_INT(0, hits("Subject: x\n\nLOUD, BUT SHORT\n", "check_for_uppercase", "75", "100", NULL));
    EXPECT_INT(1, hits(MULTI TEXT OTHER, "multipart_alternative_difference", "70", "80", NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "multipart_alternative_difference", "70", "80", NULL));
    EXPECT_INT(1, hits(MULTI TEXT SAME, "multipart_alternative_difference_count", "0.9", "1", NULL));
    EXPECT_INT(0, hits(MULTI TEXT SAME, "multipart_alternative_difference_count", "3", "1", NULL));
    EXPECT_INT(1, hits("Subject: x\n\na\n\n\n\n", "check_blank_line_ratio", "60", "100", "3"));
    EXPECT_INT(0, hits("Subject: x\n\na\nb\nc\n\n", "check_blank_line_ratio", "60", "100", "3"));
    EXPECT_INT(1, hits("Subject: x\n\nV I A G R A\n", "tvd_vertical_words", "80", "100", NULL));
    EXPECT_INT(0, hits("Subject: x\n\nordinary words here\n", "tvd_vertical_words", "80", "100", NULL));
    EXPECT_INT(1, hits("Subject: x\n\nCompany: X\nTicker: Y\nStock Symbol: Z\n", "check_stock_info", "3", NULL, NULL));
    EXPECT_INT(0, hits("Subject: x\n\nCompany: X\nCompany: Y\n", "check_stock_info", "2", NULL, NULL));
    EXPECT_INT(1, hits("Subject: x\n\n1234567\n", "check_body_length", "8", NULL, NULL));
    EXPECT_INT(0, hits("Subject: x\n\n1234567\n", "check_body_length", "7", NULL, NULL));
    EXPECT_INT(1, hits("Subject: x\n\nbody\n-- \nsignature\n", "plaintext_sig_length", "8", "12", NULL));
    EXPECT_INT(0, hits("Subject: x\n\nbody\nsignature\n", "plaintext_sig_length", "8", "12", NULL));
    EXPECT_INT(1, hits("Subject: x\n\nbody\n-- \nsignature\n", "plaintext_body_length", "4", "6", NULL));
    EXPECT_INT(0, hits("Subject: x\n\nbody\nsignature\n", "plaintext_body_length", "4", "6", NULL));
    EXPECT_INT(1, hits("Subject: x\n\nbody\n-- \nsignature\n", "plaintext_body_sig_ratio", "0", "0.6", NULL));
    EXPECT_INT(0, hits("Subject: x\n\nbody\nsignature\n", "plaintext_body_sig_ratio", "0", "0.6", NULL));
}

static void addresses_are_looked_into(void **state)
{
    (void)state;
    EXPECT_INT(1, hits("Subject: x\n\nhttp://a.example.org/r?u=http://b.example.net/\n", "check_for_http_redirector",
                       NULL, NULL, NULL));
    EXPECT_INT(0, hits("Subject: x\n\nhttp://a.example.org/r\n", "check_for_http_redirector", NULL, NULL, NULL));
    EXPECT_INT(0, hits(PAGE, "check_uri_truncated", NULL, NULL, NULL));
}

#define GIF                                                                                                            \
    "MIME-Version: 1.0\nContent-Type: image/gif; name=a.gif\nContent-Transfer-Encoding: base64\n\n"                    \
    "R0lGODlhZAAyAIAAAAAAAP///w==\n"

static void pictures_are_measured(void **state)
{
    (void)state;
    EXPECT_INT(1, hits(GIF, "image_count", "gif", "1", "1"));
    EXPECT_INT(0, hits(GIF, "image_count", "png", "1", "1"));
    EXPECT_INT(1, hits(GIF, "pixel_coverage", "all", "5000", "5000"));
    EXPECT_INT(0, hits(GIF, "pixel_coverage", "all", "5001", "9000"));
    EXPECT_INT(1, hits(GIF, "image_size_exact", "gif", "50", "100"));
    EXPECT_INT(0, hits(GIF, "image_size_exact", "gif", "100", "50"));
    EXPECT_INT(1, hits(GIF, "image_size_range", "gif", "40", "90"));
    EXPECT_INT(0, hits(GIF, "image_size_range", "gif", "60", "90"));
    EXPECT_INT(1, hits(GIF, "image_to_text_ratio", "all", "0.000", "0.015"));
    EXPECT_INT(0, hits(GIF, "image_to_text_ratio", "all", "0.015", "1"));
    EXPECT_INT(1, hits(GIF, "image_named", "a.gif", NULL, NULL));
    EXPECT_INT(0, hits(GIF, "image_named", "b.gif", NULL, NULL));
    EXPECT_INT(1, hits(GIF, "image_name_regex", "/^A\\.gif$/i", NULL, NULL));
    EXPECT_INT(0, hits(GIF, "image_name_regex", "/^A\\.gif$/", NULL, NULL));
}

RUN_TESTS(TEST(html_is_asked), TEST(parts_are_counted), TEST(oddities_of_structure_are_seen), TEST(texts_are_measured),
          TEST(addresses_are_looked_into), TEST(pictures_are_measured))
