/* http/answer_json.c - a verdict as rspamd's JSON. */
#include "gateway/http/answer.h"
#include "gateway/http/json.h"

#include <stdlib.h>

enum { REMOVED_NAMES_MOST = 16 + CHECKS_MAX * HEADERS_MAX };

/* Line ends inside a folded field: LF and TAB, as rspamd writes them. */
static struct span unfolded(struct arena *a, struct span value)
{
    char *copy = arena_dup(a, value);
    size_t n = 0;

    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != '\r')
            copy[n++] = value.ptr[i];
    return span_make(copy, n);
}

/* ---- thresholds ---- */

static void put_threshold(struct json *j, const char *name, int points)
{
    if (points < ACTIONS_NEVER)
        json_put_points(j, name, points);
}

static void put_thresholds(const struct answer *a, struct json *j)
{
    json_put_open(j, "thresholds", '{');
    put_threshold(j, "reject", a->actions->reject);
    put_threshold(j, a->actions->subject[0] ? "rewrite subject" : "add header", a->actions->tag);
    put_threshold(j, "greylist", a->actions->greylist);
    json_close(j, '}');
}

/* The score of the hardest action that a score can bring. */
static int required(const struct answer *a)
{
    return a->actions->reject < ACTIONS_NEVER ? a->actions->reject : a->actions->tag;
}

/* ---- symbols ---- */

static void put_symbol(const struct symbol_found *s, struct json *j)
{
    json_put_open(j, s->name, '{');
    json_put_text(j, "name", span_of(s->name));
    json_put_points(j, "score", s->points);
    json_put_points(j, "metric_score", s->weight);
    if (s->description[0])
        json_put_text(j, "description", span_of(s->description));
    if (s->option_count) {
        json_put_open(j, "options", '[');
        for (size_t i = 0; i < s->option_count; i++)
            json_text(j, span_of(s->options[i]));
        json_close(j, ']');
    }
    json_close(j, '}');
}

static void put_symbols(const struct answer *a, struct json *j)
{
    for (size_t i = 0; i < a->symbols.count; i++)
        put_symbol(&a->symbols.items[i], j);
}

/* A check is a group; its score is what its symbols come to. */
static void put_groups(const struct answer *a, struct json *j)
{
    const struct symbol_found *s = a->symbols.items;

    json_put_open(j, "groups", '{');
    for (size_t i = 0; i < a->symbols.count; i++) {
        int sum = 0;
        bool is_first = true;

        for (size_t k = 0; k < a->symbols.count; k++) {
            bool is_same = strcmp(s[k].group, s[i].group) == 0;

            sum += is_same ? s[k].points : 0;
            is_first = is_first && !(is_same && k < i);
        }
        if (!is_first)
            continue;
        json_put_open(j, s[i].group, '{');
        json_put_points(j, "score", sum);
        json_close(j, '}');
    }
    json_close(j, '}');
}

/* ---- what the client is to change in the message ---- */

/* A Subject is told apart. */
static bool is_added(const struct edit *e)
{
    return e->op == EDIT_PREPEND && !span_iis(e->header, "Subject");
}

static bool stood_before(const struct edits *edits, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (edits->items[i].op == EDIT_PREPEND && span_ieq(edits->items[i].header, edits->items[index].header))
            return true;
    return false;
}

static size_t count_same(const struct edits *edits, const struct edit *e)
{
    size_t n = 0;

    for (size_t i = 0; i < edits->count; i++)
        n += edits->items[i].op == e->op && span_ieq(edits->items[i].header, e->header);
    return n;
}

static void put_header_value(const struct answer *a, const struct edit *e, struct json *j)
{
    json_open(j, '{');
    json_put_text(j, "value", unfolded(a->arena, e->value));
    json_put_int(j, "order", 0);
    json_close(j, '}');
}

static void put_added(const struct answer *a, struct json *j)
{
    json_put_open(j, "add_headers", '{');
    for (size_t i = 0; i < a->edits.count; i++) {
        const struct edit *e = &a->edits.items[i];

        if (!is_added(e) || stood_before(&a->edits, i))
            continue;
        bool is_many = count_same(&a->edits, e) > 1;

        json_key(j, e->header);
        if (is_many)
            json_open(j, '[');
        for (size_t k = i; k < a->edits.count; k++)
            if (a->edits.items[k].op == EDIT_PREPEND && span_ieq(a->edits.items[k].header, e->header))
                put_header_value(a, &a->edits.items[k], j);
        if (is_many)
            json_close(j, ']');
    }
    json_close(j, '}');
}

/* Whether the field goes; `*edit` has passed the edits of the fields above it. */
static bool is_removed(const struct edits *edits, size_t *edit, const struct header_field *f)
{
    while (*edit < edits->count && (!edits->items[*edit].field || edits->items[*edit].field < f))
        ++*edit;
    return *edit < edits->count && edits->items[*edit].field == f && edits->items[*edit].op == EDIT_REMOVE;
}

