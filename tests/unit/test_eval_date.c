/* tests/unit/test_eval_date.c - dates as mail rules read them, and the rules that compare them. */
#include "tests/kit/eval_desk.h"
#include "tests/kit/expect.h"

#include "rules/eval/eval_parts.h"

static void dates_are_read_leniently(void **state)
{
    static const struct {
        const char *text;
        int64_t time; /* -1: none */
    } cases[] = {
        { "Thu, 1 Jan 1970 00:00:10 +0000", 10 },
        { "Sun, 6 Sep 2026 12:00:00 +0200 (CEST)", 1788688800 },
        { "6 Sep 2026 10:00 GMT", 1788688800 },
        { "Sun Sep 6 10:00:00 2026", 1788652800 }, /* in this order the clock is not looked at */
        { "Sep 6 06:00:00 2026 (EDT)", 1788667200 },
        { "6 sep 26 10:00:00", 1788688800 },
        { "31 Feb 2026 00:00:00", 1772323200 },
        { "1 Jan 2099 00:00:00", 2114380800 },
        { "1 Jan 2026 25:70:99", 1767311999 },
        { "no date", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t time = -1;

        bool ok = eval_date_parse(span_of(cases[i].text), &time);
        if (cases[i].time != time)
            print_error("%s\n", cases[i].text);
        EXPECT_INT(cases[i].time >= 0, ok);
        EXPECT_INT(cases[i].time, time);
    }
}

#define RECEIVED "Received: from a (a [192.0.2.1]) by b; Mon, 1 Jun 2026 12:00:00 +0000\n"

static void a_date_is_shifted_against_the_nearest_server(void **state)
{
    static const struct {
        const char *text, *least, *most;
        unsigned hits;
    } cases[] = {
        { RECEIVED "Date: Mon, 1 Jun 2026 08:00:00 +0000\n\n", "-6", "-3", 1 },
        { RECEIVED "Date: Mon, 1 Jun 2026 08:00:00 +0000\n\n", "-12", "-6", 0 },
        { RECEIVED "Date: Mon, 1 Jun 2026 11:59:00 +0000\n\n", "-6", "-3", 0 },
        { RECEIVED "Date: Fri, 1 Jun 2029 11:59:00 +0000\n\n", "96", "undef", 1 },
        { RECEIVED "Date: Mon, 1 Jan 2020 11:59:00 +0000\n\n", "undef", "-96", 1 },
        { RECEIVED "Date: x\n\n", "undef", "-96", 0 },
        { "Date: Mon, 1 Jan 2020 11:59:00 +0000\n\n", "undef", "-96", 0 },
        { RECEIVED "Received: by c; Mon, 1 Jun 2026 08:00:00 +0000\nDate: Mon, 1 Jun 2026 08:00:00 +0000\n\n", "-6",
          "-3", 1 },
        { "Received: from localhost (x) by c; Mon, 1 Jun 2026 13:00:00 +0000\n"
          "Received: from m by localhost with IMAP (fetchmail-6.3); Mon, 1 Jun 2026 13:00:00 +0000\n" RECEIVED
          "Date: Mon, 1 Jun 2026 12:30:00 +0000\n\n",
          "0", "1", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct eval_desk *d = eval_desk_open(cases[i].text);

        EXPECT_INT(cases[i].hits, EVAL(d, "check_for_shifted_date", cases[i].least, cases[i].most));
        eval_desk_close(d);
    }
}

static void age_is_told_in_months(void **state)
{
    struct eval_desk *d = eval_desk_open("Received: by b; Mon, 1 Sep 2025 12:00:00 +0000\n"
                                         "Date: Mon, 1 Sep 2025 12:00:00 +0000\n\n");

    (void)state;
    EXPECT_INT(1, EVAL(d, "received_within_months", "3", "6"));
    EXPECT_INT(0, EVAL(d, "received_within_months", "undef", "3"));
    EXPECT_INT(1, EVAL(d, "received_within_months", "3", "undef"));
    eval_desk_close(d);
}

static void outlooks_ids_tell_when_they_were_made(void **state)
{
    static const struct {
        const char *id;
        unsigned hits;
    } cases[] = {
        { "<000001c14e6b$01e2b0c0$0a01a8c0@pc>", 1 },
        { "<0000111111111$01e2b0c0$0a01a8c0@pc>", 0 }, /* no such form */
        { "<000001be2140$01e2b0c0$0a01a8c0@pc>", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];

        snprintf(text, sizeof text, "Message-ID: %s\nDate: Mon, 7 Dec 1998 06:46:52 +0000\n\n", cases[i].id);
        struct eval_desk *d = eval_desk_open(text);
        EXPECT_INT(cases[i].hits, EVAL(d, "check_outlook_message_id"));
        eval_desk_close(d);
    }
}

/* It is 2026-01-01T00:00Z when the client hands it over. */
static void the_time_at_our_door_is_one_of_them(void **state)
{
    static const char text[] = "Date: Wed, 31 Dec 2025 14:00:00 +0000\n\n";
    struct eval_desk *d = eval_desk_open(text);

    (void)state;
    EXPECT_INT(0, EVAL(d, "check_for_shifted_date", "-12", "-6"));
    eval_desk_close(d);
    d = eval_desk_open(text);
    addr_parse(SPAN("192.0.2.9"), &d->session.client);
    EXPECT_INT(1, EVAL(d, "check_for_shifted_date", "-12", "-6"));
    eval_desk_close(d);
    d = eval_desk_open("Received: from a (a [192.0.2.9]) by b; Wed, 31 Dec 2025 14:01:00 +0000\n"
                       "Date: Wed, 31 Dec 2025 14:00:00 +0000\n\n");
    addr_parse(SPAN("192.0.2.9"), &d->session.client); /* who asks us has written it */
    EXPECT_INT(0, EVAL(d, "check_for_shifted_date", "-12", "-6"));
    eval_desk_close(d);
}

RUN_TESTS(TEST(the_time_at_our_door_is_one_of_them), TEST(dates_are_read_leniently),
          TEST(a_date_is_shifted_against_the_nearest_server), TEST(age_is_told_in_months),
          TEST(outlooks_ids_tell_when_they_were_made))
