/* scanners/spf.c - the check "spf": Sender Policy Framework [RFC7208], for the HELO and the MAIL FROM identity.
 *
 * Both identities are judged [RFC7208 2.3, 2.4] and told apart: R_SPF_... (rspamd's names and scores) speak of the
 * envelope sender, SPF_HELO_... (SpamAssassin's names) of the HELO name. With the null sender the envelope sender is
 * postmaster at the HELO name [RFC7208 2.4]: one evaluation, told as both, and only R_SPF_... is found.
 *
 * Our own users (authenticated, or in relay_clients) and networks in `skip` are not judged: their addresses say
 * nothing of the domain's policy. Their results are absent (not "none", which would be a claim about the domain), with
 * the reason, and nothing is found.
 *
 * By default a failure only scores: forwarders break SPF, and DMARC knows more [RFC7489 10.1]. An administrator can
 * have failures refused. Threads: the loop. Memory: each run's own arena; what is told goes into the transaction's.
 */
#include "scanners/spf.h"

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "scanners/spf_eval.h"

struct spf_conf {
    bool does_helo;
    bool explains;
    int64_t lookups, void_lookups;
    bool rejects_fail, rejects_helo_fail, rejects_permerror, defers_temperror;
    struct conf_nets skip;
};

#define AT(member) offsetof(struct spf_conf, member)

static const struct conf_key spf_keys[] = {
    { .name = "helo",
      .type = CONF_BOOL,
      .at = AT(does_helo),
      .initial = "yes",
      .help = "also judge the HELO name, not only the sender's domain" },
    { .name = "lookups",
      .type = CONF_INT,
      .at = AT(lookups),
      .initial = "10",
      .least = "1",
      .most = "10",
      .help = "terms with a DNS look-up that one evaluation may reach; RFC 7208 says 10, and no more" },
    { .name = "void_lookups",
      .type = CONF_INT,
      .at = AT(void_lookups),
      .initial = "2",
      .least = "0",
      .most = "10",
      .help = "terms whose look-up may come back empty before the record is a permerror; RFC 7208 recommends 2" },
    { .name = "explain",
      .type = CONF_BOOL,
      .at = AT(explains),
      .initial = "yes",
      .help = "look up what the domain itself has to say of a failure (exp=), for replies and records" },
    { .name = "reject",
      .type = CONF_BOOL,
      .at = AT(rejects_fail),
      .initial = "no",
      .help = "refuse mail when the sender's domain says that the client may not send for it (-all); no: it scores. "
              "Breaks mail that is forwarded without rewriting of the sender" },
    { .name = "helo_reject",
      .type = CONF_BOOL,
      .at = AT(rejects_helo_fail),
      .initial = "no",
      .help = "the same for the HELO name" },
    { .name = "permerror_reject",
      .type = CONF_BOOL,
      .at = AT(rejects_permerror),
      .initial = "no",
      .help = "refuse mail when the sender's domain has a broken SPF record" },
    { .name = "temperror_defer",
      .type = CONF_BOOL,
      .at = AT(defers_temperror),
      .initial = "no",
      .help = "answer 4xx when the sender's SPF record cannot be looked up now" },
    { .name = "skip",
      .type = CONF_ADDRS,
      .at = AT(skip),
      .initial = "127.0.0.0/8 ::1",
      .help = "clients that are not judged: your own secondary MX, forwarders that you trust" },
    { 0 },
};

static const struct conf_section spf_section = {
    .name = "spf",
    .help = "may this client send for this domain? RFC 7208",
    .size = sizeof(struct spf_conf),
    .keys = spf_keys,
};

enum spf_symbol {
    R_SPF_FAIL,
    R_SPF_SOFTFAIL,
    R_SPF_NEUTRAL,
    R_SPF_ALLOW,
    R_SPF_PLUSALL,
    R_SPF_NA,
    R_SPF_DNSFAIL,
    R_SPF_PERMFAIL,
    SPF_HELO_FAIL,
    SPF_HELO_SOFTFAIL,
    SPF_HELO_NEUTRAL,
    SPF_HELO_PASS,
    SPF_HELO_TEMPERROR,
    SPF_HELO_PERMERROR,
    NO_SYMBOL,
};

