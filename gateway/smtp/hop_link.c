/* smtp/hop_link.c - one connection to a next hop: greeting, EHLO or LHLO, STARTTLS, whose mail it is, and replies to
 * whom they belong.
 *
 * XFORWARD holds for one transaction and stands in one group with MAIL: it costs no round trip. What is said to it is
 * not the task's business, and a refusal ends it for this connection. After XCLIENT everything starts anew, with 220
 * and EHLO, and mostly it is not offered again: then the connection is that client's until it ends. A login would not
 * outlive it, so where a login is passed on it is said once, before.
 */
#include "gateway/smtp/hop_link.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/log.h"
#include "gateway/smtp/hop_client.h"

enum { LIMIT_MOST = 999999 };

static const struct smtp_conf *conf_of(const struct hop_link *link)
{
    return hop_settings(link->hop)->conf;
}

static void say(struct hop_link *link, enum link_state state, const char *line)
{
    link->state = state;
    link->awaited = 1;
    stream_writef(link->stream, "%s\r\n", line);
}

static bool is_lmtp(const struct hop_link *link)
{
    return hop_settings(link->hop)->target->kind == HOP_LMTP;
}

static void say_hello_as(struct hop_link *link, enum link_state state, const char *name)
{
    const char *verb = state == LINK_HELO ? "HELO" : is_lmtp(link) ? "LHLO" : "EHLO"; /* [RFC2033 4.1] */
    char line[300];

    snprintf(line, sizeof line, "%s %.255s", verb, name);
    say(link, state, line);
}

static void say_hello(struct hop_link *link, enum link_state state)
{
    say_hello_as(link, state, hop_settings(link->hop)->hostname);
}

static void lose(struct hop_link *link, bool is_tls, const char *why)
{
    hop_link_is_lost(link->hop, link, is_tls, why);
}

/* "reply to EHLO: 451 4.3.2 text" in one line, for the log. */
static void lose_by_reply(struct hop_link *link, const char *what, const struct hop_reply *reply)
{
    char why[400];

    snprintf(why, sizeof why, "%s: %u %.300s", what, reply->code, reply->text.data ? reply->text.data : "");
    lose(link, false, why);
}

/* "RCPTMAX=100 MAILMAX=10"; what is no limit by the standard binds nobody [RFC9422 4.1]. */
static void note_limits(struct hop_link *link, struct span limits)
{
    struct span value, name;
    uint64_t most;

    while (span_word(&limits, &value)) {
        span_cut(&value, '=', &name);
        if (span_u64(value, LIMIT_MOST, &most) || !most)
            continue;
        if (span_iis(name, "RCPTMAX"))
            link->recipients_most = most;
        else if (span_iis(name, "RCPTDOMAINMAX"))
            link->domains_most = most;
        else if (span_iis(name, "MAILMAX"))
            link->mails_most = most;
    }
}

static bool is_private(const struct hop_link *link)
{
    return hop_settings(link->hop)->is_private;
}

static enum hop_client client_way(const struct hop_link *link)
{
    return (enum hop_client)hop_settings(link->hop)->ways->client;
}

static unsigned client_extension(const struct hop_link *link)
{
    static const unsigned extensions[] = { 0, EXTENSION_XFORWARD, EXTENSION_XCLIENT };

    return extensions[client_way(link)];
}

static void note_extension(struct hop_link *link, struct span line)
{
    struct span word = { NULL, 0 };

    line = span_trim(line);
    if (!span_word(&line, &word))
        return;
    unsigned extension = extension_of(word);

    link->extensions |= extension;
    if (extension == EXTENSION_AUTH)
        sasl_filter(line, SPAN(SASL_ALL), link->auth);
    if (extension && extension == client_extension(link))
        link->client_attributes = hop_client_attributes(line);
    if (extension == EXTENSION_SIZE && span_word(&line, &word) && span_u64(word, UINT64_MAX, &link->size_most))
        link->size_most = 0;
    if (extension == EXTENSION_LIMITS)
        note_limits(link, line);
}

