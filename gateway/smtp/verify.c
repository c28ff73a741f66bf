/* smtp/verify.c - recipients asked about: in memory, in the state store, at the next hop; and the answers kept.
 *
 * What the next hop said goes into the store when memory did not know it, or knew otherwise: what is said again with
 * each message is not written again.
 */
#include "gateway/smtp/verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"
#include "gateway/smtp/hop_client.h"
#include "gateway/smtp/verify_shared.h"

enum question { ASK_MAIL, ASK_RCPT, ASK_RSET };

struct verify {
    struct verify_cache *cache;
    bool asks; /* there are routes whose next hops are asked */
    const struct engine *engine;
    const struct smtp_conf *conf;
    struct verify_query *queries;
};

struct verify_query {
    struct hop_task task; /* the first member: a task is its query */
    struct verify *verify;
    struct verify_query *next, *previous;
    struct next_hop *next_hop;
    struct store_query *stored; /* the state store is being asked, and the next hop not yet */
    verify_fn *fn;              /* NULL: told already, or nobody wants to know any more */
    void *arg;
    struct strbuf text; /* sender and recipient */
    struct span sender;
    struct strbuf client, who; /* hop_client_describe(), hop_client_who() */
    struct address recipient;
    enum question step;
    unsigned needs, lacks; /* extensions: SMTPUTF8, when an address is not ASCII; REQUIRETLS */
    bool is_pipelined;
};

static bool is_asked(const struct smtp_conf *conf)
{
    const struct smtp_route *routes = conf->routes.items;
    bool is = conf->verify_recipients.kind == VERIFY_RCPT || *conf->routes_file;

    for (size_t i = 0; i < conf->routes.count; i++)
        is |= routes[i].verify.kind == VERIFY_RCPT;
    return is;
}

struct verify *verify_new(const struct smtp_conf *conf, const struct engine *engine)
{
    struct verify *v = mem_alloc(sizeof *v);

    v->engine = engine;
    v->conf = conf;
    v->asks = is_asked(conf);
    v->cache = verify_cache_new((size_t)conf->verify_entries, conf->verify_good_ms, conf->verify_bad_ms);
    return v;
}

static void query_free(struct verify_query *q)
{
    *(q->previous ? &q->previous->next : &q->verify->queries) = q->next;
    if (q->next)
        q->next->previous = q->previous;
    strbuf_release(&q->text);
    strbuf_release(&q->client);
    strbuf_release(&q->who);
    next_hop_drop(q->next_hop);
    free(q);
}

void verify_free(struct verify *v)
{
    if (!v)
        return;
    while (v->queries) {
        if (v->queries->stored)
            store_cancel(v->engine->store, v->queries->stored);
        else
            hop_withdraw(&v->queries->task);
        query_free(v->queries);
    }
    verify_cache_free(v->cache);
    free(v);
}

static void tell(struct verify_query *q, unsigned code, struct span text, enum reply trouble)
{
    struct verify_result result = { code, text, trouble };
    verify_fn *fn = q->fn;

    q->fn = NULL;
    if (fn)
        fn(q->arg, &result);
}

static void say(struct verify_query *q, enum question step)
{
    hop_expect(&q->task, 1);
    if (step == ASK_MAIL)
        hop_sendf(&q->task, "MAIL FROM:<%.*s>%s%s\r\n", SPAN_ARG(q->sender),
                  q->needs & EXTENSION_SMTPUTF8 ? " SMTPUTF8" : "",
                  q->needs & EXTENSION_REQUIRETLS ? " REQUIRETLS" : "");
    else if (step == ASK_RCPT)
        hop_sendf(&q->task, "RCPT TO:<%.*s>\r\n", SPAN_ARG(q->recipient.text));
    else
        hop_send(&q->task, SPAN("RSET\r\n"));
}

static void on_ready(struct hop_task *task)
{
    struct verify_query *q = (struct verify_query *)task;

    q->step = ASK_MAIL;
    q->is_pipelined = hop_task_extensions(task) & EXTENSION_PIPELINING;
    q->lacks = q->needs & ~hop_task_extensions(task);
    if (q->lacks) { /* it had it when we offered it, or was not known */
        q->step = ASK_RSET;
        say(q, ASK_RSET);
        return;
    }
    say(q, ASK_MAIL);
    if (q->is_pipelined) {
        say(q, ASK_RCPT);
        say(q, ASK_RSET);
    }
}

