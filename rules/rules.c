/* rules/rules.c - the check "rules": a set of rules over the message, and why each of them has hit.
 *
 * open() reads the files and compiles the patterns; the sieve that makes them cheap (rules/sieve/sieve_file.h) comes by
 * upkeep when it is ready, without a restart, and until then mail is filtered all the same. What all rules together
 * count is kept within bounds, so that a verdict can be certain before they have been run; a symbol says so when that
 * takes something away.
 *
 * Threads: run() on any worker; the state does not change between open() and close(), but for the sieve, which
 * rules/sieve/matcher.c publishes. Memory: the module's.
 */
#include "rules/rules.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "rules/evaluate.h"
#include "rules/meta.h"
#include "rules/rules_conf.h"
#include "rules/settings.h"
#include "rules/sieve/sieve_file.h"

enum {
    UPKEEP_MS = 500,
    SETTLE_MS = 20 * 1000, /* before a child is started that takes half a minute of a processor */
    FAULTS_BYTES = 64 * 1024,
    SHOWN_BYTES = 100,
    USES_SHOWN_MAX = 8,
    LEAST_MS = 500, /* for the smallest message */
    MS_PER_MB = 250,
};

struct rules_state {
    struct matcher *matcher;
    struct rule_order order;
    struct sieve_file *file; /* NULL: the sieve is here, or will never be */
    bool has_looked;         /* for the file */
    int64_t started_ms;      /* when it has looked first */
};

enum { LEFT_OUT, CAPPED, MORE, SHORTCIRCUIT };

static const struct symbol symbols[] = {
    [LEFT_OUT] = { "RULES_LEFT_OUT", 0, "rules that were not run to their end: they took too long" },
    [CAPPED] = { "RULES_CAPPED", 0, "rules count more, or less, than all of them may: the difference" },
    [MORE] = { "RULES_MORE", 0, "more rules have hit than can be listed: what the others count" },
    [SHORTCIRCUIT] = { "SHORTCIRCUIT", 0, "a rule has ended the examination (shortcircuit)" },
    { 0 },
};

/* ---- life ---- */

static void tell_faults(const struct strbuf *faults)
{
    struct span rest = strbuf_span(faults), line;

    while (span_cut(&rest, '\n', &line))
        if (line.len)
            log_warn("rules", "%.*s", SPAN_ARG(line));
}

/* The rest is for `postern config rules`: rules of others have much that we do not do. */
static void add_refused(const struct ruleset *set, struct strbuf *faults)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];

        if (rule->state == RULE_UNSUPPORTED && span_starts(span_of(rule->why), SPAN(RULE_REFUSED)))
            strbuf_putf(faults, "%s:%u: %s: %s\n", rule->file, rule->line, rule->name, rule->why);
    }
}

static const char *rules_open(struct arena *a, void *values)
{
    struct rules_conf *conf = values;
    struct strbuf faults;
    const char *wrong = NULL;

    conf->set = rules_conf_load(a, conf, &wrong);
    if (!conf->set)
        return wrong;
    strbuf_init(&faults, FAULTS_BYTES);
    conf->state = arena_alloc(a, sizeof *conf->state);
    conf->state->matcher = matcher_new(conf->set, &faults);
    conf->state->order = rule_order(a, conf->set, conf->state->matcher);
    add_refused(conf->set, &faults);
    tell_faults(&faults);
    strbuf_release(&faults);
    return NULL;
}

static void rules_close(void *values)
{
    struct rules_conf *conf = values;

    if (!conf->state)
        return;
    sieve_file_free(conf->state->file);
    matcher_free(conf->state->matcher);
    conf->state = NULL;
}

static enum step rules_upkeep(struct inquiry *q)
{
    const struct rules_conf *conf = q->conf;
    struct rules_state *state = conf->state;
    struct sieve *sieve = NULL;

    if (!state->has_looked) {
        state->file = sieve_file_new(state->matcher, conf->set, NULL);
        state->started_ms = clock_mono_ms();
    }
    state->has_looked = true;
    if (!state->file)
        return STEP_DONE;
    bool may_compile = clock_mono_ms() - state->started_ms >= SETTLE_MS;
    enum sieve_news news = sieve_file_turn(state->file, q->state, may_compile, &sieve);