static const struct symbol spf_symbols[] = {
    [R_SPF_FAIL] = { "R_SPF_FAIL", 100, "the sender's domain says that this client may not send for it" },
    [R_SPF_SOFTFAIL] = { "R_SPF_SOFTFAIL", 0, "the sender's domain says that this client should not send for it" },
    [R_SPF_NEUTRAL] = { "R_SPF_NEUTRAL", 0, "the sender's domain says nothing of this client" },
    [R_SPF_ALLOW] = { "R_SPF_ALLOW", -20, "the sender's domain says that this client may send for it" },
    [R_SPF_PLUSALL] = { "R_SPF_PLUSALL", 400, "the sender's domain lets (nearly) everybody send for it" },
    [R_SPF_NA] = { "R_SPF_NA", 0, "the sender's domain has no SPF record" },
    [R_SPF_DNSFAIL] = { "R_SPF_DNSFAIL", 0, "a look-up for the sender's SPF record failed" },
    [R_SPF_PERMFAIL] = { "R_SPF_PERMFAIL", 0, "the sender's SPF record is broken" },
    [SPF_HELO_FAIL] = { "SPF_HELO_FAIL", 100, "the HELO name's domain says that this client may not use it" },
    [SPF_HELO_SOFTFAIL] = { "SPF_HELO_SOFTFAIL", 0, "the HELO name's domain says that this client should not use it" },
    [SPF_HELO_NEUTRAL] = { "SPF_HELO_NEUTRAL", 0, "the HELO name's domain says nothing of this client" },
    [SPF_HELO_PASS] = { "SPF_HELO_PASS", 0, "the HELO name's domain says that this client may use it" },
    [SPF_HELO_TEMPERROR] = { "SPF_HELO_TEMPERROR", 0, "a look-up for the HELO name's SPF record failed" },
    [SPF_HELO_PERMERROR] = { "SPF_HELO_PERMERROR", 0, "the HELO name's SPF record is broken" },
    [NO_SYMBOL] = { NULL, 0, NULL },
};

/* What an identity's result is called. */
struct naming {
    enum spf_symbol fail, softfail, neutral, pass, plusall, none, temperror, permerror;
};

static const struct naming mailfrom_names = {
    R_SPF_FAIL, R_SPF_SOFTFAIL, R_SPF_NEUTRAL, R_SPF_ALLOW, R_SPF_PLUSALL, R_SPF_NA, R_SPF_DNSFAIL, R_SPF_PERMFAIL,
};
/* Most HELO names have no record: to say so would be noise. */
static const struct naming helo_names = {
    SPF_HELO_FAIL, SPF_HELO_SOFTFAIL, SPF_HELO_NEUTRAL,   SPF_HELO_PASS,
    SPF_HELO_PASS, NO_SYMBOL,         SPF_HELO_TEMPERROR, SPF_HELO_PERMERROR,
};

/* One identity at work. */
struct identity {
    const struct naming *names;
    struct span local, sender_domain; /* as given */
    char domain[DOMAIN_MAX];          /* "" when SPF cannot be asked of it */
    struct spf_eval eval;
    struct spf_verdict verdict;
};

static const char *not_judged(const struct inquiry *q)
{
    const struct spf_conf *conf = q->conf;

    if (session_direction(q->session) == DIRECTION_AUTHENTICATED)
        return "not judged: one of our own users or relay clients";
    if (q->session->client.family == ADDR_NONE)
        return "not judged: the client has no IP address";
    for (size_t i = 0; i < conf->skip.count; i++)
        if (addr_in(&q->session->client, &conf->skip.items[i]))
            return "not judged: the client is in \"skip\"";
    return NULL;
}

/* identity_init - [RFC7208 4.3]: what is no domain name of two labels or more has no policy. */
static void identity_init(struct identity *id, const struct naming *names, struct span local, struct span domain)
{
    *id = (struct identity){ .names = names, .local = local.len ? local : SPAN("postmaster"), .sender_domain = domain };
    if (!domain_is_fqdn(domain) || domain_normal(domain, id->domain))
        id->domain[0] = '\0';
}

