/* smtp/server.c - a client's connection: its commands, one by one, and our replies. */
#include "gateway/smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/smtp/sasl.h"

enum {
    OUT_MOST = 64 * 1024, /* replies that are not with the stream yet; many times what one command can cause */
    OUT_AIM = 16 * 1024,
    UNSENT_MOST = 128 * 1024, /* a client that takes no replies is heard no further */
    FAREWELL_MS = 20,         /* from one look to the next, whether it has our last words */
};

static void run(struct server *s);

/* ---- replies ---- */

/* From MAIL on, replies bear the transaction's id. */
static const char *id_of(const struct server *s)
{
    return s->state >= SERVER_MAIL ? s->share->session->id : NULL;
}

/* Where TLS has to come first a word in clear would be no TLS. */
void server_say_about(struct server *s, enum reply reply, struct span detail)
{
    if (s->stream && server_begins_with_tls(s))
        return;
    reply_write(&s->out, reply, id_of(s), detail);
}

void server_say(struct server *s, enum reply reply)
{
    server_say_about(s, reply, span_of(s->door->engine->hostname));
}

void server_say_number(struct server *s, enum reply reply, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    server_say_about(s, reply, span_of(text));
}

void server_say_text(struct server *s, unsigned code, const char *enhanced, struct span text)
{
    reply_write_text(&s->out, code, enhanced, text, id_of(s));
}

void server_say_challenge(struct server *s, struct span text)
{
    reply_write_challenge(&s->out, text);
}

void server_flush(struct server *s)
{
    if (s->out.len && s->stream)
        stream_write(s->stream, strbuf_span(&s->out));
    strbuf_clear(&s->out);
}

void server_close(struct server *s)
{
    s->is_closing = true;
}

/* What the client said behind a message before it could hear our reply is no sign that it has heard it. */
void server_consume(struct server *s, size_t bytes)
{
    stream_consume(s->stream, bytes);
    if (bytes > s->early_bytes)
        server_is_answered(s);
    s->early_bytes -= bytes < s->early_bytes ? bytes : s->early_bytes;
}

void server_count_error(struct server *s)
{
    bool must_go = s->door->is_busy && !server_is_trusted(s);

    s->errors++;
    s->guest.errors++;
    if (must_go || s->errors >= s->door->conf->errors_hard) {
        server_say(s, REPLY_TOO_MANY_ERRORS);
        server_log_refusal(s, "connection", NULL, 421, SPAN("too many errors"));
        server_close(s);
    }
}

void server_resume(struct server *s)
{
    s->is_waiting = false;
    run(s);
}

/* ---- commands ---- */

static void refuse_connection(struct server *s, enum reply reply, const char *why)
{
    server_log_refusal(s, "connection", NULL, reply_code(reply), span_of(why));
    server_close(s);
}

static void say_refusal(struct server *s, enum reply reply, enum smtp_verb verb, struct span about)
{
    server_say_about(s, reply, about);
    if (reply == REPLY_FOREIGN_PROTOCOL)
        refuse_connection(s, reply, "another protocol");
    else if (verb == VERB_BDAT) /* its bytes must not be taken for commands */
        refuse_connection(s, reply, "BDAT of an unknown size");
    else
        server_count_error(s);
}

void server_count_junk(struct server *s)
{
    s->guest.errors += ++s->junk > JUNK_FREE;
    if (s->junk <= JUNK_MOST)
        return;
    server_say(s, REPLY_TOO_MANY_ERRORS);
    server_log_refusal(s, "connection", NULL, 421, SPAN("too many commands that lead nowhere"));
    server_close(s);
}

static void say_junk(struct server *s, enum reply reply)
{
    server_say(s, reply);
    server_count_junk(s);
}

