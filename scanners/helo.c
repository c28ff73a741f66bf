/* scanners/helo.c - is the name that the client greets with one that a mail server would use? [RFC5321 4.1.1.1]
 *
 * One finding at most: the worst thing that can be said. Names cost no mail by themselves (many honest servers are
 * set up badly), except those that only a liar uses: ours, and addresses that are not the client's.
 *
 * Exempt: clients that we relay for, authenticated and private ones. A client without an address (`postern scan`
 * without --client-ip) is judged by the name alone.
 */
#include "scanners/helo.h"

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "scanners/generic_name.h"

enum {
    HELO_OWN_NAME,
    HELO_OWN_IP,
    HELO_BADIP,
    HELO_BAREIP,
    HELO_LITERAL,
    HELO_LOCALHOST,
    HELO_SYNTAX,
    HELO_UNDERSCORE,
    HELO_NOT_FQDN,
    HELO_NORES,
    HELO_IP_A,
    HELO_DNSFAIL,
    HELO_1,
    HELO_2,
    HELO_3,
    HELO_4,
    HELO_5,
    HELO_MISSING,
};

static const struct symbol symbols[] = {
    [HELO_OWN_NAME] = { "HFILTER_HELO_OWN_NAME", 500, "the client greets with a name of ours" },
    [HELO_OWN_IP] = { "HFILTER_HELO_OWN_IP", 500, "the client greets with an address of ours" },
    [HELO_BADIP] = { "HFILTER_HELO_BADIP", 450, "the client greets with an address that is not its own" },
    [HELO_BAREIP] = { "HFILTER_HELO_BAREIP", 300, "the client greets with an address without brackets" },
    [HELO_LITERAL] = { "HFILTER_HELO_LITERAL", 50, "the client greets with its address instead of a name" },
    [HELO_LOCALHOST] = { "HFILTER_HELO_LOCALHOST", 300, "the client greets as localhost or in a local domain" },
    [HELO_SYNTAX] = { "HFILTER_HELO_SYNTAX", 150, "the client greets with what cannot be a name" },
    [HELO_UNDERSCORE] = { "HFILTER_HELO_UNDERSCORE", 50, "the client's greeting has an underscore" },
    [HELO_NOT_FQDN] = { "HFILTER_HELO_NOT_FQDN", 200, "the client greets with a name without a domain" },
    [HELO_NORES] = { "HFILTER_HELO_NORES_A_OR_MX", 30, "the client greets with a name that does not exist" },
    [HELO_IP_A] = { "HFILTER_HELO_IP_A", 100, "the client greets with a name of another address" },
    [HELO_DNSFAIL] = { "HFILTER_HELO_DNSFAIL", 0, "the DNS failed when asked for the greeting's name" },
    [HELO_1] = { "HFILTER_HELO_1", 50, "the greeting is a provider's name for a fixed address" },
    [HELO_2] = { "HFILTER_HELO_2", 100, "the greeting has a word for dial-up or dynamic lines" },
    [HELO_3] = { "HFILTER_HELO_3", 200, "the greeting is made of the client's address" },
    [HELO_4] = { "HFILTER_HELO_4", 250, "the greeting is made of the client's address, as an access line's" },
    [HELO_5] = { "HFILTER_HELO_5", 300, "the greeting is made of the client's address, as a dynamic one's" },
    [HELO_MISSING] = { "HFILTER_HELO_MISSING", 150, "the client sends mail without a greeting" },
    { 0 },
};

static const char generic[] = "550 5.7.1 Helo command rejected: Host name of an access line";
static const char *const replies[] = {
    [HELO_OWN_NAME] = "550 5.7.1 Helo command rejected: You are not me",
    [HELO_OWN_IP] = "550 5.7.1 Helo command rejected: You are not me",
    [HELO_BADIP] = "550 5.7.1 Helo command rejected: Not your address",
    [HELO_BAREIP] = "501 5.5.2 Helo command rejected: invalid ip address",
    [HELO_LITERAL] = "504 5.5.2 Helo command rejected: need a host name",
    [HELO_LOCALHOST] = "550 5.7.1 Helo command rejected: You are not me",
    [HELO_SYNTAX] = "501 5.5.2 Helo command rejected: Invalid name",
    [HELO_UNDERSCORE] = "501 5.5.2 Helo command rejected: Invalid name",
    [HELO_NOT_FQDN] = "504 5.5.2 Helo command rejected: need fully-qualified hostname",
    [HELO_NORES] = "450 4.7.1 Helo command rejected: Host not found",
    [HELO_IP_A] = "550 5.7.1 Helo command rejected: Not your address",
    [HELO_DNSFAIL] = "450 4.7.1 Helo command rejected: Host not found",
    [HELO_1] = generic,
    [HELO_2] = generic,
    [HELO_3] = generic,
    [HELO_4] = generic,
    [HELO_5] = generic,
    [HELO_MISSING] = "503 5.5.1 Send HELO or EHLO first",
};

