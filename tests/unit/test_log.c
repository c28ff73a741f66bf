/* tests/unit/test_log.c - one line per event, whatever is in it. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/expect.h"

#include "gateway/base/log.h"

static int pipe_in;
static char text[65536];

static int redirect(void **state)
{
    int ends[2];

    (void)state;
    unsetenv("JOURNAL_STREAM");
    if (pipe(ends))
        return -1;
    pipe_in = ends[0];
    log_to_fd(ends[1]);
    return 0;
}

static int restore(void **state)
{
    (void)state;
    log_to_fd(STDERR_FILENO);
    return close(pipe_in);
}

/* The line that was sent, from behind its time (and level, which is the same length for all of these). */
static const char *sent(struct log_line *line)
{
    log_send(line);
    ssize_t n = read(pipe_in, text, sizeof text - 1);

    assert_true(n > 0);
    text[n] = '\0';
    EXPECT_INT('\n', text[n - 1]);
    text[n - 1] = '\0';
    EXPECT_NULL(strchr(text, '\n'));
    return text;
}

static const char *after_event(struct log_line *line)
{
    return strstr(sent(line), " event=x") + strlen(" event=x");
}

static void a_line_is_keys_and_values(void **state)
{
    struct log_line line;

    (void)state;
    log_configure(LOG_LOGFMT, LOG_INFO);
    log_start(&line, LOG_WARN, "message");
    log_cstr(&line, "id", "01ABC");
    log_int(&line, "n", -9223372036854775807 - 1);
    log_points(&line, "a", -5);
    log_points(&line, "b", 1234);
    log_points(&line, "c", -2147483647 - 1);
    log_fmt(&line, "d", "%d/%s", 7, "x");
    sent(&line);
    EXPECT_INT('Z', text[23]);
    EXPECT_STR(" warn event=message id=01ABC n=-9223372036854775808 a=-0.05 b=12.34 c=-21474836.48 d=7/x", text + 24);
}

static void values_are_quoted_where_they_need_it(void **state)
{
    static const struct {
        const char *value;
        size_t len;
        const char *want;
    } cases[] = {
        { "a@b.example", 11, " k=a@b.example" },
        { "", 0, " k=\"\"" },
        { "a b", 3, " k=\"a b\"" },
        { "a=b", 3, " k=\"a=b\"" },
        { "a\"b", 3, " k=\"a\\\"b\"" },
        { "\\", 1, " k=\"\\\\\"" },
        { "x\r\nevent=forged", 15, " k=\"x\\x0d\\x0aevent=forged\"" },
        { "\0\x1b[31m", 6, " k=\"\\x00\\x1b[31m\"" },
        { "\xc3\xbc", 2, " k=\"\\xc3\\xbc\"" },
    };
    struct log_line line;

    (void)state;
    log_configure(LOG_LOGFMT, LOG_INFO);
    for (size_t i = 0; i < COUNT(cases); i++) {
        log_start(&line, LOG_INFO, "x");
        log_str(&line, "k", span_make(cases[i].value, cases[i].len));
        EXPECT_STR(cases[i].want, after_event(&line));
    }
}

static const char *json_text(const char *key)
{
    static char copy[8000];
    json_t *object = json_loads(text, JSON_ALLOW_NUL, NULL);
    const char *value = object ? json_string_value(json_object_get(object, key)) : NULL;

    snprintf(copy, sizeof copy, "%s", value ? value : "(none)");
    json_decref(object);
    return copy;
}

static void json_is_json(void **state)
{
    struct log_line line;

    (void)state;
    log_configure(LOG_JSON, LOG_DEBUG);
    log_start(&line, LOG_DEBUG, "x");
    log_str(&line, "plain", SPAN("a b=c"));
    log_str(&line, "quotes", SPAN("\"\\\""));
    log_str(&line, "controls", SPAN("\r\n\x1f"));
    log_str(&line, "nul", span_make("a\0b", 3));
    log_str(&line, "bytes", SPAN("\xff"));
    log_str(&line, "utf8", SPAN("J\xc3\xb6rg \xf0\x9f\x93\xa7"));
    log_int(&line, "n", 42);
    log_points(&line, "score", -50);
    sent(&line);
    EXPECT_STR("debug", json_text("level"));
    EXPECT_STR("x", json_text("event"));
    EXPECT_STR("a b=c", json_text("plain"));
    EXPECT_STR("\"\\\"", json_text("quotes"));
    EXPECT_STR("\r\n\x1f", json_text("controls"));
    EXPECT_STR("\xc3\xbf", json_text("bytes")); /* U+00FF: each byte stands for itself */
    EXPECT_STR("J\xc3\xb6rg \xf0\x9f\x93\xa7", json_text("utf8"));
    EXPECT_TRUE(strstr(text, "\"utf8\":\"J\\u00f6rg \\ud83d\\udce7\"") != NULL);
    EXPECT_TRUE(strstr(text, "\"nul\":\"a\\u0000b\"") != NULL);
    EXPECT_TRUE(strstr(text, "\"n\":42,\"score\":-0.50}") != NULL);
}

