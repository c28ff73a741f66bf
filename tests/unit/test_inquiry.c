/* tests/unit/test_inquiry.c - what a check asks for and what it says: limits, repetition, alarms. */
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

static const struct symbol symbols[] = { { "ONE", 100, "" }, { "TWO", -50, "" }, { NULL, 0, NULL } };

static enum step ask_many(struct inquiry *q)
{
    enum step step = STEP_DONE;

    for (int round = 0; round < 2; round++) { /* asking again is free */
        for (int i = 0; i < 70; i++) {
            char name[32];

            snprintf(name, sizeof name, "N%d.Example", i);
            const struct dns_answer *a = ask_dns(q, name, DNS_A);

            if (!a)
                step = STEP_WAIT;
            else if ((a->state == DNS_CAPPED) != (i >= 64))
                finding_fail(q, "%s is %s", name, dns_state_text(a->state));
        }
    }
    return step;
}

static void look_ups_beyond_the_limit_are_capped_the_same_in_every_run(void **state)
{
    static const struct check_module module = { .symbols = symbols, .run = ask_many };
    struct desk *d = desk_open_bare(&module, NULL);

    (void)state;
    desk_settle(d);
    EXPECT_NULL(d->run.failure);
    EXPECT_INT(64, d->book.count);
    EXPECT_INT(1, d->rounds);
    desk_close(d);
}

static enum step ask_impossible(struct inquiry *q)
{
    static const char *const names[] = {
        "", ".", "a..b", ".a", "a.", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (ask_dns(q, names[i], DNS_A)->state != DNS_NXDOMAIN)
            finding_fail(q, "%s", names[i]);
    return STEP_DONE;
}

static void names_that_cannot_exist_do_not_and_are_not_asked_for(void **state)
{
    static const struct check_module module = { .symbols = symbols, .run = ask_impossible };
    struct desk *d = desk_open_bare(&module, NULL);

    (void)state;
    desk_settle(d);
    EXPECT_NULL(d->run.failure);
    EXPECT_INT(0, d->book.count);
    desk_close(d);
}

static void anything(const void *conf, const int *points, struct bounds *out)
{
    (void)conf;
    (void)points;
    *out = (struct bounds){ -1000000, 1000000, true, true, true };
}

static enum step say_much(struct inquiry *q)
{
    finding_add(q, 0, "first");
    finding_add(q, 0, "second %d", 2);
    finding_weigh(q, 1, 7, "weighed");
    for (int i = 0; i < 2 * FINDINGS_MAX; i++) {
        char name[32];

        snprintf(name, sizeof name, "NAMED_%d", i);
        finding_name(q, name, i < FINDINGS_MAX + 10 ? 1 : -i, "%0*d", 2000, i);
    }
    finding_force(q, ACTION_DEFER, "later");
    finding_force(q, ACTION_TAG, NULL);
    for (int i = 0; i < 20; i++)
        finding_alarm(q, "key", "alarm %d", i);
    return STEP_DONE;
}

static void findings_are_bounded_and_a_symbol_counts_once(void **state)
{
    static const struct check_module module = { .symbols = symbols, .run = say_much, .bounds = anything };
    struct desk *d = desk_open_bare(&module, NULL);

    (void)state;
    desk_settle(d);
    EXPECT_INT(FINDINGS_MAX, d->run.finding_count);
    EXPECT_TRUE(desk_finding(d, "NAMED_511") != NULL); /* what weighs most is kept */
    EXPECT_NULL(desk_finding(d, "NAMED_260"));
    EXPECT_INT(100, desk_finding(d, "ONE")->points);
    EXPECT_STR("first; second 2", desk_finding(d, "ONE")->reason);
    EXPECT_INT(7, desk_finding(d, "TWO")->points);
    EXPECT_INT(REASON_MAX - 1, strlen(desk_finding(d, "NAMED_250")->reason));
    EXPECT_TRUE(d->run.is_forced);
    EXPECT_INT(ACTION_DEFER, d->run.forced);
    EXPECT_STR("later", d->run.forced_text);
    EXPECT_INT(RAISED_MAX, d->run.raised_count);
    desk_close(d);
}

static enum step force_two(struct inquiry *q)
{
    const enum action *wanted = q->conf;

