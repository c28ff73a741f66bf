/* scanners/spf_reason.c - which term decided, for people and for scoring. */
#include "scanners/spf_eval.h"

static const struct spf_match *innermost(const struct spf_eval *e)
{
    size_t depth = 0;

    while (e->match[depth].term && e->match[depth].term->kind == SPF_INCLUDE)
        depth++;
    return &e->match[depth];
}

/* is_open - all of the Internet, or so large a part that nobody owns it, may send. */
bool spf_is_open(const struct spf_eval *e)
{
    const struct spf_term *term = innermost(e)->term;
    bool is_ip6 = e->values.client.family == ADDR_IP6;

    if (!term || term->kind == SPF_ALL)
        return term;
    if (term->kind != SPF_IP4 && term->kind != SPF_IP6 && term->kind != SPF_A && term->kind != SPF_MX)
        return false;
    return is_ip6 ? term->bits6 < 16 : term->bits4 < 8;
}

static const char *match_text(const struct spf_eval *e)
{
    const struct spf_match *outer = &e->match[0], *inner = innermost(e);

    if (!outer->term)
        return arena_printf(e->q->arena, "no term of %s matches, after %u look-ups", outer->domain, e->lookups);
    if (inner == outer)
        return arena_printf(e->q->arena, "%.*s of %s, after %u look-ups",
                            SPAN_ARG(span_first(outer->term->text, SPF_TEXT_SHOWN)), outer->domain, e->lookups);
    return arena_printf(e->q->arena, "%.*s of %s (by %.*s of %s), after %u look-ups",
                        SPAN_ARG(span_first(outer->term->text, SPF_TEXT_SHOWN)), outer->domain,
                        SPAN_ARG(span_first(inner->term->text, SPF_TEXT_SHOWN)), inner->domain, e->lookups);
}

const char *spf_reason(const struct spf_eval *e, enum auth_result result, const char *domain)
{
    if (result == AUTH_NONE)
        return arena_printf(e->q->arena, "%s has no SPF record", domain);
    if (result == AUTH_TEMPERROR || result == AUTH_PERMERROR)
        return arena_dup(e->q->arena, span_of(e->fault));
    return match_text(e);
}
