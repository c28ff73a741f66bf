/* scanners/dnsbl.c - the client's address, and the names that it goes by, in DNS block and allow lists [RFC5782].
 *
 * Two checks: dnsbl asks lists of addresses as soon as the client is connected; rhsbl asks lists of domains about the
 * envelope sender, HELO and the client's confirmed name. All lists are asked at once, so that each costs one round
 * trip. A list counts once, by the answer that counts most (bits are counted each). What no list may answer is never
 * a hit: refusals and addresses outside 127.0.0.0/8 put the list aside, and an alarm is raised.
 *
 * Never asked about: private addresses, and clients that we relay for. A list's test points are asked by upkeep();
 * a list that was never tested (`postern scan`, the first mail after a start) is tested along with its first question.
 *
 * Threads: the loop's (scanners/dnsbl_survey.c).
 */
#include "scanners/dnsbl.h"

#include "scanners/dnsbl_survey.h"

static const struct symbol dnsbl_symbols[] = {
    [DNSBL_SYMBOL_BLOCKED] = { "RBL_BLOCKED", 0, "a list refuses our questions: it counts nothing" },
    [DNSBL_SYMBOL_BROKEN] = { "RBL_BROKEN", 0,
                              "a list gives answers that no list gives, or fails its test: it counts nothing" },
    [DNSBL_SYMBOL_ASIDE] = { "RBL_ASIDE", 0, "a list was not asked: it is put aside for now" },
    [DNSBL_SYMBOL_SILENT] = { "RBL_NO_ANSWER", 0, "a list did not answer in time" },
    { 0 },
};

static const struct symbol rhsbl_symbols[] = {
    [DNSBL_SYMBOL_BLOCKED] = { "RHSBL_BLOCKED", 0, "a list refuses our questions: it counts nothing" },
    [DNSBL_SYMBOL_BROKEN] = { "RHSBL_BROKEN", 0,
                              "a list gives answers that no list gives, or fails its test: it counts nothing" },
    [DNSBL_SYMBOL_ASIDE] = { "RHSBL_ASIDE", 0, "a list was not asked: it is put aside for now" },
    [DNSBL_SYMBOL_SILENT] = { "RHSBL_NO_ANSWER", 0, "a list did not answer in time" },
    { 0 },
};

static enum step dnsbl_run(struct inquiry *q)
{
    const struct session *session = q->session;
    struct dnsbl_survey s = { .q = q, .conf = q->conf };

    if (session_direction(session) != DIRECTION_INBOUND || session->client.family == ADDR_NONE ||
        addr_is_private(&session->client))
        return STEP_DONE;
    dnsbl_know_address(&s, DNSBL_CLIENT, &session->client, "client");
    return dnsbl_survey(&s);
}

static enum step rhsbl_run(struct inquiry *q)
{
    struct dnsbl_survey s = { .q = q, .conf = q->conf };

    if (session_direction(q->session) != DIRECTION_INBOUND)
        return STEP_DONE;
    dnsbl_know_name(&s, DNSBL_SENDER, "sender domain", q->session->mail_from.domain);
    dnsbl_know_name(&s, DNSBL_HELO, "HELO", q->session->helo);
    if (q->evidence->iprev.result == AUTH_PASS)
        dnsbl_know_name(&s, DNSBL_RDNS, "client name", span_of(q->evidence->iprev.name));
    return dnsbl_survey(&s);
}

const struct check_module dnsbl_module = {
    .section = &dnsbl_section,
    .symbols = dnsbl_symbols,
    .run = dnsbl_run,
    .bounds = dnsbl_bounds,
    .upkeep = dnsbl_upkeep,
    .upkeep_ms = DNSBL_UPKEEP_MS,
    .hides_names = true,
};

const struct check_module rhsbl_module = {
    .section = &rhsbl_section,
    .symbols = rhsbl_symbols,
    .run = rhsbl_run,
    .bounds = dnsbl_bounds,
    .upkeep = dnsbl_upkeep,
    .upkeep_ms = DNSBL_UPKEEP_MS,
    .hides_names = true,
};
