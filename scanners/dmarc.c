/* scanners/dmarc.c - the check "dmarc": is the author's domain vouched for? [RFC9989]
 *
 * The From field is read as leniently as any reader may (mail/mailboxes.c), every author domain found is judged
 * (dmarc_judge.c), and the hardest outcome counts [RFC9989 11.5]: a message passes only when it passes for everyone
 * whom somebody may take for its author.
 *
 * RFC 9989 5.4 wants receivers not to reject for p=reject alone but to apply other knowledge. Ours: a mailing list that
 * stands by its mail with a name of its own is let through, tagged (spare_lists); so is what a trusted ARC sealer or
 * a trusted forwarder vouches for. All else that a domain's owner asks to be rejected is rejected, and what he wants
 * quarantined is tagged; on_reject and on_quarantine change it.
 *
 * Our own users (authenticated, or in relay_clients) are not judged: their mail is signed behind us, if at all.
 *
 * Threads: the loop. Memory: the transaction's arena.
 */
#include "scanners/dmarc.h"

#include "gateway/mail/address.h"
#include "gateway/mail/domain.h"
#include "scanners/dmarc_author.h"
#include "scanners/dmarc_judge.h"
#include "scanners/dmarc_retry.h"

enum multi_from { MULTI_STRICTEST, MULTI_EXEMPT, MULTI_REJECT };
enum answer { ANSWER_SCORE, ANSWER_TAG, ANSWER_QUARANTINE, ANSWER_DEFER, ANSWER_REJECT };

struct dmarc_conf {
    int discovery;  /* enum dmarc_discovery */
    int multi_from; /* enum multi_from */
    int on_reject;  /* enum answer */
    int on_quarantine;
    bool defers_temperror;
    bool spares_lists;
    struct conf_nets trusted_forwarders;
};

#define AT(member) offsetof(struct dmarc_conf, member)

static const struct conf_key dmarc_keys[] = {
    { .name = "discovery",
      .type = CONF_ENUM,
      .at = AT(discovery),
      .initial = "tree",
      .least = "tree psl",
      .help = "how a domain's policy and organization are found: tree, by the DNS tree walk of RFC 9989; psl, by the "
              "public suffix list as in RFC 7489" },
    { .name = "on_reject",
      .type = CONF_ENUM,
      .at = AT(on_reject),
      .initial = "reject",
      .least = "score tag quarantine defer reject",
      .help = "what is done with mail that fails where the domain's owner asks for p=reject; score: nothing but the "
              "points of DMARC_POLICY_REJECT" },
    { .name = "on_quarantine",
      .type = CONF_ENUM,
      .at = AT(on_quarantine),
      .initial = "tag",
      .least = "score tag quarantine defer reject",
      .help = "the same for p=quarantine" },
    { .name = "spare_lists",
      .type = CONF_BOOL,
      .at = AT(spares_lists),
      .initial = "yes",
      .help = "tag mail of mailing lists (List-Id, and SPF or DKIM passes for some domain) where it would be refused" },
    { .name = "temperror_defer",
      .type = CONF_BOOL,
      .at = AT(defers_temperror),
      .initial = "yes",
      .help =
          "answer 4xx, once, when SPF or DKIM could not be checked now and the domain asks for quarantine or reject; "
          "what comes again after a minute or more is tagged" },
    { .name = "multi_from",
      .type = CONF_ENUM,
      .at = AT(multi_from),
      .initial = "strictest",
      .least = "strictest exempt reject",
      .help = "mail with several author domains: strictest, the hardest outcome counts; exempt, it is not judged "
              "(RFC 9989 allows that, forgers like it); reject, it is refused" },
    { .name = "trusted_forwarders",
      .type = CONF_ADDRS,
      .at = AT(trusted_forwarders),
      .help = "clients whose mail is never refused for DMARC: your own secondary MX, forwarders that you trust" },
    { 0 },
};

static const struct conf_section dmarc_section = {
    .name = "dmarc",
    .help = "Is the author's domain vouched for by SPF or DKIM? [RFC 9989]",
    .size = sizeof(struct dmarc_conf),
    .keys = dmarc_keys,
};

enum {
    POLICY_ALLOW,
    POLICY_REJECT,
    POLICY_QUARANTINE,
    POLICY_SOFTFAIL,
    POLICY_OVERRIDDEN,
    NO_POLICY,
    DNS_FAIL,
    BAD_POLICY,
    MISSING_FROM,
    MULTIPLE_FROM,
    BROKEN_FROM,
};

