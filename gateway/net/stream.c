/* net/stream.c - a connected socket: its life, what its user calls, and when he is called. */
#include "gateway/net/stream_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/strbuf.h"

enum { READ_MOST = 65536, WRITEF_MOST = 1 << 20 };

/* --- life --- */

static void free_memory(struct stream *s)
{
    fifo_release(&s->in);
    fifo_release(&s->out);
    free(s);
}

void stream_free(struct stream *s)
{
    if (!s || s->is_freed)
        return;
    s->is_freed = s->is_ended = s->is_broken = true;
    if (s->fd >= 0) {
        event_del(&s->readable);
        event_del(&s->writable);
    }
    loop_drop_task(s->loop, &s->flush);
    loop_drop_task(s->loop, &s->again);
    loop_drop_task(s->loop, &s->last);
    timer_free(s->read_timer);
    timer_free(s->write_timer);
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    if (!s->depth)
        free_memory(s);
}

void stream_enter(struct stream *s)
{
    s->depth++;
}

void stream_leave(struct stream *s)
{
    if (--s->depth)
        return;
    if (s->is_freed)
        free_memory(s);
    else
        stream_arm(s);
}

void stream_touch(struct stream *s)
{
    if (!s->depth && !s->is_freed)
        stream_arm(s);
}

void stream_end(struct stream *s, enum stream_end why, const char *text)
{
    if (s->is_ended)
        return;
    s->is_ended = true;
    if (text)
        snprintf(s->error, sizeof s->error, "%s", text);
    if (why == STREAM_ERROR || why == STREAM_TLS_FAILED) {
        s->is_broken = true;
        fifo_release(&s->out);
    }
    if (s->events->on_end)
        s->events->on_end(s->arg, why);
}

/* --- what the loop calls --- */

static void connected(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    if (error) {
        stream_end(s, STREAM_ERROR, strerror(error));
        return;
    }
    s->phase = PHASE_PLAIN;
    timer_stop(s->read_timer);
    if (s->events->on_open)
        s->events->on_open(s->arg);
    if (!s->is_freed && fifo_len(&s->out))
        stream_flush(s);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;

    (void)fd, (void)what;
    stream_enter(s);
    if (s->phase == PHASE_LINGERS)
        stream_linger(s);
    else if (s->phase == PHASE_TLS_SHAKES)
        stream_tls_shake(s);
    else if (s->phase != PHASE_CONNECTING)
        stream_read_some(s);
    if (!s->is_freed && s->write_wants_read)
        stream_flush(s);
    stream_leave(s);
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;

    (void)fd, (void)what;
    stream_enter(s);
    s->is_write_blocked = false;
    if (s->phase == PHASE_CONNECTING)
        connected(s);
    else if (s->phase == PHASE_TLS_SHAKES)
        stream_tls_shake(s);
    else
        stream_flush(s);
    if (!s->is_freed && s->read_wants_write && s->phase == PHASE_TLS)
        stream_read_some(s);
    stream_leave(s);
}

static void flush_now(void *arg)
{
    struct stream *s = arg;

    stream_enter(s);
    stream_flush(s);
    stream_leave(s);
}

static void read_again(void *arg)
{
    struct stream *s = arg;

    stream_enter(s);
    if (s->fd < 0 || (s->phase == PHASE_CONNECTING && s->error[0]))
        stream_end(s, STREAM_ERROR, NULL);
    else if (s->has_undrained && !s->is_held && !s->is_ended)
        stream_read_some(s);
    stream_leave(s);
}

static void free_at_last(void *arg)
{
    stream_free(arg);
}

static void read_is_late(void *arg)
{
    struct stream *s = arg;
    char text[STREAM_ERROR_MAX];

    stream_enter(s);
    if (s->is_finishing) {
        stream_free(s);
    } else {
        if (s->phase == PHASE_CONNECTING)
            snprintf(text, sizeof text, "no connection within %d ms", s->connect_ms);
        else if (s->phase == PHASE_TLS_SHAKES)
            snprintf(text, sizeof text, "no TLS handshake within %d ms", s->read_ms);
        else
            snprintf(text, sizeof text, "nothing came for %d ms", s->read_ms);
        stream_end(s, STREAM_TIMEOUT, text);
    }
    stream_leave(s);
}

static void write_is_late(void *arg)
{
    struct stream *s = arg;
    char text[STREAM_ERROR_MAX];

    stream_enter(s);
    snprintf(text, sizeof text, "nothing could be sent for %d ms", s->write_ms);
    stream_end(s, STREAM_TIMEOUT, text);
    stream_leave(s);
}

/* --- making one --- */

void stream_opened(struct stream *s, int fd)
{
    int yes = 1;

    s->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* fails for a unix socket, as it may */
    if (event_assign(&s->readable, loop_base(s->loop), fd, EV_READ | EV_PERSIST, readable, s) ||
        event_assign(&s->writable, loop_base(s->loop), fd, EV_WRITE | EV_PERSIST, writable, s))
        BUG("event_assign");
}

static struct stream *stream_new(struct loop *loop, const struct stream_events *events, void *arg)
{
    struct stream *s = mem_alloc(sizeof *s);

    s->loop = loop;
    s->events = events;
    s->arg = arg;
    s->fd = -1;
    s->read_most = READ_MOST;
    s->chunk = STREAM_CHUNK_LEAST;
    s->flush = (struct task){ .fn = flush_now, .arg = s };
    s->again = (struct task){ .fn = read_again, .arg = s };
    s->last = (struct task){ .fn = free_at_last, .arg = s };
    s->read_timer = timer_new(loop, read_is_late, s);
    s->write_timer = timer_new(loop, write_is_late, s);
    return s;
}

