/* tests/unit/test_smtp_grammar.c - command lines: what they mean, and which reply is due when they mean nothing. */
#include "tests/kit/expect.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/smtp/grammar.h"

#define ALL (EXTENSION_PIPELINING | EXTENSION_8BITMIME | EXTENSION_SIZE | EXTENSION_ENHANCED | EXTENSION_STARTTLS)

struct grammar_case {
    const char *line;
    enum smtp_verb verb;
    enum reply reply;
    const char *argument; /* NULL: not looked at */
};

static const struct grammar_case lines[] = {
    { "EHLO mail.example.org", VERB_EHLO, REPLY_NONE, "mail.example.org" },
    { "ehlo mail.example.org", VERB_EHLO, REPLY_NONE, "mail.example.org" },
    { "eHlO  mail.example.org \t ", VERB_EHLO, REPLY_NONE, "mail.example.org" },
    { "EHLO\tmail.example.org", VERB_EHLO, REPLY_NONE, "mail.example.org" },
    { "EHLO [192.0.2.1]", VERB_EHLO, REPLY_NONE, "[192.0.2.1]" },
    { "EHLO [IPv6:2001:db8::1]", VERB_EHLO, REPLY_NONE, "[IPv6:2001:db8::1]" },
    { "HELO localhost", VERB_HELO, REPLY_NONE, "localhost" },
    { "HELO my_pc", VERB_HELO, REPLY_NONE, "my_pc" },
    { "EHLO", VERB_EHLO, REPLY_NO_ARGUMENT, NULL },
    { "EHLO ", VERB_EHLO, REPLY_NO_ARGUMENT, NULL },
    { "HELO", VERB_HELO, REPLY_NO_ARGUMENT, NULL },
    { "HELO two words", VERB_HELO, REPLY_BAD_HELO, NULL },
    { "EHLO a(comment)", VERB_EHLO, REPLY_BAD_HELO, NULL },
    { "EHLO \"quoted\"", VERB_EHLO, REPLY_BAD_HELO, NULL },
    { "EHLO m\xc3\xbcnchen.example", VERB_EHLO, REPLY_BAD_HELO, NULL },
    { "EHLO a;b", VERB_EHLO, REPLY_BAD_HELO, NULL },
    { "DATA", VERB_DATA, REPLY_NONE, "" },
    { "data ", VERB_DATA, REPLY_NONE, "" },
    { "DATA now", VERB_DATA, REPLY_ARGUMENT, NULL },
    { "RSET", VERB_RSET, REPLY_NONE, "" },
    { "RSET x", VERB_RSET, REPLY_ARGUMENT, NULL },
    { "QUIT", VERB_QUIT, REPLY_NONE, "" },
    { "QUIT .", VERB_QUIT, REPLY_ARGUMENT, NULL },
    { "STARTTLS", VERB_STARTTLS, REPLY_NONE, "" },
    { "STARTTLS 1.3", VERB_STARTTLS, REPLY_ARGUMENT, NULL },
    { "NOOP", VERB_NOOP, REPLY_NONE, "" },
    { "NOOP any words", VERB_NOOP, REPLY_NONE, "any words" },
    { "HELP", VERB_HELP, REPLY_NONE, "" },
    { "HELP MAIL", VERB_HELP, REPLY_NONE, "MAIL" },
    { "VRFY postmaster", VERB_VRFY, REPLY_NONE, "postmaster" },
    { "VRFY", VERB_VRFY, REPLY_NO_ARGUMENT, NULL },
    { "EXPN list", VERB_OTHER, REPLY_NOT_IMPLEMENTED, NULL },
    { "AUTH PLAIN AAAA", VERB_AUTH, REPLY_NONE, "PLAIN AAAA" },
    { "BDAT 5 LAST", VERB_BDAT, REPLY_NONE, "5 LAST" },
    { "ETRN example.org", VERB_OTHER, REPLY_NOT_IMPLEMENTED, NULL },
    { "LHLO a", VERB_LHLO, REPLY_NONE, "a" },
    { "XFORWARD NAME=a", VERB_XFORWARD, REPLY_NONE, "NAME=a" },
    { "XCLIENT ADDR=192.0.2.1", VERB_XCLIENT, REPLY_NONE, "ADDR=192.0.2.1" },
    { "XCLIENT", VERB_XCLIENT, REPLY_NO_ARGUMENT, NULL },
    { "GET / HTTP/1.1", VERB_FOREIGN, REPLY_FOREIGN_PROTOCOL, NULL },
    { "POST / HTTP/1.1", VERB_FOREIGN, REPLY_FOREIGN_PROTOCOL, NULL },
    { "CONNECT a:25 HTTP/1.1", VERB_FOREIGN, REPLY_FOREIGN_PROTOCOL, NULL },
    { "", VERB_UNKNOWN, REPLY_UNKNOWN_COMMAND, NULL },
    { " ", VERB_UNKNOWN, REPLY_UNKNOWN_COMMAND, NULL },
    { " DATA", VERB_UNKNOWN, REPLY_UNKNOWN_COMMAND, NULL },
    { "DATAX", VERB_UNKNOWN, REPLY_UNKNOWN_COMMAND, NULL },
    { "DAT", VERB_UNKNOWN, REPLY_UNKNOWN_COMMAND, NULL },
    { "Subject: hello", VERB_UNKNOWN, REPLY_UNKNOWN_COMMAND, NULL },
    { "EHLO\x01 a", VERB_UNKNOWN, REPLY_BAD_BYTES, NULL },
    { "EHLO a\x7f", VERB_EHLO, REPLY_BAD_BYTES, NULL },
    { "MAIL FROM:<a@example.org>\r", VERB_MAIL, REPLY_BAD_BYTES, NULL },
};