    if (news == SIEVE_HERE)
        matcher_use(state->matcher, sieve);
    if (news != SIEVE_TO_COME) {
        sieve_file_free(state->file);
        state->file = NULL;
    }
    return STEP_DONE;
}

/* Of a rule that says by `shortcircuit` that mail is spam, or is none. */
static int shortcut_points(const struct rules_conf *conf, enum rule_shortcut shortcut)
{
    int points = shortcut == SHORTCUT_HAM    ? conf->set->settings->shortcircuit_ham
                 : shortcut == SHORTCUT_SPAM ? conf->set->settings->shortcircuit_spam
                                             : 0;

    return (int)((int64_t)points * conf->scale / 100);
}

static void rules_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct rules_conf *conf = values;
    int least = 0, most = 0;

    (void)points;
    if (conf->set)
        rules_conf_bounds(conf->set, out);
    for (size_t i = 0; conf->set && i < conf->set->count; i++) {
        int cut = shortcut_points(conf, conf->set->rules[i].shortcut);

        least = cut < least ? cut : least;
        most = cut > most ? cut : most;
    }
    out->least += least;
    out->most += most;
    out->least = out->least < conf->least ? conf->least : out->least;
    out->most = out->most > conf->most ? conf->most : out->most;
}

/* ---- why ---- */

struct reporting {
    struct inquiry *q;
    const struct scanning *s;
    const struct rule **hit; /* that count, or that are of mode shadow */
    size_t count;
    int sum;
};

/* A rule of others has hit because these have. */
static const char *uses_text(const struct reporting *r, const struct rule *meta)
{
    const struct rule *used;
    const char *text = "";
    size_t at = 0, shown = 0;

    while ((used = meta_uses(r->s->set, meta, &at))) {
        if (!r->s->hits[used->index])
            continue;
        if (shown++ == USES_SHOWN_MAX)
            return arena_printf(r->q->arena, "%s, ...", text);
        text = arena_printf(r->q->arena, "%s%s%s", text, shown > 1 ? ", " : "", used->name);
    }
    return text;
}

static const char *reason(const struct reporting *r, const struct rule *rule)
{
    struct span shown = span_first(r->s->shown[rule->index], SHOWN_BYTES);
    const char *uses = rule->kind == RULE_META ? uses_text(r, rule) : "";
    const char *text = rule->describe[0] ? rule->describe : "no description";

    if (shown.len)
        return arena_printf(r->q->arena, "%s: \"%.*s\"", text, SPAN_ARG(shown));
    return uses[0] ? arena_printf(r->q->arena, "%s (%s)", text, uses) : text;
}

static bool is_shadow(const struct rule *rule)
{
    return rule->said && rule->said->mode == MODE_SHADOW;
}

static int weight(const struct rule *rule)
{
    return rule->points < 0 ? -rule->points : rule->points;
}

static int by_weight(const void *left, const void *right)
{
    const struct rule *a = *(const struct rule *const *)left, *b = *(const struct rule *const *)right;

    if (weight(a) != weight(b))
        return weight(a) > weight(b) ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void collect(struct reporting *r)
{
    const struct ruleset *set = r->s->set;

    r->hit = arena_alloc(r->q->arena, (set->count + 1) * sizeof *r->hit);
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *rule = &set->rules[i];

        if (r->s->hits[i] && rule->state == RULE_ACTIVE && !rule->is_sub && (rule->points || rule->said))
            r->hit[r->count++] = rule;
    }
    qsort(r->hit, r->count, sizeof *r->hit, by_weight);
}

static void report_one(struct reporting *r, const struct rule *rule)
{
    enum mode mode = rule->said ? (enum mode)rule->said->mode : MODE_ENFORCE;

    finding_name_as(r->q, rule->name, rule->points, mode, "%s", reason(r, rule));
}

static void demand(struct reporting *r)
{
    enum action action;
    const char *text;

    for (size_t i = 0; i < r->count; i++)
        if (rules_conf_action(r->hit[i], &action, &text))
            finding_force_for(r->q, r->hit[i]->name, action, text);
}

