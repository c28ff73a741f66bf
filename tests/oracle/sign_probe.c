/* link: postern-kit */
/* tests/oracle/sign_probe.c - runs the checks "dkim" and "arc" on the desk, for tests in Python.
 *
 * A line of JSON on standard input, a line on standard output:
 *     {"check": "dkim", "message": BASE64, "keys": {NAME: TEXT or [TEXT, ...]}, "else": "NXDOMAIN", "now": SECONDS,
 *      "conf": "signatures_most = 3"}
 *     {"result": "pass", "reason": "", "symbols": {NAME: REASON}, "points": -20, "asked": [NAME, ...], "rounds": 1,
 *      "signatures": [{"result", "reason", "domain", ...}], "sets": 0, "sealers": [], "oldest_pass": 0, "trusted": ""}
 *
 * "check": "historic" asks the engine below the check, with what was good enough before RFC 8301 (rsa-sha1, short
 * keys), and gives "signatures": [{"result", "reason"}] only: suites of those days test canonicalisation, too.
 */
#include "gateway/mail/signature.h"
#include "gateway/mail/tagvalue.h"
#include "scanners/arc.h"
#include "scanners/dkim.h"
#include "tests/kit/probe.h"

/* By hand and not by desk_dns(): a key may hold what separates records there. */
static void put_key(struct desk *d, const char *name, json_t *texts)
{
    size_t count = json_is_array(texts) ? json_array_size(texts) : 1;
    struct dns_record *records = arena_alloc(&d->arena, count * sizeof *records);
    struct dns_answer answer = { .name = name, .type = DNS_TXT, .state = DNS_OK, .count = (uint32_t)count };

    for (size_t i = 0; i < count; i++) {
        json_t *text = json_is_array(texts) ? json_array_get(texts, i) : texts;

        records[i].data = span_make(json_string_value(text), json_string_length(text));
    }
    answer.records = records;
    answers_put(&d->world, name, DNS_TXT, &answer);
}

static void put_message(struct desk *d, const json_t *in)
{
    json_t *text = json_object_get(in, "message");
    size_t size = json_string_length(text), len = 0;
    unsigned char *bytes = arena_alloc(&d->arena, size + 1);

    if (tag_base64(span_make(json_string_value(text), size), bytes, size + 1, &len))
        abort();
    desk_message_bytes(d, span_make((const char *)bytes, len));
}

static json_t *text_json(const char *text)
{
    return json_stringn_nocheck(text ? text : "", text ? strlen(text) : 0);
}

static json_t *signatures_json(const struct evidence *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->dkim_count; i++) {
        const struct dkim_evidence *s = &e->dkim[i];
        json_t *item = json_object();

        json_object_set_new(item, "result", text_json(auth_text(s->result)));
        json_object_set_new(item, "reason", text_json(s->reason));
        json_object_set_new(item, "domain", text_json(s->domain));
        json_object_set_new(item, "selector", text_json(s->selector));
        json_object_set_new(item, "identity", text_json(s->identity));
        json_object_set_new(item, "algorithm", text_json(s->algorithm));
        json_object_set_new(item, "b", text_json(s->b_start));
        json_object_set_new(item, "testing", json_boolean(s->is_testing));
        json_object_set_new(item, "prefix", json_boolean(s->covers_prefix));
        json_object_set_new(item, "weak", json_boolean(s->is_weak));
        json_object_set_new(item, "bits", json_integer(s->key_bits));
        json_array_append_new(list, item);
    }
    return list;
}

static void put_arc(json_t *out, const struct arc_evidence *arc)
{
    json_t *sealers = json_array();

    for (size_t i = 0; i < arc->sealer_count; i++)
        json_array_append_new(sealers, text_json(arc->sealers[i]));
    json_object_set_new(out, "sealers", sealers);
    json_object_set_new(out, "sets", json_integer(arc->sets));
    json_object_set_new(out, "oldest_pass", json_integer(arc->oldest_pass));
    json_object_set_new(out, "trusted", text_json(arc->trusted_sealer));
}

static json_t *report(const struct desk *d, bool is_arc)
{
    json_t *out = json_object(), *symbols = json_object(), *asked = json_array();

    for (size_t i = 0; i < d->run.finding_count; i++)
        json_object_set_new(symbols, d->run.findings[i].symbol, text_json(d->run.findings[i].reason));
    for (struct answer_entry *e = d->book.first; e; e = e->next)
        json_array_append_new(asked, text_json(e->name));
    json_object_set_new(out, "result", text_json(auth_text(is_arc ? d->evidence.arc.result : d->evidence.dkim_result)));
    json_object_set_new(out, "reason", text_json(is_arc ? d->evidence.arc.reason : ""));
    json_object_set_new(out, "symbols", symbols);
    json_object_set_new(out, "asked", asked);
    json_object_set_new(out, "points", json_integer(desk_points(d)));
    json_object_set_new(out, "rounds", json_integer(d->rounds));
    json_object_set_new(out, "signatures", signatures_json(&d->evidence));
    put_arc(out, &d->evidence.arc);
    return out;
}

static json_t *verify_historic(struct desk *d, const struct header_field *field)
{
    struct picker *picker = picker_new(&d->arena, &d->message->header);
    struct signature s;
    json_t *out = json_object();

    signature_read(&d->arena, SIGNATURE_DKIM, SIGNATURE_HISTORIC, field, &s);
    signature_check_time(&s, d->now_ms / 1000, 0);
    const struct answer_entry *key = *s.key_name ? answers_find(&d->world, s.key_name, DNS_TXT) : NULL;

    if (key)
        signature_verify(&s, d->message, picker, &key->answer->records[0].data, 1);
    else
        signature_set(&s, SIGNATURE_PERMERROR, "no key");
    json_object_set_new(out, "result", text_json(signature_state_text(s.state)));
    json_object_set_new(out, "reason", text_json(s.reason));
    return out;
}

static json_t *report_historic(struct desk *d)
{
    json_t *out = json_object(), *list = json_array();

    for (size_t i = 0; i < d->message->header.count; i++)
        if (span_iis(d->message->header.fields[i].name, "dkim-signature"))
            json_array_append_new(list, verify_historic(d, &d->message->header.fields[i]));
    json_object_set_new(out, "signatures", list);
    return out;
}

static void answer(const json_t *in)
{
    bool is_arc = strcmp(probe_text(in, "check"), "arc") == 0,
         is_historic = strcmp(probe_text(in, "check"), "historic") == 0;
    struct desk *d = desk_open(is_arc ? &arc_module : &dkim_module, probe_text(in, "conf"));
    const char *name;
    json_t *texts;

    d->run.most_asks = 200;
    put_message(d, in);
    json_object_foreach(json_object_get(in, "keys"), name, texts) put_key(d, name, texts);
    if (*probe_text(in, "else"))
        desk_dns_else(d, probe_text(in, "else"));
    if (json_object_get(in, "now"))
        d->now_ms = 1000 * json_integer_value(json_object_get(in, "now"));
    if (!is_historic)
        desk_settle(d);
    json_t *out = is_historic ? report_historic(d) : report(d, is_arc);

    probe_say(out);
    desk_close(d);
}

int main(void)
{
    return probe_run(answer);
}
