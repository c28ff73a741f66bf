/* http/stat.c - what has been counted, in rspamd's words. */
#include "gateway/http/stat.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/http/caller.h"
#include "gateway/http/json.h"

const char *const stat_action_words[6] = {
    [STAT_NO_ACTION] = "no action",   [STAT_ADD_HEADER] = "add header", [STAT_SOFT_REJECT] = "soft reject",
    [STAT_QUARANTINE] = "quarantine", [STAT_REJECT] = "reject",         [STAT_DISCARD] = "discard",
};

static enum stat_action word_of(enum action action)
{
    static const enum stat_action words[METRICS_ACTIONS] = {
        [ACTION_ACCEPT] = STAT_NO_ACTION,  [ACTION_TAG] = STAT_ADD_HEADER,        [ACTION_GREYLIST] = STAT_SOFT_REJECT,
        [ACTION_DEFER] = STAT_SOFT_REJECT, [ACTION_QUARANTINE] = STAT_QUARANTINE, [ACTION_REJECT] = STAT_REJECT,
        [ACTION_DISCARD] = STAT_DISCARD,
    };

    return words[action];
}

void stat_count(const struct metrics *m, struct stat_counts *out)
{
    *out = (struct stat_counts){ .learned = m->learned };
    for (size_t d = 0; d < METRICS_DOORS_MAX && m->doors[d].name; d++) {
        for (int a = 0; a < METRICS_ACTIONS; a++)
            out->actions[word_of((enum action)a)] += m->doors[d].verdicts[a];
        if (strcmp(m->doors[d].name, "http") == 0)
            out->connections = m->doors[d].sessions_total;
        out->sum_us += m->doors[d].latency.sum_us;
        out->timed += m->doors[d].latency.count;
    }
    for (size_t i = 0; i < COUNT(out->actions); i++)
        out->scanned += out->actions[i];
    out->ham = out->actions[STAT_NO_ACTION] + out->actions[STAT_SOFT_REJECT];
    out->spam = out->scanned - out->ham;
}

static void subtract(struct stat_counts *from, const struct stat_counts *what)
{
    from->scanned -= what->scanned;
    from->spam -= what->spam;
    from->connections -= what->connections;
    from->learned -= what->learned;
    from->ham -= what->ham;
    for (size_t i = 0; i < COUNT(from->actions); i++)
        from->actions[i] -= what->actions[i];
}

void stat_reset(struct http_door *door)
{
    if (!door->since)
        door->since = mem_alloc(sizeof *door->since);
    *door->since = door->engine->metrics;
}

static int64_t uptime_s(const struct http_door *door)
{
    return (clock_wall_ms() - door->engine->metrics.started_wall_ms) / 1000;
}

void stat_write(const struct http_door *door, struct strbuf *out)
{
    struct json j = { .out = out };
    struct stat_counts now, before;

    stat_count(&door->engine->metrics, &now);
    if (door->since) {
        stat_count(door->since, &before);
        subtract(&now, &before);
    }
    json_open(&j, '{');
    json_put_text(&j, "version", SPAN("postern " POSTERN_VERSION));
    json_put_text(&j, "config_id", span_of(door->engine->config_digest));
    json_put_int(&j, "uptime", uptime_s(door));
    json_put_bool(&j, "read_only", false);
    json_put_int(&j, "scanned", (int64_t)now.scanned);
    json_put_int(&j, "learned", (int64_t)now.learned);
    json_put_open(&j, "actions", '{');
    for (size_t i = 0; i < COUNT(now.actions); i++)
        json_put_int(&j, stat_action_words[i], (int64_t)now.actions[i]);
    json_close(&j, '}');
    json_put_int(&j, "spam_count", (int64_t)now.spam);
    json_put_int(&j, "ham_count", (int64_t)now.ham);
    json_put_int(&j, "connections", (int64_t)now.connections);
    json_put_int(&j, "control_connections", 0);
    json_put_int(&j, "total_learns", (int64_t)now.learned);
    json_put_open(&j, "statfiles", '[');
    json_close(&j, ']');
    json_close(&j, '}');
    strbuf_putc(out, '\n');
}

void stat_write_auth(const struct http_door *door, struct strbuf *out)
{
    struct json j = { .out = out };
    struct stat_counts now;

    stat_count(&door->engine->metrics, &now);
    json_open(&j, '{');
    json_put_text(&j, "auth", SPAN("ok"));
    json_put_text(&j, "version", SPAN("postern " POSTERN_VERSION));
    json_put_int(&j, "uptime", uptime_s(door));
    json_put_text(&j, "config_id", span_of(door->engine->config_digest));
    json_put_int(&j, "scanned", (int64_t)now.scanned);
    json_put_bool(&j, "read_only", false);
    json_close(&j, '}');
    strbuf_putc(out, '\n');
}
