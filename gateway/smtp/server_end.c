/* smtp/server_end.c - the end of a message: share by share it is judged, edited, delivered; and only then is the client
 * told. */
#include "gateway/smtp/server.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/clock.h"

static void judge(struct server *s, struct share *share);

/* ---- the end of a message ---- */

static struct answer answer_by(enum reply reply, uint64_t number, char *text)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    return (struct answer){ reply_code(reply), "", reply_text(reply, span_of(digits), text) };
}

static struct span id_of(const struct share *share)
{
    return span_make(share->session->id, ULID_SIZE - 1);
}

/* What is delivered is in flight until the client goes on; the others until our reply has gone out: they come again. */
static void tell(struct server *s)
{
    server_answer(s);
    s->early_bytes = stream_arrived_bytes(s->stream);
    for (struct share *share = shares_next(&s->shares, NULL); share; share = shares_next(&s->shares, share)) {
        if (span_search(strbuf_span(&s->unanswered), id_of(share)) != SPAN_NPOS)
            continue;
        strbuf_put(&s->unheard, id_of(share));
        if (s->unheard.is_full)
            in_flight_end(s->door->in_flight, share->session->id);
    }
}

/* The share in hand is done. The next one's turn comes, or the client's; who has gone needs no more. */
static void conclude(struct server *s, const struct answer *answer, const char *action,
                     const struct delivery_outcome *outcome)
{
    struct share *next = shares_next(&s->shares, s->share);

    server_keep_answers(s, answer, outcome);
    server_log_message(s, action, outcome);
    pipeline_settle(s->share->pipeline, s->share->answer.code / 100 == 2);
    if (next && s->stream) {
        judge(s, next);
        return;
    }
    if (s->stream) {
        tell(s);
    } else { /* and there is no answer for the shares behind */
        server_log_gone(s, "before our reply to its message");
        server_forget_flights(s);
    }
    s->is_waiting = false;
    s->junk = 0;
    server_end_transaction(s);
    server_resume(s);
}

static void conclude_reply(struct server *s, enum reply reply, const char *action,
                           const struct delivery_outcome *outcome)
{
    char text[REPLY_LINE_MAX];
    struct answer answer = answer_by(reply, 0, text);

    conclude(s, &answer, action, outcome);
}

