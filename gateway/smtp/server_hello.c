/* smtp/server_hello.c - who the client is: its name, and what it is offered. */
#include "gateway/smtp/sasl.h"
#include "gateway/smtp/server.h"

#include "gateway/base/bug.h"
#include "gateway/smtp/xclient.h"

/* A connection begins anew: a pipeline, and what is known of the client. */
void server_begin(struct server *s, const struct addr *client, unsigned port)
{
    pipeline_free(s->pipeline);
    s->pipeline = pipeline_new_resting(s->door->engine, "smtp");
    s->session = pipeline_session(s->pipeline);
    s->session->client = *client;
    s->session->client_port = port;
    s->session->is_lmtp = server_is_lmtp(s);
    s->session->is_relay_client = server_nets_have(&s->door->conf->relay_clients, client);
    s->state = SERVER_START;
    s->offered = 0;
    s->is_helo_told = s->is_suspect = false;
    server_note_tls(s);
}

/* ---- EHLO ---- */

/* What must hold up to the mailbox, so that we offer it only when every next hop does: 8BITMIME, without which there
 * is no SMTPUTF8 [RFC6531 3.1], BINARYMIME, DSN, and REQUIRETLS, which is for clients over TLS [RFC8689 2]. */
static unsigned passed_on(const struct server *s)
{
    const unsigned binary = EXTENSION_BINARYMIME | EXTENSION_CHUNKING;
    unsigned theirs = routes_extensions(s->door->routes);
    unsigned extensions = theirs & (EXTENSION_8BITMIME | EXTENSION_SMTPUTF8 | EXTENSION_DSN | EXTENSION_REQUIRETLS);

    if ((theirs & binary) == binary)
        extensions |= EXTENSION_BINARYMIME;
    if (!(extensions & EXTENSION_8BITMIME))
        extensions &= ~(unsigned)EXTENSION_SMTPUTF8;
    if (!stream_is_tls(s->stream))
        extensions &= ~(unsigned)EXTENSION_REQUIRETLS;
    return extensions;
}

static unsigned offered(struct server *s)
{
    char mechanisms[SASL_LIST_MAX];
    unsigned extensions = EXTENSION_PIPELINING | EXTENSION_CHUNKING | EXTENSION_ENHANCED | EXTENSION_SIZE |
                          EXTENSION_LIMITS | passed_on(s);

    if (server_offers_starttls(s))
        extensions |= EXTENSION_STARTTLS;
    if (s->door->conf->prdr && !server_is_lmtp(s))
        extensions |= EXTENSION_PRDR;
    if (server_auth_offer(s, mechanisms))
        extensions |= EXTENSION_AUTH;
    if (server_may_xclient(s))
        extensions |= EXTENSION_XCLIENT;
    if (server_may_xforward(s))
        extensions |= EXTENSION_XFORWARD;
    return extensions;
}

static void put_size(struct server *s, struct strbuf *out)
{
    strbuf_putf(out, "SIZE %llu", (unsigned long long)s->size_most);
}

static void put_limits(struct server *s, struct strbuf *out)
{
    strbuf_putf(out, "LIMITS RCPTMAX=%llu", (unsigned long long)s->recipients_most);
}

static void put_auth(struct server *s, struct strbuf *out)
{
    char mechanisms[SASL_LIST_MAX];

    server_auth_offer(s, mechanisms);
    strbuf_putf(out, "AUTH %s", mechanisms);
}

static void put_xforward(struct server *s, struct strbuf *out)
{
    (void)s;
    strbuf_puts(out, XFORWARD_OFFER);
}

static void put_xclient(struct server *s, struct strbuf *out)
{
    (void)s;
    strbuf_puts(out, XCLIENT_OFFER);
}

/* The lines of the reply to EHLO, in order. */
static const struct offer {
    enum smtp_extension extension;
    void (*put)(struct server *s, struct strbuf *out); /* NULL: the keyword alone */
} offers[] = {
    { EXTENSION_PIPELINING, NULL },       { EXTENSION_CHUNKING, NULL },
    { EXTENSION_BINARYMIME, NULL },       { EXTENSION_PRDR, NULL },
    { EXTENSION_SIZE, put_size },         { EXTENSION_8BITMIME, NULL },
    { EXTENSION_SMTPUTF8, NULL },         { EXTENSION_DSN, NULL },
    { EXTENSION_AUTH, put_auth },         { EXTENSION_STARTTLS, NULL },
    { EXTENSION_REQUIRETLS, NULL },       { EXTENSION_XCLIENT, put_xclient },
    { EXTENSION_XFORWARD, put_xforward }, { EXTENSION_LIMITS, put_limits },
    { EXTENSION_ENHANCED, NULL },
};

static void say_ehlo(struct server *s)
{
    s->offered = offered(s);
    strbuf_putf(&s->out, "250-%s\r\n", s->session->hostname);
    for (size_t i = 0; i < COUNT(offers); i++) {
        bool is_last = i + 1 == COUNT(offers); /* ENHANCEDSTATUSCODES: always offered */

        if (!(s->offered & offers[i].extension))
            continue;
        strbuf_puts(&s->out, is_last ? "250 " : "250-");
        if (offers[i].put)
            offers[i].put(s, &s->out);
        else
            strbuf_puts(&s->out, extension_name(offers[i].extension));
        strbuf_puts(&s->out, "\r\n");
    }
    if (server_own_hop(s)) /* nobody logs in twice, but MAIL may have AUTH= [RFC4954 5] */
        s->offered |= EXTENSION_AUTH;
}

/* What the client greets with: into the session. */
static void note_name(struct server *s, struct span name, bool is_esmtp)
{
    struct session *session = s->session;
    struct span *known = session->is_lmtp && !s->is_helo_told ? &session->lhlo : &session->helo;

    if (s->state != SERVER_START && span_eq(*known, name) && session->is_esmtp == is_esmtp)
        return;
    *known = arena_copy(session->arena, name);
    session->is_esmtp = is_esmtp;
    pipeline_reach(s->pipeline, STAGE_HELO);
}

/* EHLO ends a transaction, as RSET does [RFC5321 4.1.4]. */
void server_hello(struct server *s, const struct smtp_command *command)
{
    bool is_told = s->xclient && (s->xclient->facts.given & XCLIENT_PROTO);
    bool is_esmtp = is_told ? s->xclient->facts.is_esmtp : command->verb != VERB_HELO;

    if ((command->verb == VERB_LHLO) != server_is_lmtp(s)) {
        server_say(s, server_is_lmtp(s) ? REPLY_SPEAK_LMTP : REPLY_SPEAK_SMTP);
        server_count_error(s);
        return;
    }
    if (s->state == SERVER_MAIL)
        server_end_transaction(s);
    server_forget_forward(s);
    note_name(s, s->is_helo_told ? s->session->helo : command->argument, is_esmtp);
    s->state = SERVER_READY;
    s->offered = 0;
    s->size_most = routes_size_most(s->door->routes);
    s->recipients_most = routes_recipients_most(s->door->routes);
    if (command->verb != VERB_HELO)
        say_ehlo(s);
    else
        server_say(s, REPLY_HELO);
}
