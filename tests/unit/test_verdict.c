/* tests/unit/test_verdict.c - from findings to an action, and when it is certain. */
#include "tests/kit/expect.h"

#include "gateway/core/verdict.h"

/* One row of a case: a check as it stands. */
struct row {
    enum run_state state;
    int points;
    enum mode mode;
    enum fail on_failure;
    int forced; /* an action, or -1 */
    struct bounds bounds;
    bool informs;
};

struct example {
    const char *claim;
    struct row rows[3];
    enum action action;
    bool is_certain;
    const char *decided_by;
};

#define DONE(points)                                                                                                   \
    {                                                                                                                  \
        RUN_DONE, points, MODE_ENFORCE, FAIL_SKIP, -1, { 0 }, false                                                    \
    }
#define MODED(points, mode)                                                                                            \
    {                                                                                                                  \
        RUN_DONE, points, mode, FAIL_SKIP, -1, { 0 }, false                                                            \
    }
#define FORCED(action)                                                                                                 \
    {                                                                                                                  \
        RUN_DONE, 0, MODE_ENFORCE, FAIL_SKIP, action, { 0 }, false                                                     \
    }
#define FAILED(policy)                                                                                                 \
    {                                                                                                                  \
        RUN_FAILED, 0, MODE_ENFORCE, policy, -1, { 0 }, false                                                          \
    }
#define OPEN(least, most)                                                                                              \
    {                                                                                                                  \
        RUN_PARKED, 0, MODE_ENFORCE, FAIL_SKIP, -1, { least, most, false, false, false }, false                        \
    }
#define OPEN_ACCEPT                                                                                                    \
    {                                                                                                                  \
        RUN_PARKED, 0, MODE_ENFORCE, FAIL_SKIP, -1, { 0, 0, true, false, false }, false                                \
    }
#define OPEN_REJECT                                                                                                    \
    {                                                                                                                  \
        RUN_PARKED, 0, MODE_ENFORCE, FAIL_SKIP, -1, { 0, 0, false, true, false }, false                                \
    }
#define OPEN_DISCARD                                                                                                   \
    {                                                                                                                  \
        RUN_PARKED, 0, MODE_ENFORCE, FAIL_SKIP, -1, { 0, 0, false, true, true }, false                                 \
    }
#define OPEN_INFORMS                                                                                                   \
    {                                                                                                                  \
        RUN_PARKED, 0, MODE_ENFORCE, FAIL_SKIP, -1, { 0 }, true                                                        \
    }
#define OFF                                                                                                            \
    {                                                                                                                  \
        RUN_OFF, 0, MODE_OFF, FAIL_SKIP, -1, { 0 }, false                                                              \
    }

