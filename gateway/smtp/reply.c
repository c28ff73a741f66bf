/* smtp/reply.c - THE TABLE of replies. Codes are RFC 5321's, enhanced codes RFC 3463's and those of its registry. */
#include "gateway/smtp/reply.h"

#include "gateway/base/bug.h"

struct reply_row {
    unsigned code;
    const char *enhanced; /* "" where RFC 2034 wants none: greeting, EHLO, 354 */
    const char *text;     /* {} is the detail */
};

static const struct reply_row rows[REPLY_COUNT] = {
    [REPLY_NONE] = { 250, "2.0.0", "OK" },
    [REPLY_BANNER] = { 220, "", "{} ESMTP Postern" },
    [REPLY_BANNER_LMTP] = { 220, "", "{} LMTP Postern" },
    [REPLY_HELO] = { 250, "", "{}" },
    [REPLY_OK] = { 250, "2.0.0", "OK" },
    [REPLY_RESET] = { 250, "2.0.0", "Transaction forgotten" },
    [REPLY_HELP] = { 214, "2.0.0",
                     "Mail filtering gateway: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT [RFC 5321]" },
    [REPLY_VRFY] = { 252, "2.1.5", "Addresses are verified at RCPT only; send the message and see" },
    [REPLY_QUIT] = { 221, "2.0.0", "{} closes the connection" },
    [REPLY_START_TLS] = { 220, "2.0.0", "Start the TLS handshake" },
    [REPLY_SENDER_OK] = { 250, "2.1.0", "Sender taken" },
    [REPLY_RECIPIENT_OK] = { 250, "2.1.5", "Recipient taken" },
    [REPLY_START_DATA] = { 354, "", "Send the message; it ends with <CRLF>.<CRLF>" },
    [REPLY_CHUNK_TAKEN] = { 250, "2.0.0", "{} octets taken" },
    [REPLY_PRDR] = { 353, "", "An answer for each recipient follows" },
    [REPLY_PRDR_DONE] = { 250, "2.0.0", "Each recipient has his answer" },
    [REPLY_PRDR_LATER] = { 451, "4.0.0", "No recipient has the message; try again later where his answer says so" },
    [REPLY_PRDR_NONE] = { 554, "5.0.0", "No recipient has the message" },
    [REPLY_DELIVERED] = { 250, "2.0.0", "Delivered: {}" },

    [REPLY_UNKNOWN_COMMAND] = { 500, "5.5.1", "This command is unknown here" },
    [REPLY_NOT_IMPLEMENTED] = { 502, "5.5.1", "This command is not implemented here" },
    [REPLY_BAD_BYTES] = { 500, "5.5.2", "Control characters in a command" },
    [REPLY_BARE_NEWLINE_COMMAND] = { 500, "5.5.2", "Commands end in CRLF; bare CR or LF was found [RFC 5321 2.3.8]" },
    [REPLY_LINE_TOO_LONG] = { 500, "5.5.6", "The command line is too long" },
    [REPLY_NO_ARGUMENT] = { 501, "5.5.4", "This command needs an argument" },
    [REPLY_ARGUMENT] = { 501, "5.5.4", "This command takes no argument" },
    [REPLY_BAD_HELO] = { 501, "5.5.4", "Give your host name or address literal: EHLO mail.example.org" },
    [REPLY_SPEAK_LMTP] = { 500, "5.5.1", "This is LMTP: say LHLO [RFC 2033 4.1]" },
    [REPLY_SPEAK_SMTP] = { 500, "5.5.1", "This is SMTP: say EHLO" },
    [REPLY_BAD_MAIL] = { 501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]" },
    [REPLY_BAD_RCPT] = { 501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]" },
    [REPLY_BAD_SENDER] = { 501, "5.1.7", "The sender's address does not follow RFC 5321 4.1.2" },
    [REPLY_BAD_RECIPIENT] = { 501, "5.1.3", "The recipient's address does not follow RFC 5321 4.1.2" },
    [REPLY_UTF8_ADDRESS] = { 553, "5.6.7", "SMTPUTF8 is not offered here: the address must be ASCII" },
    [REPLY_UTF8_UNSAID] = { 553, "5.6.7", "The address is not ASCII: say SMTPUTF8 with MAIL [RFC 6531 3.4]" },
    [REPLY_UNKNOWN_PARAMETER] = { 555, "5.5.4", "The parameter {} is of no extension that is offered here" },
    [REPLY_BAD_PARAMETER] = { 501, "5.5.4", "The parameter {} has no valid value, or stands twice" },
    [REPLY_BAD_CHUNK] = { 501, "5.5.4",
                          "Syntax: BDAT size [LAST]; closing, for what follows cannot be told from commands" },
    [REPLY_BAD_XCLIENT] = { 501, "5.5.4", "The attributes of {} do not follow their syntax" },
    [REPLY_XCLIENT_DENIED] = { 550, "5.7.0", "You are not allowed to use {}" },
    [REPLY_AUTH_MECHANISM] = { 504, "5.5.4", "This mechanism is not offered here" },
    [REPLY_AUTH_BAD] = { 501, "5.5.2", "This is no answer of that mechanism; the login is cancelled" },
    [REPLY_AUTH_NEEDS_TLS] = { 538, "5.7.11", "Say STARTTLS first: passwords go over TLS only" },
    [REPLY_AUTH_ALREADY] = { 503, "5.5.1", "You have logged in already" },
    [REPLY_NEED_HELO] = { 503, "5.5.1", "Say EHLO or HELO first" },
    [REPLY_NEED_MAIL] = { 503, "5.5.1", "Say MAIL first" },
    [REPLY_NEED_RCPT] = { 503, "5.5.1", "No recipient has been taken" },
    [REPLY_NESTED_MAIL] = { 503, "5.5.1", "A transaction is under way; say RSET to leave it" },
    [REPLY_CHUNKS_BEGUN] = { 503, "5.5.1", "BDAT has begun the message; go on with BDAT, or say RSET" },
    [REPLY_NEED_BDAT] = { 503, "5.5.1", "BODY=BINARYMIME needs BDAT [RFC 3030 3]" },
    [REPLY_IN_TRANSACTION] = { 503, "5.5.1", "Not inside a transaction" },
    [REPLY_TLS_ALREADY] = { 503, "5.5.1", "TLS is active already" },
    [REPLY_TLS_NOT_OFFERED] = { 502, "5.5.1", "TLS is not offered here" },
    [REPLY_NEED_TLS] = { 530, "5.7.0", "Say STARTTLS first: mail is taken with TLS only" },
    [REPLY_NO_CERTIFICATE] = { 421, "4.7.1",
                               "Your TLS certificate is missing, or of no authority that is trusted here" },
    [REPLY_EARLY_INPUT] = { 554, "5.5.0", "You sent on without waiting for our reply to {} [RFC 2920 3.1]" },
    [REPLY_FOREIGN_PROTOCOL] = { 554, "5.5.0", "This is SMTP; you speak another protocol" },
    [REPLY_TOO_MANY_ERRORS] = { 421, "4.7.0", "Too many errors; closing the connection" },
    [REPLY_IDLE] = { 421, "4.4.2", "Nothing was heard from you for too long; closing the connection" },
    [REPLY_SESSION_TOO_LONG] = { 421, "4.4.2", "The connection has lasted long enough; closing it, come again" },
    [REPLY_PROXY_LATE] = { 421, "4.4.2", "{} The header of the PROXY protocol did not come; closing the connection" },
    [REPLY_DATA_TOO_SLOW] = { 421, "4.4.2", "The message took too long to arrive; closing the connection" },

    [REPLY_RELAY_DENIED] = { 554, "5.7.1", "Relaying denied: {} is not a domain that we take mail for" },
    [REPLY_ROUTED_RECIPIENT] = { 554, "5.7.1", "Relaying denied: the local part names another host (%, ! or @)" },
    [REPLY_TOO_MANY_RECIPIENTS] = { 452, "4.5.3", "Too many recipients; send the others in another transaction" },
    [REPLY_OTHER_ROUTE] = { 452, "4.5.3", "This recipient takes another route; send it in another transaction" },
    [REPLY_OTHER_RULES] = { 452, "4.5.3",
                            "Too many recipients: this one has other rules, send it in another transaction" },
    [REPLY_ONE_RECIPIENT] = { 452, "4.5.3", "One recipient at a time goes there; use another transaction" },
    [REPLY_UNLISTED] = { 550, "5.1.1", "There is no such recipient here" },
    [REPLY_TOO_MANY_SHARES] = { 452, "4.5.3", "Too many routes and rules for one message; use another transaction" },
    [REPLY_TOO_BIG] = { 552, "5.3.4", "The message is larger than the {} bytes that we take" },
    [REPLY_LOOP] = { 554, "5.4.6", "Mail loop: the message has passed {} hosts already" },
    [REPLY_HEADER_TOO_BIG] = { 552, "5.3.4", "The header section is larger than the {} bytes that we take" },
    [REPLY_TOO_MANY_FIELDS] = { 552, "5.3.4", "The header section has more than the {} fields that we take" },
    [REPLY_BARE_NEWLINE] = { 550, "5.6.0", "The message has bare CR or LF; lines end in CRLF [RFC 5321 2.3.8]" },
    [REPLY_NUL] = { 550, "5.6.0", "The message has NUL bytes, which mail must not have [RFC 5322 2.3]" },
    [REPLY_LONG_LINE] = { 550, "5.6.0", "The message has a line of more than {} bytes" },
    [REPLY_REQUIRETLS] = { 550, "5.7.30", "No server behind this gateway takes mail with REQUIRETLS" },

    [REPLY_TOO_MANY_CONNECTIONS] = { 421, "4.7.0", "{} Too many connections; try again later" },
    [REPLY_CLIENT_LIMIT] = { 421, "4.7.0", "Too many {}; try again later" },
    [REPLY_CLIENT_RECIPIENTS] = { 452, "4.7.0", "Too many recipients a minute from you; try again later" },
    [REPLY_BUSY] = { 421, "4.3.2", "Too busy: {}; try again later" },
    [REPLY_BUSY_MAIL] = { 451, "4.3.2", "Too busy: {}; try again later" },
    [REPLY_TLS_BUSY] = { 454, "4.7.0", "TLS is not available now: too many handshakes are under way" },
    [REPLY_DRAINING] = { 421, "4.3.2", "{} The service is shutting down; try again later" },
    [REPLY_SPOOL] = { 452, "4.3.1", "The message cannot be stored at the moment; try again later" },
    [REPLY_MEMORY] = { 421, "4.3.1", "Too much for one transaction at the moment; try again later" },
    [REPLY_HOP_DOWN] = { 451, "4.4.1", "The mail server behind this gateway cannot be reached; try again later" },
    [REPLY_HOP_SILENT] = { 451, "4.4.2", "The mail server behind this gateway did not confirm; try again later" },
    [REPLY_HOP_CHANGED] = { 451, "4.4.5", "The mail server behind this gateway refused a recipient; try again later" },
    [REPLY_HOP_LACKS] = { 451, "4.3.3",
                          "The mail server behind this gateway does not offer {}, which this message needs; try again "
                          "later" },
    [REPLY_NO_LIST] = { 451, "4.3.0", "Recipients cannot be looked up at the moment; try again later" },
    [REPLY_AUTH_HOP] = { 454, "4.7.0", "Logins cannot be checked at the moment; try again later" },
    [REPLY_AUTH_LOST] = { 421, "4.7.0", "{} The connection behind your login is lost; connect and log in again" },
    [REPLY_MAILDIR] = { 451, "4.3.0", "The message could not be stored; try again later" },
    [REPLY_OTHERS_SLOW] = { 451, "4.4.5", "Other recipients took too long; try again later" },
    [REPLY_QUARANTINE] = { 451, "4.7.1", "The message could not be set aside; try again later" },
};

