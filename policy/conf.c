/* policy/conf.c - the section `policy`: its keys, and which of Postfix's actions may be said where. */
#include "policy/conf.h"

#include "gateway/base/bug.h"

/* ---- Postfix's actions ---- */

/* What concerns a message needs one; PREPEND must come before its content. */
enum {
    EVERYWHERE = 1U << POLICY_AT_OTHER,
    ENVELOPE = 1U << POLICY_AT_RCPT | 1U << POLICY_AT_DATA | 1U << POLICY_AT_BDAT,
    MESSAGE = ENVELOPE | 1U << POLICY_AT_END_OF_MESSAGE,
};

struct word {
    const char *name;
    unsigned where;
    const char *argument; /* that it must have, for people; NULL: none */
};

static const struct word words[] = {
    [POLICY_DUNNO] = { "DUNNO", EVERYWHERE, NULL },
    [POLICY_OK] = { "OK", EVERYWHERE, NULL },
    [POLICY_REJECT] = { "REJECT", EVERYWHERE, NULL },
    [POLICY_DEFER] = { "DEFER", EVERYWHERE, NULL },
    [POLICY_DEFER_IF_REJECT] = { "DEFER_IF_REJECT", EVERYWHERE, NULL },
    [POLICY_DEFER_IF_PERMIT] = { "DEFER_IF_PERMIT", EVERYWHERE, NULL },
    [POLICY_HOLD] = { "HOLD", MESSAGE, NULL },
    [POLICY_DISCARD] = { "DISCARD", MESSAGE, NULL },
    [POLICY_FILTER] = { "FILTER", MESSAGE, "FILTER smtp:[127.0.0.1]:10026" },
    [POLICY_REDIRECT] = { "REDIRECT", MESSAGE, "REDIRECT spam@example.org" },
    [POLICY_BCC] = { "BCC", MESSAGE, "BCC archive@example.org" },
    [POLICY_PREPEND] = { "PREPEND", ENVELOPE, "PREPEND X-Seen: yes" },
    [POLICY_INFO] = { "INFO", EVERYWHERE, NULL },
    [POLICY_WARN] = { "WARN", EVERYWHERE, NULL },
    [POLICY_CODE] = { "4NN or 5NN", EVERYWHERE, NULL },
    [POLICY_RESTRICTION] = { "a restriction", EVERYWHERE, NULL },
};

bool policy_may_say(enum policy_word word, enum policy_state state)
{
    unsigned where = words[word].where;

    return where == EVERYWHERE || (where & 1U << state);
}

static bool is_code(struct span word)
{
    return word.len == 3 && (word.ptr[0] == '4' || word.ptr[0] == '5') && ascii_is_digit(word.ptr[1]) &&
           ascii_is_digit(word.ptr[2]);
}

/* Restrictions and classes of them are written in small letters; a type:table is one, too. */
static bool is_restriction(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] >= 'A' && word.ptr[i] <= 'Z')
            return false;
    return word.len && ascii_is_alpha(word.ptr[0]);
}

