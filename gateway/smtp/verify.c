/* smtp/verify.c - recipients asked about at the next hop, and the answers kept. */
#include "gateway/smtp/verify.h"

#include <stdlib.h>

#include "gateway/base/bug.h"

enum question { ASK_MAIL, ASK_RCPT, ASK_RSET };

struct verify {
    struct verify_cache *cache;
    struct loop *loop;
    bool is_on;
    struct verify_query *queries;
};

struct verify_query {
    struct hop_task task; /* the first member: a task is its query */
    struct verify *verify;
    struct verify_query *next, *previous;
    verify_fn *fn; /* NULL: told already, or nobody wants to know any more */
    void *arg;
    struct strbuf text; /* sender and recipient */
    struct span sender;
    struct address recipient;
    enum question step;
    bool is_pipelined, was_lost;
};

struct verify *verify_new(const struct smtp_conf *conf, struct loop *loop)
{
    struct verify *v = mem_alloc(sizeof *v);

    v->loop = loop;
    v->is_on = conf->verify_recipients;
    v->cache = verify_cache_new((size_t)conf->verify_entries, conf->verify_good_ms, conf->verify_bad_ms);
    return v;
}

static void query_free(struct verify_query *q)
{
    *(q->previous ? &q->previous->next : &q->verify->queries) = q->next;
    if (q->next)
        q->next->previous = q->previous;
    strbuf_release(&q->text);
    free(q);
}

void verify_free(struct verify *v)
{
    if (!v)
        return;
    while (v->queries) {
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
        hop_sendf(&q->task, "MAIL FROM:<%.*s>\r\n", SPAN_ARG(q->sender));
    else if (step == ASK_RCPT)
        hop_sendf(&q->task, "RCPT TO:<%.*s>\r\n", SPAN_ARG(q->recipient.text));
    else
        hop_send(&q->task, SPAN("RSET\r\n"));
}

static void on_ready(struct hop_task *task)
{
    struct verify_query *q = (struct verify_query *)task;

    q->step = ASK_MAIL;
    q->is_pipelined = hop_task_extensions(task) & HOP_PIPELINING;
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
        verify_note(q->verify, q->task.hop, q->sender, &q->recipient, reply->code, text);
    tell(q, reply->code, text, REPLY_NONE);
}

/* Said of the sender, so it is not kept for the recipient. */
static void refuse_sender(struct verify_query *q, const struct hop_reply *reply)
{
    tell(q, reply->code, strbuf_span(&reply->text), REPLY_NONE);
    if (!q->is_pipelined)
        q->step = ASK_RSET;
}

static void on_reply(struct hop_task *task, const struct hop_reply *reply)
{
    struct verify_query *q = (struct verify_query *)task;
    enum question step = q->step++;

    if (step == ASK_RSET) {
        hop_task_done(task, false);
        query_free(q);
        return;
    }
    if (reply->code == 421 || reply->code / 100 == 3) { /* it is about to close, or raves */
        hop_task_drop(task);
        task->on_lost(task, "it closes the connection");
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
    bool again = !q->was_lost && q->fn;

    (void)why; /* the hop has logged it */
    q->was_lost = true;
    if (again && hop_submit(q->task.hop, task))
        return;
    tell(q, 0, SPAN(""), REPLY_HOP_DOWN);
    query_free(q);
}

static struct verify_query *query_new(struct verify *v, const struct session *session, const struct address *recipient)
{
    struct verify_query *q = mem_alloc(sizeof *q);
    size_t sender_len = session->mail_from.text.len, local_len = recipient->local.len;
    struct span domain = recipient->domain;

    q->task = (struct hop_task){ .on_ready = on_ready, .on_reply = on_reply, .on_lost = on_lost };
    q->verify = v;
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

struct verify_query *verify_ask(struct verify *v, struct hop *hop, const struct session *session,
                                const struct address *recipient, verify_fn *fn, void *arg,
                                struct verify_result *at_once)
{
    const struct verify_answer *known =
        verify_cache_get(v->cache, loop_now_ms(v->loop), hop_target(hop)->text, session->mail_from.text, recipient);

    *at_once = (struct verify_result){ .code = 250 };
    if (hop_target(hop)->kind == HOP_MAILDIR)
        return NULL;
    if (hop_is_down(hop)) {
        *at_once = (struct verify_result){ .trouble = REPLY_HOP_DOWN };
        return NULL;
    }
    if (known) {
        hop_settings(hop)->metrics->verify_known++;
        *at_once = (struct verify_result){ known->code, span_of(known->text), REPLY_NONE };
        return NULL;
    }
    if (!v->is_on)
        return NULL;
    struct verify_query *q = query_new(v, session, recipient);

    q->fn = fn;
    q->arg = arg;
    hop_settings(hop)->metrics->verify_asked++;
    if (hop_submit(hop, &q->task))
        return q;
    query_free(q);
    *at_once = (struct verify_result){ .trouble = REPLY_HOP_DOWN };
    return NULL;
}

void verify_cancel(struct verify_query *query)
{
    query->fn = NULL;
}

void verify_note(struct verify *v, const struct hop *hop, struct span sender, const struct address *recipient,
                 unsigned code, struct span text)
{
    verify_cache_put(v->cache, loop_now_ms(v->loop), hop_target(hop)->text, sender, recipient, code, text);
}
