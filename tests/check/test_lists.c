/* tests/check/test_lists.c - allow and block lists by configuration. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/kit/desk.h"
#include "tests/kit/expect.h"

#include "gateway/base/log.h"
#include "rules/lists/lists.h"

enum { NOTHING = -1 };

static void each_match_finds_its_own(void **state)
{
    static const struct {
        const char *match, *entry;
        bool is_hit;
    } cases[] = {
        { "client", "192.0.2.0/24", true },
        { "client", "192.0.3.0/24", false },
        { "client_name", ".client.example", true },
        { "client_name", "client.example", false },
        { "helo", "helo.example", true },
        { "helo", "other.example", false },
        { "sender", "joe@from.example", true },
        { "sender", "JOE@", true },
        { "sender", "from.example", true },
        { "sender", "@from.example", true },
        { "sender", ".example", true },
        { "sender", "<>", false },
        { "sender_domain", "from.example", true },
        { "sender_domain", "to.example", false },
        { "recipient", "ann@to.example", true },
        { "recipient", "bob@to.example", true },
        { "recipient", "joe@to.example", false },
        { "recipient_domain", "to.example", true },
        { "recipient_domain", "from.example", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char conf[256];

        snprintf(conf, sizeof conf, "list \"a-b\" { match = %s action = score score = 2.5 entries = {\"%s\"} }",
                 cases[i].match, cases[i].entry);
        struct desk *d = desk_open(&lists_module, conf);

        desk_client(d, "192.0.2.7");
        desk_helo(d, "helo.example");
        desk_from(d, "joe@from.example");
        desk_rcpt(d, "ann@to.example");
        desk_rcpt(d, "bob@to.example");
        d->evidence.iprev.result = AUTH_PASS;
        d->evidence.iprev.name = "mx.client.example";
        desk_settle(d);
        EXPECT_INT(0, d->rounds);
        if ((desk_finding(d, "LIST_A_B") != NULL) != cases[i].is_hit)
            fail_msg("%s %s", cases[i].match, cases[i].entry);
        EXPECT_INT(cases[i].is_hit ? 250 : 0, desk_points(d));
        EXPECT_FALSE(d->run.is_forced);
        desk_close(d);
    }
}

/* Runs one transaction of `from` to the recipients, and returns the action that was forced. */
static int action_of(const char *conf, const char *from, const char *to, const char *to2, enum auth_result spf)
{
    struct desk *d = desk_open(&lists_module, conf);

    desk_client(d, "192.0.2.7");
    desk_helo(d, "helo.example");
    desk_from(d, from);
    desk_rcpt(d, to);
    if (to2)
        desk_rcpt(d, to2);
    d->evidence.spf_mailfrom.result = spf;
    desk_settle(d);
    int action = d->run.is_forced ? (int)d->run.forced : NOTHING;

    desk_close(d);
    return action;
}

#define CLIENT(action) "list \"x\" { match = client " action " entries = {192.0.2.0/24} }"

static void actions_are_forced(void **state)
{
    static const struct {
        const char *conf;
        int action;
    } cases[] = {
        { CLIENT("action = accept"), ACTION_ACCEPT },
        { CLIENT("action = reject"), ACTION_REJECT },
        { CLIENT("action = defer"), ACTION_DEFER },
        { CLIENT("action = discard"), ACTION_DISCARD },
        { CLIENT("action = score score = 1"), NOTHING },
        /* the first that decides */
        { "list a { match = client action = reject entries = {192.0.2.7} }" CLIENT("action = accept"), ACTION_REJECT },
        { "list a { match = client action = accept entries = {192.0.2.7} }" CLIENT("action = reject"), ACTION_ACCEPT },
        { "list a { match = client action = score score = 1 entries = {192.0.2.7} }" CLIENT("action = defer"),
          ACTION_DEFER },
        { "list a { match = client action = reject entries = {192.0.2.8} }" CLIENT("action = accept"), ACTION_ACCEPT },
        { "", NOTHING },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].action, action_of(cases[i].conf, "a@from.example", "b@to.example", NULL, AUTH_NONE));
}

