/* core/message_log.c - what every door's `message` line says of a message. */
#include "gateway/core/message_log.h"

#include <stdlib.h>

enum { RECIPIENTS_SHOWN = 5, SYMBOLS_SHOWN = 20, REASONS_SHOWN = 5, WEIGHED_MOST = 1024, LIST_MOST = 2000 };

static void log_tls(struct log_line *line, const struct session *session)
{
    const struct session_certificate *shown = &session->tls_client;

    log_cstr(line, "tls", session->tls_version);
    if (session->tls_cipher[0])
        log_cstr(line, "cipher", session->tls_cipher);
    if (session->tls_server_name.len)
        log_str(line, "sni", session->tls_server_name);
    if (!shown->sha256.len && !shown->subject.len)
        return;
    log_str(line, "certificate", shown->subject);
    if (shown->sha256.len) { /* a proxy tells the name alone */
        log_str(line, "certificate_issuer", shown->issuer);
        log_str(line, "certificate_sha256", shown->sha256);
    }
    log_cstr(line, "certificate_trusted", shown->is_trusted ? "yes" : "no");
}

void message_log_client(struct log_line *line, const struct session *session)
{
    char text[ADDR_TEXT_MAX];

    log_cstr(line, "client", addr_text(&session->client, text));
    if (session->client_ptr.len)
        log_str(line, "name", session->client_ptr);
    if (session->helo.len)
        log_str(line, "helo", session->helo);
    if (session->tls_version[0])
        log_tls(line, session);
}

void message_log_envelope(struct log_line *line, const struct session *session)
{
    struct strbuf list;

    log_str(line, "from", session->mail_from.text);
    log_int(line, "rcpts", (int64_t)(session->recipient_count + session->unnamed_recipients));
    strbuf_init(&list, LIST_MOST);
    for (size_t i = 0; i < session->recipient_count && i < RECIPIENTS_SHOWN; i++) {
        if (i)
            strbuf_putc(&list, ',');
        strbuf_put(&list, session->recipients[i].address.text);
    }
    log_str(line, "to", strbuf_span(&list));
    strbuf_release(&list);
}

/* ---- symbols, the weightiest first ---- */

struct weighed {
    const struct finding *finding;
    const struct run *run;
    struct idle idle;
};

static int compare_weight(const void *a, const void *b)
{
    const struct finding *x = ((const struct weighed *)a)->finding, *y = ((const struct weighed *)b)->finding;
    int weight = abs(y->points) - abs(x->points);

    return weight ? weight : strcmp(x->symbol, y->symbol);
}

static size_t collect(struct pipeline *p, const struct verdict *verdict, struct weighed *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < pipeline_run_count(p); i++) {
        const struct run *run = pipeline_run(p, i);

        for (size_t j = 0; run->state == RUN_DONE && j < run->finding_count && n < room; j++)
            out[n++] = (struct weighed){ &run->findings[j], run, pipeline_idle(p, verdict, run, &run->findings[j]) };
    }
    qsort(out, n, sizeof *out, compare_weight);
    return n;
}

static void log_symbols(struct log_line *line, const struct weighed *all, size_t n)
{
    struct strbuf list;

    strbuf_init(&list, LIST_MOST);
    for (size_t i = 0; i < n && i < SYMBOLS_SHOWN; i++) {
        int points = all[i].finding->points;

        strbuf_putf(&list, "%s%s(%s%d.%02d%s%s", i ? "," : "", all[i].finding->symbol, points < 0 ? "-" : "",
                    abs(points) / 100, abs(points) % 100, all[i].idle.why ? " " : "", idle_text(all[i].idle.why));
        strbuf_putf(&list, "%s%s)", all[i].idle.by[0] ? " by " : "", all[i].idle.by);
    }
    if (n)
        log_str(line, "symbols", strbuf_span(&list));
    strbuf_release(&list);
}

/* Of the check that decided what it has found; of a score that is not mere acceptance what weighed most. */
static bool is_a_reason(const struct weighed *w, const struct verdict *verdict)
{
    if (w->idle.why || !w->finding->reason[0])
        return false;
    if (strcmp(verdict->decided_by, "score") == 0)
        return verdict->action != ACTION_ACCEPT && w->finding->points > 0;
    return strcmp(verdict->decided_by, w->run->settings->check->name) == 0;
}

static void log_reasons(struct log_line *line, const struct weighed *all, size_t n, const struct verdict *verdict)
{
    struct strbuf list;
    unsigned shown = 0;

    if (!verdict->decided_by)
        return;
    strbuf_init(&list, LIST_MOST);
    for (size_t i = 0; i < n && shown < REASONS_SHOWN; i++)
        if (is_a_reason(&all[i], verdict))
            strbuf_putf(&list, "%s%s: %s", shown++ ? "; " : "", all[i].finding->symbol, all[i].finding->reason);
    if (shown)
        log_str(line, "why", strbuf_span(&list));
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

void message_log_verdict(struct log_line *line, struct pipeline *p, const struct verdict *verdict)
{
    struct weighed all[WEIGHED_MOST];

    if (!verdict || !line->is_wanted)
        return;
    size_t n = collect(p, verdict, all, WEIGHED_MOST);

    if (pipeline_profile(p)[0])
        log_cstr(line, "profile", pipeline_profile(p));
    log_points(line, "score", verdict->score);
    if (verdict->decided_by)
        log_cstr(line, "by", verdict->decided_by);
    log_symbols(line, all, n);
    log_reasons(line, all, n, verdict);
    log_missing(line, verdict);
}
