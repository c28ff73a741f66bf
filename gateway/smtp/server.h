/* smtp/server.h - one client's connection; between door.c and the files server*.c and nobody else.
 *
 *     server.c        its life: input, replies, errors, time-outs, the end
 *     server_proxy.c  the PROXY protocol's header, before anything else
 *     server_hello.c  EHLO, HELO
 *     server_tls.c    STARTTLS, and TLS from the first byte
 *     server_auth.c   AUTH
 *     server_xclient.c  XCLIENT, XFORWARD
 *     server_mail.c   MAIL, RCPT: who may send to whom, the checks of the envelope, verification
 *     server_data.c   DATA: the message, as it comes in; how any message begins and ends to
 *     server_chunk.c  BDAT: the message in chunks
 *     server_end.c    its verdict and its delivery, share by share
 *     server_answer.c what is said of it: one answer, or one for each recipient
 *     server_greet.c  the banner: who has to wait for it, who has too many connections
 *     server_clock.c  how long the client may take, and how long we do
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
#include "gateway/smtp/deliver.h"
#include "gateway/smtp/door.h"
#include "gateway/smtp/grammar.h"
#include "gateway/smtp/guests.h"
#include "gateway/smtp/handshakes.h"
#include "gateway/smtp/logins.h"
#include "gateway/smtp/in_flight.h"
#include "gateway/smtp/incoming.h"
#include "gateway/smtp/routes.h"
#include "gateway/smtp/share.h"
#include "gateway/smtp/xclient.h"

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
    struct certificates *certificates;
    struct tls_context *tls; /* theirs; NULL: no TLS */
    struct handshakes *handshakes;
    struct routes *routes; /* NULL until smtp_door_open() */
    struct verify *verify;
    struct logins *logins;       /* NULL: no listener has `auth` */
    struct in_flight *in_flight; /* NULL: a crash names nothing */
    struct door_place *places;   /* room for all of conf->places */
    size_t place_count;
    struct guests *guests;
    struct server *servers;
    size_t server_count;
    size_t held_back;   /* of them, in the tarpit */
    size_t most_lately; /* connections, since memory was given back */
    bool is_busy;       /* connections are scarce */
    bool is_draining;
};

enum server_state {
    SERVER_PROXY, /* the header of the PROXY protocol is awaited; there is no session yet */
    SERVER_START, /* no EHLO or HELO yet */
    SERVER_READY,
    SERVER_MAIL, /* a transaction is open */
    SERVER_DATA, /* the message comes; or, by BDAT, a chunk of it */
};

enum {
    COMMAND_LINE_MAX = 2048,
    CLOSE_MS = 5000,
    WRITE_MS = 60000,
    JUNK_MOST = 100,
    JUNK_FREE = 10, /* so many lead nowhere and are no error */
    OVERSHOOT_MOST = 1000,
    IDS_MOST = 128 * 1024, /* more than clients leave unread replies (UNSENT_MOST) */
};

