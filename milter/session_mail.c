/* milter/session_mail.c - who the client is, and the envelope: what the MTA tells of them, and who of the recipients is
 * refused. */
#include "milter/session.h"

#include <stdio.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/base/utf8.h"
#include "milter/actions.h"

enum { HELO_MOST = 512, NAME_MOST = 255 };

/* ---- foreign text ---- */

/* What may go into headers and logs: no control characters. */
static struct span washed(struct arena *a, struct span text, size_t most)
{
    char *out = arena_dup(a, span_first(text, most));
    size_t len = span_first(text, most).len;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = '?';
    return span_make(out, len);
}

/* The MTA has taken it for an address: what is none by our grammar is cut at its last "@". */
static void take_address(struct arena *a, struct span path, bool may_be_null, struct address *out)
{
    struct span text = span_trim(washed(a, path, ADDRESS_BODY_MAX)), rest = text;

    if (!address_path(&rest, may_be_null, out) && !rest.len)
        return;
    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        text = span_make(text.ptr + 1, text.len - 2);
    size_t at = span_rfind(text, '@');

    *out = (struct address){ .text = text, .local = span_first(text, at), .is_utf8 = !ascii_is_all(text) };
    if (at != SPAN_NPOS)
        out->domain = span_skip(text, at + 1);
}

/* ---- macros ---- */

static struct span told(const struct milter_session *s, enum macro which)
{
    return s->told_now.values[which].len ? s->told_now.values[which] : s->told.values[which];
}

struct span milter_queue_id(const struct milter_session *s)
{
    return told(s, MACRO_QUEUE_ID);
}

static bool is_connections(char stage)
{
    return stage == SMFIC_CONNECT || stage == SMFIC_HELO;
}

bool milter_take_macros(struct milter_session *s, struct span data)
{
    if (!data.len)
        return false;
    char stage = *data.ptr;

    milter_need_pipeline(s);
    if (stage == SMFIC_MAIL) /* a transaction that is still open ends with the next one's first word */
        milter_end_transaction(s);
    data = span_skip(data, 1);
    if (stage == SMFIC_RCPT)
        macros_forget_recipient(&s->told_now);
    if (is_connections(stage))
        macros_take(&s->told, s->session->arena, data);
    else
        macros_take(&s->told_now, s->session->tx_arena, data);
    return true;
}

/* ---- the client ---- */

void milter_need_pipeline(struct milter_session *s)
{
    if (s->pipeline)
        return;
    s->pipeline = pipeline_new(s->door->engine, "milter");
    s->session = pipeline_session(s->pipeline);
    s->session->is_esmtp = true;
    pipeline_limit_tarpit(s->pipeline, s->door->conf->tarpit_most_ms);
}

/* A name of the client that is worth asking about: "[192.0.2.1]" and "unknown" say only that the MTA has none. */
static bool is_name(struct span name)
{
    return name.len && name.len <= NAME_MOST && name.ptr[0] != '[' && !span_iis(name, "unknown");
}

/* {client_name} is the name that the MTA has confirmed, and {client_ptr} any; both of Postfix and of Sendmail. */
static bool is_confirmed(const struct milter_session *s)
{
    struct span name = s->told.values[MACRO_CLIENT_NAME];

    return is_name(name) && span_ieq(name, s->told.values[MACRO_CLIENT_PTR]);
}

static bool is_ours(const struct milter_session *s, const struct milter_client *client)
{
    const struct conf_nets *nets = &s->door->conf->relay_clients;
    const struct conf_strs *daemons = &s->door->conf->relay_daemons;

    for (size_t i = 0; i < nets->count; i++)
        if (addr_in(&s->session->client, &nets->items[i]))
            return true;
    for (size_t i = 0; i < daemons->count; i++)
        if (span_is(s->told.values[MACRO_DAEMON], daemons->items[i]))
            return true;
    return client->family == SMFIA_UNIX; /* a program on the mail server itself */
}

static void know_client(struct milter_session *s, const struct milter_client *client)
{
    struct session *session = s->session;
    const struct span names[] = { s->told.values[MACRO_CLIENT_PTR], client->hostname,
                                  s->told.values[MACRO_CLIENT_NAME] };
    uint64_t port = 0;

    session->client = client->addr;
    session->client_port = client->port;
    if (client->addr.family == ADDR_NONE && client->family != SMFIA_UNIX &&
        !addr_parse(s->told.values[MACRO_CLIENT_ADDR], &session->client) &&
        !span_u64(s->told.values[MACRO_CLIENT_PORT], 65535, &port))
        session->client_port = (unsigned)port;
    session->client_ptr = SPAN("");
    session->is_client_ptr_confirmed = is_confirmed(s);
    for (size_t i = 0; i < COUNT(names) && !session->client_ptr.len; i++)
        if (is_name(names[i]))
            session->client_ptr = washed(session->arena, names[i], NAME_MOST);
    session->is_relay_client = is_ours(s, client);
    s->is_client_known = true;
    pipeline_reach(s->pipeline, STAGE_CONNECT);
}

