/* scanners/dnsbl_survey.c - a run of asking lists, from the first question to what is kept of their health.
 *
 * All lists are asked at once about all that there is to ask about, whoever weighs most first, so that a limit of
 * look-ups leaves out the least.
 *
 * Threads: the loop's, for the lists' health is kept in the configuration's state part. It is written only at the end
 * of a run that is STEP_DONE, so that runs of the same mail agree.
 */
#include "scanners/dnsbl_survey.h"

#include "gateway/base/log.h"

/* ---- the lists' health */

static void tell(struct inquiry *q, const struct dnsbl_zone *zone)
{
    const struct dnsbl_health *h = zone->health;
    static const char *const checks[] = { "dnsbl", "rhsbl", "uribl" };
    const char *check = checks[zone->check];

    if (h->why)
        finding_alarm(q, arena_printf(q->arena, "%s/%.64s", check, zone->title),
                      "list %s %s; it counts nothing, and is put aside for %lld s", zone->title, h->why,
                      (long long)(h->until_ms - h->since_ms) / 1000);
    else
        log_info("list", "%s/%s is in order again, and asked", check, zone->title);
}

static enum dnsbl_verdict verdict_of(const struct dnsbl_view *view)
{
    if (view->is_refused)
        return DNSBL_REFUSED;
    if (view->is_nonsense)
        return DNSBL_NONSENSE;
    return view->answered ? DNSBL_FINE : DNSBL_SILENT;
}

static void keep_health(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    const struct dnsbl_patience *patience = &s->conf->patience;
    const struct dnsbl_view *view = &s->views[i];
    int64_t now = s->q->now_ms;
    bool has_news = false, has_answer = view->answered || view->silent || view->is_refused || view->is_nonsense;

    if (view->is_tested && view->test != DNSBL_SILENT)
        has_news = dnsbl_health_tested(zone->health, patience, now, view->test);
    if (has_answer)
        has_news |= dnsbl_health_note(zone->health, patience, now, verdict_of(view), dnsbl_has_test(zone));
    if (has_news)
        tell(s->q, zone);
}

/* ---- runs */

/* No answer from anybody is not "not listed". */
static void fail_when_all_are_silent(struct dnsbl_survey *s)
{
    unsigned silent = 0, answered = 0;

    for (size_t i = 0; i < s->conf->zones.count; i++) {
        const struct dnsbl_view *view = &s->views[i];

        silent += view->silent;
        answered += view->answered + view->is_refused + view->is_nonsense;
    }
    if (silent && !answered)
        finding_fail(s->q, "no list answered");
}

enum step dnsbl_survey(struct dnsbl_survey *s)
{
    size_t count = s->conf->zones.count;

    for (size_t i = 0; i < count; i++)
        s->views[i].is_aside = dnsbl_health_is_aside(dnsbl_zone_at(s->conf, i)->health, s->q->now_ms);
    for (size_t w = 0; w < s->who_count; w++)
        for (size_t i = 0; i < count; i++)
            dnsbl_ask(s, i, &s->who[w]);
    for (size_t i = 0; i < count; i++)
        dnsbl_test_first(s, i);
    if (s->is_waiting)
        return STEP_WAIT;
    dnsbl_count(s);
    if (s->is_waiting) /* for explanations */
        return STEP_WAIT;
    fail_when_all_are_silent(s);
    for (size_t i = 0; i < count; i++)
        keep_health(s, i);
    return STEP_DONE;
}

/* ---- upkeep */

enum step dnsbl_upkeep(struct inquiry *q)
{
    const struct dnsbl_conf *conf = q->conf;
    enum dnsbl_verdict verdicts[DNSBL_ZONES_MAX];
    bool is_tested[DNSBL_ZONES_MAX] = { false };
    bool is_waiting = false;

    for (size_t i = 0; i < conf->zones.count; i++) {
        const struct dnsbl_zone *zone = dnsbl_zone_at(conf, i);

        if (dnsbl_has_test(zone) && dnsbl_health_is_test_due(zone->health, &conf->patience, q->now_ms))
            is_tested[i] = dnsbl_test(q, zone, &is_waiting, &verdicts[i]);
    }
    if (is_waiting)
        return STEP_WAIT;
    for (size_t i = 0; i < conf->zones.count; i++) {
        const struct dnsbl_zone *zone = dnsbl_zone_at(conf, i);

        if (is_tested[i] && dnsbl_health_tested(zone->health, &conf->patience, q->now_ms, verdicts[i]))
            tell(q, zone);
    }
    return STEP_DONE;
}
