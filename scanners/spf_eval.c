/* scanners/spf_eval.c - check_host() [RFC7208 4]. */
#include "scanners/spf_eval.h"

#include "gateway/base/bug.h"

enum spf_flow spf_fault(struct spf_eval *e, enum spf_flow flow, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    e->fault = arena_vprintf(e->scratch, format, args);
    va_end(args);
    return flow;
}

enum spf_flow spf_answer(struct spf_eval *e, const struct dns_answer *answer)
{
    if (!answer)
        return SPF_WAIT;
    if (answer->state == DNS_OK)
        return SPF_MATCH;
    if (answer->state == DNS_CAPPED)
        return spf_fault(e, SPF_TEMPERROR, "our own limit of look-ups was reached before %s %s", answer->name,
                         dns_type_text(answer->type));
    if (answer->state != DNS_NODATA && answer->state != DNS_NXDOMAIN)
        return spf_fault(e, SPF_TEMPERROR, "the look-up of %s %s failed (%s)", answer->name,
                         dns_type_text(answer->type), dns_state_text(answer->state));
    if (++e->void_lookups > e->limits->void_lookups)
        return spf_fault(e, SPF_PERMERROR, "more than %u look-ups without a result; %s %s is the last",
                         e->limits->void_lookups, answer->name, dns_type_text(answer->type));
    return SPF_NO_MATCH;
}

/* --- terms --- */

bool spf_ip_matches(const struct spf_eval *e, const struct spf_term *term)
{
    const struct addr *client = &e->values.client;

    return client->family == term->ip.family &&
           spf_prefix_is_same(client, &term->ip, term->kind == SPF_IP6 ? term->bits6 : term->bits4);
}

enum spf_flow spf_target(struct spf_eval *e, struct spf_term *term, const char *domain, const char **out)
{
    struct spf_macro_values values = { .now_s = 0 };
    char name[DNS_NAME_MAX];

    *out = term->domain.len ? term->target : domain;
    if (*out)
        return SPF_MATCH;
    if (term->has_macros) {
        values = e->values;
        values.domain = span_of(domain);
        if (spf_macro_uses(term->domain, 'p') && spf_validated(e, domain, &values.validated) == SPF_WAIT)
            return SPF_WAIT;
    }
    if (!spf_macro_domain(term->domain, &values, name))
        return SPF_NO_MATCH;
    *out = arena_dup(e->scratch, span_of(name));
    if (!term->has_macros)
        term->target = *out;
    return SPF_MATCH;
}

static const struct dns_answer *ask(struct spf_eval *e, enum spf_kind kind, const char *target)
{
    char name[DNS_NAME_MAX];

    switch (kind) {
    case SPF_INCLUDE:
    case SPF_EXP:
    case SPF_REDIRECT: return ask_dns(e->q, target, DNS_TXT);
    case SPF_MX: return ask_dns(e->q, target, DNS_MX);
    case SPF_PTR: return ask_dns(e->q, spf_reverse_name(&e->values.client, name), DNS_PTR);
    case SPF_EXISTS: return ask_dns(e->q, target, DNS_A);
    default: return ask_dns(e->q, target, spf_address_type(e));
    }
}

const struct dns_answer *spf_ask(struct spf_eval *e, struct spf_term *term, const char *target)
{
    if (term->has_macros)
        return ask(e, term->kind, target);
    if (!term->is_asked)
        term->answer = ask(e, term->kind, target);
    term->is_asked = true;
    return term->answer;
}

static enum auth_result check_host(struct spf_eval *e, const char *domain, const struct dns_answer *answer,
                                   unsigned depth);

/* match_include - [RFC7208 5.2]. `target` is NULL for a name that cannot exist. */
static enum spf_flow match_include(struct spf_eval *e, struct spf_term *term, const char *target, unsigned depth)
{
    enum auth_result result = target ? check_host(e, target, spf_ask(e, term, target), depth) : AUTH_NONE;

    switch (result) {
    case AUTH_PASS: return SPF_MATCH;
    case AUTH_ABSENT: return SPF_WAIT;
    case AUTH_TEMPERROR: return SPF_TEMPERROR;
    case AUTH_PERMERROR: return SPF_PERMERROR;
    case AUTH_NONE: return spf_fault(e, SPF_PERMERROR, "%s has no SPF record", target ? target : "it");
    default: return SPF_NO_MATCH;
    }
}

