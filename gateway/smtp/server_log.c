/* smtp/server_log.c - one line per message, and one per refusal. */
#include "gateway/smtp/server.h"

#include "gateway/base/clock.h"
#include "gateway/core/message_log.h"
#include "gateway/smtp/envelope.h"

enum { WANTS_MOST = 200 };

/* Who told us of the client. */
static void log_peer(struct log_line *line, const struct server *s)
{
    char text[ADDR_TEXT_MAX];

    if (!addr_eq(&s->peer, &s->session->client))
        log_cstr(line, "peer", addr_text(&s->peer, text));
    if (s->destination.family)
        log_fmt(line, "dest", "%s %u", addr_text(&s->destination, text), s->destination_port);
    if (s->session->via && s->xforward->facts.ident.len)
        log_str(line, "peer_id", s->xforward->facts.ident);
    else if (s->proxied && s->proxied->id_len)
        log_str(line, "peer_id", span_make(s->proxied->id, s->proxied->id_len));
}

static void log_user(struct log_line *line, const struct server *s)
{
    if (s->session->auth_user.len)
        log_str(line, "user", s->session->auth_user);
}

/* What the client wants of all servers up to the mailbox, but for 8BITMIME, which is in most mail. */
static void log_wants(struct log_line *line, const struct session *session)
{
    unsigned left = envelope_needs(session) & ~(unsigned)EXTENSION_8BITMIME;
    struct strbuf list;

    if (!left)
        return;
    strbuf_init(&list, WANTS_MOST);
    for (; left; left &= left - 1)
        strbuf_putf(&list, "%s%s", list.len ? "," : "", extension_name(extension_first(left)));
    log_str(line, "wants", strbuf_span(&list));
    strbuf_release(&list);
    if (session->envid.len)
        log_str(line, "envid", session->envid);
}

static void log_outcome(struct log_line *line, const struct server *s, const struct delivery_outcome *outcome)
{
    if (!outcome)
        return;
    log_cstr(line, "hop", outcome->hop ? outcome->hop : next_hop_name(s->share->next_hop));
    if (outcome->code)
        log_fmt(line, "hop_reply", "%u %.*s", outcome->code, SPAN_ARG(outcome->text));
    if (outcome->tls && *outcome->tls)
        log_cstr(line, "hop_tls", outcome->tls);
    if (outcome->why && *outcome->why)
        log_cstr(line, "hop_trouble", outcome->why);
    if (outcome->is_possible_duplicate)
        log_cstr(line, "possible_duplicate", "yes");
}

/* Which message it is: in a transaction of several shares, which of them. */
static void log_id(struct log_line *line, const struct server *s)
{
    log_cstr(line, "id", s->share->session->id);
    if (s->share->session != s->session)
        log_cstr(line, "split_from", s->session->id);
}

static size_t count_refused(const struct share *share)
{
    size_t refused = 0;

    for (size_t i = 0; share->each && i < share->session->recipient_count; i++)
        refused += share->each[i].code / 100 != 2;
    return refused;
}

/* One of several recipients, whom the next hop did not take the message for. */
static void log_refused_recipient(const struct server *s, size_t index, const struct delivery_outcome *outcome)
{
    const struct share *share = s->share;
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", "recipient");
    log_id(&line, s);
    log_str(&line, "to", share->session->recipients[index].address.text);
    log_int(&line, "code", share->each[index].code);
    log_str(&line, "text", share->each[index].text);
    log_outcome(&line, s, outcome);
    log_send(&line);
}

static void log_refused_recipients(const struct server *s, const struct delivery_outcome *outcome)
{
    for (size_t i = 0; i < s->share->session->recipient_count; i++)
        if (s->share->each[i].code / 100 != 2)
            log_refused_recipient(s, i, &outcome->each[i]);
}

