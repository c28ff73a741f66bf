/* rules/evaluate.c - a set's rules run over one message.
 *
 * The texts of a group of rules are put together, and sifted, when the first of them comes: texts of many pieces in
 * stretches of some pieces each. Only what passes the sieve is tried, on the pieces of those stretches. So a message
 * costs one pass for each kind of text, and little for each rule that might hit. Sub-rules whose patterns are tried
 * come last, and only if it matters.
 */
#include "rules/evaluate.h"

#include <limits.h>

#include "gateway/base/clock.h"
#include "rules/captures.h"
#include "rules/eval/eval.h"
#include "rules/meta.h"
#include "rules/rule_text.h"

/* Some patterns are quadratic in a piece, and no count of PCRE2's sees it: a rule has so much of the processor for a
 * message, and is looked after each time that it has gone through so many bytes, of which a piece costs some itself. */
enum { RULE_US_MAX = 30000, LOOK_AFTER_BYTES = 16384, BYTES_OF_PIECE = 64, LOOK_AFTER_HITS = 256 };

struct evaluating {
    struct scanning *s;
    int64_t rule_until_us; /* of this thread's processor time; 0: it has not been looked at yet */
    struct evaluation *out;
    struct rule_text *texts; /* by group */
    bool *is_sifted;         /* by group: what cannot match its text is known */
    uint32_t *maybe;         /* by rule index: a bit for each stretch of its text in which it may match */
    unsigned *waiting;       /* by rule index: put off, and how often it may hit */
    size_t waiting_count;
    bool is_cut; /* the time was up in the middle of a rule */
    struct captures captures;
};

/* ---- patterns ---- */

static struct rule_text *text_of(struct evaluating *e, const struct matcher_group *group)
{
    struct rule_text *text = &e->texts[group->index];

    if (text->is_ready)
        return text;
    rule_text_make(e->s, group, text);
    rule_text_sift(e->s, group, text, e->maybe);
    e->is_sifted[group->index] = !text->is_absent;
    return text;
}

static bool is_late(const struct evaluating *e)
{
    return clock_mono_us() >= e->s->until_us;
}

/* The rule at work is too slow, or the message is. */
static bool is_slow(struct evaluating *e)
{
    int64_t now_us = clock_thread_us();

    if (!e->rule_until_us)
        e->rule_until_us = now_us + RULE_US_MAX;
    return now_us >= e->rule_until_us || is_late(e);
}

/* A rule that the end of the time found at work is not to blame: it is skipped like all behind it. */
static void give_up(struct evaluating *e, const struct rule *rule)
{
    e->is_cut = is_late(e);
    if (!e->is_cut && e->out->given_up_count < GIVEN_UP_SHOWN_MAX)
        e->out->given_up[e->out->given_up_count++] = rule;
}

/* Where the next may begin. */
static size_t note_hit(struct evaluating *e, const struct rule *rule, struct span piece, struct span found,
                       unsigned *hits)
{
    if (!e->s->shown[rule->index].ptr)
        e->s->shown[rule->index] = found;
    if (rule->captures)
        captures_take(&e->captures, e->s->matcher, e->s->q->runner, rule, piece);
    ++*hits;
    return (piece.len ? (size_t)(found.ptr - piece.ptr) : 0) + (found.len ? found.len : 1);
}

/* How often it matches, up to `most`; false: it was given up. */
static bool count_in(struct evaluating *e, const struct rule *rule, struct span piece, unsigned most, unsigned *hits)
{
    struct scanning *s = e->s;
    size_t from = 0;

    while (*hits < most && from <= piece.len) {
        struct span found;
        enum match_result result = matcher_find(s->matcher, s->q->runner, rule, piece, from, s->until_us, &found);

        if (result == MATCH_NONE)
            return true;
        if (result == MATCH_GIVEN_UP || (*hits % LOOK_AFTER_HITS == LOOK_AFTER_HITS - 1 && is_slow(e)))
            return false;
        from = note_hit(e, rule, piece, found, hits);
    }
    return true;
}

static unsigned most_hits(const struct rule *rule)
{
    unsigned limit = rule->kind == RULE_MIMEHEADER ? 1000 : RULE_HITS_MAX;

    if (!(rule->tflags & RULE_MULTIPLE) || rule->is_negated)
        return 1;
    return rule->hits_most && rule->hits_most < limit ? rule->hits_most : limit;
}

