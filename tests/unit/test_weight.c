/* tests/unit/test_weight.c - verdicts on what a later check takes out, and modes of single findings. */
#include "tests/kit/expect.h"

#include "gateway/core/verdict.h"

static const struct check early_check = { .name = "early", .stage = STAGE_RCPT };
static const struct check late_check = { .name = "composites", .stage = STAGE_MESSAGE };
static const char *const removable[] = { "BAD", "GOOD" };

/* A check that has found BAD, GOOD and OTHER, and one that may take the first two out. */
struct removing {
    struct check_settings settings[2];
    struct finding findings[3];
    struct removed removed[2];
    struct run runs[2];
    const struct run *view[2];
};

static void removing_set(struct removing *r, int bad, int good, int other, enum run_state state)
{
    *r = (struct removing){
        .settings = { { .check = &early_check, .mode = MODE_ENFORCE },
                      { .check = &late_check, .mode = MODE_ENFORCE, .removable = removable, .removable_count = 2 } },
        .findings = { { "BAD", bad, "", MODE_OFF }, { "GOOD", good, "", MODE_OFF }, { "OTHER", other, "", MODE_OFF } },
    };
    r->runs[0] =
        (struct run){ .settings = &r->settings[0], .state = RUN_DONE, .findings = r->findings, .finding_count = 3 };
    r->runs[1] = (struct run){ .settings = &r->settings[1], .state = state, .removed = r->removed };
    r->view[0] = &r->runs[0];
    r->view[1] = &r->runs[1];
}

static struct verdict removing_verdict(const struct removing *r)
{
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    struct verdict v;

