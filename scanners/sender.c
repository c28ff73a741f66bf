/* scanners/sender.c - could anybody answer to the sender, and may this client write as him?
 *
 * Where the sender's mail would go [RFC5321 5.1]: MX, or the addresses of the domain itself; a domain that says by a
 * null MX that it takes no mail [RFC7505 4.2] should send none. A domain whose only mail hosts are in networks that
 * nobody can reach has none. All is asked at once. A DNS that fails is a failure of this check, by its failure policy.
 *
 * Of strangers only: not of private clients, nor of our own users, for whom there is `logins`.
 *
 * Threads: the loop's; upkeep() changes what run() reads. Memory: the file of logins is the module's.
 */
#include "scanners/sender.h"

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/mail/access_file.h"
#include "gateway/mail/domain.h"

enum { HOSTS_MAX = 8, UPKEEP_MS = 500, UPKEEP_BYTES = 128 * 1024 };

enum {
    SENDER_BOUNCE,
    SENDER_NOT_FQDN,
    SENDER_NORES,
    SENDER_NORESOLVE_MX,
    SENDER_NULL_MX,
    SENDER_MX_BOGON,
    SENDER_MX_BAD,
    SENDER_NS_BAD,
    SENDER_OWN_DOMAIN,
    SENDER_LOGIN,
};

static const struct symbol symbols[] = {
    [SENDER_BOUNCE] = { "HFILTER_FROM_BOUNCE", 0, "the null sender: a bounce or an answer of a machine" },
    [SENDER_NOT_FQDN] = { "HFILTER_FROMHOST_NOT_FQDN", 300, "the sender's domain is no full name" },
    [SENDER_NORES] = { "HFILTER_FROMHOST_NORES_A_OR_MX", 150, "the sender's domain has no MX and no address" },
    [SENDER_NORESOLVE_MX] = { "HFILTER_FROMHOST_NORESOLVE_MX", 50, "the MX of the sender's domain have no address" },
    [SENDER_NULL_MX] = { "SENDER_NULL_MX", 200, "the sender's domain says that it takes no mail" },
    [SENDER_MX_BOGON] = { "SENDER_MX_BOGON", 200, "mail to the sender would go to private or reserved networks" },
    [SENDER_MX_BAD] = { "SENDER_MX_BAD", 500, "mail to the sender would go to a network of bad_mx" },
    [SENDER_NS_BAD] = { "SENDER_NS_BAD", 500, "a name server of the sender's domain is in a network of bad_ns" },
    [SENDER_OWN_DOMAIN] = { "SENDER_OWN_DOMAIN", 300, "a stranger writes as one of ours, and SPF did not pass" },
    [SENDER_LOGIN] = { "SENDER_LOGIN_MISMATCH", 0, "the address belongs to another user (refused)" },
    { 0 },
};

static const char not_owned[] = "553 5.7.1 Sender address rejected: not owned by this user";

static const char *const replies[] = {
    [SENDER_BOUNCE] = "550 5.7.1 Sender address rejected: No bounces here",
    [SENDER_NOT_FQDN] = "504 5.5.2 Sender address rejected: need fully-qualified address",
    [SENDER_NORES] = "450 4.1.8 Sender address rejected: Domain not found",
    [SENDER_NORESOLVE_MX] = "450 4.1.8 Sender address rejected: Mail hosts of the domain not found",
    [SENDER_NULL_MX] = "550 5.7.27 Sender address rejected: Domain does not accept mail (nullMX)",
    [SENDER_MX_BOGON] = "550 5.7.27 Sender address rejected: Mail hosts of the domain cannot be reached",
    [SENDER_MX_BAD] = "554 5.7.1 Sender address rejected: Access denied",
    [SENDER_NS_BAD] = "554 5.7.1 Sender address rejected: Access denied",
    [SENDER_OWN_DOMAIN] = "550 5.7.1 Sender address rejected: not one of ours without authentication",
    [SENDER_LOGIN] = not_owned,
};

struct sender_conf {
    struct conf_nets bogons, bad_mx, bad_ns;
    struct conf_strs own_domains;
    const char *logins;