struct path_case {
    const char *line;
    enum reply reply;
    const char *address, *parameters;
    uint64_t size;
    bool is_8bit;
};

static const struct path_case paths[] = {
    { "MAIL FROM:<a@example.org>", REPLY_NONE, "a@example.org", "", 0, false },
    { "mail from:<a@example.org>", REPLY_NONE, "a@example.org", "", 0, false },
    { "MAIL FROM: <a@example.org>", REPLY_NONE, "a@example.org", "", 0, false },
    { "MAIL FROM:<>", REPLY_NONE, "", "", 0, false },
    { "MAIL FROM:<> SIZE=1", REPLY_NONE, "", "SIZE=1", 1, false },
    { "MAIL FROM:<a@b.example> SIZE=12345 BODY=8BITMIME", REPLY_NONE, "a@b.example", "SIZE=12345 BODY=8BITMIME", 12345,
      true },
    { "MAIL FROM:<a@b.example>  size=7  body=7bit ", REPLY_NONE, "a@b.example", "size=7  body=7bit", 7, false },
    { "MAIL FROM:<a@b.example> SIZE=18446744073709551615", REPLY_NONE, "a@b.example", NULL, UINT64_MAX, false },
    { "MAIL FROM:<a@b.example> SIZE=99999999999999999999", REPLY_NONE, "a@b.example", NULL, UINT64_MAX, false },
    { "MAIL FROM:<a@b.example> SIZE=999999999999999999999", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> SIZE=", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> SIZE", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> SIZE=-1", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> SIZE=1 SIZE=2", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> BODY=BINARYMIME", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> BODY=", REPLY_BAD_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> RET=FULL", REPLY_UNKNOWN_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> AUTH=<>", REPLY_UNKNOWN_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> SMTPUTF8", REPLY_UNKNOWN_PARAMETER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example>SIZE=1", REPLY_BAD_MAIL, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example> =", REPLY_UNKNOWN_PARAMETER, NULL, NULL, 0, false },
    { "MAIL", REPLY_NO_ARGUMENT, NULL, NULL, 0, false },
    { "MAIL FROM", REPLY_BAD_MAIL, NULL, NULL, 0, false },
    { "MAIL FROM:", REPLY_BAD_MAIL, NULL, NULL, 0, false },
    { "MAIL FROM :<a@b.example>", REPLY_BAD_MAIL, NULL, NULL, 0, false },
    { "MAIL TO:<a@b.example>", REPLY_BAD_MAIL, NULL, NULL, 0, false },
    { "MAIL FROM:a@b.example", REPLY_BAD_MAIL, NULL, NULL, 0, false },
    { "MAIL FROM:<a@b.example", REPLY_BAD_SENDER, NULL, NULL, 0, false },
    { "MAIL FROM:<a b@c.example>", REPLY_BAD_SENDER, NULL, NULL, 0, false },
    { "MAIL FROM:<a@>", REPLY_BAD_SENDER, NULL, NULL, 0, false },
    { "MAIL FROM:<@b.example>", REPLY_BAD_SENDER, NULL, NULL, 0, false },
    { "MAIL FROM:<j\xc3\xbcrgen@b.example>", REPLY_UTF8_ADDRESS, NULL, NULL, 0, false },
    { "RCPT TO:<a@example.org>", REPLY_NONE, "a@example.org", "", 0, false },
    { "rcpt to: <a@example.org>", REPLY_NONE, "a@example.org", "", 0, false },
    { "RCPT TO:<@r.example,@s.example:a@example.org>", REPLY_NONE, "a@example.org", "", 0, false },
    { "RCPT TO:<postmaster>", REPLY_NONE, "postmaster", "", 0, false },
    { "RCPT TO:<Postmaster>", REPLY_NONE, "Postmaster", "", 0, false },
    { "RCPT TO:<\"a b\"@example.org>", REPLY_NONE, "\"a b\"@example.org", "", 0, false },
    { "RCPT TO:<a@[192.0.2.1]>", REPLY_NONE, "a@[192.0.2.1]", "", 0, false },
    { "RCPT TO:<>", REPLY_BAD_RECIPIENT, NULL, NULL, 0, false },
    { "RCPT TO:<someone>", REPLY_BAD_RECIPIENT, NULL, NULL, 0, false },
    { "RCPT TO:<a@b.example> NOTIFY=NEVER", REPLY_UNKNOWN_PARAMETER, NULL, NULL, 0, false },
    { "RCPT TO:<a@b.example> SIZE=1", REPLY_UNKNOWN_PARAMETER, NULL, NULL, 0, false },
    { "RCPT FROM:<a@b.example>", REPLY_BAD_RCPT, NULL, NULL, 0, false },
    { "RCPT TO:a@b.example", REPLY_BAD_RCPT, NULL, NULL, 0, false },
    { "RCPT", REPLY_NO_ARGUMENT, NULL, NULL, 0, false },
};

/* The line in a malloc of its own, so that ASan sees a read past its end. */
static enum reply parse(const char *line, unsigned extensions, struct smtp_command *out, char **copy)
{
    size_t len = strlen(line);

    *copy = malloc(len ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, line, len);
    return grammar_parse(span_make(*copy, len), extensions, out);
}

static void every_line_has_its_verb_or_its_reply(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct smtp_command c;
        char *copy;
        enum reply got = parse(lines[i].line, ALL, &c, &copy);

        if (got != lines[i].reply || c.verb != lines[i].verb)
            print_error("line: %s\n", lines[i].line);
        EXPECT_INT(lines[i].reply, got);
        EXPECT_INT(lines[i].verb, c.verb);
        if (lines[i].argument)
            EXPECT_SPAN(lines[i].argument, c.argument);
        free(copy);
    }
}

