/* rules/ruleset.c - rule files into a set of rules. */
#include "rules/ruleset.h"

#include <glob.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/core/run.h"
#include "rules/cf/cf.h"
#include "rules/cf/cf_settings.h"
#include "rules/meta_parts.h"
#include "rules/cf/shipped.h"

/* 4.0.1 is 4.000001. */
static double version_of(const char *text)
{
    struct span rest = span_of(text), part;
    double version = 0, unit = 1;

    while (span_cut(&rest, '.', &part)) {
        uint64_t number = 0;

        span_u64(part, 999, &number);
        version += (double)number * unit;
        unit /= 1000;
    }
    return version;
}

static struct cf *reading(struct arena *a, const struct ruleset_options *options)
{
    struct cf *cf = arena_alloc(a, sizeof *cf);

    cf->arena = a;
    cf->options = options;
    cf->language = options->language && options->language[0] ? options->language : "en_US";
    cf->version = version_of(options->version ? options->version : "4.0.1");
    cf->file = "";
    cf->tag_start = "<";
    cf->tag_end = ">";
    cf->settings = settings_new(a);
    names_init(&cf->names, a);
    names_init(&cf->compat, a);
    for (size_t i = 0; i < COUNT(cf->tags); i++)
        names_init(&cf->tags[i], a);
    cf_keys_init(cf);
    return cf;
}

/* ---- from drafts to rules ---- */

/* What one set of scores says of a rule that no score line names. */
static int usual_score(const struct rule *rule)
{
    int score = strncmp(rule->name, "T_", 2) == 0 ? 10 : 1000;

    return rule->tflags & RULE_NICE ? -score : score;
}

static int to_hundredths(int thousandths)
{
    return thousandths < 0 ? -((5 - thousandths) / 10) : (thousandths + 5) / 10;
}

static void finish_score(struct rule *rule, const struct ruleset_options *options)
{
    unsigned set = (options->has_net ? 1 : 0) + (options->has_bayes ? 2 : 0);
    int64_t scale = options->scale ? options->scale : 100;

    for (size_t i = 0; i < 4 && !rule->is_scored; i++)
        rule->scores[i] = usual_score(rule);
    rule->points = rule->is_sub ? 0 : to_hundredths((int)(rule->scores[set] * scale / 100));
    if (rule->state == RULE_ACTIVE && rule->scores[set] == 0)
        rule->state = RULE_OFF;
}

/* What gateway.conf says of single rules. One that is not there any more is no reason not to start. */
static void take_said(struct cf *cf)
{
    cf->file = "gateway.conf";
    cf->line = 0;
    for (size_t i = 0; i < cf->options->said_count; i++) {
        const struct rule_conf *said = &cf->options->said[i];
        size_t number = names_find(&cf->names, span_of(said->title));

        if (number == NAMES_NONE || (!cf->drafts[number].is_defined && !cf->drafts[number].skipped_for))
            cf_note(cf, "rule \"%s\" is said something of, and there is none", said->title);
        else
            cf->drafts[number].rule.said = said;
    }
}

/* A name that is misspelt says nothing of any rule. */
static void note_scores_of_nobody(struct cf *cf)
{
    for (size_t i = 0; i < cf->names.count; i++) {
        const struct draft *draft = &cf->drafts[i];

        if (draft->is_defined || draft->skipped_for || !draft->scored_file)
            continue;
        cf->file = draft->scored_file;
        cf->line = draft->scored_line;
        cf_note(cf, "there is no rule %s that this could be the score of", draft->rule.name);
    }
}

static void heed_said(struct rule *rule)
{
    const struct rule_conf *said = rule->said;

    if (!said || rule->state == RULE_UNSUPPORTED)
        return;
    if (said->score.is_said) {
        rule->points = said->score.points;
        rule->state = rule->points ? RULE_ACTIVE : RULE_OFF;
    }
    if (said->action != FORCE_NOTHING)
        rule->state = RULE_ACTIVE; /* a score of 0 switches off; not what is there for its action */
    if (said->mode == MODE_OFF)
        rule->state = RULE_OFF;
    if (said->mode < MODE_TAG)
        rule->shortcut = SHORTCUT_NONE; /* it is only watched: others go on */
}

/* NULL, or why the pattern cannot be used. */
static const char *replace_tags(struct cf *cf, struct rule *rule, const char *pattern)
{
    const char *wrong = "the pattern with its tags replaced is longer than 64 KiB";

    for (int with_calls = 0; wrong && with_calls < 2; with_calls++) {
        const char *replaced = cf_replace(cf, pattern, with_calls);

        if (replaced)
            wrong = cf_pattern_convert(cf->arena, span_of(replaced), rule->options, &rule->pattern);
    }
    return wrong;
}