/* What is said over it stays between us and whom we take the other end for [RFC8689 4.2.1]. */
static bool keeps_tls(const struct hop_link *link)
{
    struct tls_facts facts;

    stream_tls_facts(link->stream, &facts);
    return stream_is_tls(link->stream) &&
           (facts.verified >= TLS_VERIFIED_NAME || hop_target_is_local(hop_settings(link->hop)->target));
}

static void note_extensions(struct hop_link *link, struct span text)
{
    struct span line;

    link->extensions = 0;
    link->size_most = link->recipients_most = link->domains_most = link->mails_most = 0;
    link->auth[0] = '\0';
    link->is_safe = stream_is_tls(link->stream) || hop_target_is_local(hop_settings(link->hop)->target);
    link->client_attributes = 0;
    span_cut(&text, '\n', &line); /* its name */
    while (span_cut(&text, '\n', &line))
        note_extension(link, line);
    if (!keeps_tls(link))
        link->extensions &= ~(unsigned)EXTENSION_REQUIRETLS;
}

/* Nothing is awaited any more: what has come nevertheless would be taken for the reply to the next command. */
static void become_idle(struct hop_link *link)
{
    if (stream_input(link->stream).len) {
        lose(link, false, "it spoke unasked");
        return;
    }
    link->state = LINK_IDLE;
    hop_link_is_ready(link->hop, link);
}

static void after_hello(struct hop_link *link, const struct hop_reply *reply)
{
    int tls = hop_settings(link->hop)->ways->tls;
    bool is_secure = stream_is_tls(link->stream);

    note_extensions(link, link->state == LINK_EHLO ? strbuf_span(&reply->text) : SPAN(""));
    if (!is_secure && (link->extensions & EXTENSION_STARTTLS) && hop_wants_tls(link->hop)) {
        say(link, LINK_STARTTLS, "STARTTLS");
    } else if (!is_secure && tls >= HOP_TLS_ENCRYPT) {
        lose(link, false, "it does not offer STARTTLS, which next_hop_tls asks for");
    } else {
        become_idle(link);
    }
}

static void take_banner(struct hop_link *link, const struct hop_reply *reply)
{
    if (reply->code == 220)
        say_hello(link, LINK_EHLO);
    else
        lose_by_reply(link, "greeting", reply);
}

static void take_hello(struct hop_link *link, const struct hop_reply *reply)
{
    if (reply->code == 250)
        after_hello(link, reply);
    else if (link->state == LINK_EHLO && reply->code / 100 == 5 && !is_lmtp(link) &&
             hop_settings(link->hop)->ways->tls < HOP_TLS_ENCRYPT)
        say_hello(link, LINK_HELO);
    else
        lose_by_reply(link, is_lmtp(link) ? "reply to LHLO" : "reply to EHLO", reply);
}

static void start_tls(struct hop_link *link)
{
    const struct hop_settings *s = hop_settings(link->hop);
    struct tls_peer peer = hop_peer(link->hop);
    char ip[ADDR_TEXT_MAX];

    if (s->ways->tls == HOP_TLS_DANE && !peer.tlsa_count) {
        lose(link, false, "DANE: there are no TLSA records to verify it by");
        return;
    }
    if (!peer.name)
        peer.name = addr_text(&s->target->at.addr, ip);
    link->state = LINK_TLS;
    if (s->target->is_implicit)
        stream_begin_tls(link->stream, s->tls_context, &peer);
    else
        stream_start_tls(link->stream, s->tls_context, &peer);
}

static void take_starttls(struct hop_link *link, const struct hop_reply *reply)
{
    if (reply->code == 220) {
        start_tls(link);
    } else if (hop_settings(link->hop)->ways->tls == HOP_TLS_MAY) {
        become_idle(link);
    } else {
        lose_by_reply(link, "reply to STARTTLS", reply);
    }
}

static void take_reset(struct hop_link *link, const struct hop_reply *reply)
{
    if (reply->code / 100 != 2) {
        lose_by_reply(link, "reply to RSET", reply);
        return;
    }
    become_idle(link);
}

/* ---- whose mail it is ---- */

