/* scanners/recipient.c - recipients that no honest envelope has.
 *
 * A bounce goes to one who has sent one message: one with several recipients is none. Whether a domain takes mail at
 * all (a null MX: [RFC7505 4.1]) is asked only for our own users, who may write to any, and only when the
 * configuration wants to know: their mail server would find out, too, but later.
 */
#include "scanners/recipient.h"

#include "gateway/mail/domain.h"

enum { RCPT_BOUNCE, RCPT_TOO_MANY, RCPT_NOT_FQDN, RCPT_NORES, RCPT_NULL_MX };

static const struct symbol symbols[] = {
    [RCPT_BOUNCE] = { "HFILTER_RCPT_BOUNCEMOREONE", 150, "the null sender writes to more than one recipient" },
    [RCPT_TOO_MANY] = { "RCPT_TOO_MANY", 0, "more recipients than `most` allows (deferred)" },
    [RCPT_NOT_FQDN] = { "RCPT_NOT_FQDN", 0, "a recipient's domain is no full name" },
    [RCPT_NORES] = { "RCPT_NORES_A_OR_MX", 0, "a recipient's domain has no MX and no address" },
    [RCPT_NULL_MX] = { "RCPT_NULL_MX", 0, "a recipient's domain says that it takes no mail" },
    { 0 },
};

static const char too_many[] = "452 4.5.3 Too many recipients; send the others in another transaction";

static const char *const replies[] = {
    [RCPT_BOUNCE] = "550 5.5.3 Recipient address rejected: Multi-recipient bounce",
    [RCPT_TOO_MANY] = too_many,
    [RCPT_NOT_FQDN] = "504 5.5.2 Recipient address rejected: need fully-qualified address",
    [RCPT_NORES] = "450 4.1.2 Recipient address rejected: Domain not found",
    [RCPT_NULL_MX] = "556 5.1.10 Recipient address rejected: Domain does not accept mail (nullMX)",
};

struct recipient_conf {
    int64_t most;
    bool look_up;
};

static const struct conf_key recipient_keys[] = {
    { .name = "most",
      .type = CONF_INT,
      .at = offsetof(struct recipient_conf, most),
      .initial = "0",
      .least = "0",
      .most = "100000",
      .help = "recipients of one message; the others are put off with 452; 0: no limit but the door's" },
    { .name = "look_up",
      .type = CONF_BOOL,
      .at = offsetof(struct recipient_conf, look_up),
      .initial = "no",
      .help =
          "look for the domains of recipients of authenticated and relay clients (RCPT_NORES_A_OR_MX, RCPT_NULL_MX)" },
    { 0 },
};

static const struct conf_section recipient_section = {
    .name = "recipient",
    .help = "recipients that no honest envelope has",
    .size = sizeof(struct recipient_conf),
    .keys = recipient_keys,
};

static bool is_failure(const struct dns_answer *a)
{
    return a->state == DNS_FAILED || a->state == DNS_TIMEOUT || a->state == DNS_CAPPED;
}

static enum step judge_by_dns(struct inquiry *q, const char *domain)
{
    const struct dns_answer *mx = ask_dns(q, domain, DNS_MX);
    const struct dns_answer *a4 = ask_dns(q, domain, DNS_A), *a6 = ask_dns(q, domain, DNS_AAAA);

    if (!mx || !a4 || !a6)
        return STEP_WAIT;
    if (mx->state == DNS_OK && mx->count == 1 && !mx->records[0].name.len)
        finding_add(q, RCPT_NULL_MX, "%s", domain);
    else if (mx->state == DNS_OK || a4->state == DNS_OK || a6->state == DNS_OK)
        return STEP_DONE;
    else if (is_failure(mx) || is_failure(a4) || is_failure(a6))
        finding_fail(q, "the DNS failed for %s", domain);
    else
        finding_add(q, RCPT_NORES, "%s", domain);
    return STEP_DONE;
}

static enum step judge_domain(struct inquiry *q, const struct address *to)
{
    const struct recipient_conf *conf = q->conf;
    char domain[DOMAIN_MAX];

    if (!to->domain.len || to->domain.ptr[0] == '[') /* <postmaster>; a literal */
        return STEP_DONE;
    if (domain_normal(to->domain, domain) || !domain_is_fqdn(span_of(domain))) {
        finding_add(q, RCPT_NOT_FQDN, "%.*s", SPAN_ARG(span_first(to->text, 200)));
        return STEP_DONE;
    }
    if (!conf->look_up || session_direction(q->session) == DIRECTION_INBOUND)
        return STEP_DONE;
    return judge_by_dns(q, domain);
}

static enum step run(struct inquiry *q)
{
    const struct recipient_conf *conf = q->conf;
    const struct session *s = q->session;
    size_t count = s->recipient_count + s->unnamed_recipients;
    enum step step = STEP_DONE;

    if (!s->mail_from.text.len && count > 1 && session_direction(s) == DIRECTION_INBOUND)
        finding_add(q, RCPT_BOUNCE, "%zu recipients", count);
    if (conf->most && s->recipient_count > (size_t)conf->most) {
        finding_add(q, RCPT_TOO_MANY, "%zu recipients", s->recipient_count);
        finding_force(q, ACTION_DEFER, too_many);
    }
    for (size_t i = 0; i < s->recipient_count; i++)
        if (judge_domain(q, &s->recipients[i].address) == STEP_WAIT)
            step = STEP_WAIT;
    return step;
}

static void bounds(const void *values, const int *points, struct bounds *out)
{
    const struct recipient_conf *conf = values;

    for (size_t i = 0; symbols[i].name; i++)
        *(points[i] < 0 ? &out->least : &out->most) += points[i];
    out->may_force_reject = conf && conf->most;
}

const struct check_module recipient_module = {
    .section = &recipient_section,
    .symbols = symbols,
    .replies = replies,
    .run = run,
    .bounds = bounds,
};
