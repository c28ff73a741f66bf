/* tests/check/test_rules.c - the check "rules" on the desk: what it finds, why, and within which bounds. */
#include "gateway/base/strbuf.h"
#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <unistd.h>

#include "rules/rules.h"

static const char basic[] = "header SUBJECT_X  Subject =~ /cheap/\n"
                            "describe SUBJECT_X A cheap subject\n"
                            "score SUBJECT_X 1.5\n"
                            "body BODY_X /buy (?:now|later)/i\n"
                            "score BODY_X 2\n"
                            "header __HAS_FROM exists:From\n"
                            "meta BOTH SUBJECT_X && BODY_X && __HAS_FROM\n"
                            "describe BOTH Two things at once\n"
                            "score BOTH 0.5\n"
                            "body NICE /regards/\n"
                            "tflags NICE nice\n"
                            "score NICE -1\n"
                            "body SLOW /^(?:a+)+$(?<!a)/\n"
                            "score SLOW 1\n";

static const char spam[] = "From: a@example.org\nSubject: cheap things\n\nBuy now, kind regards\n";

/* A desk whose check reads these rules, and what else is said. */
static struct desk *desk_with(const char *rules, const char *more)
{
    char path[] = "/tmp/rules-XXXXXX.cf", conf[1000];
    int fd = mkstemps(path, 3);

    EXPECT_INT(strlen(rules), write(fd, rules, strlen(rules)));
    close(fd);
    snprintf(conf, sizeof conf, "own = no\nfiles = {\"%s\"}\n%s", path, more);
    struct desk *d = desk_open(&rules_module, conf);

    unlink(path);
    return d;
}

static void each_rule_that_hits_is_found_with_why(void **state)
{
    struct desk *d = desk_with(basic, "");

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_INT(150 + 200 + 50 - 100, desk_points(d));
    EXPECT_STR("A cheap subject: \"cheap\"", desk_finding(d, "SUBJECT_X")->reason);
    EXPECT_STR("no description: \"Buy now\"", desk_finding(d, "BODY_X")->reason);
    EXPECT_STR("Two things at once (SUBJECT_X, BODY_X, __HAS_FROM)", desk_finding(d, "BOTH")->reason);
    EXPECT_INT(-100, desk_finding(d, "NICE")->points);
    EXPECT_NULL(desk_finding(d, "__HAS_FROM"));
    EXPECT_NULL(desk_finding(d, "RULES_LEFT_OUT"));
    desk_close(d);
}

/* What Bayes' own rules, the user's and those that say so count is told to who learns by itself. */
static void from_some_rules_nothing_is_learned(void **state)
{
    struct desk *d = desk_with("body PLAIN /buy now/i\nscore PLAIN 1\n"
                               "body LEARNED /regards/\ntflags LEARNED learn\nscore LEARNED 2\n"
                               "header MINE Subject =~ /cheap/\ntflags MINE userconf nice\nscore MINE -4\n"
                               "body SHY /kind/\ntflags SHY noautolearn\nscore SHY 8\n"
                               "body ABSENT /absent/\ntflags ABSENT learn\nscore ABSENT 16\n"
                               "body SHADOW /things|now/i\ntflags SHADOW learn\nscore SHADOW 32\n",
                               "rule \"SHADOW\" { mode = shadow }");

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_INT(100 + 200 - 400 + 800, desk_points(d));
    EXPECT_INT(200 - 400 + 800, d->evidence.rules_untaught);
    desk_close(d);
}

/* Text that nobody sees must not use up the room for what is seen. */
static void hidden_text_crowds_nothing_out(void **state)
{
    struct desk *d = desk_with(basic, "");
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, "From: a@example.org\nMIME-Version: 1.0\nContent-Type: text/html\nSubject: s\n\n<div hidden>");
    for (int i = 0; i < 10000; i++)
        strbuf_puts(&b, "nothing\n");
    strbuf_puts(&b, "</div>Buy now");
    desk_message(d, b.data);
    desk_settle(d);
    EXPECT_TRUE(desk_finding(d, "BODY_X"));
    desk_close(d);
    strbuf_release(&b);
}

static void without_rules_there_is_nothing(void **state)
{
    struct desk *d = desk_open(&rules_module, "own = no");

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_INT(0, d->run.finding_count);
    desk_upkeep(d);
    desk_close(d);
}

