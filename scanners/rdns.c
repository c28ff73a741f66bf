/* scanners/rdns.c - the client's name: PTR, confirmed by A or AAAA (iprev, FCrDNS) [RFC8601 3].
 *
 * evidence.iprev says pass (a name resolves to the client), fail (names, but none does), permerror (no name at all)
 * or temperror (the DNS failed: not the same as having no name, and it counts nothing). Names from XCLIENT or the
 * command line stand for PTR records and are confirmed all the same, but where who told them has done that (Postfix, in
 * the policy protocol).
 *
 * Private addresses are not asked about; clients that we relay for get evidence (for headers), but no points.
 */
#include "scanners/rdns.h"

#include "gateway/base/bug.h"
#include "gateway/mail/domain.h"
#include "scanners/generic_name.h"

/* [RFC8601 3] asks for a bound on the number of names; as many as RFC 7208 allows for its ptr. */
enum { NAMES_MAX = 10, REVERSE_NAME_MAX = ADDR_REVERSED_MAX + 16 };

enum {
    RDNS_NONE,
    RDNS_DNSFAIL,
    RDNS_FCRDNS_FAIL,
    RDNS_FCRDNS_DNSFAIL,
    HOSTNAME_UNKNOWN,
    HOSTNAME_1,
    HOSTNAME_2,
    HOSTNAME_3,
    HOSTNAME_4,
    HOSTNAME_5,
};

static const struct symbol symbols[] = {
    [RDNS_NONE] = { "RDNS_NONE", 200, "the client's address has no name (PTR)" },
    [RDNS_DNSFAIL] = { "RDNS_DNSFAIL", 0, "the DNS failed when asked for the client's name" },
    [RDNS_FCRDNS_FAIL] = { "RDNS_FCRDNS_FAIL", 0, "the client's name does not resolve to its address" },
    [RDNS_FCRDNS_DNSFAIL] = { "RDNS_FCRDNS_DNSFAIL", 0, "the DNS failed when asked for the name's addresses" },
    [HOSTNAME_UNKNOWN] = { "HFILTER_HOSTNAME_UNKNOWN", 250, "the client has no confirmed name" },
    [HOSTNAME_1] = { "HFILTER_HOSTNAME_1", 50, "the client's name is a provider's for a fixed address" },
    [HOSTNAME_2] = { "HFILTER_HOSTNAME_2", 100, "the client's name has a word for dial-up or dynamic lines" },
    [HOSTNAME_3] = { "HFILTER_HOSTNAME_3", 200, "the client's name is made of its address" },
    [HOSTNAME_4] = { "HFILTER_HOSTNAME_4", 250, "the client's name is made of its address, as an access line's" },
    [HOSTNAME_5] = { "HFILTER_HOSTNAME_5", 300, "the client's name is made of its address, as a dynamic one's" },
    { 0 },
};

static const char generic[] = "550 5.7.1 Client host rejected: Host name of an access line";
static const char no_name[] = "450 4.7.1 Client host rejected: cannot find your hostname";
static const char no_reverse[] = "450 4.7.1 Client host rejected: cannot find your reverse hostname";
static const char *const replies[] = {
    [RDNS_NONE] = no_reverse,        [RDNS_DNSFAIL] = no_reverse,  [RDNS_FCRDNS_FAIL] = no_name,
    [RDNS_FCRDNS_DNSFAIL] = no_name, [HOSTNAME_UNKNOWN] = no_name, [HOSTNAME_1] = generic,
    [HOSTNAME_2] = generic,          [HOSTNAME_3] = generic,       [HOSTNAME_4] = generic,
    [HOSTNAME_5] = generic,
};

/* The names that are claimed for the client. */
struct names {
    enum dns_state state; /* DNS_OK: there are some */
    const char *items[NAMES_MAX];
    size_t count;
    const char *first; /* as it came, also when it is no name that could be asked for */
};

static void add_name(struct inquiry *q, struct names *names, struct span text)
{
    char normal[DOMAIN_MAX];

    if (!names->first)
        names->first = arena_dup(q->arena, text);
    if (names->count < NAMES_MAX && !domain_normal(text, normal))
        names->items[names->count++] = arena_dup(q->arena, span_of(normal));
}

/* What a trusted peer says instead of a name [Postfix, XCLIENT]. */
static bool told_names(struct inquiry *q, struct names *names)
{
    struct span told = q->session->client_ptr;

    if (!told.len)
        return false;
    if (span_iis(told, "[TEMPUNAVAIL]"))
        names->state = DNS_FAILED;
    else if (span_iis(told, "[UNAVAILABLE]") || span_iis(told, "unknown"))
        names->state = DNS_NXDOMAIN;
    else
        add_name(q, names, told);
    return true;
}

static enum step find_names(struct inquiry *q, struct names *names)
{
    const struct addr *client = &q->session->client;
    char reversed[ADDR_REVERSED_MAX];

    if (told_names(q, names))
        return STEP_DONE;
    const struct dns_answer *a = ask_dns(q,
                                         arena_printf(q->arena, "%s.%s", addr_reversed(client, reversed),
                                                      client->family == ADDR_IP4 ? "in-addr.arpa" : "ip6.arpa"),
                                         DNS_PTR);

    if (!a)
        return STEP_WAIT;
    names->state = a->state;
    for (size_t i = 0; a->state == DNS_OK && i < a->count; i++)
        add_name(q, names, a->records[i].name);
    return STEP_DONE;
}