static void identity_eval(struct identity *id, struct inquiry *q, struct arena *scratch,
                          const struct spf_limits *limits, struct spf_policy **policies)
{
    if (!id->domain[0]) {
        id->verdict = (struct spf_verdict){ .result = AUTH_NONE, .explanation = "" };
        return;
    }
    id->eval.q = q;
    id->eval.scratch = scratch;
    id->eval.limits = limits;
    id->eval.policies = policies;
    id->eval.values = (struct spf_macro_values){ .local = id->local,
                                                 .sender_domain = span_of(id->domain),
                                                 .helo = q->session->helo,
                                                 .validated = SPAN("unknown"),
                                                 .receiver = span_of(q->session->hostname),
                                                 .client = q->session->client,
                                                 .now_s = q->now_ms / 1000 };
    spf_eval(&id->eval, id->domain, &id->verdict);
}

/* --- what was found --- */

static const char *reason_of(struct inquiry *q, const struct identity *id)
{
    if (id->domain[0])
        return id->verdict.reason;
    if (!id->sender_domain.len)
        return "there is no domain to ask";
    struct strbuf text;

    strbuf_init(&text, 4 * DOMAIN_MAX + 64);
    strbuf_put_escaped(&text, id->sender_domain, DOMAIN_MAX);
    strbuf_puts(&text, " is not the name of a domain");
    const char *reason = arena_dup(q->arena, strbuf_span(&text));

    strbuf_release(&text);
    return reason;
}

static void tell_evidence(struct inquiry *q, const struct identity *id, const char *sender, struct spf_evidence *out)
{
    *out = (struct spf_evidence){ .result = id->verdict.result,
                                  .domain = arena_dup(q->arena, span_of(id->domain)),
                                  .sender = sender,
                                  .explanation = id->verdict.explanation,
                                  .reason = reason_of(q, id),
                                  .is_open = id->verdict.result == AUTH_PASS && id->verdict.is_open,
                                  .lookups = id->verdict.lookups,
                                  .void_lookups = id->verdict.void_lookups };
}

static enum spf_symbol symbol_of(const struct naming *names, const struct spf_verdict *verdict)
{
    switch (verdict->result) {
    case AUTH_FAIL: return names->fail;
    case AUTH_SOFTFAIL: return names->softfail;
    case AUTH_NEUTRAL: return names->neutral;
    case AUTH_PASS: return verdict->is_open ? names->plusall : names->pass;
    case AUTH_TEMPERROR: return names->temperror;
    case AUTH_PERMERROR: return names->permerror;
    default: return names->none;
    }
}

static void refuse_failure(struct inquiry *q, const struct identity *id)
{
    char client[ADDR_TEXT_MAX];
    const char *said = id->verdict.explanation;

    /* Whose words they are must be clear [RFC7208 6.2, 11.5.3]; a reply is one line [RFC5321 4.5.3.1]. */
    finding_force(q, ACTION_REJECT,
                  arena_printf(q->arena, "SPF: %s does not let %s send mail for it%s%.300s", id->domain,
                               addr_text(&q->session->client, client), *said ? "; its explanation: " : "", said));
}

static void tell_forced(struct inquiry *q, const struct identity *id, bool is_helo)
{
    const struct spf_conf *conf = q->conf;
    enum auth_result result = id->verdict.result;

    if (result == AUTH_FAIL && (is_helo ? conf->rejects_helo_fail : conf->rejects_fail))
        refuse_failure(q, id);
    if (is_helo)
        return;
    if (result == AUTH_PERMERROR && conf->rejects_permerror)
        finding_force(q, ACTION_REJECT,
                      arena_printf(q->arena, "the SPF record of %s is broken: %.200s", id->domain, id->verdict.reason));
    if (result == AUTH_TEMPERROR && conf->defers_temperror)
        finding_force(q, ACTION_DEFER,
                      arena_printf(q->arena, "the SPF record of %s cannot be looked up now", id->domain));
}

