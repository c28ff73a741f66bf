/* smtp/server_data.c - the message: taken in whole, and refused when it breaks the rules of lines and sizes. */
#include "gateway/smtp/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- DATA ---- */

static enum reply data_is_refused(const struct server *s)
{
    if (s->state == SERVER_START)
        return REPLY_NEED_HELO;
    if (s->state != SERVER_MAIL)
        return REPLY_NEED_MAIL;
    return shares_recipients(&s->shares) ? REPLY_NONE : REPLY_NEED_RCPT;
}

void server_data(struct server *s)
{
    const struct smtp_conf *conf = s->door->conf;
    enum reply wrong = data_is_refused(s);

    if (wrong) {
        server_say(s, wrong);
        server_count_error(s);
        return;
    }
    if (server_has_early_input(s, "DATA"))
        return;
    s->spool = spool_new(s->door->settings.spool_directory, conf->memory_most, s->size_most);
    s->spool_fault = FAULT_NONE;
    s->body_bytes = 0;
    body_init(&s->body, (enum bare_newline)conf->bare_newline, conf->line_most);
    server_say(s, REPLY_START_DATA);
    s->state = SERVER_DATA;
}

/* ---- what no check need see ---- */

static void refuse_body(struct server *s)
{
    unsigned faults = body_refused(&s->body);

    if (faults & BODY_NUL)
        server_refuse_all(s, REPLY_NUL, 0, "reject");
    else if (faults & BODY_LONG_LINE)
        server_refuse_all(s, REPLY_LONG_LINE, s->door->conf->line_most, "reject");
    else
        server_refuse_all(s, REPLY_BARE_NEWLINE, 0, "reject");
}

/* No message can be stored: the operator must hear of it, but not for each message. */
static void raise_spool(struct server *s)
{
    char text[512];

    snprintf(text, sizeof text, "messages cannot be stored in %s (%s): they are deferred with 452",
             s->door->settings.spool_directory, strerror(s->spool_errno));
    alarms_raise(&s->door->engine->alarms, "spool", text);
}

static bool is_sealed(struct server *s)
{
    struct span bytes;

    if (!s->spool_fault) {
        s->spool_fault = spool_seal(s->spool, &bytes);
        s->spool_errno = errno;
    }
    return !s->spool_fault;
}

static void take_end(struct server *s)
{
    server_set_clock(s, CLOCK_STANDS, 0);
    if (body_refused(&s->body))
        refuse_body(s);
    else if (s->spool_fault == FAULT_FULL || s->body_bytes > s->size_most)
        server_refuse_all(s, REPLY_TOO_BIG, s->size_most, "reject");
    else if (is_sealed(s))
        server_judge(s);
    else {
        raise_spool(s);
        server_refuse_all(s, REPLY_SPOOL, 0, "defer");
    }
}

static void put(void *arg, struct span piece)
{
    struct server *s = arg;

    s->body_bytes += piece.len;
    if (s->spool_fault)
        return;
    s->spool_fault = spool_put(s->spool, piece);
    s->spool_errno = errno;
}

void server_take_data(struct server *s, struct span in)
{
    size_t took = body_take(&s->body, in, put, s);

    stream_consume(s->stream, took);
    if (body_is_ended(&s->body))
        take_end(s);
}