bool milter_take_client(struct milter_session *s, struct span data)
{
    struct milter_client client;

    if (s->state != MILTER_READY || s->is_client_known || packet_client(data, &client))
        return false;
    milter_need_pipeline(s);
    know_client(s, &client);
    milter_say(s, SMFIR_CONTINUE, SMFIP_NR_CONN);
    return true;
}

/* An MTA may leave the client out, or tell of it in macros alone. */
static void need_client(struct milter_session *s)
{
    const struct milter_client unknown = { .family = SMFIA_UNKNOWN };

    milter_need_pipeline(s);
    if (!s->is_client_known)
        know_client(s, &unknown);
}

static void know_tls(struct milter_session *s)
{
    struct session *session = s->session;
    struct span bits = told(s, MACRO_TLS_BITS);
    uint64_t number = 0;

    if (!told(s, MACRO_TLS_VERSION).len || session->tls_version[0])
        return;
    session->tls_version = arena_dup(session->arena, washed(session->arena, told(s, MACRO_TLS_VERSION), HELO_MOST));
    session->tls_cipher = arena_dup(session->arena, washed(session->arena, told(s, MACRO_TLS_CIPHER), HELO_MOST));
    session->tls_bits = span_u64(bits, UINT16_MAX, &number) ? 0 : (unsigned)number;
}

/* A client that greets for ever is heard no more, and cannot send mail (is_for_later). */
static void know_helo(struct milter_session *s, struct span name)
{
    if (arena_is_over(s->session->arena))
        return;
    if (!s->is_helo_known || !span_eq(s->session->helo, name)) {
        s->session->helo = washed(s->session->arena, name, HELO_MOST);
        s->is_helo_known = true;
        pipeline_reach(s->pipeline, STAGE_HELO);
    }
}

/* EHLO in the midst of a transaction ends it [RFC5321 4.1.4]; MTAs say so by SMFIC_ABORT, or not at all. */
bool milter_take_helo(struct milter_session *s, struct span data)
{
    struct span name = SPAN("");

    packet_text(&data, &name);
    milter_end_transaction(s);
    need_client(s);
    know_tls(s);
    know_helo(s, name);
    milter_say(s, SMFIR_CONTINUE, SMFIP_NR_HELO);
    return true;
}

/* ---- MAIL ---- */

static void take_parameter(struct session *session, struct span parameter)
{
    struct span name, value = parameter;
    uint64_t size = 0;

    span_cut(&value, '=', &name);
    if (span_iis(name, "SIZE") && value.ptr && !span_u64(value, SIZE_MAX / 2, &size))
        session->declared_bytes = (size_t)size;
    else if (span_iis(name, "BODY") && value.ptr)
        session->is_8bit = span_iis(value, "8BITMIME");
    else if (span_iis(name, "SMTPUTF8"))
        session->is_smtputf8 = true;
}

/* Who has authenticated without a name (by a certificate) is known all the same. {auth_author} is what the client says
 * of itself, and proves nothing. */
static void know_user(struct milter_session *s)
{
    struct session *session = s->session;
    struct span user = told(s, MACRO_AUTH_USER);

    if (!user.len && told(s, MACRO_AUTH_TYPE).len)
        user = SPAN("authenticated");
    if (!span_eq(session->auth_user, user))
        session->auth_user = washed(session->arena, user, MACRO_VALUE_MOST);
}

/* True when the verdict refuses; then it has been told. */
static bool is_refused_by(struct milter_session *s, const struct verdict *verdict, const char *what)
{
    enum action action = verdict->action;

    if (!verdict->is_certain || (action != ACTION_REJECT && action != ACTION_DEFER && action != ACTION_GREYLIST))
        return false;
    struct verdict_reply reply = pipeline_reply(s->pipeline, verdict);

    actions_reply(&s->out, reply.code, reply.enhanced, span_of(reply.text), s->session->id);
    milter_log_refusal(s, what, verdict, reply.code, span_of(reply.text));
    return true;
}

static void on_mail_verdict(void *arg, const struct verdict *verdict)
{
    struct milter_session *s = arg;

    if (is_refused_by(s, verdict, "sender"))
        milter_end_transaction(s);
    else
        milter_say(s, SMFIR_CONTINUE, 0);
    milter_resume(s);
}

static void begin_transaction(struct milter_session *s)
{
    milter_end_transaction(s);
    need_client(s);
    know_tls(s);
    if (!s->is_helo_known)
        know_helo(s, SPAN(""));
    s->state = MILTER_MAIL;
    s->refused_by_mta = 0;
    s->unexamined = NULL;
    s->is_certain = s->is_skipping = s->has_header_end = false;
    s->spool_fault = FAULT_NONE;
    s->begun_ms = clock_mono_ms();
    s->session->started_wall_ms = clock_wall_ms();
    know_user(s);
}