static void give_to_task(struct hop_link *link)
{
    link->state = LINK_BUSY;
    link->task->on_ready(link->task);
}

static void say_introduction(struct hop_link *link)
{
    struct span rest = strbuf_span(&link->introductions);
    size_t len = span_find(rest, '\n') + 1;

    link->awaited++;
    stream_write(link->stream, span_first(rest, len));
    strbuf_drop(&link->introductions, len);
}

static void say_all_introductions(struct hop_link *link, unsigned count)
{
    link->introduced = count;
    link->awaited += count;
    stream_write(link->stream, strbuf_span(&link->introductions));
    strbuf_clear(&link->introductions);
}

static bool is_xclient_needless(const struct hop_link *link, struct span client)
{
    return (is_private(link) && link->uses) || span_eq(client, strbuf_span(&link->client));
}

/* True: the task may speak at once. */
static bool introduce(struct hop_link *link)
{
    struct span client = link->task->client;
    bool is_xclient = client_way(link) == HOP_CLIENT_XCLIENT;

    if (!client.len || (is_xclient && is_xclient_needless(link, client)))
        return true;
    strbuf_clear(&link->introductions);
    unsigned count = hop_client_commands(&link->introductions, client_way(link), link->client_attributes, client);

    if (!count)
        return true;
    if (!is_xclient && (link->extensions & EXTENSION_PIPELINING)) {
        say_all_introductions(link, count);
        return true;
    }
    if (is_xclient) {
        strbuf_clear(&link->client);
        strbuf_put(&link->client, client);
        link->is_nowhere = false;
    }
    link->state = is_xclient ? LINK_XCLIENT : LINK_XFORWARD;
    say_introduction(link);
    return false;
}

/* A syntax that it does not take (an IPv6 address, where it knows none) is this client's; the next one may do. */
static void note_refusal(struct hop_link *link, const struct hop_reply *reply)
{
    struct log_line line;

    strbuf_clear(&link->introductions);
    if (reply->code == 501)
        return;
    link->client_attributes = 0;
    log_start(&line, LOG_WARN, "next_hop");
    log_cstr(&line, "hop", hop_settings(link->hop)->target->text);
    log_cstr(&line, "state", "takes no XFORWARD");
    log_fmt(&line, "why", "%u %.300s", reply->code, reply->text.data ? reply->text.data : "");
    log_send(&line);
}

static void take_xforward(struct hop_link *link, const struct hop_reply *reply)
{
    if (reply->code == 421) {
        lose(link, false, "it closes the connection");
        return;
    }
    if (reply->code / 100 != 2)
        note_refusal(link, reply);
    if (link->state == LINK_BUSY)
        link->introduced--;
    else if (link->introductions.len)
        say_introduction(link);
    else
        give_to_task(link);
}

/* An address of a kind that it does not know must not keep the mail back for ever: it hears that it is unknown. */
static bool say_unknown_address(struct hop_link *link)
{
    bool is_first = !link->is_nowhere;

    link->is_nowhere = true;
    strbuf_clear(&link->introductions);
    if (is_first)
        say(link, LINK_XCLIENT, "XCLIENT ADDR=[UNAVAILABLE]");
    return is_first;
}

/* Of us, or of what we said, and not of the client. */
static bool is_our_trouble(unsigned code)
{
    return code < 400 || code == 421 || (code >= 500 && code <= 504) || code == 530 || code == 550;
}

/* In the client's name: Postfix goes by this greeting and by no other. */
static void say_clients_hello(struct hop_link *link)
{
    char name[HOP_CLIENT_HELO_MAX];

    if (!is_lmtp(link) && hop_client_helo(strbuf_span(&link->client), name))
        say_hello_as(link, LINK_XCLIENT_EHLO, name);
    else
        say_hello(link, LINK_XCLIENT_EHLO);
}

static void refuse_task(struct hop_task *task, const struct hop_reply *reply)
{
    hop_task_drop(task);
    task->on_refused(task, reply);
}

