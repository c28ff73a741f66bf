/* smtp/server_clock.c - how long the client may take, and how long we do.
 *
 * A command has one time for all of its bytes, a message one for each so many bytes, so that nobody can hold a
 * connection by a byte now and then [RFC5321 4.5.3.2]. One timer serves all; moving it costs a store (net/loop.h).
 *
 * A client that errs, misbehaves or is suspect waits before each of its commands is taken, the longer the worse it is.
 * That holds a connection and nothing else, and there are only so many at once.
 */
#include "gateway/smtp/server.h"

#include <malloc.h>

#include "gateway/base/log.h"

enum {
    HELD_BACK_PART = 4, /* at most a quarter of all connections */
    STEP_MS = 1000,     /* for each bad sign */
    REST_MS = 2000,     /* so long without a word: it may be much longer */
    CROWD = 1000,       /* connections whose memory is worth giving back when they have gone */
    CALM_PERCENT = 10,  /* connections are no longer scarce so much below the mark */
};

/* ---- time-outs ---- */

void server_set_read_timeout(struct server *s, int ms)
{
    if (s->stream && s->read_timeout_ms != ms) {
        s->read_timeout_ms = ms;
        stream_set_timeouts(s->stream, ms, WRITE_MS);
    }
}

void server_set_clock(struct server *s, enum server_clock clock, int ms)
{
    s->clock = clock;
    if (clock == CLOCK_STANDS)
        timer_stop(s->timer);
    else
        timer_start(s->timer, ms);
}

void server_wait(struct server *s)
{
    s->is_waiting = true;
    server_set_read_timeout(s, 0); /* it is we who take our time */
    if (s->clock == CLOCK_COMMAND)
        server_set_clock(s, CLOCK_STANDS, 0);
}

static int64_t now_ms(const struct server *s)
{
    return loop_now_ms(s->door->engine->loop);
}

static int64_t session_left_ms(const struct server *s)
{
    return s->connected_ms + s->door->conf->clients.session_most_ms - now_ms(s);
}

bool server_is_trusted(const struct server *s)
{
    return s->guest.is_known || s->guest.pass == GUEST_GOOD;
}

static int command_ms(const struct server *s)
{
    const struct smtp_conf *conf = s->door->conf;
    int64_t ms = conf->command_timeout_ms, left_ms = session_left_ms(s);

    if (s->door->is_busy && !server_is_trusted(s) && conf->clients.busy_timeout_ms < ms)
        ms = conf->clients.busy_timeout_ms;
    if (left_ms < ms)
        ms = left_ms;
    return ms > 0 ? (int)ms : 0;
}

/* A message may pause for data_timeout, and longer for every byte that has come. */
static int64_t data_left_ms(const struct server *s)
{
    const struct smtp_conf *conf = s->door->conf;
    int64_t ms = conf->data_total_ms, rate = (int64_t)conf->clients.data_rate_least;
    int64_t bytes = (int64_t)(s->incoming.bytes + s->chunk.thrown_away);

    if (rate && conf->data_timeout_ms + bytes * 1000 / rate < ms)
        ms = conf->data_timeout_ms + bytes * 1000 / rate;
    return s->data_begun_ms + ms - now_ms(s);
}

bool server_data_is_late(struct server *s)
{
    if (data_left_ms(s) > 0)
        return false;
    server_say(s, REPLY_DATA_TOO_SLOW);
    server_log_refusal(s, "message", NULL, 421, SPAN("the message took too long to arrive"));
    server_close(s);
    return true;
}

/* Between transactions the timer comes up once before. */
static void await_command(struct server *s)
{
    int ms = command_ms(s);

    s->command_due_ms = now_ms(s) + ms;
    server_set_clock(s, CLOCK_COMMAND, s->state <= SERVER_READY && ms > REST_MS ? REST_MS : ms);
}

/* A silent client holds little memory. */
static void rest(struct server *s)
{
    pipeline_rest(s->pipeline);
    strbuf_release(&s->out);
    strbuf_release(&s->rcpt.text);
    server_set_clock(s, CLOCK_COMMAND, (int)(s->command_due_ms - now_ms(s)));
}