static struct rule_lines some_of(struct rule_lines lines, size_t first, size_t end)
{
    lines.count = end < lines.count ? end : lines.count;
    first = first < lines.count ? first : lines.count;
    if (first) {
        lines.items += first;
        lines.count -= first;
    }
    return lines;
}

/* Which pieces it looks at: for parts, perhaps only those of certain numbers, or all in one. */
static struct rule_lines its_lines(struct evaluating *e, const struct rule *rule, struct rule_text *text)
{
    struct rule_lines lines = text->lines;

    if (rule->kind == RULE_MIMEHEADER && rule->tflags & RULE_RANGE)
        lines = some_of(lines, rule->range_first ? rule->range_first - 1 : 0, rule->range_last);
    if (rule->kind != RULE_MIMEHEADER || !(rule->tflags & RULE_CONCAT))
        return lines;
    if (rule->tflags & RULE_RANGE)
        return rule_text_single(e->s->q->arena, rule_text_join(e->s->q->arena, lines));
    if (!text->together.ptr)
        text->together = rule_text_join(e->s->q->arena, lines);
    return rule_text_single(e->s->q->arena, text->together);
}

/* How far a rule has come. */
struct trying {
    const struct rule *rule;
    unsigned most, hits;
    size_t unseen; /* since it was last looked after */
};

/* false: it takes too long. */
static bool try_lines(struct evaluating *e, struct trying *t, struct rule_lines lines)
{
    const struct rule *rule = t->rule;
    size_t least = matcher_least(e->s->matcher, rule);

    for (size_t i = 0; i < lines.count && t->hits < t->most; i++) {
        struct span piece = lines.items[i];

        if (rule->kind == RULE_MIMEHEADER && !piece.len)
            piece = span_of(rule->if_unset ? rule->if_unset : "");
        if (piece.len < least) /* of a text of empty lines that is nearly all that is to be done */
            continue;
        t->unseen += piece.len + BYTES_OF_PIECE;
        if (!count_in(e, rule, piece, t->most, &t->hits) || (t->unseen >= LOOK_AFTER_BYTES && is_slow(e)))
            return false;
        t->unseen = t->unseen < LOOK_AFTER_BYTES ? t->unseen : 0;
    }
    return true;
}

/* Only those in which it may match; for some not the subject, which is the first piece of all. */
static bool try_stretches(struct evaluating *e, struct trying *t, const struct rule_text *text)
{
    size_t first = t->rule->kind == RULE_BODY && t->rule->tflags & RULE_NOSUBJECT ? 1 : 0;

    for (size_t i = 0; i < text->stretch_count; first = text->stretch_ends[i++])
        if (e->maybe[t->rule->index] >> i & 1 && !try_lines(e, t, some_of(text->lines, first, text->stretch_ends[i])))
            return false;
    return true;
}

/* Only where it may begin. */
static bool try_starts(struct evaluating *e, struct trying *t, const struct rule_text *text,
                       const struct start_list *list, uint64_t bits)
{
    struct scanning *s = e->s;
    struct span found;
    size_t piece = t->rule->kind == RULE_BODY && t->rule->tflags & RULE_NOSUBJECT ? 1 : 0, from = 0;

    for (size_t i = 0; i < list->count && t->hits < t->most; i++) {
        const struct start *start = &list->items[i];

        if (!(start->bits & bits) || start->piece < piece || (start->piece == piece && start->at < from))
            continue;
        struct span text_of_it = text->lines.items[start->piece];
        enum match_result result = matcher_find_at(s->matcher, s->q->runner, t->rule, text_of_it, start->at, &found);

        t->unseen += BYTES_OF_PIECE;
        if (result == MATCH_GIVEN_UP || (t->unseen >= LOOK_AFTER_BYTES && is_slow(e)))
            return false;
        t->unseen = t->unseen < LOOK_AFTER_BYTES ? t->unseen : 0;
        piece = start->piece;
        from = start->at + 1;
        if (result == MATCH_FOUND)
            from = note_hit(e, t->rule, text_of_it, found, &t->hits);
    }
    return true;
}

