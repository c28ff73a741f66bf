/* net/stream_parts.h - what stream.c, stream_io.c and stream_tls.c share; nobody else includes it.
 *
 * Calls of the user only change the state and ask for a task; his event functions are called from the loop's own
 * calls alone (readable, writable, timer, task), between stream_enter() and stream_leave(), so that he is never
 * called from inside a call of his. A stream that he frees meanwhile is closed at once; its memory goes in
 * stream_leave().
 */
#ifndef NET_STREAM_PARTS_H
#define NET_STREAM_PARTS_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/types.h>

#include "gateway/net/fifo.h"
#include "gateway/net/stream.h"
#include "gateway/net/tls_parts.h"

enum { STREAM_ERROR_MAX = 240, STREAM_CHUNK_LEAST = 4096, STREAM_CHUNK_MOST = 65536 };

enum stream_phase {
    PHASE_CONNECTING,
    PHASE_PLAIN,
    PHASE_TLS_WAITS, /* until the last bytes in clear have gone out */
    PHASE_TLS_SHAKES,
    PHASE_TLS,
    PHASE_LINGERS, /* all is sent; what still comes is thrown away until the peer closes */
};

struct stream {
    struct loop *loop;
    const struct stream_events *events;
    void *arg;
    int fd; /* -1: closed, or never opened */
    enum stream_phase phase;
    struct event readable, writable;
    bool is_reading, is_writing; /* the events are armed */

    struct fifo in, out;
    size_t read_most;
    size_t chunk;       /* bytes of the next read: grows with a peer that sends much */
    size_t clear_bytes; /* of `out`: what PHASE_TLS_WAITS still has to send */
    struct task flush;  /* at the end of the turn: what was written goes out together */
    struct task again;  /* read on without a word from the kernel; or a connection that failed at once */
    struct task last;   /* of a loop that is freed: a stream that lingers goes with it */
    struct timer *read_timer, *write_timer;
    int read_ms, write_ms, connect_ms;

    SSL *ssl;
    enum tls_verify verify;
    bool has_early; /* OpenSSL reads what came before the handshake began, and then the socket */
    bool read_wants_write, write_wants_read; /* as OpenSSL has it */
    bool has_undrained;                      /* reading stopped while OpenSSL had more */
    unsigned chatter;                        /* TLS records since there was data in one */

    bool is_held;
    bool is_write_blocked; /* the kernel takes no more */
    bool is_broken;        /* nothing can be written any more */
    bool has_eof;
    bool is_ended;     /* no more events */
    bool is_finishing; /* the user has let go of it */
    unsigned depth;    /* of stream_enter() */
    bool is_freed;
    char error[STREAM_ERROR_MAX];
};

/* Results of reading and writing besides the number of bytes. */
enum { IO_EOF = 0, IO_AGAIN = -1, IO_FAILED = -2 };

void stream_enter(struct stream *s);
void stream_leave(struct stream *s);
/* stream_touch - after a change of state: arms and disarms events and timers, now or in stream_leave(). */
void stream_touch(struct stream *s);
/* stream_end - the last event; `text` may be NULL when s->error is set already. */
void stream_end(struct stream *s, enum stream_end why, const char *text);
void stream_opened(struct stream *s, int fd);

/* stream_io.c: all inside stream_enter() */
void stream_read_some(struct stream *s);
void stream_flush(struct stream *s);
void stream_linger(struct stream *s);
size_t stream_discard_input(struct stream *s);
void stream_arm(struct stream *s);

/* stream_tls.c */
ssize_t stream_tls_read(struct stream *s, char *into, size_t bytes);
ssize_t stream_tls_write(struct stream *s, struct span bytes);
void stream_tls_shake(struct stream *s);
void stream_tls_close(struct stream *s);

#endif