void server_await_input(struct server *s)
{
    if (s->is_waiting || s->state == SERVER_PROXY)
        return;
    if (server_is_receiving(s)) {
        server_set_read_timeout(s, s->door->conf->data_timeout_ms);
        if (s->clock != CLOCK_DATA)
            server_set_clock(s, CLOCK_DATA, (int)data_left_ms(s));
    } else {
        server_set_read_timeout(s, 0);
        if (s->clock != CLOCK_COMMAND)
            await_command(s);
    }
}

static void command_is_late(struct server *s)
{
    bool is_over = session_left_ms(s) <= 0;

    if (s->command_due_ms > now_ms(s)) {
        rest(s);
        return;
    }
    server_say(s, is_over ? REPLY_SESSION_TOO_LONG : REPLY_IDLE);
    if (s->state >= SERVER_MAIL)
        server_log_gone(s, is_over ? "told that its connection lasts too long" : "silent inside a transaction");
    server_close(s);
    server_resume(s);
}

static void data_is_slow(struct server *s)
{
    if (server_data_is_late(s))
        server_resume(s);
    else
        server_set_clock(s, CLOCK_DATA, (int)data_left_ms(s));
}

void server_on_timer(void *arg)
{
    struct server *s = arg;

    switch (s->clock) {
    case CLOCK_PROXY:
        server_proxy_is_late(s);
        server_resume(s);
        break;
    case CLOCK_GREET: server_greeting_is_due(s); break;
    case CLOCK_HANDSHAKE: server_tls_gives_up(s); break;
    case CLOCK_COMMAND: command_is_late(s); break;
    case CLOCK_DATA: data_is_slow(s); break;
    case CLOCK_TARPIT:
        server_let_go(s);
        server_resume(s);
        break;
    case CLOCK_FAREWELL: server_bid_farewell(s); break;
    case CLOCK_STANDS: break;
    }
}

/* ---- the tarpit ---- */

static int earned_ms(const struct server *s)
{
    const struct smtp_conf *conf = s->door->conf;
    int64_t signs = (int64_t)s->errors >= conf->errors_soft ? (int64_t)s->errors - conf->errors_soft + 1 : 0;

    for (unsigned kind = 0; kind < CONDUCT_COUNT; kind++)
        signs += s->session->conduct[kind].count > 0;
    if (!server_is_trusted(s))
        signs += s->is_suspect;
    signs *= STEP_MS;
    return signs < conf->clients.tarpit_most_ms ? (int)signs : conf->clients.tarpit_most_ms;
}

bool server_hold_back(struct server *s)
{
    bool had = s->has_been_held_back;
    int ms = had ? 0 : earned_ms(s);

    s->has_been_held_back = false;
    if (!ms || s->door->held_back * HELD_BACK_PART >= (size_t)s->door->conf->connections_most)
        return false;
    s->has_been_held_back = true;
    s->door->held_back++;
    server_wait(s);
    server_set_clock(s, CLOCK_TARPIT, ms);
    return true;
}

void server_let_go(struct server *s)
{
    if (s->clock != CLOCK_TARPIT)
        return;
    s->door->held_back--;
    server_set_clock(s, CLOCK_STANDS, 0);
}

/* ---- load ---- */

/* What a crowd of clients has left behind goes back to the system; a few milliseconds, once for each crowd. */
static void give_back_memory(struct smtp_door *door)
{
    if (door->server_count > door->most_lately)
        door->most_lately = door->server_count;
    if (door->most_lately < CROWD || door->server_count > door->most_lately / 100)
        return;
    door->most_lately = door->server_count;
    malloc_trim(0);
}

/* Who is silent already is given the shorter time from now on. */
void door_note_load(struct smtp_door *door)
{
    size_t mark = (size_t)(door->conf->connections_most * door->conf->clients.busy_percent / 100);
    size_t calm = mark - mark * CALM_PERCENT / 100;
    bool was_busy = door->is_busy;

    give_back_memory(door);
    door->is_busy = door->server_count >= (was_busy ? calm : mark) && door->server_count > 1;
    if (door->is_busy == was_busy)
        return;
    if (door->is_busy)
        log_warn("busy", "%zu connections of %lld: strangers have to be quick", door->server_count,
                 (long long)door->conf->connections_most);
    else
        log_info("busy", "connections are no longer scarce");
    for (struct server *s = door->servers; s && door->is_busy; s = s->next)
        if (s->clock == CLOCK_COMMAND && !server_is_trusted(s))
            await_command(s);
}
