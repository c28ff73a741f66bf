/* link: postern-kit */
/* tests/oracle/spf_probe.c - the check "spf" on a table of answers, driven by JSON lines.
 *
 * Reads one object per line:
 *     { "client": "192.0.2.1", "helo": "mail.example", "from": "a@example.org", "conf": "helo = no",
 *       "zone": [["example.org", "TXT", "v=spf1 -all"], ...] }
 * (answers as in net/dns_answer.h) and writes one:
 *     { "result": "fail", "explanation": "", "reason": "...", "helo_result": "none", "lookups": 0, "void_lookups": 0,
 *       "rounds": 1, "asked": 1, "symbols": ["R_SPF_FAIL"] }
 * So YAML is not parsed in C.
 */
#include "scanners/spf.h"
#include "tests/kit/probe.h"

static json_t *symbols_of(const struct desk *d)
{
    json_t *symbols = json_array();

    for (size_t i = 0; i < d->run.finding_count; i++)
        json_array_append_new(symbols, json_string(d->run.findings[i].symbol));
    return symbols;
}

static void answer(const json_t *request)
{
    struct desk *d = desk_open(&spf_module, probe_text(request, "conf"));
    const struct spf_evidence *e = &d->evidence.spf_mailfrom;

    desk_client(d, probe_text(request, "client"));
    desk_helo(d, probe_text(request, "helo"));
    desk_from(d, probe_text(request, "from"));
    probe_zone(d, json_object_get(request, "zone"));
    desk_settle(d);
    json_t *reply = json_pack(
        "{ss ss ss ss si si si si so}", "result", auth_text(e->result), "explanation", e->explanation, "reason",
        e->reason, "helo_result", auth_text(d->evidence.spf_helo.result), "lookups", (int)e->lookups, "void_lookups",
        (int)e->void_lookups, "rounds", (int)d->rounds, "asked", (int)d->book.count, "symbols", symbols_of(d));

    probe_say(reply);
    desk_close(d);
}

int main(void)
{
    return probe_run(answer);
}
