/* smtp/hop_deliver.c - one transaction at the next hop [RFC5321 3.3].
 *
 * With PIPELINING the whole envelope and DATA go out at once [RFC2920 3.1]. When then the message is not to be sent
 * although DATA was taken, the connection is closed: an empty message ended with a dot would reach the recipients that
 * were not refused.
 *
 * BODY=BINARYMIME goes by BDAT [RFC3030], in one chunk, and not before it is known who was taken: what is pipelined
 * would reach those that were. Other messages go by DATA, which can be tried once more when the connection was lost
 * at its beginning.
 *
 * An LMTP server replies to the message once for each recipient that it took [RFC2033 4.2].
 */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/smtp/delivery.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/hop_client.h"
#include "gateway/smtp/tally.h"

enum {
    CHUNK_BYTES = 64 * 1024,
    UNSENT_MOST = 256 * 1024, /* waiting for the next hop to read */
};

struct hop_delivery {
    struct delivery delivery; /* the first member */
    struct hop_task task;
    struct verify *verify;
    struct next_hop *next_hop;
    const struct session *session;
    const struct pieces *message;
    struct strbuf client, who; /* hop_client_describe(), hop_client_who() */

    bool is_pipelined, is_sending, is_dot_sent;
    bool is_sender_refused;
    unsigned lacks; /* extensions that the message needs and the next hop no longer offers */
    size_t replies; /* taken of this transaction: MAIL, each RCPT, DATA, the dot */
    struct tally tally;
    char tls[96];
    size_t piece, offset;
    char last_byte;
};

static struct hop_delivery *of_task(struct hop_task *task)
{
    return (struct hop_delivery *)((char *)task - offsetof(struct hop_delivery, task));
}

/* ---- the end ---- */

static void delivery_release(struct hop_delivery *d)
{
    tally_release(&d->tally);
    strbuf_release(&d->client);
    strbuf_release(&d->who);
    next_hop_drop(d->next_hop);
    free(d);
}

/* Tells the owner, who may free session and message then. */
static void conclude(struct hop_delivery *d, const struct delivery_outcome *outcome)
{
    struct delivery_outcome told = *outcome;

    told.hop = hop_target(d->task.hop)->text;
    told.tls = d->tls;
    d->delivery.fn(d->delivery.arg, &told);
    delivery_release(d);
}

/* As it stands in the tally. */
static void conclude_tally(struct hop_delivery *d)
{
    struct delivery_outcome outcome = tally_outcome(&d->tally);

    conclude(d, &outcome);
}

/* The same for all whose fate is still open. */
static void conclude_rest(struct hop_delivery *d, const struct delivery_outcome *outcome)
{
    if (!d->tally.each) {
        conclude(d, outcome);
        return;
    }
    tally_rest(&d->tally, outcome);
    conclude_tally(d);
}

static void conclude_trouble(struct hop_delivery *d, enum reply trouble, const char *why)
{
    struct delivery_outcome outcome = { .trouble = trouble, .why = why, .is_possible_duplicate = d->is_dot_sent };

    conclude_rest(d, &outcome);
}

static void conclude_reply(struct hop_delivery *d, const struct hop_reply *reply)
{
    struct delivery_outcome outcome = { .code = reply->code, .text = strbuf_span(&reply->text), .why = "" };

    conclude_rest(d, &outcome);
}

/* Names the first of them. */
static void conclude_lacking(struct hop_delivery *d)
{
    char why[80];
    const char *first = extension_name(extension_first(d->lacks));
    bool is_for_good = (d->lacks & EXTENSION_REQUIRETLS) && !next_hop_may_require_tls(d->next_hop);
    struct delivery_outcome outcome = { .trouble = is_for_good ? REPLY_REQUIRETLS : REPLY_HOP_LACKS,
                                        .text = span_of(first),
                                        .why = why };

    snprintf(why, sizeof why, "the next hop does not offer %s", first);
    conclude_rest(d, &outcome);
}

/* ---- the envelope ---- */

static size_t recipient_count(const struct hop_delivery *d)
{
    return d->session->recipient_count;
}

/* Index 0 is MAIL; behind the last RCPT comes DATA, or, when they all are taken, the message by BDAT. */
static size_t last_command(const struct hop_delivery *d)
{
    return recipient_count(d) + (d->session->is_binary ? 0 : 1);
}

