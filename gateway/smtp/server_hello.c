/* smtp/server_hello.c - who the client is: its name, and what it is offered. */
#include "gateway/smtp/sasl.h"
#include "gateway/smtp/server.h"

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
    s->is_helo_told = false;
    server_note_tls(s);
}

/* ---- EHLO ---- */

/* What we and every next hop offer. */
static unsigned offered(const struct server *s)
{
    const unsigned binary = EXTENSION_BINARYMIME | EXTENSION_CHUNKING;
    unsigned theirs = routes_extensions(s->door->routes);
    unsigned extensions = EXTENSION_PIPELINING | EXTENSION_ENHANCED | EXTENSION_SIZE | EXTENSION_CHUNKING;

    if (s->door->conf->prdr && !server_is_lmtp(s))
        extensions |= EXTENSION_PRDR;
    extensions |= theirs & EXTENSION_8BITMIME;
    if ((theirs & binary) == binary)
        extensions |= EXTENSION_BINARYMIME;
    if (server_offers_starttls(s))
        extensions |= EXTENSION_STARTTLS;
    return extensions;
}

static void say_ehlo(struct server *s)
{
    char mechanisms[SASL_LIST_MAX];

    s->offered = offered(s);
    strbuf_putf(&s->out, "250-%s\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-SIZE %llu\r\n", s->session->hostname,
                (unsigned long long)s->size_most);
    if (s->offered & EXTENSION_8BITMIME)
        strbuf_puts(&s->out, "250-8BITMIME\r\n");
    if (s->offered & EXTENSION_BINARYMIME)
        strbuf_puts(&s->out, "250-BINARYMIME\r\n");
    if (s->offered & EXTENSION_PRDR)
        strbuf_puts(&s->out, "250-PRDR\r\n");
    if (server_auth_offer(s, mechanisms))
        strbuf_putf(&s->out, "250-AUTH %s\r\n", mechanisms);
    if (s->offered & EXTENSION_STARTTLS)
        strbuf_puts(&s->out, "250-STARTTLS\r\n");
    if (server_nets_have(&s->door->conf->xclient_clients, &s->client))
        strbuf_puts(&s->out, "250-" XCLIENT_OFFER "\r\n");
    if (server_nets_have(&s->door->conf->xforward_clients, &s->client))
        strbuf_puts(&s->out, "250-" XFORWARD_OFFER "\r\n");
    strbuf_puts(&s->out, "250 ENHANCEDSTATUSCODES\r\n");
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
    if (command->verb != VERB_HELO)
        say_ehlo(s);
    else
        server_say(s, REPLY_HELO);
}