static void paths_and_parameters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        const struct path_case *p = &paths[i];
        struct smtp_command c;
        char *copy;
        enum reply got = parse(p->line, ALL, &c, &copy);

        if (got != p->reply)
            print_error("line: %s\n", p->line);
        EXPECT_INT(p->reply, got);
        if (!got) {
            EXPECT_SPAN(p->address, c.path.text);
            EXPECT_INT(p->size, c.size);
            EXPECT_INT(p->is_8bit, c.is_8bit);
        }
        if (p->parameters)
            EXPECT_SPAN(p->parameters, c.parameters);
        free(copy);
    }
}

/* All extensions are offered. */
static const struct {
    const char *line;
    enum reply reply;
    const char *about;
} parameters[] = {
    { "MAIL FROM:<> BODY=BINARYMIME", REPLY_NONE, NULL },
    { "MAIL FROM:<> BODY=9BIT", REPLY_BAD_PARAMETER, "BODY" },
    { "MAIL FROM:<> SMTPUTF8", REPLY_NONE, NULL },
    { "MAIL FROM:<> smtputf8", REPLY_NONE, NULL },
    { "MAIL FROM:<> SMTPUTF8=", REPLY_BAD_PARAMETER, "SMTPUTF8" },
    { "MAIL FROM:<> SMTPUTF8 SMTPUTF8", REPLY_BAD_PARAMETER, "SMTPUTF8" },
    { "MAIL FROM:<j\xc3\xbcrgen@b.example>", REPLY_UTF8_UNSAID, NULL },
    { "MAIL FROM:<j\xc3\xbcrgen@b.example> SMTPUTF8", REPLY_NONE, NULL },
    { "MAIL FROM:<j\xc3\xbcrgen@b\xc3\xbc.example> SIZE=3 SMTPUTF8", REPLY_NONE, NULL },
    { "MAIL FROM:<j\xc3rgen@b.example> SMTPUTF8", REPLY_BAD_SENDER, NULL },
    { "MAIL FROM:<j\xed\xa0\x80@b.example> SMTPUTF8", REPLY_BAD_SENDER, NULL },
    { "MAIL FROM:<> REQUIRETLS", REPLY_NONE, NULL },
    { "MAIL FROM:<> REQUIRETLS=YES", REPLY_BAD_PARAMETER, "REQUIRETLS" },
    { "MAIL FROM:<> PRDR", REPLY_NONE, NULL },
    { "MAIL FROM:<> prdr SIZE=3", REPLY_NONE, NULL },
    { "MAIL FROM:<> PRDR=yes", REPLY_BAD_PARAMETER, "PRDR" },
    { "MAIL FROM:<> PRDR PRDR", REPLY_BAD_PARAMETER, "PRDR" },
    { "RCPT TO:<a@b.example> PRDR", REPLY_UNKNOWN_PARAMETER, "PRDR" },
    { "MAIL FROM:<> RET=full", REPLY_NONE, NULL },
    { "MAIL FROM:<> RET=FULL,HDRS", REPLY_BAD_PARAMETER, "RET" },
    { "MAIL FROM:<> RET=", REPLY_BAD_PARAMETER, "RET" },
    { "MAIL FROM:<> ENVID=a+20b+7E", REPLY_NONE, NULL },
    { "MAIL FROM:<> ENVID=a+2", REPLY_BAD_PARAMETER, "ENVID" },
    { "MAIL FROM:<> ENVID=a+2b", REPLY_BAD_PARAMETER, "ENVID" },
    { "MAIL FROM:<> ENVID=a+00", REPLY_BAD_PARAMETER, "ENVID" },
    { "MAIL FROM:<> ENVID=a+E4", REPLY_BAD_PARAMETER, "ENVID" },
    { "MAIL FROM:<> ENVID=\xc3\xa4 SMTPUTF8", REPLY_BAD_PARAMETER, "ENVID" },
    { "MAIL FROM:<> AUTH=<>", REPLY_NONE, NULL },
    { "MAIL FROM:<> AUTH=e+3Dmc2@example.com", REPLY_NONE, NULL },
    { "MAIL FROM:<> AUTH=+C3+A4@example.com", REPLY_NONE, NULL },
    { "MAIL FROM:<> AUTH=a=b", REPLY_BAD_PARAMETER, "AUTH" },
    { "MAIL FROM:<> AUTH=", REPLY_BAD_PARAMETER, "AUTH" },
    { "MAIL FROM:<> X=1", REPLY_UNKNOWN_PARAMETER, "X" },
    { "MAIL FROM:<> NOTIFY=NEVER", REPLY_UNKNOWN_PARAMETER, "NOTIFY" },
    { "RCPT TO:<a@b.example> NOTIFY=NEVER", REPLY_NONE, NULL },
    { "RCPT TO:<a@b.example> NOTIFY=success,FAILURE,Delay", REPLY_NONE, NULL },
    { "RCPT TO:<a@b.example> NOTIFY=SUCCESS,SUCCESS", REPLY_NONE, NULL },
    { "RCPT TO:<a@b.example> NOTIFY=DELAY,NEVER", REPLY_BAD_PARAMETER, "NOTIFY" },
    { "RCPT TO:<a@b.example> NOTIFY=,DELAY", REPLY_BAD_PARAMETER, "NOTIFY" },
    { "RCPT TO:<a@b.example> NOTIFY=DELAY NOTIFY=DELAY", REPLY_BAD_PARAMETER, "NOTIFY" },
    { "RCPT TO:<a@b.example> ORCPT=rfc822;a+2Bb@c.example", REPLY_NONE, NULL },
    { "RCPT TO:<a@b.example> ORCPT=x400;/C=us/", REPLY_BAD_PARAMETER, "ORCPT" }, /* "=" is +3D */
    { "RCPT TO:<a@b.example> ORCPT=rfc822;", REPLY_BAD_PARAMETER, "ORCPT" },
    { "RCPT TO:<a@b.example> ORCPT=;a@c.example", REPLY_BAD_PARAMETER, "ORCPT" },
    { "RCPT TO:<a@b.example> ORCPT=rfc 822;a", REPLY_BAD_PARAMETER, "ORCPT" },
    { "RCPT TO:<a@b.example> ORCPT=utf-8;\\x{FC}@c.example", REPLY_NONE, NULL },
    { "RCPT TO:<a@b.example> ORCPT=utf-8;\xc3\xbc@c.example", REPLY_NONE, NULL },
    { "RCPT TO:<a@b.example> ORCPT=rfc822;\xc3\xbc@c.example", REPLY_BAD_PARAMETER, "ORCPT" },
    { "RCPT TO:<a@b.example> ORCPT=utf-8;\xbc@c.example", REPLY_BAD_PARAMETER, "ORCPT" },
    { "RCPT TO:<a@b.example> RET=FULL", REPLY_UNKNOWN_PARAMETER, "RET" },
};

