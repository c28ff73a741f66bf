/* scanners/dnsbl_count.c - what the lists' answers count.
 *
 * A list counts once, by the answer that counts most, about whomever; bits count each, once. What it says besides is
 * recorded with 0 points, so that nobody wonders.
 */
#include "scanners/dnsbl_survey.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { EXPLANATION_MAX = 200 };

/* What was told of a list in this run, of each rule about each: a rule about somebody is told once. */
struct told {
    bool *of;
};

static const struct addr *record_for(const struct dnsbl_rule *rule, const struct dns_answer *a)
{
    for (size_t k = 0; a && k < a->count; k++)
        if (dnsbl_match_has(&rule->match, &a->records[k].ip))
            return &a->records[k].ip;
    return NULL;
}

/* The answer about somebody, if there is one that may be believed. */
static const struct dns_answer *listing(struct dnsbl_survey *s, size_t i, size_t w)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);

    if (!s->views[i].is_trusted || !dnsbl_is_asked_about(zone, &s->who[w]))
        return NULL;
    const struct dns_answer *a = dnsbl_look(s, zone, &s->who[w], DNS_A);

    return a && a->state == DNS_OK ? a : NULL;
}

/* Whom an allow list with `stops` vouches for. */
static void find_allowed(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);

    for (size_t w = 0; w < s->who_count; w++) {
        const struct dns_answer *a = listing(s, i, w);

        for (size_t r = 0; r < zone->rule_count; r++)
            s->who[w].is_allowed |= zone->rules[r].points < 0 && record_for(&zone->rules[r], a);
    }
}

static bool may_count(const struct dnsbl_survey *s, const struct dnsbl_rule *rule, size_t w)
{
    return rule->points < 0 || !s->who[w].is_allowed;
}

/* The list's own words, or "" when it has none, or is not to be asked for them. */
static const char *explanation(struct dnsbl_survey *s, const struct dnsbl_zone *zone, size_t w)
{
    const struct dns_answer *a = zone->explain ? dnsbl_look(s, zone, &s->who[w], DNS_TXT) : NULL;

    if (!a || a->state != DNS_OK || a->count == 0)
        return "";
    struct span text = span_first(a->records[0].data, EXPLANATION_MAX);

    return arena_printf(s->q->arena, ": %.*s", SPAN_ARG(text));
}

static void tell(struct dnsbl_survey *s, size_t i, size_t r, size_t w, int points, struct told *told)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    const struct dnsbl_rule *rule = &zone->rules[r];
    const struct addr *by = record_for(rule, listing(s, i, w));
    char text[ADDR_TEXT_MAX];

    bool *is_told = &told->of[r * s->who_count + w];

    if (!by || *is_told)
        return;
    *is_told = true;
    finding_name(s->q, rule->symbol, points, "%s is listed by %s (%s)%s", s->who[w].shown, zone->title,
                 addr_text(by, text), explanation(s, zone, w));
}

struct best {
    size_t rule;
    size_t who;
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

    for (size_t w = 0; w < s->who_count; w++) {
        const struct dns_answer *a = listing(s, i, w);

        for (size_t r = 0; r < zone->rule_count && a; r++) {
            const struct dnsbl_rule *rule = &zone->rules[r];

            if (rule->match.kind != DNSBL_MATCH_MASK && may_count(s, rule, w) && is_better(&best, rule->points) &&
                record_for(rule, a))
                best = (struct best){ r, w, rule->points, true };
        }
    }
    if (best.is_any)
        tell(s, i, best.rule, best.who, best.points, told);
}

/* The finding bears the points of its first telling, so somebody about whom the bit may count goes first. */
static void count_bits(struct dnsbl_survey *s, size_t i, struct told *told)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);

    for (size_t r = 0; r < zone->rule_count; r++)
        for (size_t w = 0; w < s->who_count; w++)
            if (zone->rules[r].match.kind == DNSBL_MATCH_MASK && may_count(s, &zone->rules[r], w))
                tell(s, i, r, w, zone->rules[r].points, told);
}

static void count_hits(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    struct told told = { arena_alloc(s->q->arena, zone->rule_count * s->who_count + 1) };

    count_best(s, i, &told);
    count_bits(s, i, &told);
    for (size_t r = 0; r < zone->rule_count; r++)
        for (size_t w = 0; w < s->who_count; w++)
            tell(s, i, r, w, 0, &told);
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

/* With no list, not even the symbols of what is wrong with lists can come. */
void dnsbl_bounds(const void *conf, const int *points, struct bounds *out)
{
    const struct dnsbl_conf *c = conf;

    *out = (struct bounds){ 0 };
    for (size_t i = 0; i < c->zones.count; i++)
        zone_bounds(dnsbl_zone_at(c, i), out);
    for (size_t i = 0; i <= DNSBL_SYMBOL_SILENT && c->zones.count; i++)
        *(points[i] < 0 ? &out->least : &out->most) += points[i];
}
