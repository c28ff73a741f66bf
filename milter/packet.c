/* milter/packet.c - the packets of the milter protocol. */
#include "milter/packet.h"

#include <arpa/inet.h>

enum { TERMS_BYTES = MILTER_OPTLEN };

static uint32_t number_at(const char *p)
{
    uint32_t n = 0;

    memcpy(&n, p, sizeof n);
    return ntohl(n);
}

static void put_number(struct strbuf *out, uint32_t n)
{
    n = htonl(n);
    strbuf_put(out, span_make((const char *)&n, sizeof n));
}

bool packet_head(struct span in, struct packet_head *out, enum fault *fault)
{
    *fault = FAULT_NONE;
    if (in.len < PACKET_HEAD_BYTES)
        return false;
    size_t bytes = number_at(in.ptr);

    *out = (struct packet_head){ .command = in.ptr[MILTER_LEN_BYTES] };
    if (bytes == 0) {
        *fault = FAULT_SYNTAX;
        return true;
    }
    out->bytes = bytes - 1;
    if (out->bytes > (out->command == SMFIC_BODY ? PACKET_BODY_MOST_BYTES : PACKET_MOST_BYTES))
        *fault = FAULT_TOO_LONG;
    return true;
}

enum fault packet_offer(struct span data, struct milter_terms *out)
{
    if (data.len < TERMS_BYTES)
        return FAULT_SYNTAX;
    struct milter_terms terms = { number_at(data.ptr), number_at(data.ptr + MILTER_LEN_BYTES),
                                  number_at(data.ptr + 2 * (size_t)MILTER_LEN_BYTES) };

    if (terms.version < MILTER_VERSION_LEAST)
        return FAULT_RANGE;
    if (terms.actions == 0)
        terms.actions = SMFI_V1_ACTS;
    if (terms.protocol == 0)
        terms.protocol = SMFI_V1_PROT;
    *out = terms;
    return FAULT_NONE;
}

bool packet_text(struct span *rest, struct span *out)
{
    if (!rest->len)
        return false;
    size_t end = span_find(*rest, '\0');

    *out = span_first(*rest, end);
    *rest = span_skip(*rest, end == SPAN_NPOS ? rest->len : end + 1);
    return true;
}

static bool has_address(char family)
{
    return family == SMFIA_INET || family == SMFIA_INET6;
}

/* "192.0.2.1", "2001:db8::1" or "IPv6:2001:db8::1"; Sendmail and Postfix differ. */
static void parse_address(struct span text, struct addr *out)
{
    if (span_istarts(text, SPAN("IPv6:")))
        text = span_skip(text, 5);
    if (addr_parse(text, out))
        *out = (struct addr){ .family = ADDR_NONE };
}

enum fault packet_client(struct span data, struct milter_client *out)
{
    struct milter_client client = { .family = SMFIA_UNKNOWN };
    struct span address;

    if (!packet_text(&data, &client.hostname))
        return FAULT_SYNTAX;
    if (data.len) {
        client.family = *data.ptr;
        data = span_skip(data, 1);
    }
    if (client.family != SMFIA_UNKNOWN) {
        if (data.len < 2)
            return FAULT_SYNTAX;
        client.port = (unsigned)(unsigned char)data.ptr[0] << 8 | (unsigned char)data.ptr[1];
        data = span_skip(data, 2);
        if (packet_text(&data, &address) && has_address(client.family))
            parse_address(address, &client.addr);
    }
    *out = client;
    return FAULT_NONE;
}

/* The value ends with the packet's last NUL: those inside are its own, wherever they come from. */
enum fault packet_field(struct span data, struct milter_field *out)
{
    size_t end = span_find(data, '\0');

    if (end == SPAN_NPOS || end == 0)
        return FAULT_SYNTAX;
    out->name = span_first(data, end);
    out->value = span_skip(data, end + 1);
    if (out->value.len && out->value.ptr[out->value.len - 1] == '\0')
        out->value.len--;
    return FAULT_NONE;
}

/* ---- what we say ---- */

static void put_head(struct strbuf *out, char command, size_t data_bytes)
{
    put_number(out, (uint32_t)(data_bytes + 1));
    strbuf_putc(out, command);
}

void packet_put(struct strbuf *out, char command, struct span data)
{
    put_head(out, command, data.len);
    strbuf_put(out, data);
}

void packet_put_terms(struct strbuf *out, const struct milter_terms *terms, const char *const macros[MILTER_STAGES])
{
    size_t bytes = TERMS_BYTES;

    for (uint32_t i = 0; macros && i < MILTER_STAGES; i++)
        bytes += macros[i] ? MILTER_LEN_BYTES + strlen(macros[i]) + 1 : 0;
    put_head(out, SMFIC_OPTNEG, bytes);
    put_number(out, terms->version);
    put_number(out, terms->actions);
    put_number(out, terms->protocol);
    for (uint32_t i = 0; macros && i < MILTER_STAGES; i++) {
        if (!macros[i])
            continue;
        put_number(out, i);
        strbuf_put(out, span_make(macros[i], strlen(macros[i]) + 1));
    }
}

static bool is_folding(struct span value, size_t at)
{
    return value.ptr[at] == '\r' && at + 1 < value.len && value.ptr[at + 1] == '\n';
}

static size_t folded_length(struct span value)
{
    size_t n = value.len;

    for (size_t i = 0; i < value.len; i++)
        n -= is_folding(value, i);
    return n;
}

static void put_value(struct strbuf *out, struct span value)
{
    size_t from = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (!is_folding(value, i))
            continue;
        strbuf_put(out, span_make(value.ptr + from, i - from));
        from = i + 1;
    }
    strbuf_put(out, span_skip(value, from));
}

static void put_field(struct strbuf *out, char command, uint32_t index, struct span name, struct span value,
                      bool is_spaced)
{
    bool has_blank = is_spaced && value.len;

    put_head(out, command, MILTER_LEN_BYTES + name.len + 1 + has_blank + folded_length(value) + 1);
    put_number(out, index);
    strbuf_put(out, name);
    strbuf_putc(out, '\0');
    if (has_blank)
        strbuf_putc(out, ' ');
    put_value(out, value);
    strbuf_putc(out, '\0');
}

void packet_put_insert(struct strbuf *out, uint32_t index, struct span name, struct span value, bool is_spaced)
{
    put_field(out, SMFIR_INSHEADER, index, name, value, is_spaced);
}

void packet_put_change(struct strbuf *out, uint32_t index, struct span name, struct span value, bool is_spaced)
{
    put_field(out, SMFIR_CHGHEADER, index, name, value, is_spaced);
}

void packet_put_text(struct strbuf *out, char command, struct span text)
{
    put_head(out, command, text.len + 1);
    strbuf_put(out, text);
    strbuf_putc(out, '\0');
}