static void take_rcpt(struct verify_query *q, const struct hop_reply *reply)
{
    struct span text = strbuf_span(&reply->text);

    if (q->fn)
        verify_note(q->verify, q->next_hop, strbuf_span(&q->who), &q->recipient, reply->code, text);
    tell(q, reply->code, text, REPLY_NONE);
}

/* Said of the sender, so it is not kept for the recipient. */
static void refuse_sender(struct verify_query *q, const struct hop_reply *reply)
{
    tell(q, reply->code, strbuf_span(&reply->text), REPLY_NONE);
    if (!q->is_pipelined)
        q->step = ASK_RSET;
}

static void tell_lacking(struct verify_query *q)
{
    bool is_for_good = (q->lacks & EXTENSION_REQUIRETLS) && !next_hop_may_require_tls(q->next_hop);

    tell(q, 0, span_of(extension_name(extension_first(q->lacks))), is_for_good ? REPLY_REQUIRETLS : REPLY_HOP_LACKS);
}

/* Where RSET is refused, the next MAIL would come into the middle of this transaction. */
static void end_question(struct verify_query *q, const struct hop_reply *reply)
{
    if (q->lacks)
        tell_lacking(q);
    if (reply->code / 100 == 2)
        hop_task_done(&q->task, false);
    else
        hop_task_drop(&q->task);
    query_free(q);
}

/* Another connection may do better. */
static void leave(struct verify_query *q, const struct hop_reply *reply)
{
    char why[400];

    snprintf(why, sizeof why, "%u %.300s", reply->code, reply->text.data ? reply->text.data : "");
    hop_task_drop(&q->task);
    q->task.on_lost(&q->task, why);
}

static void on_reply(struct hop_task *task, const struct hop_reply *reply)
{
    struct verify_query *q = (struct verify_query *)task;
    enum question step = q->step++;

    if (step == ASK_RSET) {
        end_question(q, reply);
        return;
    }
    bool is_trouble = hop_reply_is_trouble(reply) && (q->fn || reply->code == 421); /* else it is behind a refusal */

    if (is_trouble || reply->code / 100 == 3) {
        leave(q, reply);
        return;
    }
    if (step == ASK_RCPT)
        take_rcpt(q, reply);
    else if (reply->code / 100 != 2)
        refuse_sender(q, reply);
    if (!q->is_pipelined)
        say(q, q->step);
}

/* The pooled connection may have been closed while it was idle: that says nothing of the hop, so once more. */
static void on_lost(struct hop_task *task, const char *why)
{
    struct verify_query *q = (struct verify_query *)task;

    if (q->fn && next_hop_submit(q->next_hop, task))
        return;
    tell(q, 0, span_of(why), REPLY_HOP_DOWN);
    query_free(q);
}

static void on_refused(struct hop_task *task, const struct hop_reply *reply)
{
    struct verify_query *q = (struct verify_query *)task;

    tell(q, reply->code, strbuf_span(&reply->text), REPLY_NONE);
    query_free(q);
}

static enum hop_client client_way(const struct next_hop *next_hop)
{
    return (enum hop_client)next_hop_settings(next_hop)->ways->client;
}

static void name_client(struct verify_query *q, const struct session *session)
{
    strbuf_init(&q->client, HOP_CLIENT_WORDS_MAX);
    strbuf_init(&q->who, HOP_CLIENT_WORDS_MAX);
    hop_client_describe(&q->client, client_way(q->next_hop), session);
    hop_client_who(&q->who, client_way(q->next_hop), session);
    q->task.client = strbuf_span(&q->client);
}