static const struct symbol dmarc_symbols[] = {
    [POLICY_ALLOW] = { "DMARC_POLICY_ALLOW", -50, "the author's domain is vouched for" },
    [POLICY_REJECT] = { "DMARC_POLICY_REJECT", 200, "DMARC fails, and the domain asks for rejection" },
    [POLICY_QUARANTINE] = { "DMARC_POLICY_QUARANTINE", 150, "DMARC fails, and the domain asks for quarantine" },
    [POLICY_SOFTFAIL] = { "DMARC_POLICY_SOFTFAIL", 10, "DMARC fails, and the domain asks for nothing" },
    [POLICY_OVERRIDDEN] = { "DMARC_OVERRIDDEN", 0, "DMARC fails, and a trusted forwarder or ARC sealer vouches" },
    [NO_POLICY] = { "DMARC_NA", 0, "the author's domain has no DMARC policy, or its mail could not be judged" },
    [DNS_FAIL] = { "DMARC_DNSFAIL", 0, "DMARC could not be decided, for names that did not answer" },
    [BAD_POLICY] = { "DMARC_BAD_POLICY", 50, "a DMARC record that has no usable policy, or several at one name" },
    [MISSING_FROM] = { "MISSING_FROM", 200, "the message has no From field" },
    [MULTIPLE_FROM] = { "MULTIPLE_FROM", 900, "several From fields, or authors of several domains" },
    [BROKEN_FROM] = { "BROKEN_FROM", 400, "readers may see different authors in the From field, or none" },
    { 0 },
};

/* The odd From fields, told whatever comes of them. */
static void note_from(struct inquiry *q, const struct dmarc_authors *authors)
{
    if (authors->fields == 0)
        finding_add(q, MISSING_FROM, "no From field");
    if (authors->fields > 1)
        finding_add(q, MULTIPLE_FROM, "%zu From fields", authors->fields);
    if (authors->strict_count > 1)
        finding_add(q, MULTIPLE_FROM, "authors in %s and %s", authors->domains[0], authors->domains[1]);
    if (authors->count > authors->strict_count)
        finding_add(q, BROKEN_FROM, "some readers see %s", authors->domains[authors->strict_count]);
    if (authors->oddities & (ADDRESS_ODD_NUL | ADDRESS_ODD_ENCODED))
        finding_add(q, BROKEN_FROM, "control characters or encoded words in an address");
    if (authors->is_overfull)
        finding_add(q, MULTIPLE_FROM, "more authors than are checked");
    if (authors->fields && (authors->count == 0 || authors->is_incomplete))
        finding_add(q, BROKEN_FROM,
                    authors->count ? "not all authors have a domain that could be read" : "no author with a domain");
}

static void tell(struct inquiry *q, const struct dmarc_outcome *o, const char *disposition, const char *override)
{
    q->evidence->dmarc = (struct dmarc_evidence){
        .result = o->result,
        .domain = o->domain,
        .organizational_domain = o->organizational_domain,
        .policy_domain = o->policy_domain,
        .policy = o->has_policy ? dmarc_policy_text(o->policy) : "",
        .disposition = disposition,
        .override_reason = override,
        .reason = o->reason,
        .is_spf_aligned = o->is_spf_aligned,
        .is_dkim_aligned = o->is_dkim_aligned,
        .is_testing = o->is_testing,
    };
}

static void tell_undecided(struct inquiry *q, enum auth_result result, const char *domain, const char *reason)
{
    struct dmarc_outcome o = {
        .result = result, .domain = domain, .organizational_domain = domain, .policy_domain = "", .reason = reason
    };

    tell(q, &o, "none", "");
}

/* A list that names itself [RFC2919] and stands by the message with an authenticated name of its own. */
static bool is_list_mail(const struct inquiry *q)
{
    const struct evidence *e = q->evidence;

    if (!header_find(&q->message->header, "List-Id", 0))
        return false;
    for (size_t i = 0; i < e->dkim_count; i++)
        if (e->dkim[i].result == AUTH_PASS)
            return true;
    return e->spf_mailfrom.result == AUTH_PASS;
}

static const char *trusted_by(const struct inquiry *q)
{
    const struct dmarc_conf *conf = q->conf;
    const struct arc_evidence *arc = &q->evidence->arc;

    for (size_t i = 0; i < conf->trusted_forwarders.count; i++)
        if (addr_in(&q->session->client, &conf->trusted_forwarders.items[i]))
            return "trusted_forwarder";
    return arc->result == AUTH_PASS && arc->trusted_sealer && *arc->trusted_sealer ? "local_policy" : NULL;
}

static const enum action forced_by[] = {
    [ANSWER_TAG] = ACTION_TAG,
    [ANSWER_QUARANTINE] = ACTION_QUARANTINE,
    [ANSWER_DEFER] = ACTION_DEFER,
    [ANSWER_REJECT] = ACTION_REJECT,
};