static bool has_address(const struct dns_answer *a, const struct addr *client)
{
    for (size_t i = 0; a->state == DNS_OK && i < a->count; i++)
        if (addr_eq(&a->records[i].ip, client))
            return true;
    return false;
}

static bool is_failure(enum dns_state state)
{
    return state == DNS_FAILED || state == DNS_TIMEOUT || state == DNS_CAPPED;
}

/* Asks for all names at once; the first that resolves to the client is its name. */
static enum step confirm(struct inquiry *q, const struct names *names, struct iprev_evidence *out)
{
    const struct addr *client = &q->session->client;
    enum dns_type type = client->family == ADDR_IP4 ? DNS_A : DNS_AAAA;
    bool is_waiting = false, has_failed = false;

    for (size_t i = 0; i < names->count; i++) {
        const struct dns_answer *a = ask_dns(q, names->items[i], type);

        is_waiting |= !a;
        has_failed |= a && is_failure(a->state);
        if (a && !is_waiting && has_address(a, client)) {
            *out = (struct iprev_evidence){ AUTH_PASS, names->items[i] };
            return STEP_DONE;
        }
    }
    *out = (struct iprev_evidence){ has_failed ? AUTH_TEMPERROR : AUTH_FAIL, names->first };
    return is_waiting ? STEP_WAIT : STEP_DONE;
}

static enum step find_evidence(struct inquiry *q, struct names *names, struct iprev_evidence *out)
{
    if (find_names(q, names) == STEP_WAIT)
        return STEP_WAIT;
    if (names->state != DNS_OK) {
        *out = (struct iprev_evidence){ is_failure(names->state) ? AUTH_TEMPERROR : AUTH_PERMERROR, "" };
        return STEP_DONE;
    }
    if (q->session->is_client_ptr_confirmed && names->count) {
        *out = (struct iprev_evidence){ AUTH_PASS, names->items[0] };
        return STEP_DONE;
    }
    return confirm(q, names, out);
}

static void judge_name(struct inquiry *q, const char *name)
{
    static const unsigned by_kind[] = {
        [GENERIC_STATIC] = HOSTNAME_1, [GENERIC_WORD] = HOSTNAME_2,    [GENERIC_ADDRESS] = HOSTNAME_3,
        [GENERIC_ACCESS] = HOSTNAME_4, [GENERIC_DYNAMIC] = HOSTNAME_5,
    };
    enum generic kind = generic_name(name, &q->session->client);

    if (kind != GENERIC_NOT)
        finding_add(q, by_kind[kind], "%s", name);
}

static void judge(struct inquiry *q, const struct names *names, const struct iprev_evidence *iprev)
{
    char ip[ADDR_TEXT_MAX];

    addr_text(&q->session->client, ip);
    switch (iprev->result) {
    case AUTH_PASS: judge_name(q, iprev->name); break;
    case AUTH_TEMPERROR:
        finding_add(q, names->state == DNS_OK ? RDNS_FCRDNS_DNSFAIL : RDNS_DNSFAIL, "the DNS failed for %s",
                    names->first ? names->first : ip);
        break;
    case AUTH_FAIL:
        finding_add(q, RDNS_FCRDNS_FAIL, "%s does not resolve to %s", iprev->name, ip);
        finding_add(q, HOSTNAME_UNKNOWN, "%s does not resolve to %s", iprev->name, ip);
        break;
    default:
        finding_add(q, RDNS_NONE, "%s has no name", ip);
        finding_add(q, HOSTNAME_UNKNOWN, "%s has no name", ip);
        break;
    }
}

static enum step run(struct inquiry *q)
{
    const struct session *session = q->session;
    struct names names = { .state = DNS_OK };
    struct iprev_evidence iprev = { AUTH_ABSENT, "" };

    if (session->client.family == ADDR_NONE || (addr_is_private(&session->client) && !session->client_ptr.len))
        return STEP_DONE;
    if (find_evidence(q, &names, &iprev) == STEP_WAIT)
        return STEP_WAIT;
    q->evidence->iprev = iprev;
    if (session_direction(session) == DIRECTION_INBOUND && !addr_is_private(&session->client))
        judge(q, &names, &iprev);
    return STEP_DONE;
}

/* A client is either nameless, unconfirmed, undecided, or known by one name. */
static void bounds(const void *conf, const int *points, struct bounds *out)
{
    const int unnamed = points[RDNS_NONE] + points[HOSTNAME_UNKNOWN];
    const int unconfirmed = points[RDNS_FCRDNS_FAIL] + points[HOSTNAME_UNKNOWN];
    const int sums[] = { 0,
                         unnamed,
                         unconfirmed,
                         points[RDNS_DNSFAIL],
                         points[RDNS_FCRDNS_DNSFAIL],
                         points[HOSTNAME_1],
                         points[HOSTNAME_2],
                         points[HOSTNAME_3],
                         points[HOSTNAME_4],
                         points[HOSTNAME_5] };

    (void)conf;
    *out = (struct bounds){ 0 };
    for (size_t i = 0; i < COUNT(sums); i++) {
        out->least = sums[i] < out->least ? sums[i] : out->least;
        out->most = sums[i] > out->most ? sums[i] : out->most;
    }
}

const struct check_module rdns_module = { .symbols = symbols, .replies = replies, .run = run, .bounds = bounds };
