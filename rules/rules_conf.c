/* rules/rules_conf.c - the configuration of the check "rules". */
#include "rules/rules_conf.h"

#include "gateway/core/run.h"
#include "rules/eval.h"

enum { TEXT_MOST = 300 };

#define AT(member) offsetof(struct rule_conf, member)

static const struct conf_key rule_keys[] = {
    { .name = "mode",
      .type = CONF_ENUM,
      .at = AT(mode),
      .initial = "enforce",
      .least = "off shadow tag enforce",
      .help = "off: not run, and nothing for other rules; shadow: recorded, counts nothing; tag: counts, but refuses "
              "no mail; enforce: counts" },
    { .name = "score",
      .type = CONF_CUSTOM,
      .at = AT(score),
      .parse = maybe_points_parse,
      .help = "points, instead of those of the file; `scale` does not change them" },
    { .name = "action",
      .type = CONF_ENUM,
      .at = AT(action),
      .initial = "score",
      .least = "score tag defer quarantine reject discard",
      .help = "what becomes of mail in which it hits, whatever the score; score: only the points count" },
    { .name = "text",
      .type = CONF_STR,
      .at = AT(text),
      .initial = "",
      .help =
          "what the sender of mail is told that it defers or rejects; may begin with codes: \"550 5.7.1 Go away\"" },
    { 0 },
};

/* It goes into a reply. */
static const char *check_rule(struct arena *a, void *values)
{
    const struct rule_conf *conf = values;
    size_t len = strlen(conf->text);

    (void)a;
    for (size_t i = 0; i < len; i++)
        if (conf->text[i] < ' ' || conf->text[i] > '~')
            return "text has characters that cannot stand in a reply; write ASCII";
    return len > TEXT_MOST ? "text is longer than 300 characters; shorten it: it stands in a reply" : NULL;
}

static const struct conf_section rule_section = { .name = "rule",
                                                  .help = "what holds for one rule, whatever its file says",
                                                  .size = sizeof(struct rule_conf),
                                                  .keys = rule_keys,
                                                  .check = check_rule };

#undef AT
#define AT(member) offsetof(struct rules_conf, member)

const struct conf_key rules_keys[] = {
    { .name = "own",
      .type = CONF_BOOL,
      .at = AT(has_own),
      .initial = "yes",
      .help = "run the rules that come with Postern" },
    { .name = "files",
      .type = CONF_STRS,
      .at = AT(files),
      .help = "more rules, in SpamAssassin's language; * and ? may stand in names, which are read in the order of the "
              "alphabet: \"/usr/share/spamassassin/*.cf\". `postern config rules` tells what is not supported" },
    { .name = "scores",
      .type = CONF_ENUM,
      .at = AT(scores),
      .initial = "local",
      .least = "local net bayes both",
      .help = "which of a rule's four scores counts: local, for look-ups and Bayes are checks of their own; the "
              "others as SpamAssassin has them with look-ups, with Bayes, with both" },
    { .name = "scale",
      .type = CONF_POINTS,
      .at = AT(scale),
      .initial = "1.00",
      .least = "0.01",
      .most = "10.00",
      .help = "scores of files are multiplied by this; SpamAssassin's are made for mail to be tagged from 5 points" },
    { .name = "least",
      .type = CONF_POINTS,
      .at = AT(least),
      .initial = "-20.00",
      .most = "0",
      .help = "all rules together count no less than this: what others have found can then be certain before the "
              "message has been examined" },
    { .name = "most",
      .type = CONF_POINTS,
      .at = AT(most),
      .initial = "100.00",
      .least = "0",
      .help = "and no more than this" },
    { .name = "time",
      .type = CONF_MS,
      .at = AT(time_ms),
      .initial = "3s",
      .least = "10ms",
      .most = "60s",
      .help = "how long rules may take for one message: those that are left are skipped, and a message of less than 10 "
              "MB has less" },
    { .name = "rule",
      .type = CONF_SECTIONS,
      .at = AT(rules),
      .section = &rule_section,
      .help = "what holds for one rule, whatever its file says" },
    { 0 },
};

const struct conf_section rules_section = {
    .name = "rules",
    .help = "what the message says, by rules in SpamAssassin's language",
    .size = sizeof(struct rules_conf),
    .keys = rules_keys,
};

struct ruleset *rules_conf_load(struct arena *a, const struct rules_conf *conf, const char **wrong)
{
    const struct ruleset_options options = {
        .has_net = conf->scores == SCORES_NET || conf->scores == SCORES_BOTH,
        .has_bayes = conf->scores == SCORES_BAYES || conf->scores == SCORES_BOTH,
        .has_shipped = conf->has_own,
        .scale = conf->scale,
        .find_eval = eval_find,
        .has_plugin = eval_has_plugin,
        .said = conf->rules.items,
        .said_count = conf->rules.count,
    };

    return ruleset_load(a, conf->files.items, conf->files.count, &options, wrong);
}

bool rules_conf_action(const struct rule *rule, enum action *action, const char **text)
{
    static const enum action actions[] = {
        [RULE_TAGS] = ACTION_TAG,       [RULE_DEFERS] = ACTION_DEFER,     [RULE_QUARANTINES] = ACTION_QUARANTINE,
        [RULE_REJECTS] = ACTION_REJECT, [RULE_DISCARDS] = ACTION_DISCARD,
    };
    const struct rule_conf *conf = rule->said;

    if (!conf || conf->action == RULE_SCORES || conf->mode < MODE_TAG)
        return false;
    *action = conf->mode == MODE_TAG ? ACTION_TAG : actions[conf->action];
    *text = conf->text[0] ? conf->text : NULL;
    return true;
}

void rules_conf_bounds(const struct ruleset *set, struct bounds *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];
        enum action action;
        const char *text;

        if (rule->state != RULE_ACTIVE)
            continue;
        *(rule->points < 0 ? &out->least : &out->most) += rule->points;
        if (!rules_conf_action(rule, &action, &text))
            continue;
        out->may_force_reject = true;
        out->may_force_discard |= action == ACTION_DISCARD;
    }
}
