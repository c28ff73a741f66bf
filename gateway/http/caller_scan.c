/* http/caller_scan.c - a message through the pipeline, and its answer. */
#include "gateway/http/caller.h"

#include <errno.h>

#include "gateway/base/clock.h"
#include "gateway/core/message_log.h"
#include "gateway/http/answer.h"

enum { EX_DATAERR_ = 65, EX_SOFTWARE_ = 70, EX_TEMPFAIL_ = 75, QUEUE_ID_MOST = 200 };

#define TOO_LONG "the answer would be too long"

/* ---- the beginning ---- */

bool caller_scan_begin(struct caller *c)
{
    struct engine *engine = c->door->engine;
    const char *wrong = engine_admits(engine);

    if (wrong) {
        caller_refuse(c, 503, EX_TEMPFAIL_, wrong);
        return false;
    }
    if (c->flags.skip)
        return true;
    c->pipeline = pipeline_new(engine, "http");
    if (c->flags.pass_all)
        pipeline_be_thorough(c->pipeline);
    struct session *session = pipeline_session(c->pipeline);

    wrong = envelope_fill(&c->head, session);
    session->is_relay_client = http_conf_has(&c->door->conf->relay_clients, &session->client);
    if (wrong) {
        caller_refuse(c, 400, EX_DATAERR_, arena_dup(&c->arena, span_of(wrong)));
        return false;
    }
    for (enum stage stage = STAGE_CONNECT; stage < STAGE_MESSAGE; stage++)
        pipeline_reach(c->pipeline, stage);
    return true;
}

/* ---- the log ---- */

static void log_message(const struct caller *c, const struct answer *a)
{
    const struct session *session = pipeline_session(c->pipeline);
    struct span queue_id = span_first(head_value(&c->head, "Queue-Id"), QUEUE_ID_MOST);
    struct log_line line;

    log_start(&line, LOG_INFO, "message");
    if (line.is_wanted) {
        log_cstr(&line, "id", session->id);
        log_cstr(&line, "door", "http");
        if (queue_id.len)
            log_str(&line, "queue_id", queue_id);
        message_log_client(&line, session);
        message_log_envelope(&line, session);
        log_int(&line, "size", (int64_t)c->size);
        log_cstr(&line, "action", action_text(a->verdict->action));
        message_log_verdict(&line, c->pipeline, a->verdict);
        log_int(&line, "ms", (clock_mono_us() - c->begun_us) / 1000);
    }
    log_send(&line);
}

/* ---- the answer ---- */

static void write_spam(struct caller *c, const struct answer *a, struct strbuf *out)
{
    if (c->head.protocol == PROTOCOL_RSPAMC)
        answer_rspamc(a, out);
    else
        answer_spamc(a, out, &c->back);
    if (out->is_full) {
        caller_refuse_spam(c, EX_SOFTWARE_, TOO_LONG);
        return;
    }
    caller_write(c, strbuf_span(out));
    if (c->back.pieces.count)
        caller_give(c);
    else
        caller_over(c);
}

static void write_json(struct caller *c, const struct answer *a, struct strbuf *out)
{
    (span_is(c->request.path, "/check") ? answer_json_legacy : answer_json)(a, out);
    if (out->is_full)
        caller_answer_error(c, 500, TOO_LONG);
    else
        caller_answer_http(c, "application/json", strbuf_span(out));
}

static void write_answer(struct caller *c, const struct answer *a)
{
    struct strbuf out;

    strbuf_init(&out, ANSWER_BYTES_MAX);
    (c->head.protocol == PROTOCOL_HTTP ? write_json : write_spam)(c, a, &out);
    strbuf_release(&out);
}

static void answer(struct caller *c, const struct verdict *verdict)
{
    struct answer a = { .pipeline = c->pipeline,
                        .verdict = verdict,
                        .actions = c->pipeline ? pipeline_actions(c->pipeline) : c->door->engine->actions,
                        .dress = c->door->settings.dress,
                        .head = &c->head,
                        .flags = c->flags,
                        .arena = c->pipeline ? pipeline_session(c->pipeline)->tx_arena : &c->arena,
                        .took_us = clock_mono_us() - c->begun_us,
                        .lines = &c->intake.lines };

    answer_prepare(&a);
    if (verdict && !c->flags.no_log)
        log_message(c, &a);
    if (verdict)
        pipeline_settle(c->pipeline, verdict->action <= ACTION_TAG && !c->flags.no_stat);
    write_answer(c, &a);
}

static void on_verdict(void *arg, const struct verdict *verdict)
{
    struct caller *c = arg;

    answer(c, verdict);
    caller_resume(c);
}

/* ---- the message ---- */

void caller_scan(struct caller *c)
{
    struct span bytes;

    if (!c->pipeline) {
        answer(c, NULL);
        return;
    }
    if (spool_seal(c->intake.spool, &bytes)) {
        alarms_raise(&c->door->engine->alarms, "http spool", "messages cannot be stored: the scan API refuses them");
        caller_refuse(c, 507, EX_TEMPFAIL_, "the message cannot be stored now");
        return;
    }
    c->size = bytes.len;
    pipeline_take_message(c->pipeline, message_from_spool(c->intake.spool, &message_limits_most));
    c->intake.spool = NULL; /* the message's */
    c->state = CALLER_SCAN;
    pipeline_reach(c->pipeline, STAGE_MESSAGE);
    pipeline_decide(c->pipeline, STAGE_MESSAGE, 0, on_verdict, c);
}