    struct access_file *file; /* state: of `logins`; NULL: none */
};

#define AT(member) offsetof(struct sender_conf, member)
static const struct conf_key sender_keys[] = {
    { .name = "bogons",
      .type = CONF_ADDRS,
      .at = AT(bogons),
      .initial = "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
                 "192.168.0.0/16 198.18.0.0/15 224.0.0.0/3 ::/127 100::/64 fc00::/7 fe80::/10 ff00::/8",
      .help = "networks that no mail from outside can reach: counted when all mail hosts of the sender are there" },
    { .name = "bad_mx",
      .type = CONF_ADDRS,
      .at = AT(bad_mx),
      .help = "networks of mail hosts of senders that you do not want to hear of: counted when one is there" },
    { .name = "bad_ns",
      .type = CONF_ADDRS,
      .at = AT(bad_ns),
      .help = "the same for name servers of the sender's domain; empty: they are not asked for" },
    { .name = "own_domains",
      .type = CONF_STRS,
      .at = AT(own_domains),
      .help =
          "your mail domains, .example.org for what is under it: strangers write as one of them only when SPF passes" },
    { .name = "logins",
      .type = CONF_FILE,
      .at = AT(logins),
      .help =
          "whose addresses are whose, as in Postfix's smtpd_sender_login_maps: an address or domain, then logins; an "
          "authenticated client that writes as another's is refused. Watched" },
    { 0 },
};
#undef AT

static const struct conf_section sender_section = {
    .name = "sender",
    .help = "could anybody answer to the sender, and may this client write as him?",
    .size = sizeof(struct sender_conf),
    .keys = sender_keys,
};

/* ---- logins ---- */

static void *logins_make(int kind, size_t expected)
{
    return access_map_new((enum access_kind)kind, expected);
}

static const char *logins_add(void *map, struct span line, unsigned number)
{
    struct span value = line, entry;

    if (!span_word(&value, &entry))
        return NULL;
    value = span_trim(value);
    return value.len ? access_map_add(map, entry, value, number) : "has no login behind it; write one or more";
}

static void logins_free(void *map)
{
    access_set_free(map);
}

static const struct access_reader logins_reader = {
    .joins_lines = true, .make = logins_make, .add = logins_add, .free = logins_free
};

static bool has_login(struct span logins, struct span user)
{
    struct span words, word;

    while (span_cut(&logins, ',', &words))
        while (span_word(&words, &word))
            if (span_ieq(word, user))
                return true;
    return false;
}

/* An address that nobody owns may be used by all. */
static void judge_login(struct inquiry *q)
{
    const struct sender_conf *conf = q->conf;
    const struct session *s = q->session;
    struct access_match match;

    if (!s->auth_user.len || !s->mail_from.text.len || !conf->file ||
        !access_set_has_address(conf->file->set, &s->mail_from, &match) || has_login(match.value, s->auth_user))
        return;
    finding_add(q, SENDER_LOGIN, "%.*s is not %.*s's", SPAN_ARG(s->mail_from.text), SPAN_ARG(s->auth_user));
    finding_force(q, ACTION_REJECT, not_owned);
}

/* ---- where mail to the sender would go ---- */

static bool is_in(const struct conf_nets *nets, const struct addr *a)
{
    for (size_t i = 0; i < nets->count; i++)
        if (addr_in(a, &nets->items[i]))
            return true;
    return false;
}

static bool is_failure(const struct dns_answer *a)
{
    return a && (a->state == DNS_FAILED || a->state == DNS_TIMEOUT || a->state == DNS_CAPPED);
}

/* The addresses of some hosts, as far as they are known. */
struct reach {
    bool is_waiting, has_failed;
    size_t count, bogons;
    const struct addr *bad;
};

static void add_addresses(const struct sender_conf *conf, const struct conf_nets *bad, const struct dns_answer *a,
                          struct reach *out)
{
    out->is_waiting |= !a;
    out->has_failed |= is_failure(a);
    for (size_t i = 0; a && a->state == DNS_OK && i < a->count; i++) {
        const struct addr *ip = &a->records[i].ip;

        out->count++;
        out->bogons += is_in(&conf->bogons, ip);
        if (!out->bad && is_in(bad, ip))
            out->bad = ip;
    }
}

