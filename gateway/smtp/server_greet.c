/* smtp/server_greet.c - the banner: who may have it at once, who has to wait for it, and who gets none.
 *
 * Postscreen's first test: a stranger sees one line of a greeting of two ("220-"), and the second one only after a
 * while. A mail server waits for it [RFC5321 4.3.1]; who speaks meanwhile is a program that never listens. The checks
 * of the connection run during the wait, and an allow list among them ends it. Whoever has waited has a pass for a
 * day, and for longer once its mail was taken (smtp/guests.h).
 */
#include "gateway/smtp/server.h"

/* ---- who ---- */

bool server_nets_have(const struct conf_nets *nets, const struct addr *a)
{
    for (size_t i = 0; i < nets->count; i++)
        if (addr_in(a, &nets->items[i]))
            return true;
    return false;
}

/* An LMTP client hands on what it took from others: it is one of ours. */
bool server_is_known(const struct smtp_door *door, const struct smtp_listener *ways, const struct addr *client)
{
    const struct smtp_conf *conf = door->conf;

    return ways->protocol == SMTP_PROTOCOL_LMTP || client->family == ADDR_NONE ||
           server_nets_have(&conf->clients.known, client) || server_nets_have(&conf->relay_clients, client) ||
           server_nets_have(&conf->xclient_clients, client);
}

/* ---- conduct ---- */

/* What may be shown of it: passwords come behind AUTH, also where nobody offers it. */
static struct span without_password(const struct server *s, struct span said)
{
    struct span rest = said, line;

    if (s->listener->auth || s->has_said_auth)
        return SPAN("");
    while (span_cut(&rest, '\n', &line))
        if (span_istarts(line, SPAN("AUTH")))
            return span_first(said, (size_t)(line.ptr - said.ptr));
    return said;
}

void server_note(struct server *s, enum conduct kind, struct span said)
{
    said = without_password(s, said);
    if (s->guest.is_known || !session_note(s->session, kind, said))
        return;
    guest_misbehaves(&s->guest);
    server_log_conduct(s, conduct_text(kind), said);
}

void server_praise(struct server *s)
{
    for (unsigned kind = 0; kind < CONDUCT_COUNT; kind++)
        if (s->session->conduct[kind].count)
            return;
    guest_is_good(&s->guest);
}

/* ---- waiting ---- */

static int wait_ms(const struct server *s)
{
    const struct clients_conf *conf = &s->door->conf->clients;
    bool is_spared = s->guest.is_known || s->guest.is_store_out || s->guest.pass != GUEST_NO_PASS;

    if (is_spared || server_is_lmtp(s) || stream_is_tls(s->stream))
        return 0;
    bool is_shorter = s->door->is_busy && conf->greet_wait_busy_ms < conf->greet_wait_ms;

    return is_shorter ? conf->greet_wait_busy_ms : conf->greet_wait_ms;
}

static void end_wait(struct server *s)
{
    s->is_greeting = false;
    server_set_clock(s, CLOCK_STANDS, 0);
    if (!s->session->conduct[CONDUCT_PREGREET].count) {
        server_log_conduct(s, "PASS NEW", SPAN(""));
        guest_has_waited(&s->guest);
    }
    server_say(s, REPLY_BANNER);
    server_resume(s);
}

void server_greeting_is_due(struct server *s)
{
    end_wait(s);
}

void server_spoke_early(struct server *s)
{
    server_note(s, CONDUCT_PREGREET, stream_input(s->stream));
    end_wait(s);
}

/* The checks of the connection are done; the client may have been gone through the wait already. */
static void on_checked(void *arg, const struct verdict *verdict)
{
    struct server *s = arg;

    if (s->is_greeting && verdict->score <= s->door->conf->clients.greet_vouch)
        end_wait(s);
}

void server_welcome(struct server *s)
{
    int ms = wait_ms(s);
    struct span early = stream_input(s->stream);

    if (server_begins_with_tls(s)) {
        server_begin_tls(s);
        return;
    }
    pipeline_reach(s->pipeline, STAGE_CONNECT);
    if (ms && !early.len) {
        strbuf_putf(&s->out, "220-%s ESMTP Postern\r\n", s->session->hostname);
        s->is_greeting = true;
        server_wait(s);
        server_set_clock(s, CLOCK_GREET, ms);
        pipeline_await(s->pipeline, STAGE_CONNECT, ms, on_checked, s);
        server_flush(s);
        return;
    }
    if (ms)
        server_note(s, CONDUCT_PREGREET, early);
    else if (s->guest.pass != GUEST_NO_PASS)
        server_log_conduct(s, "PASS OLD", SPAN(""));
    server_say(s, server_is_lmtp(s) ? REPLY_BANNER_LMTP : REPLY_BANNER);
}

void server_turn_away(struct server *s)
{
    char reason[GUEST_REASON_MAX];

    guest_reason(&s->guest, reason);
    server_say_about(s, REPLY_CLIENT_LIMIT, span_of(reason));
    server_log_refusal(s, "connection", NULL, reply_code(REPLY_CLIENT_LIMIT), span_of(reason));
    server_close(s);
}

static void on_asked(void *arg)
{
    struct server *s = arg;

    s->is_waiting = false;
    if (s->guest.over)
        server_turn_away(s);
    else
        server_welcome(s);
    if (!s->is_waiting)
        server_resume(s);
}

/* An LMTP client is a mail server of ours that hands on what it has taken from others: its own address says nothing of
 * the sender's host. Until it tells more, the client is not known, and what judges clients has nothing to say. */
void server_greet(struct server *s)
{
    const struct addr nobody = { 0 };

    server_begin(s, server_is_lmtp(s) ? &nobody : &s->client, server_is_lmtp(s) ? 0 : s->client_port);
    if (guest_ask(&s->guest, on_asked, s))
        server_wait(s);
    else
        server_welcome(s);
}
