/* smtp/grammar.h - one command line, without its line end, into a struct smtp_command [RFC5321 4.1].
 *
 * Lenient where senders are known to be and nothing can be mistaken (blanks behind "FROM:", blanks at the end), strict
 * everywhere else. Pure; spans point into the line.
 */
#ifndef SMTP_GRAMMAR_H
#define SMTP_GRAMMAR_H

#include "gateway/mail/session.h"
#include "gateway/smtp/extension.h"
#include "gateway/smtp/reply.h"

enum smtp_verb {
    VERB_UNKNOWN,
    VERB_EHLO,
    VERB_HELO,
    VERB_LHLO, /* LMTP's EHLO */
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_BDAT,
    VERB_RSET,
    VERB_NOOP,
    VERB_VRFY,
    VERB_HELP,
    VERB_QUIT,
    VERB_STARTTLS,
    VERB_AUTH,
    VERB_XCLIENT,
    VERB_XFORWARD,
    VERB_OTHER,   /* SMTP has it, and a gateway has no use for it: EXPN, ETRN, ...; 502 [RFC5321 4.2.4] */
    VERB_FOREIGN, /* another protocol's: GET, POST, CONNECT, ... */
};

enum { SMTP_HELO_MAX = 255 };

struct smtp_command {
    enum smtp_verb verb;
    struct span argument;   /* all behind the verb, trimmed; of EHLO, HELO and LHLO: the name */
    struct address path;    /* MAIL, RCPT */
    struct span parameters; /* MAIL, RCPT: as given */
    struct span about;      /* of a reply about parameters: the name of the one that is wrong */
    bool is_utf8;           /* MAIL, RCPT: something is UTF-8, which only a transaction with SMTPUTF8 may have */
    uint64_t size;          /* MAIL SIZE=, 0: none [RFC1870]; BDAT: of the chunk */
    bool is_last;           /* BDAT LAST [RFC3030 2] */

    /* the other parameters of MAIL; what they mean stands in session.h */
    bool is_8bit, is_binary, is_smtputf8, is_require_tls;
    bool is_prdr; /* the client wants an answer for each recipient */
    enum dsn_ret ret;
    struct span envid, auth;
    /* of RCPT */
    unsigned notify;
    struct span orcpt;
};

/* grammar_parse - REPLY_NONE, or the reply that says what is wrong; out->verb is set in either case. `extensions` are
 * those offered, of enum smtp_extension. */
enum reply grammar_parse(struct span line, unsigned extensions, struct smtp_command *out);

#endif
