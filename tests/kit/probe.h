/* tests/kit/probe.h - a check on the desk that is asked by lines of JSON, so that tests in Python need no C of their
 * own: for one program that includes it once, and gives each object to `answer`, which says what comes out.
 */
#ifndef KIT_PROBE_H
#define KIT_PROBE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/kit/desk.h"

static inline const char *probe_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* [["example.org", "TXT", "v=spf1 -all"], ...]: answers as in net/dns_answer.h. */
static inline void probe_zone(struct desk *d, const json_t *zone)
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

/* A line on standard output; `reply` is freed. */
static inline void probe_say(json_t *reply)
{
    if (!reply || json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII))
        exit(2);
    putchar('\n');
    fflush(stdout);
    json_decref(reply);
}

/* For main(): until standard input ends. */
static inline int probe_run(void (*answer)(const json_t *request))
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        json_error_t error;
        json_t *request = json_loads(line, 0, &error);

        if (!request) {
            fprintf(stderr, "probe: %s\n", error.text);
            return 2;
        }
        answer(request);
        json_decref(request);
    }
    free(line);
    return 0;
}

#endif
