/* policy/request.c - one request of the Postfix policy delegation protocol.
 *
 * Postfix sends its attributes always in the same order, older ones in another: those behind the last are tried first,
 * so that a request costs little more than a comparison for each line.
 */
#include "policy/request.h"

#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const struct span names[] = {
    [POLICY_REQUEST] = NAME("request"),
    [POLICY_PROTOCOL_STATE] = NAME("protocol_state"),
    [POLICY_PROTOCOL_NAME] = NAME("protocol_name"),
    [POLICY_CLIENT_ADDRESS] = NAME("client_address"),
    [POLICY_CLIENT_NAME] = NAME("client_name"),
    [POLICY_CLIENT_PORT] = NAME("client_port"),
    [POLICY_REVERSE_CLIENT_NAME] = NAME("reverse_client_name"),
    [POLICY_SERVER_ADDRESS] = NAME("server_address"),
    [POLICY_SERVER_PORT] = NAME("server_port"),
    [POLICY_HELO_NAME] = NAME("helo_name"),
    [POLICY_SENDER] = NAME("sender"),
    [POLICY_RECIPIENT] = NAME("recipient"),
    [POLICY_RECIPIENT_COUNT] = NAME("recipient_count"),
    [POLICY_QUEUE_ID] = NAME("queue_id"),
    [POLICY_INSTANCE] = NAME("instance"),
    [POLICY_SIZE] = NAME("size"),
    [POLICY_ETRN_DOMAIN] = NAME("etrn_domain"),
    [POLICY_STRESS] = NAME("stress"),
    [POLICY_SASL_METHOD] = NAME("sasl_method"),
    [POLICY_SASL_USERNAME] = NAME("sasl_username"),
    [POLICY_SASL_SENDER] = NAME("sasl_sender"),
    [POLICY_CCERT_SUBJECT] = NAME("ccert_subject"),
    [POLICY_CCERT_ISSUER] = NAME("ccert_issuer"),
    [POLICY_CCERT_FINGERPRINT] = NAME("ccert_fingerprint"),
    [POLICY_CCERT_PUBKEY_FINGERPRINT] = NAME("ccert_pubkey_fingerprint"),
    [POLICY_ENCRYPTION_PROTOCOL] = NAME("encryption_protocol"),
    [POLICY_ENCRYPTION_CIPHER] = NAME("encryption_cipher"),
    [POLICY_ENCRYPTION_KEYSIZE] = NAME("encryption_keysize"),
    [POLICY_POLICY_CONTEXT] = NAME("policy_context"),
    [POLICY_COMPATIBILITY_LEVEL] = NAME("compatibility_level"),
    [POLICY_MAIL_VERSION] = NAME("mail_version"),
    [POLICY_TLS_SNI] = NAME("tls_sni"),
};

static const struct span states[] = {
    [POLICY_AT_CONNECT] = NAME("CONNECT"), [POLICY_AT_EHLO] = NAME("EHLO"),
    [POLICY_AT_HELO] = NAME("HELO"),       [POLICY_AT_MAIL] = NAME("MAIL"),
    [POLICY_AT_RCPT] = NAME("RCPT"),       [POLICY_AT_DATA] = NAME("DATA"),
    [POLICY_AT_BDAT] = NAME("BDAT"),       [POLICY_AT_END_OF_MESSAGE] = NAME("END-OF-MESSAGE"),
    [POLICY_AT_VRFY] = NAME("VRFY"),       [POLICY_AT_ETRN] = NAME("ETRN"),
    [POLICY_AT_OTHER] = NAME("OTHER"),
};

void policy_request_clear(struct policy_request *r)
{
    r->here = 0;
    r->parsed = r->lines = r->next = 0;
}

/* POLICY_ATTRIBUTE_COUNT for one that nobody knows. */
static uint32_t attribute_of(struct span name, uint32_t expected)
{
    for (uint32_t i = 0; i < POLICY_ATTRIBUTE_COUNT; i++) {
        uint32_t at = expected + i < POLICY_ATTRIBUTE_COUNT ? expected + i : expected + i - POLICY_ATTRIBUTE_COUNT;

        if (name.len == names[at].len && span_eq(name, names[at]))
            return at;
    }
    return POLICY_ATTRIBUTE_COUNT;
}

