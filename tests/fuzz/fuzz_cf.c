/* tests/fuzz/fuzz_cf.c - whole rule files: they never fail, each rule that is active can be run, and what is not says
 * why.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "gateway/base/bug.h"
#include "rules/eval/eval.h"
#include "rules/meta.h"
#include "rules/ruleset.h"
#include "rules/settings.h"

static void look_at_pattern(const struct rule *rule)
{
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)rule->pattern, PCRE2_ZERO_TERMINATED,
                                     rule->options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &error, &at, NULL);

    if (!code)
        BUG("rule %s is active, and its pattern cannot be compiled: %s", rule->name, rule->pattern);
    pcre2_code_free(code);
}

static void look_at_rule(const struct ruleset *set, const struct rule *rule)
{
    if (ruleset_find(set, span_of(rule->name)) != rule)
        BUG("rule %s is not found", rule->name);
    if (!rule->file || (rule->state == RULE_UNSUPPORTED) != (rule->why != NULL))
        BUG("rule %s: state %d, because of %s", rule->name, (int)rule->state, rule->why);
    if (rule->state != RULE_ACTIVE)
        return;
    if (rule->is_eval ? !rule->eval.known : rule->kind == RULE_META ? !rule->meta : !rule->is_exists && !rule->pattern)
        BUG("rule %s is active, and is nothing", rule->name);
    if ((rule->kind == RULE_HEADER || rule->kind == RULE_MIMEHEADER) && !rule->is_eval && !rule->field)
        BUG("rule %s has no field", rule->name);
    if (rule->pattern)
        look_at_pattern(rule);
}

static void look_at_settings(const struct ruleset_settings *s)
{
    struct addr a;
    size_t at = 0;

    addr_parse(SPAN("192.0.2.1"), &a);
    net_rules_have(&s->trusted, &a);
    net_rules_have(&s->internal, &a);
    while (addresses_match(settings_addresses(s, "welcomelist_from"), SPAN("a.b@c.d.example.com"), &at))
        ;
    for (size_t i = 0; i < words_count(settings_words(s, "freemail_domains")); i++)
        if (!words_have(settings_words(s, "freemail_domains"),
                        span_of(words_at(settings_words(s, "freemail_domains"), i)), NULL))
            BUG("a word is not found");
}

/* The first byte says which rules have hit. */
static void evaluate(const struct ruleset *set, uint8_t every, struct arena *a)
{
    unsigned *hits = arena_alloc(a, (set->count + 1) * sizeof *hits);

    for (size_t i = 0; i < set->count; i++)
        hits[i] = set->rules[i].state == RULE_ACTIVE && !set->rules[i].meta && every && i % every == 0;
    metas_evaluate(set, hits, NULL, a);
    for (size_t i = 0; i < set->count; i++)
        if (hits[i] && set->rules[i].state != RULE_ACTIVE)
            BUG("rule %s has hit, and is not active", set->rules[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ruleset_options options = { .has_net = size && data[0] & 1,
                                             .find_eval = eval_find,
                                             .has_plugin = eval_has_plugin };
    struct arena arena;

    if (!size)
        return 0;
    arena_init(&arena, 1 << 24);
    const struct ruleset *set =
        ruleset_load_text(&arena, "fuzz.cf", span_make((const char *)data + 1, size - 1), &options);
    size_t active = 0, unsupported = 0;

    for (size_t i = 0; i < set->count; i++) {
        look_at_rule(set, &set->rules[i]);
        active += set->rules[i].state == RULE_ACTIVE;
        unsupported += set->rules[i].state == RULE_UNSUPPORTED;
    }
    if (active != set->active || unsupported != set->unsupported || set->note_count > RULESET_NOTES_MAX)
        BUG("it has miscounted");
    look_at_settings(set->settings);
    evaluate(set, data[0], &arena);
    arena_release(&arena);
    return 0;
}