static const struct example examples[] = {
    { "nothing found is accepted", { DONE(0), OFF, OFF }, ACTION_ACCEPT, true, "score" },
    { "below tag", { DONE(599), OFF, OFF }, ACTION_ACCEPT, true, "score" },
    { "at tag", { DONE(300), DONE(300), OFF }, ACTION_TAG, true, "score" },
    { "at reject", { DONE(1000), DONE(500), OFF }, ACTION_REJECT, true, "score" },
    { "good points count", { DONE(1600), DONE(-200), OFF }, ACTION_TAG, true, "score" },
    { "shadow counts nothing", { MODED(2000, MODE_SHADOW), OFF, OFF }, ACTION_ACCEPT, true, "score" },
    { "tag mode tags", { MODED(2000, MODE_TAG), OFF, OFF }, ACTION_TAG, true, "score" },
    { "tag mode never rejects", { MODED(1000, MODE_TAG), DONE(1000), OFF }, ACTION_TAG, true, "score" },
    { "forced reject", { FORCED(ACTION_REJECT), OFF, OFF }, ACTION_REJECT, true, "check" },
    { "an allow list beats a forced reject",
      { FORCED(ACTION_REJECT), FORCED(ACTION_ACCEPT), OFF },
      ACTION_ACCEPT,
      true,
      "check" },
    { "an allow list beats the score", { DONE(5000), FORCED(ACTION_ACCEPT), OFF }, ACTION_ACCEPT, true, "check" },
    { "a check in tag mode that may force is waited for",
      { DONE(0), { RUN_PARKED, 0, MODE_TAG, FAIL_SKIP, -1, { 0, 0, false, true, false }, false }, OFF },
      ACTION_ACCEPT,
      false,
      "score" },
    { "discard is harder than reject",
      { FORCED(ACTION_REJECT), FORCED(ACTION_DISCARD), OFF },
      ACTION_DISCARD,
      true,
      "check" },
    { "a score that rejects beats a forced defer",
      { DONE(1500), FORCED(ACTION_DEFER), OFF },
      ACTION_REJECT,
      true,
      "score" },
    { "a failed check may defer", { FAILED(FAIL_DEFER), DONE(100), OFF }, ACTION_DEFER, true, "check" },
    { "a failed check may tag", { FAILED(FAIL_TAG), DONE(100), OFF }, ACTION_TAG, true, "check" },
    { "a failed check may be skipped", { FAILED(FAIL_SKIP), DONE(100), OFF }, ACTION_ACCEPT, true, "score" },
    { "refusal is certain when what is open cannot save it",
      { DONE(1600), OPEN(-100, 300), OFF },
      ACTION_REJECT,
      true,
      "score" },
    { "and uncertain when it can", { DONE(1600), OPEN(-101, 0), OFF }, ACTION_REJECT, false, "score" },
    { "and uncertain while an allow list is open", { DONE(1600), OPEN_ACCEPT, OFF }, ACTION_REJECT, false, "score" },
    { "a forced reject is certain", { FORCED(ACTION_REJECT), OPEN(-9000, 0), OFF }, ACTION_REJECT, true, "check" },
    { "a forced reject is uncertain while what is open may discard",
      { FORCED(ACTION_REJECT), OPEN_DISCARD, OFF },
      ACTION_REJECT,
      false,
      "check" },
    { "and so is one by score", { DONE(1600), OPEN_DISCARD, OFF }, ACTION_REJECT, false, "score" },
    { "what is discarded is not waited with",
      { FORCED(ACTION_DISCARD), OPEN_REJECT, OFF },
      ACTION_DISCARD,
      true,
      "check" },
    { "a deferral is certain when what is open cannot refuse",
      { FORCED(ACTION_GREYLIST), OPEN(0, 1499), OFF },
      ACTION_GREYLIST,
      true,
      "check" },
    { "and uncertain when its points could",
      { FORCED(ACTION_GREYLIST), OPEN(0, 1500), OFF },
      ACTION_GREYLIST,
      false,
      "check" },
    { "and when points that are here could with them",
      { FORCED(ACTION_DEFER), DONE(900), OPEN(-100, 600) },
      ACTION_DEFER,
      false,
      "check" },
    { "and when it could be forced", { FORCED(ACTION_DEFER), OPEN_REJECT, OFF }, ACTION_DEFER, false, "check" },
    { "acceptance is certain when what is open cannot tag",
      { DONE(100), OPEN(-100, 499), OFF },
      ACTION_ACCEPT,
      true,
      "score" },
    { "and uncertain when it can", { DONE(100), OPEN(0, 500), OFF }, ACTION_ACCEPT, false, "score" },
    { "and uncertain when it can refuse", { DONE(100), OPEN_REJECT, OFF }, ACTION_ACCEPT, false, "score" },
    { "and waits for what goes into headers", { DONE(100), OPEN_INFORMS, OFF }, ACTION_ACCEPT, false, "score" },
};

