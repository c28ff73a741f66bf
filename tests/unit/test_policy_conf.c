/* tests/unit/test_policy_conf.c - the section `policy`: what Postfix may be told, and where. */
#include "tests/kit/expect.h"

#include "policy/conf.h"

struct root {
    struct policy_conf policy;
};

static const struct conf_key root_keys[] = {
    { .name = "policy", .type = CONF_SECTION, .at = 0, .help = "policy", .section = &policy_section },
    { 0 },
};

static const struct conf_section root_section = {
    .name = "", .help = "", .size = sizeof(struct root), .keys = root_keys
};

static struct conf *load(const char *text, struct policy_conf **out, struct strbuf *faults)
{
    void *values = NULL;

    strbuf_init(faults, 10000);
    struct conf *conf = conf_load_text(&root_section, "t.conf", span_of(text), &values, faults);

    *out = conf ? &((struct root *)values)->policy : NULL;
    return conf;
}

static void what_is_said_is_read_or_refused(void **state)
{
    static const struct {
        const char *say;
        int word; /* -1: refused */
    } cases[] = {
        { "DUNNO", POLICY_DUNNO },
        { "dunno", POLICY_DUNNO },
        { "OK", POLICY_OK },
        { "REJECT", POLICY_REJECT },
        { "REJECT 5.7.1 go away", POLICY_REJECT },
        { "DEFER_IF_PERMIT 4.7.0 later", POLICY_DEFER_IF_PERMIT },
        { "HOLD suspicious (%s, %i)", POLICY_HOLD },
        { "FILTER smtp:[127.0.0.1]:10026", POLICY_FILTER },
        { "REDIRECT spam@example.org", POLICY_REDIRECT },
        { "BCC archive@example.org", POLICY_BCC },
        { "PREPEND X-Seen: 100%%", POLICY_PREPEND },
        { "554 5.7.1 %t", POLICY_CODE },
        { "450", POLICY_CODE },
        { "reject_unverified_recipient", POLICY_RESTRICTION },
        { "check_client_access hash:/etc/postfix/x", POLICY_RESTRICTION },
        { "", -1 },
        { "   ", -1 },
        { "FILTER", -1 },
        { "PREPEND", -1 },
        { "REJECTED", -1 },
        { "250 2.0.0 fine", -1 },
        { "5544 x", -1 },
        { "HOLD 100%", -1 },
        { "HOLD %d", -1 },
        { "HOLD \xc3\xa9", -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct policy_conf *policy;
        struct strbuf faults, text;

        strbuf_init(&text, 10000);
        strbuf_putf(&text, "policy { action \"SYMBOL\" { say = \"%s\" } }", cases[i].say);
        struct conf *conf = load(text.data, &policy, &faults);

        if ((conf == NULL) != (cases[i].word < 0))
            fail_msg("\"%s\": %s", cases[i].say, faults.data ? faults.data : "taken");
        if (conf) {
            const struct policy_rule *rule = policy->actions.items;

            EXPECT_INT(1, policy->actions.count);
            EXPECT_STR("SYMBOL", rule->title);
            EXPECT_INT(cases[i].word, rule->word);
            conf_free(conf);
        }
        strbuf_release(&faults);
        strbuf_release(&text);
    }
}

static void verdicts_are_those_that_there_are(void **state)
{
    struct policy_conf *policy;
    struct strbuf faults;
    struct conf *conf =
        load("policy { verdict \"quarantine\" { say = \"REDIRECT q@example.org\" } }", &policy, &faults);

    (void)state;
    assert_non_null(conf);
    EXPECT_INT(POLICY_REDIRECT, policy->by_verdict[ACTION_QUARANTINE]->word);
    EXPECT_NULL(policy->by_verdict[ACTION_REJECT]);
    conf_free(conf);
    strbuf_release(&faults);
    EXPECT_NULL(load("policy { verdict \"spam\" { say = \"HOLD\" } }", &policy, &faults));
    EXPECT_TRUE(strstr(faults.data, "verdict \"spam\" is none; write accept, tag,") != NULL);
    strbuf_release(&faults);
}

/* [Postfix, access(5)]: actions on a message want one, and PREPEND before its content. */
static void each_action_has_its_place(void **state)
{
    static const struct {
        enum policy_word word;
        enum policy_state state;
        bool may;
    } cases[] = { { POLICY_DUNNO, POLICY_AT_CONNECT, true },      { POLICY_CODE, POLICY_AT_CONNECT, true },
                  { POLICY_REJECT, POLICY_AT_ETRN, true },        { POLICY_HOLD, POLICY_AT_CONNECT, false },
                  { POLICY_HOLD, POLICY_AT_MAIL, false },         { POLICY_HOLD, POLICY_AT_RCPT, true },
                  { POLICY_HOLD, POLICY_AT_DATA, true },          { POLICY_HOLD, POLICY_AT_END_OF_MESSAGE, true },
                  { POLICY_DISCARD, POLICY_AT_VRFY, false },      { POLICY_PREPEND, POLICY_AT_RCPT, true },
                  { POLICY_PREPEND, POLICY_AT_BDAT, true },       { POLICY_PREPEND, POLICY_AT_END_OF_MESSAGE, false },
                  { POLICY_FILTER, POLICY_AT_HELO, false },       { POLICY_BCC, POLICY_AT_END_OF_MESSAGE, true },
                  { POLICY_RESTRICTION, POLICY_AT_CONNECT, true } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (policy_may_say(cases[i].word, cases[i].state) != cases[i].may)
            fail_msg("word %d at %s", (int)cases[i].word, policy_state_text(cases[i].state));
}

RUN_TESTS(TEST(what_is_said_is_read_or_refused), TEST(verdicts_are_those_that_there_are),
          TEST(each_action_has_its_place))
