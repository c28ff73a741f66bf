/* tests/unit/test_profile.c - whose rules hold: which profile fits, what it says, who is exempt from refusals; and the
 * pipeline under rules that change from one recipient to the next. */
#include "tests/kit/expect.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/core/pipeline.h"
#include "gateway/core/settings.h"

static unsigned runs[4];

static enum step find(struct inquiry *q)
{
    unsigned row = q->run->settings->index;

    runs[row]++;
    finding_add(q, 0, "as always");
    return STEP_DONE;
}

static enum step refuse(struct inquiry *q)
{
    find(q);
    finding_force(q, ACTION_REJECT, NULL);
    return STEP_DONE;
}

static const struct symbol symbols[] = { { "FOUND", 500, "" }, { NULL, 0, NULL } };
static void may_refuse(const void *conf, const int *points, struct bounds *out)
{
    (void)conf;
    *out = (struct bounds){ .most = points[0], .may_force_reject = true };
}
static const struct check_module finds = { .symbols = symbols, .run = find };
static const struct check_module refuses = { .symbols = symbols, .run = refuse, .bounds = may_refuse };
static const struct check_module covers = {
    .symbols = symbols, .run = refuse, .bounds = may_refuse, .covers_exempt = true
};
static const struct check table[] = {
    { .name = "client", .stage = STAGE_CONNECT, .budget_ms = 1000, .module = &finds },
    { .name = "sender", .stage = STAGE_MAIL, .budget_ms = 1000, .module = &finds },
    { .name = "refuser", .stage = STAGE_RCPT, .budget_ms = 1000, .is_off = true, .module = &refuses },
    { .name = "cover", .stage = STAGE_RCPT, .budget_ms = 1000, .is_off = true, .module = &covers },
};

enum { CLIENT, SENDER, REFUSER, COVER };

struct root {
    struct actions_conf actions;
    struct conf_array checks, profiles;
};

static const struct conf_key root_keys[] = {
    { .name = "actions", .type = CONF_SECTION, .at = offsetof(struct root, actions), .section = &actions_section },
    { .name = "check",
      .type = CONF_SECTIONS,
      .at = offsetof(struct root, checks),
      .section = &settings_section,
      .help = "checks" },
    { .name = "profile",
      .type = CONF_SECTIONS,
      .at = offsetof(struct root, profiles),
      .section = &profile_section,
      .help = "profiles" },
    { 0 },
};
static const struct conf_section root = { .name = "", .help = "", .size = sizeof(struct root), .keys = root_keys };

struct room {
    struct conf *conf;
    struct root *values;
    struct arena arena;
    struct strbuf faults;
    struct check_settings *checks;
    struct profiles *profiles;
    struct loop *loop;
    struct engine_conf engine_conf;
    struct engine engine;
    struct pipeline *pipeline;
    struct verdict verdict;
    bool is_judged;
};

/* False with what is wrong in r->faults. */
static bool load(struct room *r, const char *text)
{
    const char *wrong = NULL;
    void *values = NULL;

    *r = (struct room){ 0 };
    memset(runs, 0, sizeof runs);
    settings_use(table, COUNT(table));
    arena_init(&r->arena, SIZE_MAX);
    strbuf_init(&r->faults, 1 << 16);
    r->conf = conf_load_text(&root, "test", span_of(text), &values, &r->faults);
    if (!r->conf)
        return false;
    r->values = values;
    r->checks = settings_resolve(&r->arena, r->conf, profiles_rows(&r->values->profiles), &wrong);
    assert_non_null(r->checks);
    r->profiles = profiles_resolve(&r->arena, &r->values->profiles, &r->values->actions, r->checks, &wrong);
    if (!r->profiles)
        strbuf_puts(&r->faults, wrong);
    return r->profiles != NULL;
}

static void unload(struct room *r)
{
    profiles_close(r->profiles);
    if (r->conf)
        conf_free(r->conf);
    arena_release(&r->arena);
    strbuf_release(&r->faults);
}

static struct address address(const char *text)
{
    struct address a = { 0 };

    if (text[0] && address_parse(span_of(text), &a)) /* <postmaster> without a domain */
        a = (struct address){ .text = span_of(text), .local = span_of(text) };
    return a;
}