static void examples_hold(void **state)
{
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };

    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        struct check check = { .name = "check" };
        struct check_settings settings[3];
        struct finding findings[3];
        struct run runs[3];
        const struct run *view[3];
        struct verdict v;

        for (size_t j = 0; j < 3; j++) {
            const struct row *row = &examples[i].rows[j];
            static struct check informing = { .name = "check", .informs = true };

            settings[j] = (struct check_settings){ .check = row->informs ? &informing : &check,
                                                   .mode = row->mode,
                                                   .on_failure = { row->on_failure, row->on_failure },
                                                   .bounds = row->bounds };
            findings[j] = (struct finding){ "SYMBOL", row->points, "", MODE_OFF };
            runs[j] = (struct run){ .settings = &settings[j],
                                    .state = row->state,
                                    .findings = &findings[j],
                                    .finding_count = row->points != 0,
                                    .is_forced = row->forced >= 0,
                                    .forced = (enum action)row->forced,
                                    .failure = row->state == RUN_FAILED ? "why" : NULL };
            view[j] = &runs[j];
        }
        verdict_make(view, 3, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
        if (v.action != examples[i].action || v.is_certain != examples[i].is_certain)
            fail_msg("%s: got %s, %s", examples[i].claim, action_text(v.action),
                     v.is_certain ? "certain" : "uncertain");
        if (strcmp(v.decided_by, examples[i].decided_by) != 0)
            fail_msg("%s: decided by %s", examples[i].claim, v.decided_by);
    }
}

/* Who would be refused for good by a later stage is put off now; and who has waited long enough for an answer gets
 * one. */
static void a_deferral_waits_for_its_own_stage_alone(void **state)
{
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    static const struct check grey = { .name = "grey", .stage = STAGE_RCPT };
    static const struct check content = { .name = "content", .stage = STAGE_MESSAGE };
    const struct check_settings settings[] = {
        { .check = &grey, .mode = MODE_ENFORCE },
        { .check = &content, .mode = MODE_ENFORCE, .bounds = { 0, 5000, false, true, true } }
    };
    const struct run runs[] = {
        { .settings = &settings[0], .state = RUN_DONE, .is_forced = true, .forced = ACTION_GREYLIST },
        { .settings = &settings[1], .state = RUN_PARKED }
    };
    const struct run *const view[] = { &runs[0], &runs[1] };
    struct verdict v;

    (void)state;
    verdict_make(view, 2, &actions, DIRECTION_INBOUND, STAGE_RCPT + 1, &v);
    EXPECT_INT(ACTION_GREYLIST, v.action);
    EXPECT_TRUE(v.is_certain);
    verdict_make(view, 2, &actions, DIRECTION_INBOUND, STAGE_MESSAGE + 1, &v);
    EXPECT_FALSE(v.is_certain);
    verdict_make(view, 2, &actions, DIRECTION_INBOUND, 0, &v);
    EXPECT_TRUE(v.is_certain);
}

static void a_refusal_by_score_names_what_weighed_most(void **state)
{
    struct check check = { .name = "check" };
    struct check_settings settings = { .check = &check, .mode = MODE_ENFORCE };
    struct finding findings[] = {
        { "SMALL", 10, "", MODE_OFF },    { "GOOD", -500, "", MODE_OFF }, { "BIG", 900, "", MODE_OFF },
        { "MIDDLE", 500, "", MODE_OFF },  { "FOURTH", 5, "", MODE_OFF },  { "LARGEST", 990, "", MODE_TAG },
        { "HUGE", 999, "", MODE_SHADOW },
    };
    struct run run = {
        .settings = &settings, .state = RUN_DONE, .findings = findings, .finding_count = COUNT(findings)
    };
    const struct run *view[] = { &run };
    struct verdict v = { .action = ACTION_REJECT, .decided_by = "score" };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    EXPECT_STR("Message refused as spam (BIG, MIDDLE, SMALL)", verdict_reply(&arena, &v, view, 1).text);
    EXPECT_INT(554, verdict_reply(&arena, &v, view, 1).code);
    arena_release(&arena);
}

