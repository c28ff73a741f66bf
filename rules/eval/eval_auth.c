/* rules/eval/eval_auth.c - SPF, DKIM, DMARC and Bayes: what sister checks have found out, asked by rules.
 *
 * A check that was off, or that failed, leaves no evidence, and no rule about it hits.
 */
#include "gateway/mail/domain.h"
#include "rules/eval/eval_parts.h"
#include "rules/settings.h"

/* ---- SPF ---- */

#define SPF_FUNCTION(name, part, result_wanted)                                                                        \
    static unsigned name(struct scanning *s, const struct rule *rule)                                                  \
    {                                                                                                                  \
        (void)rule;                                                                                                    \
        return s->q->evidence->part.result == (result_wanted);                                                         \
    }

SPF_FUNCTION(spf_pass, spf_mailfrom, AUTH_PASS)
SPF_FUNCTION(spf_neutral, spf_mailfrom, AUTH_NEUTRAL)
SPF_FUNCTION(spf_none, spf_mailfrom, AUTH_NONE)
SPF_FUNCTION(spf_fail, spf_mailfrom, AUTH_FAIL)
SPF_FUNCTION(spf_softfail, spf_mailfrom, AUTH_SOFTFAIL)
SPF_FUNCTION(spf_permerror, spf_mailfrom, AUTH_PERMERROR)
SPF_FUNCTION(spf_temperror, spf_mailfrom, AUTH_TEMPERROR)
SPF_FUNCTION(spf_helo_pass, spf_helo, AUTH_PASS)
SPF_FUNCTION(spf_helo_neutral, spf_helo, AUTH_NEUTRAL)
SPF_FUNCTION(spf_helo_none, spf_helo, AUTH_NONE)
SPF_FUNCTION(spf_helo_fail, spf_helo, AUTH_FAIL)
SPF_FUNCTION(spf_helo_softfail, spf_helo, AUTH_SOFTFAIL)
SPF_FUNCTION(spf_helo_permerror, spf_helo, AUTH_PERMERROR)
SPF_FUNCTION(spf_helo_temperror, spf_helo, AUTH_TEMPERROR)

static bool is_in(struct scanning *s, const char *list, struct span address)
{
    const struct address_list *addresses = s->set->settings ? settings_addresses(s->set->settings, list) : NULL;

    return addresses && address.len && addresses_have(addresses, address);
}

static unsigned spf_listed(struct scanning *s, const char *list, const char *authenticated)
{
    struct span sender = eval_address(s, "EnvelopeFrom");

    return s->q->evidence->spf_mailfrom.result == AUTH_PASS && !s->q->evidence->spf_mailfrom.is_open &&
           (is_in(s, list, sender) || is_in(s, authenticated, sender));
}

static unsigned spf_welcome(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return spf_listed(s, "welcomelist_from_spf", "welcomelist_auth");
}

static unsigned spf_default(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return spf_listed(s, "def_welcomelist_from_spf", "def_welcomelist_auth");
}

static unsigned spf_no_sender(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return eval_address(s, "EnvelopeFrom").len == 0;
}

/* ---- DKIM ---- */

static bool is_domain(const char *domain, const char *wanted)
{
    char normal[DOMAIN_MAX];

    if (strncmp(wanted, "*.", 2) == 0 || wanted[0] == '.') {
        const char *parent = wanted + (wanted[0] == '*' ? 2 : 1);
        return domain_normal(span_of(parent), normal) == 0 && domain_is_under(domain, normal);
    }
    return domain_normal(span_of(wanted), normal) == 0 && strcmp(domain, normal) == 0;
}

static bool is_one_of(const char *domain, const struct rule *rule, size_t from)
{
    for (size_t i = from; eval_argument(rule, i); i++)
        if (is_domain(domain, eval_argument(rule, i)))
            return true;
    return !eval_argument(rule, from);
}

/* A signature by one of the rule's domains (any, when it names none); valid, if that is wanted. */
static unsigned signed_by(struct scanning *s, const struct rule *rule, bool must_be_valid)
{
    const struct evidence *e = s->q->evidence;

    for (size_t i = 0; i < e->dkim_count; i++)
        if (e->dkim[i].domain && (!must_be_valid || e->dkim[i].result == AUTH_PASS) &&
            is_one_of(e->dkim[i].domain, rule, 0))
            return 1;
    return 0;
}

static unsigned dkim_signed(struct scanning *s, const struct rule *rule)
{
    return signed_by(s, rule, false);
}

static unsigned dkim_valid(struct scanning *s, const struct rule *rule)
{
    return signed_by(s, rule, true);
}

static bool is_validly_signed(struct scanning *s, const char *domain)
{
    const struct evidence *e = s->q->evidence;

    for (size_t i = 0; i < e->dkim_count; i++)
        if (e->dkim[i].result == AUTH_PASS && e->dkim[i].domain && strcmp(e->dkim[i].domain, domain) == 0)
            return true;
    return false;
}

