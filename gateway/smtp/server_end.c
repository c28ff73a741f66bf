/* smtp/server_end.c - the end of a message: judged, edited, delivered; and only then is the client told. */
#include "gateway/smtp/server.h"

#include <stdio.h>
#include <string.h>

static void say_number(struct server *s, enum reply reply, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    server_say_about(s, reply, span_of(text));
}

/* ---- the end of a message ---- */

/* What the log and the client are told; the transaction is over. */
void server_conclude(struct server *s, unsigned code, const char *enhanced, struct span text, const char *action,
                     const struct delivery_outcome *outcome)
{
    server_say_text(s, code, enhanced, text);
    server_log_message(s, code, text, action, outcome);
    pipeline_settle(s->pipeline, code / 100 == 2);
    s->junk = 0;
    server_end_transaction(s);
}

void server_conclude_reply(struct server *s, enum reply reply, uint64_t number, const char *action,
                           const struct delivery_outcome *outcome)
{
    size_t before = s->out.len;

    say_number(s, reply, number);
    struct span text = span_trim(span_skip(span_skip(strbuf_span(&s->out), before), 4));

    server_log_message(s, reply_code(reply), text, action, outcome);
    server_end_transaction(s);
}

/* ---- delivery ---- */

static void count_delivery(struct server *s, unsigned class)
{
    struct hop_metrics *m = &s->door->engine->metrics.hop;

    m->delivered += class == 2;
    m->deferred += class == 4;
    m->refused += class == 5;
    m->failed += class != 2 && class != 4 && class != 5;
}

void server_is_heard(struct server *s)
{
    if (s->unheard[0])
        in_flight_end(s->door->in_flight, s->unheard);
    s->unheard[0] = '\0';
}

static void conclude_delivery(struct server *s, const struct delivery_outcome *outcome)
{
    const char *action = action_text(s->verdict->action);
    unsigned class = outcome->code / 100;
    char text[REPLY_LINE_MAX];

    count_delivery(s, class);
    server_is_heard(s);
    memcpy(s->unheard, s->session->id, sizeof s->unheard);
    if (class == 2 && s->stream)
        memcpy(s->unanswered, s->session->id, sizeof s->unanswered);
    if (class == 2) {
        struct span said = span_first(outcome->text, REPLY_LINE_MAX / 2);

        said = span_first(said, span_find(said, '\n'));
        snprintf(text, sizeof text, "%s%.*s", reply_has_enhanced(outcome->code, said) ? "" : "2.0.0 ", SPAN_ARG(said));
        server_conclude(s, 250, "", span_of(text), action, outcome);
    } else if (class == 4 || class == 5) {
        server_conclude(s, outcome->code, "", outcome->text, action, outcome);
    } else {
        server_conclude_reply(s, outcome->trouble ? outcome->trouble : REPLY_HOP_DOWN, 0, action, outcome);
    }
}

static void on_delivered(void *arg, const struct delivery_outcome *outcome)
{
    struct server *s = arg;

    s->delivery = NULL;
    s->is_waiting = false;
    if (outcome->code / 100 == 2 && s->verdict->action == ACTION_ACCEPT)
        server_praise(s);
    if (!s->stream)
        server_log_gone(s, outcome->code / 100 == 2 ? "after its message was delivered: it may come again"
                                                    : "before our reply to its message");
    conclude_delivery(s, outcome);
    server_resume(s);
}

bool server_call_off(struct server *s)
{
    if (!deliver_cancel(s->delivery))
        return false;
    in_flight_end(s->door->in_flight, s->session->id);
    s->delivery = NULL;
    return true;
}

static void start_delivery(struct server *s)
{
    struct delivery_outcome at_once;
    struct message *message = pipeline_message(s->pipeline);

    edits_init(&s->edits, s->session->tx_arena);
    dress(s->pipeline, s->verdict, s->door->settings.dress, &s->edits);
    edits_apply(&s->edits, message, &s->pieces);
    in_flight_begin(s->door->in_flight, s->session->id, &s->session->client);
    s->delivery = deliver_start(s->door->verify, s->next_hop, s->session, &s->pieces, false, on_delivered, s, &at_once);
    if (s->delivery)
        return;
    s->is_waiting = false;
    conclude_delivery(s, &at_once);
    server_resume(s);
}

/* ---- the verdict ---- */

static void on_message_verdict(void *arg, const struct verdict *verdict)
{
    struct server *s = arg;

    s->verdict = verdict;
    if (verdict->action == ACTION_ACCEPT || verdict->action == ACTION_TAG) {
        start_delivery(s);
        return;
    }
    struct verdict_reply reply = pipeline_reply(s->pipeline, verdict);

    s->is_waiting = false;
    if (verdict->action == ACTION_QUARANTINE) /* there is none yet: the sender keeps the message */
        server_conclude_reply(s, REPLY_QUARANTINE, 0, action_text(verdict->action), NULL);
    else
        server_conclude(s, reply.code, reply.enhanced, span_of(reply.text), action_text(verdict->action), NULL);
    server_resume(s);
}

static bool is_header_refused(struct server *s, const struct message *message)
{
    const struct smtp_conf *conf = s->door->conf;
    size_t received = header_count(&message->header, "Received");

    if (message->header.anomalies & HEADER_TOO_LONG)
        server_conclude_reply(s, REPLY_HEADER_TOO_BIG, conf->header_bytes_most, "reject", NULL);
    else if (message->header.anomalies & HEADER_TOO_MANY)
        server_conclude_reply(s, REPLY_TOO_MANY_FIELDS, (uint64_t)conf->header_fields_most, "reject", NULL);
    else if (received > (size_t)conf->received_most)
        server_conclude_reply(s, REPLY_LOOP, received, "reject", NULL);
    else
        return false;
    return true;
}

void server_judge(struct server *s)
{
    const struct message_limits limits = { s->door->conf->header_bytes_most,
                                           (size_t)s->door->conf->header_fields_most };
    struct message *message = message_from_spool(s->spool, &limits);

    s->spool = NULL; /* the message's */
    pipeline_take_message(s->pipeline, message);
    if (is_header_refused(s, message))
        return;
    server_wait(s);
    pipeline_reach(s->pipeline, STAGE_MESSAGE);
    pipeline_decide(s->pipeline, STAGE_MESSAGE, 0, on_message_verdict, s);
}
