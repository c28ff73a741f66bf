/* cli/records_print.c - records for people, and as one JSON object. */
#include <jansson.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/cli/records.h"

/* ---- for people ---- */

static const char *colour_of(enum record_state state)
{
    static const char *const colours[] = { "\033[32m", "\033[33m", "\033[31m", "\033[36m" };

    return colours[state];
}

static void put_lines(struct strbuf *out, const char *label, const char *text)
{
    struct span rest = span_of(text), line;

    while (*text && span_cut(&rest, '\n', &line)) {
        strbuf_putf(out, "    %-8s %.*s\n", label, SPAN_ARG(line));
        label = "";
    }
}

static void put_item(const struct record_item *item, bool is_colour, struct strbuf *out)
{
    const char *state = record_state_text(item->state);

    strbuf_putf(out, "%-8s %s%-8s%s %s%s%s\n", item->record, is_colour ? colour_of(item->state) : "", state,
                is_colour ? "\033[0m" : "", item->name, *item->why ? ": " : "", item->why);
    put_lines(out, "found", item->found);
    if (item->state != RECORD_OK)
        put_lines(out, "publish", item->publish);
    if (item->policy && item->state != RECORD_OK) {
        put_lines(out, "at", item->url);
        put_lines(out, "", item->policy);
    }
}

void records_print_text(const struct records *r, bool is_colour, struct strbuf *out)
{
    for (size_t i = 0; i < r->count; i++)
        put_item(&r->items[i], is_colour, out);
}

/* ---- JSON ---- */

static json_t *lines_of(const char *text)
{
    json_t *list = json_array();
    struct span rest = span_of(text), line;

    while (*text && span_cut(&rest, '\n', &line))
        json_array_append_new(list, json_stringn(line.ptr, line.len));
    return list;
}

static json_t *item_of(const struct record_item *item)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "record", item->record, "name", item->name, "state",
                               record_state_text(item->state), "why", item->why, "found", lines_of(item->found),
                               "publish", lines_of(item->publish));

    if (item->policy) {
        json_object_set_new(object, "policy", json_string(item->policy));
        json_object_set_new(object, "url", json_string(item->url));
    }
    return object;
}

void records_print_json(const struct records *r, struct strbuf *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(list, item_of(&r->items[i]));
    json_t *all = json_pack("{s:s, s:s, s:o}", "domain", r->domain, "hostname", r->hostname, "records", list);
    char *text = json_dumps(all, JSON_INDENT(2));

    strbuf_putf(out, "%s\n", text);
    free(text);
    json_decref(all);
}