    finding_force(q, wanted[0], "first");
    finding_force(q, wanted[1], "second");
    return STEP_DONE;
}

static void the_hardest_action_wins_but_for_an_accept(void **state)
{
    static const struct {
        enum action wanted[2], wins;
    } cases[] = {
        { { ACTION_TAG, ACTION_REJECT }, ACTION_REJECT },     { { ACTION_REJECT, ACTION_TAG }, ACTION_REJECT },
        { { ACTION_ACCEPT, ACTION_DISCARD }, ACTION_ACCEPT }, { { ACTION_DISCARD, ACTION_ACCEPT }, ACTION_ACCEPT },
        { { ACTION_DEFER, ACTION_DEFER }, ACTION_DEFER },
    };
    static const struct check_module module = { .symbols = symbols, .run = force_two, .bounds = anything };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum action wanted[2] = { cases[i].wanted[0], cases[i].wanted[1] };
        struct desk *d = desk_open_bare(&module, wanted);

        desk_settle(d);
        EXPECT_INT(cases[i].wins, d->run.forced);
        desk_close(d);
    }
}

static enum step ask_what_is_forced(struct inquiry *q)
{
    enum action action;

    if (sister_forced(q, &action))
        finding_add(q, 0, "%s", action_text(action));
    return STEP_DONE;
}

static void sisters_force_nothing_for_what_is_taken_out(void **state)
{
    static const struct check_module module = { .symbols = symbols, .run = ask_what_is_forced, .bounds = anything };
    struct demanded demanded[] = { { "BAD", ACTION_REJECT, NULL }, { "OTHER", ACTION_DEFER, NULL } };
    struct removed removed = { "BAD", REMOVAL_NONE, "OURS" };
    struct desk *d = desk_open_bare(&module, NULL);

    (void)state;
    desk_sister(d, 0);
    d->sister.demanded = demanded;
    d->sister.demanded_count = 2;
    d->sister.removed = &removed;
    d->sister.removed_count = 1;
    desk_settle(d);
    EXPECT_STR("reject", desk_finding(d, "ONE")->reason);
    removed.removal = REMOVAL_SYMBOL;
    desk_settle(d);
    EXPECT_STR("defer", desk_finding(d, "ONE")->reason);
    d->sister.demanded_count = 1;
    desk_settle(d);
    EXPECT_NULL(desk_finding(d, "ONE"));
    desk_close(d);
}

static enum step force_for_many(struct inquiry *q)
{
    char *names = arena_alloc(q->arena, (FINDINGS_MAX + 1) * 16);

    for (int i = 0; i <= FINDINGS_MAX; i++) {
        snprintf(names + i * 16, 16, "N%d", i);
        finding_force_for(q, names + i * 16, i == FINDINGS_MAX ? ACTION_REJECT : ACTION_TAG, NULL);
        finding_force_for(q, names + i * 16, ACTION_TAG, NULL);
    }
    return STEP_DONE;
}

static void no_demand_is_lost(void **state)
{
    static const struct check_module module = { .symbols = symbols, .run = force_for_many, .bounds = anything };
    struct desk *d = desk_open_bare(&module, NULL);
    struct demand demand;

    (void)state;
    desk_settle(d);
    EXPECT_INT(FINDINGS_MAX, d->run.demanded_count);
    EXPECT_TRUE(desk_forced(d, &demand));
    EXPECT_INT(ACTION_REJECT, demand.action);
    desk_close(d);
}

RUN_TESTS(TEST(look_ups_beyond_the_limit_are_capped_the_same_in_every_run),
          TEST(names_that_cannot_exist_do_not_and_are_not_asked_for),
          TEST(findings_are_bounded_and_a_symbol_counts_once), TEST(the_hardest_action_wins_but_for_an_accept),
          TEST(sisters_force_nothing_for_what_is_taken_out), TEST(no_demand_is_lost))