/* What the server's timer runs for. */
enum server_clock {
    CLOCK_STANDS,
    CLOCK_PROXY,     /* the header of the PROXY protocol */
    CLOCK_GREET,     /* the client waits for the banner */
    CLOCK_HANDSHAKE, /* it waits for its turn */
    CLOCK_COMMAND,   /* the next command has to be here, whole */
    CLOCK_DATA,      /* the message has to come on */
    CLOCK_TARPIT,    /* we take our time */
    CLOCK_FAREWELL,  /* all is said; whether the client has it, is seen */
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

/* What BDAT has announced, and what is left of it. */
struct chunk {
    bool is_taking, is_last, is_too_big;
    uint64_t bytes, left;
    uint64_t thrown_away;    /* bytes so far, of this message */
    enum reply out_of_place; /* no message can come now; REPLY_NONE: it can */
    enum reply refused;      /* the message was, before its end: the next chunks are told the same */
    uint64_t refused_number;
};

/* What XCLIENT or XFORWARD has told so far. */
struct told {
    struct arena arena;
    struct xclient facts;
};

struct server {
    struct smtp_door *door;
    const struct smtp_listener *listener; /* where the client came in */
    struct server *next, *previous;
    struct stream *stream; /* NULL: the client has gone, and a delivery that cannot be called back goes on */
    struct pipeline *pipeline;
    struct session *session;
    struct addr peer; /* the other end of the socket */
    unsigned peer_port;
    struct addr client; /* whom we talk to: the peer, or whom a proxy told. XCLIENT changes the session's client only */
    unsigned client_port;
    struct addr destination; /* where the client connected to, as PROXY or XCLIENT told; ADDR_NONE: nobody did */
    unsigned destination_port;
    struct proxied *proxied;       /* what else the proxy told; NULL: nothing */
    struct auth *auth;             /* of server_auth.c; NULL: the client has not said AUTH */
    struct told *xclient;          /* NULL: nothing */
    struct told *xforward;         /* for the next transaction, or the one that is open */
    struct pipeline *own_pipeline; /* the peer's, while s->pipeline is that of the client that it forwards; else NULL */
    enum server_state state;
    unsigned offered;   /* of enum smtp_extension */
    uint64_t size_most; /* of a message: ours, or a next hop's that is less; so */
    uint64_t recipients_most;
    struct strbuf out;
    /* Of the last message: shares that were put off or refused, until our reply is with the kernel; those that were
     * delivered, until the client says something after it. */
    struct strbuf unheard, unanswered; /* ids, one behind the other */
    size_t early_bytes;                /* of its input, that had arrived when we replied to its last message */
    struct timer *timer;
    enum server_clock clock;
    struct handshake handshake;
    int64_t handshake_us; /* when it began */
    int read_timeout_ms;
    int64_t connected_ms, data_begun_ms, command_due_ms; /* the loop's clock */
    struct guest guest;
    bool is_suspect; /* the last verdict's score was one to tag or refuse */
    bool is_waiting, is_closing, is_skipping_line;
    bool has_ended;          /* the client sends no more, but may read: it said QUIT and awaits our replies */
    bool has_said_auth;      /* whatever we said to it: what follows may be a password */
    bool is_helo_told;       /* by XCLIENT: what the peer says in EHLO is its own name */
    bool is_greeting;        /* the client was told to wait for the banner */
    bool has_been_held_back; /* for the command that is next */
    unsigned errors, junk, overshoot;