unsigned reply_code(enum reply reply)
{
    return rows[reply].code;
}

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    return s.len >= 1 && s.len <= 3;
}

bool reply_has_enhanced(unsigned code, struct span text)
{
    struct span class, subject, detail, word = text;

    span_cut(&text, ' ', &word);
    return span_cut(&word, '.', &class) && span_cut(&word, '.', &subject) && span_cut(&word, '.', &detail) &&
           !word.ptr && class.len == 1 && (unsigned)(class.ptr[0] - '0') == code / 100 && is_digits(subject) &&
           is_digits(detail);
}

static void put_washed(struct strbuf *out, struct span text, size_t most)
{
    for (size_t i = 0; i < text.len && i < most; i++)
        strbuf_putc(out, text.ptr[i] < ' ' || text.ptr[i] > '~' ? '?' : text.ptr[i]);
}

static void put_line(struct strbuf *out, unsigned code, bool is_last, const char *enhanced, struct span text,
                     const char *id)
{
    size_t start = out->len;
    size_t tail = 2 + (id && is_last ? strlen(id) + 6 : 0);

    strbuf_putf(out, "%u%c%s%s", code, is_last ? ' ' : '-', enhanced, *enhanced ? " " : "");
    size_t used = out->len - start;

    put_washed(out, text, used + tail < REPLY_LINE_MAX ? REPLY_LINE_MAX - used - tail : 0);
    if (id && is_last)
        strbuf_putf(out, " (id %s)", id);
    strbuf_puts(out, "\r\n");
}

