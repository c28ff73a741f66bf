/* link: postern-kit */
/* tests/oracle/spf_probe.c - the check "spf" on a table of answers, driven by JSON lines.
 *
 * Reads one object per line:
 *     { "client": "192.0.2.1", "helo": "mail.example", "from": "a@example.org", "conf": "helo = no",
 *       "zone": [["example.org", "TXT", "v=spf1 -all"], ...] }
 * (answers as in net/dns_answer.h) and writes one:
 *     { "result": "fail", "explanation": "", "reason": "...", "helo_result": "none", "lookups": 0, "void_lookups": 0,
 *       "rounds": 1, "asked": 1, "symbols": ["R_SPF_FAIL"] }
 * So that tests in Python need no C of their own, and YAML is not parsed in C.
 */
#include <jansson.h>
#include <stdlib.h>

#include "scanners/spf.h"
#include "tests/kit/desk.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void put_zone(struct desk *d, const json_t *zone)
{
    size_t i;
    json_t *row;

    json_array_foreach(zone, i, row)
    {
        enum dns_type type;

        if (!dns_type_parse(span_of(json_string_value(json_array_get(row, 1))), &type))
            exit(2);
        desk_dns(d, json_string_value(json_array_get(row, 0)), type, json_string_value(json_array_get(row, 2)));
    }
}

static json_t *symbols_of(const struct desk *d)
{
    json_t *symbols = json_array();

    for (size_t i = 0; i < d->run.finding_count; i++)
        json_array_append_new(symbols, json_string(d->run.findings[i].symbol));
    return symbols;
}

static void answer(const json_t *request)
{
    struct desk *d = desk_open(&spf_module, text_of(request, "conf"));
    const struct spf_evidence *e = &d->evidence.spf_mailfrom;

    desk_client(d, text_of(request, "client"));
    desk_helo(d, text_of(request, "helo"));
    desk_from(d, text_of(request, "from"));
    put_zone(d, json_object_get(request, "zone"));
    desk_settle(d);
    json_t *reply = json_pack(
        "{ss ss ss ss si si si si so}", "result", auth_text(e->result), "explanation", e->explanation, "reason",
        e->reason, "helo_result", auth_text(d->evidence.spf_helo.result), "lookups", (int)e->lookups, "void_lookups",
        (int)e->void_lookups, "rounds", (int)d->rounds, "asked", (int)d->book.count, "symbols", symbols_of(d));

    if (!reply || json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII))
        exit(2);
    putchar('\n');
    fflush(stdout);
    json_decref(reply);
    desk_close(d);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        json_error_t error;
        json_t *request = json_loads(line, 0, &error);

        if (!request) {
            fprintf(stderr, "spf_probe: %s\n", error.text);
            return 2;
        }
        answer(request);
        json_decref(request);
    }
    free(line);
    return 0;
}
