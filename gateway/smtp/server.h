/* smtp/server.h - one client's connection; between door.c and the files server*.c and nobody else.
 *
 *     server.c        its life: input, replies, errors, time-outs, the end
 *     server_hello.c  EHLO, HELO, STARTTLS, XCLIENT
 *     server_mail.c   MAIL, RCPT: who may send to whom, the checks of the envelope, verification
 *     server_data.c   DATA: the message, as it comes in
 *     server_end.c    its verdict, its delivery, our reply
 *     server_log.c    what the log tells of it
 *
 * Commands are taken one by one, in order. While a decision is awaited (is_waiting) nothing more is taken; what the
 * client sends meanwhile waits in the stream, which reads no more when its buffer is full.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include "gateway/core/pipeline.h"
#include "gateway/mail/spool.h"
#include "gateway/net/stream.h"
#include "gateway/smtp/body.h"
#include "gateway/smtp/deliver.h"
#include "gateway/smtp/door.h"
#include "gateway/smtp/grammar.h"
#include "gateway/smtp/in_flight.h"
#include "gateway/smtp/routes.h"

/* A place that we listen on. */
struct door_place {
    struct smtp_door *door;
    const struct smtp_listener *ways;
    struct listener *listener;
};

struct smtp_door {
    struct smtp_door_settings settings;
    const struct smtp_conf *conf;
    struct engine *engine;
    struct tls_context *tls; /* ours; NULL: no STARTTLS */
    struct routes *routes;   /* NULL until smtp_door_open() */
    struct verify *verify;
    struct in_flight *in_flight; /* NULL: a crash names nothing */
    struct door_place *places;   /* room for all of conf->places */
    size_t place_count;
    struct server *servers;
    size_t server_count;
    bool is_draining;
};

enum server_state {
    SERVER_START, /* no EHLO or HELO yet */
    SERVER_READY,
    SERVER_MAIL, /* a transaction is open */
    SERVER_DATA, /* the message comes */
};

enum {
    COMMAND_LINE_MAX = 2048,
    CLOSE_MS = 5000,
    WRITE_MS = 60000,
    JUNK_MOST = 100,
    OVERSHOOT_MOST = 1000,
    TARPIT_MS = 1000
};

/* RCPT has two things to wait for. */
struct pending_rcpt {
    bool is_verdict_here, is_verified;
    const struct verdict *verdict;
    struct verify_query *query; /* under way */
    unsigned code;              /* of the verification, as verify_result */
    struct strbuf text;
    enum reply trouble;
};

struct server {
    struct smtp_door *door;
    const struct smtp_listener *listener; /* where the client came in */
    struct server *next, *previous;
    struct stream *stream; /* NULL: the client has gone, and a delivery that cannot be called back goes on */
    struct pipeline *pipeline;
    struct session *session;
    struct addr peer; /* whom we really talk to: XCLIENT changes the session's client */
    unsigned peer_port;
    enum server_state state;
    unsigned offered;   /* of enum smtp_extension */
    uint64_t size_most; /* of a message: ours, or a next hop's that is less */
    struct strbuf out;
    /* The last message that was delivered; "" when there is none: while our reply is not with the kernel, and while the
     * client has said nothing after it. */
    char unheard[ULID_SIZE], unanswered[ULID_SIZE];
    struct timer *timer; /* total time of DATA; delay of replies to errors */
    int read_timeout_ms;
    bool is_waiting, is_closing, is_skipping_line;
    bool is_helo_told; /* by XCLIENT: what the peer says in EHLO is its own name */
    unsigned errors, junk, overshoot;

    /* of the transaction */
    struct next_hop *next_hop; /* held; NULL: no recipient yet */
    struct pending_rcpt rcpt;
    struct body body;
    struct spool *spool;
    enum fault spool_fault;
    int spool_errno; /* of FAULT_IO */
    size_t body_bytes;
    int64_t begun_ms;
    struct verdict_reply reply; /* of the verdict */
    const struct verdict *verdict;
    struct edits edits;
    struct pieces pieces;
    struct delivery *delivery; /* under way */
};

/* server.c */
void server_new(const struct door_place *place, int fd, const struct addr *peer, unsigned port);
void server_free(struct server *s);
void server_drain(struct server *s);
/* server_say - a reply, with the transaction's id inside one; a refusal (4xx, 5xx) of a command counts as an error. */
void server_say(struct server *s, enum reply reply);
void server_say_about(struct server *s, enum reply reply, struct span detail);
void server_say_text(struct server *s, unsigned code, const char *enhanced, struct span text);
/* server_count_error - after a refusal that is the client's fault: slows it down, in the end throws it out. */
void server_count_error(struct server *s);
void server_close(struct server *s);
/* server_wait, server_resume - no command is taken in between. */
void server_wait(struct server *s);
void server_resume(struct server *s);
/* server_end_transaction - forgets it; the connection is where it was after EHLO. */
void server_end_transaction(struct server *s);
void server_set_read_timeout(struct server *s, int ms);
/* server_has_early_input - the client has sent on where it must wait for our reply: told and closed. */
bool server_has_early_input(struct server *s, const char *command);

/* server_hello.c */
void server_hello(struct server *s, const struct smtp_command *command);
void server_starttls(struct server *s);
void server_tls_is_up(struct server *s);
void server_xclient(struct server *s, const struct smtp_command *command);
void server_greet(struct server *s);

/* server_mail.c */
void server_mail(struct server *s, const struct smtp_command *command);
void server_rcpt(struct server *s, const struct smtp_command *command);
void server_stop_rcpt(struct server *s);

/* server_data.c */
void server_data(struct server *s);
void server_take_data(struct server *s, struct span in);

/* server_end.c */
/* server_judge - the message is in s->spool, whole. */
void server_judge(struct server *s);
/* server_conclude, server_conclude_reply - what the log and the client are told; the transaction is over. */
void server_conclude(struct server *s, unsigned code, const char *enhanced, struct span text, const char *action,
                     const struct delivery_outcome *outcome);
void server_conclude_reply(struct server *s, enum reply reply, uint64_t number, const char *action,
                           const struct delivery_outcome *outcome);
/* server_is_heard - all that we said has gone out. */
void server_is_heard(struct server *s);
/* server_call_off - the client has gone during a delivery: true when it could be called off. */
bool server_call_off(struct server *s);

/* server_log.c */
void server_log_message(struct server *s, unsigned code, struct span text, const char *action,
                        const struct delivery_outcome *outcome);
void server_log_refusal(const struct server *s, const char *what, const struct verdict *verdict, unsigned code,
                        struct span text);
void server_log_gone(const struct server *s, const char *when);
/* server_log_left - the client has gone without a word after our 250 to s->unanswered. */
void server_log_left(const struct server *s);

/* door.c */
void door_add(struct smtp_door *door, struct server *s);
void door_remove(struct smtp_door *door, struct server *s);

#endif
