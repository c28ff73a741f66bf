/* smtp/grammar.h - one command line, without its line end, into a struct smtp_command [RFC5321 4.1].
 *
 * Lenient where senders are known to be and nothing can be mistaken (blanks behind "FROM:", blanks at the end), strict
 * everywhere else. Pure; spans point into the line.
 */
#ifndef SMTP_GRAMMAR_H
#define SMTP_GRAMMAR_H

#include "gateway/mail/address.h"
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
    VERB_OTHER,   /* known to RFCs, not implemented here: EXPN, ETRN, ... */
    VERB_FOREIGN, /* another protocol's: GET, POST, CONNECT, ... */
};

enum { SMTP_HELO_MAX = 255 };

struct smtp_command {
    enum smtp_verb verb;
    struct span argument;   /* all behind the verb, trimmed; of EHLO, HELO and LHLO: the name */
    struct address path;    /* MAIL, RCPT */
    struct span parameters; /* MAIL, RCPT: as given */
    uint64_t size;          /* MAIL SIZE=, 0: none [RFC1870]; BDAT: of the chunk */
    bool is_8bit;           /* MAIL BODY=8BITMIME [RFC6152] */
    bool is_binary;         /* MAIL BODY=BINARYMIME [RFC3030 3] */
    bool is_last;           /* BDAT LAST [RFC3030 2] */
    bool is_prdr;           /* MAIL PRDR: the client wants an answer for each recipient */
};

/* grammar_parse - REPLY_NONE, or the reply that says what is wrong; out->verb is set in either case. `extensions` are
 * those offered, of enum smtp_extension. */
enum reply grammar_parse(struct span line, unsigned extensions, struct smtp_command *out);
const char *grammar_verb_text(enum smtp_verb verb);

#endif