static void say_envelope(struct hop_delivery *d, size_t index)
{
    unsigned extensions = hop_task_extensions(&d->task);
    struct strbuf line;

    strbuf_init(&line, ENVELOPE_LINE_MAX);
    if (index == 0)
        envelope_mail(d->session, extensions, d->message->bytes, &line);
    else if (index <= recipient_count(d))
        envelope_rcpt(&d->session->recipients[index - 1], extensions, &line);
    else
        strbuf_puts(&line, "DATA\r\n");
    hop_expect(&d->task, 1);
    hop_send(&d->task, strbuf_span(&line));
    strbuf_release(&line);
}

static void on_ready(struct hop_task *task)
{
    struct hop_delivery *d = of_task(task);
    unsigned extensions = hop_task_extensions(task);

    d->replies = d->piece = d->offset = 0;
    tally_clear(&d->tally);
    d->last_byte = '\n';
    snprintf(d->tls, sizeof d->tls, "%s", hop_task_tls(task));
    d->is_sending = false;
    d->is_sender_refused = false;
    d->lacks = envelope_needs(d->session) & ~extensions;
    if (d->lacks) { /* it had them when we offered them: told in the next turn, as every outcome */
        hop_expect(task, 1);
        hop_send(task, SPAN("RSET\r\n"));
        return;
    }
    d->is_pipelined = extensions & EXTENSION_PIPELINING;
    for (size_t i = 0; i <= (d->is_pipelined ? last_command(d) : 0); i++)
        say_envelope(d, i);
}

/* ---- the message ---- */

/* A chunk with a dot before each dot that begins a line [RFC5321 4.5.2]. */
static void send_stuffed(struct hop_delivery *d, struct span chunk)
{
    size_t from = 0, at = 0;

    while (at < chunk.len) {
        size_t dot = span_find(span_skip(chunk, at), '.');

        if (dot == SPAN_NPOS)
            break;
        at += dot;
        if ((at ? chunk.ptr[at - 1] : d->last_byte) == '\n') {
            hop_send(&d->task, span_make(chunk.ptr + from, at - from));
            hop_send(&d->task, SPAN("."));
            from = at;
        }
        at++;
    }
    hop_send(&d->task, span_skip(chunk, from));
    d->last_byte = chunk.ptr[chunk.len - 1];
}

static bool replies_for_each(const struct hop_delivery *d)
{
    return d->tally.each && next_hop_kind(d->next_hop) == HOP_LMTP;
}

static void send_message(struct hop_delivery *d)
{
    while (d->piece < d->message->count) {
        if (hop_unsent_bytes(&d->task) >= UNSENT_MOST)
            return; /* until on_drained() */
        struct span rest = span_skip(d->message->items[d->piece], d->offset);
        struct span chunk = span_first(rest, CHUNK_BYTES);

        if (chunk.len && d->session->is_binary)
            hop_send(&d->task, chunk);
        else if (chunk.len)
            send_stuffed(d, chunk);
        d->offset += chunk.len;
        if (chunk.len == rest.len) {
            d->piece++;
            d->offset = 0;
        }
    }
    d->is_sending = false;
    d->is_dot_sent = true;
    hop_expect(&d->task, replies_for_each(d) ? (unsigned)d->tally.accepted : 1);
    hop_wait_final(&d->task);
    if (!d->session->is_binary)
        hop_send(&d->task, d->last_byte == '\n' ? SPAN(".\r\n") : SPAN("\r\n.\r\n"));
}

static void start_message(struct hop_delivery *d)
{
    d->is_sending = true;
    hop_wait_none(&d->task);
    if (d->session->is_binary)
        hop_sendf(&d->task, "BDAT %zu LAST\r\n", d->message->bytes);
    send_message(d);
}

static void on_drained(struct hop_task *task)
{
    struct hop_delivery *d = of_task(task);

    if (d->is_sending)
        send_message(d);
}

/* ---- replies ---- */

static void take_mail(struct hop_delivery *d, const struct hop_reply *reply)
{
    if (reply->code / 100 == 2)
        return;
    d->is_sender_refused = true;
    tally_refuse(&d->tally, reply->code, strbuf_span(&reply->text));
}

/* [RFC5321 4.5.3.1.10]; Exchange does not tell its limit in its greeting. */
static bool are_too_many(const struct hop_reply *reply)
{
    return reply->code == 452 && span_starts(strbuf_span(&reply->text), SPAN("4.5.3 "));
}