static bool author_domain(struct span address, char out[DOMAIN_MAX])
{
    return domain_normal(eval_behind_at(address), out) == 0;
}

static unsigned dkim_valid_author(struct scanning *s, const struct rule *rule)
{
    const struct rule_lines *authors = eval_addresses(s, "From");
    char domain[DOMAIN_MAX];

    for (size_t i = 0; i < authors->count; i++)
        if (author_domain(span_trim(authors->items[i]), domain) && is_validly_signed(s, domain) &&
            is_one_of(domain, rule, 0))
            return 1;
    return 0;
}

static unsigned dkim_valid_envelope(struct scanning *s, const struct rule *rule)
{
    char domain[DOMAIN_MAX];

    (void)rule;
    return author_domain(eval_address(s, "EnvelopeFrom"), domain) && is_validly_signed(s, domain);
}

/* We see messages whole: what a signature says of them can be relied on. */
static unsigned dkim_dependable(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return s->q->evidence->dkim_count > 0;
}

static unsigned dkim_testing(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    for (size_t i = 0; i < s->q->evidence->dkim_count; i++)
        if (s->q->evidence->dkim[i].is_testing)
            return 1;
    return 0;
}

/* ADSP is historic: nobody publishes it. What the rule files say of domains (adsp_override) holds. */
static const char *practices_of(struct scanning *s, const char *domain)
{
    const struct ruleset_settings *settings = s->set->settings;
    const char *wild = domain;

    for (size_t i = 0; settings && i < settings->adsp_count; i++)
        if (strcmp(settings->adsp[i].domain, domain) == 0)
            return settings->adsp[i].practices;
    while (settings && (wild = domain_parent(wild)))
        for (size_t i = 0; i < settings->adsp_count; i++) {
            const char *entry = settings->adsp[i].domain;
            if (strncmp(entry, "*.", 2) == 0 && strcmp(entry + 2, wild) == 0)
                return settings->adsp[i].practices;
        }
    return "";
}

static unsigned adsp_is(struct scanning *s, const char *letters, const struct rule *rule, size_t domains_from)
{
    static const struct {
        const char *practices;
        char letter;
    } kinds[] = { { "nxdomain", 'N' },   { "all", 'A' },        { "discardable", 'D' },
                  { "custom_low", '1' }, { "custom_med", '2' }, { "custom_high", '3' } };
    const struct rule_lines *authors = eval_addresses(s, "From");
    char domain[DOMAIN_MAX];

    if (s->q->evidence->dkim_result == AUTH_ABSENT)
        return 0;
    for (size_t i = 0; i < authors->count; i++) {
        if (!author_domain(span_trim(authors->items[i]), domain) || is_validly_signed(s, domain) ||
            !is_one_of(domain, rule, domains_from))
            continue;
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if (strcmp(practices_of(s, domain), kinds[k].practices) == 0 &&
                (strcmp(letters, "*") == 0 || strchr(letters, kinds[k].letter)))
                return 1;
    }
    return 0;
}

static unsigned dkim_adsp(struct scanning *s, const struct rule *rule)
{
    return adsp_is(s, eval_argument(rule, 0), rule, 1);
}

static unsigned dkim_sign_all(struct scanning *s, const struct rule *rule)
{
    return adsp_is(s, "A", rule, 0);
}

static unsigned never(struct scanning *s, const struct rule *rule)
{
    (void)s;
    (void)rule;
    return 0;
}

/* The author is listed, and the domain that is listed with him (his own, without one) has signed. */
static unsigned dkim_listed(struct scanning *s, const char *list, const char *authenticated)
{
    const struct address_list *all = s->set->settings ? settings_addresses(s->set->settings, list) : NULL;
    const struct rule_lines *authors = eval_addresses(s, "From");
    const struct address_pattern *p;
    char domain[DOMAIN_MAX];

    for (size_t i = 0; i < authors->count; i++) {
        struct span author = span_trim(authors->items[i]);

        if (!author_domain(author, domain))
            continue;
        bool is_own = is_validly_signed(s, domain);
        if (is_own && is_in(s, authenticated, author))
            return 1;
        for (size_t at = 0; all && (p = addresses_match(all, author, &at));) {
            for (size_t k = 0; k < p->value_count; k++)
                if (p->values[k][0] ? is_validly_signed(s, p->values[k]) : is_own)
                    return 1;
        }
    }
    return 0;
}

static unsigned dkim_welcome(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return dkim_listed(s, "welcomelist_from_dkim", "welcomelist_auth");
}

static unsigned dkim_default(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return dkim_listed(s, "def_welcomelist_from_dkim", "def_welcomelist_auth");
}

static unsigned arc_signed(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return s->q->evidence->arc.sets > 0;
}

static unsigned arc_valid(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return s->q->evidence->arc.result == AUTH_PASS;
}

/* ---- DMARC ---- */

static bool fails_with(struct scanning *s, const char *policy)
{
    const struct dmarc_evidence *d = &s->q->evidence->dmarc;

    return d->result == AUTH_FAIL && d->policy && strcmp(d->policy, policy) == 0;
}

