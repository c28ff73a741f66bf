/* policy/server.h - one connection of Postfix's; between door.c and the files server*.c and nobody else.
 *
 *     server.c           its life: input, answers, time-outs, the end
 *     server_envelope.c  from a request to the session: what is new in it, and how a message ended
 *     server_judge.c     decisions, and what Postfix is told of them
 *
 * Requests are taken one by one, in order. While a decision is awaited (is_waiting) nothing more is taken; what comes
 * meanwhile waits in the stream.
 *
 * A connection has a pipeline while a message is young, and gives it up when it has been silent for a while or when
 * too many have one: an smtpd(8) process keeps its connection open for a quarter of an hour, and most say nothing.
 *
 * Requests of one `instance` are about one message: its recipients are judged as they come, each with those before
 * that were not refused. Postfix does not say how a message ended. It counts as taken in when a recipient was let
 * through and DATA or END-OF-MESSAGE, if this Postfix asks us there, was not refused: a limit on rates must count what
 * it cannot see, and what Postfix itself refuses later is counted, too.
 */
#ifndef POLICY_SERVER_H
#define POLICY_SERVER_H

#include "gateway/core/pipeline.h"
#include "gateway/net/listener.h"
#include "gateway/net/stream.h"
#include "policy/answer.h"
#include "policy/door.h"

struct policy_server;

struct policy_door {
    struct engine *engine;
    const struct policy_conf *conf;
    const struct dress_conf *dress;
    struct listener **listeners;
    size_t listener_count;
    struct policy_server *servers;
    size_t server_count;
    struct policy_server *oldest, *newest; /* of those with a pipeline, by last use */
    size_t pipeline_count;
    struct timer *sweep;
    struct strbuf out; /* answers of one connection in one turn; empty between calls */
    bool is_draining;
};

enum { POLICY_INSTANCE_MAX = 128, POLICY_PIPELINES_MOST = 1000, POLICY_SWEEP_MS = 5000 };

/* A recipient that was asked about in this instance, and what Postfix was told. */
struct policy_judged {
    struct span recipient;
    struct policy_answer answer;
    struct policy_judged *next;
};

/* What Postfix will be told of, once the verdict is here; in the transaction's arena. */
struct policy_question {
    enum policy_state state;
    struct span recipient, queue_id, context, certificate;
    size_t recipient_count, bytes;
    int64_t asked_us;
    bool adds_recipient; /* the last of the session's is this one */
    bool is_new;         /* a decision is made for it */
    bool is_stressed;    /* Postfix has more clients than processes */
};

struct policy_server {
    struct policy_door *door;
    struct policy_server *next, *previous;
    struct policy_server *older, *newer;
    struct stream *stream;
    struct policy_request request;
    struct pipeline *pipeline; /* NULL: no message is known */
    struct session *session;   /* the pipeline's */
    int64_t used_ms;           /* loop time */
    bool is_waiting, is_closing, has_eof;

    /* the client, as the request had it; in session->arena */
    struct span client_name, reverse_name;
    bool has_hello;
    /* the message; in session->arena */
    char instance[POLICY_INSTANCE_MAX]; /* "": none */
    struct policy_told told;
    struct policy_judged *judged;
    bool has_mail;
    bool is_stale;       /* what STAGE_RCPT has found is not about the recipients as they are */
    bool is_let_through; /* a recipient was, and the message since */
    bool saw_data, saw_end;
    const struct verdict *verdict; /* the last one of this transaction; NULL */
    struct policy_question question;
    /* whether this Postfix asks us at DATA and at the end: of the connection */
    bool asks_at_data, asks_at_end;
};

/* server.c */
void policy_server_new(struct policy_door *door, int fd, const struct addr *peer);
void policy_server_free(struct policy_server *s);
/* policy_server_drain - closes it, now or after the answer that is awaited. */
void policy_server_drain(struct policy_server *s);
/* policy_server_say - an answer; it goes out when input has been worked off. */
void policy_server_say(struct policy_server *s, const char *action);
/* policy_server_resume - after a decision: goes on with the next request. */
void policy_server_resume(struct policy_server *s);
/* policy_server_forget - the message is settled, and the pipeline given up. */
void policy_server_forget(struct policy_server *s);

/* server_envelope.c */
/* policy_server_follow - the session and the pipeline as this request has them. */
void policy_server_follow(struct policy_server *s, struct span in, enum policy_state state);
/* policy_server_settle - the message has ended. */
void policy_server_settle(struct policy_server *s);
/* policy_server_add_recipient - false: other rules hold for it than for those before, and it is not added. */
bool policy_server_add_recipient(struct policy_server *s, struct span text);
void policy_server_drop_recipient(struct policy_server *s);

/* server_judge.c */
void policy_server_judge(struct policy_server *s, struct span in, enum policy_state state);

#endif