static void exempt_recipients_are_reachable(void **state)
{
    static const struct {
        const char *conf;
        int action;
    } cases[] = {
        { CLIENT("action = reject"), NOTHING },
        { CLIENT("action = discard"), NOTHING },
        { CLIENT("action = reject roles = yes"), ACTION_REJECT },
        { CLIENT("action = accept"), ACTION_ACCEPT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&lists_module, cases[i].conf);

        desk_client(d, "192.0.2.7");
        desk_rcpt(d, "postmaster@to.example");
        d->is_exempt = true;
        desk_settle(d);
        EXPECT_INT(cases[i].action, d->run.is_forced ? (int)d->run.forced : NOTHING);
        desk_close(d);
    }
}

#define SENDER(rest) "list \"x\" { match = sender entries = {\"@from.example\"} " rest " }"

static void an_allowed_sender_needs_spf(void **state)
{
    static const struct {
        const char *conf;
        enum auth_result spf;
        int action;
    } cases[] = {
        { SENDER("action = accept"), AUTH_PASS, ACTION_ACCEPT },
        { SENDER("action = accept"), AUTH_NONE, NOTHING },
        { SENDER("action = accept"), AUTH_ABSENT, NOTHING },
        { SENDER("action = accept"), AUTH_FAIL, NOTHING },
        { SENDER("action = accept requires_spf = no"), AUTH_FAIL, ACTION_ACCEPT },
        { SENDER("action = reject"), AUTH_NONE, ACTION_REJECT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].action, action_of(cases[i].conf, "a@from.example", "b@to.example", NULL, cases[i].spf));
    struct desk *d = desk_open(&lists_module, SENDER("action = accept"));

    desk_from(d, "a@from.example"); /* a record that lets everybody be he */
    desk_rcpt(d, "b@to.example");
    d->evidence.spf_mailfrom = (struct spf_evidence){ .result = AUTH_PASS, .is_open = true };
    desk_settle(d);
    EXPECT_FALSE(d->run.is_forced);
    desk_close(d);
    d = desk_open(&lists_module, SENDER("action = score score = -3"));

    desk_from(d, "a@from.example");
    desk_rcpt(d, "b@to.example");
    desk_settle(d);
    EXPECT_INT(0, desk_points(d));
    EXPECT_TRUE(strstr(desk_finding(d, "LIST_X")->reason, "SPF did not pass") != NULL);
    d->session.auth_user = SPAN("a");
    desk_settle(d);
    EXPECT_INT(-300, desk_points(d));
    desk_close(d);
}

