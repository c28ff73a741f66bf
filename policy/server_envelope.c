/* policy/server_envelope.c - from a request to the session: what is new in it.
 *
 * Postfix sends all that it knows with every request. What the last request said already is not looked at again: of a
 * client the checks of connection and greeting hold for all its messages, and of a message those of its sender for all
 * its recipients. It is the same client only if its port is the same, too; without one, which Postfix tells from 3.0
 * on, for as long as the instance is the same.
 */
#include "policy/server.h"

#include <stdlib.h>

#include "gateway/base/clock.h"

enum { NAME_MOST = 512, USER_MOST = 512 };

/* ---- who holds a pipeline ---- */

static void leave_line(struct policy_server *s)
{
    struct policy_door *door = s->door;

    *(s->older ? &s->older->newer : &door->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &door->newest) = s->older;
    s->older = s->newer = NULL;
}

static void join_line(struct policy_server *s)
{
    struct policy_door *door = s->door;

    s->older = door->newest;
    *(s->older ? &s->older->newer : &door->oldest) = s;
    door->newest = s;
}

void policy_server_forget(struct policy_server *s)
{
    if (!s->pipeline)
        return;
    policy_server_settle(s);
    pipeline_free(s->pipeline);
    s->pipeline = NULL;
    s->session = NULL;
    leave_line(s);
    s->door->pipeline_count--;
}

static void make_room(struct policy_door *door)
{
    for (struct policy_server *s = door->oldest, *newer; s && door->pipeline_count >= POLICY_PIPELINES_MOST;
         s = newer) {
        newer = s->newer;
        if (!s->is_waiting)
            policy_server_forget(s);
    }
}

static void hold(struct policy_server *s)
{
    struct policy_door *door = s->door;

    make_room(door);
    s->pipeline = pipeline_new_until(door->engine, "policy", STAGE_RCPT);
    door->pipeline_count++;
    join_line(s);
    if (!timer_is_running(door->sweep))
        timer_start(door->sweep, POLICY_SWEEP_MS);
}

static void touch(struct policy_server *s)
{
    s->used_ms = loop_now_ms(s->door->engine->loop);
    if (s->door->newest == s)
        return;
    leave_line(s);
    join_line(s);
}

/* ---- how a message ended ---- */

static bool was_taken_in(const struct policy_server *s)
{
    return s->is_let_through && (s->saw_data || !s->asks_at_data) && (s->saw_end || !s->asks_at_end);
}

static void end_transaction(struct policy_server *s, bool is_taken_in)
{
    if (s->has_mail)
        pipeline_settle(s->pipeline, is_taken_in);
    s->has_mail = s->is_stale = s->is_let_through = s->saw_data = s->saw_end = false;
    s->verdict = NULL;
}

void policy_server_settle(struct policy_server *s)
{
    end_transaction(s, was_taken_in(s));
    s->instance[0] = '\0';
    s->told.count = 0;
    s->judged = NULL;
}

/* ---- what a request says ---- */

static struct span value_of(const struct policy_server *s, struct span in, enum policy_attribute attribute, size_t most)
{
    return span_first(policy_request_value(&s->request, in, attribute), most);
}

/* "unknown" is no name. */
static struct span name_of(const struct policy_server *s, struct span in, enum policy_attribute attribute)
{
    struct span name = value_of(s, in, attribute, NAME_MOST);

    return span_iis(name, "unknown") ? span_first(name, 0) : name;
}

static bool is_same_hello(const struct policy_server *s, struct span in)
{
    const struct session *session = s->session;

    return span_eq(value_of(s, in, POLICY_HELO_NAME, NAME_MOST), session->helo) &&
           span_is(value_of(s, in, POLICY_ENCRYPTION_PROTOCOL, NAME_MOST), session->tls_version) &&
           span_eq(value_of(s, in, POLICY_SASL_USERNAME, USER_MOST), session->auth_user);
}

static bool is_same_instance(const struct policy_server *s, struct span in)
{
    struct span instance = policy_request_value(&s->request, in, POLICY_INSTANCE);

    return s->instance[0] && span_is(instance, s->instance);
}

static bool is_same_client(const struct policy_server *s, struct span in)
{
    struct addr client = { .family = ADDR_NONE };
    uint64_t port = policy_request_number(&s->request, in, POLICY_CLIENT_PORT, 65535);

    if (port != s->session->client_port || (!port && !is_same_instance(s, in)))
        return false;
    (void)addr_parse(policy_request_value(&s->request, in, POLICY_CLIENT_ADDRESS), &client);
    return addr_eq(&client, &s->session->client) && span_eq(name_of(s, in, POLICY_CLIENT_NAME), s->client_name) &&
           span_eq(name_of(s, in, POLICY_REVERSE_CLIENT_NAME), s->reverse_name);
}

static void fill_client(struct policy_server *s, struct span in)
{
    struct session *session = s->session;
    const struct conf_nets *relay = &s->door->conf->relay_clients;

    (void)addr_parse(policy_request_value(&s->request, in, POLICY_CLIENT_ADDRESS), &session->client);
    session->client_port = (unsigned)policy_request_number(&s->request, in, POLICY_CLIENT_PORT, 65535);
    s->client_name = arena_copy(session->arena, name_of(s, in, POLICY_CLIENT_NAME));
    s->reverse_name = arena_copy(session->arena, name_of(s, in, POLICY_REVERSE_CLIENT_NAME));
    session->is_client_ptr_confirmed = s->client_name.len > 0;
    session->client_ptr = s->client_name.len ? s->client_name : s->reverse_name;
    for (size_t i = 0; i < relay->count && !session->is_relay_client; i++)
        session->is_relay_client = addr_in(&session->client, &relay->items[i]);
}

