/* smtp/server_mail.c - the envelope: who may send to whom, what the checks say of it, what the next hop takes. */
#include "gateway/smtp/server.h"

#include <stdio.h>

#include "gateway/base/clock.h"
#include "gateway/mail/domain.h"
#include "gateway/smtp/envelope.h"

/* ---- MAIL ---- */

static enum reply mail_is_refused(struct server *s, const struct smtp_command *command)
{
    if (s->state == SERVER_START)
        return REPLY_NEED_HELO;
    if (s->state == SERVER_MAIL)
        return REPLY_NESTED_MAIL;
    if (server_needs_tls(s))
        return REPLY_NEED_TLS;
    if (command->size > s->size_most)
        return REPLY_TOO_BIG;
    if (engine_admits(s->door->engine))
        return REPLY_BUSY_MAIL;
    if (server_own_hop(s))
        return next_hop_is_down(server_own_hop(s)) ? REPLY_AUTH_LOST : REPLY_NONE;
    if (routes_are_down(s->door->routes))
        return REPLY_HOP_DOWN;
    return REPLY_NONE;
}

/* `whose`: the address; the log has it with the reason. */
static void refuse(struct server *s, enum reply reply, struct span detail, const char *what, struct span whose)
{
    char said[REPLY_LINE_MAX], text[ADDRESS_MAX + REPLY_LINE_MAX];
    struct span reason = reply_text(reply, detail, said);

    server_say_about(s, reply, detail);
    snprintf(text, sizeof text, "<%.*s>: %.*s", SPAN_ARG(whose), SPAN_ARG(reason));
    server_log_refusal(s, what, NULL, reply_code(reply), span_of(text));
}

static void refuse_mail(struct server *s, enum reply reply, const struct address *sender)
{
    const char *reason = engine_is_busy(s->door->engine);
    char size[24];

    snprintf(size, sizeof size, "%llu", (unsigned long long)s->size_most);
    struct span detail = span_of(reply == REPLY_AUTH_LOST             ? s->session->hostname
                                 : reply == REPLY_BUSY_MAIL && reason ? reason
                                                                      : size);

    refuse(s, reply, detail, "sender", sender->text);
    if (reply_code(reply) / 100 == 5)
        server_count_error(s);
    if (reply == REPLY_AUTH_LOST)
        server_close(s);
}

/* True when the verdict refuses; then it has been told. */
static bool is_refused_by(struct server *s, const struct verdict *verdict, const char *what)
{
    enum action action = verdict->action;

    s->is_suspect = verdict->tag > 0 && verdict->score >= verdict->tag;
    if (!verdict->is_certain || (action != ACTION_REJECT && action != ACTION_DEFER && action != ACTION_GREYLIST))
        return false;
    struct verdict_reply reply = pipeline_reply(s->share->pipeline, verdict);

    server_say_text(s, reply.code, reply.enhanced, span_of(reply.text));
    server_log_refusal(s, what, verdict, reply.code, span_of(reply.text));
    if (action == ACTION_REJECT)
        server_count_error(s);
    return true;
}

static void on_mail_verdict(void *arg, const struct verdict *verdict)
{
    struct server *s = arg;

    s->is_waiting = false;
    if (is_refused_by(s, verdict, "sender"))
        server_end_transaction(s);
    else
        server_say(s, REPLY_SENDER_OK);
    if (!s->is_waiting) /* not tarpitted */
        server_resume(s);
}