/* Forces what the configuration says for this policy; what it comes to, in the words of policies [RFC9990]. */
static const char *act(struct inquiry *q, enum answer answer, const struct dmarc_outcome *o)
{
    if (answer == ANSWER_SCORE)
        return "none";
    finding_force(q, forced_by[answer], arena_printf(q->arena, "DMARC policy of %s: %s", o->policy_domain, o->reason));
    return answer == ANSWER_REJECT || answer == ANSWER_DEFER ? "reject" : "quarantine";
}

static void apply(struct inquiry *q, const struct dmarc_outcome *o)
{
    const struct dmarc_conf *conf = q->conf;
    bool is_reject = o->applies == DMARC_REJECT;
    enum answer answer = (enum answer)(is_reject ? conf->on_reject : conf->on_quarantine);
    const char *trust = trusted_by(q), *wanted = dmarc_policy_text(o->applies);
    const char *override = o->applies != o->policy ? "policy_test_mode" : "";

    if (o->applies == DMARC_NONE) {
        finding_add(q, POLICY_SOFTFAIL, "%s of %s: %s", dmarc_policy_text(o->policy), o->policy_domain, o->reason);
        tell(q, o, "none", override);
        return;
    }
    if (trust) {
        finding_add(q, POLICY_OVERRIDDEN, "%s of %s, but %s", wanted, o->policy_domain,
                    *trust == 't' ? "the client is a trusted forwarder" : q->evidence->arc.trusted_sealer);
        tell(q, o, "none", trust);
        return;
    }
    finding_add(q, is_reject ? POLICY_REJECT : POLICY_QUARANTINE, "%s of %s: %s", wanted, o->policy_domain, o->reason);
    if (answer >= ANSWER_DEFER && conf->spares_lists && is_list_mail(q)) {
        answer = ANSWER_TAG;
        override = "mailing_list";
    }
    const char *disposition = act(q, answer, o);

    tell(q, o, disposition, !*override && strcmp(disposition, wanted) != 0 ? "local_policy" : override);
}

static bool would_act(const struct dmarc_conf *conf, enum dmarc_policy policy)
{
    return (policy == DMARC_REJECT && conf->on_reject != ANSWER_SCORE) ||
           (policy == DMARC_QUARANTINE && conf->on_quarantine != ANSWER_SCORE);
}

/* Mail that could not be judged now. */
static enum step put_off(struct inquiry *q, const struct dmarc_outcome *o)
{
    const struct dmarc_conf *conf = q->conf;
    bool has_waited = false;

    finding_add(q, DNS_FAIL, "%s: %s", o->domain, o->reason);
    if (!conf->defers_temperror || !o->has_policy || !would_act(conf, o->applies) || trusted_by(q))
        return STEP_DONE;
    if (dmarc_retry(q, o->policy_domain, &has_waited) == STEP_WAIT)
        return STEP_WAIT;
    if (has_waited)
        finding_force(q, ACTION_TAG, NULL);
    else
        finding_force(q, ACTION_DEFER,
                      arena_printf(q->arena, "cannot check now what the DMARC policy of %s asks for; try again",
                                   o->policy_domain));
    return STEP_DONE;
}

static enum step conclude(struct inquiry *q, const struct dmarc_outcome *o)
{
    if (o->has_bad_record)
        finding_add(q, BAD_POLICY, "%s", *o->policy_domain ? o->policy_domain : o->domain);
    if (o->result == AUTH_FAIL) {
        apply(q, o);
        return STEP_DONE;
    }
    if (o->result == AUTH_PASS)
        finding_add(q, POLICY_ALLOW, "%s: %s", o->domain, o->reason);
    if (o->result == AUTH_NONE && o->has_policy)
        finding_add(q, NO_POLICY, "%s: %s", o->domain, o->reason);
    else if (o->result == AUTH_NONE)
        finding_add(q, NO_POLICY, "%s", o->domain);
    if (o->result == AUTH_TEMPERROR && put_off(q, o) == STEP_WAIT)
        return STEP_WAIT;
    tell(q, o, "none", "");
    return STEP_DONE;
}

/* The hardest outcome of all author domains. Their policies are asked for before anything that depends on what the
 * sender signed: he must not use up the look-ups that would find them. */
static enum step judge_all(struct inquiry *q, const struct dmarc_authors *authors, struct dmarc_outcome *out)
{
    const struct dmarc_conf *conf = q->conf;
    enum dmarc_discovery discovery = (enum dmarc_discovery)conf->discovery;
    enum step step = STEP_DONE;
    struct dmarc_walk walk;

    for (size_t i = 0; i < authors->count; i++)
        dmarc_walk(q, discovery, authors->domains[i], &walk);
    for (size_t i = 0; i < authors->count; i++) {
        struct dmarc_outcome outcome;

        if (dmarc_judge(q, discovery, authors->domains[i], &outcome) == STEP_WAIT)
            step = STEP_WAIT;
        else if (i == 0 || dmarc_is_harder(&outcome, out))
            *out = outcome;
    }
    return step;
}