static void take_xclient(struct hop_link *link, const struct hop_reply *reply)
{

    if (reply->code == 220 && link->introductions.len) {
        say_introduction(link);
    } else if (reply->code == 220) {
        say_clients_hello(link);
    } else if (reply->code == 501 && say_unknown_address(link)) {
        return;
    } else if (is_our_trouble(reply->code)) {
        lose_by_reply(link, "reply to XCLIENT", reply);
    } else {
        refuse_task(link->task, reply);
    }
}

static void take_xclient_hello(struct hop_link *link, const struct hop_reply *reply)
{
    if (reply->code == 250) {
        note_extensions(link, strbuf_span(&reply->text));
        give_to_task(link);
    } else if (reply->code < 400 || hop_reply_is_trouble(reply)) {
        lose_by_reply(link, "reply to EHLO after XCLIENT", reply);
    } else {
        refuse_task(link->task, reply); /* it has taken our own before */
    }
}

bool link_fits(const struct hop_link *link, const struct hop_task *task)
{
    bool may_be_told_again = link->client_attributes && task->client.len;

    return !link->client.len || may_be_told_again || is_private(link) ||
           span_eq(task->client, strbuf_span(&link->client));
}

static void take_busy(struct hop_link *link, const struct hop_reply *reply)
{
    link->refusals += reply->code >= 400;
    if (link->introduced)
        take_xforward(link, reply);
    else
        link->task->on_reply(link->task, reply);
}

static void take_reply(struct hop_link *link, const struct hop_reply *reply)
{
    link->awaited -= link->awaited > 0; /* none: it breaks into a message, which is the task's business */
    switch (link->state) {
    case LINK_BANNER: take_banner(link, reply); break;
    case LINK_EHLO:
    case LINK_HELO: take_hello(link, reply); break;
    case LINK_STARTTLS: take_starttls(link, reply); break;
    case LINK_RESETTING: take_reset(link, reply); break;
    case LINK_XCLIENT: take_xclient(link, reply); break;
    case LINK_XCLIENT_EHLO: take_xclient_hello(link, reply); break;
    case LINK_XFORWARD: take_xforward(link, reply); break;
    case LINK_BUSY: take_busy(link, reply); break;
    default: BUG("reply in state %d", (int)link->state);
    }
}

/* It has said more than it was asked for, or has begun to: that is no answer to what it will be asked next. */
static bool speaks_unasked(const struct hop_link *link)
{
    bool has_begun = link->reply.lines || stream_input(link->stream).len;

    return link->is_ahead || (has_begun && !link->awaited && !link->is_open_ended);
}

/* A byte now and then begins the time-out anew: what has begun must come to its end within one. */
static bool is_endless(struct hop_link *link)
{
    int64_t now_ms = loop_now_ms(hop_settings(link->hop)->loop);
    int most_ms = link->is_at_end ? conf_of(link)->hop_final_ms : conf_of(link)->hop_command_ms;

    if (!link->reply.lines && !stream_input(link->stream).len)
        return false;
    if (!link->reply_begun_ms)
        link->reply_begun_ms = now_ms;
    return now_ms - link->reply_begun_ms > most_ms;
}

/* Replies until there is none, nobody waits for one, or the link is gone. */
static void on_data(void *arg)
{
    struct hop_link *link = arg;
    bool is_gone = false;

    while (!is_gone) {
        size_t took;
        enum hop_reply_state state = hop_reply_take(&link->reply, stream_input(link->stream), &took);

        stream_consume(link->stream, took);
        if (state == HOP_REPLY_BAD || speaks_unasked(link)) {
            lose(link, false, state == HOP_REPLY_BAD ? "it sent what is no SMTP reply" : "it spoke unasked");
            return;
        }
        if (state == HOP_REPLY_MORE) {
            bool is_over = is_endless(link);

            link->is_late = is_over && !link->is_at_end;
            if (is_over)
                lose(link, false, "its reply did not come to an end");
            return;
        }
        struct hop_reply reply = link->reply; /* a copy: the task may free the link */

        link->reply_begun_ms = 0;
        hop_reply_init(&link->reply);
        link->is_gone = &is_gone;
        take_reply(link, &reply);
        if (!is_gone)
            link->is_gone = NULL;
        hop_reply_release(&reply);
    }
}