static void take_command(struct server *s, const struct smtp_command *command)
{
    if (command->verb != VERB_BDAT && command->verb != VERB_NOOP)
        s->chunk.refused = REPLY_NONE; /* what comes by BDAT now is another message */
    switch (command->verb) {
    case VERB_EHLO:
    case VERB_HELO:
    case VERB_LHLO:
        server_hello(s, command);
        server_count_junk(s);
        break;
    case VERB_MAIL: server_mail(s, command); break;
    case VERB_RCPT: server_rcpt(s, command); break;
    case VERB_DATA: server_data(s); break;
    case VERB_BDAT: server_bdat(s, command); break;
    case VERB_STARTTLS: server_starttls(s); break;
    case VERB_AUTH: server_auth(s, command); break;
    case VERB_XCLIENT: server_xclient(s, command); break;
    case VERB_XFORWARD: server_xforward(s, command); break;
    case VERB_RSET:
        if (s->state == SERVER_MAIL)
            server_end_transaction(s);
        server_forget_forward(s);
        say_junk(s, REPLY_RESET);
        break;
    case VERB_NOOP: say_junk(s, REPLY_OK); break;
    case VERB_HELP: say_junk(s, REPLY_HELP); break;
    case VERB_VRFY: say_junk(s, REPLY_VRFY); break;
    case VERB_QUIT:
        server_say(s, REPLY_QUIT);
        server_close(s);
        break;
    default: BUG("verb %d", (int)command->verb);
    }
}

/* "Subject:": a message whose DATA was refused, or another protocol's header; "\x16\x03": a TLS handshake. */
static bool is_foreign(struct span line, enum reply wrong, const struct smtp_command *command)
{
    struct span word = span_first(line, span_find(line, ' '));

    if (wrong != REPLY_UNKNOWN_COMMAND && wrong != REPLY_BAD_BYTES)
        return command->verb == VERB_FOREIGN;
    return line.len && !ascii_is_wsp(*line.ptr) && (!ascii_is_alpha(*line.ptr) || span_ends(word, SPAN(":")));
}

/* Commands that must be the last of a group [RFC2920 3.1], and what comes before PIPELINING was offered. */
static bool must_wait(const struct server *s, const struct smtp_command *command)
{
    return command->verb == VERB_EHLO || command->verb == VERB_HELO || !(s->offered & EXTENSION_PIPELINING);
}

static void note_conduct(struct server *s, struct span line, enum reply wrong, const struct smtp_command *command)
{
    struct span more = stream_input(s->stream);

    if (is_foreign(line, wrong, command))
        server_note(s, CONDUCT_NON_SMTP, line);
    else if (more.len && command->verb != VERB_BDAT && must_wait(s, command))
        server_note(s, CONDUCT_PIPELINING, more);
}

static void take_line(struct server *s, struct span line, bool is_strict)
{
    struct smtp_command command;

    enum reply wrong = grammar_parse(line, s->offered, &command);

    s->has_said_auth |= command.verb == VERB_AUTH;
    if (is_strict)
        note_conduct(s, line, wrong, &command);
    else
        wrong = REPLY_BARE_NEWLINE_COMMAND;
    if (server_is_unidentified(s))
        return;
    if (wrong)
        say_refusal(s, wrong, command.verb, command.about);
    else if (pipeline_is_over(s->pipeline)) {
        server_say(s, REPLY_MEMORY);
        server_close(s);
    } else {
        take_command(s, &command);
    }
}

/* A line that is longer than any command is thrown away up to its end, which may be long in coming. */
static bool skip_line(struct server *s, struct span in)
{
    size_t lf = span_find(in, '\n');

    server_consume(s, lf == SPAN_NPOS ? in.len : lf + 1);
    s->is_skipping_line = lf == SPAN_NPOS;
    return lf != SPAN_NPOS;
}

/* Of AUTH lines may be longer [RFC4954 4]. */
static size_t line_most(const struct server *s, struct span in)
{
    bool is_auth = server_awaits_answer(s) || (s->listener->auth && span_istarts(in, SPAN("AUTH ")));

    return is_auth ? SASL_LINE_MAX : COMMAND_LINE_MAX;
}

