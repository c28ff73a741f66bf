/* tests/unit/test_settings.c - `check "NAME" { ... }`: common keys, a module's own, scores, and what follows what. */
#include "tests/kit/expect.h"

#include "gateway/core/settings.h"

struct tea_conf {
    int64_t cups;
    bool milk;
};

static unsigned opened, closed;
static bool will_open = true;

static enum step drink(struct inquiry *q)
{
    (void)q;
    return STEP_DONE;
}

static const char *check_tea(struct arena *a, void *values)
{
    const struct tea_conf *conf = values;

    (void)a;
    return conf->cups == 13 ? "13 cups bring no luck: write another number" : NULL;
}

static const char *open_tea(struct arena *a, void *conf)
{
    (void)a, (void)conf;
    opened++;
    return will_open ? NULL : "the kettle is gone";
}

static void close_tea(void *conf)
{
    (void)conf;
    closed++;
}

static const struct conf_key tea_keys[] = {
    { .name = "cups",
      .type = CONF_INT,
      .at = offsetof(struct tea_conf, cups),
      .initial = "2",
      .least = "0",
      .most = "20",
      .help = "how many" },
    { .name = "milk", .type = CONF_BOOL, .at = offsetof(struct tea_conf, milk), .initial = "yes", .help = "with it" },
    { 0 },
};
static const struct conf_section tea_section = {
    .name = "tea", .help = "tea", .size = sizeof(struct tea_conf), .keys = tea_keys, .check = check_tea
};
static const struct symbol tea_symbols[] = { { "HOT", 300, "" }, { "COLD", -100, "" }, { NULL, 0, NULL } };
static const char *const tea_replies[] = { "550 5.7.1 Too hot", NULL };
static const struct check_module tea = { .replies = tea_replies,
                                         .section = &tea_section,
                                         .symbols = tea_symbols,
                                         .run = drink,
                                         .open = open_tea,
                                         .close = close_tea };
static const struct check_module water = { .run = drink };

static const struct check table[] = {
    { .name = "water",
      .stage = STAGE_CONNECT,
      .budget_ms = 1500,
      .asks = 3,
      .on_failure = { FAIL_DEFER, FAIL_SKIP },
      .module = &water },
    { .name = "tea", .stage = STAGE_MAIL, .budget_ms = 2000, .after = "water", .is_off = true, .module = &tea },
};

struct root {
    struct conf_array checks;
};

static const struct conf_key root_keys[] = {
    { .name = "check",
      .type = CONF_SECTIONS,
      .at = offsetof(struct root, checks),
      .section = &settings_section,
      .help = "checks" },
    { 0 },
};
static const struct conf_section root = { .name = "", .help = "", .size = sizeof(struct root), .keys = root_keys };

/* Loads and resolves `text`; returns NULL and leaves the fault in `faults` when it is wrong. */
static struct check_settings *load(const char *text, struct conf **conf, struct arena *a, struct strbuf *faults)
{
    const char *wrong = NULL;
    void *values = NULL;

    opened = closed = 0;
    settings_use(table, COUNT(table));
    arena_init(a, SIZE_MAX);
    strbuf_init(faults, 1 << 16);
    *conf = conf_load_text(&root, "test", span_of(text), &values, faults);
    if (!*conf)
        return NULL;
    struct check_settings *settings = settings_resolve(a, *conf, 0, &wrong);

    if (!settings)
        strbuf_puts(faults, wrong);
    return settings;
}

static void unload(struct conf *conf, struct arena *a, struct strbuf *faults)
{
    if (conf)
        conf_free(conf);
    arena_release(a);
    strbuf_release(faults);
}

static void a_check_that_is_not_mentioned_is_as_its_row_says(void **state)
{
    struct strbuf faults;
    struct arena a;
    struct conf *conf;
    struct check_settings *s = load("", &conf, &a, &faults);

    (void)state;
    assert_non_null(s);
    EXPECT_INT(MODE_ENFORCE, s[0].mode);
    EXPECT_INT(1500, s[0].budget_ms);
    EXPECT_INT(FAIL_DEFER, s[0].on_failure[DIRECTION_INBOUND]);
    EXPECT_INT(FAIL_SKIP, s[0].on_failure[DIRECTION_AUTHENTICATED]);
    EXPECT_INT(MODE_OFF, s[1].mode);
    EXPECT_INT(1, s[1].after);
    EXPECT_INT(2, ((const struct tea_conf *)s[1].conf)->cups);
    EXPECT_INT(0, opened); /* it is off */
    settings_close(s);
    EXPECT_INT(0, closed);
    unload(conf, &a, &faults);
}

