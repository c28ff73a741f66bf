/* milter/session.h - one connection of a mail server; between door.c and the files session*.c and nobody else.
 *
 *     session.c        its life: packets in, answers out, negotiation, time-outs, the end
 *     session_mail.c   who the client is, and the envelope
 *     session_data.c   the message: put together from fields and pieces, its verdict, what becomes of it
 *     session_log.c    what the log tells of it
 *
 * A connection carries one SMTP session, or several, one after another (SMFIC_QUIT_NC). Packets are taken one by one;
 * while a verdict is awaited (is_waiting) none is. A message's bytes are those that the client sent: header fields with
 * the blanks behind their colon (SMFIP_HDR_LEADSPC), lines in CRLF; so DKIM signatures hold.
 *
 * Nothing that goes wrong here ever refuses mail for good: the key on_failure says what is answered then. The mail
 * server is not left waiting: checks have a deadline, and it is told that we are at it (SMFIR_PROGRESS).
 *
 * An idle session holds no buffers, and no pipeline before its client is known.
 */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include "gateway/core/pipeline.h"
#include "gateway/mail/spool.h"
#include "gateway/net/listener.h"
#include "gateway/net/stream.h"
#include "milter/door.h"
#include "milter/macros.h"

struct milter_door {
    struct milter_door_settings settings;
    const struct milter_conf *conf;
    struct dress_conf dress; /* without Received: the mail server writes its own */
    struct engine *engine;
    uint32_t wanted_protocol; /* SMFIP_... */
    bool needs_message;       /* a check of STAGE_MESSAGE is on */
    uint32_t lacks_told;      /* SMFIF_... that an MTA did not offer, and the log has it */
    struct listener **listeners;
    size_t listener_count;
    struct milter_session *sessions;
    size_t session_count;
    bool is_draining;
};

enum milter_state {
    MILTER_START,   /* not negotiated */
    MILTER_READY,   /* no transaction */
    MILTER_MAIL,    /* a transaction is open */
    MILTER_MESSAGE, /* the message comes */
};

enum { MILTER_WRITE_MS = 60000, MILTER_OUT_MOST = 8 << 20 };

struct milter_session {
    struct milter_door *door;
    struct milter_session *next, *previous;
    struct stream *stream;
    struct strbuf out;
    struct milter_terms terms;
    enum milter_state state;
    int read_timeout_ms;
    bool is_waiting, is_closing;
    size_t body_left; /* of a piece of the body: what is still to come */
    size_t read_most;

    struct pipeline *pipeline; /* NULL: no client yet */
    struct session *session;   /* the pipeline's */
    struct macros told;        /* of the connection */
    bool is_client_known, is_helo_known;

    /* of the transaction */
    struct macros told_now;
    unsigned refused_by_mta; /* recipients */
    struct spool *spool;
    enum fault spool_fault;
    int spool_errno; /* of FAULT_IO */
    bool has_header_end;
    bool is_skipping;       /* the rest of the body: its end is in the packets that were on their way */
    bool is_certain;        /* the last verdict was, before the message */
    const char *unexamined; /* why this message passes without a look; NULL */
    int64_t begun_ms;
    const struct verdict *verdict;
    struct timer *progress; /* made when a verdict is first awaited */
};

/* session.c */
void milter_session_new(struct milter_door *door, int fd);
void milter_session_free(struct milter_session *s);
void milter_session_drain(struct milter_session *s);
/* milter_say - an answer without data, unless the MTA was told that it gets none (`unless`: SMFIP_NR_...). */
void milter_say(struct milter_session *s, char answer, uint32_t unless);
void milter_close(struct milter_session *s);
/* milter_wait, milter_resume - no packet is taken in between. milter_resume may free the session. */
void milter_wait(struct milter_session *s);
void milter_resume(struct milter_session *s);
void milter_end_transaction(struct milter_session *s);

/* session_mail.c: all but the first are false for packets that do not belong there */
void milter_need_pipeline(struct milter_session *s);
bool milter_take_macros(struct milter_session *s, struct span data);
bool milter_take_client(struct milter_session *s, struct span data);
bool milter_take_helo(struct milter_session *s, struct span data);
bool milter_take_mail(struct milter_session *s, struct span data);
bool milter_take_rcpt(struct milter_session *s, struct span data);
bool milter_take_data(struct milter_session *s);

/* session_data.c */
bool milter_take_field(struct milter_session *s, struct span data);
bool milter_take_header_end(struct milter_session *s);
bool milter_begin_body(struct milter_session *s);
void milter_take_body(struct milter_session *s, struct span piece);
void milter_end_body(struct milter_session *s);
bool milter_take_end(struct milter_session *s, struct span data);

/* session_log.c */
void milter_log_message(struct milter_session *s, unsigned code, struct span text, const char *action);
void milter_log_refusal(struct milter_session *s, const char *what, const struct verdict *verdict, unsigned code,
                        struct span text);
void milter_log_gone(struct milter_session *s, const char *when);
void milter_log_fault(struct milter_session *s, const char *text);
/* milter_queue_id - the MTA's id of this message; empty when it has not told one. */
struct span milter_queue_id(const struct milter_session *s);

/* door.c */
void milter_door_add(struct milter_door *door, struct milter_session *s);
void milter_door_remove(struct milter_door *door, struct milter_session *s);

#endif
