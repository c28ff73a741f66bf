/* smtp/server_tls.c - TLS with a client: STARTTLS [RFC3207], or TLS from the first byte [RFC8314 3].
 *
 * A handshake waits for its place (handshakes.h): STARTTLS is answered only then, and of a client that begins with TLS
 * nothing is read before.
 */
#include "gateway/smtp/server.h"

#include "gateway/base/clock.h"

static bool is_implicit(const struct server *s)
{
    return s->listener->tls == SMTP_TLS_IMPLICIT;
}

bool server_begins_with_tls(const struct server *s)
{
    return is_implicit(s) && !stream_is_tls(s->stream);
}

bool server_offers_starttls(const struct server *s)
{
    return s->door->tls && s->listener->tls == SMTP_TLS_STARTTLS && !server_has_tls(s);
}

static struct span keep(struct server *s, const char *text)
{
    return arena_copy(s->session->arena, span_of(text));
}

/* Of the TLS that ends at a proxy, as far as it tells. */
static void note_proxied(struct server *s)
{
    const struct proxied *p = s->proxied;
    struct session *session = s->session;

    session->tls_version = keep(s, p->tls_version[0] ? p->tls_version : "TLS").ptr;
    session->tls_cipher = keep(s, p->tls_cipher).ptr;
    session->tls_server_name = keep(s, p->tls_name);
    session->tls_client.subject = keep(s, p->tls_subject);
    session->tls_client.is_trusted = p->tls_subject[0];
}

void server_note_tls(struct server *s)
{
    struct session *session = s->session;
    struct tls_facts facts;

    if (!stream_is_tls(s->stream)) {
        if (s->proxied && s->proxied->is_tls)
            note_proxied(s);
        return;
    }
    stream_tls_facts(s->stream, &facts);
    session->tls_version = facts.version;
    session->tls_cipher = facts.cipher;
    session->tls_bits = facts.bits;
    session->tls_server_name = keep(s, facts.server_name);
    session->tls_client =
        (struct session_certificate){ keep(s, facts.subject), keep(s, facts.issuer), keep(s, facts.fingerprint),
                                      facts.verified != TLS_VERIFIED_NONE };
}

/* ---- who must show a certificate ---- */

static bool is_required(const struct server *s)
{
    return s->door->conf->tls_clients == SMTP_TLS_CLIENTS_REQUIRE && s->listener->tls != SMTP_TLS_NONE;
}

bool server_needs_tls(const struct server *s)
{
    return is_required(s) && !server_has_tls(s);
}

/* As Postfix has it: the handshake goes on, so that the client can be told why it is sent away. It is the one that we
 * talk to who has shown it, also while it forwards another's mail. */
bool server_is_unidentified(struct server *s)
{
    const struct session *session = s->session->via ? s->session->via : s->session;

    if (!is_required(s) || !server_has_tls(s) || session->tls_client.is_trusted)
        return false;
    server_say(s, REPLY_NO_CERTIFICATE);
    server_log_refusal(s, "connection", NULL, reply_code(REPLY_NO_CERTIFICATE),
                       session->tls_client.sha256.len ? SPAN("the client's certificate is not trusted")
                                                      : SPAN("the client showed no certificate"));
    server_close(s);
    return true;
}

/* ---- the handshake ---- */

static struct handshake_metrics *metrics_of(const struct server *s)
{
    return &s->door->engine->metrics.handshakes;
}

static void start(void *arg)
{
    struct server *s = arg;
    size_t injected = 0;

    s->handshake_us = clock_mono_us();
    server_set_clock(s, CLOCK_STANDS, 0);
    stream_release(s->stream);
    if (is_implicit(s)) {
        stream_begin_tls(s->stream, s->door->tls, NULL);
    } else {
        server_say(s, REPLY_START_TLS);
        stream_write(s->stream, strbuf_span(&s->out));
        strbuf_clear(&s->out);
        injected = stream_start_tls(s->stream, s->door->tls, NULL);
    }
    s->early_bytes = 0; /* thrown away with the rest */
    if (injected) {
        server_note(s, CONDUCT_PIPELINING, SPAN("STARTTLS"));
        server_log_refusal(s, "tls", NULL, 0, SPAN("commands behind STARTTLS were thrown away"));
    }
    server_set_read_timeout(s, s->door->conf->tls_handshake_ms);
}

static void cut(void *arg)
{
    struct server *s = arg;

    metrics_of(s)->refused++;
    server_log_refusal(s, "tls", NULL, 0, SPAN("the handshake was cut: it was slow, and others waited"));
    server_log_left(s);
    server_free(s);
}

/* Of who has shut its side the stream tells nothing any more, and no handshake would ever end. */
static bool has_left(struct server *s)
{
    if (!s->has_ended)
        return false;
    server_log_refusal(s, "tls", NULL, 0, SPAN("the client closed its side before the handshake"));
    metrics_of(s)->failed++;
    server_close(s);
    return true;
}

static void ask(struct server *s)
{
    if (has_left(s))
        return;
    server_wait(s);
    stream_hold(s->stream);
    s->handshake.client = s->client;
    s->handshake.start = start;
    s->handshake.cut = cut;
    s->handshake.arg = s;
    server_set_clock(s, CLOCK_HANDSHAKE, s->door->conf->tls_handshake_ms);
    handshakes_ask(s->door->handshakes, &s->handshake);
}

void server_begin_tls(struct server *s)
{
    ask(s);
}

/* There was no place for it in time. The client may go on in clear, or come again [RFC3207 4]. */
void server_tls_gives_up(struct server *s)
{
    metrics_of(s)->refused++;
    server_log_refusal(s, "tls", NULL, 0, SPAN("no handshake: too many others are under way"));
    handshakes_end(s->door->handshakes, &s->handshake);
    server_set_clock(s, CLOCK_STANDS, 0);
    stream_release(s->stream);
    server_say(s, REPLY_TLS_BUSY);
    if (is_implicit(s))
        server_close(s);
    server_resume(s);
}

/* What the client said in clear is forgotten [RFC3207 4.2]; who it is, we know from elsewhere. */
void server_tls_is_up(struct server *s)
{
    metrics_of(s)->done++;
    histogram_add(&metrics_of(s)->latency, clock_mono_us() - s->handshake_us);
    handshakes_end(s->door->handshakes, &s->handshake);
    s->session->lhlo = SPAN("");
    if (!s->is_helo_told)
        s->session->helo = SPAN("");
    s->state = SERVER_START;
    s->offered = 0;
    server_note_tls(s);
    s->is_waiting = false;
    if (is_implicit(s) && !server_is_unidentified(s))
        server_welcome(s);
    if (!s->is_waiting)
        server_resume(s);
}

void server_tls_failed(struct server *s)
{
    metrics_of(s)->failed++;
    server_log_refusal(s, "tls", NULL, 0, span_of(stream_error_text(s->stream)));
}

void server_starttls(struct server *s)
{
    enum reply wrong = REPLY_NONE;

    if (server_has_tls(s))
        wrong = REPLY_TLS_ALREADY;
    else if (!server_offers_starttls(s))
        wrong = REPLY_TLS_NOT_OFFERED;
    else if (s->state == SERVER_START)
        wrong = REPLY_NEED_HELO;
    else if (s->state == SERVER_MAIL)
        wrong = REPLY_IN_TRANSACTION;
    if (!wrong) {
        ask(s);
        return;
    }
    server_say(s, wrong);
    server_count_error(s);
}
