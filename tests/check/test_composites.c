/* tests/check/test_composites.c - symbols that follow from those of other checks. */
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "gateway/core/weight.h"
#include "rules/composites.h"
#include "rules/composites_conf.h"

/* What sisters have found: "A=100 B C=-50". */
static void find(struct desk *d, const char *found)
{
    struct span rest = span_of(found), word, name;

    desk_sister(d, 0);
    while (span_word(&rest, &word)) {
        bool is_negative;
        uint64_t points = 0;

        span_cut(&word, '=', &name);
        is_negative = span_starts(word, SPAN("-"));
        span_u64(span_skip(word, is_negative), 100000, &points);
        desk_sister_found(d, arena_dup(&d->arena, name), is_negative ? -(int)points : (int)points);
    }
}

static struct desk *settled(const char *conf, const char *found)
{
    struct desk *d = desk_open(&composites_module, conf);

    find(d, found);
    desk_settle(d);
    return d;
}

static void expressions_are_evaluated_over_what_was_found(void **state)
{
    static const struct {
        const char *expression, *found;
        bool holds;
    } cases[] = {
        { "A", "A", true },
        { "A", "B", false },
        { "A & B", "A B", true },
        { "A & B", "A", false },
        { "A and not B", "A", true },
        { "A AND NOT B", "A B", false },
        { "A | B", "B", true },
        { "A or B & C", "B", false }, /* & binds closer */
        { "(A | B) & !C", "A", true },
        { "!A", "", true },
        { "A + B + C >= 2", "A C", true },
        { "A + B + C >= 2", "C", false },
        { "RBL_* >= 2", "RBL_A RBL_B X", true },
        { "RBL_? >= 2", "RBL_A RBL_BB", false },
        { "g:sister > 3", "A B C", true }, /* SISTER, too */
        { "g:sister > 3", "A B", false },
        { "g+:sister == 2", "A=10 B=5 C=-5", true },
        { "g-:sister == 1", "A=10 B=5 C=-5", true },
        { "g:other", "A", false },
        { "~A & -B & ^C", "A B C", true },
        { "A & - 1 + B", "A B", false },
        { "OTHER & A", "A", true }, /* the composite below */
        { "!OTHER", "A", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[600];

        snprintf(conf, sizeof conf,
                 "composite \"TEST\" { expression = \"%s\" score = 4.5 describe = \"what it is\" }\n"
                 "composite \"OTHER\" { expression = \"A\" score = 1 mode = shadow }",
                 cases[i].expression);
        struct desk *d = settled(conf, cases[i].found);
        const struct finding *f = desk_finding(d, "TEST");

        if ((f != NULL) != cases[i].holds)
            fail_msg("%s of \"%s\"", cases[i].expression, cases[i].found);
        if (f)
            EXPECT_INT(450, f->points);
        desk_close(d);
    }
}

static void it_says_what_it_follows_from(void **state)
{
    struct desk *d = settled("composite \"C\" { expression = \"A & (B | D) & !E\" describe = \"Two of them\" }\n"
                             "composite \"N\" { expression = \"!E\" }",
                             "A B");

    (void)state;
    EXPECT_STR("Two of them: A, B", desk_finding(d, "C")->reason);
    EXPECT_STR("nothing of what it names", desk_finding(d, "N")->reason);
    desk_close(d);
}

static enum removal removal_of(const struct desk *d, const char *symbol)
{
    for (size_t i = 0; i < d->run.removed_count; i++)
        if (strcmp(d->run.removed[i].symbol, symbol) == 0)
            return d->run.removed[i].removal;
    return REMOVAL_NONE;
}

static void symbols_are_taken_out_by_policy_and_mark(void **state)
{
    static const struct {
        const char *conf;
        enum removal a, b;
    } cases[] = {
        { "composite \"C\" { expression = \"A & B\" }", REMOVAL_NONE, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A & B\" policy = leave }", REMOVAL_NONE, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A & B\" policy = remove_weight }", REMOVAL_WEIGHT, REMOVAL_WEIGHT },
        { "composite \"C\" { expression = \"A & B\" policy = remove_symbol }", REMOVAL_SYMBOL, REMOVAL_SYMBOL },
        { "composite \"C\" { expression = \"A & -B\" policy = remove_symbol }", REMOVAL_SYMBOL, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A & ~B\" policy = remove_symbol }", REMOVAL_SYMBOL, REMOVAL_WEIGHT },
        { "composite \"C\" { expression = \"^A & ~B\" }", REMOVAL_SYMBOL, REMOVAL_WEIGHT },
        { "composite \"C\" { expression = \"A & NOT_THERE\" policy = remove_symbol }", REMOVAL_NONE, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A & B*\" policy = remove_symbol }", REMOVAL_SYMBOL, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A\" policy = remove_symbol mode = tag }", REMOVAL_NONE, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A\" policy = remove_symbol mode = shadow }", REMOVAL_NONE, REMOVAL_NONE },
        /* several: who leaves most wins, but for ^ */
        { "composite \"C\" { expression = \"A & B\" policy = remove_symbol }\n"
          "composite \"D\" { expression = \"A\" policy = remove_weight }",
          REMOVAL_WEIGHT, REMOVAL_SYMBOL },
        { "composite \"C\" { expression = \"^A & B\" policy = remove_symbol }\n"
          "composite \"D\" { expression = \"A | B\" }",
          REMOVAL_SYMBOL, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A | B\" }\n"
          "composite \"D\" { expression = \"^A & B\" policy = remove_symbol }",
          REMOVAL_SYMBOL, REMOVAL_NONE },
        { "composite \"C\" { expression = \"A & B\" policy = remove_symbol }\n"
          "composite \"D\" { expression = \"A & !B\" }", /* which does not hold */
          REMOVAL_SYMBOL, REMOVAL_SYMBOL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = settled(cases[i].conf, "A=100 B=200");

        if (removal_of(d, "A") != cases[i].a || removal_of(d, "B") != cases[i].b)
            fail_msg("%s: %d %d", cases[i].conf, (int)removal_of(d, "A"), (int)removal_of(d, "B"));
        desk_close(d);
    }
}

static void composites_take_out_composites(void **state)
{
    struct desk *d = settled("composite \"INNER\" { expression = \"A\" score = 3 }\n"
                             "composite \"OUTER\" { expression = \"INNER & B\" score = 5 policy = remove_symbol }\n"
                             "composite \"LIGHT\" { expression = \"A\" score = 2 }\n"
                             "composite \"OVER\" { expression = \"~LIGHT & B\" score = 1 }",
                             "A B");

    (void)state;
    EXPECT_NULL(desk_finding(d, "INNER"));
    EXPECT_INT(500, desk_finding(d, "OUTER")->points);
    EXPECT_INT(0, desk_finding(d, "LIGHT")->points);
    EXPECT_INT(600, desk_points(d));
    desk_close(d);
}

/* A name that is both means the composite, and the other symbol is left alone. */
static void a_composite_is_not_a_symbol_of_its_name(void **state)
{
    struct desk *d = settled("composite \"B\" { expression = \"A\" score = 3 }\n"
                             "composite \"OUTER\" { expression = \"B\" policy = remove_symbol }",
                             "A B=100");

    (void)state;
    EXPECT_NULL(desk_finding(d, "B"));
    EXPECT_INT(REMOVAL_NONE, removal_of(d, "B"));
    desk_close(d);
}

static void actions_are_forced(void **state)
{
    static const struct {
        const char *keys;
        bool is_forced;
        enum action action;
        const char *text, *subject;
    } cases[] = {
        { "score = 5", false, ACTION_ACCEPT, NULL, NULL },
        { "action = reject text = \"550 5.7.1 No\"", true, ACTION_REJECT, "550 5.7.1 No", NULL },
        { "action = tag subject = \"[FRAUD] \"", true, ACTION_TAG, NULL, "[FRAUD] " },
        { "action = defer", true, ACTION_DEFER, NULL, NULL },
        { "action = quarantine", true, ACTION_QUARANTINE, NULL, NULL },
        { "action = discard", true, ACTION_DISCARD, NULL, NULL },
        { "action = accept", true, ACTION_ACCEPT, NULL, NULL },
        { "action = reject mode = tag", true, ACTION_TAG, NULL, NULL },
        { "action = accept mode = tag", false, ACTION_ACCEPT, NULL, NULL },
        { "action = reject mode = shadow subject = \"x\"", false, ACTION_ACCEPT, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[300];

        snprintf(conf, sizeof conf, "composite \"C\" { expression = \"A\" %s }", cases[i].keys);
        struct desk *d = settled(conf, "A");

        EXPECT_INT(cases[i].is_forced, d->run.is_forced);
        if (cases[i].is_forced)
            EXPECT_INT(cases[i].action, d->run.forced);
        EXPECT_STR(cases[i].text ? cases[i].text : "-",
                   d->run.is_forced && d->run.forced_text ? d->run.forced_text : "-");
        EXPECT_STR(cases[i].subject ? cases[i].subject : "-", d->run.subject ? d->run.subject : "-");
        desk_close(d);
    }
}

/* Whose symbol is not there demands nothing; whose points alone are gone is there. */
static void who_is_taken_out_forces_nothing(void **state)
{
    static const struct {
        const char *outer;
        bool is_forced;
    } cases[] = {
        { "expression = \"INNER & B\"", true },
        { "expression = \"INNER & B\" policy = remove_weight", true },
        { "expression = \"INNER & B\" policy = remove_symbol", false },
        { "expression = \"^INNER\"", false },
        { "expression = \"INNER & NOT_THERE\" policy = remove_symbol", true },
        { "expression = \"^INNER\" mode = tag", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[300];

        snprintf(conf, sizeof conf,
                 "composite \"INNER\" { expression = \"A\" action = reject subject = \"[BAD] \" }\n"
                 "composite \"OUTER\" { %s }",
                 cases[i].outer);
        struct desk *d = settled(conf, "A B");

        if (d->run.is_forced != cases[i].is_forced || (d->run.subject != NULL) != cases[i].is_forced)
            fail_msg("%s", cases[i].outer);
        desk_close(d);
    }
}

static void modes_are_of_each_composite(void **state)
{
    struct desk *d = settled("composite \"OFF\" { expression = \"A\" mode = off }\n"
                             "composite \"USES_OFF\" { expression = \"OFF\" }\n"
                             "composite \"SHADOW\" { expression = \"A\" mode = shadow score = 5 }\n"
                             "composite \"TAG\" { expression = \"A\" mode = tag score = 5 }\n"
                             "composite \"ENFORCE\" { expression = \"A\" score = 5 }",
                             "A");

    (void)state;
    EXPECT_NULL(desk_finding(d, "OFF"));
    EXPECT_NULL(desk_finding(d, "USES_OFF"));
    EXPECT_INT(MODE_SHADOW, weight_mode(&d->run, desk_finding(d, "SHADOW")));
    EXPECT_INT(MODE_TAG, weight_mode(&d->run, desk_finding(d, "TAG")));
    EXPECT_INT(MODE_ENFORCE, weight_mode(&d->run, desk_finding(d, "ENFORCE")));
    desk_close(d);
}

static void what_is_wrong_is_refused(void **state)
{
    static const char *const cases[][2] = {
        { "composite \"C\" { score = 1 }", "expression" },
        { "composite \"C\" { expression = \"A &\" }", "it ends where a name or a number is wanted" },
        { "composite \"C\" { expression = \"A B\" }", "\"B\" stands where an operator is wanted" },
        { "composite \"C\" { expression = \"~RBL_*\" }", "~, - and ^ stand before single symbols" },
        { "composite \"C\" { expression = \"g:dns*\" }", "g: wants the name of a check" },
        { "composite \"C\" { expression = \"C\" }", "needs itself" },
        { "composite \"C\" { expression = \"D\" }\ncomposite \"D\" { expression = \"A | C\" }", "needs itself" },
        { "composite \"no name\" { expression = \"A\" }", "is no name for a symbol" },
        { "composite \"C\" { expression = \"A\" text = \"\xc3\xa4\" }", "text and subject are ASCII" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        void *values;

        strbuf_init(&faults, 4096);
        if (conf_load_text(&composites_section, "test", span_of(cases[i][0]), &values, &faults))
            fail_msg("%s is taken", cases[i][0]);
        if (!strstr(faults.data, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], faults.data);
        strbuf_release(&faults);
    }
}

/* A thousand composites that all name each other's symbols. */
static void many_are_quick(void **state)
{
    struct strbuf conf, found;

    (void)state;
    strbuf_init(&conf, 1 << 20);
    strbuf_init(&found, 1 << 20);
    for (int i = 0; i < 800; i++)
        strbuf_putf(&conf, "composite \"C%d\" { expression = \"S%d & S%d & ^S%d & !X*\" policy = remove_symbol }\n", i,
                    i % 200, (i + 1) % 200, (i + 2) % 200);
    for (int i = 0; i < 200; i++)
        strbuf_putf(&found, "S%d=1 ", i);
    struct desk *d = settled(conf.data, found.data);

    EXPECT_INT(FINDINGS_MAX, d->run.finding_count);
    EXPECT_INT(200, d->run.removed_count);
    desk_close(d);
    strbuf_release(&conf);
    strbuf_release(&found);
}

RUN_TESTS(TEST(expressions_are_evaluated_over_what_was_found), TEST(it_says_what_it_follows_from),
          TEST(symbols_are_taken_out_by_policy_and_mark), TEST(composites_take_out_composites),
          TEST(a_composite_is_not_a_symbol_of_its_name), TEST(actions_are_forced),
          TEST(who_is_taken_out_forces_nothing), TEST(modes_are_of_each_composite), TEST(what_is_wrong_is_refused),
          TEST(many_are_quick))
