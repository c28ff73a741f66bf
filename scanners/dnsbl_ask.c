/* scanners/dnsbl_ask.c - whom lists are asked about, under which names, and what their answers are worth. */
#include "scanners/dnsbl_survey.h"

#include <stdio.h>

/* ---- whom to ask about */

void dnsbl_know_client(struct dnsbl_survey *s)
{
    const struct addr *client = &s->q->session->client;
    struct dnsbl_who *who = &s->who[DNSBL_CLIENT];
    char text[ADDR_TEXT_MAX];

    addr_reversed(client, who->full);
    who->organizational = who->full;
    who->shown = arena_printf(s->q->arena, "client %s", addr_text(client, text));
    who->is_known = true;
}

static void know_domain(struct dnsbl_survey *s, enum dnsbl_subject subject, const char *word, struct span name)
{
    struct dnsbl_who *who = &s->who[subject];

    if (!domain_is_fqdn(name) || domain_normal(name, who->full))
        return;
    const char *organizational = domain_org_psl(who->full);

    who->organizational = organizational ? organizational : who->full;
    who->shown = arena_printf(s->q->arena, "%s %s", word, who->full);
    who->is_known = true;
}

void dnsbl_know_names(struct dnsbl_survey *s)
{
    const struct inquiry *q = s->q;

    know_domain(s, DNSBL_SENDER, "sender domain", q->session->mail_from.domain);
    know_domain(s, DNSBL_HELO, "HELO", q->session->helo);
    if (q->evidence->iprev.result == AUTH_PASS)
        know_domain(s, DNSBL_RDNS, "client name", span_of(q->evidence->iprev.name));
}

/* ---- asking */

bool dnsbl_is_asked_about(const struct dnsbl_survey *s, const struct dnsbl_zone *zone, enum dnsbl_subject subject)
{
    enum addr_family family = s->q->session->client.family;

    if (!zone->subjects[subject] || !s->who[subject].is_known)
        return false;
    return subject != DNSBL_CLIENT || zone->families == DNSBL_BOTH ||
           (zone->families == DNSBL_IP4) == (family == ADDR_IP4);
}

const struct dns_answer *dnsbl_look(struct dnsbl_survey *s, const struct dnsbl_zone *zone, enum dnsbl_subject subject,
                                    enum dns_type type)
{
    const struct dnsbl_who *who = &s->who[subject];
    char name[DOMAIN_MAX + DNSBL_ZONE_NAME_MAX + 2];

    snprintf(name, sizeof name, "%s.%s", zone->asks_organizational ? who->organizational : who->full, zone->name);
    const struct dns_answer *a = ask_dns(s->q, name, type);

    if (!a)
        s->is_waiting = true;
    return a;
}

static enum dnsbl_verdict verdict_on(const struct dnsbl_zone *zone, const struct dns_answer *a)
{
    if (a->state == DNS_FAILED || a->state == DNS_TIMEOUT)
        return DNSBL_SILENT;
    if (a->state != DNS_OK)
        return DNSBL_FINE;
    for (size_t i = 0; i < a->count; i++)
        if (!dnsbl_is_answer(&a->records[i].ip))
            return DNSBL_NONSENSE;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < zone->refused_count; k++)
            if (dnsbl_match_has(&zone->refused[k], &a->records[i].ip))
                return DNSBL_REFUSED;
    return DNSBL_FINE;
}

static void note_answer(struct dnsbl_view *view, const struct dnsbl_zone *zone, const struct dns_answer *a)
{
    if (a->state == DNS_CAPPED)
        return;
    enum dnsbl_verdict verdict = verdict_on(zone, a);

    view->is_nonsense |= verdict == DNSBL_NONSENSE;
    view->is_refused |= verdict == DNSBL_REFUSED;
    view->silent += verdict == DNSBL_SILENT;
    view->answered += verdict == DNSBL_FINE;
}

void dnsbl_ask_all(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    struct dnsbl_view *view = &s->views[i];

    view->is_aside = dnsbl_health_is_aside(zone->health, s->q->now_ms);
    for (enum dnsbl_subject subject = 0; subject < DNSBL_SUBJECTS; subject++) {
        if (!dnsbl_is_asked_about(s, zone, subject))
            continue;
        view->asked++;
        const struct dns_answer *a = view->is_aside ? NULL : dnsbl_look(s, zone, subject, DNS_A);

        if (a)
            note_answer(view, zone, a);
    }
}

/* ---- the test points [RFC5782 5] */

static enum dnsbl_verdict test_verdict(const struct dnsbl_zone *zone, const struct dns_answer *listed,
                                       const struct dns_answer *unlisted)
{
    enum dnsbl_verdict verdict = listed ? verdict_on(zone, listed) : DNSBL_FINE;

    if (verdict == DNSBL_FINE)
        verdict = verdict_on(zone, unlisted);
    if (verdict != DNSBL_FINE)
        return verdict;
    if (unlisted->state == DNS_OK)
        return DNSBL_ALL;
    return listed && (listed->state == DNS_NXDOMAIN || listed->state == DNS_NODATA) ? DNSBL_EMPTY : DNSBL_FINE;
}

bool dnsbl_test(struct inquiry *q, const struct dnsbl_zone *zone, bool *is_waiting, enum dnsbl_verdict *out)
{
    const struct dns_answer *unlisted = ask_dns(q, zone->test_unlisted, DNS_A);
    const struct dns_answer *listed = zone->test == DNSBL_TEST_BOTH ? ask_dns(q, zone->test_listed, DNS_A) : NULL;

    if (!unlisted || (zone->test == DNSBL_TEST_BOTH && !listed)) {
        *is_waiting = true;
        return false;
    }
    if (unlisted->state == DNS_CAPPED || (listed && listed->state == DNS_CAPPED))
        return false;
    *out = test_verdict(zone, listed, unlisted);
    return true;
}

bool dnsbl_has_test(const struct dnsbl_zone *zone)
{
    return zone->test != DNSBL_TEST_NONE;
}

void dnsbl_test_first(struct dnsbl_survey *s, size_t i)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    struct dnsbl_view *view = &s->views[i];

    if (view->asked && !view->is_aside && dnsbl_has_test(zone) && zone->health->tested_ms == 0)
        view->is_tested = dnsbl_test(s->q, zone, &s->is_waiting, &view->test);
    view->is_refused |= view->is_tested && view->test == DNSBL_REFUSED;
    view->is_nonsense |= view->is_tested && view->test == DNSBL_NONSENSE;
}
