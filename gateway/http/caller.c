/* http/caller.c - a client's connection: heads and bodies as they come, and its end. */
#include "gateway/http/caller.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

enum {
    UNSENT_MOST = 128 * 1024, /* a client that takes no replies is heard no further */
    SEND_BYTES_PER_MS = 64,   /* the least speed at which a last reply is waited for */
    EMPTY_LINES_MOST = 2,     /* before a request [RFC9112 2.2] */
    STEPS_MOST = 32,          /* in a turn: others want to be served, too */
};

/* ---- the end ---- */

void caller_write(struct caller *c, struct span bytes)
{
    stream_write(c->stream, bytes);
}

static void finish(struct caller *c)
{
    struct stream *stream = c->stream;

    c->stream = NULL;
    stream_finish(stream, CALLER_CLOSE_MS + (int)(stream_unsent_bytes(stream) / SEND_BYTES_PER_MS));
    caller_free(c);
}

static void forget_request(struct caller *c)
{
    pipeline_free(c->pipeline);
    c->pipeline = NULL;
    lesson_drop(c->lesson);
    c->lesson = NULL;
    intake_release(&c->intake);
    arena_release(&c->arena);
    c->head = (struct head){ .protocol = PROTOCOL_HTTP };
    c->request = (struct request){ .framing = FRAMING_NONE };
    c->run = NULL;
    c->back = (struct original){ .piece = 0 };
    c->seen = 0;
}

bool caller_goes_on(const struct caller *c)
{
    return c->request.keeps_alive && c->intake.state == INTAKE_ENDED && !c->door->is_draining && !c->is_closing;
}

void caller_over(struct caller *c)
{
    bool goes_on = caller_goes_on(c);

    timer_stop(c->timer);
    forget_request(c);
    c->state = CALLER_IDLE;
    c->is_closing = c->is_closing || !goes_on;
    if (!c->is_closing)
        door_touch_caller(c->door, c);
}

void caller_close(struct caller *c)
{
    c->is_closing = true;
}

void caller_give(struct caller *c)
{
    c->state = CALLER_GIVE;
}

/* ---- the head ---- */

void caller_refuse(struct caller *c, unsigned status, unsigned sysexit, const char *text)
{
    if (c->head.protocol == PROTOCOL_HTTP)
        caller_refuse_http(c, status, text);
    else
        caller_refuse_spam(c, sysexit, text);
}

void caller_log_refused(const struct caller *c, struct span text)
{
    struct log_line log;
    char ip[ADDR_TEXT_MAX];

    log_start(&log, LOG_INFO, "refused");
    log_cstr(&log, "what", "request");
    log_cstr(&log, "client", addr_text(&c->peer, ip));
    log_str(&log, "text", span_first(text, 100));
    log_send(&log);
}

static void refuse_head(struct caller *c, enum head_wrong wrong, struct span line)
{
    const char *text = arena_printf(&c->arena, "Bad header line: (%.*s)", SPAN_ARG(span_first(line, 100)));

    caller_log_refused(c, line);
    caller_refuse(c, wrong == HEAD_TOO_BIG ? 431 : 400, 76, wrong == HEAD_TOO_BIG ? "the header is too large" : text);
}

static void begin(struct caller *c)
{
    c->door->requests_total++;
    c->begun_us = clock_mono_us();
    envelope_flags(&c->head, &c->flags);
    if (c->head.protocol == PROTOCOL_HTTP)
        caller_begin_http(c);
    else
        caller_begin_spam(c);
}

static struct span skip_empty_lines(struct caller *c)
{
    struct span in = stream_input(c->stream);

    for (int i = 0; i < EMPTY_LINES_MOST && !c->seen && span_starts(in, SPAN("\r\n")); i++) {
        stream_consume(c->stream, 2);
        in = stream_input(c->stream);
    }
    return in;
}

/* A letter begins every request that we know: TLS and other tongues need not be waited for. */
static bool is_hopeless(const struct caller *c, struct span in)
{
    return (in.len && !ascii_is_alpha(in.ptr[0]) && in.ptr[0] != '\r') || in.len >= HEAD_BYTES_MAX ||
           in.len - c->seen > HEAD_LINE_MAX + 2;
}