static void add_hosts(struct inquiry *q, const struct conf_nets *bad, const struct dns_answer *hosts, struct reach *out)
{
    for (size_t i = 0; i < hosts->count && i < HOSTS_MAX; i++) {
        const char *name = hosts->records[i].name.ptr;

        add_addresses(q->conf, bad, ask_dns(q, name, DNS_A), out);
        add_addresses(q->conf, bad, ask_dns(q, name, DNS_AAAA), out);
    }
}

static void judge_reach(struct inquiry *q, const char *domain, const struct reach *reach, unsigned nowhere)
{
    char ip[ADDR_TEXT_MAX];

    if (reach->bad)
        finding_add(q, SENDER_MX_BAD, "mail to %s goes to %s", domain, addr_text(reach->bad, ip));
    if (reach->count && reach->count == reach->bogons)
        finding_add(q, SENDER_MX_BOGON, "mail to %s goes to private or reserved addresses alone", domain);
    else if (!reach->count && reach->has_failed)
        finding_fail(q, "the DNS failed for %s", domain);
    else if (!reach->count)
        finding_add(q, nowhere, "%s", domain);
}

static bool is_null_mx(const struct dns_answer *mx)
{
    return mx->count == 1 && mx->records[0].name.len == 0;
}

static enum step judge_mail(struct inquiry *q, const char *domain)
{
    const struct sender_conf *conf = q->conf;
    const struct dns_answer *mx = ask_dns(q, domain, DNS_MX);
    const struct dns_answer *a4 = ask_dns(q, domain, DNS_A), *a6 = ask_dns(q, domain, DNS_AAAA);
    struct reach reach = { 0 };

    if (!mx)
        return STEP_WAIT;
    if (mx->state == DNS_OK && is_null_mx(mx)) {
        finding_add(q, SENDER_NULL_MX, "%s", domain);
        return STEP_DONE;
    }
    if (mx->state == DNS_OK) {
        add_hosts(q, &conf->bad_mx, mx, &reach);
    } else {
        reach.has_failed = is_failure(mx);
        add_addresses(conf, &conf->bad_mx, a4, &reach);
        add_addresses(conf, &conf->bad_mx, a6, &reach);
    }
    if (reach.is_waiting)
        return STEP_WAIT;
    judge_reach(q, domain, &reach, mx->state == DNS_OK ? SENDER_NORESOLVE_MX : SENDER_NORES);
    return STEP_DONE;
}

/* ---- who answers for the domain ---- */

/* The zone that the domain is in begins somewhere between it and its organizational domain: mostly at either. */
static enum step judge_name_servers(struct inquiry *q, const char *domain)
{
    const struct sender_conf *conf = q->conf;
    const char *org = domain_org_psl(domain);
    struct reach reach = { 0 };
    char ip[ADDR_TEXT_MAX];

    if (!conf->bad_ns.count)
        return STEP_DONE;
    const struct dns_answer *own = ask_dns(q, domain, DNS_NS), *above = ask_dns(q, org ? org : domain, DNS_NS);

    if (!own || !above)
        return STEP_WAIT;
    if (own->state == DNS_OK || above->state == DNS_OK)
        add_hosts(q, &conf->bad_ns, own->state == DNS_OK ? own : above, &reach);
    if (reach.is_waiting)
        return STEP_WAIT;
    if (reach.bad)
        finding_add(q, SENDER_NS_BAD, "%s is served by %s", domain, addr_text(reach.bad, ip));
    return STEP_DONE;
}

/* ---- the whole ---- */

static bool is_own_domain(const struct sender_conf *conf, struct span domain)
{
    for (size_t i = 0; i < conf->own_domains.count; i++) {
        struct span own = span_of(conf->own_domains.items[i]);

        if (span_starts(own, SPAN(".")) ? span_iends(domain, own) : span_ieq(domain, own))
            return true;
    }
    return false;
}