/* ---- which one ---- */

static void the_first_that_fits_holds(void **state)
{
    static const char conf[] = "profile users { direction = authenticated }\n"
                               "profile anna { recipients = {anna@example.net, \"boss@\"} }\n"
                               "profile lan { clients = {10.0.0.0/8} doors = {smtp} }\n"
                               "profile domain { recipients = {example.com, .example.net} direction = inbound }\n";
    static const struct {
        const char *client, *user, *door, *to, *profile; /* to NULL: not known yet; profile NULL: depends on it */
    } cases[] = {
        { "192.0.2.1", "", "smtp", "x@example.com", "domain" },
        { "192.0.2.1", "", "smtp", "x@EXAMPLE.com", "domain" },
        { "192.0.2.1", "", "smtp", "x@sub.example.com", "" },
        { "192.0.2.1", "", "smtp", "x@sub.example.net", "domain" },
        { "192.0.2.1", "", "smtp", "anna@example.net", "anna" },
        { "192.0.2.1", "", "smtp", "x@example.net", "" },
        { "192.0.2.1", "", "smtp", "boss@example.com", "anna" },
        { "192.0.2.1", "", "smtp", "postmaster", "" },
        { "10.0.0.1", "", "smtp", "x@example.com", "lan" },
        { "10.0.0.1", "", "milter", "x@example.com", "domain" },
        { "10.0.0.1", "", "smtp", "boss@example.com", "anna" },
        { "192.0.2.1", "carl", "smtp", "boss@example.com", "users" },
        { "192.0.2.1", "carl", "smtp", NULL, "users" },
        { "192.0.2.1", "", "smtp", NULL, NULL },
    };
    struct room r;

    (void)state;
    EXPECT_TRUE(load(&r, conf));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct session s = { .door = cases[i].door, .auth_user = span_of(cases[i].user) };
        struct address to = address(cases[i].to ? cases[i].to : "");

        EXPECT_INT(FAULT_NONE, addr_parse(span_of(cases[i].client), &s.client));
        const struct profile *found = profiles_find(r.profiles, &s, cases[i].to ? &to : NULL);

        if (!found != !cases[i].profile || (found && strcmp(found->name, cases[i].profile) != 0))
            fail_msg("case %zu: %s", i, found ? found->name : "unknown");
    }
    unload(&r);
}

static void recipients_may_stand_in_a_file(void **state)
{
    char path[] = "/tmp/postern-profile-XXXXXX", conf[200];
    int fd = mkstemp(path);
    struct session s = { .door = "smtp" };
    const struct address in = address("x@in.example"), out = address("x@out.example");
    struct room r;

    (void)state;
    EXPECT_INT(13, write(fd, "# who\nin.exam", 13));
    EXPECT_INT(4, write(fd, "ple\n", 4));
    close(fd);
    snprintf(conf, sizeof conf, "profile p { recipients_file = \"%s\" }", path);
    EXPECT_TRUE(load(&r, conf));
    EXPECT_STR("p", profiles_find(r.profiles, &s, &in)->name);
    EXPECT_STR("", profiles_find(r.profiles, &s, &out)->name);
    unload(&r);
    unlink(path);
}

