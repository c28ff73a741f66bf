/* cli/report_json.c - a verdict as one JSON object. */
#include "gateway/cli/report.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/cli/json_text.h"
#include "gateway/cli/json_urls.h"

static json_t *cstr(const char *text)
{
    return cli_json_text(span_of(text ? text : ""));
}

static json_t *points(int hundredths)
{
    return json_real(hundredths / 100.0);
}

/* "score" is what it has; what it counts is that, or nothing when "idle" says why. */
static json_t *findings_of(struct pipeline *p, const struct verdict *v, const struct run *run)
{
    json_t *list = json_array();

    for (size_t i = 0; i < run->finding_count; i++) {
        const struct finding *f = &run->findings[i];
        struct idle idle = pipeline_idle(p, v, run, f);
        json_t *finding = json_pack("{s:o, s:o, s:o}", "symbol", cstr(f->symbol), "score", points(f->points), "reason",
                                    cstr(f->reason));

        if (idle.why)
            json_object_set_new(finding, "idle", cstr(idle_text(idle.why)));
        if (idle.by[0])
            json_object_set_new(finding, "removed_by", cstr(idle.by));
        json_array_append_new(list, finding);
    }
    return list;
}

static json_t *check_of(struct pipeline *p, const struct verdict *v, const struct run *run)
{
    json_t *check =
        json_pack("{s:s, s:s, s:s, s:f, s:i, s:o}", "name", run->settings->check->name, "state",
                  run_state_text(run->state), "mode", mode_text(run->settings->mode), "ms",
                  (double)run->took_us / 1000.0, "runs", (int)run->runs, "findings", findings_of(p, v, run));

    if (run->failure)
        json_object_set_new(check, "failure", cstr(run->failure));
    return check;
}

static json_t *checks_of(struct pipeline *p, const struct verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < pipeline_run_count(p); i++)
        json_array_append_new(list, check_of(p, v, pipeline_run(p, i)));
    return list;
}

static json_t *result_of(enum auth_result result)
{
    return cstr(result == AUTH_ABSENT ? "none" : auth_text(result));
}

static json_t *spf_of(const struct spf_evidence *spf)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "result", result_of(spf->result), "domain", cstr(spf->domain),
                     "explanation", cstr(spf->explanation), "reason", cstr(spf->reason));
}

static json_t *dkim_of(const struct evidence *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->dkim_count; i++) {
        const struct dkim_evidence *d = &e->dkim[i];

        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "result", result_of(d->result), "domain",
                                        cstr(d->domain), "selector", cstr(d->selector), "identity", cstr(d->identity),
                                        "algorithm", cstr(d->algorithm), "reason", cstr(d->reason)));
    }
    return list;
}

static json_t *dmarc_of(const struct dmarc_evidence *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "result", result_of(d->result), "domain", cstr(d->domain),
                     "organizational_domain", cstr(d->organizational_domain), "policy", cstr(d->policy), "disposition",
                     cstr(d->disposition), "override", cstr(d->override_reason), "reason", cstr(d->reason));
}

static json_t *arc_of(const struct arc_evidence *arc)
{
    json_t *sealers = json_array();

    for (size_t i = 0; i < arc->sealer_count; i++)
        json_array_append_new(sealers, cstr(arc->sealers[i]));
    return json_pack("{s:o, s:i, s:o, s:o}", "result", result_of(arc->result), "sets", (int)arc->sets, "sealers",
                     sealers, "reason", cstr(arc->reason));
}

static json_t *auth_of(const struct evidence *e)
{
    return json_pack("{s:{s:o, s:o}, s:o, s:o, s:o, s:{s:o, s:o}}", "spf", "mailfrom", spf_of(&e->spf_mailfrom), "helo",
                     spf_of(&e->spf_helo), "dkim", dkim_of(e), "dmarc", dmarc_of(&e->dmarc), "arc", arc_of(&e->arc),
                     "iprev", "result", result_of(e->iprev.result), "name", cstr(e->iprev.name));
}

static json_t *edits_of(const struct edits *edits)
{
    static const char *const ops[] = {
        [EDIT_PREPEND] = "prepend", [EDIT_REMOVE] = "remove", [EDIT_REPLACE] = "replace"
    };
    json_t *list = json_array();

    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *e = &edits->items[i];

        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "op", ops[e->op], "header", cli_json_text(e->header),
                                              "value", cli_json_text(e->value)));
    }
    return list;
}

static json_t *missing_of(const struct verdict *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->missing_count; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "check", cstr(v->missing[i].check), "reason", cstr(v->missing[i].why)));
    return list;
}

void report_json(struct pipeline *p, const struct verdict *v, const struct edits *edits, struct strbuf *out)
{
    struct verdict_reply reply = pipeline_reply(p, v);
    json_t *object = json_pack("{s:s, s:s, s:o, s:{s:o, s:o}, s:s, s:o, s:{s:i, s:s, s:o}, s:s, s:o, s:o, s:o}", "id",
                               pipeline_session(p)->id, "action", action_text(v->action), "score", points(v->score),
                               "thresholds", "tag", points(v->tag), "reject", points(v->reject), "decided_by",
                               v->decided_by, "missing", missing_of(v), "reply", "code", (int)reply.code, "enhanced",
                               reply.enhanced, "text", cstr(reply.text), "profile", pipeline_profile(p), "checks",
                               checks_of(p, v), "auth", auth_of(pipeline_evidence(p)), "edits", edits_of(edits));

    if (object)
        json_object_set_new(object, "urls", cli_json_urls(pipeline_message(p)));
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) : NULL;

    if (!text)
        BUG("a verdict that is no JSON");
    strbuf_puts(out, text);
    strbuf_putc(out, '\n');
    free(text);
    json_decref(object);
}
