/* smtp/server_log.c - one line per message, and one per refusal. */
#include "gateway/smtp/server.h"

#include "gateway/base/clock.h"
#include "gateway/core/message_log.h"

static void log_outcome(struct log_line *line, const struct server *s, const struct delivery_outcome *outcome)
{
    if (!outcome)
        return;
    log_cstr(line, "hop", next_hop_name(s->next_hop));
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
        message_log_client(&line, s->session);
        if (s->session->tls_version[0])
            log_cstr(&line, "tls", s->session->tls_version);
        message_log_envelope(&line, s->session);
        log_int(&line, "size", (int64_t)s->body_bytes);
        log_cstr(&line, "action", action);
        message_log_verdict(&line, s->pipeline, s->verdict);
        log_int(&line, "code", code);
        log_str(&line, "reply", text);
        log_outcome(&line, s, outcome);
        log_int(&line, "ms", clock_mono_ms() - s->begun_ms);
    }
    log_send(&line);
}

void server_log_refusal(const struct server *s, const char *what, const struct verdict *verdict, unsigned code,
                        struct span text)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", what);
    if (s->state >= SERVER_MAIL)
        log_cstr(&line, "id", s->session->id);
    message_log_client(&line, s->session);
    if (s->state >= SERVER_MAIL)
        message_log_envelope(&line, s->session);
    if (verdict)
        log_cstr(&line, "action", action_text(verdict->action));
    message_log_verdict(&line, s->pipeline, verdict);
    if (code)
        log_int(&line, "code", code);
    log_str(&line, "text", text);
    log_send(&line);
}

void server_log_left(const struct server *s)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "client_gone");
    log_cstr(&line, "id", s->unanswered);
    message_log_client(&line, s->session);
    log_cstr(&line, "when", "right after its message was delivered: if it did not read our reply, it may come again");
    log_send(&line);
}

void server_log_conduct(const struct server *s, const char *what, struct span said)
{
    enum log_level level = strcmp(what, "PASS OLD") == 0 ? LOG_DEBUG : LOG_INFO; /* of every connection of theirs */
    struct log_line line;

    log_start(&line, level, "conduct");
    log_cstr(&line, "what", what);
    message_log_client(&line, s->session);
    if (said.len)
        log_str(&line, "said", span_first(said, CONDUCT_SHOWN_MAX));
    log_int(&line, "after_ms", loop_now_ms(s->door->engine->loop) - s->connected_ms);
    log_send(&line);
}

void server_log_gone(const struct server *s, const char *when)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "client_gone");
    log_cstr(&line, "id", s->session->id);
    message_log_client(&line, s->session);
    message_log_envelope(&line, s->session);
    log_cstr(&line, "when", when);
    log_send(&line);
}