static const char *find_word(struct arena *a, struct policy_rule *rule, struct span name)
{
    for (unsigned i = 0; i < POLICY_CODE; i++) {
        rule->word = (enum policy_word)i;
        if (span_iis(name, words[i].name))
            return NULL;
    }
    rule->word = is_code(name) ? POLICY_CODE : POLICY_RESTRICTION;
    if (rule->word == POLICY_CODE || is_restriction(name))
        return NULL;
    return arena_printf(a,
                        "say = \"%s\": Postfix knows no action %.*s; write DUNNO, OK, REJECT, DEFER, HOLD, DISCARD, "
                        "FILTER, REDIRECT, BCC, PREPEND, INFO, WARN, a code as \"554 5.7.1 text\", or a restriction",
                        rule->say, SPAN_ARG(name));
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static bool has_known_signs(const char *text)
{
    for (; *text; text++)
        if (*text == '%' && !strchr("tsi%", *++text))
            return false;
        else if (!*text)
            return false;
    return true;
}

enum { SAY_MOST = 500 };

static const char *check_rule(struct arena *a, void *values)
{
    struct policy_rule *rule = values;
    struct span rest = span_of(rule->say), name = { 0 };

    if (rest.len > SAY_MOST || !is_printable(rule->say))
        return "say has more than 500 characters, or others than ASCII's; shorten it";
    if (!span_word(&rest, &name))
        return "say is empty; write what Postfix is to be told, for instance \"HOLD\"";
    if (!has_known_signs(rule->say))
        return arena_printf(a, "say = \"%s\": %% stands before t (text), s (score), i (id) or %% alone", rule->say);
    const char *wrong = find_word(a, rule, name);

    if (!wrong && words[rule->word].argument && !span_trim(rest).len)
        wrong = arena_printf(a, "%s says nothing; write for instance \"%s\"", words[rule->word].name,
                             words[rule->word].argument);
    return wrong;
}

#define AT_RULE(member) offsetof(struct policy_rule, member)

static const struct conf_key action_keys[] = {
    { .name = "say",
      .type = CONF_STR,
      .at = AT_RULE(say),
      .is_required = true,
      .help = "an action of Postfix's access(5), as \"FILTER smtp:[127.0.0.1]:10026\"; %t is the verdict's text, %s "
              "the score, %i the id in our log" },
    { .name = "overrides",
      .type = CONF_BOOL,
      .at = AT_RULE(overrides),
      .initial = "no",
      .help = "say it even when the verdict refuses, defers, quarantines or discards the mail" },
    { 0 },
};

static const struct conf_section action_section = {
    .name = "action",
    .help = "what Postfix is told when a symbol was found; the first in the file that fits",
    .size = sizeof(struct policy_rule),
    .keys = action_keys,
    .check = check_rule,
};

static const struct conf_key verdict_keys[] = {
    { .name = "say",
      .type = CONF_STR,
      .at = AT_RULE(say),
      .is_required = true,
      .help = "an action of Postfix's access(5); %t is the verdict's text, %s the score, %i the id in our log" },
    { 0 },
};

static const struct conf_section verdict_section = {
    .name = "verdict",
    .help = "what Postfix is told for a verdict (accept, tag, greylist, defer, quarantine, reject, discard), where it "
            "is not what this door says by itself",
    .size = sizeof(struct policy_rule),
    .keys = verdict_keys,
    .check = check_rule,
};

/* ---- the section ---- */

#define AT(member) offsetof(struct policy_conf, member)

static const struct conf_key policy_keys[] = {
    { .name = "listen",
      .type = CONF_ENDPOINTS,
      .at = AT(listen),
      .help = "addresses and ports, or sockets as \"unix:/PATH\", where Postfix asks; none: this door is closed" },
    { .name = "connections",
      .type = CONF_INT,
      .at = AT(connections_most),
      .initial = "10000",
      .least = "1",
      .most = "100000",
      .help = "connections at once; each smtpd(8) process of Postfix keeps one open" },
    { .name = "idle",
      .type = CONF_MS,
      .at = AT(idle_ms),
      .initial = "15m",
      .least = "1s",
      .most = "1d",
      .help = "how long a connection may be silent; longer than Postfix's smtpd_policy_service_max_idle (300s)" },
    { .name = "wait",
      .type = CONF_MS,
      .at = AT(wait_ms),
      .initial = "15s",
      .least = "100ms",
      .most = "90s",
      .help = "how long an answer may wait for checks, and again as long in a tarpit (both together at most 90s); less "
              "than Postfix's smtpd_policy_service_timeout (100s). Under stress at most 3s, and no tarpit" },
    { .name = "recipients",
      .type = CONF_INT,
      .at = AT(recipients_most),
      .initial = "1000",
      .least = "1",
      .most = "10000",
      .help = "recipients that are judged as one message" },
    { .name = "relay_clients",
      .type = CONF_ADDRS,
      .at = AT(relay_clients),
      .initial = "127.0.0.0/8 ::1",
      .help = "clients that are judged as your own users, when Postfix asks about them (its mynetworks)" },
    { .name = "accept",
      .type = CONF_ENUM,
      .at = AT(accept),
      .initial = "dunno",
      .least = "dunno ok",
      .help = "what an allow list's accept says: dunno (Postfix goes on with its restrictions) or ok (it skips the "
              "rest of that list)" },
    { .name = "authentication_results",
      .type = CONF_BOOL,
      .at = AT(authentication_results),
      .initial = "no",
      .help =
          "prepend Authentication-Results, with what SPF says; not needed where a milter of ours sees the message" },
    { .name = "action",
      .type = CONF_SECTIONS,
      .at = AT(actions),
      .section = &action_section,
      .help = "what Postfix is told when a symbol was found; the first in the file that fits" },
    { .name = "verdict",
      .type = CONF_SECTIONS,
      .at = AT(verdicts),
      .section = &verdict_section,
      .help = "what Postfix is told for a verdict" },
    { 0 },
};

static const char *policy_check(struct arena *a, void *values)
{
    struct policy_conf *conf = values;
    const struct policy_rule *rules = conf->verdicts.items;

    for (size_t i = 0; i < conf->verdicts.count; i++) {
        unsigned action = 0;

        while (action <= ACTION_DISCARD && !span_is(span_of(rules[i].title), action_text((enum action)action)))
            action++;
        if (action > ACTION_DISCARD)
            return arena_printf(a,
                                "verdict \"%s\" is none; write accept, tag, greylist, defer, quarantine, reject or "
                                "discard",
                                rules[i].title);
        conf->by_verdict[action] = &rules[i];
    }
    return NULL;
}

const struct conf_section policy_section = {
    .name = "policy",
    .help = "the policy service: Postfix asks it with check_policy_service",
    .size = sizeof(struct policy_conf),
    .keys = policy_keys,
    .check = policy_check,
};