/* False when only the DNS can tell more; then `normal` is the domain. */
static bool judge_text(struct inquiry *q, char normal[DOMAIN_MAX])
{
    const struct session *s = q->session;
    struct span domain = s->mail_from.domain;

    if (!s->mail_from.text.len) {
        finding_add(q, SENDER_BOUNCE, "the sender is <>");
        return true;
    }
    if (span_starts(domain, SPAN("["))) /* a literal: allowed, and all that there is to know */
        return true;
    if (domain_normal(domain, normal) || !domain_is_fqdn(span_of(normal))) {
        finding_add(q, SENDER_NOT_FQDN, "%.*s", SPAN_ARG(s->mail_from.text));
        return true;
    }
    if (!is_own_domain(q->conf, span_of(normal)))
        return false;
    if (q->evidence->spf_mailfrom.result != AUTH_PASS)
        finding_add(q, SENDER_OWN_DOMAIN, "%s is ours", normal);
    return true;
}

static bool is_strangers(const struct session *s)
{
    return session_direction(s) == DIRECTION_INBOUND && (s->client.family == ADDR_NONE || !addr_is_private(&s->client));
}

static enum step run(struct inquiry *q)
{
    char domain[DOMAIN_MAX];

    if (!is_strangers(q->session)) {
        judge_login(q);
        return STEP_DONE;
    }
    if (judge_text(q, domain))
        return STEP_DONE;
    enum step mail = judge_mail(q, domain), served = judge_name_servers(q, domain);

    return mail == STEP_WAIT ? mail : served;
}

/* While SPF is still at work. */
static void foresee(struct inquiry *q)
{
    char domain[DOMAIN_MAX];

    if (!is_strangers(q->session) || judge_text(q, domain))
        return;
    judge_mail(q, domain);
    judge_name_servers(q, domain);
}

/* One finding of the text or of where mail goes, but for what may stand beside it. */
static void bounds(const void *values, const int *points, struct bounds *out)
{
    const struct sender_conf *conf = values;
    const unsigned beside[] = { SENDER_MX_BAD, SENDER_NS_BAD };

    for (size_t i = 0; symbols[i].name; i++) {
        if (i == SENDER_MX_BAD || i == SENDER_NS_BAD)
            continue;
        out->least = points[i] < out->least ? points[i] : out->least;
        out->most = points[i] > out->most ? points[i] : out->most;
    }
    for (size_t i = 0; i < COUNT(beside); i++)
        *(points[beside[i]] < 0 ? &out->least : &out->most) += points[beside[i]];
    out->may_force_reject = conf && conf->logins[0];
}

static void sender_close(void *values)
{
    struct sender_conf *conf = values;

    if (conf->file)
        access_file_close(conf->file);
    conf->file = NULL;
}

static const char *sender_open(struct arena *a, void *values)
{
    struct sender_conf *conf = values;

    if (!conf->logins[0])
        return NULL;
    conf->file = arena_alloc(a, sizeof *conf->file);
    if (access_file_open_as(conf->file, conf->logins, &logins_reader, ACCESS_ADDRESSES))
        return NULL;
    const char *wrong = arena_dup(a, strbuf_span(&conf->file->refusal));

    sender_close(values);
    return wrong;
}

static enum step upkeep(struct inquiry *q)
{
    const struct sender_conf *conf = q->conf;
    struct access_file *file = conf->file;

    if (!file)
        return STEP_DONE;
    if (access_file_look(file, UPKEEP_BYTES))
        log_info("list_reloaded", "%s: %zu entries", conf->logins, access_set_count(file->set));
    if (file->refusal.len && !file->reading)
        finding_alarm(q, conf->logins, "logins stay as they were: %s", strbuf_span(&file->refusal).ptr);
    return STEP_DONE;
}

const struct check_module sender_module = {
    .section = &sender_section,
    .symbols = symbols,
    .replies = replies,
    .run = run,
    .foresee = foresee,
    .bounds = bounds,
    .open = sender_open,
    .close = sender_close,
    .upkeep = upkeep,
    .upkeep_ms = UPKEEP_MS,
};