/* Bayes' own rules, the user's, and those that say so. */
static bool is_untaught(const struct rule *rule)
{
    return rule->tflags & (RULE_LEARN | RULE_USERCONF | RULE_NOAUTOLEARN);
}

/* The room for findings is kept for the weightiest, and for the symbols of the check itself. */
static void report(struct reporting *r)
{
    enum { LISTED_MAX = FINDINGS_MAX - 5 };
    int more = 0;

    r->q->evidence->rules_untaught = 0;
    for (size_t i = 0; i < r->count; i++) {
        r->sum += is_shadow(r->hit[i]) ? 0 : r->hit[i]->points;
        if (is_untaught(r->hit[i]) && !is_shadow(r->hit[i]))
            r->q->evidence->rules_untaught += r->hit[i]->points;
        if (i < LISTED_MAX)
            report_one(r, r->hit[i]);
        else
            more += is_shadow(r->hit[i]) ? 0 : r->hit[i]->points;
    }
    if (r->count > LISTED_MAX)
        finding_weigh(r->q, MORE, more, "%zu more rules", r->count - LISTED_MAX);
    demand(r);
}

static void report_bounds(struct reporting *r)
{
    const struct rules_conf *conf = r->q->conf;
    int bounded = r->sum < conf->least ? conf->least : r->sum > conf->most ? conf->most : r->sum;

    if (bounded != r->sum)
        finding_weigh(r->q, CAPPED, bounded - r->sum, "together they come to %d.%02d", r->sum / 100, abs(r->sum % 100));
}

static void report_trouble(struct inquiry *q, const struct evaluation *e)
{
    if (e->first_skipped)
        finding_add(q, LEFT_OUT, "the time was up: %zu rules from %s on were skipped", e->skipped,
                    e->first_skipped->name);
    for (size_t i = 0; i < e->given_up_count; i++) {
        const struct rule *rule = e->given_up[i];

        finding_add(q, LEFT_OUT, "%s took too long", rule->name);
        finding_alarm(q, arena_printf(q->arena, "rules/%s", rule->name),
                      "%s:%u: %s takes too long for some mail, and counts nothing there", rule->file, rule->line,
                      rule->name);
    }
}

static void report_shortcut(struct reporting *r, const struct rule *rule)
{
    int points;

    if (!rule)
        return;
    points = shortcut_points(r->q->conf, rule->shortcut);
    r->sum += points;
    if (rule->said && rule->said->mode == MODE_TAG)
        finding_name_as(r->q, symbols[SHORTCIRCUIT].name, points, MODE_TAG, "%s", rule->name);
    else
        finding_weigh(r->q, SHORTCIRCUIT, points, "%s", rule->name);
}

/* ---- run ---- */

/* A large message may take longer, up to the limit. */
static int64_t time_us(const struct rules_conf *conf, size_t bytes)
{
    int64_t fair = (LEAST_MS + (int64_t)(bytes >> 20) * MS_PER_MB) * 1000;
    int64_t most = conf->time_ms * 1000LL;

    return fair < most ? fair : most;
}

static enum step rules_run(struct inquiry *q)
{
    const struct rules_conf *conf = q->conf;
    const struct rules_state *state = conf->state;
    struct scanning scanning;
    struct evaluation evaluation;
    struct reporting r = { .q = q, .s = &scanning };

    if (!state->order.count)
        return STEP_DONE;
    scanning_begin(&scanning, q, conf->set, state->matcher, clock_mono_us() + time_us(conf, q->message->bytes.len));
    evaluate(&scanning, &state->order, &evaluation);
    collect(&r);
    report(&r);
    report_shortcut(&r, evaluation.shortcut);
    report_bounds(&r);
    report_trouble(q, &evaluation);
    return STEP_DONE;
}

const struct check_module rules_module = {
    .section = &rules_section,
    .symbols = symbols,
    .run = rules_run,
    .bounds = rules_bounds,
    .open = rules_open,
    .close = rules_close,
    .upkeep = rules_upkeep,
    .upkeep_ms = UPKEEP_MS,
};