static unsigned hits_in(struct evaluating *e, const struct rule *rule, struct rule_text *text)
{
    struct trying t = { .rule = rule, .most = most_hits(rule) };

    uint64_t bits;
    const struct start_list *list = starts_of(&text->starts, rule, &bits);
    bool is_done = list                 ? try_starts(e, &t, text, list, bits)
                   : text->stretch_ends ? try_stretches(e, &t, text)
                                        : try_lines(e, &t, its_lines(e, rule, text));

    if (is_done)
        return t.hits;
    give_up(e, rule);
    return rule->is_negated; /* so that it does not hit */
}

static unsigned hits_of_pattern(struct evaluating *e, const struct rule *rule)
{
    struct scanning *s = e->s;
    const struct matcher_group *group = matcher_group_of(s->matcher, rule);

    if (!group)
        return 0;
    e->rule_until_us = 0;
    struct rule_text *text = text_of(e, group);
    bool is_part = rule->kind == RULE_MIMEHEADER && (rule->if_unset || rule->tflags & RULE_CONCAT);
    unsigned hits = 0;

    if (text->is_absent && !rule->if_unset) {
        hits = matcher_takes_nothing(s->matcher, rule);
    } else if (text->is_absent) {
        if (!count_in(e, rule, span_of(rule->if_unset), most_hits(rule), &hits)) {
            give_up(e, rule);
            hits = rule->is_negated;
        }
    } else if (is_part || e->maybe[rule->index] ||
               (rule->kind == RULE_MIMEHEADER && matcher_takes_nothing(s->matcher, rule))) {
        hits = hits_in(e, rule, text);
    }
    return rule->is_negated ? !hits : hits;
}

/* With what others have captured, where there is something for each name; else it is not run. */
static unsigned hits_of_template(struct evaluating *e, const struct rule *rule)
{
    const char *pattern = captures_fill(&e->captures, rule);
    unsigned runner = e->s->q->runner;

    unsigned hits = pattern && matcher_swap(e->s->matcher, runner, rule, pattern) ? hits_of_pattern(e, rule) : 0;

    matcher_swap(e->s->matcher, runner, rule, NULL);
    return hits;
}

/* ---- rules ---- */

static unsigned hits_of(struct evaluating *e, const struct rule *rule)
{
    struct span value;

    if (rule->is_eval)
        return rule->eval.known ? rule->eval.known->run(e->s, rule) : 0;
    if (rule->is_exists)
        return scanning_header(e->s, rule->field, rule->form, &value) != rule->is_negated;
    return rule->template ? hits_of_template(e, rule) : hits_of_pattern(e, rule);
}

/* Those that cannot hit are passed over without a look at the clock. */
static bool is_sifted_out(const struct evaluating *e, const struct rule_step *step)
{
    return step->group && e->is_sifted[step->group - 1] && !e->maybe[step->index];
}

static bool waits(struct evaluating *e, const struct rule_order *order, const struct rule *rule)
{
    const struct matcher_group *group;

    if (!order->may_wait || !order->may_wait[rule->index] || !(group = matcher_group_of(e->s->matcher, rule)))
        return false;
    text_of(e, group);
    if (!e->maybe[rule->index]) /* it costs nothing */
        return false;
    e->waiting[rule->index] = most_hits(rule);
    e->waiting_count++;
    return true;
}

/* By rule index: the order's rules from `from` on, which have not been run. NULL: there are none. */
static bool *rules_from(struct evaluating *e, const struct rule_order *order, size_t from)
{
    bool *open = from < order->count ? arena_alloc(e->s->q->arena, e->s->set->count + 1) : NULL;

    for (size_t i = from; i < order->count; i++)
        open[order->rules[i]->index] = true;
    return open;
}

/* After all rules before `done`: a meta that has hit, and ends it. NULL: none has. */
static const struct rule *cut_by_meta(struct evaluating *e, const struct rule_order *order, size_t done)
{
    const struct ruleset *set = e->s->set;
    int priority = order->rules[done - 1]->priority, before = INT_MIN;
    bool has_any = false;

    for (size_t i = done; i-- > 0 && before == INT_MIN;)
        before = order->rules[i]->priority < priority ? order->rules[i]->priority : INT_MIN;
    for (size_t i = 0; i < order->cut_count && !has_any; i++)
        has_any = order->cuts[i].known_from <= priority && (order->cuts[i].known_from > before || before == INT_MIN);
    if (!has_any)
        return NULL;
    unsigned *hits = arena_alloc(e->s->q->arena, (set->count + 1) * sizeof *hits);

    memcpy(hits, e->s->hits, set->count * sizeof *hits);
    metas_evaluate(set, hits, rules_from(e, order, done), e->s->q->arena);
    for (size_t i = 0; i < order->cut_count; i++)
        if (hits[order->cuts[i].meta->index])
            return order->cuts[i].meta;
    return NULL;
}

