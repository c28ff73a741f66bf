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
    const char *target;
    const struct dns_answer *answer; /* NULL: not here yet */
};

struct branches {
    struct branch items[SPF_LOOKUPS_MOST + 1];
    size_t count;
    unsigned questions; /* left */
};

/* ask_term - one question of the record's own. Terms with %{p} are left to the evaluation: they are discouraged. */
static void ask_term(struct spf_eval *e, struct spf_term *term, const char *domain, struct branches *b)
{
    const char *target;

    if (b->questions == 0 || (term->has_macros && spf_macro_uses(term->domain, 'p')) ||
        spf_target(e, term, domain, &target) != SPF_MATCH)
        return;
    b->questions--;
    const struct dns_answer *answer = spf_ask(e, term, target);

    if (term->kind != SPF_A && term->kind != SPF_EXISTS)
        b->items[b->count++] = (struct branch){ term->kind, target, answer };
}

/* ask_terms - of a record, as far as the limit of look-ups and a term that matches for sure let the walk come. */
static void ask_terms(struct spf_eval *e, const struct spf_record *record, const char *domain, struct branches *b)
{
    unsigned lookups = 0;

    for (size_t i = 0; i < record->count; i++) {
        struct spf_term *term = &record->terms[i];

        if (term->kind == SPF_ALL)
            return;
        if (term->kind >= SPF_REDIRECT)
            continue;
        if (term->kind == SPF_IP4 || term->kind == SPF_IP6) {
            if (spf_ip_matches(e, term))
                return;
            continue;
        }
        if (lookups++ == e->limits->lookups)
            return;
        ask_term(e, term, domain, b);
    }
    if (record->redirect && lookups < e->limits->lookups)
        ask_term(e, record->redirect, domain, b);
}

static void ask_hosts(struct spf_eval *e, const struct branch *branch, unsigned questions)
{
    char name[DNS_NAME_MAX];
    const struct dns_answer *answer = branch->answer;

    if (!answer || (branch->kind == SPF_MX && answer->count > SPF_HOSTS_MOST))
        return;
    for (uint32_t i = 0; i < answer->count && i < SPF_HOSTS_MOST && questions; i++) {
        if (!spf_host(answer->records[i].name, name))
            continue;
        if (branch->kind == SPF_PTR && !domain_is_under(name, branch->target))
            continue;
        ask_dns(e->q, name, spf_address_type(e));
        questions--;
    }
}

/* The recursion ends: each level has at least one question less than the one above it. */
static void foresee(struct spf_eval *e, const char *domain, const struct dns_answer *answer, unsigned questions)
{
    const struct spf_policy *policy = answer ? spf_policy_of(e, answer) : NULL;
    struct branches b = { .questions = questions };

    if (!policy || policy->state != AUTH_PASS)
        return;
    ask_terms(e, &policy->record, domain, &b);
    for (size_t i = 0; i < b.count; i++) {
        const struct branch *branch = &b.items[i];
        unsigned share = b.questions / (unsigned)b.count;

        if (share && (branch->kind == SPF_INCLUDE || branch->kind == SPF_REDIRECT))
            foresee(e, branch->target, branch->answer, share);
        else if (share)
            ask_hosts(e, branch, share);
    }
}

void spf_foresee(struct spf_eval *e, const char *domain)
{
    foresee(e, domain, ask_dns(e->q, domain, DNS_TXT), SPF_FORESEE_MOST);
}