static void take_long_line(struct server *s, struct span in)
{
    if (server_awaits_answer(s))
        server_take_answer(s, SPAN("?"));
    else
        say_refusal(s, REPLY_LINE_TOO_LONG, VERB_UNKNOWN, SPAN(""));
    skip_line(s, in);
}

/* True when there was a command. */
static bool take_input(struct server *s)
{
    char line[SASL_LINE_MAX];
    struct span in = stream_input(s->stream);

    if (!in.len)
        return false;
    if (s->is_skipping_line)
        return skip_line(s, in);
    size_t most = line_most(s, in), lf = span_find(span_first(in, most), '\n');

    if ((lf == SPAN_NPOS && in.len < most) || server_hold_back(s))
        return false;
    if (lf == SPAN_NPOS) {
        take_long_line(s, in);
        return true;
    }
    struct span whole = span_first(in, lf);
    bool has_cr = span_ends(whole, SPAN("\r"));

    whole.len -= has_cr;
    if (!has_cr)
        server_note(s, CONDUCT_BARE_NEWLINE, whole);
    memcpy(line, whole.ptr, whole.len);
    server_consume(s, lf + 1);
    if (server_awaits_answer(s))
        server_take_answer(s, span_make(line, whole.len));
    else
        take_line(s, span_make(line, whole.len), has_cr || s->door->conf->bare_newline == BARE_NORMALISE);
    if (most == SASL_LINE_MAX) /* it may have had a password in it */
        explicit_bzero(line, sizeof line);
    return true;
}

bool server_has_early_input(struct server *s, const char *command)
{
    if (!stream_input(s->stream).len)
        return false;
    server_note(s, CONDUCT_PIPELINING, stream_input(s->stream));
    server_say_about(s, REPLY_EARLY_INPUT, span_of(command));
    server_log_refusal(s, "connection", NULL, reply_code(REPLY_EARLY_INPUT), SPAN("input before our reply"));
    server_close(s);
    return true;
}

static void let_go(struct server *s)
{
    struct stream *stream = s->stream;

    s->stream = NULL;
    stream_finish(stream, s->guest.over ? 0 : CLOSE_MS); /* who is one too many may not stay by not closing */
    server_free(s);
}

/* Whether the client has our last reply to a message must be known before it is forgotten. */
static void finish(struct server *s)
{
    server_flush(s);
    if (!s->unanswered.len) {
        let_go(s);
        return;
    }
    server_wait(s);
    s->command_due_ms = loop_now_ms(s->door->engine->loop) + CLOSE_MS;
    server_set_clock(s, CLOCK_FAREWELL, 0);
}

void server_bid_farewell(struct server *s)
{
    enum stream_receipt receipt = stream_receipt(s->stream);

    if (receipt == STREAM_UNDER_WAY && loop_now_ms(s->door->engine->loop) < s->command_due_ms) {
        server_set_clock(s, CLOCK_FAREWELL, FAREWELL_MS);
        return;
    }
    if (receipt != STREAM_RECEIVED)
        server_log_left(s);
    let_go(s);
}

static void say_draining(struct server *s)
{
    if (s->door->is_draining && s->state <= SERVER_READY && !s->chunk.is_taking && !s->is_waiting && !s->is_closing) {
        server_say(s, REPLY_DRAINING);
        server_close(s);
    }
}

static bool is_clogged(struct server *s)
{
    if (s->out.len >= OUT_AIM)
        server_flush(s);
    return stream_unsent_bytes(s->stream) >= UNSENT_MOST; /* until on_drained() */
}

static bool is_over(struct server *s)
{
    if (s->is_closing || !s->has_ended || s->is_waiting || is_clogged(s))
        return s->is_closing;
    if (s->state >= SERVER_MAIL)
        server_log_gone(s, "inside a transaction");
    return true;
}