static void long_values_are_cut(void **state)
{
    struct log_line line;
    char value[1001];

    (void)state;
    memset(value, 'v', sizeof value);
    log_configure(LOG_LOGFMT, LOG_INFO);
    log_start(&line, LOG_INFO, "x");
    log_str(&line, "k", span_make(value, 1000));
    EXPECT_INT(1000 + 3, strlen(after_event(&line)));
    log_start(&line, LOG_INFO, "x");
    log_str(&line, "k", span_make(value, 1001));
    EXPECT_STR("v...\"", after_event(&line) + 3 + 1000);
    log_configure(LOG_JSON, LOG_INFO);
    log_start(&line, LOG_INFO, "x");
    log_str(&line, "k", span_make(value, 1001));
    sent(&line);
    EXPECT_STR("v...", json_text("k") + 999);
}

/* Full of what takes most room, in both formats: still one line, whole keys, and it says that it was cut. */
static void a_full_line_is_still_well_formed(void **state)
{
    struct log_line line;
    char value[1000];

    (void)state;
    memset(value, '\xff', sizeof value);
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        log_configure((enum log_format)format, LOG_INFO);
        log_start(&line, LOG_INFO, "x");
        for (int i = 0; i < 10; i++) {
            char key[16];

            snprintf(key, sizeof key, "k%d", i);
            log_str(&line, key, span_make(value, sizeof value));
        }
        log_int(&line, "last", 1);
        sent(&line);
        EXPECT_TRUE(strlen(text) < 16500);
        if (format == LOG_JSON) {
            EXPECT_STR("yes", json_text("cut"));
            EXPECT_STR("(none)", json_text("k9"));
            EXPECT_INT(2000, strlen(json_text("k0")));
            EXPECT_TRUE(strstr(text, "\"last\":1,") != NULL);
        } else {
            EXPECT_NULL(strstr(text, " k9="));
            EXPECT_STR("\\xff\" last=1 cut=yes", text + strlen(text) - 20);
        }
    }
}

static void lines_above_the_level_are_dropped(void **state)
{
    struct log_line line;

    (void)state;
    log_configure(LOG_LOGFMT, LOG_WARN);
    log_info("x", "not %s", "this");
    log_start(&line, LOG_DEBUG, "x");
    log_cstr(&line, "k", "nor this");
    log_send(&line);
    log_start(&line, LOG_ERROR, "x");
    log_fmt(&line, "text", "but %s", "this");
    EXPECT_STR(" text=\"but this\"", after_event(&line)); /* the only one in the pipe */
}

static void a_sentence_is_a_line(void **state)
{
    struct log_line line;

    (void)state;
    log_configure(LOG_LOGFMT, LOG_DEBUG);
    log_error("a", "%d", 1);
    log_warn("b", "%d", 2);
    log_info("c", "%d", 3);
    log_debug("d", "%d", 4);
    log_start(&line, LOG_INFO, "x");
    log_send(&line);
    ssize_t n = read(pipe_in, text, sizeof text - 1);
    static const char *const want[] = { " error event=a text=1", " warn event=b text=2", " info event=c text=3",
                                        " debug event=d text=4", " info event=x" };
    struct span rest = span_make(text, n < 0 ? 0 : (size_t)n), part;

    for (size_t i = 0; i < COUNT(want); i++) {
        EXPECT_TRUE(span_cut(&rest, '\n', &part));
        EXPECT_SPAN(want[i], span_skip(part, 24));
    }
}

static void under_systemd_a_line_bears_its_priority(void **state)
{
    struct log_line line;

    (void)state;
    log_configure(LOG_LOGFMT, LOG_INFO);
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_start(&line, LOG_ERROR, "x");
    EXPECT_TRUE(strncmp("<3>2", sent(&line), 4) == 0);
    unsetenv("JOURNAL_STREAM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_keys_and_values),
        TEST(values_are_quoted_where_they_need_it),
        TEST(json_is_json),
        TEST(long_values_are_cut),
        TEST(a_full_line_is_still_well_formed),
        TEST(lines_above_the_level_are_dropped),
        TEST(a_sentence_is_a_line),
        TEST(under_systemd_a_line_bears_its_priority),
    };

    return cmocka_run_group_tests(tests, redirect, restore);
}
