/* net/stream_io.c - bytes in and out of a stream, and when to ask the kernel for a call. */
#include "gateway/net/stream_parts.h"

#include <errno.h>
#include <sys/socket.h>

enum { LINGER_CHUNK = 16384, LINGER_READS = 16 };

/* --- what the kernel and the timers are asked for --- */

static bool is_open(const struct stream *s)
{
    return s->phase == PHASE_PLAIN || s->phase == PHASE_TLS;
}

static bool wants_input(const struct stream *s)
{
    if (s->is_ended)
        return false;
    return s->phase == PHASE_TLS_SHAKES || (is_open(s) && !s->is_held && fifo_len(&s->in) < s->read_most);
}

static bool wants_writable(const struct stream *s)
{
    if (s->phase == PHASE_LINGERS || (s->is_ended && !fifo_len(&s->out)))
        return false;
    if (s->phase == PHASE_CONNECTING)
        return !s->is_broken;
    return s->is_write_blocked || s->read_wants_write;
}

static void set_event(struct event *event, bool *is_armed, bool is_wanted)
{
    if (*is_armed == is_wanted)
        return;
    *is_armed = is_wanted;
    if (is_wanted)
        event_add(event, NULL);
    else
        event_del(event);
}

static void set_timer(struct timer *timer, bool is_wanted, int after_ms)
{
    if (!is_wanted)
        timer_stop(timer);
    else if (!timer_is_running(timer))
        timer_start(timer, after_ms);
}

void stream_arm(struct stream *s)
{
    bool is_reading = wants_input(s);

    if (s->fd < 0 || s->is_freed)
        return;
    set_event(&s->readable, &s->is_reading, is_reading || s->write_wants_read || s->phase == PHASE_LINGERS);
    set_event(&s->writable, &s->is_writing, wants_writable(s));
    if (s->phase != PHASE_CONNECTING && !s->is_finishing) {
        set_timer(s->read_timer, is_reading && s->read_ms > 0, s->read_ms);
        set_timer(s->write_timer, fifo_len(&s->out) && s->write_ms > 0 && !s->is_ended, s->write_ms);
    }
    if (is_reading && s->has_undrained)
        loop_run_task(s->loop, &s->again);
}

/* --- in --- */

static ssize_t plain_read(struct stream *s, char *into, size_t bytes)
{
    ssize_t got = recv(s->fd, into, bytes, 0);

    if (got >= 0)
        return got;
    if (errno == EAGAIN || errno == EINTR)
        return IO_AGAIN;
    if (!s->error[0])
        snprintf(s->error, sizeof s->error, "%s", strerror(errno));
    return IO_FAILED;
}

/* one read into s->in; the result is also IO_AGAIN when there is no more room */
static ssize_t read_once(struct stream *s)
{
    size_t room = s->read_most > fifo_len(&s->in) ? s->read_most - fifo_len(&s->in) : 0;
    size_t bytes = room < s->chunk ? room : s->chunk;

    if (!bytes)
        return IO_AGAIN;
    char *into = fifo_room(&s->in, bytes);
    ssize_t got = s->phase == PHASE_TLS ? stream_tls_read(s, into, bytes) : plain_read(s, into, bytes);

    if (got > 0)
        fifo_added(&s->in, (size_t)got);
    else if (!fifo_len(&s->in))
        fifo_release(&s->in);
    if ((size_t)got == s->chunk && s->chunk < STREAM_CHUNK_MOST)
        s->chunk *= 4;
    return got;
}