void server_mail(struct server *s, const struct smtp_command *command)
{
    struct session *session = s->session;
    enum reply wrong = mail_is_refused(s, command);

    if (wrong) {
        refuse_mail(s, wrong, &command->path);
        return;
    }
    server_begin_forwarded(s);
    session = s->session;
    if (!session->tx_arena)
        pipeline_begin(s->pipeline);
    s->state = SERVER_MAIL;
    shares_begin(&s->shares, s->pipeline);
    s->answers_each = command->is_prdr || server_is_lmtp(s);
    s->begun_ms = clock_mono_ms();
    session->started_wall_ms = clock_wall_ms();
    session->mail_from = address_copy(session->tx_arena, &command->path);
    session->is_8bit = command->is_8bit;
    session->is_binary = command->is_binary;
    session->is_smtputf8 = command->is_smtputf8;
    session->is_require_tls = command->is_require_tls;
    session->ret = command->ret;
    session->envid = arena_copy(session->tx_arena, command->envid);
    session->mail_auth = arena_copy(session->tx_arena, command->auth);
    session->declared_bytes = (size_t)command->size;
    pipeline_reach(s->pipeline, STAGE_MAIL);
    if (!s->door->engine->actions->early) {
        server_say(s, REPLY_SENDER_OK);
        return;
    }
    server_wait(s);
    pipeline_decide(s->pipeline, STAGE_MAIL, s->door->conf->rcpt_wait_ms, on_mail_verdict, s);
}

/* ---- RCPT ---- */

/* The recipient's domain in its normal form; a bare <postmaster> is our own. FAULT_SYNTAX for a literal. */
static enum fault recipient_domain(const struct server *s, const struct address *recipient, char out[DOMAIN_MAX])
{
    struct span domain = recipient->domain.len ? recipient->domain : span_of(s->session->hostname);

    return domain_normal(domain, out);
}

/* Who forwards a client's message has his own right to, whatever he says of that client. */
static bool may_send_anywhere(const struct server *s)
{
    const struct session *session = s->session->via ? s->session->via : s->session;

    return session->is_relay_client || session->auth_user.len;
}

static bool is_relayed(const struct server *s, const struct address *recipient, const char *domain)
{
    return may_send_anywhere(s) || !recipient->domain.len ||
           (domain[0] && routes_take(s->door->routes, recipient, domain));
}

/* "user%other.example@ours", "other.example!user@ours", "\"user@other.example\"@ours": mail servers of old send such
 * mail on, and some still do for clients that they trust. The next hop trusts us. */
static bool is_routed(const struct address *recipient)
{
    for (size_t i = 0; i < recipient->local.len; i++)
        if (strchr("%!@", recipient->local.ptr[i]))
            return true;
    return false;
}

static void add_recipient(struct server *s, const struct smtp_command *command, struct next_hop *next_hop)
{
    struct session *session = s->share->session;
    const struct address address = address_copy(session->tx_arena, &command->path);
    struct recipient *recipient = session_add_recipient(session, &address);

    recipient->notify = command->notify;
    recipient->orcpt = arena_copy(session->tx_arena, command->orcpt);
    shares_note(&s->shares, s->share, next_hop);
}

void server_stop_rcpt(struct server *s)
{
    if (s->rcpt.query)
        verify_cancel(s->rcpt.query);
    s->rcpt.query = NULL;
}

static struct span why_not_verified(const struct pending_rcpt *r)
{
    switch (r->trouble) {
    case REPLY_NONE: return strbuf_span(&r->text);
    case REPLY_UNLISTED: return SPAN("not in the list of recipients");
    case REPLY_NO_LIST: return SPAN("the list of recipients could not be read");
    case REPLY_HOP_LACKS:
    case REPLY_REQUIRETLS: return SPAN("the next hop does not offer what the message needs");
    default: return r->text.len ? strbuf_span(&r->text) : SPAN("the next hop could not be asked");
    }
}

static void say_verified(struct server *s)
{
    struct pending_rcpt *r = &s->rcpt;
    struct span text = strbuf_span(&r->text);

    if (r->code / 100 == 2) {
        guest_add(&s->guest);
        server_say(s, REPLY_RECIPIENT_OK);
        return;
    }
    if (r->trouble)
        server_say_about(s, r->trouble, text);
    else
        server_say_text(s, r->code, "", text);
    server_log_refusal(s, "recipient", NULL, r->trouble ? reply_code(r->trouble) : r->code, why_not_verified(r));
    shares_drop(&s->shares);
    if (r->code / 100 == 5)
        server_count_error(s);
}