static void tell(struct inquiry *q, const struct identity *id, const char *sender, struct spf_evidence *out)
{
    enum spf_symbol symbol = symbol_of(id->names, &id->verdict);

    tell_evidence(q, id, sender, out);
    if (symbol != NO_SYMBOL)
        finding_add(q, symbol, "%s", out->reason);
    tell_forced(q, id, id->names == &helo_names);
}

static enum step tell_not_judged(struct inquiry *q, const char *why)
{
    const struct spf_evidence none = {
        .result = AUTH_ABSENT, .domain = "", .sender = "", .explanation = "", .reason = why
    };

    q->evidence->spf_helo = q->evidence->spf_mailfrom = none;
    return STEP_DONE;
}

static void tell_all(struct inquiry *q, const struct identity *mailfrom, const struct identity *helo, bool is_null)
{
    const struct spf_conf *conf = q->conf;
    const char *helo_name = arena_dup(q->arena, q->session->helo);
    const char *sender =
        is_null ? arena_printf(q->arena, "postmaster@%s", helo_name) : arena_dup(q->arena, q->session->mail_from.text);

    tell(q, mailfrom, sender, &q->evidence->spf_mailfrom);
    if (is_null)
        tell_evidence(q, mailfrom, helo_name, &q->evidence->spf_helo);
    else if (conf->does_helo)
        tell(q, helo, helo_name, &q->evidence->spf_helo);
}

static enum step spf_run(struct inquiry *q)
{
    const struct spf_conf *conf = q->conf;
    const struct session *s = q->session;
    const struct spf_limits limits = { (unsigned)conf->lookups, (unsigned)conf->void_lookups, conf->explains };
    const char *why_not = not_judged(q);
    bool is_null = s->mail_from.text.len == 0, asks_helo = conf->does_helo && !is_null;
    struct spf_policy *policies = NULL;
    struct identity mailfrom, helo = { .verdict = { .result = AUTH_NONE } };
    struct arena scratch;

    if (why_not)
        return tell_not_judged(q, why_not);
    arena_init(&scratch, SIZE_MAX);
    identity_init(&mailfrom, &mailfrom_names, s->mail_from.local, is_null ? s->helo : s->mail_from.domain);
    identity_eval(&mailfrom, q, &scratch, &limits, &policies);
    if (asks_helo) {
        identity_init(&helo, &helo_names, SPAN(""), s->helo);
        identity_eval(&helo, q, &scratch, &limits, &policies);
    }
    bool is_waiting = false;

    for (size_t i = 0; i < 2; i++) {
        struct identity *id = i ? &helo : &mailfrom;

        if (id->verdict.result != AUTH_ABSENT)
            continue;
        is_waiting = true;
        spf_foresee(&id->eval, id->domain);
    }
    if (!is_waiting)
        tell_all(q, &mailfrom, &helo, is_null);
    arena_release(&scratch);
    return is_waiting ? STEP_WAIT : STEP_DONE;
}

/* A mail has one result for each identity. */
static void spf_bounds(const void *values, const int *points, struct bounds *out)
{
    const struct spf_conf *conf = values;
    int range[2][2] = { { 0, 0 }, { 0, 0 } }; /* mailfrom, helo: least, most */

    for (size_t i = 0; i < NO_SYMBOL; i++) {
        int *of = range[i >= SPF_HELO_FAIL];

        of[0] = points[i] < of[0] ? points[i] : of[0];
        of[1] = points[i] > of[1] ? points[i] : of[1];
    }
    *out = (struct bounds){ .least = range[0][0] + (conf->does_helo ? range[1][0] : 0),
                            .most = range[0][1] + (conf->does_helo ? range[1][1] : 0),
                            .may_force_reject = conf->rejects_fail || conf->rejects_helo_fail ||
                                                conf->rejects_permerror || conf->defers_temperror };
}

const struct check_module spf_module = {
    .section = &spf_section,
    .symbols = spf_symbols,
    .run = spf_run,
    .bounds = spf_bounds,
};
