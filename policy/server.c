/* policy/server.c - one connection of Postfix's: requests, one by one, and our answers. */
#include "policy/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"

enum {
    CLOSE_MS = 5000,
    WRITE_MS = 60000,
    OUT_AIM = 64 * 1024,
    UNSENT_MOST = 256 * 1024, /* a client that takes no answers is heard no further */
};

static void run(struct policy_server *s);

/* ---- answers ---- */

void policy_server_say(struct policy_server *s, const char *action)
{
    struct strbuf *out = &s->door->out;

    strbuf_put(out, SPAN("action="));
    strbuf_puts(out, action);
    strbuf_put(out, SPAN("\n\n"));
}

static void flush(struct policy_server *s)
{
    struct strbuf *out = &s->door->out;

    if (out->len)
        stream_write(s->stream, strbuf_span(out));
    strbuf_clear(out);
}

static void log_closed(const struct policy_server *s, const char *why)
{
    struct log_line line;
    char text[ADDR_TEXT_MAX];
    struct addr peer;

    stream_peer(s->stream, &peer, NULL);
    log_start(&line, LOG_WARN, "policy_closed");
    log_cstr(&line, "peer", peer.family == ADDR_NONE ? "unix socket" : addr_text(&peer, text));
    log_cstr(&line, "why", why);
    log_str(&line, "text", span_first(stream_input(s->stream), 100));
    log_send(&line);
}

/* ---- requests ---- */

static const char *why_garbage(enum fault fault)
{
    switch (fault) {
    case FAULT_TOO_LONG: return "a line or a request is too long";
    case FAULT_TOO_MANY: return "a request has too many attributes";
    default: return "this is no request of the Postfix policy protocol";
    }
}

/* True when there was one. */
static bool take_request(struct policy_server *s)
{
    struct span in = stream_input(s->stream);
    bool is_complete = false;
    enum fault fault = in.len ? policy_request_read(&s->request, in, &is_complete) : FAULT_NONE;
    size_t bytes = s->request.parsed;

    if (fault) {
        log_closed(s, why_garbage(fault));
        s->is_closing = true;
    }
    if (fault || !is_complete)
        return false;
    policy_server_judge(s, in, policy_request_state(&s->request, in));
    policy_request_clear(&s->request);
    stream_consume(s->stream, bytes);
    return true;
}

static bool is_clogged(struct policy_server *s)
{
    if (s->door->out.len >= OUT_AIM)
        flush(s);
    return !s->has_eof && stream_unsent_bytes(s->stream) >= UNSENT_MOST; /* until on_drained(), which then comes */
}

static void finish(struct policy_server *s)
{
    struct stream *stream = s->stream;

    s->stream = NULL;
    stream_finish(stream, CLOSE_MS);
    policy_server_free(s);
}

/* Takes what has come for as long as there is something to take. May free the connection. */
static void run(struct policy_server *s)
{
    while (!s->is_waiting && !s->is_closing && !is_clogged(s) && take_request(s))
        ;
    flush(s);
    if (s->is_closing || (!s->is_waiting && (s->has_eof || s->door->is_draining)))
        finish(s);
}

void policy_server_resume(struct policy_server *s)
{
    s->is_waiting = false;
    run(s);
}

/* ---- events ---- */

static void on_data(void *arg)
{
    struct policy_server *s = arg;

    if (!s->is_waiting)
        run(s);
}

/* Who closes its side after a request is answered all the same: Exim's readsocket does so. This is
 * the last event: nothing comes any more. */
static void on_end(void *arg, enum stream_end why)
{
    struct policy_server *s = arg;

    s->has_eof = true;
    if (why == STREAM_ERROR)
        finish(s);
    else if (!s->is_waiting)
        run(s);
}

/* ---- life ---- */

static void turn_away(int fd, const struct addr *peer)
{
    struct log_line line;
    char text[ADDR_TEXT_MAX];

    close(fd);
    log_start(&line, LOG_WARN, "policy_closed");
    log_cstr(&line, "peer", peer->family == ADDR_NONE ? "unix socket" : addr_text(peer, text));
    log_cstr(&line, "why", "too many connections (policy.connections)");
    log_send(&line);
}

void policy_server_new(struct policy_door *door, int fd, const struct addr *peer)
{
    static const struct stream_events events = { .on_data = on_data, .on_drained = on_data, .on_end = on_end };

    if (door->server_count >= (size_t)door->conf->connections_most) {
        turn_away(fd, peer);
        return;
    }
    struct policy_server *s = mem_alloc(sizeof *s);

    s->door = door;
    s->stream = stream_accepted(door->engine->loop, fd, &events, s);
    stream_set_timeouts(s->stream, door->conf->idle_ms, WRITE_MS);
    s->next = door->servers;
    if (s->next)
        s->next->previous = s;
    door->servers = s;
    door->server_count++;
    metrics_session(&door->engine->metrics, "policy", 1);
}

void policy_server_free(struct policy_server *s)
{
    struct policy_door *door = s->door;

    policy_server_forget(s);
    *(s->previous ? &s->previous->next : &door->servers) = s->next;
    if (s->next)
        s->next->previous = s->previous;
    door->server_count--;
    metrics_session(&door->engine->metrics, "policy", -1);
    stream_free(s->stream);
    free(s);
}

void policy_server_drain(struct policy_server *s)
{
    if (!s->is_waiting)
        finish(s);
}