static void what_is_lost_for_good_wants_all_recipients_listed(void **state)
{
#define TO(action) "list \"x\" { match = recipient entries = {\"b@to.example\", \"c@to.example\"} action = " action " }"
    static const struct {
        const char *conf, *to, *to2;
        int action;
    } cases[] = {
        { TO("discard"), "b@to.example", "c@to.example", ACTION_DISCARD },
        { TO("discard"), "b@to.example", "d@to.example", NOTHING },
        { TO("accept"), "d@to.example", "b@to.example", NOTHING },
        { TO("accept"), "b@to.example", NULL, ACTION_ACCEPT },
        { TO("reject"), "d@to.example", "b@to.example", ACTION_REJECT },
        { TO("defer"), "b@to.example", "d@to.example", ACTION_DEFER },
        { TO("reject"), "d@to.example", NULL, NOTHING },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        EXPECT_INT(cases[i].action, action_of(cases[i].conf, "a@from.example", cases[i].to, cases[i].to2, AUTH_NONE));
}

static void the_null_sender_can_be_listed(void **state)
{
    static const char conf[] =
        "list x { match = sender action = reject text = \"no bounces here\" entries = {\"<>\"} }";

    (void)state;
    EXPECT_INT(ACTION_REJECT, action_of(conf, "", "b@to.example", NULL, AUTH_NONE));
    EXPECT_INT(NOTHING, action_of(conf, "a@from.example", "b@to.example", NULL, AUTH_NONE));
    struct desk *d = desk_open(&lists_module, conf);

    desk_from(d, "");
    desk_rcpt(d, "b@to.example");
    desk_settle(d);
    EXPECT_STR("no bounces here", d->run.forced_text);
    EXPECT_STR("<> is in list \"x\" as <> (its entries)", desk_finding(d, "LIST_X")->reason);
    desk_close(d);
}

static void the_bounds_hold_what_lists_may_do(void **state)
{
    static const struct {
        const char *conf;
        int least, most;
        bool accept, reject;
    } cases[] = {
        { "", 0, 0, false, false },
        { CLIENT("action = accept score = -5"), -500, 0, true, false },
        { CLIENT("action = reject score = 3"), 0, 300, false, true },
        { CLIENT("action = defer") "list y { match = sender entries = {a} action = score score = -1 }"
                                   "list z { match = helo entries = {a} action = score score = 2 }",
          -100, 200, false, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_open(&lists_module, cases[i].conf);
        struct bounds b = { 0 };

        lists_module.bounds(d->settings.conf, NULL, &b);
        EXPECT_INT(cases[i].least, b.least);
        EXPECT_INT(cases[i].most, b.most);
        EXPECT_INT(cases[i].accept, b.may_force_accept);
        EXPECT_INT(cases[i].reject, b.may_force_reject);
        desk_close(d);
    }
}

static void faults_of_the_configuration_are_told(void **state)
{
    static const struct {
        const char *conf, *says;
    } cases[] = {
        { "list x { match = client action = reject }", "a list without entries" },
        { "list x { action = reject entries = {a} }", "'match' is missing" },
        { "list x { match = client entries = {192.0.2.1} }", "'action' is missing" },
        { "list x { match = client action = reject entries = {a.example} }", "the entry \"a.example\" is no address" },
        { "list x { match = helo action = reject entries = {\"a@b\"} }", "the entry \"a@b\" is no domain" },
        { "list x { match = helo action = reject entries = {a} symbol = \"A B\" }", "is no name" },
        { "list x { match = helo action = reject entries = {a} text = \"a\\r\\nb\" }", "others than ASCII's" },
        { "list x { match = helo action = score entries = {a} }", "action = score without points" },
        { "list x { match = helo action = accept score = 1 entries = {a} }", "accept with a score above 0" },
        { "list x { match = from action = accept entries = {a} }", "write one of: client client_name helo" },
        { "list x { match = helo action = map entries = {a} }", "action = map takes all from its file" },
        { "list x { match = helo action = accept file = \"/nonexistent/x\" }", "cannot be opened" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct strbuf faults;
        void *values = NULL;

        strbuf_init(&faults, 10000);
        EXPECT_NULL(conf_load_text(lists_module.section, "t", span_of(cases[i].conf), &values, &faults));
        if (strncmp("t:1: ", faults.data, 5) || !strstr(faults.data, cases[i].says))
            fail_msg("case %zu: %s", i, faults.data);
        strbuf_release(&faults);
    }
}

/* ---- files ---- */

static char path[64] = "/tmp/postern-lists-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);

    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    char other[96];

    snprintf(other, sizeof other, "%s.new", path);
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(strlen(text), write(fd, text, strlen(text)));
    close(fd);
    assert_int_equal(0, rename(other, path));
}

static int points_for(struct desk *d, const char *client)
{
    desk_client(d, client);
    desk_settle(d);
    return desk_points(d);
}

static void a_file_is_watched_and_the_last_good_version_kept(void **state)
{
    char conf[256], want[256];
    int nowhere = open("/dev/null", O_WRONLY);

    (void)state;
    log_to_fd(nowhere);
    snprintf(conf, sizeof conf,
             "list \"partners\" { match = client action = score score = -3 file = \"%s\" entries = {203.0.113.1} }",
             path);
    write_text("# ours\n192.0.2.0/24\n");
    struct desk *d = desk_open(&lists_module, conf);

    EXPECT_INT(-300, points_for(d, "192.0.2.7"));
    snprintf(want, sizeof want, "192.0.2.7 is in list \"partners\" as 192.0.2.0/24 (%s:2)", path);
    EXPECT_STR(want, desk_finding(d, "LIST_PARTNERS")->reason);
    EXPECT_INT(-300, points_for(d, "203.0.113.1"));
    EXPECT_INT(0, points_for(d, "198.51.100.1"));

    write_text("198.51.100.0/24\n");
    desk_upkeep(d);
    desk_upkeep(d);
    EXPECT_INT(-300, points_for(d, "198.51.100.1"));
    EXPECT_INT(0, points_for(d, "192.0.2.7"));
    EXPECT_INT(-300, points_for(d, "203.0.113.1"));
    EXPECT_INT(0, d->run.raised_count);

    write_text("192.0.2.7\nnonsense\nmore\n");
    desk_upkeep(d);
    desk_upkeep(d);
    EXPECT_INT(1, d->run.raised_count);
    EXPECT_STR(path, d->run.raised[0].key);
    snprintf(want, sizeof want, "list \"partners\" stays as it was: %s:2: \"nonsense\" is no address", path);
    EXPECT_TRUE(strncmp(want, d->run.raised[0].text, strlen(want)) == 0);
    EXPECT_NULL(strchr(d->run.raised[0].text, '\n'));
    desk_upkeep(d);
    EXPECT_INT(1, d->run.raised_count); /* as long as it lasts */
    EXPECT_INT(-300, points_for(d, "198.51.100.1"));
    EXPECT_INT(0, points_for(d, "192.0.2.7"));

    write_text("192.0.2.7\n");
    desk_upkeep(d);
    desk_upkeep(d);
    EXPECT_INT(0, d->run.raised_count);
    EXPECT_INT(-300, points_for(d, "192.0.2.7"));
    desk_close(d);
    log_to_fd(STDERR_FILENO);
    close(nowhere);
}

static void a_faulty_file_is_refused_at_start(void **state)
{
    char conf[256], want[128];
    struct strbuf faults;
    struct arena a;
    void *values = NULL;

    (void)state;
    arena_init(&a, 1 << 20);
    strbuf_init(&faults, 10000);
    snprintf(conf, sizeof conf,
             "list one { match = helo action = reject entries = {a} } list two { match = helo action = reject file = "
             "\"%s\" }",
             path);
    write_text("good.example\nbad/example\n");
    struct conf *loaded = conf_load_text(lists_module.section, "t", span_of(conf), &values, &faults);
    const char *wrong = lists_module.open(&a, values);

    snprintf(want, sizeof want, "list \"two\": %s:2: \"bad/example\" is no domain", path);
    EXPECT_TRUE(wrong && strncmp(want, wrong, strlen(want)) == 0);
    lists_module.close(values);
    conf_free(loaded);
    strbuf_release(&faults);
    arena_release(&a);
}

/* ---- maps ---- */

static struct desk *desk_with_map(const char *match, const char *text, const char *more)
{
    char conf[300];

    write_text(text);
    snprintf(conf, sizeof conf, "list \"m\" { match = %s action = map file = \"%s\" %s }", match, path, more);
    struct desk *d = desk_open(&lists_module, conf);

    desk_client(d, "192.0.2.7");
    desk_helo(d, "helo.example");
    desk_from(d, "joe@from.example");
    d->evidence.iprev.result = AUTH_PASS;
    d->evidence.iprev.name = "mx.client.example";
    return d;
}

enum { PERMIT = 100 };

static int outcome(const struct desk *d)
{
    return d->run.is_forced ? (int)d->run.forced : d->run.is_permit ? PERMIT : NOTHING;
}

static void a_map_says_what_becomes_of_mail(void **state)
{
    static const struct {
        const char *match, *text;
        int action;
        const char *told;
    } cases[] = {
        { "client", "192.0.2 REJECT Go", ACTION_REJECT, "Go" },
        { "client", "192.0.2 REJECT", ACTION_REJECT, "5.7.1 Access denied" },
        { "client", "client.example 450 4.7.1 Later\n192.0.2.7 OK", ACTION_DEFER, "450 4.7.1 Later" },
        { "client", "192.0.2.7 OK", PERMIT, NULL },
        { "client", "192.0.2.7 DUNNO\n192.0.2 REJECT", NOTHING, NULL },
        { "client", "192.0.2.7 WARN look", NOTHING, NULL },
        { "client_name", "client.example REJECT", ACTION_REJECT, "5.7.1 Access denied" },
        { "client_name", "other.example REJECT", NOTHING, NULL },
        { "helo", "helo.example DISCARD", ACTION_DISCARD, "5.7.1 Access denied" },
        { "helo", "helo.example HOLD odd", ACTION_QUARANTINE, "odd" },
        { "sender", "from.example REJECT\njoe@from.example DUNNO", NOTHING, NULL },
        { "sender", "from.example 550 5.1.8 No", ACTION_REJECT, "550 5.1.8 No" },
        { "sender_domain", "from.example DEFER_IF_PERMIT", ACTION_DEFER, "5.7.1 Access denied" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_with_map(cases[i].match, cases[i].text, "");

        desk_rcpt(d, "ann@to.example");
        desk_settle(d);
        if (outcome(d) != cases[i].action)
            fail_msg("%s: %d", cases[i].text, outcome(d));
        EXPECT_INT(0, desk_points(d));
        if (cases[i].told)
            EXPECT_STR(cases[i].told, d->run.forced_text);
        desk_close(d);
    }
}

static void a_map_of_recipients_is_asked_for_each(void **state)
{
    static const char text[] = "ok@to.example OK\ngone@to.example DISCARD\nno@to.example REJECT\n";
    static const struct {
        const char *to, *to2;
        int action;
    } cases[] = {
        { "ok@to.example", NULL, PERMIT },
        { "ok@to.example", "ann@to.example", NOTHING },
        { "ok@to.example", "gone@to.example", NOTHING },
        { "gone@to.example", NULL, ACTION_DISCARD },
        { "gone@to.example", "ann@to.example", NOTHING },
        { "ann@to.example", "no@to.example", ACTION_REJECT },
        { "no@to.example", "ok@to.example", ACTION_REJECT },
        { "ok+x@to.example", "ok@to.example", PERMIT },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct desk *d = desk_with_map("recipient", text, "");

        desk_rcpt(d, cases[i].to);
        if (cases[i].to2)
            desk_rcpt(d, cases[i].to2);
        desk_settle(d);
        if (outcome(d) != cases[i].action)
            fail_msg("%s %s: %d", cases[i].to, cases[i].to2, outcome(d));
        desk_close(d);
    }
}

static void a_map_keeps_the_rules_of_lists(void **state)
{
    struct desk *d = desk_with_map("client", "192.0.2 REJECT\n", "");

    (void)state;
    d->is_exempt = true;
    desk_settle(d);
    EXPECT_INT(NOTHING, outcome(d));
    desk_close(d);

    d = desk_with_map("client", "192.0.2 REJECT\n", "roles = yes");
    d->is_exempt = true;
    desk_settle(d);
    EXPECT_INT(ACTION_REJECT, outcome(d));
    desk_close(d);

    d = desk_with_map("sender", "from.example OK\n", "");
    desk_settle(d);
    EXPECT_INT(NOTHING, outcome(d));
    d->evidence.spf_mailfrom.result = AUTH_PASS;
    desk_settle(d);
    EXPECT_INT(PERMIT, outcome(d));
    desk_close(d);

    d = desk_with_map("client", "192.0.2 PREPEND X-Net: documentation\n", "");
    desk_settle(d);
    EXPECT_INT(NOTHING, outcome(d));
    EXPECT_INT(1, d->run.header_count);
    EXPECT_STR("X-Net", d->run.headers[0].name);
    EXPECT_STR("documentation", d->run.headers[0].value);
    EXPECT_STR("LIST_M", d->run.findings[0].symbol);
    desk_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_match_finds_its_own),
        TEST(actions_are_forced),
        TEST(exempt_recipients_are_reachable),
        TEST(an_allowed_sender_needs_spf),
        TEST(what_is_lost_for_good_wants_all_recipients_listed),
        TEST(the_null_sender_can_be_listed),
        TEST(the_bounds_hold_what_lists_may_do),
        TEST(faults_of_the_configuration_are_told),
        TEST(a_file_is_watched_and_the_last_good_version_kept),
        TEST(a_faulty_file_is_refused_at_start),
        TEST(a_map_says_what_becomes_of_mail),
        TEST(a_map_of_recipients_is_asked_for_each),
        TEST(a_map_keeps_the_rules_of_lists),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
