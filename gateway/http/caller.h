/* http/caller.h - one client's connection; between door.c and the files caller*.c, and nobody else.
 *
 *     caller.c         its life: input, time-outs, the end
 *     caller_http.c    HTTP: the table of paths, and what is said without a message
 *     caller_spam.c    RSPAMC and SPAMC: the table of commands
 *     caller_scan.c    a message through the pipeline
 *     caller_learn.c   a message that somebody has sorted
 *
 * Requests are taken one by one, in order; while one is examined (CALLER_SCAN) what the client sends waits in the
 * stream, which reads no more when its buffer is full; so it does while the client does not take our answers. An idle
 * connection holds a stream and this struct alone.
 */
#ifndef HTTP_CALLER_H
#define HTTP_CALLER_H

#include "gateway/core/lesson.h"
#include "gateway/core/pipeline.h"
#include "gateway/http/door.h"
#include "gateway/http/envelope.h"
#include "gateway/http/intake.h"
#include "gateway/http/original.h"
#include "gateway/net/stream.h"

struct listener;

struct http_door {
    struct http_door_settings settings;
    const struct http_conf *conf;
    struct engine *engine;
    struct listener **listeners;
    size_t listener_count;
    struct caller *newest, *oldest; /* by when they began to be idle, more or less */
    size_t caller_count;
    uint64_t requests_total;
    struct metrics *since; /* the numbers as they were at /statreset; NULL: since the start */
    bool is_draining;
};

enum caller_state {
    CALLER_IDLE, /* between requests, or inside the head of one */
    CALLER_BODY,
    CALLER_SCAN, /* the verdict is awaited, or that it is learned */
    CALLER_GIVE, /* a message goes back, as fast as the client takes it */
};

struct caller;

/* caller_run_fn - the whole request is here. It answers, at once or later. */
typedef void caller_run_fn(struct caller *c);

struct caller {
    struct http_door *door;
    struct caller *newer, *older;
    struct stream *stream;
    struct addr peer; /* ADDR_NONE: a unix socket's */
    bool is_trusted;
    enum caller_state state;
    struct timer *timer; /* a head's, or a body's, time is up; or that in which a client that has ended must read on */
    struct task again;   /* goes on in another turn */
    size_t seen;         /* of head_end() */
    bool is_closing, has_eof;

    /* of the request */
    struct arena arena;
    struct head head;
    struct request request;
    struct intake intake;
    struct envelope_flags flags;
    caller_run_fn *run;
    struct pipeline *pipeline; /* NULL: no verdict is asked for */
    struct lesson *lesson;     /* while one is under way */
    enum bayes_as as;          /* it is to be learned as that */
    struct span lesson_id;     /* its Message-ID, for people */
    struct original back;      /* of CALLER_GIVE */
    int64_t begun_us;
    size_t size; /* of the message */
};

enum { CALLER_CLOSE_MS = 5000, CALLER_WRITE_MS = 60000, CALLER_ARENA_BYTES = 1 << 20 };

/* caller.c */
void caller_new(struct http_door *door, int fd, const struct addr *peer, unsigned port);
void caller_free(struct caller *c);
/* caller_drain - closes it, now or after its request. */
void caller_drain(struct caller *c);
/* caller_expect - the head is understood: the body is taken, and then `run` is called. */
void caller_expect(struct caller *c, caller_run_fn *run);
void caller_write(struct caller *c, struct span bytes);
/* caller_over - the request has been answered. caller_close - and that was the last one. caller_resume - the same after
 * an answer that was given later: goes on with what has come meanwhile; may free the caller. */
void caller_over(struct caller *c);
/* caller_give - the answer goes on with the message in `back`; then the request is over. */
void caller_give(struct caller *c);
bool caller_goes_on(const struct caller *c); /* whether another request may follow this one */
void caller_close(struct caller *c);
void caller_resume(struct caller *c);

/* caller_http.c */
void caller_begin_http(struct caller *c);
/* caller_refuse_http - an answer of {"error": text}; the rest of the connection is not trusted any more. */
void caller_refuse_http(struct caller *c, unsigned status, const char *text);
/* caller_answer_http - 200. */
void caller_answer_http(struct caller *c, const char *type, struct span body);
/* caller_answer_error - the same as refuse; the connection goes on if its input is where it should be. */
void caller_answer_error(struct caller *c, unsigned status, const char *text);

/* caller_spam.c */
void caller_begin_spam(struct caller *c);
void caller_refuse_spam(struct caller *c, unsigned sysexit, const char *text);

/* caller_log_refused - for the operator: there are clients that tell their user nothing. */
void caller_log_refused(const struct caller *c, struct span text);
/* caller_refuse - in the protocol that is spoken: by HTTP's status, or by sysexits' number. */
void caller_refuse(struct caller *c, unsigned status, unsigned sysexit, const char *text);

/* caller_scan.c */
/* caller_scan_begin - the envelope is known: its checks start while the body still comes. False: it was refused. */
bool caller_scan_begin(struct caller *c);
void caller_scan(struct caller *c);

/* caller_learn.c */
/* caller_learn - `as`, of the message that is here. */
void caller_learn(struct caller *c);
/* caller_tell - TELL's fields say what is to become of it, if anything of that is ours to do. */
void caller_tell(struct caller *c);

/* door.c */
void door_add_caller(struct http_door *door, struct caller *c);
void door_remove_caller(struct http_door *door, struct caller *c);
/* door_touch_caller - it has become idle just now. */
void door_touch_caller(struct http_door *door, struct caller *c);

#endif