static void values_are_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(parameters); i++) {
        struct smtp_command c;
        char *copy;
        enum reply got = parse(parameters[i].line, EXTENSIONS_ALL, &c, &copy);

        if (got != parameters[i].reply)
            print_error("line: %s\n", parameters[i].line);
        EXPECT_INT(parameters[i].reply, got);
        if (parameters[i].about)
            EXPECT_SPAN(parameters[i].about, c.about);
        free(copy);
    }
}

static void values_become_types(void **state)
{
    struct smtp_command c;

    (void)state;
    EXPECT_INT(REPLY_NONE, grammar_parse(SPAN("MAIL FROM:<> BODY=BINARYMIME SMTPUTF8 REQUIRETLS RET=HDRS ENVID=x+2By "
                                              "AUTH=<>"),
                                         EXTENSIONS_ALL, &c));
    assert_false(c.is_prdr);
    assert_true(c.is_smtputf8 && c.is_require_tls && !c.is_utf8);
    assert_true(c.is_binary && !c.is_8bit);
    EXPECT_INT(DSN_RET_HDRS, c.ret);
    EXPECT_SPAN("x+2By", c.envid);
    EXPECT_SPAN("<>", c.auth);
    EXPECT_INT(REPLY_NONE, grammar_parse(SPAN("MAIL FROM:<> PRDR"), EXTENSIONS_ALL, &c));
    assert_true(c.is_prdr);
    EXPECT_INT(REPLY_NONE,
               grammar_parse(SPAN("RCPT TO:<a@b.example> NOTIFY=DELAY,FAILURE ORCPT=utf-8;\xc3\xbc@c.example"),
                             EXTENSIONS_ALL, &c));
    assert_true(c.is_utf8);
    EXPECT_INT(DSN_NOTIFY_DELAY | DSN_NOTIFY_FAILURE, c.notify);
    EXPECT_SPAN("utf-8;\xc3\xbc@c.example", c.orcpt);
}