void server_log_message(struct server *s, const char *action, const struct delivery_outcome *outcome)
{
    const struct share *share = s->share;
    size_t refused = count_refused(share);
    struct log_line line;

    log_start(&line, LOG_INFO, "message");
    if (line.is_wanted) {
        log_id(&line, s);
        message_log_client(&line, share->session);
        log_peer(&line, s);
        log_user(&line, s);
        message_log_envelope(&line, share->session);
        log_wants(&line, share->session);
        if (refused)
            log_int(&line, "refused_rcpts", (int64_t)refused);
        log_int(&line, "size", (int64_t)s->incoming.bytes);
        if (s->incoming.kind != INCOMING_DATA)
            log_int(&line, "chunks", s->incoming.chunks);
        log_cstr(&line, "action", action);
        message_log_verdict(&line, share->pipeline, share->verdict);
        log_int(&line, "code", share->answer.code);
        log_str(&line, "reply", share->answer.text);
        log_outcome(&line, s, outcome);
        log_int(&line, "ms", clock_mono_ms() - s->begun_ms);
    }
    log_send(&line);
    if (refused)
        log_refused_recipients(s, outcome);
}

void server_log_refusal(const struct server *s, const char *what, const struct verdict *verdict, unsigned code,
                        struct span text)
{
    const struct session *session = server_session(s);
    struct pipeline *pipeline = s->state >= SERVER_MAIL ? s->share->pipeline : s->pipeline;
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", what);
    if (s->state >= SERVER_MAIL)
        log_id(&line, s);
    message_log_client(&line, session);
    log_peer(&line, s);
    log_user(&line, s);
    if (s->state >= SERVER_MAIL) {
        message_log_envelope(&line, session);
        log_wants(&line, session);
    }
    if (verdict)
        log_cstr(&line, "action", action_text(verdict->action));
    message_log_verdict(&line, pipeline, verdict);
    if (code)
        log_int(&line, "code", code);
    log_str(&line, "text", text);
    log_send(&line);
}

static void log_left(const struct server *s, struct span id)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "client_gone");
    log_str(&line, "id", id);
    message_log_client(&line, s->session);
    log_cstr(&line, "when", "right after its message was delivered: if it did not read our reply, it may come again");
    log_send(&line);
}

void server_log_conduct(const struct server *s, const char *what, struct span said)
{
    enum log_level level = strcmp(what, "PASS OLD") == 0 ? LOG_DEBUG : LOG_INFO; /* of every connection of theirs */
    struct log_line line;

    log_start(&line, level, "conduct");
    log_cstr(&line, "what", what);
    message_log_client(&line, s->session);
    if (said.len)
        log_str(&line, "said", span_first(said, CONDUCT_SHOWN_MAX));
    log_int(&line, "after_ms", loop_now_ms(s->door->engine->loop) - s->connected_ms);
    log_send(&line);
}

/* Whoever watches the log for guesses of passwords needs the client's address, and no password. */
void server_log_login(const struct server *s, const char *user, const char *mechanism, unsigned code, struct span text)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "refused");
    log_cstr(&line, "what", "login");
    message_log_client(&line, s->session);
    log_peer(&line, s);
    log_cstr(&line, "user", user);
    log_cstr(&line, "mechanism", mechanism);
    log_int(&line, "code", code);
    log_str(&line, "text", text);
    log_send(&line);
}

static bool is_of_transaction(struct server *s, struct span id)
{
    for (struct share *share = shares_next(&s->shares, NULL); share; share = shares_next(&s->shares, share))
        if (span_is(id, share->session->id))
            return true;
    return false;
}

void server_log_left(struct server *s)
{
    for (struct span ids = strbuf_span(&s->unanswered); ids.len; ids = span_skip(ids, ULID_SIZE - 1))
        if (!is_of_transaction(s, span_first(ids, ULID_SIZE - 1)))
            log_left(s, span_first(ids, ULID_SIZE - 1));
}

static void log_gone(const struct server *s, const char *when)
{
    struct log_line line;

    log_start(&line, LOG_INFO, "client_gone");
    log_id(&line, s);
    message_log_client(&line, s->share->session);
    message_log_envelope(&line, s->share->session);
    log_cstr(&line, "when", when);
    log_send(&line);
}

/* Who has got the message may get it again. */
static bool is_delivered(const struct share *share)
{
    return share &&
           (share->answer.code / 100 == 2 || (share->each && count_refused(share) < share->session->recipient_count));
}

void server_log_gone(struct server *s, const char *when)
{
    struct share *share = shares_next(&s->shares, NULL);

    if (!share) {
        log_gone(s, when);
        return;
    }
    for (; share; share = shares_next(&s->shares, share)) {
        s->share = share;
        log_gone(s, is_delivered(share) ? "after its message was delivered: it may come again" : when);
    }
}
