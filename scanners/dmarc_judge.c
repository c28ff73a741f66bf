/* scanners/dmarc_judge.c - what DMARC says of one author domain, from what spf and dkim found [RFC9989 5.3].
 *
 * Only identifiers that pass can align. An aligned one that could not be checked now (temperror), or one that passes
 * and may be aligned or not for a name that did not answer, makes the result temperror where it would be fail. A
 * stranger cannot bring that about: his domain is not under the author's organizational domain, and is not looked at.
 *
 * Where nobody has told us the client's address (an LMTP listener behind a mail server, a milter or scan API without
 * it) SPF says nothing. Mail that it might have passed for the author has not failed then: it is not judged.
 */
#include "scanners/dmarc_judge.h"

#include "gateway/mail/domain.h"

/* What an authenticated identifier, spf's or dkim's, does for the author. */
struct vouched {
    bool is_aligned, may_be_aligned, waits;
};

static bool could_vouch(enum auth_result result)
{
    return result == AUTH_PASS || result == AUTH_TEMPERROR;
}

static void vouch(struct inquiry *q, const struct dmarc_walk *author, const char *domain, enum auth_result result,
                  bool is_strict, struct vouched *out)
{
    char normal[DOMAIN_MAX];

    if (!could_vouch(result) || !domain || domain_normal(span_of(domain), normal))
        return;
    enum dmarc_aligned aligned = dmarc_aligned(q, author, arena_dup(q->arena, span_of(normal)), is_strict);

    out->waits |= aligned == DMARC_ALIGNED_WAIT;
    out->is_aligned |= aligned == DMARC_ALIGNED && result == AUTH_PASS;
    out->may_be_aligned |= aligned == DMARC_MAYBE_ALIGNED || (aligned == DMARC_ALIGNED && result == AUTH_TEMPERROR);
}

/* The domain that SPF would have been asked of, if the client were known; NULL: SPF was asked. "": any, since the
 * greeting is not known either [RFC7208 2.4]. */
static const char *unasked_domain(const struct inquiry *q)
{
    const struct session *s = q->session;
    char normal[DOMAIN_MAX];

    if (s->client.family != ADDR_NONE || q->evidence->spf_mailfrom.result != AUTH_ABSENT)
        return NULL;
    struct span domain = s->mail_from.text.len ? s->mail_from.domain : s->helo;

    if (!domain.len && !s->mail_from.text.len)
        return "";
    return domain_normal(domain, normal) ? NULL : arena_dup(q->arena, span_of(normal));
}

/* True: it can not be said that SPF fails for the author. */
static bool is_unasked(struct inquiry *q, const struct dmarc_walk *author, bool is_strict, struct vouched *out)
{
    const char *domain = unasked_domain(q);

    if (!domain || !*domain)
        return domain != NULL;
    enum dmarc_aligned aligned = dmarc_aligned(q, author, domain, is_strict);

    out->waits |= aligned == DMARC_ALIGNED_WAIT;
    return aligned == DMARC_ALIGNED || aligned == DMARC_MAYBE_ALIGNED;
}

static void foresee(struct inquiry *q, const char *author, const char *domain, enum auth_result result)
{
    char normal[DOMAIN_MAX];

    if (could_vouch(result) && domain && !domain_normal(span_of(domain), normal))
        dmarc_foresee(q, author, arena_dup(q->arena, span_of(normal)));
}

static void foresee_all(struct inquiry *q, const char *author)
{
    const struct evidence *e = q->evidence;
    const char *unasked = unasked_domain(q);

    foresee(q, author, e->spf_mailfrom.domain, e->spf_mailfrom.result);
    if (unasked && *unasked)
        dmarc_foresee(q, author, unasked);
    for (size_t i = 0; i < e->dkim_count; i++)
        foresee(q, author, e->dkim[i].domain, e->dkim[i].result);
}

/* Non-existent: the name itself is NXDOMAIN, whatever one asks of it [RFC9989 3.2.13]. Asked only when it matters. */
static enum step policy_of(struct inquiry *q, const struct dmarc_walk *walk, const struct dmarc_name *name,
                           struct dmarc_outcome *out)
{
    const struct dmarc_record *r = &name->record;
    bool is_absent = false;