/* Both the verdict and the next hop's word are here. */
static void conclude_rcpt(struct server *s)
{
    s->is_waiting = false;
    if (is_refused_by(s, s->rcpt.verdict, "recipient"))
        shares_drop(&s->shares);
    else
        say_verified(s);
    if (!s->is_waiting)
        server_resume(s);
}

static void on_rcpt_verdict(void *arg, const struct verdict *verdict)
{
    struct server *s = arg;

    s->rcpt.verdict = verdict;
    s->rcpt.is_verdict_here = true;
    if (s->rcpt.is_verified)
        conclude_rcpt(s);
}

static void keep_result(struct server *s, const struct verify_result *result)
{
    struct pending_rcpt *r = &s->rcpt;

    r->is_verified = true;
    r->query = NULL;
    r->code = result->code;
    r->trouble = result->trouble;
    strbuf_clear(&r->text);
    strbuf_put(&r->text, result->text);
}

static void on_verified(void *arg, const struct verify_result *result)
{
    struct server *s = arg;

    keep_result(s, result);
    if (s->rcpt.is_verdict_here)
        conclude_rcpt(s);
}

void server_name_client(const struct share *share)
{
    const struct iprev_evidence *iprev = &pipeline_evidence(share->pipeline)->iprev;

    share->session->client_name = iprev->result == AUTH_PASS ? span_of(iprev->name) : SPAN("");
    share->session->is_nameless = iprev->result == AUTH_FAIL || iprev->result == AUTH_PERMERROR;
}

static void judge_recipient(struct server *s, const struct route *route)
{
    const struct share *share = s->share;
    const struct recipient *recipient = &share->session->recipients[share->session->recipient_count - 1];
    struct verify_result at_once;

    s->rcpt.is_verdict_here = s->rcpt.is_verified = false;
    server_wait(s);
    pipeline_reach(share->pipeline, STAGE_RCPT);
    server_name_client(share);
    s->rcpt.query = verify_ask(s->door->verify, route, share->session, &recipient->address, on_verified, s, &at_once);
    if (!s->rcpt.query)
        keep_result(s, &at_once);
    pipeline_decide(share->pipeline, STAGE_RCPT, s->door->conf->rcpt_wait_ms, on_rcpt_verdict, s);
}

/* EHLO tells the largest size that any next hop takes; this one may take less [RFC1870 6.3]. */
static bool is_too_big_for(const struct server *s, const struct next_hop *next_hop)
{
    uint64_t most = next_hop_size_most(next_hop);

    return most && s->session->declared_bytes > most;
}

/* So with LIMITS. */
static bool is_too_many_for(const struct server *s, const struct next_hop *next_hop)
{
    uint64_t most = next_hop_recipients_most(next_hop);
    size_t count = shares_recipients(&s->shares);

    return count >= s->recipients_most || (most && count >= most);
}

static unsigned lacking(const struct server *s, const struct smtp_command *command, const struct next_hop *next_hop)
{
    unsigned needs = envelope_mail_needs(s->session);

    if (command->notify || command->orcpt.len)
        needs |= EXTENSION_DSN;
    return needs & ~next_hop_extensions(next_hop);
}

/* It had what the transaction uses when we offered it, or was not known then; for who comes again that is not so. But
 * where TLS proves nothing, REQUIRETLS will never go [RFC8689 4.2.1], and it is not even asked about the recipient. */
static enum reply lacks_something(const struct server *s, const struct smtp_command *command,
                                  const struct next_hop *next_hop)
{
    unsigned lacks = lacking(s, command, next_hop);

    if (s->session->is_require_tls && !next_hop_may_require_tls(next_hop))
        return REPLY_REQUIRETLS;
    return lacks ? REPLY_HOP_LACKS : REPLY_NONE;
}

