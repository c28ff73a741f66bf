/* tests/check/test_conduct.c - what the SMTP door saw of a client, and what it means. */
#include "scanners/conduct.h"

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

static void what_was_noted_is_found(void **state)
{
    static const struct {
        enum conduct kind;
        const char *symbol;
        int points;
        bool is_rejected;
    } cases[] = {
        { CONDUCT_PREGREET, "PREGREET", 500, true },
        { CONDUCT_PIPELINING, "COMMAND_PIPELINING", 300, false },
        { CONDUCT_NON_SMTP, "NON_SMTP_COMMAND", 400, false },
        { CONDUCT_BARE_NEWLINE, "BARE_NEWLINE_COMMAND", 200, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&conduct_module, NULL);

        desk_client(d, "203.0.113.7");
        EXPECT_TRUE(session_note(&d->session, cases[i].kind, SPAN("EHLO \x01\r\n")));
        EXPECT_FALSE(session_note(&d->session, cases[i].kind, SPAN("MAIL")));
        desk_settle(d);
        EXPECT_INT(cases[i].points, desk_points(d));
        assert_non_null(desk_finding(d, cases[i].symbol));
        EXPECT_STR("2 times, first with \"EHLO \x01\r\n\"", desk_finding(d, cases[i].symbol)->reason);
        EXPECT_INT(cases[i].is_rejected, d->run.is_forced);
        if (cases[i].is_rejected)
            EXPECT_INT(ACTION_REJECT, d->run.forced);
        desk_close(d);
    }
}

static void pregreet_may_only_score(void **state)
{
    struct desk *d = desk_open(&conduct_module, "reject_pregreet = no");

    (void)state;
    desk_client(d, "203.0.113.7");
    session_note(&d->session, CONDUCT_PREGREET, SPAN("x"));
    desk_settle(d);
    EXPECT_INT(500, desk_points(d));
    EXPECT_FALSE(d->run.is_forced);
    desk_close(d);
}

static void the_good_and_our_own_are_not_judged(void **state)
{
    (void)state;
    for (int is_ours = 0; is_ours < 2; is_ours++) {
        struct desk *d = desk_open(&conduct_module, NULL);

        desk_client(d, "203.0.113.7");
        d->session.is_relay_client = is_ours;
        if (is_ours)
            session_note(&d->session, CONDUCT_PREGREET, SPAN("x"));
        desk_settle(d);
        EXPECT_INT(0, desk_points(d));
        EXPECT_FALSE(d->run.is_forced);
        desk_close(d);
    }
}

static void only_the_first_bytes_are_kept(void **state)
{
    struct desk *d = desk_open(&conduct_module, NULL);
    char many[1000];

    (void)state;
    memset(many, 'x', sizeof many);
    session_note(&d->session, CONDUCT_NON_SMTP, span_make(many, sizeof many));
    EXPECT_INT(CONDUCT_SHOWN_MAX, d->session.conduct[CONDUCT_NON_SMTP].first.len);
    desk_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_noted_is_found),
        cmocka_unit_test(pregreet_may_only_score),
        cmocka_unit_test(the_good_and_our_own_are_not_judged),
        cmocka_unit_test(only_the_first_bytes_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