static void it_says_what_differs(void **state)
{
    struct room r;

    (void)state;
    EXPECT_TRUE(load(&r, "actions { greylist = 1 tag = 2 reject = 3 subject = \"[x] \" }\n"
                         "profile p { actions { reject = 8.5 subject = \"\" }\n"
                         "check sender { mode = off } check refuser { mode = shadow } }\n"));
    const struct profile *p = &r.profiles->items[0];

    EXPECT_INT(100, p->actions.greylist);
    EXPECT_INT(200, p->actions.tag);
    EXPECT_INT(850, p->actions.reject);
    EXPECT_STR("", p->actions.subject);
    EXPECT_STR("[x] ", r.profiles->base.actions.subject);
    EXPECT_INT(MODE_OFF, p->checks[SENDER].mode);
    EXPECT_INT(MODE_SHADOW, p->checks[REFUSER].mode);
    EXPECT_INT(MODE_ENFORCE, p->checks[CLIENT].mode);
    EXPECT_INT(MODE_TAG, p->exempt_checks[CLIENT].mode);
    EXPECT_INT(MODE_SHADOW, p->exempt_checks[REFUSER].mode);
    EXPECT_INT(MODE_ENFORCE, r.checks[SENDER].mode);
    EXPECT_INT(MODE_OFF, r.checks[REFUSER].mode);
    EXPECT_TRUE(settings_is_used(&r.checks[REFUSER]));
    EXPECT_FALSE(settings_is_used(&r.checks[COVER]));
    unload(&r);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        { "profile p { recipients = {\"a b@c\"} }", "the recipient \"a b@c\" is no address" },
        { "profile p { doors = {gate} }", "there is no door \"gate\"" },
        { "profile p {\n check tea { mode = off } }", "there is no check \"tea\"" },
        { "profile p { check sender { } }", "mode" },
        { "profile p { actions { tag = much } }", "test:1: " },
        { "profile p { actions { tag = 16 } }", "profile \"p\": tag is above reject" },
        { "profile p { recipients_file = \"/nowhere\" }", "/nowhere" },
        { "actions { exempt = {\"a b@\"} }", "the exempt recipient \"a b@\"" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct room r;

        EXPECT_FALSE(load(&r, cases[i].text));
        if (!strstr(strbuf_span(&r.faults).ptr, cases[i].told))
            fail_msg("%s: %s", cases[i].text, strbuf_span(&r.faults).ptr);
        unload(&r);
    }
}

/* ---- who is exempt ---- */