/* Of the fields of one name: how many there are, and which go, counted from the top, from 1, into `j` (NULL: not). */
static size_t places(const struct answer *a, struct span name, struct json *j, size_t *removed)
{
    const struct message *m = pipeline_message(a->pipeline);
    size_t count = 0, edit = 0;

    *removed = 0;
    for (size_t i = 0; i < m->header.count; i++) {
        if (!span_ieq(m->header.fields[i].name, name))
            continue;
        count++;
        if (!is_removed(&a->edits, &edit, &m->header.fields[i]))
            continue;
        ++*removed;
        if (j)
            json_int(j, (int64_t)count);
    }
    return count;
}

/* 0 means all of them. */
static void put_places(const struct answer *a, struct span name, struct json *j)
{
    size_t removed;

    json_key(j, name);
    if (places(a, name, NULL, &removed) == removed) {
        json_int(j, 0);
        return;
    }
    json_open(j, '[');
    places(a, name, j, &removed);
    json_close(j, ']');
}

/* The names of what goes are few (ours, and those that checks add), however many fields there are. */
static void put_removed(const struct answer *a, struct json *j)
{
    struct span names[REMOVED_NAMES_MOST];
    size_t count = 0, n;

    json_put_open(j, "remove_headers", '{');
    for (size_t i = 0; i < a->edits.count; i++) {
        if (a->edits.items[i].op != EDIT_REMOVE)
            continue;
        for (n = 0; n < count && !span_ieq(names[n], a->edits.items[i].header); n++)
            ;
        if (n < count || count == REMOVED_NAMES_MOST)
            continue;
        names[count++] = a->edits.items[i].header;
        put_places(a, names[n], j);
    }
    json_close(j, '}');
}

static void put_milter(const struct answer *a, struct json *j)
{
    enum action action = a->verdict->action;

    if (!a->edits.count && action != ACTION_DISCARD && action != ACTION_QUARANTINE)
        return;
    json_put_open(j, "milter", '{');
    if (a->edits.count) {
        put_added(a, j);
        put_removed(a, j);
    }
    if (action == ACTION_DISCARD || action == ACTION_QUARANTINE)
        json_put_text(j, "reject", span_of(answer_action(a)));
    json_close(j, '}');
}

/* ---- the whole ---- */

static void put_messages(const struct answer *a, struct json *j)
{
    const char *text = answer_smtp_message(a);

    json_put_open(j, "messages", '{');
    if (*text)
        json_put_text(j, "smtp_message", span_of(text));
    json_close(j, '}');
}

/* Ours: what could not be found out. */
static void put_missing(const struct answer *a, struct json *j)
{
    json_put_open(j, "missing", '{');
    for (size_t i = 0; i < a->verdict->missing_count; i++)
        json_put_text(j, a->verdict->missing[i].check, span_of(a->verdict->missing[i].why));
    json_close(j, '}');
}

static void put_end(const struct answer *a, struct json *j)
{
    put_messages(a, j);
    json_put_text(j, "message-id", answer_message_id(a));
    json_key(j, SPAN("time_real"));
    json_fraction(j, a->took_us, 6);
    if (a->verdict) {
        if (a->verdict->missing_count)
            put_missing(a, j);
        put_milter(a, j);
    }
    json_close(j, '}');
    strbuf_putc(j->out, '\n');
}

static void put_result(const struct answer *a, struct json *j)
{
    json_put_bool(j, "is_skipped", !a->verdict);
    json_put_points(j, "score", a->verdict ? a->verdict->score : 0);
    json_put_points(j, "required_score", required(a));
    json_put_text(j, "action", span_of(answer_action(a)));
}

void answer_json(const struct answer *a, struct strbuf *out)
{
    struct json j = { .out = out };
    struct span subject = answer_subject(a);

    json_open(&j, '{');
    put_result(a, &j);
    put_thresholds(a, &j);
    json_put_open(&j, "symbols", '{');
    put_symbols(a, &j);
    json_close(&j, '}');
    if (a->flags.groups)
        put_groups(a, &j);
    if (subject.len)
        json_put_text(&j, "subject", span_trim(header_unfold(a->arena, subject)));
    if (a->verdict && a->verdict->decided_by && strcmp(a->verdict->decided_by, "score") != 0)
        json_put_text(&j, "passthrough_module", span_of(a->verdict->decided_by));
    put_end(a, &j);
}

void answer_json_legacy(const struct answer *a, struct strbuf *out)
{
    struct json j = { .out = out };
    bool is_spam = a->verdict && a->verdict->action >= ACTION_REJECT;

    json_open(&j, '{');
    json_put_open(&j, "default", '{');
    json_put_bool(&j, "is_spam", is_spam);
    put_result(a, &j);
    put_symbols(a, &j);
    json_close(&j, '}');
    put_end(a, &j);
}
