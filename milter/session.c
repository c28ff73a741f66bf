/* milter/session.c - one connection of a mail server: its packets, one by one, and our answers. */
#include "milter/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

enum { READ_MOST = 64 * 1024, UNSENT_MOST = 1 << 20, CLOSE_MS = 5000 };

static void run(struct milter_session *s);

/* ---- answers ---- */

void milter_say(struct milter_session *s, char answer, uint32_t unless)
{
    if (!(s->terms.protocol & unless))
        packet_put(&s->out, answer, SPAN(""));
}

/* An idle session keeps no buffer. */
static void flush(struct milter_session *s)
{
    if (s->out.is_full) {
        milter_log_fault(s, "an answer larger than any that makes sense");
        milter_close(s);
    } else if (s->out.len) {
        stream_write(s->stream, strbuf_span(&s->out));
    }
    strbuf_release(&s->out);
    strbuf_init(&s->out, MILTER_OUT_MOST);
}

void milter_close(struct milter_session *s)
{
    s->is_closing = true;
}

/* ---- negotiation ---- */

static void take_size_of_data(struct milter_terms *terms)
{
    if (terms->protocol & SMFIP_MDS_1M)
        terms->protocol &= ~(uint32_t)SMFIP_MDS_256K;
}

/* We take what we want of what there is; what there is not we do without. */
static bool take_offer(struct milter_session *s, struct span data)
{
    static const uint32_t wanted_actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
    struct milter_terms offer;

    if (s->state != MILTER_START || packet_offer(data, &offer))
        return false;
    s->terms =
        (struct milter_terms){ .version = offer.version < MILTER_VERSION_MOST ? offer.version : MILTER_VERSION_MOST,
                               .actions = offer.actions & wanted_actions,
                               .protocol = offer.protocol & s->door->wanted_protocol };
    take_size_of_data(&s->terms);
    packet_put_terms(&s->out, &s->terms, s->terms.actions & SMFIF_SETSYMLIST ? macros_wanted : NULL);
    s->state = MILTER_READY;
    return true;
}

/* ---- packets ---- */

static void forget_client(struct milter_session *s)
{
    milter_end_transaction(s);
    pipeline_free(s->pipeline);
    s->pipeline = NULL;
    s->session = NULL;
    s->told = s->told_now = (struct macros){ 0 }; /* they lay in the pipeline's arenas */
    s->is_client_known = s->is_helo_known = false;
}

static bool quit(struct milter_session *s)
{
    milter_end_transaction(s);
    milter_close(s);
    return true;
}

static bool quit_for_next(struct milter_session *s)
{
    forget_client(s);
    return true;
}

static bool abort_transaction(struct milter_session *s)
{
    milter_end_transaction(s);
    return true;
}

static bool take_unknown(struct milter_session *s)
{
    milter_say(s, SMFIR_CONTINUE, SMFIP_NR_UNKN);
    return true;
}

/* False: a packet that does not belong there, or makes no sense. */
static bool take_packet(struct milter_session *s, char command, struct span data)
{
    if (command == SMFIC_OPTNEG)
        return take_offer(s, data);
    if (command == SMFIC_QUIT)
        return quit(s);
    if (s->state == MILTER_START)
        return false;
    switch (command) {
    case SMFIC_MACRO: return milter_take_macros(s, data);
    case SMFIC_CONNECT: return milter_take_client(s, data);
    case SMFIC_HELO: return milter_take_helo(s, data);
    case SMFIC_MAIL: return milter_take_mail(s, data);
    case SMFIC_RCPT: return milter_take_rcpt(s, data);
    case SMFIC_DATA: return milter_take_data(s);
    case SMFIC_HEADER: return milter_take_field(s, data);
    case SMFIC_EOH: return milter_take_header_end(s);
    case SMFIC_BODYEOB: return milter_take_end(s, data);
    case SMFIC_ABORT: return abort_transaction(s);
    case SMFIC_QUIT_NC: return quit_for_next(s);
    case SMFIC_UNKNOWN: return take_unknown(s);
    default: return false;
    }
}

static void refuse_packet(struct milter_session *s, char command, const char *why)
{
    char text[96];

    if (command > ' ' && command <= '~')
        snprintf(text, sizeof text, "packet %c %s", command, why);
    else
        snprintf(text, sizeof text, "packet 0x%02x %s", (unsigned char)command, why);
    milter_log_fault(s, text);
    milter_close(s);
}

static size_t take_piece(struct milter_session *s, struct span in)
{
    struct span piece = span_first(in, s->body_left);

    milter_take_body(s, piece);
    s->body_left -= piece.len;
    if (!s->body_left)
        milter_end_body(s);
    return piece.len;
}

/* Pieces of a body are taken as they come; there is no need to have one whole. */
static size_t begin_piece(struct milter_session *s, size_t bytes)
{
    if (!milter_begin_body(s)) {
        refuse_packet(s, SMFIC_BODY, "does not belong there");
        return 0;
    }
    s->body_left = bytes;
    if (!bytes)
        milter_end_body(s);
    return PACKET_HEAD_BYTES;
}

