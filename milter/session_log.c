/* milter/session_log.c - one line per message, and one per refusal. */
#include "milter/session.h"

#include "gateway/base/clock.h"
#include "gateway/core/message_log.h"

static void log_ids(struct log_line *line, const struct milter_session *s)
{
    log_cstr(line, "id", s->session->id);
    log_cstr(line, "door", "milter");
    if (milter_queue_id(s).len)
        log_str(line, "queue_id", milter_queue_id(s));
}

static void log_mta(struct log_line *line, const struct milter_session *s)
{
    if (s->told.values[MACRO_MTA].len)
        log_str(line, "mta", s->told.values[MACRO_MTA]);
    if (s->told.values[MACRO_DAEMON].len)
        log_str(line, "daemon", s->told.values[MACRO_DAEMON]);
}

void milter_log_message(struct milter_session *s, unsigned code, struct span text, const char *action)
{
    const struct message *message = pipeline_message(s->pipeline);
    const struct spool *spool = message ? message->spool : s->spool;
    struct log_line line;

    log_start(&line, LOG_INFO, "message");
    if (line.is_wanted) {
        log_ids(&line, s);
        log_mta(&line, s);
        message_log_client(&line, s->session);
        message_log_envelope(&line, s->session);
        if (s->refused_by_mta)
            log_int(&line, "refused_by_mta", s->refused_by_mta);
        log_int(&line, "size", spool ? (int64_t)spool_bytes(spool) : 0);
        log_cstr(&line, "action", action);
        message_log_verdict(&line, s->pipeline, s->verdict);
        if (s->unexamined)
            log_cstr(&line, "unexamined", s->unexamined);
        log_int(&line, "code", code);
        log_str(&line, "reply", text);
        log_int(&line, "ms", clock_mono_ms() - s->begun_ms);
    }
    log_send(&line);
}

void milter_log_refusal(struct milter_session *s, const char *what, const struct verdict *verdict, unsigned code,
                        struct span text)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    if (line.is_wanted) {
        log_cstr(&line, "what", what);
        log_ids(&line, s);
        log_mta(&line, s);
        message_log_client(&line, s->session);
        message_log_envelope(&line, s->session);
        if (verdict)
            log_cstr(&line, "action", action_text(verdict->action));
        message_log_verdict(&line, s->pipeline, verdict);
        log_int(&line, "code", code);
        log_str(&line, "text", text);
    }
    log_send(&line);
}

void milter_log_gone(struct milter_session *s, const char *when)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "client_gone");
    log_ids(&line, s);
    log_mta(&line, s);
    message_log_client(&line, s->session);
    message_log_envelope(&line, s->session);
    log_cstr(&line, "when", when);
    log_send(&line);
}

void milter_log_fault(struct milter_session *s, const char *text)
{
    struct log_line line;

    log_start(&line, LOG_WARN, "milter");
    log_mta(&line, s);
    if (s->session)
        message_log_client(&line, s->session);
    log_cstr(&line, "text", text);
    log_send(&line);
}
