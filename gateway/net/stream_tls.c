/* net/stream_tls.c - a stream's TLS, straight on the socket.
 *
 * OpenSSL reads ahead (one system call per turn, not two per record), so what it holds is drained before the kernel is
 * asked for more: nothing else would tell of it. Its error queue is per thread, and is emptied before each call.
 */
#include "gateway/net/stream_parts.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "gateway/base/bug.h"

enum { CHATTER_MOST = 100 };

static void set_error(struct stream *s, const char *what, const char *why)
{
    if (!s->error[0])
        snprintf(s->error, sizeof s->error, "%s: %s", what, why);
}

/* why the last call failed, for people */
static void explain(struct stream *s, const char *what, int saved_errno)
{
    unsigned long code = ERR_peek_last_error();
    long verified = SSL_get_verify_result(s->ssl);
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    if (verified != X509_V_OK && SSL_get_verify_mode(s->ssl) != SSL_VERIFY_NONE)
        reason = X509_verify_cert_error_string(verified);
    else if (!reason)
        reason = saved_errno ? strerror(saved_errno) : "the peer closed the connection";
    set_error(s, what, reason);
}

/* what a call that gave `result` means: IO_AGAIN (with `other_way` set when it waits for the other direction), IO_EOF
 * or IO_FAILED */
static ssize_t outcome(struct stream *s, int result, int other_way, bool *wants_other_way)
{
    int saved_errno = errno;
    int error = SSL_get_error(s->ssl, result);

    *wants_other_way = error == other_way;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return IO_AGAIN;
    if (error == SSL_ERROR_ZERO_RETURN)
        return IO_EOF;
    explain(s, "TLS", error == SSL_ERROR_SYSCALL ? saved_errno : 0);
    return IO_FAILED;
}

/* Records without data (renegotiation, new keys) are answered by OpenSSL without end, inside of one SSL_read(). Taking
 * the socket away from it ends that. */
static void on_message(int is_sent, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
    struct stream *s = arg;

    (void)version, (void)bytes, (void)len;
    if (is_sent || type != SSL3_RT_HEADER || s->phase != PHASE_TLS || ++s->chatter <= CHATTER_MOST)
        return;
    set_error(s, "TLS", "too many records without data");
    BIO_set_fd(SSL_get_rbio(ssl), -1, BIO_NOCLOSE);
}

ssize_t stream_tls_read(struct stream *s, char *into, size_t bytes)
{
    ERR_clear_error();
    int got = SSL_read(s->ssl, into, bytes > INT32_MAX ? INT32_MAX : (int)bytes);

    s->read_wants_write = false;
    s->has_undrained = got > 0 && SSL_has_pending(s->ssl);
    s->chatter = got > 0 ? 0 : s->chatter;
    return got > 0 ? got : outcome(s, got, SSL_ERROR_WANT_WRITE, &s->read_wants_write);
}

ssize_t stream_tls_write(struct stream *s, struct span bytes)
{
    ERR_clear_error();
    int sent = SSL_write(s->ssl, bytes.ptr, bytes.len > INT32_MAX ? INT32_MAX : (int)bytes.len);

    s->write_wants_read = false;
    if (sent > 0)
        return sent;
    ssize_t result = outcome(s, sent, SSL_ERROR_WANT_READ, &s->write_wants_read);

    if (result == IO_EOF)
        set_error(s, "TLS", "the peer closed the connection");
    return result == IO_EOF ? IO_FAILED : result;
}

void stream_tls_close(struct stream *s)
{
    ERR_clear_error();
    SSL_shutdown(s->ssl); /* once: we do not wait for the peer's */
}

/* A handshake cannot be done with what came before our part of it. */
static int shake(struct stream *s)
{
    int result = SSL_do_handshake(s->ssl);

    if (s->has_early && result != 1 && SSL_get_error(s->ssl, result) == SSL_ERROR_WANT_READ) {
        BIO *wbio = SSL_get_wbio(s->ssl);

        BIO_up_ref(wbio);
        SSL_set0_rbio(s->ssl, wbio);
        s->has_early = false;
        result = SSL_do_handshake(s->ssl);
    }
    return result;
}

void stream_tls_shake(struct stream *s)
{
    ERR_clear_error();
    int result = shake(s);
    bool wants_write = false;

    if (result == 1) {
        s->phase = PHASE_TLS;
        s->is_write_blocked = false;
        s->has_undrained = true; /* what came with the handshake's last bytes is in OpenSSL's hands */
        timer_stop(s->read_timer);
        if (s->events->on_tls)
            s->events->on_tls(s->arg);
        if (!s->is_freed && fifo_len(&s->out))
            stream_flush(s);
        return;
    }
    if (outcome(s, result, SSL_ERROR_WANT_WRITE, &wants_write) == IO_AGAIN) {
        s->is_write_blocked = wants_write;
        return;
    }
    set_error(s, "TLS", "the peer closed the connection");
    stream_end(s, STREAM_TLS_FAILED, NULL);
}

