/* smtp/server_data.c - DATA: the message up to its dot; and how any message begins and ends to come in. */
#include "gateway/smtp/server.h"

#include <stdio.h>
#include <string.h>

/* ---- DATA ---- */

static enum reply data_is_refused(const struct server *s)
{
    if (incoming_is_open(&s->incoming))
        return REPLY_CHUNKS_BEGUN;
    if (s->state == SERVER_MAIL && s->session->is_binary)
        return REPLY_NEED_BDAT;
    return server_message_is_early(s);
}

enum reply server_message_is_early(const struct server *s)
{
    if (s->state == SERVER_START)
        return REPLY_NEED_HELO;
    if (s->state != SERVER_MAIL)
        return REPLY_NEED_MAIL;
    return shares_recipients(&s->shares) ? REPLY_NONE : REPLY_NEED_RCPT;
}

void server_data(struct server *s)
{
    enum reply wrong = data_is_refused(s);

    if (wrong) {
        server_say(s, wrong);
        server_count_error(s);
        return;
    }
    if (server_has_early_input(s, "DATA"))
        return;
    server_begin_message(s, INCOMING_DATA);
    server_say(s, REPLY_START_DATA);
    s->state = SERVER_DATA;
    s->data_begun_ms = loop_now_ms(s->door->engine->loop);
}

void server_take_data(struct server *s, struct span in)
{
    server_consume(s, incoming_take(&s->incoming, in));
    if (incoming_is_ended(&s->incoming)) {
        server_set_clock(s, CLOCK_STANDS, 0);
        server_end_message(s);
    }
}

/* ---- any message ---- */

void server_begin_message(struct server *s, enum incoming_kind kind)
{
    const struct smtp_conf *conf = s->door->conf;
    const struct incoming_limits limits = { s->door->settings.spool_directory, conf->memory_most, s->size_most,
                                            conf->line_most, (enum bare_newline)conf->bare_newline };

    incoming_open(&s->incoming, kind, &limits);
}

/* No message can be stored: the operator must hear of it, but not for each message. */
static void raise_spool(struct server *s)
{
    char text[512];

    snprintf(text, sizeof text, "messages cannot be stored in %s (%s): they are deferred with 452",
             s->door->settings.spool_directory, strerror(s->incoming.spool_errno));
    alarms_raise(&s->door->engine->alarms, "spool", text);
}

void server_refuse_message(struct server *s, enum reply refused)
{
    bool is_ours = refused == REPLY_SPOOL;

    if (is_ours)
        raise_spool(s);
    server_refuse_all(s, refused, incoming_number(&s->incoming, refused), is_ours ? "defer" : "reject");
}

void server_end_message(struct server *s)
{
    enum reply refused = incoming_finish(&s->incoming);

    if (refused)
        server_refuse_message(s, refused);
    else
        server_judge(s);
}