/* Takes what has come for as long as there is something to take. May free the server. */
static void run(struct server *s)
{
    bool goes_on = true;

    if (!s->stream) {
        if (!s->delivery)
            server_free(s);
        return;
    }
    while (goes_on && !s->is_waiting && !s->is_closing && !is_clogged(s)) {
        if (server_is_receiving(s)) {
            struct span in = stream_input(s->stream);

            goes_on = in.len > 0;
            (s->chunk.is_taking ? server_take_chunk : server_take_data)(s, in);
        } else if (s->state == SERVER_PROXY) {
            goes_on = server_take_proxy(s);
        } else {
            goes_on = take_input(s);
            if (goes_on && s->clock == CLOCK_COMMAND)
                s->clock = CLOCK_STANDS; /* the next one has its own time */
        }
    }
    say_draining(s);
    if (is_over(s)) {
        finish(s);
        return;
    }
    server_await_input(s);
    server_flush(s);
}

/* ---- events ---- */

static void on_data(void *arg)
{
    struct server *s = arg;

    if (s->is_greeting)
        server_spoke_early(s);
    else if (!s->is_waiting)
        run(s);
}

static void on_drained(void *arg)
{
    struct server *s = arg;

    server_is_heard(s);
    if (!s->is_waiting)
        run(s); /* there may be commands that waited for this */
}

static void on_tls(void *arg)
{
    server_tls_is_up(arg);
}

/* Exim says QUIT behind its last message, shuts its side of the connection, and waits for what we say. Who ends without
 * a word more has gone: what is under way for it is called off. */
static bool is_listening(const struct server *s, enum stream_end why)
{
    return why == STREAM_EOF && s->is_waiting && !s->is_greeting && stream_input(s->stream).len;
}

/* It shut its side before, and our last words are not with it yet: the farewell sees to them. */
static bool is_being_told(const struct server *s, enum stream_end why)
{
    return why == STREAM_EOF && s->clock == CLOCK_FAREWELL && stream_receipt(s->stream) == STREAM_UNDER_WAY;
}

/* It closes after we have. */
static bool has_heard(const struct server *s, enum stream_end why)
{
    return why == STREAM_EOF && s->clock == CLOCK_FAREWELL && stream_receipt(s->stream) == STREAM_RECEIVED;
}

static void on_end(void *arg, enum stream_end why)
{
    struct server *s = arg;

    if (is_listening(s, why)) {
        s->has_ended = true;
        return;
    }
    if (is_being_told(s, why))
        return;
    if (why == STREAM_TIMEOUT && stream_unsent_bytes(s->stream) == 0 && !s->is_waiting) {
        server_say(s, REPLY_IDLE);
        if (s->state == SERVER_DATA)
            server_log_gone(s, "silent inside its message");
        finish(s);
        return;
    }
    if (s->unanswered.len && !has_heard(s, why))
        server_log_left(s);
    if (s->is_greeting)
        server_log_conduct(s, "HANGUP", SPAN(""));
    if (s->handshake.state == HANDSHAKE_RUNS)
        server_tls_failed(s);
    stream_free(s->stream);
    s->stream = NULL;
    if (s->delivery && !server_call_off(s))
        return; /* too late: what the next hop says is still awaited, for the log */
    if (s->state >= SERVER_MAIL)
        server_log_gone(s, s->state == SERVER_DATA ? "before our reply to its message" : "inside a transaction");
    server_free(s);
}

/* ---- life ---- */