static void keys_of_both_kinds_and_scores_are_taken(void **state)
{
    struct strbuf faults;
    struct arena a;
    struct conf *conf;
    struct check_settings *s =
        load("check \"tea\" { mode = \"tag\" timeout = \"3s\" on_failure = \"tag\" cups = 5 milk = no\n"
             "symbol \"COLD\" { score = 1.25 } }",
             &conf, &a, &faults);

    (void)state;
    assert_non_null(s);
    EXPECT_INT(MODE_TAG, s[1].mode);
    EXPECT_INT(3000, s[1].budget_ms);
    EXPECT_INT(FAIL_TAG, s[1].on_failure[DIRECTION_INBOUND]);
    EXPECT_INT(5, ((const struct tea_conf *)s[1].conf)->cups);
    EXPECT_FALSE(((const struct tea_conf *)s[1].conf)->milk);
    EXPECT_INT(300, s[1].points[0]);
    EXPECT_INT(125, s[1].points[1]);
    EXPECT_INT(0, s[1].bounds.least);
    EXPECT_INT(425, s[1].bounds.most);
    EXPECT_INT(1, opened);
    settings_close(s);
    EXPECT_INT(1, closed);
    unload(conf, &a, &faults);
}

static void a_symbol_may_have_an_action(void **state)
{
    struct strbuf faults;
    struct arena a;
    struct conf *conf;
    struct check_settings *s = load("check \"tea\" { mode = enforce symbol \"HOT\" { action = reject }\n"
                                    "symbol \"COLD\" { action = defer text = \"4.7.1 Brr\" score = 2 } }",
                                    &conf, &a, &faults);

    (void)state;
    assert_non_null(s);
    EXPECT_INT(300, s[1].points[0]);
    EXPECT_TRUE(s[1].demands[0].is_made);
    EXPECT_INT(ACTION_REJECT, s[1].demands[0].action);
    EXPECT_STR("550 5.7.1 Too hot", s[1].demands[0].text);
    EXPECT_INT(200, s[1].points[1]);
    EXPECT_INT(ACTION_DEFER, s[1].demands[1].action);
    EXPECT_STR("4.7.1 Brr", s[1].demands[1].text);
    EXPECT_TRUE(s[1].bounds.may_force_reject);
    EXPECT_FALSE(s[0].bounds.may_force_reject);

    struct run run = { .settings = &s[1] };
    struct inquiry q = { .arena = &a, .run = &run };

    finding_add(&q, 1, "once");
    finding_add(&q, 0, "and again");
    finding_add(&q, 0, "and again");
    EXPECT_FALSE(run.is_forced);
    EXPECT_INT(2, run.demanded_count);
    EXPECT_STR("COLD", run.demanded[0].symbol);
    EXPECT_INT(ACTION_DEFER, run.demanded[0].action);
    EXPECT_INT(ACTION_REJECT, run.demanded[1].action);
    EXPECT_STR("550 5.7.1 Too hot", run.demanded[1].text);
    settings_close(s);
    unload(conf, &a, &faults);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        { "check \"coffee\" { }", "coffee" },
        { "check \"water\" { cups = 2 }", "test:1: " },
        { "check \"tea\" {\n cups = 21 }", "test:2: " },
        { "check \"tea\" { cups = 13 }", "13 cups bring no luck" },
        { "check \"tea\" { mode = \"enforce\" symbol \"WARM\" { score = 1 } }", "there is no symbol \"WARM\"" },
        { "check \"tea\" { symbol \"HOT\" { action = burn } }", "burn" },
        { "check \"tea\" { symbol \"HOT\" { action = reject text = \"too\\nhot\" } }", "others than ASCII's" },
        { "check \"water\" { symbol \"HOT\" { score = 1 } }", "there is no symbol \"HOT\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        struct arena a;
        struct conf *conf;

        EXPECT_NULL(load(cases[i].text, &conf, &a, &faults));
        if (!strstr(strbuf_span(&faults).ptr, cases[i].told))
            fail_msg("%s: %s", cases[i].text, strbuf_span(&faults).ptr);
        unload(conf, &a, &faults);
    }
}

static void a_module_that_cannot_open_says_why(void **state)
{
    struct strbuf faults;
    struct arena a;
    struct conf *conf;

    (void)state;
    will_open = false;
    EXPECT_NULL(load("check \"tea\" { mode = \"shadow\" }", &conf, &a, &faults));
    EXPECT_STR("check \"tea\": the kettle is gone", strbuf_span(&faults).ptr);
    will_open = true;
    unload(conf, &a, &faults);
}

RUN_TESTS(TEST(a_check_that_is_not_mentioned_is_as_its_row_says), TEST(keys_of_both_kinds_and_scores_are_taken),
          TEST(a_symbol_may_have_an_action), TEST(mistakes_are_named), TEST(a_module_that_cannot_open_says_why))
