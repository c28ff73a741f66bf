/* scanners/spf_foresee.c - asks early for what the evaluation of SPF records can need.
 *
 * The tree of the records that are here is walked without deciding anything, and each term's question is asked. A
 * fixed number of questions is divided among the branches of the tree: each record asks first for its own terms, and
 * what is left is shared out evenly among its includes, redirect, mx and ptr terms, known or not. So the set of
 * questions only grows from run to run, and its size has a bound that no record can move.
 */
#include "scanners/spf_eval.h"

#include "gateway/mail/domain.h"

struct branch {
    enum spf_kind kind;
    const char *name;
};

struct branches {
    struct branch items[SPF_LOOKUPS_MOST + 1];
    size_t count;
    unsigned questions; /* left */
};

static enum dns_type question_type(const struct spf_eval *e, enum spf_kind kind)
{
    switch (kind) {
    case SPF_INCLUDE:
    case SPF_REDIRECT: return DNS_TXT;
    case SPF_MX: return DNS_MX;
    case SPF_EXISTS: return DNS_A;
    default: return spf_address_type(e);
    }
}

/* ask_term - one question of the record's own. Terms with %{p} are left to the evaluation: they are discouraged. */
static void ask_term(struct spf_eval *e, enum spf_kind kind, struct span spec, const char *domain, struct branches *b)
{
    char name[DNS_NAME_MAX], reverse[DNS_NAME_MAX];

    if (b->questions == 0 || spf_macro_uses(spec, 'p') || spf_target(e, spec, domain, name) != SPF_MATCH)
        return;
    b->questions--;
    if (kind == SPF_PTR)
        ask_dns(e->q, spf_reverse_name(&e->values.client, reverse), DNS_PTR);
    else
        ask_dns(e->q, name, question_type(e, kind));
    if (kind != SPF_A && kind != SPF_EXISTS)
        b->items[b->count++] = (struct branch){ kind, arena_dup(e->scratch, span_of(name)) };
}

/* ask_terms - of a record, as far as the limit of look-ups and a term that matches for sure let the walk come. */
static void ask_terms(struct spf_eval *e, const struct spf_record *record, const char *domain, struct branches *b)
{
    unsigned lookups = 0;

    for (size_t i = 0; i < record->count; i++) {
        const struct spf_term *term = &record->terms[i];

        if (term->kind == SPF_ALL)
            return;
        if (term->kind == SPF_IP4 || term->kind == SPF_IP6) {
            if (spf_ip_matches(e, term))
                return;
            continue;
        }
        if (lookups++ == e->limits->lookups)
            return;
        ask_term(e, term->kind, term->domain, domain, b);
    }
    if (record->redirect.ptr && lookups < e->limits->lookups)
        ask_term(e, SPF_REDIRECT, record->redirect, domain, b);
}

static void ask_hosts(struct spf_eval *e, const struct branch *branch, unsigned questions)
{
    char name[DNS_NAME_MAX];
    const struct dns_answer *answer = branch->kind == SPF_MX
                                          ? ask_dns(e->q, branch->name, DNS_MX)
                                          : ask_dns(e->q, spf_reverse_name(&e->values.client, name), DNS_PTR);

    if (!answer || (branch->kind == SPF_MX && answer->count > SPF_HOSTS_MOST))
        return;
    for (uint32_t i = 0; i < answer->count && i < SPF_HOSTS_MOST && questions; i++) {
        if (!spf_host(answer->records[i].name, name))
            continue;
        if (branch->kind == SPF_PTR && !domain_is_under(name, branch->name))
            continue;
        ask_dns(e->q, name, spf_address_type(e));
        questions--;
    }
}

/* The recursion ends: each level has at least one question less than the one above it. */
static void foresee(struct spf_eval *e, const char *domain, unsigned questions)
{
    const struct dns_answer *answer = ask_dns(e->q, domain, DNS_TXT);
    const struct spf_policy *policy = answer ? spf_policy_of(e, answer) : NULL;
    struct branches b = { .questions = questions };

    if (!policy || policy->state != AUTH_PASS)
        return;
    ask_terms(e, &policy->record, domain, &b);
    for (size_t i = 0; i < b.count; i++) {
        const struct branch *branch = &b.items[i];
        unsigned share = b.questions / (unsigned)b.count;

        if (share && (branch->kind == SPF_INCLUDE || branch->kind == SPF_REDIRECT))
            foresee(e, branch->name, share);
        else if (share)
            ask_hosts(e, branch, share);
    }
}

void spf_foresee(struct spf_eval *e, const char *domain)
{
    foresee(e, domain, SPF_FORESEE_MOST);
}
