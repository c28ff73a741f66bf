/* scanners/dnsbl_count.c - what the lists' answers count.
 *
 * A list counts once, by the answer that counts most, about whomever; bits count each, once. What it says besides is
 * recorded with 0 points, so that nobody wonders.
 */
#include "scanners/dnsbl_survey.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { EXPLANATION_MAX = 200 };

/* What was told of a list in this run: a rule about a subject is told once. */
struct told {
    bool of[DNSBL_RULES_MAX][DNSBL_SUBJECTS];
};

static const struct addr *record_for(const struct dnsbl_rule *rule, const struct dns_answer *a)
{
    for (size_t k = 0; a && k < a->count; k++)
        if (dnsbl_match_has(&rule->match, &a->records[k].ip))
            return &a->records[k].ip;
    return NULL;
}

/* The answer about a subject, if there is one that may be believed. */
static const struct dns_answer *listing(struct dnsbl_survey *s, size_t i, enum dnsbl_subject subject)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);

    if (!s->views[i].is_trusted || !dnsbl_is_asked_about(s, zone, subject))
        return NULL;
    const struct dns_answer *a = dnsbl_look(s, zone, subject, DNS_A);

    return a && a->state == DNS_OK ? a : NULL;
}

/* Which subjects an allow list with `stops` vouches for. */
static void find_allowed(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);

    for (enum dnsbl_subject subject = 0; subject < DNSBL_SUBJECTS; subject++) {
        const struct dns_answer *a = listing(s, i, subject);

        for (size_t r = 0; r < zone->rule_count; r++)
            s->is_allowed[subject] |= zone->rules[r].points < 0 && record_for(&zone->rules[r], a);
    }
}

static bool may_count(const struct dnsbl_survey *s, const struct dnsbl_rule *rule, enum dnsbl_subject subject)
{
    return rule->points < 0 || !s->is_allowed[subject];
}

/* The list's own words, or "" when it has none, or is not to be asked for them. */
static const char *explanation(struct dnsbl_survey *s, const struct dnsbl_zone *zone, enum dnsbl_subject subject)
{
    const struct dns_answer *a = zone->explain ? dnsbl_look(s, zone, subject, DNS_TXT) : NULL;

    if (!a || a->state != DNS_OK || a->count == 0)
        return "";
    struct span text = span_first(a->records[0].data, EXPLANATION_MAX);

    return arena_printf(s->q->arena, ": %.*s", SPAN_ARG(text));
}

static void tell(struct dnsbl_survey *s, size_t i, size_t r, enum dnsbl_subject subject, int points, struct told *told)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    const struct dnsbl_rule *rule = &zone->rules[r];
    const struct addr *by = record_for(rule, listing(s, i, subject));
    char text[ADDR_TEXT_MAX];

    if (!by || told->of[r][subject])
        return;
    told->of[r][subject] = true;
    finding_name(s->q, rule->symbol, points, "%s is listed by %s (%s)%s", s->who[subject].shown, zone->title,
                 addr_text(by, text), explanation(s, zone, subject));
}

struct best {
    size_t rule;
    enum dnsbl_subject subject;
    int points;
    bool is_any;
};

static bool is_better(const struct best *best, int points)
{
    return !best->is_any || abs(points) > abs(best->points);
}

/* One finding for the list as a whole: the answer that counts most. */
static void count_best(struct dnsbl_survey *s, size_t i, struct told *told)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    struct best best = { 0 };

    for (enum dnsbl_subject subject = 0; subject < DNSBL_SUBJECTS; subject++) {
        const struct dns_answer *a = listing(s, i, subject);

        for (size_t r = 0; r < zone->rule_count && a; r++) {
            const struct dnsbl_rule *rule = &zone->rules[r];

            if (rule->match.kind != DNSBL_MATCH_MASK && may_count(s, rule, subject) && is_better(&best, rule->points) &&
                record_for(rule, a))
                best = (struct best){ r, subject, rule->points, true };
        }
    }
    if (best.is_any)
        tell(s, i, best.rule, best.subject, best.points, told);
}

