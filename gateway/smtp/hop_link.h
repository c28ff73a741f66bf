/* smtp/hop_link.h - one connection to a next hop; between hop.c and hop_link.c. */
#ifndef SMTP_HOP_LINK_H
#define SMTP_HOP_LINK_H

#include "gateway/smtp/hop.h"
#include "gateway/smtp/sasl.h"

enum link_state {
    LINK_CONNECTING,
    LINK_BANNER,
    LINK_EHLO,
    LINK_HELO, /* EHLO was refused */
    LINK_STARTTLS,
    LINK_TLS,
    LINK_RESETTING,
    LINK_IDLE,
    LINK_XCLIENT,      /* of a task, which is told on_ready() then */
    LINK_XCLIENT_EHLO, /* the same */
    LINK_XFORWARD,     /* the same */
    LINK_BUSY,
};

struct hop_link {
    struct hop *hop;
    struct stream *stream;
    enum link_state state;
    struct hop_reply reply;
    struct hop_task *task;   /* LINK_XCLIENT and later */
    unsigned awaited;        /* replies */
    unsigned uses, refusals; /* how often it has served; replies of 4xx and 5xx */
    unsigned questions;      /* uses since the last message */
    unsigned extensions;
    uint64_t size_most;
    uint64_t recipients_most, domains_most, mails_most; /* its LIMITS [RFC9422]; 0: none told */
    char auth[SASL_LIST_MAX];                           /* mechanisms that can be passed on */
    bool is_safe;                                       /* TLS, or on this machine */
    unsigned client_attributes;  /* of XFORWARD or XCLIENT, as ways->client says; 0: it is not offered */
    struct strbuf client;        /* XCLIENT: the description of whose connection it is */
    struct strbuf introductions; /* commands that are still to be said */
    unsigned introduced;         /* of `awaited`, first: to XFORWARD */
    bool is_nowhere;             /* XCLIENT: its address could not be told */
    int64_t born_ms, idle_since_ms;
    int64_t reply_begun_ms; /* the one that is not complete yet; 0: there is none */
    char tls[96];           /* for the log: version, cipher, who the next hop is proved to be; "": none */
    bool is_late;           /* it has not answered a command, or not read a message, in time */
    bool is_open_ended;     /* a message goes out: it may be broken into */
    bool is_ahead;          /* more had come than was asked for, when something was asked for */
    bool is_at_end;         /* of a message: the reply to its dot is awaited */
    bool *is_gone;          /* set when the link is freed: its caller looks at it */
    struct hop_link *next, *previous;
};

/* link_new - connects to `at` and says EHLO, STARTTLS when it has to; then link_is_ready() in hop.c is called, or
 * link_is_lost(). link_free - closes; calls nothing. */
struct hop_link *link_new(struct hop *hop, const struct endpoint *at);
void link_free(struct hop_link *link);
/* link_fits - it may serve this task: after XCLIENT a connection is one client's, unless XCLIENT is offered again. */
bool link_fits(const struct hop_link *link, const struct hop_task *task);
void link_start(struct hop_link *link, struct hop_task *task);
void link_to_idle(struct hop_link *link, bool reset);
/* link_quit - says QUIT and closes. */
void link_quit(struct hop_link *link);

/* in hop.c */
void hop_link_is_ready(struct hop *hop, struct hop_link *link);
/* hop_link_is_lost - frees it. `is_tls`: the handshake was what failed. */
void hop_link_is_lost(struct hop *hop, struct hop_link *link, bool is_tls, const char *why);
bool hop_wants_tls(const struct hop *hop);
/* hop_peer - whom a handshake must find; valid for as long as nothing is called. */
struct tls_peer hop_peer(const struct hop *hop);

#endif