static struct verify_query *query_new(struct verify *v, struct next_hop *next_hop, const struct session *session,
                                      const struct address *recipient)
{
    struct verify_query *q = mem_alloc(sizeof *q);
    size_t sender_len = session->mail_from.text.len, local_len = recipient->local.len;
    struct span domain = recipient->domain;

    q->task =
        (struct hop_task){ .on_ready = on_ready, .on_reply = on_reply, .on_lost = on_lost, .on_refused = on_refused };
    q->verify = v;
    q->next_hop = next_hop_hold(next_hop);
    q->needs = (session->mail_from.is_utf8 || recipient->is_utf8 ? EXTENSION_SMTPUTF8 : 0U) |
               (session->is_require_tls ? EXTENSION_REQUIRETLS : 0U);
    name_client(q, session);
    strbuf_init(&q->text, 4096);
    strbuf_put(&q->text, session->mail_from.text);
    strbuf_put(&q->text, recipient->text);
    struct span all = strbuf_span(&q->text);

    q->sender = span_first(all, sender_len);
    q->recipient.text = span_skip(all, sender_len);
    q->recipient.local = span_first(q->recipient.text, local_len);
    q->recipient.domain = span_skip(q->recipient.text, q->recipient.text.len - domain.len);
    q->next = v->queries;
    if (q->next)
        q->next->previous = q;
    v->queries = q;
    return q;
}

/* False: it is down, and the query is gone. */
static bool ask_hop(struct verify_query *q)
{
    next_hop_settings(q->next_hop)->metrics->verify_asked++;
    if (next_hop_submit(q->next_hop, &q->task))
        return true;
    query_free(q);
    return false;
}

/* ---- the state store ---- */

static bool is_shared(const struct verify *v, const struct next_hop *next_hop)
{
    return v->engine->store && v->asks && next_hop_kind(next_hop) != HOP_MAILDIR && !next_hop_is_private(next_hop);
}

/* 0: what it says with that code is not remembered. */
static int life_of(const struct verify *v, unsigned code)
{
    return code / 100 == 2 ? v->conf->verify_good_ms : code / 100 == 5 ? v->conf->verify_bad_ms : 0;
}

/* What the store has of the recipient, when it still holds; memory learns it. */
static bool take_record(struct verify_query *q, struct span value, struct verify_record *out)
{
    struct verify *v = q->verify;

    if (verify_record_read(value, out))
        return false;
    int64_t left_ms = out->until_ms - clock_wall_ms();

    if (left_ms <= 0 || !life_of(v, out->code))
        return false;
    verify_cache_learn(v->cache, loop_now_ms(v->engine->loop), left_ms, next_hop_name(q->next_hop), &q->recipient,
                       out->code, out->text);
    return true;
}

static void on_stored(void *arg, const struct store_answer *answer)
{
    struct verify_query *q = arg;
    struct verify_record record;
    verify_fn *fn = q->fn;
    void *whom = q->arg;

    q->stored = NULL;
    if (!fn) {
        query_free(q);
    } else if (answer->state == STORE_OK && take_record(q, answer->value, &record)) {
        next_hop_settings(q->next_hop)->metrics->verify_known++;
        tell(q, record.code, record.text, REPLY_NONE);
        query_free(q);
    } else if (!ask_hop(q)) {
        fn(whom, &(struct verify_result){ .trouble = REPLY_HOP_DOWN });
    }
}

static void ask_shared(struct verify_query *q)
{
    struct verify *v = q->verify;
    struct store_op op = { .kind = STORE_GET, .now_ms = clock_wall_ms() };
    struct arena arena;

    arena_init(&arena, SIZE_MAX);
    op.key = verify_record_key(&arena, next_hop_name(q->next_hop), next_hop_is_local(q->next_hop), v->engine->hostname,
                               &q->recipient);
    q->stored = store_ask(v->engine->store, &op, 0, on_stored, q);
    arena_release(&arena);
}

static void tell_shared(struct verify *v, const struct next_hop *next_hop, const struct address *recipient,
                        unsigned code, struct span text)
{
    int life_ms = life_of(v, code);
    struct store_op op = { .kind = life_ms ? STORE_PUT : STORE_DELETE, .now_ms = clock_wall_ms() };
    struct arena arena;
    struct strbuf value;

    arena_init(&arena, SIZE_MAX);
    strbuf_init(&value, VERIFY_RECORD_MAX);
    op.key =
        verify_record_key(&arena, next_hop_name(next_hop), next_hop_is_local(next_hop), v->engine->hostname, recipient);
    if (life_ms) {
        verify_record_write(&value, &(struct verify_record){ op.now_ms + life_ms, code, text });
        op.put.value = strbuf_span(&value);
        op.put.life_ms = life_ms;
    }
    store_tell(v->engine->store, &op);
    strbuf_release(&value);
    arena_release(&arena);
}

