/* tests/unit/test_sasl.c - mechanisms that can be passed on, and the login in their messages. */
#include "tests/kit/expect.h"

#include "gateway/smtp/sasl.h"

#define ALL "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct span encode(struct span bytes, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
        unsigned three = 0;

        for (size_t j = 0; j < 3; j++)
            three = three << 8 | (j < left ? (unsigned char)bytes.ptr[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            out[n++] = (char)(j <= left ? base64_digits[three >> (18 - 6 * j) & 63] : '=');
    }
    return span_make(out, n);
}

static void what_can_be_passed_on_is_offered(void **state)
{
    static const struct {
        const char *offered, *allowed, *list;
    } cases[] = {
        { "PLAIN LOGIN", "PLAIN LOGIN", "PLAIN LOGIN" },
        { "plain login", "PLAIN", "PLAIN" },
        { "GSSAPI PLAIN EXTERNAL", "PLAIN GSSAPI EXTERNAL", "PLAIN" },
        { "SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-1", "SCRAM-*", "SCRAM-SHA-256 SCRAM-SHA-1" },
        { "SCRAM-SHA-256 SCRAM-SHA-1", "scram-sha-1", "SCRAM-SHA-1" },
        { "SCRAM- SCRAM-x(y", "SCRAM-*", "" },
        { "PLAIN PLAIN plain", "PLAIN", "PLAIN" },
        { "XOAUTH2  OAUTHBEARER", "XOAUTH2 OAUTHBEARER", "XOAUTH2 OAUTHBEARER" },
        { "", "PLAIN", "" },
        { "PLAIN", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char list[SASL_LIST_MAX];

        sasl_filter(span_of(cases[i].offered), span_of(cases[i].allowed), list);
        EXPECT_STR(cases[i].list, list);
    }
}

static void a_list_is_bounded(void **state)
{
    char offered[4000] = "", list[SASL_LIST_MAX];

    (void)state;
    for (int i = 0; i < 200; i++)
        sprintf(offered + strlen(offered), "SCRAM-%03d ", i);
    sasl_filter(span_of(offered), SPAN("SCRAM-*"), list);
    EXPECT_TRUE(strlen(list) < SASL_LIST_MAX && strlen(list) > SASL_LIST_MAX - 12);
}

static const struct {
    const char *mechanism;
    struct span message;
    bool is_good;
    const char *user;
} messages[] = {
    { "PLAIN", SPAN("\0joe\0secret"), true, "joe" },
    { "PLAIN", SPAN("ann\0joe\0secret"), true, "joe" },
    { "PLAIN", SPAN("joe\0joe\0"), true, "joe" },
    { "PLAIN", SPAN("\0\0secret"), false, "" },
    { "PLAIN", SPAN("ann\0\0secret"), false, "" },
    { "PLAIN", SPAN("\0joe"), false, "" },
    { "PLAIN", SPAN("joe"), false, "" },
    { "PLAIN", SPAN(""), false, "" },
    { "PLAIN", SPAN("\0jo\ne\0secret"), false, "" },
    { "PLAIN", SPAN("\0j\xc3\xb6rg\0secret"), true, "j\xc3\xb6rg" },
    { "LOGIN", SPAN("joe@example.org"), true, "joe@example.org" },
    { "LOGIN", SPAN("joe\0x"), false, "" },
    { "CRAM-MD5", SPAN("joe blogg 0123456789abcdef0123456789abcdef"), true, "joe blogg" },
    { "CRAM-MD5", SPAN("joe"), false, "" },
    { "SCRAM-SHA-256", SPAN("n,,n=joe,r=fyko+d2lbbFgONRv9qkxdawL"), true, "joe" },
    { "SCRAM-SHA-256", SPAN("y,,n=joe,r=fyko"), true, "joe" },
    { "SCRAM-SHA-256", SPAN("n,a=ann,n=joe,r=fyko"), true, "joe" },
    { "SCRAM-SHA-256", SPAN("n,,n=a=2Cb=3Dc,r=fyko"), true, "a,b=c" },
    { "SCRAM-SHA-256", SPAN("n,,n=a=2cb,r=fyko"), false, "" },
    { "SCRAM-SHA-256", SPAN("p=tls-unique,,n=joe,r=fyko"), false, "" },
    { "SCRAM-SHA-256", SPAN("n,,m=x,n=joe,r=fyko"), false, "" },
    { "SCRAM-SHA-256", SPAN("n,,"), false, "" },
    { "SCRAM-SHA-256", SPAN("n"), false, "" },
    { "XOAUTH2", SPAN("user=joe@example.org\1auth=Bearer ya29\1\1"), true, "joe@example.org" },
    { "XOAUTH2", SPAN("joe\1auth=Bearer ya29\1\1"), false, "" },
    { "XOAUTH2", SPAN("user=joe"), false, "" },
    { "OAUTHBEARER", SPAN("n,a=joe@example.org,\1host=mx\1auth=Bearer x\1\1"), true, "joe@example.org" },
    { "OAUTHBEARER", SPAN("n,,\1host=mx\1auth=Bearer x\1\1"), false, "" },
};

static void the_login_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        char line[400];
        struct sasl x;

        EXPECT_TRUE(sasl_begin(&x, span_of(messages[i].mechanism), SPAN(ALL)));
        bool is_good = sasl_take(&x, encode(messages[i].message, line));

        if (is_good != messages[i].is_good)
            print_error("case %zu\n", i);
        EXPECT_INT(messages[i].is_good, is_good);
        if (is_good)
            EXPECT_STR(messages[i].user, x.user);
    }
}