/* The finding bears the points of its first telling, so a subject about whom the bit may count goes first. */
static void count_bits(struct dnsbl_survey *s, size_t i, struct told *told)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);

    for (size_t r = 0; r < zone->rule_count; r++)
        for (enum dnsbl_subject subject = 0; subject < DNSBL_SUBJECTS; subject++)
            if (zone->rules[r].match.kind == DNSBL_MATCH_MASK && may_count(s, &zone->rules[r], subject))
                tell(s, i, r, subject, zone->rules[r].points, told);
}

static void count_hits(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    struct told told = { 0 };

    count_best(s, i, &told);
    count_bits(s, i, &told);
    for (size_t r = 0; r < zone->rule_count; r++)
        for (enum dnsbl_subject subject = 0; subject < DNSBL_SUBJECTS; subject++)
            tell(s, i, r, subject, 0, &told);
}

static void count_state(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    const struct dnsbl_view *view = &s->views[i];

    if (view->is_aside && view->asked)
        finding_add(s->q, DNSBL_SYMBOL_ASIDE, "%s was not asked: it %s", zone->title, zone->health->why);
    if (view->is_refused)
        finding_add(s->q, DNSBL_SYMBOL_BLOCKED, "%s %s", zone->title, dnsbl_verdict_text(DNSBL_REFUSED));
    if (view->is_nonsense)
        finding_add(s->q, DNSBL_SYMBOL_BROKEN, "%s %s", zone->title, dnsbl_verdict_text(DNSBL_NONSENSE));
    else if (view->is_tested && (view->test == DNSBL_ALL || view->test == DNSBL_EMPTY))
        finding_add(s->q, DNSBL_SYMBOL_BROKEN, "%s %s", zone->title, dnsbl_verdict_text(view->test));
    if (view->silent)
        finding_add(s->q, DNSBL_SYMBOL_SILENT, "%s %s", zone->title, dnsbl_verdict_text(DNSBL_SILENT));
}

static bool is_trusted(const struct dnsbl_view *view)
{
    return !view->is_aside && !view->is_refused && !view->is_nonsense &&
           (!view->is_tested || view->test == DNSBL_FINE || view->test == DNSBL_SILENT);
}

void dnsbl_count(struct dnsbl_survey *s)
{
    size_t count = s->conf->zones.count;

    for (size_t i = 0; i < count; i++) {
        s->views[i].is_trusted = is_trusted(&s->views[i]);
        if (dnsbl_zone_at(s->conf, i)->stops)
            find_allowed(s, i);
    }
    for (size_t i = 0; i < count; i++) {
        count_state(s, i);
        count_hits(s, i);
    }
}

/* ---- bounds */

static bool is_first_of_symbol(const struct dnsbl_zone *zone, size_t r)
{
    for (size_t i = 0; i < r; i++)
        if (strcmp(zone->rules[i].symbol, zone->rules[r].symbol) == 0)
            return false;
    return true;
}

static void zone_bounds(const struct dnsbl_zone *zone, struct bounds *out)
{
    int least = 0, most = 0;

    for (size_t r = 0; r < zone->rule_count; r++) {
        int points = zone->rules[r].points;

        if (zone->rules[r].match.kind != DNSBL_MATCH_MASK) {
            least = points < least ? points : least;
            most = points > most ? points : most;
        } else if (is_first_of_symbol(zone, r)) {
            *(points < 0 ? &out->least : &out->most) += points;
        }
    }
    out->least += least;
    out->most += most;
}

void dnsbl_bounds(const struct dnsbl_conf *conf, struct bounds *out)
{
    for (size_t i = 0; i < conf->zones.count; i++)
        zone_bounds(dnsbl_zone_at(conf, i), out);
}