static void await_banner(struct hop_link *link)
{
    link->state = LINK_BANNER;
    link->awaited = 1;
}

static void on_open(void *arg)
{
    struct hop_link *link = arg;

    stream_set_timeouts(link->stream, conf_of(link)->hop_command_ms, conf_of(link)->hop_command_ms);
    if (hop_settings(link->hop)->target->is_implicit)
        start_tls(link);
    else
        await_banner(link);
}

static void note_tls(struct hop_link *link)
{
    struct tls_facts facts;

    stream_tls_facts(link->stream, &facts);
    snprintf(link->tls, sizeof link->tls, "%.20s %.50s %.20s", facts.version, facts.cipher,
             tls_verified_text(facts.verified));
    hop_settings(link->hop)->metrics->tls_connections++;
    hop_settings(link->hop)->metrics->tls_verified += facts.verified >= TLS_VERIFIED_NAME;
}

static void on_tls(void *arg)
{
    struct hop_link *link = arg;

    note_tls(link);
    if (hop_settings(link->hop)->target->is_implicit)
        await_banner(link);
    else
        say_hello(link, LINK_EHLO);
}

static void on_drained(void *arg)
{
    struct hop_link *link = arg;

    if (link->state == LINK_BUSY && link->task->on_drained)
        link->task->on_drained(link->task);
}

static void on_end(void *arg, enum stream_end why)
{
    struct hop_link *link = arg;
    bool is_tls = why == STREAM_TLS_FAILED || (why == STREAM_TIMEOUT && link->state == LINK_TLS);
    char text[300];

    link->is_late = why == STREAM_TIMEOUT && !link->is_at_end;
    if (why == STREAM_EOF)
        snprintf(text, sizeof text, "it closed the connection");
    else
        snprintf(text, sizeof text, "%s%.250s", is_tls ? "TLS: " : "", stream_error_text(link->stream));
    lose(link, is_tls, text);
}

struct hop_link *link_new(struct hop *hop, const struct endpoint *at)
{
    static const struct stream_events events = { on_open, on_data, on_tls, on_drained, on_end };
    struct hop_link *link = mem_alloc(sizeof *link);

    link->hop = hop;
    link->born_ms = loop_now_ms(hop_settings(hop)->loop);
    hop_settings(hop)->metrics->connections++;
    hop_reply_init(&link->reply);
    strbuf_init(&link->client, HOP_CLIENT_WORDS_MAX);
    strbuf_init(&link->introductions, 2 * HOP_CLIENT_WORDS_MAX);
    link->stream = stream_connect(hop_settings(hop)->loop, at, hop_settings(hop)->conf->hop_connect_ms, &events, link);
    return link;
}

void link_free(struct hop_link *link)
{
    if (link->is_gone)
        *link->is_gone = true;
    hop_settings(link->hop)->metrics->connections--;
    stream_free(link->stream);
    strbuf_release(&link->client);
    strbuf_release(&link->introductions);
    hop_reply_release(&link->reply);
    free(link);
}

void link_start(struct hop_link *link, struct hop_task *task)
{
    link->state = LINK_BUSY;
    link->is_at_end = link->is_open_ended = false;
    link->task = task;
    task->link = link;
    stream_set_timeouts(link->stream, conf_of(link)->hop_command_ms, conf_of(link)->hop_command_ms);
    if (introduce(link))
        task->on_ready(task);
}

void link_to_idle(struct hop_link *link, bool reset)
{
    if (link->awaited)
        BUG("%u replies are awaited", link->awaited);
    link->task = NULL;
    link->uses++;
    link->questions = link->is_at_end ? 0 : link->questions + 1;
    if (reset) {
        say(link, LINK_RESETTING, "RSET");
        return;
    }
    become_idle(link);
}

void link_quit(struct hop_link *link)
{
    stream_writef(link->stream, "QUIT\r\n");
    stream_finish(link->stream, 1000);
    link->stream = NULL;
    link_free(link);
}