/* Takes a packet, or a part of one, off the front of `in`; 0: there must be more of it first. */
static size_t take_some(struct milter_session *s, struct span in)
{
    struct packet_head head;
    enum fault fault = FAULT_NONE;

    if (s->body_left)
        return take_piece(s, in);
    if (!packet_head(in, &head, &fault))
        return 0;
    if (fault) {
        refuse_packet(s, head.command, fault == FAULT_TOO_LONG ? "is too long" : "has no length");
        return 0;
    }
    if (head.command == SMFIC_BODY)
        return begin_piece(s, head.bytes);
    size_t whole = PACKET_HEAD_BYTES + head.bytes;

    if (in.len < whole) {
        s->read_most = whole;
        return 0;
    }
    if (!take_packet(s, head.command, span_make(in.ptr + PACKET_HEAD_BYTES, head.bytes)))
        refuse_packet(s, head.command, "does not belong there, or makes no sense");
    return whole;
}

/* ---- the turns ---- */

static void set_read_timeout(struct milter_session *s, int ms)
{
    if (s->read_timeout_ms == ms)
        return;
    s->read_timeout_ms = ms;
    stream_set_timeouts(s->stream, ms, MILTER_WRITE_MS);
}

static void finish(struct milter_session *s)
{
    struct stream *stream = s->stream;

    flush(s);
    if (stream_unsent_bytes(stream)) {
        s->stream = NULL;
        stream_finish(stream, CLOSE_MS);
    }
    milter_session_free(s);
}

static size_t take_all(struct milter_session *s, struct span in)
{
    size_t used = 0, took = 1;

    s->read_most = READ_MOST;
    while (took && !s->is_waiting && !s->is_closing && s->out.len < UNSENT_MOST) {
        took = take_some(s, span_skip(in, used));
        used += took;
    }
    return used;
}

/* Takes what has come for as long as there is something to take. May free the session. */
static void run(struct milter_session *s)
{
    size_t before = s->read_most;

    if (!s->is_waiting && stream_unsent_bytes(s->stream) < UNSENT_MOST)
        stream_consume(s->stream, take_all(s, stream_input(s->stream)));
    if (s->door->is_draining && s->state <= MILTER_READY && !s->is_waiting)
        milter_close(s);
    flush(s);
    if (s->is_closing) {
        finish(s);
        return;
    }
    if (s->read_most > before || before > READ_MOST)
        stream_set_read_most(s->stream, s->read_most > READ_MOST ? s->read_most : READ_MOST);
    bool is_inside = s->body_left || stream_input(s->stream).len;

    set_read_timeout(s, s->is_waiting ? 0 : is_inside ? s->door->conf->packet_ms : s->door->conf->idle_ms);
}

void milter_wait(struct milter_session *s)
{
    s->is_waiting = true;
}

void milter_resume(struct milter_session *s)
{
    s->is_waiting = false;
    run(s);
}

void milter_end_transaction(struct milter_session *s)
{
    if (s->state <= MILTER_READY)
        return;
    s->state = MILTER_READY;
    spool_free(s->spool);
    s->spool = NULL;
    s->verdict = NULL;
    s->told_now = (struct macros){ 0 };
    pipeline_end(s->pipeline);
}

/* ---- events ---- */

static void on_data(void *arg)
{
    struct milter_session *s = arg;

    if (!s->is_waiting)
        run(s);
}

static void on_end(void *arg, enum stream_end why)
{
    struct milter_session *s = arg;

    if (why == STREAM_TIMEOUT)
        milter_log_fault(s, stream_unsent_bytes(s->stream) ? "it takes no answer" : "nothing came for too long");
    if (s->state > MILTER_READY)
        milter_log_gone(s, s->is_waiting ? "before our answer" : "inside a transaction");
    milter_session_free(s);
}

/* ---- life ---- */

void milter_session_new(struct milter_door *door, int fd)
{
    static const struct stream_events events = { .on_data = on_data, .on_drained = on_data, .on_end = on_end };
    struct milter_session *s = mem_alloc(sizeof *s);

    s->door = door;
    s->stream = stream_accepted(door->engine->loop, fd, &events, s);
    s->read_most = READ_MOST;
    strbuf_init(&s->out, MILTER_OUT_MOST);
    milter_door_add(door, s);
    set_read_timeout(s, door->conf->idle_ms);
}

void milter_session_free(struct milter_session *s)
{
    milter_door_remove(s->door, s);
    stream_free(s->stream);
    spool_free(s->spool);
    pipeline_free(s->pipeline);
    timer_free(s->progress);
    strbuf_release(&s->out);
    free(s);
}

void milter_session_drain(struct milter_session *s)
{
    if (!s->is_waiting && s->state <= MILTER_READY)
        run(s);
}