static void note_limit(struct hop *hop, size_t most)
{
    struct log_line line;

    if (hop_recipients_most(hop) != most) {
        log_start(&line, LOG_WARN, "next_hop");
        log_cstr(&line, "hop", hop_target(hop)->text);
        log_cstr(&line, "state", "takes fewer recipients than it tells");
        log_fmt(&line, "rcpts", "%zu", most);
        log_send(&line);
    }
    hop_note_recipients_most(hop, most);
}

/* Who is refused here is refused for all; they come again, and must then be told apart, or be fewer. */
static void learn(struct hop_delivery *d, const struct address *recipient, const struct hop_reply *reply)
{
    verify_note(d->verify, d->next_hop, strbuf_span(&d->who), recipient, reply->code, strbuf_span(&reply->text));
    if (reply->code < 400 || recipient_count(d) == 1)
        return;
    if (are_too_many(reply) && d->tally.accepted)
        note_limit(d->task.hop, d->tally.accepted);
    else if (!d->tally.each)
        verify_doubt(d->verify, d->next_hop, recipient);
}

static void take_rcpt(struct hop_delivery *d, const struct hop_reply *reply, size_t index)
{
    const struct address *recipient = &d->session->recipients[index].address;

    if (d->is_sender_refused)
        return; /* 503: says nothing of the recipient */
    learn(d, recipient, reply);
    tally_rcpt(&d->tally, index, reply->code, strbuf_span(&reply->text));
}

/* The transaction is off. */
static void give_up(struct hop_delivery *d, bool is_data_taken)
{
    if (is_data_taken)
        hop_task_drop(&d->task);
    else
        hop_task_done(&d->task, true);
    conclude_tally(d);
}

static void take_data(struct hop_delivery *d, const struct hop_reply *reply)
{
    if (reply->code == 354 && hop_is_ahead(&d->task)) { /* whatever it is, it is no answer to the message */
        hop_task_drop(&d->task);
        d->task.on_lost(&d->task, "it spoke unasked");
        return;
    }
    bool is_taken = reply->code / 100 == 3, goes_on = tally_goes_on(&d->tally);

    if (goes_on && reply->code == 354) {
        start_message(d);
        return;
    }
    if (goes_on && reply->code / 100 < 4) {
        hop_task_drop(&d->task);
        conclude_trouble(d, REPLY_HOP_DOWN, "the next hop answered DATA with neither 354 nor a refusal");
        return;
    }
    if (goes_on)
        tally_refuse(&d->tally, reply->code, strbuf_span(&reply->text));
    give_up(d, is_taken);
}

static void take_dot(struct hop_delivery *d, const struct hop_reply *reply)
{
    if (reply->code / 100 == 3) {
        hop_task_drop(&d->task);
        conclude_trouble(d, REPLY_HOP_SILENT, "the next hop answered the end of the message with 3xx");
    } else if (!replies_for_each(d)) {
        hop_task_done(&d->task, false);
        conclude_reply(d, reply);
    } else if (tally_next(&d->tally, reply->code, strbuf_span(&reply->text))) {
        hop_task_done(&d->task, false);
        conclude_tally(d);
    }
}

/* It has seen enough of the message to refuse it, and will not have the rest. */
static void take_interruption(struct hop_delivery *d, const struct hop_reply *reply)
{
    hop_task_drop(&d->task);
    conclude_reply(d, reply);
}

/* Without PIPELINING a refusal ends the envelope early; and so it does before BDAT. */
static bool is_over_early(const struct hop_delivery *d, size_t index)
{
    if (d->is_pipelined && index != last_command(d))
        return false;
    return d->is_sender_refused || (index == recipient_count(d) && !tally_goes_on(&d->tally));
}

/* What comes behind a refusal says no more than that. */
static bool is_trouble(const struct hop_delivery *d, const struct hop_reply *reply)
{
    bool is_of_data = d->replies > recipient_count(d) + 1;
    bool is_over = d->is_sender_refused || (is_of_data && !tally_goes_on(&d->tally));

    return reply->code == 421 || (hop_reply_is_trouble(reply) && !is_over);
}