struct helo_conf {
    struct conf_strs own_names;
    struct conf_nets own_addresses;
};

#define AT(member) offsetof(struct helo_conf, member)
static const struct conf_key helo_keys[] = {
    { .name = "own_names",
      .type = CONF_STRS,
      .at = AT(own_names),
      .help = "names and mail domains of yours that no stranger greets with; hostname is one anyway" },
    { .name = "own_addresses",
      .type = CONF_ADDRS,
      .at = AT(own_addresses),
      .help = "addresses of yours that no stranger greets with" },
    { 0 },
};
#undef AT

static const struct conf_section helo_section = {
    .name = "helo",
    .help = "is the name that the client greets with one that a mail server would use?",
    .size = sizeof(struct helo_conf),
    .keys = helo_keys,
};

static bool is_own_address(const struct helo_conf *conf, const struct addr *a)
{
    for (size_t i = 0; i < conf->own_addresses.count; i++)
        if (addr_in(a, &conf->own_addresses.items[i]))
            return true;
    return false;
}

static bool is_own_name(const struct inquiry *q, struct span name)
{
    const struct helo_conf *conf = q->conf;

    if (span_iis(name, q->session->hostname))
        return true;
    for (size_t i = 0; i < conf->own_names.count; i++)
        if (span_iis(name, conf->own_names.items[i]))
            return true;
    return false;
}

/* The greeting is an address, in brackets [RFC5321 4.1.3] or bare. */
static void judge_address(struct inquiry *q, struct span helo, const struct addr *a)
{
    const struct addr *client = &q->session->client;
    bool is_literal = helo.ptr[0] == '[';

    if (is_own_address(q->conf, a))
        finding_add(q, HELO_OWN_IP, "%.*s is ours", SPAN_ARG(helo));
    else if (client->family != ADDR_NONE && !addr_eq(a, client))
        finding_add(q, HELO_BADIP, "%.*s is not the client's address", SPAN_ARG(helo));
    else
        finding_add(q, is_literal ? HELO_LITERAL : HELO_BAREIP, "%.*s", SPAN_ARG(helo));
}

static bool ends_in(struct span name, const char *const *ends, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_iends(name, span_of(ends[i])))
            return true;
    return false;
}

/* Names that every host has for itself. */
static bool is_localhost(struct span name)
{
    static const char *const ends[] = { ".localhost", ".localdomain" };

    return span_iis(name, "localhost") || ends_in(name, ends, COUNT(ends));
}

/* Names of private networks: many an honest server behind a router greets so. The DNS need not be asked. */
static bool is_private_name(struct span name)
{
    static const char *const ends[] = { ".local", ".lan", ".internal", ".invalid", ".home.arpa" };

    return ends_in(name, ends, COUNT(ends));
}

/* What the name says by itself; false when only the DNS can tell more. */
static bool judge_name(struct inquiry *q, struct span helo, char normal[DOMAIN_MAX])
{
    bool is_name = !domain_normal(helo, normal);
    struct span name = is_name ? span_of(normal) : helo;
    unsigned symbol;

    if (is_own_name(q, name))
        symbol = HELO_OWN_NAME;
    else if (is_localhost(name))
        symbol = HELO_LOCALHOST;
    else if (!is_name)
        symbol = HELO_SYNTAX;
    else if (!domain_is_fqdn(name))
        symbol = HELO_NOT_FQDN;
    else if (is_private_name(name))
        symbol = HELO_NORES;
    else
        return false;
    finding_add(q, symbol, "\"%.*s\"", SPAN_ARG(helo));
    return true;
}

static bool has_client(const struct dns_answer *a, const struct addr *client)
{
    for (size_t i = 0; a->state == DNS_OK && i < a->count; i++)
        if (addr_eq(&a->records[i].ip, client))
            return true;
    return false;
}

