/* tests/unit/test_symbol_conf.c - what the operator says of symbols. */
#include "gateway/core/symbol_conf.h"

#include "gateway/base/bug.h"
#include "tests/kit/expect.h"

static void a_mode_softens_what_is_forced(void **state)
{
    static const struct {
        enum force force;
        enum mode mode;
        bool is_forced;
        enum action action;
    } cases[] = {
        { FORCE_NOTHING, MODE_ENFORCE, false, 0 },
        { FORCE_TAG, MODE_ENFORCE, true, ACTION_TAG },
        { FORCE_DEFER, MODE_ENFORCE, true, ACTION_DEFER },
        { FORCE_QUARANTINE, MODE_ENFORCE, true, ACTION_QUARANTINE },
        { FORCE_REJECT, MODE_ENFORCE, true, ACTION_REJECT },
        { FORCE_DISCARD, MODE_ENFORCE, true, ACTION_DISCARD },
        { FORCE_ACCEPT, MODE_ENFORCE, true, ACTION_ACCEPT },
        { FORCE_REJECT, MODE_TAG, true, ACTION_TAG },
        { FORCE_ACCEPT, MODE_TAG, false, 0 },
        { FORCE_NOTHING, MODE_TAG, false, 0 },
        { FORCE_REJECT, MODE_SHADOW, false, 0 },
        { FORCE_ACCEPT, MODE_OFF, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum action action = 0;
        struct bounds b = { 0 };

        EXPECT_INT(cases[i].is_forced, force_action(cases[i].force, cases[i].mode, &action));
        EXPECT_INT(cases[i].action, action);
        force_bounds(cases[i].force, cases[i].mode, &b);
        EXPECT_INT(cases[i].is_forced && action == ACTION_ACCEPT, b.may_force_accept);
        EXPECT_INT(cases[i].is_forced && action != ACTION_ACCEPT, b.may_force_reject);
        EXPECT_INT(cases[i].is_forced && action == ACTION_DISCARD, b.may_force_discard);
    }
}

static void names_and_texts_fit_or_not(void **state)
{
    static const char long_name[] = "A2345678901234567890123456789012345678901234567890123456789012345";
    char text[REPLY_TEXT_MOST + 2];
    struct arena a;

    (void)state;
    arena_init(&a, 10000);
    EXPECT_TRUE(symbol_is_name("DNS_list2"));
    EXPECT_FALSE(symbol_is_name(""));
    EXPECT_FALSE(symbol_is_name("A-B"));
    EXPECT_FALSE(symbol_is_name(long_name));
    EXPECT_TRUE(symbol_is_name(long_name + 1));
    EXPECT_STR("MAP_DISK__IMAGES_", symbol_of_title(&a, "MAP_", "disk (images)"));
    EXPECT_TRUE(symbol_is_name(symbol_of_title(&a, "MAP_", long_name)));
    memset(text, 'x', sizeof text);
    text[REPLY_TEXT_MOST + 1] = '\0';
    EXPECT_FALSE(reply_text_fits(span_of(text)));
    EXPECT_TRUE(reply_text_wrong(text) != NULL);
    EXPECT_NULL(reply_text_wrong(text + 1));
    EXPECT_NULL(reply_text_wrong(""));
    EXPECT_FALSE(reply_text_fits(SPAN("a\r\n")));
    EXPECT_FALSE(reply_text_fits(SPAN("\xc3\xa4")));
    arena_release(&a);
}

RUN_TESTS(TEST(a_mode_softens_what_is_forced), TEST(names_and_texts_fit_or_not))
