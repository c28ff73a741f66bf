/* smtp/reply.h - every reply that the proxy can give: one table, in reply.c.
 *
 * A reply tells the sender's postmaster what happened and, from MAIL on, the id under which our log has it. Nothing
 * foreign goes out unwashed: bytes outside printable ASCII become "?", lines end at 512 octets [RFC5321 4.5.3.1.5].
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "gateway/base/strbuf.h"

enum reply {
    REPLY_NONE, /* no reply: all is well so far */
    REPLY_BANNER,
    REPLY_BANNER_LMTP,
    REPLY_HELO,
    REPLY_OK,
    REPLY_RESET,
    REPLY_HELP,
    REPLY_VRFY,
    REPLY_QUIT,
    REPLY_START_TLS,
    REPLY_SENDER_OK,
    REPLY_RECIPIENT_OK,
    REPLY_START_DATA,
    REPLY_CHUNK_TAKEN,
    REPLY_DELIVERED,
    REPLY_PRDR,
    REPLY_PRDR_DONE,
    REPLY_PRDR_LATER,
    REPLY_PRDR_NONE,
    /* what the client did wrong */
    REPLY_UNKNOWN_COMMAND,
    REPLY_NOT_IMPLEMENTED,
    REPLY_BAD_BYTES,
    REPLY_BARE_NEWLINE_COMMAND,
    REPLY_LINE_TOO_LONG,
    REPLY_NO_ARGUMENT,
    REPLY_ARGUMENT,
    REPLY_BAD_HELO,
    REPLY_SPEAK_LMTP,
    REPLY_SPEAK_SMTP,
    REPLY_BAD_MAIL,
    REPLY_BAD_RCPT,
    REPLY_BAD_SENDER,
    REPLY_BAD_RECIPIENT,
    REPLY_UTF8_ADDRESS,
    REPLY_UTF8_UNSAID,
    REPLY_UNKNOWN_PARAMETER,
    REPLY_BAD_PARAMETER,
    REPLY_BAD_CHUNK,
    REPLY_BAD_XCLIENT,
    REPLY_XCLIENT_DENIED,
    REPLY_AUTH_MECHANISM,
    REPLY_AUTH_BAD,
    REPLY_AUTH_NEEDS_TLS,
    REPLY_AUTH_ALREADY,
    REPLY_NEED_HELO,
    REPLY_NEED_MAIL,
    REPLY_NEED_RCPT,
    REPLY_NESTED_MAIL,
    REPLY_CHUNKS_BEGUN,
    REPLY_NEED_BDAT,
    REPLY_IN_TRANSACTION,
    REPLY_TLS_ALREADY,
    REPLY_TLS_NOT_OFFERED,
    REPLY_NEED_TLS,
    REPLY_NO_CERTIFICATE,
    REPLY_EARLY_INPUT,
    REPLY_FOREIGN_PROTOCOL,
    REPLY_TOO_MANY_ERRORS,
    REPLY_IDLE,
    REPLY_SESSION_TOO_LONG,
    REPLY_PROXY_LATE,
    REPLY_DATA_TOO_SLOW,
    /* what we do not take */
    REPLY_RELAY_DENIED,
    REPLY_ROUTED_RECIPIENT,
    REPLY_TOO_MANY_RECIPIENTS,
    REPLY_OTHER_ROUTE,
    REPLY_OTHER_RULES,
    REPLY_ONE_RECIPIENT,
    REPLY_UNLISTED,
    REPLY_TOO_MANY_SHARES,
    REPLY_TOO_BIG,
    REPLY_LOOP,
    REPLY_HEADER_TOO_BIG,
    REPLY_TOO_MANY_FIELDS,
    REPLY_BARE_NEWLINE,
    REPLY_NUL,
    REPLY_LONG_LINE,
    REPLY_REQUIRETLS,
    /* trouble of ours: always 4xx */
    REPLY_TOO_MANY_CONNECTIONS,
    REPLY_CLIENT_LIMIT,
    REPLY_CLIENT_RECIPIENTS,
    REPLY_BUSY,
    REPLY_BUSY_MAIL,
    REPLY_TLS_BUSY,
    REPLY_DRAINING,
    REPLY_SPOOL,
    REPLY_MEMORY,
    REPLY_HOP_DOWN,
    REPLY_HOP_SILENT,
    REPLY_HOP_CHANGED,
    REPLY_HOP_LACKS,
    REPLY_NO_LIST,
    REPLY_AUTH_HOP,
    REPLY_AUTH_LOST,
    REPLY_MAILDIR,
    REPLY_QUARANTINE,
    REPLY_OTHERS_SLOW,
    REPLY_COUNT
};

enum { REPLY_LINE_MAX = 512, REPLY_LINES_MAX = 16 };

unsigned reply_code(enum reply reply);
/* reply_write - the table's row. `id`: NULL or of the transaction. `detail`: for the row's {}. */
void reply_write(struct strbuf *out, enum reply reply, const char *id, struct span detail);
/* reply_text - what reply_write() puts behind the code: enhanced code and text. Into `out` (REPLY_LINE_MAX). */
struct span reply_text(enum reply reply, struct span detail, char *out);
/* reply_write_text - a reply of a check or of the next hop: `enhanced` may be "" (then, if `text` has none at its
 * front, the class's X.0.0), `text` may have several lines, separated by LF. */
void reply_write_text(struct strbuf *out, unsigned code, const char *enhanced, struct span text, const char *id);
/* reply_write_challenge - of AUTH [RFC4954 4]. */
void reply_write_challenge(struct strbuf *out, struct span text);
/* reply_has_enhanced - whether `text` begins with an enhanced status code of that class [RFC3463 2]. */
bool reply_has_enhanced(unsigned code, struct span text);

#endif