static bool is_failure(const struct dns_answer *a)
{
    return a->state == DNS_FAILED || a->state == DNS_TIMEOUT || a->state == DNS_CAPPED;
}

static void judge_looks(struct inquiry *q, struct span helo, const char *name)
{
    static const unsigned by_kind[] = {
        [GENERIC_STATIC] = HELO_1, [GENERIC_WORD] = HELO_2,    [GENERIC_ADDRESS] = HELO_3,
        [GENERIC_ACCESS] = HELO_4, [GENERIC_DYNAMIC] = HELO_5,
    };
    const struct iprev_evidence *iprev = &q->evidence->iprev;
    enum generic kind = generic_name(name, &q->session->client);

    if (span_find(helo, '_') != SPAN_NPOS)
        finding_add(q, HELO_UNDERSCORE, "\"%.*s\"", SPAN_ARG(helo));
    else if (kind != GENERIC_NOT && !(iprev->result == AUTH_PASS && strcmp(iprev->name, name) == 0))
        finding_add(q, by_kind[kind], "%s", name); /* of the rDNS name, that check has told */
}

static void judge_addresses(struct inquiry *q, struct span helo, const char *name, const struct dns_answer *ours)
{
    const struct addr *client = &q->session->client;

    if (is_failure(ours))
        finding_add(q, HELO_DNSFAIL, "%s", name);
    else if (client->family != ADDR_NONE && ours->state == DNS_OK && !has_client(ours, client))
        finding_add(q, HELO_IP_A, "%s has other addresses", name);
    else
        judge_looks(q, helo, name);
}

/* Of a name that has no address, the MX is asked for: it may be a mail domain's. A name that has addresses of the
 * other family only says nothing about this client. */
static enum step judge_by_dns(struct inquiry *q, struct span helo, const char *name)
{
    const struct dns_answer *a4 = ask_dns(q, name, DNS_A);
    const struct dns_answer *a6 = ask_dns(q, name, DNS_AAAA);

    if (!a4 || !a6)
        return STEP_WAIT;
    if (a4->state == DNS_OK || a6->state == DNS_OK) {
        judge_addresses(q, helo, name, q->session->client.family == ADDR_IP6 ? a6 : a4);
        return STEP_DONE;
    }
    const struct dns_answer *mx = ask_dns(q, name, DNS_MX);

    if (!mx)
        return STEP_WAIT;
    if (is_failure(a4) || is_failure(a6) || is_failure(mx))
        finding_add(q, HELO_DNSFAIL, "%s", name);
    else if (mx->state != DNS_OK)
        finding_add(q, HELO_NORES, "%s has no address and no MX", name);
    else
        judge_looks(q, helo, name);
    return STEP_DONE;
}

/* A question about a message (scan, http) may leave it out; a mail server tells what it was told. */
static bool tells_greetings(const char *door)
{
    return strcmp(door, "milter") == 0 || strcmp(door, "policy") == 0;
}

static enum step run(struct inquiry *q)
{
    const struct session *session = q->session;
    struct span helo = span_trim(session->helo);
    char normal[DOMAIN_MAX];
    struct addr a;

    if (session_direction(session) != DIRECTION_INBOUND ||
        (session->client.family != ADDR_NONE && addr_is_private(&session->client)))
        return STEP_DONE;
    if (!helo.len) {
        if (tells_greetings(session->door))
            finding_add(q, HELO_MISSING, "no HELO and no EHLO");
        return STEP_DONE;
    }
    if (!addr_parse(helo, &a)) {
        judge_address(q, helo, &a);
        return STEP_DONE;
    }
    if (judge_name(q, helo, normal))
        return STEP_DONE;
    return judge_by_dns(q, helo, normal);
}

/* One finding at most. */
static void bounds(const void *conf, const int *points, struct bounds *out)
{
    (void)conf;
    *out = (struct bounds){ 0 };
    for (size_t i = 0; symbols[i].name; i++) {
        out->least = points[i] < out->least ? points[i] : out->least;
        out->most = points[i] > out->most ? points[i] : out->most;
    }
}

const struct check_module helo_module = {
    .section = &helo_section,
    .symbols = symbols,
    .replies = replies,
    .run = run,
    .bounds = bounds,
};
