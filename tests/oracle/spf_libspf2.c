/* link: spf2 jansson */
/* tests/oracle/spf_libspf2.c - libspf2 on the same requests as spf_probe.c, as an oracle of the tests.
 *
 * A program of its own, and never part of the gateway: libspf2 1.2.10 gets 144 of the 203 cases of RFC 7208's suite
 * right, and Debian's lacks the repair of CVE-2023-42118. Only what it is asked for here may reach it.
 * Reads the objects of spf_probe.c, one per line, and writes { "result": "..." } for each.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <netinet/in.h>

#include <spf2/spf.h>

#include "scanners/spf_eval.h"

static const json_t *zone;
static struct arena arena;

static const struct dns_answer *find(const char *asked, enum dns_type type)
{
    struct span text = span_of(asked);
    bool has_final_dot = text.len && text.ptr[text.len - 1] == '.';
    const char *name = arena_dup(&arena, span_first(text, text.len - has_final_dot));
    size_t i;
    json_t *row;
    const struct dns_answer *answer = NULL;

    json_array_foreach(zone, i, row)
    {
        if (strcasecmp(json_string_value(json_array_get(row, 0)), name) != 0 ||
            strcmp(json_string_value(json_array_get(row, 1)), dns_type_text(type)) != 0)
            continue;
        if (dns_answer_text(&arena, name, type, span_of(json_string_value(json_array_get(row, 2))), &answer))
            exit(2);
    }
    return answer;
}

static void put_record(SPF_dns_rr_t *rr, enum dns_type type, const struct dns_record *record)
{
    char host[DNS_NAME_MAX] = "";
    struct span data = record->data;

    if (type == DNS_MX || type == DNS_PTR) {
        spf_host(record->name, host); /* without the escapes that our names in answers have */
        data = span_of(host);
    }
    if (type == DNS_A || type == DNS_AAAA)
        data = span_make((const char *)record->ip.bytes, type == DNS_A ? 4 : 16);
    if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, data.len + 16) != SPF_E_SUCCESS)
        exit(2);
    char *to = (char *)rr->rr[rr->num_rr];

    memset(to, 0, data.len + 1);
    if (data.len)
        memcpy(to, data.ptr, data.len);
    rr->num_rr++;
}

static SPF_dns_rr_t *look_up(SPF_dns_server_t *server, const char *domain, ns_type type, int should_cache)
{
    const struct dns_answer *answer = (int)type == ns_t_spf ? NULL : find(domain, (enum dns_type)type);
    SPF_dns_stat_t status = HOST_NOT_FOUND;

    (void)should_cache;
    if ((int)type == ns_t_spf || (answer && answer->state == DNS_NODATA))
        status = NO_DATA;
    else if (answer && answer->state == DNS_OK)
        status = NETDB_SUCCESS;
    else if (answer && answer->state != DNS_NXDOMAIN)
        status = TRY_AGAIN;
    SPF_dns_rr_t *rr = SPF_dns_rr_new_init(server, domain, type, 300, status);

    for (uint32_t i = 0; status == NETDB_SUCCESS && i < answer->count; i++)
        put_record(rr, (enum dns_type)type, &answer->records[i]);
    return rr;
}

static const char *result_text(SPF_errcode_t fault, SPF_response_t *response)
{
    SPF_result_t result = response ? SPF_response_result(response) : SPF_RESULT_INVALID;

    if (result == SPF_RESULT_INVALID)
        return fault == SPF_E_DNS_ERROR ? "temperror" : "permerror";
    return SPF_strresult(result);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void answer_request(SPF_server_t *server, const json_t *request)
{
    SPF_request_t *r = SPF_request_new(server);
    SPF_response_t *response = NULL;
    const char *client = text_of(request, "client");

    zone = json_object_get(request, "zone");
    if (strchr(client, ':'))
        SPF_request_set_ipv6_str(r, client);
    else
        SPF_request_set_ipv4_str(r, client);
    SPF_request_set_helo_dom(r, text_of(request, "helo"));
    SPF_request_set_env_from(r, text_of(request, "from"));
    SPF_errcode_t fault = SPF_request_query_mailfrom(r, &response);

    printf("{\"result\":\"%s\"}\n", result_text(fault, response));
    fflush(stdout);
    if (response)
        SPF_response_free(response);
    SPF_request_free(r);
}

int main(void)
{
    SPF_dns_server_t dns = { .lookup = look_up, .name = "zone" };
    SPF_server_t *server = SPF_server_new_dns(&dns, 0);
    char *line = NULL;
    size_t size = 0;

    SPF_server_set_rec_dom(server, "mx.desk.example");
    arena_init(&arena, SIZE_MAX);
    while (getline(&line, &size, stdin) > 0) {
        json_t *request = json_loads(line, 0, NULL);

        if (!request)
            return 2;
        answer_request(server, request);
        json_decref(request);
        arena_clear(&arena);
    }
    free(line);
    arena_release(&arena);
    SPF_server_free(server);
    return 0;
}