struct stream *stream_accepted(struct loop *loop, int fd, const struct stream_events *events, void *arg)
{
    struct stream *s = stream_new(loop, events, arg);

    stream_opened(s, fd);
    s->phase = PHASE_PLAIN;
    stream_touch(s);
    return s;
}

static socklen_t address_of(const struct endpoint *to, struct sockaddr_storage *out)
{
    if (!to->path[0])
        return addr_to_sockaddr(&to->addr, to->port, out);
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)out;

    *un = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(un->sun_path, to->path, sizeof un->sun_path - 1);
    return sizeof *un;
}

struct stream *stream_connect(struct loop *loop, const struct endpoint *to, int timeout_ms,
                              const struct stream_events *events, void *arg)
{
    struct stream *s = stream_new(loop, events, arg);
    struct sockaddr_storage address = { 0 };
    socklen_t len = address_of(to, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    s->phase = PHASE_CONNECTING;
    s->connect_ms = timeout_ms;
    if (fd >= 0)
        stream_opened(s, fd);
    if (fd < 0 || (connect(fd, (const struct sockaddr *)&address, len) && errno != EINPROGRESS)) {
        snprintf(s->error, sizeof s->error, "%s", strerror(errno));
        s->is_broken = true;
        loop_run_task(loop, &s->again);
        return s;
    }
    timer_start(s->read_timer, timeout_ms);
    stream_touch(s);
    return s;
}

void stream_finish(struct stream *s, int linger_ms)
{
    static const struct stream_events none = { 0 };
    bool has_more = s->phase == PHASE_PLAIN || s->phase == PHASE_TLS;

    s->events = &none;
    s->is_ended = s->is_finishing = true;
    timer_stop(s->write_timer);
    stream_enter(s);
    if (has_more && !s->is_broken)
        stream_flush(s);
    if (!has_more || s->is_broken || linger_ms <= 0)
        stream_free(s);
    if (!s->is_freed) {
        timer_start(s->read_timer, linger_ms);
        loop_at_end(s->loop, &s->last);
    }
    stream_leave(s);
}

/* --- what the user calls --- */

struct span stream_input(struct stream *s)
{
    return fifo_span(&s->in);
}

void stream_consume(struct stream *s, size_t bytes)
{
    fifo_drop(&s->in, bytes);
    stream_touch(s);
}

size_t stream_arrived_bytes(const struct stream *s)
{
    int unread = 0;

    if (s->fd < 0 || ioctl(s->fd, FIONREAD, &unread) || unread < 0)
        unread = 0;
    return fifo_len(&s->in) + (size_t)unread;
}

void stream_hold(struct stream *s)
{
    s->is_held = true;
    stream_touch(s);
}

void stream_release(struct stream *s)
{
    s->is_held = false;
    stream_touch(s);
}

void stream_set_read_most(struct stream *s, size_t bytes)
{
    s->read_most = bytes ? bytes : 1;
    stream_touch(s);
}

void stream_write(struct stream *s, struct span bytes)
{
    if (s->is_broken || s->is_finishing || !bytes.len)
        return;
    fifo_put(&s->out, bytes);
    if (s->phase != PHASE_CONNECTING && !s->is_write_blocked)
        loop_run_task(s->loop, &s->flush);
}

void stream_writef(struct stream *s, const char *format, ...)
{
    struct strbuf text;
    va_list args;

    strbuf_init(&text, WRITEF_MOST);
    va_start(args, format);
    strbuf_vputf(&text, format, args);
    va_end(args);
    stream_write(s, strbuf_span(&text));
    strbuf_release(&text);
}

size_t stream_unsent_bytes(const struct stream *s)
{
    return fifo_len(&s->out);
}

enum stream_receipt stream_receipt(const struct stream *s)
{
    int error = 0, left = 0;
    socklen_t len = sizeof error;

    if (s->is_broken || getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error)
        return STREAM_LOST;
    return fifo_len(&s->out) || ioctl(s->fd, SIOCOUTQ, &left) || left ? STREAM_UNDER_WAY : STREAM_RECEIVED;
}

void stream_be_discreet(struct stream *s, bool is_discreet)
{
    s->in.is_secret = s->out.is_secret = is_discreet;
    if (s->ssl && is_discreet)
        SSL_set_options(s->ssl, SSL_OP_CLEANSE_PLAINTEXT);
    else if (s->ssl)
        SSL_clear_options(s->ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

void stream_set_timeouts(struct stream *s, int read_ms, int write_ms)
{
    s->read_ms = read_ms;
    s->write_ms = write_ms;
    if (s->phase != PHASE_CONNECTING && !s->is_finishing)
        timer_stop(s->read_timer); /* starts anew when it is armed */
    timer_stop(s->write_timer);
    stream_touch(s);
}

const char *stream_error_text(const struct stream *s)
{
    return s->error;
}

static void name_of(const struct stream *s, int (*get)(int, struct sockaddr *, socklen_t *), struct addr *addr,
                    unsigned *port)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;

    if (s->fd < 0 || get(s->fd, (struct sockaddr *)&address, &len))
        address.ss_family = AF_UNSPEC;
    addr_from_sockaddr((const struct sockaddr *)&address, addr, port);
}

void stream_peer(const struct stream *s, struct addr *addr, unsigned *port)
{
    name_of(s, getpeername, addr, port);
}

void stream_local(const struct stream *s, struct addr *addr, unsigned *port)
{
    name_of(s, getsockname, addr, port);
}
