/* tests/unit/test_tally.c - what a next hop says of each recipient, gathered into one outcome or one of each. */
#include "tests/kit/expect.h"

#include "gateway/smtp/tally.h"

static void one_refusal_is_everybodys(void **state)
{
    struct tally t;

    (void)state;
    tally_init(&t, 2, false);
    tally_rcpt(&t, 0, 550, SPAN("5.1.1 nobody"));
    tally_rcpt(&t, 1, 451, SPAN("4.2.0 busy"));
    EXPECT_FALSE(tally_goes_on(&t));
    EXPECT_INT(451, tally_outcome(&t).code); /* who is refused for now must not be refused for good */
    EXPECT_SPAN("4.2.0 busy", tally_outcome(&t).text);
    tally_clear(&t);
    tally_rcpt(&t, 0, 250, SPAN("ok"));
    EXPECT_TRUE(tally_goes_on(&t));
    tally_rcpt(&t, 1, 550, SPAN("5.1.1 nobody"));
    EXPECT_FALSE(tally_goes_on(&t));
    EXPECT_INT(REPLY_HOP_CHANGED, tally_outcome(&t).trouble);
    tally_release(&t);
}

static void refused_message_is_refused_for_all(void **state)
{
    struct tally t;

    (void)state;
    tally_init(&t, 2, false);
    tally_rcpt(&t, 0, 250, SPAN("ok"));
    tally_rcpt(&t, 1, 250, SPAN("ok"));
    tally_refuse(&t, 552, SPAN("5.3.4 too large"));
    EXPECT_INT(552, tally_outcome(&t).code);
    tally_clear(&t);
    tally_refuse(&t, 354, SPAN("go on")); /* to MAIL: it raves */
    EXPECT_INT(0, tally_outcome(&t).code);
    EXPECT_INT(REPLY_HOP_DOWN, tally_outcome(&t).trouble);
    tally_release(&t);
}

static void each_has_his_own(void **state)
{
    struct tally t;

    (void)state;
    tally_init(&t, 4, true);
    tally_rcpt(&t, 0, 550, SPAN("5.1.1 nobody"));
    tally_rcpt(&t, 1, 250, SPAN("ok"));
    tally_rcpt(&t, 2, 354, SPAN("go on"));
    tally_rcpt(&t, 3, 250, SPAN("ok"));
    EXPECT_TRUE(tally_goes_on(&t));
    EXPECT_FALSE(tally_next(&t, 552, SPAN("5.2.2 full")));
    EXPECT_TRUE(tally_next(&t, 250, SPAN("2.0.0 stored")));
    struct delivery_outcome all = tally_outcome(&t);

    EXPECT_INT(250, all.code);
    EXPECT_INT(550, all.each[0].code);
    EXPECT_SPAN("5.1.1 nobody", all.each[0].text);
    EXPECT_INT(552, all.each[1].code);
    EXPECT_INT(REPLY_HOP_DOWN, all.each[2].trouble);
    EXPECT_SPAN("2.0.0 stored", all.each[3].text);
    tally_release(&t);
}

static void those_without_a_reply_share_the_rest(void **state)
{
    const struct delivery_outcome lost = { .trouble = REPLY_HOP_SILENT,
                                           .why = "it closed the connection",
                                           .is_possible_duplicate = true };
    struct tally t;

    (void)state;
    tally_init(&t, 3, true);
    for (size_t i = 0; i < 3; i++)
        tally_rcpt(&t, i, 250, SPAN("ok"));
    EXPECT_FALSE(tally_next(&t, 250, SPAN("2.0.0 stored")));
    tally_rest(&t, &lost);
    struct delivery_outcome all = tally_outcome(&t);

    EXPECT_INT(250, all.code);
    EXPECT_TRUE(all.is_possible_duplicate);
    EXPECT_FALSE(all.each[0].is_possible_duplicate);
    EXPECT_INT(REPLY_HOP_SILENT, all.each[1].trouble);
    EXPECT_STR("it closed the connection", all.each[2].why);
    tally_release(&t);
}

static void nobody_taken_is_no_message(void **state)
{
    struct tally t;

    (void)state;
    tally_init(&t, 2, true);
    tally_rcpt(&t, 0, 550, SPAN("5.1.1 nobody"));
    tally_rcpt(&t, 1, 451, SPAN("4.2.0 busy"));
    EXPECT_FALSE(tally_goes_on(&t));
    tally_refuse(&t, 503, SPAN("5.5.1 no recipients")); /* says nothing new of them */
    EXPECT_INT(550, tally_outcome(&t).each[0].code);
    EXPECT_INT(451, tally_outcome(&t).each[1].code);
    tally_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_refusal_is_everybodys),  cmocka_unit_test(refused_message_is_refused_for_all),
        cmocka_unit_test(each_has_his_own),           cmocka_unit_test(those_without_a_reply_share_the_rest),
        cmocka_unit_test(nobody_taken_is_no_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