void stream_read_some(struct stream *s)
{
    size_t total = 0;
    ssize_t got = IO_AGAIN;

    /* The kernel tells again of what it has left; OpenSSL does not, and a broken stream gives its last bytes now. */
    do {
        got = wants_input(s) ? read_once(s) : IO_AGAIN;
        total += got > 0 ? (size_t)got : 0;
    } while (got > 0 && (s->has_undrained || s->is_broken));
    if (total) {
        timer_stop(s->read_timer); /* it starts anew when the stream is armed */
        if (s->events->on_data)
            s->events->on_data(s->arg);
    }
    if (s->is_freed)
        return;
    s->has_eof = s->has_eof || got == IO_EOF;
    if (got == IO_FAILED || s->is_broken)
        stream_end(s, STREAM_ERROR, s->error[0] ? NULL : "connection lost");
    else if (got == IO_EOF)
        stream_end(s, STREAM_EOF, "the peer closed the connection");
}

size_t stream_discard_input(struct stream *s)
{
    char junk[LINGER_CHUNK];
    size_t total = fifo_len(&s->in);
    ssize_t got = 0;

    fifo_release(&s->in);
    for (int i = 0; i < LINGER_READS && (got = recv(s->fd, junk, sizeof junk, MSG_DONTWAIT)) > 0; i++)
        total += (size_t)got;
    return total;
}

/* --- out --- */

static ssize_t plain_write(struct stream *s, struct span bytes)
{
    ssize_t sent = send(s->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return IO_AGAIN;
    if (!s->error[0])
        snprintf(s->error, sizeof s->error, "%s", strerror(errno));
    return IO_FAILED;
}

/* what may go out now: before a handshake only what was written before it */
static struct span sendable(const struct stream *s)
{
    struct span bytes = fifo_span(&s->out);

    if (s->phase == PHASE_TLS_WAITS)
        return span_first(bytes, s->clear_bytes);
    return is_open(s) ? bytes : span_first(bytes, 0);
}

/* The peer may have said why before it closed ("421 ..."): what it sent is read before the end is told. */
static void write_failed(struct stream *s)
{
    s->is_broken = true;
    fifo_release(&s->out);
    if (is_open(s) && !s->is_held && !s->is_ended)
        stream_read_some(s);
    else
        stream_end(s, STREAM_ERROR, NULL);
    if (!s->is_freed && s->is_finishing)
        stream_free(s);
}

/* all of it has gone to the kernel */
static void drained(struct stream *s, bool has_sent)
{
    timer_stop(s->write_timer);
    if (s->phase == PHASE_TLS_WAITS) {
        s->phase = PHASE_TLS_SHAKES;
        stream_tls_shake(s);
    } else if (s->is_finishing) {
        if (s->phase == PHASE_TLS)
            stream_tls_close(s);
        shutdown(s->fd, SHUT_WR);
        s->phase = PHASE_LINGERS;
        if (s->has_eof)
            stream_free(s);
    } else if (has_sent && (!s->is_ended || s->has_eof) && s->events->on_drained) {
        s->events->on_drained(s->arg);
    }
}

void stream_flush(struct stream *s)
{
    struct span bytes;
    bool has_sent = false;

    if (s->is_broken || s->phase == PHASE_LINGERS || s->phase == PHASE_CONNECTING)
        return;
    while ((bytes = sendable(s)).len) {
        if (s->phase == PHASE_TLS_WAITS) /* whatever comes before the peer can have seen our "go ahead" is forged */
            stream_discard_input(s);
        ssize_t sent = s->phase == PHASE_TLS ? stream_tls_write(s, bytes) : plain_write(s, bytes);

        if (sent == IO_FAILED) {
            write_failed(s);
            return;
        }
        if (sent == IO_AGAIN) {
            s->is_write_blocked = !s->write_wants_read;
            return;
        }
        fifo_drop(&s->out, (size_t)sent);
        s->clear_bytes -= s->phase == PHASE_TLS_WAITS ? (size_t)sent : 0;
        has_sent = true;
        timer_stop(s->write_timer);
    }
    s->is_write_blocked = false;
    drained(s, has_sent);
}

/* Closing a socket whose input is unread resets the connection, and the peer may lose our last words with it. */
void stream_linger(struct stream *s)
{
    char junk[LINGER_CHUNK];
    ssize_t got = recv(s->fd, junk, sizeof junk, MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        stream_free(s);
}