static void postmaster_and_abuse_are_exempt(void **state)
{
    static const struct {
        const char *conf, *to, *to2;
        bool is_exempt;
    } cases[] = {
        { "", "postmaster@example.org", NULL, true },
        { "", "Abuse@example.org", "POSTMASTER", true },
        { "", "postmaster@example.org", "b@example.org", false },
        { "", "postmasters@example.org", NULL, false },
        { "", NULL, NULL, false },
        { "actions { exempt = {} }", "postmaster@example.org", NULL, false },
        { "actions { exempt = {spam@example.org} }", "spam@example.org", NULL, true },
        { "actions { exempt = {spam@example.org} }", "abuse@example.org", NULL, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct recipient to[2] = { { .address = address(cases[i].to ? cases[i].to : "") },
                                   { .address = address(cases[i].to2 ? cases[i].to2 : "") } };
        struct session s = { .recipients = to, .recipient_count = (cases[i].to != NULL) + (cases[i].to2 != NULL) };
        struct room r;

        EXPECT_TRUE(load(&r, cases[i].conf));
        if (profiles_exempt(r.profiles, &s) != cases[i].is_exempt)
            fail_msg("case %zu", i);
        unload(&r);
    }
}

/* ---- the pipeline ---- */

static void open_pipeline(struct room *r, const char *conf)
{
    if (!load(r, conf))
        fail_msg("%s", strbuf_span(&r->faults).ptr);
    r->loop = loop_new();
    r->engine_conf = (struct engine_conf){ .deadline_ms = 2000, .lookups_most = 200, .transactions_most = 10 };
    r->engine = (struct engine){ .loop = r->loop,
                                 .crew = crew_new(r->loop, 1, 4, 4),
                                 .hostname = "mx.example",
                                 .conf = &r->engine_conf,
                                 .actions = &r->values->actions,
                                 .checks = r->checks,
                                 .check_count = COUNT(table),
                                 .profiles = r->profiles };
    r->pipeline = pipeline_new(&r->engine, "smtp");
    pipeline_reach(r->pipeline, STAGE_CONNECT);
    pipeline_reach(r->pipeline, STAGE_HELO);
}

static void close_pipeline(struct room *r)
{
    pipeline_free(r->pipeline);
    crew_free(r->engine.crew);
    loop_free(r->loop);
    unload(r);
}

static void on_verdict(void *arg, const struct verdict *v)
{
    struct room *r = arg;

    r->verdict = *v;
    r->is_judged = true;
}

static void judge_at(struct room *r, enum stage stage)
{
    int64_t end = clock_mono_ms() + 20000;

    r->is_judged = false;
    pipeline_decide(r->pipeline, stage, 5000, on_verdict, r);
    while (!r->is_judged && clock_mono_ms() < end)
        loop_run_once(r->loop, 50);
    EXPECT_TRUE(r->is_judged);
}

static void judge_recipient(struct room *r, const char *to)
{
    struct session *s = pipeline_session(r->pipeline);

    s->recipients =
        arena_grow(s->tx_arena, s->recipients, s->recipient_count, s->recipient_count + 1, sizeof *s->recipients);
    s->recipients[s->recipient_count++].address = address(to);
    pipeline_reach(r->pipeline, STAGE_RCPT);
    judge_at(r, STAGE_RCPT);
}

static void thresholds_and_modes_are_the_recipients(void **state)
{
    static const char conf[] = "actions { tag = 6 reject = 100 }\n"
                               "profile strict { recipients = {strict.example} actions { tag = 1 reject = 10 } }\n"
                               "profile lax { recipients = {lax.example} check sender { mode = off } }\n"
                               "profile blind { recipients = {blind.example} check client { mode = off }\n"
                               "                check sender { mode = shadow } }\n"
                               "profile fierce { recipients = {fierce.example} check refuser { mode = enforce } }\n";
    static const struct {
        const char *to;
        int score;
        enum action action;
        const char *profile;
    } cases[] = {
        { "x@strict.example", 1000, ACTION_REJECT, "strict" }, { "x@else.example", 1000, ACTION_TAG, "" },
        { "x@lax.example", 500, ACTION_ACCEPT, "lax" },        { "x@blind.example", 0, ACTION_ACCEPT, "blind" },
        { "x@fierce.example", 1500, ACTION_REJECT, "fierce" }, { "x@else.example", 1000, ACTION_TAG, "" },
    };
    struct room r;

    (void)state;
    open_pipeline(&r, conf);
    for (size_t i = 0; i < COUNT(cases); i++) { /* one transaction after the other on one connection */
        pipeline_begin(r.pipeline);
        pipeline_reach(r.pipeline, STAGE_MAIL);
        judge_recipient(&r, cases[i].to);
        if (r.verdict.score != cases[i].score || r.verdict.action != cases[i].action)
            fail_msg("%s: %d, %s", cases[i].to, r.verdict.score, action_text(r.verdict.action));
        EXPECT_STR(cases[i].profile, pipeline_profile(r.pipeline));
    }
    EXPECT_INT(1, runs[CLIENT]);
    EXPECT_INT(0, runs[COVER]);
    close_pipeline(&r);
}

static void recipients_of_one_profile_go_together(void **state)
{
    static const char conf[] = "profile a { recipients = {a.example, b.example} }\n"
                               "profile c { recipients = {c.example} }\n";
    const struct address b = address("x@b.example"), c = address("x@c.example"), d = address("x@d.example");
    struct room r;

    (void)state;
    open_pipeline(&r, conf);
    EXPECT_TRUE(pipeline_takes(r.pipeline, &c));
    pipeline_reach(r.pipeline, STAGE_MAIL);
    judge_recipient(&r, "x@a.example");
    EXPECT_TRUE(pipeline_takes(r.pipeline, &b));
    EXPECT_FALSE(pipeline_takes(r.pipeline, &c));
    EXPECT_FALSE(pipeline_takes(r.pipeline, &d));
    pipeline_begin(r.pipeline);
    pipeline_reach(r.pipeline, STAGE_MAIL);
    judge_recipient(&r, "x@else.example");
    EXPECT_TRUE(pipeline_takes(r.pipeline, &d));
    EXPECT_FALSE(pipeline_takes(r.pipeline, &b));
    close_pipeline(&r);
}

/* The first recipient was refused: the next one is the first. */
static void a_recipient_that_is_dropped_does_not_decide(void **state)
{
    static const char conf[] = "profile off { recipients = {off.example} check sender { mode = off } }\n"
                               "profile cover { recipients = {cover.example} check cover { mode = enforce } }\n";
    const struct address cover = address("x@cover.example");
    struct room r;

    (void)state;
    open_pipeline(&r, conf);
    pipeline_reach(r.pipeline, STAGE_MAIL);
    judge_recipient(&r, "x@off.example");
    EXPECT_INT(500, r.verdict.score);
    pipeline_session(r.pipeline)->recipient_count--;
    EXPECT_TRUE(pipeline_takes(r.pipeline, &cover));
    judge_recipient(&r, "x@cover.example");
    EXPECT_INT(1500, r.verdict.score);
    EXPECT_INT(ACTION_REJECT, r.verdict.action);
    EXPECT_STR("cover", pipeline_profile(r.pipeline));
    close_pipeline(&r);
}

static void nothing_is_certain_while_the_rules_depend_on_the_recipient(void **state)
{
    struct room r;

    (void)state;
    open_pipeline(&r, "actions { tag = 1 reject = 2 }\nprofile p { recipients = {a.example} actions { reject = 99 } }");
    pipeline_reach(r.pipeline, STAGE_MAIL);
    judge_at(&r, STAGE_MAIL);
    EXPECT_FALSE(r.verdict.is_certain);
    judge_recipient(&r, "x@a.example");
    EXPECT_INT(ACTION_TAG, r.verdict.action);
    EXPECT_TRUE(r.verdict.is_certain);
    close_pipeline(&r);

    open_pipeline(&r, "actions { tag = 1 reject = 2 }\nprofile p { direction = inbound actions { reject = 3 } }");
    pipeline_reach(r.pipeline, STAGE_MAIL);
    judge_at(&r, STAGE_MAIL);
    EXPECT_INT(ACTION_REJECT, r.verdict.action);
    EXPECT_TRUE(r.verdict.is_certain);
    EXPECT_STR("p", pipeline_profile(r.pipeline));
    close_pipeline(&r);
}

static void exempt_mail_is_tagged_at_most(void **state)
{
    static const struct {
        const char *conf;
        enum action action;
    } cases[] = {
        { "actions { tag = 1 reject = 2 }", ACTION_TAG },
        { "actions { tag = 50 reject = 50 }", ACTION_ACCEPT },
        { "check refuser { mode = enforce } actions { tag = 50 reject = 50 }", ACTION_TAG },
        { "check cover { mode = enforce }", ACTION_REJECT },
        { "profile p { check refuser { mode = enforce } }", ACTION_TAG },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct room r;

        open_pipeline(&r, cases[i].conf);
        pipeline_reach(r.pipeline, STAGE_MAIL);
        judge_recipient(&r, "postmaster@example.org");
        if (r.verdict.action != cases[i].action)
            fail_msg("%s: %s", cases[i].conf, action_text(r.verdict.action));
        close_pipeline(&r);
    }
}

/* With somebody else the mail is like any other: each recipient's turn at RCPT counts. */
static void exemption_ends_with_the_first_other_recipient(void **state)
{
    struct room r;

    (void)state;
    open_pipeline(&r, "actions { tag = 1 reject = 2 }");
    pipeline_reach(r.pipeline, STAGE_MAIL);
    judge_recipient(&r, "abuse@example.org");
    EXPECT_INT(ACTION_TAG, r.verdict.action);
    judge_recipient(&r, "x@example.org");
    EXPECT_INT(ACTION_REJECT, r.verdict.action);
    pipeline_session(r.pipeline)->recipient_count--; /* refused */
    judge_recipient(&r, "postmaster@example.org");
    EXPECT_INT(ACTION_TAG, r.verdict.action);
    close_pipeline(&r);
}

RUN_TESTS(TEST(the_first_that_fits_holds), TEST(recipients_may_stand_in_a_file), TEST(it_says_what_differs),
          TEST(mistakes_are_named), TEST(postmaster_and_abuse_are_exempt),
          TEST(thresholds_and_modes_are_the_recipients), TEST(recipients_of_one_profile_go_together),
          TEST(a_recipient_that_is_dropped_does_not_decide),
          TEST(nothing_is_certain_while_the_rules_depend_on_the_recipient), TEST(exempt_mail_is_tagged_at_most),
          TEST(exemption_ends_with_the_first_other_recipient))