void server_refuse_all(struct server *s, enum reply reply, uint64_t number, const char *action)
{
    char text[REPLY_LINE_MAX];
    struct answer answer = answer_by(reply, number, text);

    for (struct share *share = shares_next(&s->shares, NULL); share; share = shares_next(&s->shares, share)) {
        s->share = share;
        server_keep_answers(s, &answer, NULL);
        server_log_message(s, action, NULL);
    }
    server_answer(s);
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

void server_forget_flights(struct server *s)
{
    for (struct share *share = shares_next(&s->shares, NULL); share; share = shares_next(&s->shares, share))
        in_flight_end(s->door->in_flight, share->session->id);
}

static void end_flights(struct server *s, struct strbuf *ids)
{
    char id[ULID_SIZE] = "";

    for (size_t at = 0; at < ids->len; at += ULID_SIZE - 1) {
        memcpy(id, ids->data + at, ULID_SIZE - 1);
        in_flight_end(s->door->in_flight, id);
    }
    strbuf_clear(ids);
}

void server_is_heard(struct server *s)
{
    end_flights(s, &s->unheard);
}

void server_is_answered(struct server *s)
{
    end_flights(s, &s->unanswered);
}

static void on_delivered(void *arg, const struct delivery_outcome *outcome)
{
    struct server *s = arg;
    char text[REPLY_LINE_MAX];
    struct answer answer = server_answer_of(s, outcome, text);

    s->delivery = NULL;
    count_delivery(s, outcome->code / 100);
    if (outcome->code / 100 == 2 && s->stream)
        strbuf_put(&s->unanswered, id_of(s->share));
    if (outcome->code / 100 == 2 && s->share->verdict->action == ACTION_ACCEPT)
        server_praise(s);
    conclude(s, &answer, action_text(s->share->verdict->action), outcome);
}

bool server_call_off(struct server *s)
{
    if (!deliver_cancel(s->delivery))
        return false;
    s->delivery = NULL;
    return true;
}

static void start_delivery(struct server *s)
{
    struct delivery_outcome at_once;
    struct share *share = s->share;

    in_flight_begin(s->door->in_flight, share->session->id, &share->session->client);
    edits_init(&s->edits, share->session->tx_arena);
    dress(share->pipeline, share->verdict, s->door->settings.dress, &s->edits);
    edits_apply(&s->edits, pipeline_message(share->pipeline), &s->pieces);
    server_name_client(share);
    s->delivery = deliver_start(s->door->verify, share->next_hop, share->session, &s->pieces, s->answers_each,
                                on_delivered, s, &at_once);
    if (!s->delivery)
        on_delivered(s, &at_once);
}

/* ---- the verdict ---- */

static void on_message_verdict(void *arg, const struct verdict *verdict)
{
    struct server *s = arg;

    s->share->verdict = verdict;
    if (verdict->action == ACTION_ACCEPT || verdict->action == ACTION_TAG) {
        start_delivery(s);
        return;
    }
    if (verdict->action == ACTION_QUARANTINE) { /* there is none yet: the sender keeps the message */
        conclude_reply(s, REPLY_QUARANTINE, action_text(verdict->action), NULL);
        return;
    }
    struct verdict_reply reply = pipeline_reply(s->share->pipeline, verdict);
    struct answer answer = { reply.code, reply.enhanced, span_of(reply.text) };

    conclude(s, &answer, action_text(verdict->action), NULL);
}

static bool is_header_refused(struct server *s, const struct message *message)
{
    const struct smtp_conf *conf = s->door->conf;
    size_t header = message->bytes.len - message->body.len;
    enum reply wrong = incoming_header_refused(&s->incoming, span_first(message->bytes, header));
    size_t received = header_count(&message->header, "Received");

    if (wrong)
        server_refuse_all(s, wrong, incoming_number(&s->incoming, wrong), "reject");
    else if (message->header.anomalies & HEADER_TOO_LONG)
        server_refuse_all(s, REPLY_HEADER_TOO_BIG, conf->header_bytes_most, "reject");
    else if (message->header.anomalies & HEADER_TOO_MANY)
        server_refuse_all(s, REPLY_TOO_MANY_FIELDS, (uint64_t)conf->header_fields_most, "reject");
    else if (received > (size_t)conf->received_most)
        server_refuse_all(s, REPLY_LOOP, received, "reject");
    else
        return false;
    return true;
}

static struct message *give_message(struct server *s, struct share *share, struct spool *spool)
{
    const struct message_limits limits = { s->door->conf->header_bytes_most,
                                           (size_t)s->door->conf->header_fields_most };
    struct message *message = message_from_spool(spool, &limits);

    pipeline_take_message(share->pipeline, message);
    return message;
}

static void ask_for_verdict(struct server *s)
{
    pipeline_reach(s->share->pipeline, STAGE_MESSAGE);
    pipeline_decide(s->share->pipeline, STAGE_MESSAGE, 0, on_message_verdict, s);
}

/* A share behind the first. The client waits for all of them; it must not lose patience and send the message again,
 * which those before have already. */
static void judge(struct server *s, struct share *share)
{
    const struct share *first = shares_next(&s->shares, NULL);

    s->share = share;
    if (clock_mono_ms() - s->complete_ms > s->door->conf->hop_final_ms) {
        conclude_reply(s, REPLY_OTHERS_SLOW, "defer", NULL);
        return;
    }
    give_message(s, share, spool_hold(pipeline_message(first->pipeline)->spool));
    ask_for_verdict(s);
}

void server_judge(struct server *s)
{
    struct message *message;

    s->share = shares_next(&s->shares, NULL);
    s->complete_ms = clock_mono_ms();
    server_flush(s);
    message = give_message(s, s->share, incoming_give(&s->incoming));
    if (is_header_refused(s, message))
        return;
    server_wait(s);
    ask_for_verdict(s);
}
