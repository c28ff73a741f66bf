/* rules/rules_conf.c - the configuration of the check "rules". */
#include "rules/rules_conf.h"

#include "gateway/core/symbol_conf.h"
#include "rules/eval/eval.h"

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
    FORCE_KEY(AT(action), "in which it hits"),
    REPLY_TEXT_KEY(AT(text)),
    { 0 },
};

static const char *check_rule(struct arena *a, void *values)
{
    const struct rule_conf *conf = values;

    (void)a;
    return reply_text_wrong(conf->text);
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
    const struct rule_conf *conf = rule->said;

    if (!conf || !force_action(conf->action, (enum mode)conf->mode, action))
        return false;
    *text = conf->text[0] ? conf->text : NULL;
    return true;
}

void rules_conf_bounds(const struct ruleset *set, struct bounds *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];

        if (rule->state != RULE_ACTIVE)
            continue;
        *(rule->points < 0 ? &out->least : &out->most) += rule->points;
        if (rule->said)
            force_bounds(rule->said->action, (enum mode)rule->said->mode, out);
    }
}