static void all_together_count_within_bounds(void **state)
{
    static const struct {
        const char *conf;
        int points, capped;
    } cases[] = {
        { "", 300, 0 },
        { "most = 2.50", 250, -50 },
        { "most = 3.00", 300, 0 },
        { "scale = 2.00\nmost = 5.00", 500, -100 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_with(basic, cases[i].conf);

        desk_message(d, spam);
        desk_settle(d);
        EXPECT_INT(cases[i].points, desk_points(d));
        EXPECT_INT(cases[i].capped != 0, desk_finding(d, "RULES_CAPPED") != NULL);
        if (cases[i].capped)
            EXPECT_INT(cases[i].capped, desk_finding(d, "RULES_CAPPED")->points);
        desk_close(d);
    }
    struct desk *d = desk_with(basic, "least = -0.50");

    desk_message(d, "Subject: x\n\nregards\n");
    desk_settle(d);
    EXPECT_INT(-50, desk_points(d));
    desk_close(d);
}

static void what_is_said_of_a_rule_holds(void **state)
{
    struct desk *d = desk_with(basic, "rule \"BODY_X\" { mode = shadow }\n"
                                      "rule \"SUBJECT_X\" { mode = tag }\n"
                                      "rule \"BOTH\" { action = reject text = \"550 5.7.1 No\" score = 7.00 }\n");
    struct demand demand;

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_INT(MODE_SHADOW, desk_finding(d, "BODY_X")->mode);
    EXPECT_INT(MODE_TAG, desk_finding(d, "SUBJECT_X")->mode);
    EXPECT_INT(700, desk_finding(d, "BOTH")->points);
    EXPECT_TRUE(desk_forced(d, &demand));
    EXPECT_INT(ACTION_REJECT, demand.action);
    EXPECT_STR("550 5.7.1 No", demand.text);
    EXPECT_STR("BOTH", d->run.demanded[0].symbol);
    desk_close(d);
}

static void a_rule_that_counts_nothing_forces_its_action(void **state)
{
    static const struct {
        const char *file, *said;
        bool is_forced;
    } cases[] = {
        { "", "score = 0", false },
        { "", "score = 0 action = reject", true },
        { "score BODY_X 0\n", "action = reject", true },
        { "", "score = 0 action = reject mode = off", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char file[200], said[200];

        snprintf(file, sizeof file, "body BODY_X /buy/i\n%s", cases[i].file);
        snprintf(said, sizeof said, "rule \"BODY_X\" { %s }\n", cases[i].said);
        struct desk *d = desk_with(file, said);
        struct demand demand;

        desk_message(d, spam);
        desk_settle(d);
        EXPECT_INT(cases[i].is_forced, desk_forced(d, &demand));
        EXPECT_INT(cases[i].is_forced, desk_finding(d, "BODY_X") != NULL);
        if (cases[i].is_forced)
            EXPECT_INT(0, desk_finding(d, "BODY_X")->points);
        desk_close(d);
    }
}

static void a_rule_that_takes_too_long_is_told(void **state)
{
    struct desk *d = desk_with(basic, "");
    char text[1100] = "Subject: cheap\n\n";

    (void)state;
    memset(text + 16, 'a', 1000);
    text[1016] = '\n';
    desk_message(d, text);
    desk_settle(d);
    EXPECT_INT(150, desk_points(d)); /* the others count */
    EXPECT_STR("SLOW took too long", desk_finding(d, "RULES_LEFT_OUT")->reason);
    EXPECT_INT(1, d->run.raised_count);
    EXPECT_STR("rules/SLOW", d->run.raised[0].key);
    desk_close(d);
}

static void a_shortcut_decides(void **state)
{
    static const char rules[] = "header FIRST Subject =~ /cheap/\n"
                                "score FIRST 3\n"
                                "priority FIRST -500\n"
                                "shortcircuit FIRST spam\n"
                                "body BODY_X /buy/i\n"
                                "score BODY_X 2\n";
    struct desk *d = desk_with(rules, "");

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_STR("FIRST", desk_finding(d, "SHORTCIRCUIT")->reason);
    EXPECT_NULL(desk_finding(d, "BODY_X"));
    EXPECT_INT(10000, desk_points(d)); /* as much as all rules may count */
    desk_close(d);
}

/* As soon as all is known that it needs, whatever the priorities of that were. */
static void a_meta_cuts_short(void **state)
{
    static const char rules[] = "body __X /buy/i\n"
                                "header __Y Subject =~ /cheap/\n"
                                "priority __Y -900\n"
                                "meta BOTH_XY __X && __Y\n"
                                "priority BOTH_XY -500\n"
                                "shortcircuit BOTH_XY ham\n"
                                "shortcircuit_ham_score -7.5\n"
                                "body LATE /buy/i\n"
                                "meta UNKNOWN __X && !LATE\n"
                                "meta KNOWN __X + __Y\n";
    struct desk *d = desk_with(rules, "");

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_STR("BOTH_XY", desk_finding(d, "SHORTCIRCUIT")->reason);
    EXPECT_INT(-750, desk_finding(d, "SHORTCIRCUIT")->points);
    EXPECT_INT(100, desk_finding(d, "KNOWN")->points);
    EXPECT_NULL(desk_finding(d, "LATE"));
    EXPECT_NULL(desk_finding(d, "UNKNOWN")); /* LATE was not run: who knows? */
    desk_close(d);
}

/* What a stranger writes of his way and of his sender is not what rules go by: they see the session. */
static void a_stranger_cannot_tell_of_himself(void **state)
{
    static const char rules[] =
        "header ALL_TRUSTED eval:check_all_trusted()\n"
        "header TRUSTED_ANY X-Spam-Relays-Trusted =~ /\\S/\n"
        "header FIRST_HOP X-Spam-Relays-Untrusted =~ /^\\[ ip=192\\.0\\.2\\.9 rdns= helo=pc /\n"
        "header OWN_FIELD Received:first =~ /^from pc \\(unknown \\[192\\.0\\.2\\.9\\]\\) by /\n"
        "header SENDER EnvelopeFrom =~ /^real\\@example\\.org$/\n"
        "header FORGED_SENDER EnvelopeFrom =~ /bank/\n"
        "header FORGED_WAY X-Spam-Relays-Trusted =~ /10\\.0\\.0\\.1/\n";
    struct desk *d = desk_with(rules, "");

    (void)state;
    desk_client(d, "192.0.2.9");
    d->session.helo = SPAN("pc");
    desk_from(d, "real@example.org");
    desk_message(d, "Return-Path: <ceo@bank.example>\nX-Envelope-From: ceo@bank.example\n"
                    "X-Spam-Relays-Trusted: [ ip=10.0.0.1 rdns= helo= by= ident= envfrom= intl=1 id= auth= msa=0 ]\n"
                    "Received: from localhost (localhost [127.0.0.1]) by mx.example.net (Postfix) with ESMTPSA id A1; "
                    "Mon, 5 Jan 2026 10:00:00 +0000\nFrom: a@example.org\nSubject: x\n\ntext\n");
    desk_settle(d);
    EXPECT_NULL(desk_finding(d, "ALL_TRUSTED"));
    EXPECT_NULL(desk_finding(d, "TRUSTED_ANY"));
    EXPECT_NULL(desk_finding(d, "FORGED_SENDER"));
    EXPECT_NULL(desk_finding(d, "FORGED_WAY"));
    EXPECT_TRUE(desk_finding(d, "FIRST_HOP") != NULL);
    EXPECT_TRUE(desk_finding(d, "OWN_FIELD") != NULL);
    EXPECT_TRUE(desk_finding(d, "SENDER") != NULL);
    desk_close(d);
}

static void a_rule_in_shadow_ends_nothing(void **state)
{
    static const char rules[] = "header FIRST Subject =~ /cheap/\n"
                                "shortcircuit FIRST spam\n"
                                "body BODY_X /buy/i\n"
                                "score BODY_X 2\n";
    struct desk *d = desk_with(rules, "rule \"FIRST\" { mode = shadow }\n");

    (void)state;
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_NULL(desk_finding(d, "SHORTCIRCUIT"));
    EXPECT_INT(200, desk_points(d));
    desk_close(d);
    d = desk_with(rules, "rule \"FIRST\" { mode = tag }\n");
    desk_message(d, spam);
    desk_settle(d);
    EXPECT_INT(MODE_TAG, desk_finding(d, "SHORTCIRCUIT")->mode);
    desk_close(d);
}

/* More rules than findings have room for: the weightiest are listed, and nothing of the score is lost. */
static void more_rules_than_can_be_listed_count_all_the_same(void **state)
{
    char *rules = mem_alloc(100000), line[100];

    (void)state;
    for (int i = 1; i <= 300; i++) {
        snprintf(line, sizeof line, "body RULE_%d /buy/i\nscore RULE_%d 0.%02d\n", i, i, i % 100);
        strncat(rules, line, 99999 - strlen(rules));
    }
    struct desk *d = desk_with(rules, "most = 1000.00");

    desk_message(d, spam);
    desk_settle(d);
    EXPECT_INT(3 * 99 * 100 / 2, desk_points(d));
    EXPECT_TRUE(desk_finding(d, "RULE_99") != NULL);
    EXPECT_NULL(desk_finding(d, "RULE_201"));
    EXPECT_TRUE(desk_finding(d, "RULES_MORE") != NULL);
    desk_close(d);
    free(rules);
}

RUN_TESTS(TEST(each_rule_that_hits_is_found_with_why), TEST(from_some_rules_nothing_is_learned),
          TEST(hidden_text_crowds_nothing_out), TEST(without_rules_there_is_nothing),
          TEST(all_together_count_within_bounds), TEST(what_is_said_of_a_rule_holds),
          TEST(a_rule_that_counts_nothing_forces_its_action), TEST(a_rule_that_takes_too_long_is_told),
          TEST(a_shortcut_decides), TEST(a_meta_cuts_short), TEST(a_rule_in_shadow_ends_nothing),
          TEST(a_stranger_cannot_tell_of_himself), TEST(more_rules_than_can_be_listed_count_all_the_same))