/* What is concluded when the From field does not give one author domain. */
static enum step conclude_odd(struct inquiry *q, const struct dmarc_authors *authors, const struct dmarc_outcome *o)
{
    const struct dmarc_conf *conf = q->conf;

    if (conf->multi_from == MULTI_REJECT)
        finding_force(q, ACTION_REJECT, "DMARC needs a From field with authors of one domain [RFC 5322 3.6.2]");
    if (conf->multi_from != MULTI_STRICTEST) {
        tell_undecided(q, AUTH_NONE, authors->domains[0], "several author domains");
        return STEP_DONE;
    }
    if (o->result == AUTH_FAIL && o->applies == DMARC_REJECT)
        return conclude(q, o);
    if (authors->is_overfull) { /* those that were not read may be anybody: as if one asked for rejection */
        if (conf->on_reject != ANSWER_SCORE)
            finding_force(q, forced_by[conf->on_reject], "DMARC: more authors in From than can be checked");
        tell_undecided(q, AUTH_PERMERROR, o->domain, "more authors than are checked");
    } else if (authors->is_incomplete && o->result != AUTH_FAIL && o->result != AUTH_TEMPERROR) {
        tell_undecided(q, AUTH_PERMERROR, o->domain, "not all authors have a domain that could be read");
    } else {
        return conclude(q, o);
    }
    return STEP_DONE;
}

static enum step dmarc_run(struct inquiry *q)
{
    const struct dmarc_conf *conf = q->conf;
    struct dmarc_authors authors;
    struct dmarc_outcome outcome = { 0 };

    if (session_direction(q->session) == DIRECTION_AUTHENTICATED) {
        tell_undecided(q, AUTH_NONE, "", "mail of our own users is not judged");
        return STEP_DONE;
    }
    dmarc_authors(q->arena, q->message, &authors);
    bool is_odd = authors.fields > 1 || authors.count > 1 || authors.is_incomplete || authors.is_overfull;
    bool is_judged = authors.count && !(is_odd && conf->multi_from != MULTI_STRICTEST);

    if (is_judged && judge_all(q, &authors, &outcome) == STEP_WAIT)
        return STEP_WAIT;
    note_from(q, &authors);
    if (authors.count == 0)
        tell_undecided(q, AUTH_PERMERROR, "", "no author with a domain");
    else
        return is_odd ? conclude_odd(q, &authors, &outcome) : conclude(q, &outcome);
    return STEP_DONE;
}

/* While the signatures are still verified the policies are on their way, and what alignment by SPF will ask. */
static void dmarc_ask_early(struct inquiry *q)
{
    const struct dmarc_conf *conf = q->conf;
    struct dmarc_authors authors;
    struct dmarc_walk walk;
    char sender[DOMAIN_MAX];

    if (session_direction(q->session) == DIRECTION_AUTHENTICATED)
        return;
    dmarc_authors(q->arena, q->message, &authors);
    for (size_t i = 0; i < authors.count; i++)
        dmarc_walk(q, (enum dmarc_discovery)conf->discovery, authors.domains[i], &walk);
    if (authors.count && !domain_normal(q->session->mail_from.domain, sender))
        dmarc_foresee(q, authors.domains[0], arena_dup(q->arena, span_of(sender)));
}

/* One of the outcomes, and whatever is odd besides. Any forced action counts as "may reject": none is foreseen. */
static void dmarc_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct dmarc_conf *conf = values;

    *out = (struct bounds){ 0 };
    for (unsigned i = POLICY_ALLOW; i < BAD_POLICY; i++) {
        out->least = points[i] < out->least ? points[i] : out->least;
        out->most = points[i] > out->most ? points[i] : out->most;
    }
    for (unsigned i = BAD_POLICY; i <= BROKEN_FROM; i++)
        *(points[i] < 0 ? &out->least : &out->most) += points[i];
    out->may_force_reject =
        conf->on_reject != ANSWER_SCORE || conf->on_quarantine != ANSWER_SCORE || conf->multi_from == MULTI_REJECT;
}

/* Loads the public suffix list while we may still read files. */
static const char *dmarc_open(struct arena *a, void *values)
{
    (void)a;
    (void)values;
    return domain_is_public_suffix("com") ? NULL
                                          : "the public suffix list cannot be loaded; install the package publicsuffix";
}

const struct check_module dmarc_module = {
    .section = &dmarc_section,
    .symbols = dmarc_symbols,
    .run = dmarc_run,
    .foresee = dmarc_ask_early,
    .bounds = dmarc_bounds,
    .open = dmarc_open,
};