static void a_text_may_bring_its_codes(void **state)
{
    static const struct {
        enum action action;
        const char *text;
        unsigned code;
        const char *enhanced, *told;
    } cases[] = {
        { ACTION_REJECT, "Not here", 554, "5.7.1", "Not here" },
        { ACTION_REJECT, "5.1.8 Not here", 554, "5.1.8", "Not here" },
        { ACTION_REJECT, "504 5.5.2 Not here", 504, "5.5.2", "Not here" },
        { ACTION_REJECT, "504 Not here", 504, "5.7.1", "Not here" },
        { ACTION_REJECT, "504", 504, "5.7.1", "Message refused by policy" },
        { ACTION_REJECT, "450 4.1.8 Not found", 550, "5.1.8", "Not found" }, /* the action decides of the class */
        { ACTION_DEFER, "450 4.1.8 Not found", 450, "4.1.8", "Not found" },
        { ACTION_DEFER, "504 5.5.2 Not here", 450, "4.5.2", "Not here" },
        { ACTION_GREYLIST, "450 4.2.0 Come again", 450, "4.2.0", "Come again" },
        { ACTION_DEFER, "421 4.7.0 Go", 450, "4.7.0", "Go" }, /* who says so closes */
        { ACTION_REJECT, "521 Go", 550, "5.7.1", "Go" },
        { ACTION_DISCARD, "550 5.7.1 Gone", 250, "2.0.0", "Gone" },
        { ACTION_REJECT, "600 bottles", 554, "5.7.1", "600 bottles" },
        { ACTION_REJECT, "5.5 bottles", 554, "5.7.1", "5.5 bottles" },
        { ACTION_REJECT, "5.7.1.2 no", 554, "5.7.1", "5.7.1.2 no" },
        { ACTION_REJECT, "2.0.0 no", 554, "5.7.1", "2.0.0 no" },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct verdict v = { .action = cases[i].action, .decided_by = "check", .text = cases[i].text };
        struct verdict_reply reply = verdict_reply(&arena, &v, NULL, 0);

        if (reply.code != cases[i].code || strcmp(reply.enhanced, cases[i].enhanced) != 0 ||
            strcmp(reply.text, cases[i].told) != 0)
            fail_msg("%s: %u %s %s", cases[i].text, reply.code, reply.enhanced, reply.text);
    }
    arena_release(&arena);
}