    /* of the transaction */
    struct shares shares;
    struct share *share; /* the one in hand: whose recipient is asked about, or that is judged */
    bool answers_each;   /* the client hears an answer for each recipient */
    struct pending_rcpt rcpt;
    struct incoming incoming;
    struct chunk chunk;
    int64_t begun_ms, complete_ms;
    struct edits edits;
    struct pieces pieces;
    struct delivery *delivery; /* under way */
};

/* server.c */
void server_new(const struct door_place *place, int fd, const struct addr *peer, unsigned port);
void server_free(struct server *s);
void server_drain(struct server *s);
/* server_say - a reply, with the transaction's id inside one. Nothing is said where TLS has to come first. */
void server_say(struct server *s, enum reply reply);
void server_say_about(struct server *s, enum reply reply, struct span detail);
void server_say_number(struct server *s, enum reply reply, uint64_t number);
void server_say_text(struct server *s, unsigned code, const char *enhanced, struct span text);
void server_say_challenge(struct server *s, struct span text);
/* server_count_error - after a refusal that is the client's fault: slows it down, in the end throws it out. */
void server_count_error(struct server *s);
void server_close(struct server *s);
/* server_consume - input has been taken. */
void server_consume(struct server *s, size_t bytes);
/* server_bid_farewell - at the end of a connection that had a message: whether its sender has our reply. */
void server_bid_farewell(struct server *s);
/* server_count_junk - after a command that leads nowhere: many of them without a message are no dialogue. */
void server_count_junk(struct server *s);
/* server_is_receiving - bytes that come now are a message's, or a chunk's that is thrown away. */
static inline bool server_is_receiving(const struct server *s)
{
    return s->state == SERVER_DATA || s->chunk.is_taking;
}
/* server_wait, server_resume - no command is taken in between. */
void server_wait(struct server *s);
void server_resume(struct server *s);
/* server_end_transaction - forgets it; the connection is where it was after EHLO. */
void server_end_transaction(struct server *s);
void server_flush(struct server *s);
/* server_has_early_input - the client has sent on where it must wait for our reply, and what it has sent could be taken
 * for what it is not: told and closed. */
bool server_has_early_input(struct server *s, const char *command);
/* server_note - conduct of a client that is not known, for the checks and the log. */
void server_note(struct server *s, enum conduct kind, struct span said);

/* server_clock.c */
void server_set_read_timeout(struct server *s, int ms);
void server_set_clock(struct server *s, enum server_clock clock, int ms);
/* server_await_input - sets the time-outs for what comes next. */
void server_await_input(struct server *s);
/* server_hold_back - true: the next command is taken later, for the client has earned that; once for each. */
bool server_hold_back(struct server *s);
/* server_data_is_late - a message has taken too long: told, logged, closed. Its time runs from s->data_begun_ms. */
bool server_data_is_late(struct server *s);
void server_let_go(struct server *s); /* out of the tarpit, if it is there */
void server_on_timer(void *server);
/* server_is_trusted - known, or its mail was good before. */
bool server_is_trusted(const struct server *s);
/* door_note_load - after the number of connections has changed. */
void door_note_load(struct smtp_door *door);

/* server_proxy.c */
/* What a proxy told of a client's TLS, and the name that it has for the connection. All may be "". */
struct proxied {
    bool is_tls;
    char tls_version[32], tls_cipher[80];
    char tls_name[256];    /* that the client asked for */
    char tls_subject[256]; /* of its certificate, which the proxy found good */
    char id[128];
    size_t id_len;
};
void server_await_proxy(struct server *s);
/* server_take_proxy - false: more must come. */
bool server_take_proxy(struct server *s);
void server_proxy_is_late(struct server *s);
/* server_has_tls - between the client and us, or between it and its proxy. */
bool server_has_tls(const struct server *s);

/* server_hello.c */
void server_hello(struct server *s, const struct smtp_command *command);
void server_begin(struct server *s, const struct addr *client, unsigned port);
bool server_nets_have(const struct conf_nets *nets, const struct addr *a);

/* server_greet.c */
/* server_is_known - a client that needs not wait and has no limits. */
bool server_is_known(const struct smtp_door *door, const struct smtp_listener *ways, const struct addr *client);
/* server_greet - the banner, as soon as the client may have it; who the client is, is known. */
void server_greet(struct server *s);
/* server_turn_away - too much from this client, as s->guest says: told and closed. */
void server_turn_away(struct server *s);
/* server_praise - mail of the client was taken, and nothing speaks against it. */
void server_praise(struct server *s);
void server_spoke_early(struct server *s); /* while it waited for the banner */
void server_greeting_is_due(struct server *s);
/* server_welcome - checks begin, and the client hears our banner, now or when it has waited for it; or TLS begins. */
void server_welcome(struct server *s);

/* server_tls.c */
/* server_begins_with_tls - nothing may be said before the handshake. */
bool server_begins_with_tls(const struct server *s);
bool server_offers_starttls(const struct server *s);
void server_starttls(struct server *s);
void server_begin_tls(struct server *s);
void server_tls_is_up(struct server *s);
void server_tls_gives_up(struct server *s); /* no place came free in time */
void server_tls_failed(struct server *s);   /* of a handshake that was under way */
/* server_needs_tls - mail is taken with TLS alone. */
bool server_needs_tls(const struct server *s);
/* server_is_unidentified - the client must show a certificate that we trust, and did not: told and closed. */
bool server_is_unidentified(struct server *s);
/* server_note_tls - into the session, when there is TLS. */
void server_note_tls(struct server *s);

/* server_xclient.c */
void server_xclient(struct server *s, const struct smtp_command *command);
void server_xforward(struct server *s, const struct smtp_command *command);
/* server_may_xclient, server_may_xforward - whoever stands in the peer's place now. */
bool server_may_xclient(const struct server *s);
bool server_may_xforward(const struct server *s);
/* server_begin_forwarded - a transaction begins: with what XFORWARD told, if anything, another client is judged in it.
 * server_forget_forward - it has ended, or XFORWARD's words are void: we talk to the peer again. */
void server_begin_forwarded(struct server *s);
void server_forget_forward(struct server *s);
void server_forget_told(struct server *s);

/* server_mail.c */
/* server_name_client - what the checks know by now of the client's name, into the session. */
void server_name_client(const struct share *share);
void server_mail(struct server *s, const struct smtp_command *command);
void server_rcpt(struct server *s, const struct smtp_command *command);
void server_stop_rcpt(struct server *s);

/* server_data.c */
void server_data(struct server *s);
void server_take_data(struct server *s, struct span in);
/* server_message_is_early - REPLY_NONE, or what has to come before a message can. */
enum reply server_message_is_early(const struct server *s);
void server_begin_message(struct server *s, enum incoming_kind kind);
/* server_end_message - all of it has come. server_refuse_message - whether or not. */
void server_end_message(struct server *s);
void server_refuse_message(struct server *s, enum reply refused);

/* server_chunk.c */
void server_bdat(struct server *s, const struct smtp_command *command);
void server_take_chunk(struct server *s, struct span in);

/* server_end.c */
/* server_judge - the message is in s->incoming, whole. */
void server_judge(struct server *s);
/* server_refuse_all - before it is judged: what the log and the client are told; the transaction is over. */
void server_refuse_all(struct server *s, enum reply reply, uint64_t number, const char *action);
/* server_is_heard - all that we said has gone out. server_is_answered - the client has said more since its message, so
 * that it has heard us. server_forget_flights - the log has named what is under way. */
void server_is_heard(struct server *s);
void server_is_answered(struct server *s);
void server_forget_flights(struct server *s);
/* server_call_off - the client has gone during a delivery: true when it could be called off. */
bool server_call_off(struct server *s);

/* server_auth.c */
/* server_auth_offer - the mechanisms for EHLO, into `list` (SASL_LIST_MAX); false: none. */
bool server_auth_offer(struct server *s, char *list);
void server_auth(struct server *s, const struct smtp_command *command);
/* server_awaits_answer - the next line is no command, but for server_take_answer(). */
bool server_awaits_answer(const struct server *s);
void server_take_answer(struct server *s, struct span line);
/* server_own_hop - where the mail of a client that has logged in goes, all of it; NULL: it has not. */
struct next_hop *server_own_hop(const struct server *s);
void server_forget_auth(struct server *s);

/* server_answer.c */
/* server_answer_of - what the client is told of an outcome; `text` (REPLY_LINE_MAX) may be written to. */
struct answer server_answer_of(const struct server *s, const struct delivery_outcome *outcome, char *text);
/* server_keep_answers - the share in hand has its answer, or one for each of its recipients. */
void server_keep_answers(struct server *s, const struct answer *answer, const struct delivery_outcome *outcome);
/* server_answer - all shares have theirs. */
void server_answer(struct server *s);

/* server_log.c */
void server_log_login(const struct server *s, const char *user, const char *mechanism, unsigned code, struct span text);
/* server_log_message - of the share in hand, which has its answer. */
void server_log_message(struct server *s, const char *action, const struct delivery_outcome *outcome);
void server_log_refusal(const struct server *s, const char *what, const struct verdict *verdict, unsigned code,
                        struct span text);
/* server_log_conduct - in the words of postscreen's log. */
void server_log_conduct(const struct server *s, const char *what, struct span said);
/* server_log_gone - of each share, once the message is there. */
void server_log_gone(struct server *s, const char *when);
/* server_log_left - the client has gone without a word after our 250 to those in s->unanswered. Those of a transaction
 * that is still open are for server_log_gone(). */
void server_log_left(struct server *s);

/* door.c */
void door_add(struct smtp_door *door, struct server *s);
void door_remove(struct smtp_door *door, struct server *s);

static inline bool server_is_lmtp(const struct server *s)
{
    return s->listener->protocol == SMTP_PROTOCOL_LMTP;
}

/* server_session - of the transaction; outside of one, the connection's. */
static inline const struct session *server_session(const struct server *s)
{
    return s->state >= SERVER_MAIL ? s->share->session : s->session;
}

#endif