static enum spf_flow count_lookup(struct spf_eval *e)
{
    if (++e->lookups > e->limits->lookups) /* [RFC7208 4.6.4] */
        return spf_fault(e, SPF_PERMERROR, "more than %u terms that need a look-up", e->limits->lookups);
    return SPF_MATCH;
}

static enum spf_flow match_by_dns(struct spf_eval *e, struct spf_term *term, const char *domain, unsigned depth)
{
    const char *target = NULL;
    enum spf_flow flow = count_lookup(e);

    if (flow == SPF_MATCH)
        flow = spf_target(e, term, domain, &target);
    if (term->kind == SPF_INCLUDE && (flow == SPF_MATCH || flow == SPF_NO_MATCH))
        return match_include(e, term, target, depth + 1);
    if (flow != SPF_MATCH)
        return flow;
    if (term->kind == SPF_MX)
        return spf_match_mx(e, term, target);
    if (term->kind == SPF_PTR)
        return spf_match_ptr(e, term, target);
    const struct dns_answer *answer = spf_ask(e, term, target);

    flow = spf_answer(e, answer);
    if (flow == SPF_MATCH && term->kind == SPF_A && !spf_addresses_match(e, answer, term->bits4, term->bits6))
        return SPF_NO_MATCH;
    return flow;
}

static enum spf_flow match_term(struct spf_eval *e, struct spf_term *term, const char *domain, unsigned depth)
{
    switch (term->kind) {
    case SPF_ALL: return SPF_MATCH;
    case SPF_IP4:
    case SPF_IP6: return spf_ip_matches(e, term) ? SPF_MATCH : SPF_NO_MATCH;
    default: return match_by_dns(e, term, domain, depth);
    }
}

/* --- check_host() --- */

static enum auth_result result_of(const struct spf_term *term)
{
    static const enum auth_result results[] = {
        [SPF_QUALIFIER_PASS] = AUTH_PASS,
        [SPF_QUALIFIER_FAIL] = AUTH_FAIL,
        [SPF_QUALIFIER_SOFTFAIL] = AUTH_SOFTFAIL,
        [SPF_QUALIFIER_NEUTRAL] = AUTH_NEUTRAL,
    };

    return results[term->qualifier];
}

static enum auth_result error_of(enum spf_flow flow)
{
    return flow == SPF_WAIT ? AUTH_ABSENT : flow == SPF_TEMPERROR ? AUTH_TEMPERROR : AUTH_PERMERROR;
}

/* blame - a fault is told with the term that it befell: the innermost one that knows. */
static void blame(struct spf_eval *e, struct span term, const char *domain)
{
    if (e->is_blamed)
        return;
    e->is_blamed = true;
    e->fault =
        arena_printf(e->scratch, "\"%.*s\" of %s: %s", SPAN_ARG(span_first(term, SPF_TEXT_SHOWN)), domain, e->fault);
}

/* walk_terms - AUTH_POLICY when no term matches. */
static enum auth_result walk_terms(struct spf_eval *e, const struct spf_record *record, const char *domain,
                                   unsigned depth)
{
    for (size_t i = 0; i < record->count; i++) {
        struct spf_term *term = &record->terms[i];
        enum spf_flow flow = term->kind < SPF_REDIRECT ? match_term(e, term, domain, depth) : SPF_NO_MATCH;

        if (flow == SPF_NO_MATCH)
            continue;
        if (flow == SPF_MATCH) {
            e->match[depth] = (struct spf_match){ term, domain };
            return result_of(term);
        }
        if (flow != SPF_WAIT)
            blame(e, term->text, domain);
        return error_of(flow);
    }
    e->match[depth] = (struct spf_match){ NULL, domain };
    return AUTH_POLICY;
}

/* no_policy - the result where a domain has no good record. */
static enum auth_result no_policy(struct spf_eval *e, const struct spf_policy *policy, const char *domain)
{
    if (policy->state == AUTH_NONE)
        return AUTH_NONE;
    if (policy->state == AUTH_TEMPERROR)
        return error_of(spf_answer(e, policy->answer));
    e->fault = policy->at.len ? policy->fault : arena_printf(e->scratch, "%s: %s", domain, policy->fault);
    if (policy->at.len)
        blame(e, policy->at, domain);
    e->is_blamed = true;
    return AUTH_PERMERROR;
}