/* True when there was a request's head, for better or worse. */
static bool take_head(struct caller *c)
{
    struct span in = skip_empty_lines(c), line = SPAN("");
    size_t bytes = head_end(in, &c->seen);

    if (!in.len)
        return false;
    if (!bytes && !is_hopeless(c, in)) {
        if (!timer_is_running(c->timer))
            timer_start(c->timer, c->door->conf->head_ms);
        return false;
    }
    timer_stop(c->timer);
    struct span head = arena_copy(&c->arena, bytes ? span_first(in, bytes) : span_first(in, HEAD_LINE_MAX));

    stream_consume(c->stream, bytes);
    if (!bytes) {
        refuse_head(c, in.len > HEAD_LINE_MAX ? HEAD_TOO_BIG : HEAD_NO_PROTOCOL, span_first(head, 100));
        return true;
    }
    enum head_wrong wrong = head_parse(&c->arena, head, &c->head, &line);

    c->seen = 0;
    if (wrong)
        refuse_head(c, wrong, line);
    else
        begin(c);
    return true;
}

/* ---- the body ---- */

static void set_timeouts(struct caller *c, int read_ms)
{
    if (!c->has_eof)
        stream_set_timeouts(c->stream, read_ms, CALLER_WRITE_MS);
}

void caller_expect(struct caller *c, caller_run_fn *run)
{
    const struct http_conf *conf = c->door->conf;
    const struct intake_limits limits = { .directory = c->door->settings.spool_directory,
                                          .memory_most = conf->memory_most,
                                          .size_most = conf->size_most,
                                          .ratio_most = (unsigned)conf->ratio_most };

    intake_init(&c->intake, &c->request, &limits);
    c->run = run;
    c->state = CALLER_BODY;
    set_timeouts(c, conf->body_ms);
    timer_start(c->timer, conf->body_total_ms);
    if (c->request.expects_continue && c->intake.state == INTAKE_MORE && !stream_input(c->stream).len)
        caller_write(c, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void refuse_body(struct caller *c)
{
    switch (c->intake.state) {
    case INTAKE_BAD_CHUNK: caller_refuse(c, 400, 76, "the chunked coding of the body is broken"); break;
    case INTAKE_BAD_PACK: caller_refuse(c, 400, 76, "the body is not compressed as it says, or not whole"); break;
    case INTAKE_TOO_BIG: caller_refuse(c, 413, 76, "the message is too large, or unpacks into too much"); break;
    case INTAKE_IO:
        alarms_raise(&c->door->engine->alarms, "http spool", "messages cannot be stored: the scan API refuses them");
        caller_refuse(c, 507, 74, "the message cannot be stored now");
        break;
    default:
        caller_refuse(c, 400, 76,
                      arena_printf(&c->arena, "Content-Length mismatch: Expected %llu bytes, got %llu bytes",
                                   (unsigned long long)c->request.length, (unsigned long long)c->intake.came));
    }
}

static void body_is_here(struct caller *c)
{
    timer_stop(c->timer);
    set_timeouts(c, 0); /* it is we who take our time */
    c->run(c);
}

/* True when there is more to do at once. */
static bool take_body(struct caller *c)
{
    struct span in = stream_input(c->stream);
    size_t took = 0;
    enum intake_state state = c->has_eof && !in.len ? intake_end(&c->intake) : intake_take(&c->intake, in, &took);

    stream_consume(c->stream, took);
    if (state == INTAKE_AGAIN) {
        loop_run_task(c->door->engine->loop, &c->again);
        return false;
    }
    if (state == INTAKE_ENDED)
        body_is_here(c);
    else if (state != INTAKE_MORE)
        refuse_body(c);
    else
        return took > 0;
    return true;
}

/* ---- going on ---- */

/* Until on_drained(). */
static bool is_clogged(const struct caller *c)
{
    return stream_unsent_bytes(c->stream) >= UNSENT_MOST;
}

static bool give(struct caller *c)
{
    struct span stretch;

    while (!is_clogged(c)) {
        if (!original_next(&c->back, &stretch)) {
            caller_over(c);
            return true;
        }
        caller_write(c, stretch);
    }
    return false;
}

/* True when there is more to do at once. */
static bool step(struct caller *c)
{
    switch (c->state) {
    case CALLER_IDLE: return take_head(c);
    case CALLER_BODY: return take_body(c);
    case CALLER_GIVE: return give(c);
    default: return false;
    }
}

/* Takes what has come for as long as there is something to take. May free the caller. */
static void run(struct caller *c)
{
    bool goes_on = true;

    for (int i = 0; i < STEPS_MOST && goes_on && !c->is_closing && !is_clogged(c); i++)
        goes_on = step(c);
    if (is_clogged(c)) {
        if (c->has_eof) /* the stream has told its end, and tells no time-out any more */
            timer_start(c->timer, CALLER_WRITE_MS);
        return;
    }
    if (c->is_closing) {
        finish(c);
        return;
    }
    if (goes_on)
        loop_run_task(c->door->engine->loop, &c->again);
    if (c->has_eof && c->state != CALLER_SCAN && !c->again.link)
        finish(c);
    else if (c->state == CALLER_IDLE)
        set_timeouts(c, c->door->conf->idle_ms);
}

static void run_again(void *arg)
{
    struct caller *c = arg;

    if (c->state != CALLER_SCAN)
        run(c);
}

void caller_resume(struct caller *c)
{
    run(c);
}

/* ---- events ---- */

static void on_data(void *arg)
{
    struct caller *c = arg;

    if (c->state != CALLER_SCAN)
        run(c);
}

/* There may be requests that waited for this, or the rest of an answer. */
static void on_drained(void *arg)
{
    struct caller *c = arg;

    if (c->has_eof)
        timer_stop(c->timer);
    on_data(c);
}

static void on_timer(void *arg)
{
    struct caller *c = arg;

    if (c->state == CALLER_GIVE || is_clogged(c)) {
        caller_free(c);
        return;
    }
    caller_refuse(c, 408, 79, "Timeout: the request took too long to arrive");
    run(c);
}

/* A client that has sent everything may close its half and still wait for the answer. */
static void on_end(void *arg, enum stream_end why)
{
    struct caller *c = arg;

    c->has_eof = true;
    if (why == STREAM_EOF) {
        if (c->state != CALLER_SCAN)
            run(c);
    } else if (why == STREAM_TIMEOUT && c->state == CALLER_BODY && !stream_unsent_bytes(c->stream)) {
        on_timer(c);
    } else {
        caller_free(c);
    }
}

/* ---- life ---- */

static void log_turned_away(const struct addr *peer, const char *why)
{
    struct log_line line;
    char text[ADDR_TEXT_MAX];

    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", "connection");
    log_cstr(&line, "client", addr_text(peer, text));
    log_cstr(&line, "text", why);
    log_send(&line);
}

/* Room for one more: who has waited longest without a request goes. */
static bool make_room(struct http_door *door)
{
    struct caller *c = door->oldest;

    if (door->caller_count < (size_t)door->conf->connections_most)
        return true;
    while (c && (c->state != CALLER_IDLE || stream_input(c->stream).len))
        c = c->newer;
    if (!c)
        return false;
    finish(c);
    return true;
}

/* Why this peer is not heard; NULL. */
static const char *is_turned_away(struct http_door *door, const struct addr *peer)
{
    const struct http_conf *conf = door->conf;

    if (peer->family != ADDR_NONE && !http_conf_has(&conf->clients, peer) && !http_conf_has(&conf->trusted, peer))
        return "its address is not in http.clients";
    return make_room(door) ? NULL : "too many connections to the scan API";
}

void caller_new(struct http_door *door, int fd, const struct addr *peer, unsigned port)
{
    static const struct stream_events events = { .on_data = on_data, .on_drained = on_drained, .on_end = on_end };
    const char *why = is_turned_away(door, peer);

    (void)port;
    if (why) {
        log_turned_away(peer, why);
        close(fd);
        return;
    }
    struct caller *c = mem_alloc(sizeof *c);

    c->door = door;
    c->peer = *peer;
    c->is_trusted = peer->family == ADDR_NONE || http_conf_has(&door->conf->trusted, peer);
    c->stream = stream_accepted(door->engine->loop, fd, &events, c);
    stream_set_read_most(c->stream, HEAD_BYTES_MAX);
    c->timer = timer_new(door->engine->loop, on_timer, c);
    c->again = (struct task){ .fn = run_again, .arg = c };
    arena_init(&c->arena, CALLER_ARENA_BYTES);
    c->intake.state = INTAKE_ENDED;
    metrics_session(&door->engine->metrics, "http", 1);
    door_add_caller(door, c);
    set_timeouts(c, door->conf->idle_ms);
}

void caller_free(struct caller *c)
{
    door_remove_caller(c->door, c);
    metrics_session(&c->door->engine->metrics, "http", -1);
    forget_request(c);
    loop_drop_task(c->door->engine->loop, &c->again);
    stream_free(c->stream);
    timer_free(c->timer);
    free(c);
}

void caller_drain(struct caller *c)
{
    if (c->state != CALLER_IDLE)
        return;
    caller_close(c);
    run(c);
}
