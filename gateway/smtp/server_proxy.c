/* smtp/server_proxy.c - connections that a proxy in front of us hands on: whom it talks to is told before all else.
 *
 * Nothing is said until the header is here, and a listed peer cannot go on without one: what it sends would else be
 * taken for its own mail, with a proxy's rights.
 */
#include "gateway/smtp/server.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/proxy_header.h"

enum { PROXY_MS = 5000 };

/* The operator must hear of it, but not for each connection. */
static void raise_alarm(struct server *s, const char *what)
{
    char ip[ADDR_TEXT_MAX], key[ALARM_KEY_MAX], text[400];

    snprintf(key, sizeof key, "proxy %s", addr_text(&s->peer, ip));
    snprintf(text, sizeof text,
             "%s is in smtp.proxy_clients, but its connection began with %s: let it send the PROXY protocol (in "
             "haproxy: send-proxy or send-proxy-v2), or take it off the list",
             ip, what);
    alarms_raise(&s->door->engine->alarms, key, text);
}

void server_await_proxy(struct server *s)
{
    s->state = SERVER_PROXY;
    server_set_clock(s, CLOCK_PROXY, PROXY_MS);
}

void server_proxy_is_late(struct server *s)
{
    raise_alarm(s, stream_input(s->stream).len ? "half a header" : "silence");
    server_say(s, REPLY_PROXY_LATE);
    server_close(s);
}

static void copy(struct span from, char *to, size_t size)
{
    from = span_first(from, size - 1);
    if (from.len)
        memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
}

static void keep(struct server *s, const struct proxy_header *h)
{
    struct proxied *p;

    s->client = h->client;
    s->client_port = h->client_port;
    s->destination = h->destination;
    s->destination_port = h->destination_port;
    if (!h->is_tls && !h->unique_id.len)
        return;
    p = s->proxied = mem_alloc(sizeof *p);
    p->is_tls = h->is_tls;
    copy(h->tls_version, p->tls_version, sizeof p->tls_version);
    copy(h->tls_cipher, p->tls_cipher, sizeof p->tls_cipher);
    copy(h->authority, p->tls_name, sizeof p->tls_name);
    copy(h->is_certified ? h->tls_subject_cn : SPAN(""), p->tls_subject, sizeof p->tls_subject);
    p->id_len = h->unique_id.len;
    if (p->id_len)
        memcpy(p->id, h->unique_id.ptr, p->id_len);
}

/* The client's own, or the one that ends at a proxy. */
bool server_has_tls(const struct server *s)
{
    return stream_is_tls(s->stream) || (s->proxied && s->proxied->is_tls);
}

/* Limits hold for the client, not for its proxy. */
static void arrive(struct server *s)
{
    server_begin(s, &s->client, s->client_port);
    guest_leave(&s->guest);
    if (guest_enter(s->door->guests, &s->client, server_is_known(s->door, s->listener, &s->client), &s->guest))
        server_greet(s);
    else
        server_turn_away(s);
}

bool server_take_proxy(struct server *s)
{
    struct proxy_header header;
    const char *why;
    size_t took;
    enum proxy_state state = proxy_header_parse(stream_input(s->stream), &header, &took, &why);

    if (state == PROXY_MORE)
        return false;
    server_set_clock(s, CLOCK_STANDS, 0);
    if (state == PROXY_BAD) {
        raise_alarm(s, why);
        server_close(s);
        return false;
    }
    if (!header.is_local)
        keep(s, &header);
    stream_consume(s->stream, took);
    arrive(s);
    return true;
}
