/* link: postern-kit */
/* tests/oracle/dmarc_probe.c - the check "dmarc" on a table of answers, driven by JSON lines.
 *
 * Reads one object per line:
 *     { "conf": "discovery = \"psl\"", "header": "From: a@b.example\n", "spf": ["pass", "b.example"],
 *       "dkim": [["pass", "b.example"], ...], "zone": [["_dmarc.b.example", "TXT", "v=DMARC1; p=none"], ...] }
 * (answers as in net/dns_answer.h) and writes one:
 *     { "result": "pass", "policy": "none", "disposition": "none", "org": "b.example", "at": "b.example",
 *       "override": "", "spf": false, "dkim": true, "rounds": 1, "asked": 2 }
 */
#include "gateway/base/bug.h"
#include "scanners/dmarc.h"
#include "tests/kit/probe.h"

static enum auth_result result_of(const json_t *pair)
{
    const char *word = json_string_value(json_array_get(pair, 0));

    for (enum auth_result r = AUTH_NONE; word && r <= AUTH_PERMERROR; r++)
        if (strcmp(word, auth_text(r)) == 0)
            return r;
    return AUTH_ABSENT;
}

static void put_evidence(struct desk *d, const json_t *request)
{
    json_t *spf = json_object_get(request, "spf"), *dkim = json_object_get(request, "dkim"), *pair;
    size_t i;

    d->evidence.spf_mailfrom.result = result_of(spf);
    d->evidence.spf_mailfrom.domain = json_string_value(json_array_get(spf, 1));
    d->evidence.dkim_count = json_array_size(dkim);
    d->evidence.dkim = arena_alloc(&d->arena, (d->evidence.dkim_count + 1) * sizeof *d->evidence.dkim);
    json_array_foreach(dkim, i, pair)
    {
        d->evidence.dkim[i].result = result_of(pair);
        d->evidence.dkim[i].domain = json_string_value(json_array_get(pair, 1));
    }
}

static void answer(const json_t *request)
{
    struct desk *d = desk_open(&dmarc_module, probe_text(request, "conf"));
    const struct dmarc_evidence *e = &d->evidence.dmarc;

    desk_message(d, probe_text(request, "header"));
    put_evidence(d, request);
    probe_zone(d, json_object_get(request, "zone"));
    desk_settle(d);
    json_t *reply = json_pack("{ss ss ss ss ss ss sb sb si si}", "result", auth_text(e->result), "policy", e->policy,
                              "disposition", e->disposition, "org", e->organizational_domain, "at", e->policy_domain,
                              "override", e->override_reason, "spf", (int)e->is_spf_aligned, "dkim",
                              (int)e->is_dkim_aligned, "rounds", (int)d->rounds, "asked", (int)d->book.count);

    probe_say(reply);
    desk_close(d);
}

int main(void)
{
    return probe_run(answer);
}
