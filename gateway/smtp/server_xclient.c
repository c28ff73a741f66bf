/* smtp/server_xclient.c - peers that tell who their client is: XCLIENT for the session, XFORWARD for one transaction
 * [Postfix XCLIENT_README, XFORWARD_README].
 *
 * With XFORWARD the peer is a mail server that has let its client in already, and stays the one who talks: its right to
 * relay holds, its name stands in our Received field. The forwarded client has a pipeline of its own, in which the
 * checks of CONNECT and HELO run for it; the peer's waits meanwhile.
 *
 * With XCLIENT somebody else stands in the peer's place, and has his own rights, XCLIENT's too: a proxy such as nginx
 * lets its client's words through from then on.
 */
#include "gateway/smtp/server.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum { TOLD_ARENA_BYTES = 64 * 1024 };

/* ---- what was told ---- */

static struct told *told_new(void)
{
    struct told *t = mem_alloc(sizeof *t);

    arena_init(&t->arena, TOLD_ARENA_BYTES);
    return t;
}

static void told_free(struct told *t)
{
    if (!t)
        return;
    arena_release(&t->arena);
    free(t);
}

static bool has_told(const struct server *s, enum xclient_attribute which)
{
    return s->xclient && (s->xclient->facts.given & which);
}

/* A peer at a unix socket is on this machine, as one at 127.0.0.1 is. */
static bool may_tell(const struct server *s, const struct conf_nets *trusted)
{
    static const struct addr here = { .family = ADDR_IP4, .bytes = { 127, 0, 0, 1 } };
    const struct addr *peer = s->peer.family == ADDR_NONE ? &here : &s->client;

    return server_nets_have(trusted, has_told(s, XCLIENT_ADDR) ? &s->xclient->facts.addr : peer);
}

bool server_may_xclient(const struct server *s)
{
    return may_tell(s, &s->door->conf->xclient_clients);
}

bool server_may_xforward(const struct server *s)
{
    return may_tell(s, &s->door->conf->xforward_clients);
}

/* True when it was taken; else the client has been told why not. */
static bool take(struct server *s, struct told **told, const struct smtp_command *command, enum xclient_command kind)
{
    bool is_xclient = kind == XCLIENT_COMMAND;
    struct xclient x;
    enum reply wrong = REPLY_NONE;

    if (!(is_xclient ? server_may_xclient(s) : server_may_xforward(s)))
        wrong = REPLY_XCLIENT_DENIED;
    else if (s->state == SERVER_MAIL)
        wrong = REPLY_IN_TRANSACTION;
    else if (!*told)
        *told = told_new();
    if (!wrong && (xclient_parse(&(*told)->arena, command->argument, kind, &x) || arena_is_over(&(*told)->arena)))
        wrong = REPLY_BAD_XCLIENT;
    if (wrong) {
        server_say_about(s, wrong, span_of(is_xclient ? "XCLIENT" : "XFORWARD"));
        server_count_error(s);
        return false;
    }
    if (is_xclient) /* who it is to be now has not said HELO yet, nor logged in */
        (*told)->facts.given &= ~(unsigned)(XCLIENT_HELO | XCLIENT_LOGIN);
    xclient_add(&(*told)->facts, &x);
    return true;
}

static void apply(struct session *session, const struct xclient *x)
{
    session->client_ptr = arena_copy(session->arena, x->given & XCLIENT_NAME ? x->name : SPAN(""));
    session->auth_user = arena_copy(session->arena, x->given & XCLIENT_LOGIN ? x->login : SPAN(""));
}

/* ---- XCLIENT ---- */

/* False: there are too many of that client already. Rates are for who tells us to keep. */
static bool take_place(struct server *s, const struct addr *client)
{
    guest_leave(&s->guest);
    if (guest_enter(s->door->guests, client, server_is_known(s->door, s->listener, client), &s->guest))
        return true;
    server_turn_away(s);
    return false;
}

/* Who talks LMTP to us is nobody's client: what is not told stays unknown. */
static void become(struct server *s, const struct xclient *x)
{
    static const struct addr nobody = { 0 };
    const struct addr *peer = server_is_lmtp(s) ? &nobody : &s->client;
    const struct addr *client = x->given & XCLIENT_ADDR ? &x->addr : peer;
    unsigned port = server_is_lmtp(s) ? 0 : s->client_port;

    if (!take_place(s, client))
        return;
    server_begin(s, client, x->given & XCLIENT_PORT ? x->port : port);
    apply(s->session, x);
    if (x->helo.len && (x->given & XCLIENT_HELO)) {
        s->session->helo = arena_copy(s->session->arena, x->helo);
        s->is_helo_told = true;
    }
    pipeline_reach(s->pipeline, STAGE_CONNECT);
    server_say(s, server_is_lmtp(s) ? REPLY_BANNER_LMTP : REPLY_BANNER);
}

void server_xclient(struct server *s, const struct smtp_command *command)
{
    if (!take(s, &s->xclient, command, XCLIENT_COMMAND))
        return;
    const struct xclient *x = &s->xclient->facts;

    if (x->given & XCLIENT_DESTADDR)
        s->destination = x->destination;
    if (x->given & XCLIENT_DESTPORT)
        s->destination_port = x->destination_port;
    server_forget_forward(s);
    server_forget_auth(s);
    become(s, x);
}

/* ---- XFORWARD ---- */

void server_xforward(struct server *s, const struct smtp_command *command)
{
    if (take(s, &s->xforward, command, XFORWARD_COMMAND))
        server_say(s, REPLY_OK);
}

void server_begin_forwarded(struct server *s)
{
    const struct session *via = s->session;
    struct session *session;

    if (!s->xforward || !s->xforward->facts.given)
        return;
    const struct xclient *x = &s->xforward->facts;

    s->own_pipeline = s->pipeline;
    s->pipeline = pipeline_new(s->door->engine, via->door);
    s->session = session = pipeline_session(s->pipeline);
    session->via = via;
    session->client = x->given & XCLIENT_ADDR ? x->addr : via->client;
    session->client_port = x->given & XCLIENT_PORT ? x->port : via->client_port;
    session->is_relay_client = x->is_local || server_nets_have(&s->door->conf->relay_clients, &session->client);
    apply(session, x);
    session->helo = arena_copy(session->arena, x->given & XCLIENT_HELO ? x->helo : SPAN(""));
    session->is_esmtp = x->is_esmtp;
    pipeline_reach(s->pipeline, STAGE_CONNECT);
    pipeline_reach(s->pipeline, STAGE_HELO);
}

void server_forget_forward(struct server *s)
{
    if (s->own_pipeline) {
        pipeline_free(s->pipeline);
        s->pipeline = s->own_pipeline;
        s->session = pipeline_session(s->pipeline);
        s->own_pipeline = NULL;
    }
    told_free(s->xforward);
    s->xforward = NULL;
}

void server_forget_told(struct server *s)
{
    server_forget_forward(s);
    told_free(s->xclient);
    s->xclient = NULL;
}
