/* smtp/server_auth.c - AUTH, passed on to a next hop of submission [RFC4954].
 *
 * The client's lines go to the next hop and its replies come back, over a connection of the session's own: once the
 * login is good, the mail of the session takes that same connection (a next hop with a private hop, logins.h), so that
 * the next hop's rules for that user hold. When it is lost the login is, too: the client is told 421 and comes again.
 * With next_hop_client = xclient the next hop hears before the login whose it is, so that it can count his guesses.
 *
 * Passwords: the lines of an exchange are wiped wherever we hold them (stream_be_discreet()), and never logged.
 */
#include "gateway/smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/bug.h"
#include "gateway/smtp/hop_client.h"
#include "gateway/smtp/sasl.h"

enum turn {
    TURN_NOBODY, /* no exchange is under way */
    TURN_LINK,   /* the connection to the next hop is not there yet */
    TURN_HOP,
    TURN_CLIENT,
};

struct auth {
    struct server *server;
    struct hop *hop; /* private; NULL: none yet, or it has been lost */
    struct hop_task task;
    struct next_hop *next_hop; /* NULL: not logged in */
    struct sasl sasl;
    enum turn turn;
    bool is_cancelled;     /* by us: what came was no answer */
    bool is_starting;      /* inside of a command or an answer: who called goes on by himself */
    struct strbuf command; /* AUTH, until the connection is there */
    struct strbuf client;  /* hop_client_describe(), for XCLIENT */
};

static void take_reply(struct hop_task *task, const struct hop_reply *reply);

static struct auth *of_task(struct hop_task *task)
{
    return (struct auth *)((char *)task - offsetof(struct auth, task));
}

/* ---- what is offered ---- */

bool server_auth_offer(struct server *s, char *list)
{
    list[0] = '\0';
    if (!s->listener->auth || !s->door->logins || !server_has_tls(s) || s->session->auth_user.len)
        return false;
    sasl_filter(span_of(logins_offer(s->door->logins)), span_of(s->door->conf->auth_list), list);
    return list[0];
}

/* ---- the end of an exchange ---- */

static void wipe(struct strbuf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->capacity);
    strbuf_clear(b);
}

static void end_exchange(struct auth *a)
{
    a->turn = TURN_NOBODY;
    wipe(&a->command);
}

static void log_failure(struct server *s, unsigned code, struct span text)
{
    server_log_login(s, s->auth->sasl.user, s->auth->sasl.mechanism, code, text);
}

static void resume(struct auth *a)
{
    a->server->is_waiting = false;
    if (!a->is_starting)
        server_resume(a->server);
}

static void retire(struct auth *a)
{
    logins_retire(a->server->door->logins, a->hop);
    a->hop = NULL;
}

static void fail(struct auth *a, const char *why)
{
    struct server *s = a->server;

    end_exchange(a);
    retire(a);
    server_say(s, REPLY_AUTH_HOP);
    log_failure(s, reply_code(REPLY_AUTH_HOP), span_of(why));
    resume(a);
}

/* Who does not understand a command often repeats it; and there is a password in it. */
static struct span without_password(unsigned code, struct span text)
{
    return code >= 500 && code <= 504 ? SPAN("the next hop does not understand the login") : text;
}

static void refuse(struct auth *a, unsigned code, struct span text)
{
    struct server *s = a->server;

    end_exchange(a);
    if (logins_are_scarce(s->door->logins)) /* who guesses must not keep others out */
        retire(a);
    log_failure(s, code, without_password(code, text));
    if (a->is_cancelled)
        server_say(s, REPLY_AUTH_BAD);
    else
        server_say_text(s, code, "", text);
    s->is_waiting = false;
    if (code / 100 == 5)
        server_count_error(s);
    if (!s->is_waiting) /* not tarpitted */
        server_resume(s);
}

static void succeed(struct auth *a, struct span text)
{
    struct server *s = a->server;

    end_exchange(a);
    a->next_hop = logins_next_hop(s->door->logins, a->hop, a->sasl.user);
    a->hop = NULL; /* the next hop's */
    s->session->auth_user = arena_copy(s->session->arena, span_of(a->sasl.user));
    server_say_text(s, 235, reply_has_enhanced(235, text) ? "" : "2.7.0", text);
    resume(a);
}

/* ---- the next hop ---- */

/* Its own connection may offer what the last one did not, or may not be safe. */
static void on_ready(struct hop_task *task)
{
    struct auth *a = of_task(task);
    char list[SASL_LIST_MAX];

    sasl_filter(span_of(hop_task_auth(task)), span_of(a->sasl.mechanism), list);
    if (!list[0]) {
        hop_task_drop(task);
        fail(a, "the next hop no longer offers this mechanism over TLS");
        return;
    }
    hop_task_be_discreet(task, true);
    hop_expect(task, 1);
    hop_send(task, strbuf_span(&a->command));
    wipe(&a->command);
    a->turn = TURN_HOP;
}

static void challenge(struct auth *a, struct span text)
{
    a->turn = TURN_CLIENT;
    server_say_challenge(a->server, text);
    resume(a);
}

static void take_reply(struct hop_task *task, const struct hop_reply *reply)
{
    struct auth *a = of_task(task);
    struct span text = strbuf_span(&reply->text);
    unsigned code = reply->code;

    if (code == 334 && reply->lines == 1 && !a->is_cancelled) {
        challenge(a, text);
        return;
    }
    bool is_over = code == 421 || code < 400;

    if (is_over && (code != 235 || a->is_cancelled || !a->sasl.user[0])) {
        hop_task_drop(task);
        fail(a, code == 421 ? "the next hop closes the connection" : "the next hop's reply to AUTH is out of place");
        return;
    }
    hop_task_be_discreet(task, false);
    hop_task_done(task, false);
    if (code == 235)
        succeed(a, text);
    else
        refuse(a, code, text);
}

