/* mail/session.h - who talks to us, and the envelope: what a door learned, for the checks to read.
 *
 * The door fills it as the dialogue goes on and gives each stage to the pipeline when its fields are complete; from
 * then on they do not change until the transaction ends. Spans lie in `arena` (the connection's) or `tx_arena` (the
 * transaction's: envelope and everything of STAGE_MAIL and later).
 */
#ifndef MAIL_SESSION_H
#define MAIL_SESSION_H

#include "gateway/base/addr.h"
#include "gateway/base/ulid.h"
#include "gateway/mail/address.h"

/* What no mail server does: postscreen's tests, in its words. See session_note(). */
enum conduct {
    CONDUCT_PREGREET,     /* it spoke before our greeting */
    CONDUCT_PIPELINING,   /* it sent on where it must wait for our reply */
    CONDUCT_NON_SMTP,     /* it said what is a header field's, or another protocol's */
    CONDUCT_BARE_NEWLINE, /* it ends commands in a bare LF */
    CONDUCT_COUNT
};

enum { CONDUCT_SHOWN_MAX = 60 };

struct conduct_note {
    unsigned count;
    struct span first; /* what it sent when it did so first: at most CONDUCT_SHOWN_MAX bytes */
};

enum direction { DIRECTION_INBOUND, DIRECTION_AUTHENTICATED };

/* Delivery status notifications [RFC3461]: what of the message comes back, and when a notification is wanted. */
enum dsn_ret { DSN_RET_UNSAID, DSN_RET_FULL, DSN_RET_HDRS };
enum dsn_notify {
    DSN_NOTIFY_NEVER = 1 << 0,
    DSN_NOTIFY_SUCCESS = 1 << 1,
    DSN_NOTIFY_FAILURE = 1 << 2,
    DSN_NOTIFY_DELAY = 1 << 3,
};

struct recipient {
    struct address address;
    unsigned notify;   /* NOTIFY=, of enum dsn_notify; 0: not said */
    struct span orcpt; /* ORCPT=, "type;xtext" as given; empty: not said */
};

/* What a client showed in its TLS handshake. */
struct session_certificate {
    struct span subject, issuer; /* [RFC2253]; both may be empty */
    struct span sha256;          /* its fingerprint, hex; empty: it showed none */
    bool is_trusted;             /* signed by an authority that the operator trusts */
};

struct session {
    struct arena *arena;
    struct arena *tx_arena;

    const char *door;     /* "smtp", "scan", "milter", "policy", "http" */
    const char *hostname; /* ours: authserv-id and Received */

    /* CONNECT */
    struct addr client;
    unsigned client_port;
    struct span client_name;      /* confirmed, as far as the checks know now: it may come late. Empty: none */
    bool is_nameless;             /* and none will come */
    struct span client_ptr;       /* told by a trusted peer or the command line (XCLIENT NAME); empty: look it up */
    bool is_client_ptr_confirmed; /* by who told it: it resolves to the client */
    bool is_relay_client;         /* in relay_clients */
    struct conduct_note conduct[CONDUCT_COUNT]; /* of the whole connection so far; it grows at any stage */
    const struct session *via; /* of the mail server that talks to us for this client (XFORWARD); NULL: of nobody */
    /* HELO */
    struct span helo;
    bool is_esmtp;
    bool is_lmtp;            /* who talks to us is a mail server of ours, and neither client nor helo is its */
    struct span lhlo;        /* its name */
    const char *tls_version; /* "" without TLS */
    const char *tls_cipher;
    unsigned tls_bits;
    struct span tls_server_name; /* that the client asked for (SNI); empty: none */
    struct session_certificate tls_client;
    struct span auth_user; /* empty: not authenticated */
    /* MAIL */
    char id[ULID_SIZE]; /* of this transaction: in replies, Received, log and records */
    int64_t started_wall_ms;
    struct address mail_from; /* .text empty: the null reverse-path */
    bool is_8bit, is_binary, is_smtputf8, is_require_tls;
    enum dsn_ret ret;
    struct span envid;     /* ENVID=, xtext as given; empty: not said */
    struct span mail_auth; /* AUTH=, xtext or "<>" as given; empty: not said */
    size_t declared_bytes; /* SIZE=, 0: none */
    /* RCPT */
    struct recipient *recipients;
    size_t recipient_count;
    size_t recipient_room;
    size_t unnamed_recipients; /* that a door was told of only how many they are */
};

/* session_add_recipient - the new one, valid until the next is added; a door takes the last one back by counting
 * down. */
struct recipient *session_add_recipient(struct session *s, const struct address *address);

/* session_note - once more; true: for the first time. `said` is copied. */
bool session_note(struct session *s, enum conduct kind, struct span said);
/* conduct_text - "PREGREET", "COMMAND PIPELINING", ...: the words of postscreen's log. */
const char *conduct_text(enum conduct kind);

/* session_take - all that `from` knows of client and sender, copied into `to`'s own arenas; `to` keeps its id, and gets
 * no recipients. */
void session_take(struct session *to, const struct session *from);

static inline enum direction session_direction(const struct session *s)
{
    return s->auth_user.len || s->is_relay_client ? DIRECTION_AUTHENTICATED : DIRECTION_INBOUND;
}

#endif