/* Where the rules of that one's priority begin. */
static size_t first_of_priority(const struct rule_order *order, size_t i)
{
    while (i > 0 && order->rules[i - 1]->priority == order->rules[i]->priority)
        i--;
    return i;
}

static size_t skip_from(struct evaluating *e, const struct rule_order *order, size_t i)
{
    e->s->hits[order->rules[i]->index] = 0;
    e->out->first_skipped = order->rules[i];
    e->out->skipped = order->count - i;
    return i;
}

/* Runs what is no meta; returns how many of the rules are known, for metas. */
static size_t run_rules(struct evaluating *e, const struct rule_order *order)
{
    struct scanning *s = e->s;
    struct evaluation *out = e->out;

    for (size_t i = 0; i < order->count; i++) {
        const struct rule_step *step = &order->steps[i];
        const struct rule *rule = order->rules[i];

        if (is_sifted_out(e, step)) {
            s->hits[step->index] = step->is_negated;
        } else if (is_late(e)) {
            return skip_from(e, order, i);
        } else if (!waits(e, order, rule)) {
            s->hits[step->index] = hits_of(e, rule);
            if (e->is_cut)
                return skip_from(e, order, i);
        }
        if (s->hits[step->index] && rule->shortcut && !out->shortcut)
            out->shortcut = rule;
        if (out->shortcut && step->ends_kind)
            return first_of_priority(order, i);
        if (order->cut_count && step->ends_priority && (out->shortcut = cut_by_meta(e, order, i + 1)))
            return i + 1;
    }
    return order->count;
}

/* What has been put off and is not needed before the time is up is skipped, like what comes after `known`. */
static bool *skip_waiting(struct evaluating *e, bool *open, const struct rule *first)
{
    struct evaluation *out = e->out;

    open = open ? open : arena_alloc(e->s->q->arena, e->s->set->count + 1);
    for (size_t i = 0; i < e->s->set->count; i++)
        open[i] |= e->waiting[i] != 0;
    out->first_skipped = out->first_skipped ? out->first_skipped : first;
    out->skipped += e->waiting_count;
    return open;
}

/* Runs what has been put off, as far as metas need it; returns what nobody knows then. */
static const bool *run_waiting(struct evaluating *e, bool *open)
{
    struct scanning *s = e->s;
    struct metas_need *need = metas_need_new(s->set, s->hits, open, e->waiting, s->q->arena);
    const struct rule *rule;

    while ((rule = metas_need_next(need))) {
        if (is_late(e))
            return skip_waiting(e, open, rule);
        unsigned hits = hits_of(e, rule);

        if (e->is_cut)
            return skip_waiting(e, open, rule);
        s->hits[rule->index] = hits;
        metas_need_told(need, rule);
        e->waiting_count--;
    }
    return open;
}

void evaluate(struct scanning *s, const struct rule_order *order, struct evaluation *out)
{
    size_t groups;

    *out = (struct evaluation){ 0 };
    matcher_groups(s->matcher, &groups);
    struct evaluating e = { .s = s, .out = out, .captures = { .arena = s->q->arena } };

    e.texts = arena_alloc(s->q->arena, (groups + 1) * sizeof *e.texts);
    e.is_sifted = arena_alloc(s->q->arena, groups + 1);
    e.maybe = arena_alloc(s->q->arena, (s->set->count + 1) * sizeof *e.maybe);
    e.waiting = arena_alloc(s->q->arena, (s->set->count + 1) * sizeof *e.waiting);
    bool *open = rules_from(&e, order, run_rules(&e, order));

    if (s->set->meta_count)
        metas_evaluate(s->set, s->hits, e.waiting_count ? run_waiting(&e, open) : open, s->q->arena);
}