/* Names are words, so that another protocol's first line is told from an attribute. */
static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!ascii_is_alnum(c) && c != '_' && c != '-' && c != '.')
            return false;
    }
    return name.len > 0;
}

static enum fault take_line(struct policy_request *r, struct span in, struct span line)
{
    size_t equals = span_find(line, '=');
    struct span name = span_first(line, equals);

    if (equals == SPAN_NPOS)
        return FAULT_SYNTAX;
    uint32_t attribute = attribute_of(name, r->next);

    if (attribute == POLICY_ATTRIBUTE_COUNT)
        return is_name(name) ? FAULT_NONE : FAULT_SYNTAX;
    r->values[attribute] = (struct policy_place){ .at = (uint32_t)((size_t)(line.ptr - in.ptr) + equals + 1),
                                                  .len = (uint32_t)(line.len - equals - 1) };
    r->here |= 1ULL << attribute;
    r->next = attribute + 1;
    return FAULT_NONE;
}

static enum fault end(const struct policy_request *r, struct span in)
{
    return span_is(policy_request_value(r, in, POLICY_REQUEST), "smtpd_access_policy") ? FAULT_NONE : FAULT_SYNTAX;
}

enum fault policy_request_read(struct policy_request *r, struct span in, bool *is_complete)
{
    enum fault fault = FAULT_NONE;

    *is_complete = false;
    while (!fault) {
        struct span rest = span_skip(in, r->parsed);
        struct span line = span_first(rest, span_find(span_first(rest, POLICY_LINE_MAX), '\n'));
        bool is_whole = line.len < rest.len && line.len < POLICY_LINE_MAX;

        if (!is_whole)
            return rest.len >= POLICY_LINE_MAX || in.len >= POLICY_REQUEST_MAX ? FAULT_TOO_LONG : FAULT_NONE;
        r->parsed += (uint32_t)line.len + 1;
        if (r->parsed > POLICY_REQUEST_MAX)
            return FAULT_TOO_LONG;
        if (!line.len) {
            *is_complete = true;
            return end(r, in);
        }
        fault = ++r->lines > POLICY_LINES_MAX ? FAULT_TOO_MANY : take_line(r, in, line);
    }
    return fault;
}

struct span policy_request_value(const struct policy_request *r, struct span in, enum policy_attribute attribute)
{
    const struct policy_place *place = &r->values[attribute];

    if (!(r->here & 1ULL << attribute))
        return span_first(in, 0);
    return span_first(span_skip(in, place->at), place->len);
}

uint64_t policy_request_number(const struct policy_request *r, struct span in, enum policy_attribute attribute,
                               uint64_t most)
{
    uint64_t number = 0;

    return span_u64(policy_request_value(r, in, attribute), most, &number) ? 0 : number;
}

enum policy_state policy_request_state(const struct policy_request *r, struct span in)
{
    struct span text = policy_request_value(r, in, POLICY_PROTOCOL_STATE);
    unsigned state = POLICY_AT_RCPT; /* by far the most frequent one */

    if (span_eq(text, states[state]))
        return POLICY_AT_RCPT;
    for (state = 0; state < POLICY_AT_OTHER && !span_ieq(text, states[state]); state++)
        ;
    return (enum policy_state)state;
}

const char *policy_state_text(enum policy_state state)
{
    return states[state].ptr;
}

const char *policy_attribute_text(enum policy_attribute attribute)
{
    return names[attribute].ptr;
}

struct span policy_xtext(struct arena *a, struct span text)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool is_code = text.ptr[i] == '+' && i + 2 < text.len && ascii_hex(text.ptr[i + 1]) >= 0 &&
                       ascii_hex(text.ptr[i + 2]) >= 0;

        out[n++] = is_code ? (char)(ascii_hex(text.ptr[i + 1]) * 16 + ascii_hex(text.ptr[i + 2])) : text.ptr[i];
        i += is_code ? 2 : 0;
    }
    return span_make(out, n);
}