/* What the envelope's checks say does not count, but for the one that permits; the message's do. */
static void a_permit_is_for_the_envelope_alone(void **state)
{
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    static const struct check client = { .name = "client", .stage = STAGE_CONNECT };
    static const struct check lists = { .name = "lists", .stage = STAGE_RCPT };
    static const struct check content = { .name = "content", .stage = STAGE_MESSAGE };
    struct check_settings settings[] = { { .check = &client, .mode = MODE_ENFORCE },
                                         { .check = &lists, .mode = MODE_ENFORCE },
                                         { .check = &content, .mode = MODE_ENFORCE } };
    struct finding finding[] = { { "CLIENT", 2000, "", MODE_OFF },
                                 { "LIST", 100, "", MODE_OFF },
                                 { "CONTENT", 700, "", MODE_OFF } };
    struct run runs[3];
    const struct run *view[] = { &runs[0], &runs[1], &runs[2] };
    struct verdict v;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        runs[i] =
            (struct run){ .settings = &settings[i], .state = RUN_DONE, .findings = &finding[i], .finding_count = 1 };
    runs[0].is_forced = true;
    runs[0].forced = ACTION_REJECT;
    verdict_make(view, 3, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    EXPECT_INT(ACTION_REJECT, v.action);
    runs[1].is_permit = true;
    verdict_make(view, 3, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    EXPECT_INT(ACTION_TAG, v.action);
    EXPECT_INT(800, v.score);
    runs[0].state = RUN_PARKED; /* need not be waited for */
    settings[0].bounds = (struct bounds){ 0, 5000, true, true, false };
    verdict_make(view, 3, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    EXPECT_TRUE(v.is_certain);
    settings[1].mode = MODE_SHADOW;
    runs[0].state = RUN_DONE;
    verdict_make(view, 3, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    EXPECT_INT(ACTION_REJECT, v.action);
}

/* Where a user sits says nothing of his mail, whenever he logged in. */
static void what_the_clients_address_earned_is_not_its_users(void **state)
{
    static const struct actions_conf actions = { .tag = 600, .reject = 1500, .subject = "" };
    static const struct check client = { .name = "client", .stage = STAGE_CONNECT };
    static const struct check content = { .name = "content", .stage = STAGE_MESSAGE };
    struct check_settings settings[] = { { .check = &client, .mode = MODE_ENFORCE },
                                         { .check = &content, .mode = MODE_ENFORCE } };
    struct finding finding[] = { { "CLIENT", 2000, "", MODE_OFF }, { "CONTENT", 700, "", MODE_OFF } };
    struct run runs[2];
    const struct run *view[] = { &runs[0], &runs[1] };
    struct verdict v;
    struct arena arena;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        runs[i] =
            (struct run){ .settings = &settings[i], .state = RUN_DONE, .findings = &finding[i], .finding_count = 1 };
    verdict_make(view, 2, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    EXPECT_INT(ACTION_REJECT, v.action);
    verdict_make(view, 2, &actions, DIRECTION_AUTHENTICATED, STAGE_COUNT, &v);
    EXPECT_INT(ACTION_TAG, v.action);
    EXPECT_INT(700, v.score);
    runs[0].is_forced = true; /* not even an allow list of addresses */
    runs[0].forced = ACTION_ACCEPT;
    verdict_make(view, 2, &actions, DIRECTION_AUTHENTICATED, STAGE_COUNT, &v);
    EXPECT_INT(ACTION_TAG, v.action);

    runs[0].state = RUN_PARKED; /* need not be waited for */
    settings[0].bounds = (struct bounds){ -5000, 5000, true, true, true };
    verdict_make(view, 2, &actions, DIRECTION_AUTHENTICATED, STAGE_COUNT, &v);
    EXPECT_TRUE(v.is_certain);
    verdict_make(view, 2, &actions, DIRECTION_INBOUND, STAGE_COUNT, &v);
    EXPECT_FALSE(v.is_certain);

    arena_init(&arena, 65536); /* the refusal names what counted */
    runs[0].state = RUN_DONE;
    runs[0].is_forced = false;
    finding[1].points = 1700;
    verdict_make(view, 2, &actions, DIRECTION_AUTHENTICATED, STAGE_COUNT, &v);
    EXPECT_TRUE(verdict_is_moot(view, 2, &v, &runs[0]));
    EXPECT_FALSE(verdict_is_moot(view, 2, &v, &runs[1]));
    EXPECT_INT(ACTION_REJECT, v.action);
    EXPECT_STR("Message refused as spam (CONTENT)", verdict_reply(&arena, &v, view, 2).text);
    arena_release(&arena);
}

static void in_mode_tag_only_a_refusal_tags(void **state)
{
    static const enum action actions[] = { ACTION_TAG,        ACTION_GREYLIST, ACTION_DEFER,
                                           ACTION_QUARANTINE, ACTION_REJECT,   ACTION_DISCARD };
    static const struct actions_conf thresholds = { .tag = 600, .reject = 1500, .subject = "" };
    static const struct check check = { .name = "check" };
    const struct check_settings settings = { .check = &check, .mode = MODE_TAG };

    (void)state;
    for (size_t i = 0; i < COUNT(actions); i++) {
        const struct run run = { .settings = &settings, .state = RUN_DONE, .is_forced = true, .forced = actions[i] };
        const struct run *view[] = { &run };
        bool is_pause = actions[i] == ACTION_GREYLIST || actions[i] == ACTION_DEFER;
        struct verdict v;

        verdict_make(view, 1, &thresholds, DIRECTION_INBOUND, STAGE_COUNT, &v);
        EXPECT_INT(is_pause ? ACTION_ACCEPT : ACTION_TAG, v.action);
    }
}

RUN_TESTS(TEST(examples_hold), TEST(a_deferral_waits_for_its_own_stage_alone),
          TEST(a_refusal_by_score_names_what_weighed_most), TEST(a_text_may_bring_its_codes),
          TEST(a_permit_is_for_the_envelope_alone), TEST(in_mode_tag_only_a_refusal_tags),
          TEST(what_the_clients_address_earned_is_not_its_users))
