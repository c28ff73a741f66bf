/* tests/unit/test_access_action.c - the words of Postfix's access tables. */
#include "tests/kit/expect.h"

#include "rules/lists/access_action.h"

static void words_are_known(void **state)
{
    static const struct {
        const char *value;
        enum access_verb verb;
        const char *text;
    } cases[] = {
        { "OK", ACCESS_PERMIT, "" },
        { "ok", ACCESS_PERMIT, "" },
        { "RELAY", ACCESS_PERMIT, "" },
        { "1234567890", ACCESS_PERMIT, "" },
        { "DUNNO", ACCESS_DUNNO, "" },
        { "REJECT", ACCESS_REJECT, "" },
        { "REJECT  Go away ", ACCESS_REJECT, "Go away" },
        { "reject 5.1.8 Go away", ACCESS_REJECT, "5.1.8 Go away" },
        { "554 5.7.1 Go away", ACCESS_REJECT, "554 5.7.1 Go away" },
        { "450 Come again", ACCESS_DEFER, "450 Come again" },
        { "DEFER", ACCESS_DEFER, "" },
        { "DEFER_IF_PERMIT 4.7.1 Later", ACCESS_DEFER, "4.7.1 Later" },
        { "DISCARD", ACCESS_DISCARD, "" },
        { "HOLD why", ACCESS_HOLD, "why" },
        { "WARN look", ACCESS_TELL, "look" },
        { "INFO look", ACCESS_TELL, "look" },
        { "PREPEND X-Seen: yes", ACCESS_PREPEND, "X-Seen: yes" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_action action;
        const char *wrong = access_action_parse(span_of(cases[i].value), &action);

        if (wrong || action.verb != cases[i].verb || !span_is(action.text, cases[i].text))
            fail_msg("%s: %s, %d, \"%.*s\"", cases[i].value, wrong ? wrong : "good", (int)action.verb,
                     SPAN_ARG(action.text));
    }
}

static void what_is_not_done_is_told(void **state)
{
    static const struct {
        const char *value, *told;
    } cases[] = {
        { "", "has nothing behind it" },
        { "  ", "has nothing behind it" },
        { "FILTER smtp:[127.0.0.1]:10025", "wants FILTER" },
        { "BCC x@example.org", "wants BCC" },
        { "REDIRECT x@example.org", "wants REDIRECT" },
        { "DEFER_IF_REJECT", "wants DEFER_IF_REJECT" },
        { "reject_unknown_helo_hostname, OK", "is none of the actions" },
        { "550", "is a code without a text" },
        { "250 fine", "is no reply code" },
        { "55 fine", "is no reply code" },
        { "PREPEND", "no header field" },
        { "PREPEND X-Seen", "no header field" },
        { "PREPEND X Seen: yes", "no header field" },
        { "PREPEND X-Seen: ", "no header field" },
        { "REJECT b\xc3\xb6se", "others than ASCII's" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct access_action action;
        const char *wrong = access_action_parse(span_of(cases[i].value), &action);

        if (!wrong || !strstr(wrong, cases[i].told))
            fail_msg("\"%s\": %s", cases[i].value, wrong ? wrong : "good");
    }
}

static void a_text_has_its_limit(void **state)
{
    struct access_action action;
    char value[400];

    (void)state;
    memset(value, 'x', sizeof value);
    memcpy(value, "REJECT ", 7);
    EXPECT_NULL(access_action_parse(span_make(value, 307), &action));
    assert_non_null(access_action_parse(span_make(value, 308), &action));
}

RUN_TESTS(TEST(words_are_known), TEST(what_is_not_done_is_told), TEST(a_text_has_its_limit))