static void only_base64_is_passed_on(void **state)
{
    static const char *const bad[] = { "AGpvZQBz!", "AGpv ZQBz", "A", "AGpvZQ=", "=AGpvZQBzAA", "AGpvZQBz====", "*" };
    struct sasl x;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        EXPECT_TRUE(sasl_begin(&x, SPAN("plain"), SPAN(ALL)));
        EXPECT_FALSE(sasl_take(&x, span_of(bad[i])));
    }
    EXPECT_TRUE(sasl_begin(&x, SPAN("plain"), SPAN(ALL)));
    EXPECT_STR("PLAIN", x.mechanism);
    EXPECT_TRUE(sasl_take(&x, SPAN("AGpvZQBzZWNyZXQ=")));
    EXPECT_STR("joe", x.user);
}

/* The first answer has the name; those after it are between client and next hop. */
static void later_answers_change_no_name(void **state)
{
    struct sasl x;

    (void)state;
    EXPECT_TRUE(sasl_begin(&x, SPAN("LOGIN"), SPAN(ALL)));
    EXPECT_TRUE(sasl_take(&x, SPAN("am9l")));
    EXPECT_TRUE(sasl_take(&x, SPAN("c2VjcmV0")));
    EXPECT_TRUE(sasl_take(&x, SPAN("")));
    EXPECT_FALSE(sasl_take(&x, SPAN("=")));
    EXPECT_STR("joe", x.user);
}

static void a_line_is_bounded(void **state)
{
    static char line[SASL_LINE_MAX + 4];
    static char message[SASL_LINE_MAX];
    struct sasl x;

    (void)state;
    memset(message, 'x', sizeof message);
    memcpy(message, "\0joe\0", 5);
    EXPECT_TRUE(sasl_begin(&x, SPAN("PLAIN"), SPAN(ALL)));
    EXPECT_TRUE(sasl_take(&x, encode(span_make(message, SASL_LINE_MAX / 4 * 3), line)));
    EXPECT_TRUE(sasl_begin(&x, SPAN("PLAIN"), SPAN(ALL)));
    EXPECT_FALSE(sasl_take(&x, encode(span_make(message, SASL_LINE_MAX / 4 * 3 + 3), line)));
}

static void what_is_not_offered_is_not_begun(void **state)
{
    struct sasl x;

    (void)state;
    EXPECT_FALSE(sasl_begin(&x, SPAN("LOGIN"), SPAN("PLAIN")));
    EXPECT_FALSE(sasl_begin(&x, SPAN(""), SPAN("PLAIN")));
    EXPECT_FALSE(sasl_begin(&x, SPAN("PLAI"), SPAN("PLAIN")));
}

RUN_TESTS(TEST(what_can_be_passed_on_is_offered), TEST(a_list_is_bounded), TEST(the_login_is_read),
          TEST(only_base64_is_passed_on), TEST(later_answers_change_no_name), TEST(a_line_is_bounded),
          TEST(what_is_not_offered_is_not_begun))