static void long_values_are_refused(void **state)
{
    static const struct {
        const char *before;
        int most;
    } cases[] = { { "MAIL FROM:<> ENVID=", 100 },
                  { "MAIL FROM:<> AUTH=", 500 },
                  { "RCPT TO:<a@b.example> ORCPT=r;", 498 } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int extra = 0; extra < 2; extra++) {
            char line[600];
            struct smtp_command c;
            int n = snprintf(line, sizeof line, "%s%0*d", cases[i].before, cases[i].most + extra, 0);

            EXPECT_INT(extra ? REPLY_BAD_PARAMETER : REPLY_NONE,
                       grammar_parse(span_make(line, (size_t)n), EXTENSIONS_ALL, &c));
        }
}

static void parameters_need_their_extension(void **state)
{
    struct smtp_command c;

    (void)state;
    EXPECT_INT(REPLY_UNKNOWN_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> BODY=8BITMIME"), EXTENSION_SIZE, &c));
    EXPECT_INT(REPLY_UNKNOWN_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> SIZE=1"), EXTENSION_8BITMIME, &c));
    EXPECT_INT(REPLY_NONE, grammar_parse(SPAN("MAIL FROM:<> SIZE=1"), EXTENSION_SIZE, &c));
    EXPECT_INT(REPLY_UNKNOWN_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> ENVID=1"), ALL, &c));
    EXPECT_INT(REPLY_UNKNOWN_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> REQUIRETLS"), ALL, &c));
    EXPECT_SPAN("REQUIRETLS", c.about);
    EXPECT_INT(REPLY_UNKNOWN_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> PRDR"), EXTENSIONS_ALL & ~EXTENSION_PRDR, &c));
    EXPECT_INT(REPLY_BAD_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> BODY=BINARYMIME"), ALL, &c));
    EXPECT_INT(REPLY_UTF8_ADDRESS, grammar_parse(SPAN("RCPT TO:<\xc3\xbc@b.example>"), ALL, &c));
}

static void binary_needs_its_extension(void **state)
{
    const struct span line = SPAN("MAIL FROM:<> BODY=BINARYMIME");
    struct smtp_command c;

    (void)state;
    EXPECT_INT(REPLY_BAD_PARAMETER, grammar_parse(line, EXTENSION_8BITMIME, &c));
    EXPECT_INT(REPLY_BAD_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> BODY=8BITMIME"), EXTENSION_BINARYMIME, &c));
    EXPECT_INT(REPLY_NONE, grammar_parse(line, EXTENSION_BINARYMIME, &c));
    EXPECT_TRUE(c.is_binary && !c.is_8bit);
    EXPECT_INT(REPLY_BAD_PARAMETER, grammar_parse(SPAN("MAIL FROM:<> BODY=7BIT BODY=BINARYMIME"), ALL, &c));
}

static void a_chunk_has_a_size(void **state)
{
    static const struct {
        const char *line;
        enum reply reply;
        uint64_t size;
        bool is_last;
    } cases[] = {
        { "BDAT 0", REPLY_NONE, 0, false },
        { "bdat 0 last", REPLY_NONE, 0, true },
        { "BDAT  17  LAST ", REPLY_NONE, 17, true },
        { "BDAT 2147483647", REPLY_NONE, 2147483647, false },
        { "BDAT 0000000000000000000000000000017", REPLY_NONE, 17, false },
        { "BDAT 2147483648", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 18446744073709551616", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 18446744073709551633", REPLY_BAD_CHUNK, 0, false },
        { "BDAT", REPLY_BAD_CHUNK, 0, false },
        { "BDAT LAST", REPLY_BAD_CHUNK, 0, false },
        { "BDAT -1", REPLY_BAD_CHUNK, 0, false },
        { "BDAT +1", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 0x10", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 1 LASTLY", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 1 LAST LAST", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 1 2", REPLY_BAD_CHUNK, 0, false },
        { "BDAT 1 LAST\x01", REPLY_BAD_BYTES, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_command c;
        char *copy;

        EXPECT_INT(cases[i].reply, parse(cases[i].line, ALL, &c, &copy));
        EXPECT_INT(VERB_BDAT, c.verb); /* whatever is wrong: bytes may follow */
        if (!cases[i].reply) {
            EXPECT_INT(cases[i].size, c.size);
            EXPECT_INT(cases[i].is_last, c.is_last);
        }
        free(copy);
    }
}

static void nul_is_a_bad_byte(void **state)
{
    struct smtp_command c;

    (void)state;
    EXPECT_INT(REPLY_BAD_BYTES, grammar_parse(SPAN("EHLO a\0b"), ALL, &c));
}

RUN_TESTS(TEST(every_line_has_its_verb_or_its_reply), TEST(paths_and_parameters), TEST(values_are_strict),
          TEST(values_become_types), TEST(long_values_are_refused), TEST(parameters_need_their_extension),
          TEST(binary_needs_its_extension), TEST(a_chunk_has_a_size), TEST(nul_is_a_bad_byte))