    if (name == &walk->names[0]) {
        out->policy = r->policy;
        return STEP_DONE;
    }
    if (walk->is_absent && r->nonexistent_policy != r->subdomain_policy) {
        const struct dns_answer *a = ask_dns(q, out->domain, DNS_A);

        if (!a)
            return STEP_WAIT;
        is_absent = a->state == DNS_NXDOMAIN;
    }
    out->policy = is_absent ? r->nonexistent_policy : r->subdomain_policy;
    return STEP_DONE;
}

static enum dmarc_policy milder(enum dmarc_policy policy)
{
    return policy == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

static enum step align(struct inquiry *q, const struct dmarc_walk *walk, const struct dmarc_record *record,
                       struct dmarc_outcome *out)
{
    const struct evidence *e = q->evidence;
    struct vouched spf = { 0 }, dkim = { 0 };

    vouch(q, walk, e->spf_mailfrom.domain, e->spf_mailfrom.result, record->is_strict_spf, &spf);
    for (size_t i = 0; i < e->dkim_count; i++)
        vouch(q, walk, e->dkim[i].domain, e->dkim[i].result, record->is_strict_dkim, &dkim);
    bool is_unknown = is_unasked(q, walk, record->is_strict_spf, &spf);

    if (spf.waits || dkim.waits)
        return STEP_WAIT;
    out->is_spf_aligned = spf.is_aligned;
    out->is_dkim_aligned = dkim.is_aligned;
    if (spf.is_aligned || dkim.is_aligned) {
        out->result = AUTH_PASS;
        out->reason = spf.is_aligned && dkim.is_aligned ? "SPF and DKIM are aligned"
                      : spf.is_aligned                  ? "SPF is aligned"
                                                        : "DKIM is aligned";
    } else if (spf.may_be_aligned || dkim.may_be_aligned) {
        out->result = AUTH_TEMPERROR;
        out->reason = "an identifier that may be aligned could not be checked now";
    } else if (is_unknown) {
        out->result = AUTH_NONE;
        out->reason = "not judged: nobody has told the client's address, and SPF might pass for the author's domain";
    } else {
        out->result = AUTH_FAIL;
        out->reason = "neither SPF nor DKIM passes for the author's domain";
    }
    return STEP_DONE;
}

static bool has_several(const struct dmarc_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        if (walk->names[i].found == DMARC_FOUND_SEVERAL)
            return true;
    return false;
}

enum step dmarc_judge(struct inquiry *q, enum dmarc_discovery discovery, const char *domain, struct dmarc_outcome *out)
{
    struct dmarc_walk walk;
    struct dmarc_discovered found;
    enum step step = dmarc_walk(q, discovery, domain, &walk);

    if (discovery == DMARC_BY_TREE)
        foresee_all(q, domain);
    if (step == STEP_WAIT)
        return STEP_WAIT;
    dmarc_discover(&walk, &found);
    *out = (struct dmarc_outcome){ .domain = domain,
                                   .organizational_domain = found.organizational_domain,
                                   .policy_domain = "",
                                   .has_bad_record = has_several(&walk) };
    if (!found.is_known) {
        out->result = AUTH_TEMPERROR;
        out->reason = "the policy could not be looked up now";
        return STEP_DONE;
    }
    if (!found.applies) {
        out->result = AUTH_NONE;
        out->reason = "no policy is published";
        return STEP_DONE;
    }
    const struct dmarc_record *record = &found.applies->record;

    out->policy_domain = found.applies->domain;
    out->has_bad_record |= record->has_bad_policy;
    if (record->is_unusable) {
        out->result = AUTH_PERMERROR;
        out->reason = "the record has no usable policy";
        return STEP_DONE;
    }
    out->has_policy = true;
    out->is_testing = record->is_testing;
    step = policy_of(q, &walk, found.applies, out);
    out->applies = out->is_testing ? milder(out->policy) : out->policy;
    return align(q, &walk, record, out) == STEP_WAIT || step == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}

static int hardness(const struct dmarc_outcome *o)
{
    switch (o->result) {
    case AUTH_PASS: return 0;
    case AUTH_NONE: return 1;
    case AUTH_PERMERROR: return 3;
    case AUTH_TEMPERROR: return 4 + (o->has_policy ? (int)o->applies : 0);
    default: return o->applies == DMARC_NONE ? 2 : o->applies == DMARC_QUARANTINE ? 7 : 8;
    }
}

bool dmarc_is_harder(const struct dmarc_outcome *a, const struct dmarc_outcome *b)
{
    return hardness(a) > hardness(b);
}