/* Or it is with this recipient that it has trouble, whatever the connection: the others must not wait for him. */
static void doubt(struct hop_delivery *d, const struct hop_reply *reply, size_t index)
{
    if (reply->code != 421 && index > 0 && index <= recipient_count(d) && recipient_count(d) > 1)
        verify_doubt(d->verify, d->next_hop, &d->session->recipients[index - 1].address);
}

/* Another connection may do better. */
static void leave(struct hop_delivery *d, const struct hop_reply *reply)
{
    char why[400];

    snprintf(why, sizeof why, "%u %.300s", reply->code, reply->text.data ? reply->text.data : "");
    hop_task_drop(&d->task);
    d->task.on_lost(&d->task, why);
}

static void on_reply(struct hop_task *task, const struct hop_reply *reply)
{
    struct hop_delivery *d = of_task(task);
    size_t index = d->replies++;

    if (d->is_sending && reply->code >= 400 && reply->code != 421) {
        take_interruption(d, reply);
        return;
    }
    if (d->is_sending) {
        leave(d, reply);
        return;
    }
    if (d->lacks) { /* the reply to RSET */
        if (reply->code / 100 == 2)
            hop_task_done(task, false);
        else
            hop_task_drop(task);
        conclude_lacking(d);
        return;
    }
    if (d->is_dot_sent) {
        take_dot(d, reply);
        return;
    }
    if (is_trouble(d, reply)) {
        doubt(d, reply, index);
        leave(d, reply);
        return;
    }
    if (index == recipient_count(d) + 1) {
        take_data(d, reply);
        return;
    }
    if (index == 0)
        take_mail(d, reply);
    else
        take_rcpt(d, reply, index - 1);
    if (is_over_early(d, index))
        give_up(d, false);
    else if (index == last_command(d))
        start_message(d);
    else if (!d->is_pipelined)
        say_envelope(d, index + 1);
}

static void on_lost(struct hop_task *task, const char *why)
{
    struct hop_delivery *d = of_task(task);

    if (d->is_dot_sent) {
        conclude_trouble(d, REPLY_HOP_SILENT, why);
        return;
    }
    d->tls[0] = '\0'; /* the next connection has its own, or none */
    if (next_hop_submit(d->next_hop, task))
        return;
    conclude_trouble(d, REPLY_HOP_DOWN, why);
}

static void on_refused(struct hop_task *task, const struct hop_reply *reply)
{
    conclude_reply(of_task(task), reply);
}

/* ---- for deliver.c ---- */

static void name_client(struct hop_delivery *d)
{
    enum hop_client how = (enum hop_client)next_hop_settings(d->next_hop)->ways->client;

    strbuf_init(&d->client, HOP_CLIENT_WORDS_MAX);
    strbuf_init(&d->who, HOP_CLIENT_WORDS_MAX);
    hop_client_describe(&d->client, how, d->session);
    hop_client_who(&d->who, how, d->session);
    d->task.client = strbuf_span(&d->client);
}

static bool cancel(struct delivery *delivery)
{
    struct hop_delivery *d = (struct hop_delivery *)delivery;

    if (d->is_dot_sent)
        return false;
    hop_withdraw(&d->task);
    delivery_release(d);
    return true;
}

struct delivery *hop_deliver_start(struct verify *verify, struct next_hop *next_hop, const struct session *session,
                                   const struct pieces *message, bool tells_each, struct delivery_outcome *at_once)
{
    struct hop_delivery *d = mem_alloc(sizeof *d);
    bool is_each = tells_each && session->recipient_count > 1;

    if (next_hop_kind(next_hop) == HOP_LMTP && !is_each && session->recipient_count > 1)
        BUG("%zu recipients for an LMTP server, and one answer", session->recipient_count);
    *d = (struct hop_delivery){ .delivery.cancel = cancel,
                                .task = { .on_ready = on_ready,
                                          .on_reply = on_reply,
                                          .on_drained = on_drained,
                                          .on_lost = on_lost,
                                          .on_refused = on_refused },
                                .verify = verify,
                                .next_hop = next_hop_hold(next_hop),
                                .session = session,
                                .message = message };
    tally_init(&d->tally, session->recipient_count, is_each);
    name_client(d);
    if (next_hop_submit(next_hop, &d->task))
        return &d->delivery;
    delivery_release(d);
    *at_once = (struct delivery_outcome){ .trouble = REPLY_HOP_DOWN, .why = "the next hop is down" };
    return NULL;
}