static const char *finish_pattern(struct cf *cf, struct draft *draft)
{
    struct rule *rule = &draft->rule;
    struct span pattern;
    const char *wrong = cf_pattern_split(cf->arena, span_of(draft->text), &pattern, &rule->options);

    if (wrong)
        return wrong;
    if (draft->is_replaced)
        wrong = replace_tags(cf, rule, arena_dup(cf->arena, pattern));
    else
        wrong = cf_pattern_convert(cf->arena, pattern, rule->options, &rule->pattern);
    return wrong ? wrong : cf_capture(cf->arena, rule);
}

/* A rule in a block that is not read, and nowhere else. */
static void finish_skipped(struct cf *cf, struct draft *draft)
{
    struct rule *rule = &draft->rule;

    rule->kind = RULE_BODY;
    rule->file = draft->skipped_file;
    rule->line = draft->skipped_line;
    rule->is_sub = strncmp(rule->name, "__", 2) == 0;
    rule->state = RULE_UNSUPPORTED;
    rule->why = arena_printf(cf->arena, "it is for a plugin that is not supported: %s", draft->skipped_for);
}

static void finish_rule(struct cf *cf, struct draft *draft)
{
    struct rule *rule = &draft->rule;
    const char *wrong = NULL;

    if (!draft->is_defined)
        finish_skipped(cf, draft);
    else if (rule->state == RULE_ACTIVE && rule->kind != RULE_META && draft->text)
        wrong = finish_pattern(cf, draft);
    if (wrong) {
        rule->state = RULE_UNSUPPORTED;
        rule->why = wrong;
    }
    finish_score(rule, cf->options);
    heed_said(rule);
}

/* In the order of their definition; then those that are told of only where lines are skipped. */
static size_t *in_order(struct cf *cf, size_t *count)
{
    size_t *order = arena_alloc(cf->arena, (cf->names.count + 1) * sizeof *order);

    *count = cf->definitions;
    for (size_t i = 0; i < cf->names.count; i++) {
        if (cf->drafts[i].is_defined)
            order[cf->drafts[i].order] = i;
        else if (cf->drafts[i].skipped_for)
            order[(*count)++] = i;
    }
    return order;
}

static struct ruleset *finish(struct cf *cf)
{
    struct ruleset *set = arena_alloc(cf->arena, sizeof *set);
    size_t *order = in_order(cf, &set->count);
    const char **texts = arena_alloc(cf->arena, (set->count + 1) * sizeof *texts);

    note_scores_of_nobody(cf);
    take_said(cf);
    set->rules = arena_alloc(cf->arena, (set->count + 1) * sizeof *set->rules);
    set->names = arena_alloc(cf->arena, sizeof *set->names);
    names_init(set->names, cf->arena);
    for (size_t i = 0; i < set->count; i++) {
        struct draft *draft = &cf->drafts[order[i]];

        finish_rule(cf, draft);
        set->rules[i] = draft->rule;
        set->rules[i].index = (unsigned)i;
        names_add(set->names, span_of(draft->rule.name));
        texts[i] = draft->text;
    }
    cf_capture_refuse(set, cf->arena);
    metas_compile(set, texts, cf->options->has_net, cf->arena);
    for (size_t i = 0; i < set->count; i++) {
        set->active += set->rules[i].state == RULE_ACTIVE;
        set->unsupported += set->rules[i].state == RULE_UNSUPPORTED;
    }
    settings_index(cf->arena, cf->settings);
    set->settings = cf->settings;
    cf_keys_note(cf);
    set->notes = cf->notes;
    set->note_count = cf->note_count;
    return set;
}

/* ---- files ---- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_glob(struct cf *cf, const char *pattern, const char **wrong)
{
    glob_t found;

    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0 || !found.gl_pathc) {
        *wrong = arena_printf(cf->arena, "there is no file %s: mend its name, or take it out", pattern);
        return false;
    }
    bool is_read = true;

    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
    for (size_t i = 0; is_read && i < found.gl_pathc; i++)
        is_read = cf_read(cf, found.gl_pathv[i], wrong);
    globfree(&found);
    return is_read;
}

struct ruleset *ruleset_load(struct arena *a, const char *const *files, size_t count,
                             const struct ruleset_options *options, const char **wrong)
{
    struct cf *cf = reading(a, options);

    for (size_t i = 0; options->has_shipped && i < shipped_count; i++)
        cf_text(cf, shipped_files[i].name, shipped_files[i].text);
    for (size_t i = 0; i < count; i++)
        if (!read_glob(cf, files[i], wrong))
            return NULL;
    return finish(cf);
}

struct ruleset *ruleset_load_text(struct arena *a, const char *name, struct span text,
                                  const struct ruleset_options *options)
{
    struct cf *cf = reading(a, options);

    cf_text(cf, name, text);
    return finish(cf);
}

const struct rule *ruleset_find(const struct ruleset *set, struct span name)
{
    size_t number = names_find(set->names, name);

    return number == NAMES_NONE ? NULL : &set->rules[number];
}
