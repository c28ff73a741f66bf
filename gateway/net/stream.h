/* net/stream.h - a connected socket with buffers, time-outs and, when asked, TLS.
 *
 * Reading: on_data is called when bytes have come; stream_input() shows them, stream_consume() takes them. Bytes not
 * consumed stay; reading stops by itself while `read_most` bytes wait. Writing never blocks: what the socket does not
 * take waits in memory; the user asks stream_unsent_bytes() and stops producing above a bound of his own.
 * Nagle is off; what is written in one turn of the loop goes out together.
 *
 * Threads: the loop's. Memory: stream_free() at any time, also inside an event function; no event comes after it.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "gateway/base/span.h"
#include "gateway/base/endpoint.h"
#include "gateway/net/loop.h"
#include "gateway/net/tls.h"

struct stream;

enum stream_end {
    STREAM_EOF,        /* the peer closed */
    STREAM_ERROR,      /* reset, refused, unreachable: stream_error_text() */
    STREAM_TIMEOUT,    /* nothing read for read_ms, or nothing written for write_ms, or no connection in time */
    STREAM_TLS_FAILED, /* handshake or certificate: stream_error_text() */
};

enum stream_receipt { STREAM_RECEIVED, STREAM_UNDER_WAY, STREAM_LOST };

struct stream_events {
    void (*on_open)(void *arg);                     /* connected (stream_connect only) */
    void (*on_data)(void *arg);                     /* stream_input() has more than before */
    void (*on_tls)(void *arg);                      /* the handshake is done */
    void (*on_drained)(void *arg);                  /* everything written has gone to the kernel */
    void (*on_end)(void *arg, enum stream_end why); /* the stream is still there to be freed. It is the last event, but
                                                       for on_drained after STREAM_EOF: who sends no more may read */
};

/* stream_accepted - takes over a connected, non-blocking descriptor. */
struct stream *stream_accepted(struct loop *loop, int fd, const struct stream_events *events, void *arg);
/* stream_connect - `to` has an addr or a path (names are the caller's to resolve). Failure comes as on_end. */
struct stream *stream_connect(struct loop *loop, const struct endpoint *to, int timeout_ms,
                              const struct stream_events *events, void *arg);
void stream_free(struct stream *s); /* closes at once; unsent bytes are lost. NULL is fine */
/* stream_finish - sends what is unsent (for at most `linger_ms`), closes and frees by itself; no events any more. */
void stream_finish(struct stream *s, int linger_ms);

/* stream_input - all bytes that wait, in one piece; valid until the next call on this stream. */
struct span stream_input(struct stream *s);
void stream_consume(struct stream *s, size_t bytes);
/* stream_arrived_bytes - of stream_input(), and what the kernel has besides (with TLS: records, which are more). */
size_t stream_arrived_bytes(const struct stream *s);
/* stream_hold, stream_release - stop and resume reading (back-pressure). The read time-out rests meanwhile. */
void stream_hold(struct stream *s);
void stream_release(struct stream *s);
void stream_set_read_most(struct stream *s, size_t bytes); /* 64 KiB unless told */

void stream_write(struct stream *s, struct span bytes);
void stream_writef(struct stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t stream_unsent_bytes(const struct stream *s);
/* stream_receipt - of all that was written: whether the peer's machine has it (of a unix socket: the peer itself). */
enum stream_receipt stream_receipt(const struct stream *s);
/* stream_be_discreet - from now on, what has been consumed and sent is wiped from our memory: passwords go through. */
void stream_be_discreet(struct stream *s, bool is_discreet);

/* stream_set_timeouts - 0: none. The read time-out starts anew with every byte that comes; a TLS handshake has to be
 * done within it as a whole. */
void stream_set_timeouts(struct stream *s, int read_ms, int write_ms);

/* stream_start_tls - the handshake, after what is unsent has gone out in clear. Input that is here already is thrown
 * away, and the number of those bytes returned [RFC3207 4.2]. `peer`: NULL on our server side; not used later. */
size_t stream_start_tls(struct stream *s, struct tls_context *tls, const struct tls_peer *peer);
/* stream_begin_tls - TLS from the first byte on, before anything is written: what has come is its beginning. */
void stream_begin_tls(struct stream *s, struct tls_context *tls, const struct tls_peer *peer);
bool stream_is_tls(const struct stream *s);
/* stream_tls_version, stream_tls_cipher - "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" without TLS. */
const char *stream_tls_version(const struct stream *s);
const char *stream_tls_cipher(const struct stream *s);
unsigned stream_tls_bits(const struct stream *s);
/* stream_tls_facts - all zero and "" without TLS. */
void stream_tls_facts(const struct stream *s, struct tls_facts *out);
const char *stream_error_text(const struct stream *s);
/* stream_peer - the other end; ADDR_NONE for a unix socket. stream_local - ours. */
void stream_peer(const struct stream *s, struct addr *addr, unsigned *port);
void stream_local(const struct stream *s, struct addr *addr, unsigned *port);

#endif
