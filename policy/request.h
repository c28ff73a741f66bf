/* policy/request.h - one request of the Postfix policy delegation protocol: `name=value` lines and an empty line
 * [Postfix, SMTPD_POLICY_README].
 *
 * It is read as it comes, every byte once, where it lies: a request holds places in the input, which must begin with
 * the same byte until it is done. Attributes that nobody knows are passed over. When one stands twice the last counts.
 * Threads: any. Memory: none.
 */
#ifndef POLICY_REQUEST_H
#define POLICY_REQUEST_H

#include "gateway/base/arena.h"

enum {
    POLICY_LINE_MAX = 8192, /* Postfix's own values are shorter than its line_length_limit, 2048 */
    POLICY_LINES_MAX = 200, /* Postfix 3.12 sends 32 */
    POLICY_REQUEST_MAX = 32768,
};

/* In the order in which Postfix sends them. */
enum policy_attribute {
    POLICY_REQUEST,
    POLICY_PROTOCOL_STATE,
    POLICY_PROTOCOL_NAME,
    POLICY_CLIENT_ADDRESS,
    POLICY_CLIENT_NAME, /* confirmed by Postfix; "unknown" when there is none */
    POLICY_CLIENT_PORT,
    POLICY_REVERSE_CLIENT_NAME,
    POLICY_SERVER_ADDRESS,
    POLICY_SERVER_PORT,
    POLICY_HELO_NAME,
    POLICY_SENDER,
    POLICY_RECIPIENT,
    POLICY_RECIPIENT_COUNT,
    POLICY_QUEUE_ID,
    POLICY_INSTANCE, /* the same in all requests about one message */
    POLICY_SIZE,
    POLICY_ETRN_DOMAIN,
    POLICY_STRESS,
    POLICY_SASL_METHOD,
    POLICY_SASL_USERNAME,
    POLICY_SASL_SENDER,
    POLICY_CCERT_SUBJECT, /* in xtext, as the next */
    POLICY_CCERT_ISSUER,
    POLICY_CCERT_FINGERPRINT,
    POLICY_CCERT_PUBKEY_FINGERPRINT,
    POLICY_ENCRYPTION_PROTOCOL,
    POLICY_ENCRYPTION_CIPHER,
    POLICY_ENCRYPTION_KEYSIZE,
    POLICY_POLICY_CONTEXT,
    POLICY_COMPATIBILITY_LEVEL,
    POLICY_MAIL_VERSION,
    POLICY_TLS_SNI,
    POLICY_ATTRIBUTE_COUNT,
};

/* Where in the dialogue of SMTP Postfix stands. BDAT is asked about as DATA is. */
enum policy_state {
    POLICY_AT_CONNECT,
    POLICY_AT_EHLO,
    POLICY_AT_HELO,
    POLICY_AT_MAIL,
    POLICY_AT_RCPT,
    POLICY_AT_DATA,
    POLICY_AT_BDAT,
    POLICY_AT_END_OF_MESSAGE,
    POLICY_AT_VRFY,
    POLICY_AT_ETRN,
    POLICY_AT_OTHER, /* none that we know */
};

struct policy_place {
    uint32_t at, len;
};

struct policy_request {
    struct policy_place values[POLICY_ATTRIBUTE_COUNT];
    uint64_t here;   /* which of them, a bit each */
    uint32_t parsed; /* bytes; of a complete request its length */
    uint32_t lines;
    uint32_t next; /* the attribute that is expected */
};

/* policy_request_clear - for the next one. */
void policy_request_clear(struct policy_request *r);
/* policy_request_read - reads on in `in`, which begins where the request does. FAULT_SYNTAX (a line that is no
 * name=value, an empty request, another kind of request), FAULT_TOO_LONG, FAULT_TOO_MANY: what follows is garbage, too.
 * *is_complete: the empty line is here; r->parsed bytes are the request's. */
enum fault policy_request_read(struct policy_request *r, struct span in, bool *is_complete);
/* policy_request_value - empty when it is absent; valid as long as `in`. */
struct span policy_request_value(const struct policy_request *r, struct span in, enum policy_attribute attribute);
/* policy_request_number - 0 when it is absent or no number up to `most`. */
uint64_t policy_request_number(const struct policy_request *r, struct span in, enum policy_attribute attribute,
                               uint64_t most);
enum policy_state policy_request_state(const struct policy_request *r, struct span in);
const char *policy_state_text(enum policy_state state);
const char *policy_attribute_text(enum policy_attribute attribute);

/* policy_xtext - "+XX" into bytes, in `a`; what is no hexadecimal code stays as it is [RFC3461 4]. */
struct span policy_xtext(struct arena *a, struct span text);

#endif