/* The client hears of it when it has answered: its next line is no command. */
static void on_lost(struct hop_task *task, const char *why)
{
    struct auth *a = of_task(task);

    if (a->turn == TURN_CLIENT)
        retire(a);
    else
        fail(a, why);
}

/* It will not have this client, whatever his login. */
static void on_refused(struct hop_task *task, const struct hop_reply *reply)
{
    struct auth *a = of_task(task);

    retire(a);
    refuse(a, reply->code, strbuf_span(&reply->text));
}

/* ---- the client ---- */

static enum reply auth_is_refused(struct server *s, const char *list)
{
    if (s->session->auth_user.len)
        return REPLY_AUTH_ALREADY;
    if (!s->listener->auth || !s->door->logins)
        return REPLY_NOT_IMPLEMENTED;
    if (!server_has_tls(s))
        return REPLY_AUTH_NEEDS_TLS;
    if (s->state != SERVER_READY)
        return s->state == SERVER_START ? REPLY_NEED_HELO : REPLY_IN_TRANSACTION;
    return list[0] ? REPLY_NONE : REPLY_AUTH_HOP;
}

static struct auth *auth_of(struct server *s)
{
    if (!s->auth) {
        s->auth = mem_alloc(sizeof *s->auth);
        s->auth->server = s;
        strbuf_init(&s->auth->command, SASL_LINE_MAX + 64);
        strbuf_init(&s->auth->client, HOP_CLIENT_WORDS_MAX);
    }
    return s->auth;
}

static void refuse_command(struct server *s, enum reply reply)
{
    server_say(s, reply);
    if (reply_code(reply) / 100 == 5)
        server_count_error(s);
}

static void name_client(struct auth *a)
{
    struct server *s = a->server;

    strbuf_clear(&a->client);
    if (logins_client(s->door->logins) == HOP_CLIENT_XCLIENT)
        hop_client_describe(&a->client, HOP_CLIENT_XCLIENT, s->session);
}

/* The connection is kept from one attempt to the next, while there are others: the next hop counts them. */
static void start(struct auth *a)
{
    struct server *s = a->server;

    a->is_starting = true;
    name_client(a);
    a->task = (struct hop_task){ .on_ready = on_ready,
                                 .on_reply = take_reply,
                                 .on_lost = on_lost,
                                 .on_refused = on_refused,
                                 .client = strbuf_span(&a->client) };
    a->turn = TURN_LINK;
    a->is_cancelled = false;
    server_wait(s);
    if (!a->hop || !hop_submit(a->hop, &a->task)) {
        retire(a);
        a->hop = logins_connect(s->door->logins);
        if (!a->hop || !hop_submit(a->hop, &a->task))
            fail(a, a->hop ? "the next hop is down" : "too many connections to the next hop already");
    }
    a->is_starting = false;
}

void server_auth(struct server *s, const struct smtp_command *command)
{
    struct span rest = command->argument, mechanism = { 0 };
    char list[SASL_LIST_MAX];

    server_auth_offer(s, list);
    enum reply wrong = auth_is_refused(s, list);

    if (wrong) {
        refuse_command(s, wrong);
        return;
    }
    struct auth *a = auth_of(s);

    span_word(&rest, &mechanism);
    rest = span_trim(rest);
    if (!sasl_begin(&a->sasl, mechanism, span_of(list))) {
        refuse_command(s, REPLY_AUTH_MECHANISM);
        return;
    }
    if (rest.len && !sasl_take(&a->sasl, rest)) {
        refuse_command(s, REPLY_AUTH_BAD);
        return;
    }
    strbuf_room(&a->command, rest.len + 64); /* so that no part of it is left behind when it grows */
    strbuf_putf(&a->command, "AUTH %s%s", a->sasl.mechanism, rest.len ? " " : "");
    strbuf_put(&a->command, rest);
    strbuf_puts(&a->command, "\r\n");
    start(a);
}

bool server_awaits_answer(const struct server *s)
{
    return s->auth && s->auth->turn == TURN_CLIENT;
}

void server_take_answer(struct server *s, struct span line)
{
    struct auth *a = s->auth;

    if (!a->hop) {
        a->is_starting = true;
        fail(a, "the connection to the next hop is lost");
        a->is_starting = false;
        return;
    }
    a->is_cancelled = !span_is(line, "*") && !sasl_take(&a->sasl, line);
    a->turn = TURN_HOP;
    server_wait(s);
    hop_expect(&a->task, 1);
    hop_send(&a->task, a->is_cancelled ? SPAN("*") : line);
    hop_send(&a->task, SPAN("\r\n"));
}

/* ---- logged in ---- */

struct next_hop *server_own_hop(const struct server *s)
{
    return s->auth ? s->auth->next_hop : NULL;
}

void server_forget_auth(struct server *s)
{
    struct auth *a = s->auth;

    if (!a)
        return;
    s->auth = NULL;
    if (a->turn != TURN_NOBODY)
        hop_withdraw(&a->task);
    next_hop_drop(a->next_hop);
    retire(a);
    wipe(&a->command);
    strbuf_release(&a->command);
    strbuf_release(&a->client);
    free(a);
}