/* ---- for the door ---- */

static const struct verify_answer *find_known(struct verify *v, const struct next_hop *next_hop,
                                              const struct session *session, const struct address *recipient)
{
    struct strbuf who;

    strbuf_init(&who, HOP_CLIENT_WORDS_MAX);
    hop_client_who(&who, client_way(next_hop), session);
    const struct verify_answer *known =
        verify_cache_get(v->cache, loop_now_ms(v->engine->loop), next_hop_name(next_hop), strbuf_span(&who), recipient);

    strbuf_release(&who);
    return known;
}

/* What is known without asking anybody; false: the next hop must be asked, and not the store when it is in doubt. */
static bool is_known(struct verify *v, const struct route *route, const struct session *session,
                     const struct address *recipient, struct verify_result *result, bool *is_in_doubt)
{
    struct next_hop *next_hop = route->next_hop;
    enum listed listed = route->verify == VERIFY_LIST
                             ? recipient_list_has(route->list, recipient, v->conf->recipient_delimiter)
                             : LISTED_YES;

    *result = (struct verify_result){ .code = 250 };
    if (listed != LISTED_YES) {
        bool is_unlisted = listed == LISTED_NO;

        *result = (struct verify_result){ .code = is_unlisted ? 550 : 0,
                                          .trouble = is_unlisted ? REPLY_UNLISTED : REPLY_NO_LIST };
        return true;
    }
    if (next_hop_kind(next_hop) == HOP_MAILDIR)
        return true;
    if (next_hop_is_down(next_hop)) {
        *result = (struct verify_result){ .trouble = REPLY_HOP_DOWN };
        return true;
    }
    const struct verify_answer *known = find_known(v, next_hop, session, recipient);

    *is_in_doubt = known && !known->code;
    if (!known || (next_hop_is_private(next_hop) && route->verify == VERIFY_RCPT))
        return route->verify != VERIFY_RCPT;
    if (*is_in_doubt)
        return false;
    next_hop_settings(next_hop)->metrics->verify_known++;
    *result = (struct verify_result){ known->code, span_of(known->text), REPLY_NONE };
    return true;
}

struct verify_query *verify_ask(struct verify *v, const struct route *route, const struct session *session,
                                const struct address *recipient, verify_fn *fn, void *arg,
                                struct verify_result *at_once)
{
    bool is_in_doubt = false;

    if (is_known(v, route, session, recipient, at_once, &is_in_doubt))
        return NULL;
    struct verify_query *q = query_new(v, route->next_hop, session, recipient);

    q->fn = fn;
    q->arg = arg;
    if (is_shared(v, route->next_hop) && !is_in_doubt) {
        ask_shared(q);
        return q;
    }
    if (ask_hop(q))
        return q;
    *at_once = (struct verify_result){ .trouble = REPLY_HOP_DOWN };
    return NULL;
}

/* A question that is being asked goes on to its end, so that its connection can be used again. */
void verify_cancel(struct verify_query *query)
{
    query->fn = NULL;
    if (!query->task.is_queued)
        return;
    hop_withdraw(&query->task);
    query_free(query);
}

void verify_note(struct verify *v, const struct next_hop *next_hop, struct span who, const struct address *recipient,
                 unsigned code, struct span text)
{
    const char *name = next_hop_name(next_hop);
    int64_t now_ms = loop_now_ms(v->engine->loop);
    const struct verify_answer *known = verify_cache_get(v->cache, now_ms, name, who, recipient);
    bool is_in_doubt = known && !known->code;
    bool is_for_all = code / 100 != 5 || verify_is_of_mailbox(code, text);
    bool is_news = known && !is_in_doubt ? known->code / 100 != code / 100 : life_of(v, code) > 0;

    verify_cache_put(v->cache, now_ms, name, who, recipient, code, text);
    if (is_for_all && is_news && is_shared(v, next_hop))
        tell_shared(v, next_hop, recipient, code, text);
}

void verify_doubt(struct verify *v, const struct next_hop *next_hop, const struct address *recipient)
{
    verify_cache_doubt(v->cache, loop_now_ms(v->engine->loop), next_hop_name(next_hop), recipient);
}