void reply_write_text(struct strbuf *out, unsigned code, const char *enhanced, struct span text, const char *id)
{
    static const char *const by_class[] = { "2.0.0", "4.0.0", "5.0.0" };
    struct span line = { NULL, 0 };
    unsigned lines = 0;
    bool is_last = false;

    if (code != 250 && code != 235 && code / 100 != 4 && code / 100 != 5)
        BUG("reply %u", code);
    if (!*enhanced && !reply_has_enhanced(code, text))
        enhanced = by_class[code / 100 == 2 ? 0 : code / 100 - 3];
    text = span_trim(text);
    while (!is_last) {
        span_cut(&text, '\n', &line);
        is_last = !text.ptr || ++lines == REPLY_LINES_MAX;
        put_line(out, code, is_last, enhanced, span_trim(line), id);
    }
}

void reply_write_challenge(struct strbuf *out, struct span text)
{
    strbuf_puts(out, "334 ");
    put_washed(out, span_trim(text), text.len);
    strbuf_puts(out, "\r\n");
}

/* The row's text, with the detail in its place. */
static void fill(struct strbuf *out, enum reply reply, struct span detail)
{
    struct span text = span_of(rows[reply].text);
    size_t at = span_search(text, SPAN("{}"));

    strbuf_put(out, span_first(text, at));
    if (at != SPAN_NPOS) {
        put_washed(out, detail, REPLY_LINE_MAX);
        strbuf_put(out, span_skip(text, at + 2));
    }
}

void reply_write(struct strbuf *out, enum reply reply, const char *id, struct span detail)
{
    struct strbuf filled;

    strbuf_init(&filled, 2 * REPLY_LINE_MAX);
    fill(&filled, reply, detail);
    put_line(out, rows[reply].code, true, rows[reply].enhanced, strbuf_span(&filled), id);
    strbuf_release(&filled);
}

struct span reply_text(enum reply reply, struct span detail, char *out)
{
    struct strbuf filled;
    struct span text;

    strbuf_init(&filled, 2 * REPLY_LINE_MAX);
    strbuf_putf(&filled, "%s ", rows[reply].enhanced);
    fill(&filled, reply, detail);
    text = span_first(strbuf_span(&filled), REPLY_LINE_MAX);
    memcpy(out, text.ptr, text.len);
    strbuf_release(&filled);
    return span_trim(span_make(out, text.len));
}