static void fill_hello(struct policy_server *s, struct span in)
{
    struct session *session = s->session;

    session->helo = arena_copy(session->arena, value_of(s, in, POLICY_HELO_NAME, NAME_MOST));
    session->is_esmtp = span_iis(policy_request_value(&s->request, in, POLICY_PROTOCOL_NAME), "ESMTP");
    session->tls_version = arena_dup(session->arena, value_of(s, in, POLICY_ENCRYPTION_PROTOCOL, NAME_MOST));
    session->tls_cipher = arena_dup(session->arena, value_of(s, in, POLICY_ENCRYPTION_CIPHER, NAME_MOST));
    session->tls_bits = (unsigned)policy_request_number(&s->request, in, POLICY_ENCRYPTION_KEYSIZE, 1 << 20);
    session->auth_user = arena_copy(session->arena, value_of(s, in, POLICY_SASL_USERNAME, USER_MOST));
}

/* Postfix sends addresses without the quotes of a quoted local part: what does not parse is cut at its last "@". */
static struct address address_of(struct arena *a, struct span text)
{
    struct span copy = arena_copy(a, span_first(text, ADDRESS_MAX));
    struct address address = { 0 };

    if (!copy.len || !address_parse(copy, &address))
        return address;
    size_t at = span_rfind(copy, '@');

    address = (struct address){ .text = copy, .local = span_first(copy, at) };
    if (at != SPAN_NPOS)
        address.domain = span_skip(copy, at + 1);
    for (size_t i = 0; i < copy.len; i++)
        address.is_utf8 |= (unsigned char)copy.ptr[i] > 0x7e;
    return address;
}

static void fill_mail(struct policy_server *s, struct span in)
{
    struct session *session = s->session;

    session->mail_from = address_of(session->tx_arena, policy_request_value(&s->request, in, POLICY_SENDER));
    session->is_smtputf8 = session->mail_from.is_utf8;
    session->declared_bytes = (size_t)policy_request_number(&s->request, in, POLICY_SIZE, SIZE_MAX / 2);
}

bool policy_server_add_recipient(struct policy_server *s, struct span text)
{
    struct session *session = s->session;
    struct address address = address_of(session->tx_arena, text);

    if (!pipeline_takes(s->pipeline, &address))
        return false;
    session_add_recipient(session, &address);
    s->is_stale = true;
    return true;
}

void policy_server_drop_recipient(struct policy_server *s)
{
    s->session->recipient_count--;
    s->is_stale = true;
}

/* ---- what is new in it ---- */

static bool has_envelope(enum policy_state state)
{
    return state == POLICY_AT_MAIL || state == POLICY_AT_RCPT || state == POLICY_AT_DATA || state == POLICY_AT_BDAT ||
           state == POLICY_AT_END_OF_MESSAGE;
}

/* A transaction has a bounded number of recipients; Postfix's message may be several of ours. */
static bool has_room(const struct policy_server *s, enum policy_state state)
{
    return state != POLICY_AT_RCPT || s->session->recipient_count < (size_t)s->door->conf->recipients_most;
}

static bool is_new_client(const struct policy_server *s, struct span in, enum policy_state state)
{
    return !s->session || state == POLICY_AT_CONNECT || pipeline_is_over(s->pipeline) || !is_same_client(s, in);
}

static bool is_new_sender(const struct policy_server *s, struct span in)
{
    return s->has_mail && !span_eq(span_first(policy_request_value(&s->request, in, POLICY_SENDER), ADDRESS_MAX),
                                   s->session->mail_from.text);
}

static void renew(struct policy_server *s)
{
    if (!s->pipeline) {
        hold(s);
    } else {
        policy_server_settle(s);
        if (!pipeline_renew(s->pipeline)) {
            policy_server_forget(s);
            hold(s);
        }
    }
    s->session = pipeline_session(s->pipeline);
    s->has_hello = false;
}

static void note_instance(struct policy_server *s, struct span in)
{
    if (span_copy(policy_request_value(&s->request, in, POLICY_INSTANCE), s->instance, sizeof s->instance))
        s->instance[0] = '\0';
}

/* What is known of the user and of TLS goes in before the first check runs. */
static void begin_client(struct policy_server *s, struct span in)
{
    renew(s);
    fill_client(s, in);
    fill_hello(s, in);
}

static void follow_client(struct policy_server *s, struct span in, enum policy_state state)
{
    bool is_same_helo = is_same_hello(s, in);
    bool is_same = is_same_instance(s, in) && is_same_helo && !(has_envelope(state) && is_new_sender(s, in));

    if (s->has_mail && !(is_same && has_room(s, state))) {
        end_transaction(s, is_same ? s->is_let_through : was_taken_in(s)); /* DATA is still to come for the same */
        pipeline_begin(s->pipeline);
    }
    if (!is_same)
        policy_server_settle(s);
    if (is_same_helo)
        return;
    fill_hello(s, in);
    s->has_hello = false;
}

void policy_server_follow(struct policy_server *s, struct span in, enum policy_state state)
{
    bool is_new = is_new_client(s, in, state);

    if (is_new)
        begin_client(s, in);
    else
        follow_client(s, in, state);
    touch(s);
    if (!s->instance[0])
        note_instance(s, in);
    if (is_new)
        pipeline_reach(s->pipeline, STAGE_CONNECT);
    if (state != POLICY_AT_CONNECT && !s->has_hello) {
        pipeline_reach(s->pipeline, STAGE_HELO);
        s->has_hello = true;
    }
    if (has_envelope(state) && !s->has_mail) {
        fill_mail(s, in);
        s->has_mail = true;
        pipeline_reach(s->pipeline, STAGE_MAIL);
    }
}