/* `next_hop`: the recipient's. */
static enum reply rcpt_is_refused(const struct server *s, const struct smtp_command *command, const char *domain,
                                  const struct next_hop *next_hop)
{
    const struct address *recipient = &command->path;

    if (s->state != SERVER_MAIL)
        return s->state == SERVER_START ? REPLY_NEED_HELO : REPLY_NEED_MAIL;
    if (incoming_is_open(&s->incoming))
        return REPLY_CHUNKS_BEGUN;
    if (command->is_utf8 && !s->session->is_smtputf8)
        return REPLY_UTF8_UNSAID;
    if (!is_relayed(s, recipient, domain))
        return REPLY_RELAY_DENIED;
    if (!may_send_anywhere(s) && is_routed(recipient))
        return REPLY_ROUTED_RECIPIENT;
    if (is_too_many_for(s, next_hop))
        return REPLY_TOO_MANY_RECIPIENTS;
    if (!guest_may_add(&s->guest))
        return REPLY_CLIENT_RECIPIENTS;
    if (is_too_big_for(s, next_hop))
        return REPLY_TOO_BIG;
    return lacks_something(s, command, next_hop);
}

static bool is_too_many_domains_for(const struct share *share, const struct next_hop *next_hop,
                                    const struct address *recipient)
{
    uint64_t most = next_hop_domains_most(next_hop);

    return most && share_domains_with(share, recipient) > most;
}

/* The share that this recipient belongs to is taken in hand. An LMTP server answers for each recipient: to a client
 * that hears one answer it may not say yes to one and no to another. */
static enum reply choose_share(struct server *s, const struct next_hop *next_hop, const struct address *recipient)
{
    struct share *share = shares_find(&s->shares, next_hop, recipient);

    if (!share && s->answers_each)
        share = shares_add(&s->shares, s->door->engine);
    if (!share && s->answers_each)
        return REPLY_TOO_MANY_SHARES;
    if (!share)
        return s->shares.first.next_hop != next_hop ? REPLY_OTHER_ROUTE : REPLY_OTHER_RULES;
    if (share->next_hop && !s->answers_each && next_hop_kind(next_hop) == HOP_LMTP)
        return REPLY_ONE_RECIPIENT;
    if (pipeline_is_over(share->pipeline) || is_too_many_domains_for(share, next_hop, recipient))
        return REPLY_TOO_MANY_RECIPIENTS;
    s->share = share;
    return REPLY_NONE;
}

static void refuse_rcpt(struct server *s, enum reply wrong, const struct smtp_command *command, const char *domain,
                        const struct next_hop *next_hop)
{
    struct span detail = domain[0] ? span_of(domain) : command->path.domain;
    char size[24];

    if (wrong == REPLY_TOO_BIG) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)next_hop_size_most(next_hop));
        detail = span_of(size);
    } else if (wrong == REPLY_HOP_LACKS) {
        detail = span_of(extension_name(extension_first(lacking(s, command, next_hop))));
    }
    refuse(s, wrong, detail, "recipient", command->path.text);
    if (reply_code(wrong) / 100 == 5 || ++s->overshoot > OVERSHOOT_MOST)
        server_count_error(s);
}

/* The mail of who has logged in goes by his own connection, whose server may ask who sends to whom. */
static struct route find_route(const struct server *s, const struct address *recipient, const char *domain)
{
    struct next_hop *own = server_own_hop(s);

    if (!own)
        return routes_find(s->door->routes, recipient, domain);
    return (struct route){ .next_hop = own,
                           .verify = s->door->conf->verify_recipients.kind == VERIFY_NONE ? VERIFY_NONE : VERIFY_RCPT };
}

void server_rcpt(struct server *s, const struct smtp_command *command)
{
    char domain[DOMAIN_MAX];

    if (recipient_domain(s, &command->path, domain))
        domain[0] = '\0';
    const struct route route = find_route(s, &command->path, domain);
    enum reply wrong = rcpt_is_refused(s, command, domain, route.next_hop);

    if (!wrong)
        wrong = choose_share(s, route.next_hop, &command->path);
    if (wrong) {
        refuse_rcpt(s, wrong, command, domain, route.next_hop);
        return;
    }
    add_recipient(s, command, route.next_hop);
    judge_recipient(s, &route);
}