/* Costs no memory: the kernel has room for the first bytes of a connection, and nobody waits for them to be read. */
static void turn_away(const struct smtp_listener *ways, int fd, const struct addr *peer, enum reply reply,
                      const char *detail)
{
    struct log_line line;
    struct strbuf out;
    char text[ADDR_TEXT_MAX];

    strbuf_init(&out, REPLY_LINE_MAX);
    reply_write(&out, reply, NULL, span_of(detail));
    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", "connection");
    log_cstr(&line, "client", addr_text(peer, text));
    log_int(&line, "code", reply_code(reply));
    log_str(&line, "text", span_trim(span_skip(strbuf_span(&out), 4)));
    log_send(&line);
    if (ways->tls == SMTP_TLS_IMPLICIT || send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(fd, SHUT_WR);
    close(fd);
    strbuf_release(&out);
}

void server_new(const struct door_place *place, int fd, const struct addr *peer, unsigned port)
{
    struct smtp_door *door = place->door;
    static const struct stream_events events = {
        .on_data = on_data, .on_tls = on_tls, .on_drained = on_drained, .on_end = on_end
    };
    bool is_known = server_is_known(door, place->ways, peer);
    bool is_full = door->server_count >= (size_t)door->conf->connections_most;
    bool is_proxy = server_nets_have(&door->conf->proxy_clients, peer);
    const char *busy = engine_admits(door->engine);
    char reason[GUEST_REASON_MAX];
    struct guest guest;

    if (!is_full && !busy && !guest_enter(door->guests, peer, is_proxy || is_known, &guest)) {
        turn_away(place->ways, fd, peer, REPLY_CLIENT_LIMIT, guest_reason(&guest, reason));
        return;
    }
    if (is_full || busy) {
        turn_away(place->ways, fd, peer, is_full ? REPLY_TOO_MANY_CONNECTIONS : REPLY_BUSY,
                  is_full ? door->engine->hostname : busy);
        return;
    }
    struct server *s = mem_alloc(sizeof *s);

    s->door = door;
    s->listener = place->ways;
    s->guest = guest;
    s->connected_ms = loop_now_ms(door->engine->loop);
    s->peer = s->client = *peer;
    s->peer_port = s->client_port = port;
    s->stream = stream_accepted(door->engine->loop, fd, &events, s);
    stream_be_discreet(s->stream, place->ways->auth);
    s->timer = timer_new(door->engine->loop, server_on_timer, s);
    strbuf_init(&s->out, OUT_MOST);
    strbuf_init(&s->rcpt.text, HOP_REPLY_BYTES_MAX);
    strbuf_init(&s->unheard, IDS_MOST);
    strbuf_init(&s->unanswered, IDS_MOST);
    shares_init(&s->shares);
    s->share = &s->shares.first;
    door_add(door, s);
    if (is_proxy)
        server_await_proxy(s);
    else
        server_greet(s);
    run(s);
}

void server_free(struct server *s)
{
    server_is_heard(s); /* or the log has named it */
    server_is_answered(s);
    server_forget_flights(s);
    server_let_go(s);
    guest_leave(&s->guest);
    door_remove(s->door, s);
    handshakes_end(s->door->handshakes, &s->handshake);
    server_stop_rcpt(s);
    stream_free(s->stream);
    incoming_close(&s->incoming);
    shares_release(&s->shares);
    server_forget_told(s);
    server_forget_auth(s);
    pipeline_free(s->pipeline);
    timer_free(s->timer);
    strbuf_release(&s->out);
    strbuf_release(&s->rcpt.text);
    strbuf_release(&s->unheard);
    strbuf_release(&s->unanswered);
    free(s->proxied);
    free(s);
}

void server_drain(struct server *s)
{
    if (!s->is_waiting && s->state <= SERVER_READY)
        run(s);
}

void server_end_transaction(struct server *s)
{
    server_stop_rcpt(s);
    incoming_close(&s->incoming);
    shares_end(&s->shares);
    s->share = &s->shares.first;
    if (s->clock == CLOCK_DATA)
        server_set_clock(s, CLOCK_STANDS, 0);
    pipeline_end(s->pipeline);
    server_forget_forward(s);
    s->state = SERVER_READY;
}