bool milter_take_mail(struct milter_session *s, struct span data)
{
    struct span path, parameter;

    if (!packet_text(&data, &path))
        return false;
    begin_transaction(s);
    take_address(s->session->tx_arena, path, true, &s->session->mail_from);
    while (packet_text(&data, &parameter))
        take_parameter(s->session, parameter);
    pipeline_reach(s->pipeline, STAGE_MAIL);
    if (s->terms.protocol & SMFIP_NR_MAIL || !s->door->engine->actions->early || !s->door->conf->rcpt_wait_ms) {
        milter_say(s, SMFIR_CONTINUE, SMFIP_NR_MAIL);
        return true;
    }
    milter_wait(s);
    pipeline_decide(s->pipeline, STAGE_MAIL, s->door->conf->rcpt_wait_ms, on_mail_verdict, s);
    return true;
}

/* ---- RCPT ---- */

static void put_off(struct milter_session *s, unsigned code, const char *enhanced, const char *text)
{
    actions_reply(&s->out, code, enhanced, span_of(text), s->session->id);
    milter_log_refusal(s, "recipient", NULL, code, span_of(text));
}

/* We cannot do our work: true when this recipient has got its answer. */
static bool is_trouble(struct milter_session *s, const char *why)
{
    char text[128];

    if (!why)
        return false;
    if (s->door->conf->on_failure == MILTER_ACCEPT) {
        s->unexamined = why;
        milter_say(s, SMFIR_CONTINUE, 0);
    } else {
        snprintf(text, sizeof text, "Too busy: %s; try again later", why);
        put_off(s, 451, "4.3.2", text);
    }
    return true;
}

static void on_rcpt_verdict(void *arg, const struct verdict *verdict)
{
    struct milter_session *s = arg;

    if (is_refused_by(s, verdict, "recipient")) {
        s->session->recipient_count--;
    } else {
        s->is_certain = verdict->is_certain;
        milter_say(s, SMFIR_CONTINUE, 0);
    }
    milter_resume(s);
}

/* The MTA itself has refused it, and tells us for our information [SMFIP_RCPT_REJ]. */
static bool is_refused_by_mta(const struct milter_session *s)
{
    return (s->terms.protocol & SMFIP_RCPT_REJ) && span_is(s->told_now.values[MACRO_RCPT_MAILER], "error");
}

static void judge_recipient(struct milter_session *s)
{
    pipeline_reach(s->pipeline, STAGE_RCPT);
    if (!s->door->conf->rcpt_wait_ms) {
        milter_say(s, SMFIR_CONTINUE, 0);
        return;
    }
    milter_wait(s);
    pipeline_decide(s->pipeline, STAGE_RCPT, s->door->conf->rcpt_wait_ms, on_rcpt_verdict, s);
}

/* One that has to come in a transaction of its own; then it has been told. At 421 MTAs close the connection. */
static bool is_for_later(struct milter_session *s, const struct address *address)
{
    const struct session *session = s->session;

    if (arena_is_over(session->arena))
        put_off(s, 421, "4.3.1", "Too much for one connection; send the rest in another");
    else if (session->recipient_count >= (size_t)s->door->conf->recipients_most || pipeline_is_over(s->pipeline))
        put_off(s, 452, "4.5.3", "Too many recipients; send the others in another transaction");
    else if (!pipeline_takes(s->pipeline, address))
        put_off(s, 452, "4.5.3", "Other rules hold for this recipient; send it in another transaction");
    else
        return false;
    return true;
}

bool milter_take_rcpt(struct milter_session *s, struct span data)
{
    struct address address;
    struct span path;

    if (s->state != MILTER_MAIL || !packet_text(&data, &path))
        return false;
    if (s->unexamined || is_refused_by_mta(s)) {
        s->refused_by_mta += !s->unexamined;
        milter_say(s, SMFIR_CONTINUE, 0);
        return true;
    }
    if (!s->session->recipient_count && is_trouble(s, engine_admits(s->door->engine)))
        return true;
    take_address(s->session->tx_arena, path, false, &address);
    if (is_for_later(s, &address))
        return true;
    session_add_recipient(s->session, &address);
    judge_recipient(s);
    return true;
}

/* With no check that reads messages, mail of our own users has nothing more to fear. */
bool milter_take_data(struct milter_session *s)
{
    if (s->state != MILTER_MAIL)
        return false;
    bool is_done = !s->door->needs_message && session_direction(s->session) == DIRECTION_AUTHENTICATED;

    if (is_done && !(s->terms.protocol & SMFIP_NR_DATA)) {
        milter_say(s, SMFIR_ACCEPT, 0);
        milter_log_message(s, 250, SPAN("2.0.0 Message accepted"), "accept");
        pipeline_settle(s->pipeline, true);
        milter_end_transaction(s);
        return true;
    }
    milter_say(s, SMFIR_CONTINUE, SMFIP_NR_DATA);
    return true;
}
