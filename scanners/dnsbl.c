/* scanners/dnsbl.c - the client's address, and the names that it goes by, in DNS block and allow lists [RFC5782].
 *
 * Two checks: dnsbl asks lists of addresses as soon as the client is connected; rhsbl asks lists of domains about the
 * envelope sender, HELO and the client's confirmed name. All lists are asked at once, so that each costs one round
 * trip. A list counts once, by the answer that counts most (bits are counted each). What no list may answer is never
 * a hit: refusals and addresses outside 127.0.0.0/8 put the list aside, and an alarm is raised.
 *
 * Never asked about: private addresses, and clients that we relay for. A list's test points are asked by upkeep();
 * a list that was never tested (`postern scan`, the first mail after a start) is tested along with its first question.
 *
 * Threads: the loop's, for the lists' health is kept in the configuration's state part. It is written only at the
 * end of a run that is STEP_DONE, so that runs of the same mail agree.
 */
#include "scanners/dnsbl.h"

#include "gateway/base/log.h"
#include "scanners/dnsbl_survey.h"

static const struct symbol dnsbl_symbols[] = {
    [DNSBL_SYMBOL_BLOCKED] = { "RBL_BLOCKED", 0, "a list refuses our questions: it counts nothing" },
    [DNSBL_SYMBOL_BROKEN] = { "RBL_BROKEN", 0,
                              "a list gives answers that no list gives, or fails its test: it counts nothing" },
    [DNSBL_SYMBOL_ASIDE] = { "RBL_ASIDE", 0, "a list was not asked: it is put aside for now" },
    [DNSBL_SYMBOL_SILENT] = { "RBL_NO_ANSWER", 0, "a list did not answer in time" },
    { 0 },
};

static const struct symbol rhsbl_symbols[] = {
    [DNSBL_SYMBOL_BLOCKED] = { "RHSBL_BLOCKED", 0, "a list refuses our questions: it counts nothing" },
    [DNSBL_SYMBOL_BROKEN] = { "RHSBL_BROKEN", 0,
                              "a list gives answers that no list gives, or fails its test: it counts nothing" },
    [DNSBL_SYMBOL_ASIDE] = { "RHSBL_ASIDE", 0, "a list was not asked: it is put aside for now" },
    [DNSBL_SYMBOL_SILENT] = { "RHSBL_NO_ANSWER", 0, "a list did not answer in time" },
    { 0 },
};

/* ---- the lists' health */

static void tell(struct inquiry *q, const struct dnsbl_zone *zone)
{
    const struct dnsbl_health *h = zone->health;
    const char *check = zone->lists_domains ? "rhsbl" : "dnsbl";

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

static enum step survey(struct dnsbl_survey *s)
{
    size_t count = s->conf->zones.count;

    for (size_t i = 0; i < count; i++)
        dnsbl_ask_all(s, i);
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

static enum step dnsbl_run(struct inquiry *q)
{
    const struct session *session = q->session;
    struct dnsbl_survey s = { .q = q, .conf = q->conf };

    if (session_direction(session) != DIRECTION_INBOUND || session->client.family == ADDR_NONE ||
        addr_is_private(&session->client))
        return STEP_DONE;
    dnsbl_know_client(&s);
    return survey(&s);
}

static enum step rhsbl_run(struct inquiry *q)
{
    struct dnsbl_survey s = { .q = q, .conf = q->conf };

    if (session_direction(q->session) != DIRECTION_INBOUND)
        return STEP_DONE;
    dnsbl_know_names(&s);
    return survey(&s);
}

static enum step upkeep(struct inquiry *q)
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

/* With no list, not even the symbols of what is wrong with lists can come. */
static void bounds(const void *conf, const int *points, struct bounds *out)
{
    const struct dnsbl_conf *c = conf;

    *out = (struct bounds){ 0 };
    if (c->zones.count == 0)
        return;
    for (size_t i = 0; dnsbl_symbols[i].name; i++)
        *(points[i] < 0 ? &out->least : &out->most) += points[i];
    dnsbl_bounds(c, out);
}

/* How often a look is taken at which tests are due: it costs nothing when none is. */
enum { UPKEEP_MS = 5000 };

const struct check_module dnsbl_module = {
    .section = &dnsbl_section,
    .symbols = dnsbl_symbols,
    .run = dnsbl_run,
    .bounds = bounds,
    .upkeep = upkeep,
    .upkeep_ms = UPKEEP_MS,
    .hides_names = true,
};

const struct check_module rhsbl_module = {
    .section = &rhsbl_section,
    .symbols = rhsbl_symbols,
    .run = rhsbl_run,
    .bounds = bounds,
    .upkeep = upkeep,
    .upkeep_ms = UPKEEP_MS,
    .hides_names = true,
};