    verdict_make(r->view, 2, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    return v;
}

static void what_is_taken_out_does_not_count(void **state)
{
    struct removing r;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    removing_set(&r, 1500, -100, 700, RUN_DONE);
    EXPECT_INT(2100, removing_verdict(&r).score);
    r.removed[0] = (struct removed){ "BAD", REMOVAL_WEIGHT, "OURS" };
    r.runs[1].removed_count = 1;
    EXPECT_INT(600, removing_verdict(&r).score);
    EXPECT_INT(ACTION_TAG, removing_verdict(&r).action);
    r.removed[1] = (struct removed){ "GOOD", REMOVAL_SYMBOL, "OURS" };
    r.runs[1].removed_count = 2;
    EXPECT_INT(700, removing_verdict(&r).score);
    struct verdict refusal = { .action = ACTION_REJECT, .decided_by = "score" };

    EXPECT_STR("Message refused as spam (OTHER)", verdict_reply(&arena, &refusal, r.view, 2).text);
    r.settings[1].mode = MODE_TAG; /* who may only tag takes nothing out */
    EXPECT_INT(2100, removing_verdict(&r).score);
    r.settings[1].mode = MODE_ENFORCE;
    r.runs[1].state = RUN_FAILED;
    EXPECT_INT(2100, removing_verdict(&r).score);
    arena_release(&arena);
}

static void no_verdict_is_certain_that_a_removal_could_turn(void **state)
{
    static const struct {
        const char *claim;
        int bad, good, other;
        enum action action;
        bool is_certain;
    } cases[] = {
        { "what may be taken out carries the refusal", 1000, 0, 500, ACTION_REJECT, false },
        { "what may be taken out is not needed for it", 1000, 0, 1500, ACTION_REJECT, true },
        { "what speaks for it may be taken out", 0, -100, 650, ACTION_ACCEPT, false },
        { "and it is not needed", 0, -100, 450, ACTION_ACCEPT, true },
        { "both", 800, -700, 100, ACTION_ACCEPT, false },
        { "nothing was found", 0, 0, 0, ACTION_ACCEPT, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct removing r;

        removing_set(&r, cases[i].bad, cases[i].good, cases[i].other, RUN_IDLE);
        struct verdict v = removing_verdict(&r);

        if (v.action != cases[i].action || v.is_certain != cases[i].is_certain)
            fail_msg("%s: %s, %s", cases[i].claim, action_text(v.action), v.is_certain ? "certain" : "uncertain");
    }
}

/* Whatever it takes out in the end: a verdict that was certain stands. */
static void certain_verdicts_stand_whatever_is_taken_out(void **state)
{
    static const int points[] = { -2000, -700, -100, 0, 100, 599, 600, 900, 1500, 3000 };
    enum { MANY = COUNT(points) };

    (void)state;
    for (size_t i = 0; i < MANY * MANY * MANY; i++) {
        int bad = points[i % MANY], good = points[i / MANY % MANY], other = points[i / MANY / MANY];
        struct removing r;

        removing_set(&r, bad, good, other, RUN_PARKED);
        struct verdict before = removing_verdict(&r);

        for (unsigned taken = 0; before.is_certain && taken < 4; taken++) {
            removing_set(&r, bad, good, other, RUN_DONE);
            for (unsigned k = 0; k < 2; k++)
                if (taken >> k & 1)
                    r.removed[r.runs[1].removed_count++] = (struct removed){ removable[k], REMOVAL_SYMBOL, "OURS" };
            if (removing_verdict(&r).action != before.action)
                fail_msg("%d %d %d, %u: %s", bad, good, other, taken, action_text(before.action));
        }
    }
}

/* What is demanded for a symbol goes with it; not with its points. */
static void what_is_taken_out_demands_nothing(void **state)
{
    static const struct {
        const char *claim;
        struct demanded demanded[2];
        enum removal removal; /* of BAD */
        enum run_state remover;
        enum action action;
        bool is_certain;
        const char *text;
    } cases[] = {
        { "nothing is taken out",
          { { "BAD", ACTION_REJECT, "bad" }, { "OTHER", ACTION_DEFER, "other" } },
          REMOVAL_NONE,
          RUN_DONE,
          ACTION_REJECT,
          true,
          "bad" },
        { "its points are",
          { { "BAD", ACTION_REJECT, "bad" }, { "OTHER", ACTION_DEFER, "other" } },
          REMOVAL_WEIGHT,
          RUN_DONE,
          ACTION_REJECT,
          true,
          "bad" },
        { "it is, and a milder one is left",
          { { "BAD", ACTION_REJECT, "bad" }, { "OTHER", ACTION_DEFER, "other" } },
          REMOVAL_SYMBOL,
          RUN_DONE,
          ACTION_DEFER,
          true,
          "other" },
        { "both are",
          { { "BAD", ACTION_REJECT, "bad" }, { "BAD", ACTION_TAG, NULL } },
          REMOVAL_SYMBOL,
          RUN_DONE,
          ACTION_ACCEPT,
          true,
          NULL },
        { "it may be",
          { { "OTHER", ACTION_DEFER, "other" }, { "BAD", ACTION_REJECT, "bad" } },
          REMOVAL_NONE,
          RUN_IDLE,
          ACTION_REJECT,
          false,
          "bad" },
        { "a deferral's may be",
          { { "BAD", ACTION_DEFER, "bad" }, { "OTHER", ACTION_TAG, NULL } },
          REMOVAL_NONE,
          RUN_IDLE,
          ACTION_DEFER,
          false,
          "bad" },
        { "what demands cannot be",
          { { "OTHER", ACTION_REJECT, "other" }, { "OTHER", ACTION_TAG, NULL } },
          REMOVAL_NONE,
          RUN_IDLE,
          ACTION_REJECT,
          true,
          "other" },
        { "who would take out has failed",
          { { "BAD", ACTION_REJECT, "bad" }, { "OTHER", ACTION_TAG, NULL } },
          REMOVAL_SYMBOL,
          RUN_FAILED,
          ACTION_REJECT,
          true,
          "bad" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct demanded demanded[2] = { cases[i].demanded[0], cases[i].demanded[1] };
        struct removing r;

        removing_set(&r, 0, 0, 0, cases[i].remover);
        r.runs[0].demanded = demanded;
        r.runs[0].demanded_count = 2;
        r.removed[0] = (struct removed){ "BAD", cases[i].removal, "OURS" };
        r.runs[1].removed_count = cases[i].removal != REMOVAL_NONE;
        struct verdict v = removing_verdict(&r);

        if (v.action != cases[i].action || v.is_certain != cases[i].is_certain)
            fail_msg("%s: %s, %s", cases[i].claim, action_text(v.action), v.is_certain ? "certain" : "uncertain");
        EXPECT_STR(cases[i].text ? cases[i].text : "-", v.text ? v.text : "-");
    }
}

static void what_speaks_for_mail_may_go_before_it_is_refused(void **state)
{
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    struct removing r;

    (void)state;
    removing_set(&r, 0, -1000, 1600, RUN_IDLE);
    struct verdict v = removing_verdict(&r);

    EXPECT_TRUE(verdict_may_refuse(r.view, 2, &actions, STAGE_MESSAGE, &v));
    EXPECT_FALSE(verdict_may_refuse(r.view, 2, &actions, STAGE_RCPT, &v));
    r.settings[1].removable_count = 0;
    EXPECT_FALSE(verdict_may_refuse(r.view, 2, &actions, STAGE_MESSAGE, &v));
}

static void a_finding_may_count_less_than_its_check(void **state)
{
    static const struct {
        enum mode check, finding;
        int score;
        enum action action;
    } cases[] = {
        { MODE_ENFORCE, MODE_OFF, 1500, ACTION_REJECT }, { MODE_ENFORCE, MODE_ENFORCE, 1500, ACTION_REJECT },
        { MODE_ENFORCE, MODE_TAG, 1500, ACTION_TAG },    { MODE_ENFORCE, MODE_SHADOW, 0, ACTION_ACCEPT },
        { MODE_TAG, MODE_ENFORCE, 1500, ACTION_TAG },    { MODE_TAG, MODE_SHADOW, 0, ACTION_ACCEPT },
        { MODE_SHADOW, MODE_ENFORCE, 0, ACTION_ACCEPT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct removing r;

        removing_set(&r, 0, 0, 1500, RUN_DONE);
        r.settings[0].mode = cases[i].check;
        r.findings[2].mode = cases[i].finding;
        EXPECT_INT(cases[i].score, removing_verdict(&r).score);
        EXPECT_INT(cases[i].action, removing_verdict(&r).action);
    }
}

RUN_TESTS(TEST(what_is_taken_out_does_not_count), TEST(what_is_taken_out_demands_nothing),
          TEST(no_verdict_is_certain_that_a_removal_could_turn), TEST(certain_verdicts_stand_whatever_is_taken_out),
          TEST(what_speaks_for_mail_may_go_before_it_is_refused), TEST(a_finding_may_count_less_than_its_check))
