/* scanners/dnsbl_ask.c - whom lists are asked about, under which names, and what their answers are worth. */
#include "scanners/dnsbl_survey.h"

#include <stdio.h>

enum { WHO_ROOM = 4 };

/* ---- whom to ask about */

struct dnsbl_who *dnsbl_know(struct dnsbl_survey *s, enum dnsbl_subject subject, const char *full,
                             const char *organizational, const char *shown)
{
    struct arena *a = s->q->arena;

    if (s->who_count == DNSBL_WHO_MAX)
        return NULL;
    if (s->who_count == s->who_room) {
        s->who_room = s->who_room ? s->who_room * 2 : WHO_ROOM;
        s->who = arena_grow(a, s->who, s->who_count, s->who_room, sizeof *s->who);
    }
    s->who[s->who_count] = (struct dnsbl_who){
        .subject = subject,
        .full = arena_dup(a, span_of(full)),
        .organizational = arena_dup(a, span_of(organizational)),
        .shown = shown,
    };
    return &s->who[s->who_count++];
}

void dnsbl_know_address(struct dnsbl_survey *s, enum dnsbl_subject subject, const struct addr *address,
                        const char *word)
{
    char reversed[ADDR_REVERSED_MAX], text[ADDR_TEXT_MAX];

    addr_reversed(address, reversed);
    const char *shown = arena_printf(s->q->arena, "%s %s", word, addr_text(address, text));
    struct dnsbl_who *who = dnsbl_know(s, subject, reversed, reversed, shown);

    if (who)
        who->family = address->family;
}

void dnsbl_know_name(struct dnsbl_survey *s, enum dnsbl_subject subject, const char *word, struct span name)
{
    char full[DOMAIN_MAX];

    if (!domain_is_fqdn(name) || domain_normal(name, full))
        return;
    const char *organizational = domain_org_psl(full);

    dnsbl_know(s, subject, full, organizational ? organizational : full,
               arena_printf(s->q->arena, "%s %s", word, full));
}

/* ---- asking */

bool dnsbl_is_asked_about(const struct dnsbl_zone *zone, const struct dnsbl_who *who)
{
    if (!zone->subjects[who->subject])
        return false;
    return who->family == ADDR_NONE || zone->families == DNSBL_BOTH ||
           (zone->families == DNSBL_IP4) == (who->family == ADDR_IP4);
}

const struct dns_answer *dnsbl_look(struct dnsbl_survey *s, const struct dnsbl_zone *zone, const struct dnsbl_who *who,
                                    enum dns_type type)
{
    const char *what = zone->asks_organizational ? who->organizational : who->full;
    char name[DOMAIN_MAX + DNSBL_ZONE_NAME_MAX + 2], hash[DNSBL_HASH_TEXT_MAX];

    if (zone->hash)
        what = dnsbl_hash(zone->hash, what, hash);
    snprintf(name, sizeof name, "%s.%s", what, zone->name);
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

void dnsbl_ask(struct dnsbl_survey *s, size_t i, const struct dnsbl_who *who)
{
    const struct dnsbl_zone *zone = dnsbl_zone_at(s->conf, i);
    struct dnsbl_view *view = &s->views[i];

    if (!dnsbl_is_asked_about(zone, who))
        return;
    view->asked++;
    const struct dns_answer *a = view->is_aside ? NULL : dnsbl_look(s, zone, who, DNS_A);

    if (a)
        note_answer(view, zone, a);
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
