/* link: opendmarc jansson */
/* tests/oracle/dmarc_libopendmarc.c - libopendmarc on the same requests as dmarc_probe.c, as an oracle of the tests.
 *
 * A program of its own, and never part of the gateway: tests/conformance/test_dmarc_oracles.py says what it gets wrong.
 * It knows no tree walk and asks nobody here: it is handed the record that applies. Reads objects with "from" (the
 * author's domain), "at" and "record" (where the record is, and what it says; "" for none), "spf" and "dkim" as
 * dmarc_probe.c has them; writes { "result": "pass" | "fail" | "none" | "error" } for each.
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <opendmarc/dmarc.h>

static char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return strdup(text ? text : "");
}

static bool passes(const json_t *pair)
{
    const char *word = json_string_value(json_array_get(pair, 0));

    return word && strcmp(word, "pass") == 0;
}

static void put_evidence(DMARC_POLICY_T *policy, const json_t *request)
{
    json_t *spf = json_object_get(request, "spf"), *dkim = json_object_get(request, "dkim"), *pair;
    size_t i;

    char *domain = strdup(json_string_value(json_array_get(spf, 1)));

    opendmarc_policy_store_spf(policy, (u_char *)domain,
                               passes(spf) ? DMARC_POLICY_SPF_OUTCOME_PASS : DMARC_POLICY_SPF_OUTCOME_FAIL,
                               DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL);
    free(domain);
    json_array_foreach(dkim, i, pair)
    {
        domain = strdup(json_string_value(json_array_get(pair, 1)));
        opendmarc_policy_store_dkim(policy, (u_char *)domain, (u_char *)"s",
                                    passes(pair) ? DMARC_POLICY_DKIM_OUTCOME_PASS : DMARC_POLICY_DKIM_OUTCOME_FAIL,
                                    NULL);
        free(domain);
    }
}

static const char *judge(const json_t *request)
{
    char ip[] = "192.0.2.1", *from = text_of(request, "from"), *at = text_of(request, "at");
    char *record = text_of(request, "record");
    DMARC_POLICY_T *policy = opendmarc_policy_connect_init((u_char *)ip, 4);
    const char *result = "error";

    opendmarc_policy_store_from_domain(policy, (u_char *)from);
    if (!*record) {
        result = "none";
    } else if (opendmarc_policy_store_dmarc(policy, (u_char *)record, (u_char *)from,
                                            strcmp(at, from) == 0 ? NULL : (u_char *)at) == DMARC_PARSE_OKAY) {
        put_evidence(policy, request);
        switch (opendmarc_get_policy_to_enforce(policy)) {
        case DMARC_POLICY_PASS: result = "pass"; break;
        case DMARC_POLICY_ABSENT: result = "none"; break;
        case DMARC_POLICY_REJECT:
        case DMARC_POLICY_QUARANTINE:
        case DMARC_POLICY_NONE: result = "fail"; break;
        default: break;
        }
    }
    opendmarc_policy_connect_shutdown(policy);
    free(from);
    free(at);
    free(record);
    return result;
}

int main(void)
{
    OPENDMARC_LIB_T library = { .tld_type = OPENDMARC_TLD_TYPE_MOZILLA };
    char *line = NULL;
    size_t size = 0;

    snprintf((char *)library.tld_source_file, sizeof library.tld_source_file,
             "/usr/share/publicsuffix/public_suffix_list.dat");
    if (opendmarc_policy_library_init(&library) != DMARC_PARSE_OKAY)
        return 2;
    while (getline(&line, &size, stdin) > 0) {
        json_t *request = json_loads(line, 0, NULL);

        if (!request)
            return 2;
        printf("{\"result\": \"%s\"}\n", judge(request));
        fflush(stdout);
        json_decref(request);
    }
    opendmarc_policy_library_shutdown(&library);
    free(line);
    return 0;
}