/* A certificate that usage 3 names is good as it is: neither its names nor its dates matter [RFC7672 3.1.1]. */
static void expect_records(SSL *ssl, const struct tls_peer *peer)
{
    if (SSL_dane_enable(ssl, peer->name) <= 0)
        fatal_memory(0);
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    if (peer->other_name && !SSL_add1_host(ssl, peer->other_name))
        fatal_memory(0);
    for (size_t i = 0; i < peer->tlsa_count; i++) { /* one that OpenSSL does not take is as if it were not there */
        const struct tlsa *tlsa = &peer->tlsa[i];

        SSL_dane_tlsa_add(ssl, tlsa->usage, tlsa->selector, tlsa->matching, (const unsigned char *)tlsa->data.ptr,
                          tlsa->data.len);
    }
}

/* who the peer must be, and the name that it is asked for [RFC6066 3] */
static void expect(SSL *ssl, enum tls_verify verify, const struct tls_peer *peer)
{
    struct addr ip;
    bool is_ip = !addr_parse(span_of(peer->name), &ip);

    if (!is_ip && !SSL_set_tlsext_host_name(ssl, peer->name))
        fatal_memory(0);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (verify == TLS_VERIFY_DANE)
        expect_records(ssl, peer);
    else if (verify == TLS_VERIFY_NAME && (is_ip ? !X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peer->name)
                                                 : !SSL_set1_host(ssl, peer->name)))
        fatal_memory(0);
}

/* in PHASE_PLAIN; the handshake begins once what is unsent has gone out */
static void prepare(struct stream *s, struct tls_context *tls, const struct tls_peer *peer)
{
    bool has_name = peer && peer->name;

    if (!tls->server && tls->verify != TLS_VERIFY_NONE && !has_name)
        BUG("no name to verify");
    ERR_clear_error();
    s->ssl = SSL_new(tls->ssl);
    if (!s->ssl || !SSL_set_fd(s->ssl, s->fd))
        fatal_memory(0);
    SSL_set_msg_callback(s->ssl, on_message);
    SSL_set_msg_callback_arg(s->ssl, s);
    s->verify = tls->verify;
    stream_be_discreet(s, s->in.is_secret);
    if (has_name)
        expect(s->ssl, tls->verify, peer);
    if (tls->server)
        SSL_set_accept_state(s->ssl);
    else
        SSL_set_connect_state(s->ssl);
    s->clear_bytes = fifo_len(&s->out);
    s->phase = PHASE_TLS_WAITS;
    if (!s->is_write_blocked)
        loop_run_task(s->loop, &s->flush);
    stream_touch(s);
}

size_t stream_start_tls(struct stream *s, struct tls_context *tls, const struct tls_peer *peer)
{
    size_t discarded = fifo_len(&s->in);

    if (s->phase != PHASE_PLAIN)
        BUG("TLS in phase %d", (int)s->phase);
    if (s->is_broken || s->is_ended)
        return discarded;
    discarded = stream_discard_input(s);
    prepare(s, tls, peer);
    return discarded;
}

/* What has been read already, such as what came behind a PROXY header, is given to OpenSSL first. */
void stream_begin_tls(struct stream *s, struct tls_context *tls, const struct tls_peer *peer)
{
    struct span early = fifo_span(&s->in);

    if (s->phase != PHASE_PLAIN || fifo_len(&s->out))
        BUG("TLS from the first byte in phase %d", (int)s->phase);
    if (s->is_broken || s->is_ended)
        return;
    prepare(s, tls, peer);
    if (early.len) {
        BIO *bio = BIO_new(BIO_s_mem());

        if (!bio || BIO_write(bio, early.ptr, (int)early.len) != (int)early.len)
            fatal_memory(early.len);
        BIO_set_mem_eof_return(bio, -1);
        SSL_set0_rbio(s->ssl, bio);
        s->has_early = true;
    }
    fifo_release(&s->in);
}

bool stream_is_tls(const struct stream *s)
{
    return s->phase == PHASE_TLS;
}

const char *stream_tls_version(const struct stream *s)
{
    return stream_is_tls(s) ? SSL_get_version(s->ssl) : "";
}

const char *stream_tls_cipher(const struct stream *s)
{
    return stream_is_tls(s) ? SSL_get_cipher_name(s->ssl) : "";
}

unsigned stream_tls_bits(const struct stream *s)
{
    int bits = stream_is_tls(s) ? SSL_get_cipher_bits(s->ssl, NULL) : 0;

    return bits > 0 ? (unsigned)bits : 0;
}