static unsigned dmarc_pass(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return s->q->evidence->dmarc.result == AUTH_PASS;
}

static unsigned dmarc_reject(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return fails_with(s, "reject");
}

static unsigned dmarc_quarantine(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return fails_with(s, "quarantine");
}

static unsigned dmarc_none(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return fails_with(s, "none");
}

static unsigned dmarc_missing(struct scanning *s, const struct rule *rule)
{
    (void)rule;
    return s->q->evidence->dmarc.result == AUTH_NONE;
}

/* ---- Bayes ---- */

/* From the first number (with it, when it is 0) up to the second. */
static unsigned bayes(struct scanning *s, const struct rule *rule)
{
    const struct bayes_evidence *b = &s->q->evidence->bayes;
    double least = eval_number(rule, 0, 0), most = eval_number(rule, 1, 1);

    return b->is_known && (least <= 0 || b->probability > least) && b->probability <= most;
}

#define SPF   SA_PLUGIN("SPF")
#define DKIM  SA_PLUGIN("DKIM")
#define DMARC SA_PLUGIN("DMARC")

enum { DOMAINS_MAX = 50 };

const struct eval_function eval_auth_functions[] = {
    { "check_for_spf_pass", SPF, spf_pass, 0, 0 },
    { "check_for_spf_neutral", SPF, spf_neutral, 0, 0 },
    { "check_for_spf_none", SPF, spf_none, 0, 0 },
    { "check_for_spf_fail", SPF, spf_fail, 0, 0 },
    { "check_for_spf_softfail", SPF, spf_softfail, 0, 0 },
    { "check_for_spf_permerror", SPF, spf_permerror, 0, 0 },
    { "check_for_spf_temperror", SPF, spf_temperror, 0, 0 },
    { "check_for_spf_helo_pass", SPF, spf_helo_pass, 0, 0 },
    { "check_for_spf_helo_neutral", SPF, spf_helo_neutral, 0, 0 },
    { "check_for_spf_helo_none", SPF, spf_helo_none, 0, 0 },
    { "check_for_spf_helo_fail", SPF, spf_helo_fail, 0, 0 },
    { "check_for_spf_helo_softfail", SPF, spf_helo_softfail, 0, 0 },
    { "check_for_spf_helo_permerror", SPF, spf_helo_permerror, 0, 0 },
    { "check_for_spf_helo_temperror", SPF, spf_helo_temperror, 0, 0 },
    { "check_for_spf_welcomelist_from", SPF, spf_welcome, 0, 0 },
    { "check_for_spf_whitelist_from", SPF, spf_welcome, 0, 0 },
    { "check_for_def_spf_welcomelist_from", SPF, spf_default, 0, 0 },
    { "check_for_def_spf_whitelist_from", SPF, spf_default, 0, 0 },
    { "check_spf_skipped_noenvfrom", SPF, spf_no_sender, 0, 0 },
    { "check_dkim_signed", DKIM, dkim_signed, 0, DOMAINS_MAX },
    { "check_dkim_valid", DKIM, dkim_valid, 0, DOMAINS_MAX },
    { "check_dkim_verified", DKIM, dkim_valid, 0, DOMAINS_MAX },
    { "check_dkim_valid_author_sig", DKIM, dkim_valid_author, 0, DOMAINS_MAX },
    { "check_dkim_valid_envelopefrom", DKIM, dkim_valid_envelope, 0, 0 },
    { "check_dkim_dependable", DKIM, dkim_dependable, 0, 0 },
    { "check_dkim_testing", DKIM, dkim_testing, 0, 0 },
    { "check_dkim_adsp", DKIM, dkim_adsp, 1, DOMAINS_MAX },
    { "check_dkim_signall", DKIM, dkim_sign_all, 0, 0 },
    { "check_dkim_signsome", DKIM, never, 0, 0 },
    { "check_for_dkim_welcomelist_from", DKIM, dkim_welcome, 0, 0 },
    { "check_for_dkim_whitelist_from", DKIM, dkim_welcome, 0, 0 },
    { "check_for_def_dkim_welcomelist_from", DKIM, dkim_default, 0, 0 },
    { "check_for_def_dkim_whitelist_from", DKIM, dkim_default, 0, 0 },
    { "check_arc_signed", DKIM, arc_signed, 0, 0 },
    { "check_arc_valid", DKIM, arc_valid, 0, 0 },
    { "check_dmarc_pass", DMARC, dmarc_pass, 0, 0 },
    { "check_dmarc_reject", DMARC, dmarc_reject, 0, 0 },
    { "check_dmarc_quarantine", DMARC, dmarc_quarantine, 0, 0 },
    { "check_dmarc_none", DMARC, dmarc_none, 0, 0 },
    { "check_dmarc_missing", DMARC, dmarc_missing, 0, 0 },
    { "check_bayes", SA_PLUGIN("Bayes"), bayes, 2, 2 },
    { 0 },
};
