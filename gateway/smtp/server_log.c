/* smtp/server_log.c - one line per message, and one per refusal. */
#include "gateway/smtp/server.h"

#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

enum { RECIPIENTS_SHOWN = 5, SYMBOLS_SHOWN = 20, LIST_MOST = 2000 };

static void log_client(struct log_line *line, const struct server *s)
{
    char text[ADDR_TEXT_MAX];

    log_cstr(line, "client", addr_text(&s->session->client, text));
    if (s->session->client_ptr.len)
        log_str(line, "name", s->session->client_ptr);
    if (s->session->helo.len)
        log_str(line, "helo", s->session->helo);
}

static void log_envelope(struct log_line *line, const struct server *s)
{
    struct strbuf list;

    log_str(line, "from", s->session->mail_from.text);
    log_int(line, "rcpts", (int64_t)s->session->recipient_count);
    strbuf_init(&list, LIST_MOST);
    for (size_t i = 0; i < s->session->recipient_count && i < RECIPIENTS_SHOWN; i++) {
        if (i)
            strbuf_putc(&list, ',');
        strbuf_put(&list, s->session->recipients[i].address.text);
    }
    log_str(line, "to", strbuf_span(&list));
    strbuf_release(&list);
}

/* ---- symbols, the weightiest first ---- */

struct weighed {
    const struct finding *finding;
    bool is_shadow;
};

static int compare_weight(const void *a, const void *b)
{
    int x = abs(((const struct weighed *)a)->finding->points), y = abs(((const struct weighed *)b)->finding->points);

    return x < y ? 1 : x > y ? -1 : 0;
}

static size_t collect(const struct server *s, struct weighed *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < pipeline_run_count(s->pipeline); i++) {
        const struct run *run = pipeline_run(s->pipeline, i);

        for (size_t j = 0; run->state == RUN_DONE && j < run->finding_count && n < room; j++)
            out[n++] = (struct weighed){ &run->findings[j], run->settings->mode == MODE_SHADOW };
    }
    return n;
}

static void log_symbols(struct log_line *line, const struct server *s)
{
    struct weighed all[256];
    size_t n = collect(s, all, 256);
    struct strbuf list;

    qsort(all, n, sizeof *all, compare_weight);
    strbuf_init(&list, LIST_MOST);
    for (size_t i = 0; i < n && i < SYMBOLS_SHOWN; i++) {
        int points = all[i].finding->points;

        strbuf_putf(&list, "%s%s(%s%d.%02d%s)", i ? "," : "", all[i].finding->symbol, points < 0 ? "-" : "",
                    abs(points) / 100, abs(points) % 100, all[i].is_shadow ? " shadow" : "");
    }
    if (n)
        log_str(line, "symbols", strbuf_span(&list));
    strbuf_release(&list);
}

static void log_missing(struct log_line *line, const struct verdict *verdict)
{
    struct strbuf list;

    strbuf_init(&list, LIST_MOST);
    for (size_t i = 0; i < verdict->missing_count; i++)
        strbuf_putf(&list, "%s%s: %s", i ? "; " : "", verdict->missing[i].check, verdict->missing[i].why);
    if (verdict->missing_count)
        log_str(line, "missing", strbuf_span(&list));
    strbuf_release(&list);
}

static void log_verdict(struct log_line *line, const struct server *s)
{
    const struct verdict *verdict = s->verdict;

    if (!verdict)
        return;
    log_points(line, "score", verdict->score);
    if (verdict->decided_by)
        log_cstr(line, "by", verdict->decided_by);
    log_symbols(line, s);
    log_missing(line, verdict);
}

static void log_outcome(struct log_line *line, const struct server *s, const struct delivery_outcome *outcome)
{
    if (!outcome)
        return;
    log_cstr(line, "hop", hop_target(s->hop)->text);
    if (outcome->code)
        log_fmt(line, "hop_reply", "%u %.*s", outcome->code, SPAN_ARG(outcome->text));
    if (outcome->why && *outcome->why)
        log_cstr(line, "hop_trouble", outcome->why);
    if (outcome->is_possible_duplicate)
        log_cstr(line, "possible_duplicate", "yes");
}

void server_log_message(struct server *s, unsigned code, struct span text, const char *action,
                        const struct delivery_outcome *outcome)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "message");
    if (line.is_wanted) {
        log_cstr(&line, "id", s->session->id);
        log_client(&line, s);
        if (s->session->tls_version[0])
            log_cstr(&line, "tls", s->session->tls_version);
        log_envelope(&line, s);
        log_int(&line, "size", (int64_t)s->body_bytes);
        log_cstr(&line, "action", action);
        log_verdict(&line, s);
        log_int(&line, "code", code);
        log_str(&line, "reply", text);
        log_outcome(&line, s, outcome);
        log_int(&line, "ms", clock_mono_ms() - s->begun_ms);
    }
    log_send(&line);
}

void server_log_refusal(const struct server *s, const char *what, unsigned code, struct span text)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", what);
    if (s->state >= SERVER_MAIL)
        log_cstr(&line, "id", s->session->id);
    log_client(&line, s);
    if (s->state >= SERVER_MAIL)
        log_envelope(&line, s);
    if (code)
        log_int(&line, "code", code);
    log_str(&line, "text", text);
    log_send(&line);
}

void server_log_gone(const struct server *s, const char *when)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "client_gone");
    log_cstr(&line, "id", s->session->id);
    log_client(&line, s);
    log_envelope(&line, s);
    log_cstr(&line, "when", when);
    log_send(&line);
}