static enum spf_flow redirect_target(struct spf_eval *e, struct spf_term *redirect, const char *domain,
                                     const char **target)
{
    enum spf_flow flow = count_lookup(e);

    if (flow == SPF_MATCH)
        flow = spf_target(e, redirect, domain, target);
    if (flow == SPF_NO_MATCH)
        flow = spf_fault(e, SPF_PERMERROR, "it leads to no name that can exist");
    if (flow != SPF_MATCH && flow != SPF_WAIT)
        blame(e, redirect->text, domain);
    return flow;
}

/* explain - exp=: whatever goes wrong, there is no explanation then [RFC7208 6.2]. Returns SPF_WAIT or SPF_MATCH. */
static enum spf_flow explain(struct spf_eval *e, struct spf_term *term, const char *domain)
{
    char text[SPF_EXPLANATION_MAX];
    const char *target;
    struct spf_macro_values values = e->values;
    enum spf_flow flow = spf_target(e, term, domain, &target);

    if (flow != SPF_MATCH)
        return flow == SPF_WAIT ? flow : SPF_MATCH;
    const struct dns_answer *answer = spf_ask(e, term, target);

    if (!answer)
        return SPF_WAIT;
    if (answer->state != DNS_OK || answer->count != 1 ||
        spf_macro_check(answer->records[0].data, SPF_MACRO_EXPLANATION))
        return SPF_MATCH;
    struct span said = answer->records[0].data;

    values.domain = span_of(domain);
    if (spf_macro_uses(said, 'p') && spf_validated(e, domain, &values.validated) == SPF_WAIT)
        return SPF_WAIT;
    e->explanation = arena_dup(e->scratch, span_of(spf_macro_explanation(said, &values, text)));
    return SPF_MATCH;
}

/* check_host - [RFC7208 4]; a redirect goes round once more, with the next domain [RFC7208 6.1]. */
static enum auth_result check_host(struct spf_eval *e, const char *domain, const struct dns_answer *answer,
                                   unsigned depth)
{
    for (struct spf_term *redirect = NULL;; answer = spf_ask(e, redirect, domain)) {
        const struct spf_policy *policy = answer ? spf_policy_of(e, answer) : NULL;

        if (!policy)
            return AUTH_ABSENT;
        if (policy->state == AUTH_NONE && redirect) {
            e->fault = arena_printf(e->scratch, "%s has no SPF record", domain);
            blame(e, redirect->text, e->match[depth].domain);
            return AUTH_PERMERROR;
        }
        if (policy->state != AUTH_PASS)
            return no_policy(e, policy, domain);
        enum auth_result result = walk_terms(e, &policy->record, domain, depth);

        if (result == AUTH_FAIL && depth == 0 && e->limits->explain && policy->record.exp)
            return explain(e, policy->record.exp, domain) == SPF_WAIT ? AUTH_ABSENT : AUTH_FAIL;
        if (result != AUTH_POLICY)
            return result;
        redirect = policy->record.redirect;
        if (!redirect)
            return AUTH_NEUTRAL;
        enum spf_flow flow = redirect_target(e, redirect, domain, &domain);

        if (flow != SPF_MATCH)
            return error_of(flow);
    }
}

void spf_eval(struct spf_eval *e, const char *domain, struct spf_verdict *out)
{
    e->lookups = e->void_lookups = 0;
    e->fault = e->explanation = "";
    e->is_blamed = false;
    enum auth_result result = check_host(e, domain, ask_dns(e->q, domain, DNS_TXT), 0);

    *out = (struct spf_verdict){ .result = result, .explanation = "", .reason = "" };
    if (result == AUTH_ABSENT)
        return;
    out->lookups = e->lookups;
    out->void_lookups = e->void_lookups;
    out->explanation = arena_dup(e->q->arena, span_of(e->explanation));
    out->reason = spf_reason(e, result, domain);
    out->is_open = result == AUTH_PASS && spf_is_open(e);
}
