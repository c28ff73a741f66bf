/* smtp/proxy_header.c - the PROXY protocol's header: a line, or sixteen bytes with addresses and TLVs behind them. */
#include "gateway/smtp/proxy_header.h"

#include "gateway/base/crc32c.h"

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    SIGNATURE_LEN = 12,
    V2_HEAD = 16,
    LEN_IP4 = 12,
    LEN_IP6 = 36,
    LEN_UNIX = 216,
    UNIQUE_ID_MAX = 128,
    TEXT_MAX = 255,
};

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum { FAMILY_UNSPEC = 0x00, FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21, FAMILY_UNIX_STREAM = 0x31 };

enum tlv {
    TLV_AUTHORITY = 0x02,
    TLV_CRC32C = 0x03,
    TLV_UNIQUE_ID = 0x05,
    TLV_SSL = 0x20,
    TLV_SSL_VERSION = 0x21,
    TLV_SSL_CN = 0x22,
    TLV_SSL_CIPHER = 0x23,
};

enum { CLIENT_SSL = 0x01, CLIENT_CERT_CONN = 0x02, CLIENT_CERT_SESS = 0x04 };

static enum proxy_state bad(const char **why, const char *text)
{
    *why = text;
    return PROXY_BAD;
}

/* ---- version 1 ---- */

/* One blank between words, none at the ends. */
static bool take_word(struct span *rest, struct span *word)
{
    return span_cut(rest, ' ', word) && word->len > 0;
}

static bool take_port(struct span text, unsigned *out)
{
    uint64_t port;

    if (span_u64(text, 65535, &port) || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    *out = (unsigned)port;
    return true;
}

/* TCP6 may have IPv4 addresses in it, as "::ffff:192.0.2.1". */
static bool take_addr(struct span text, bool is_ip6, struct addr *out)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr("0123456789abcdefABCDEF:.", text.ptr[i], 24))
            return false;
    return (span_find(text, ':') != SPAN_NPOS) == is_ip6 && !addr_parse(text, out);
}

static bool take_line(struct span line, struct proxy_header *out)
{
    struct span word = { 0 }, from = { 0 }, to = { 0 }, from_port = { 0 }, to_port = { 0 };

    take_word(&line, &word); /* PROXY */
    if (!take_word(&line, &word))
        return false;
    if (span_is(word, "UNKNOWN")) { /* whatever stands behind it */
        out->is_local = true;
        return true;
    }
    bool is_ip6 = span_is(word, "TCP6");

    return (is_ip6 || span_is(word, "TCP4")) && take_word(&line, &from) && take_word(&line, &to) &&
           take_word(&line, &from_port) && take_word(&line, &to_port) && !line.ptr &&
           take_addr(from, is_ip6, &out->client) && take_addr(to, is_ip6, &out->destination) &&
           take_port(from_port, &out->client_port) && take_port(to_port, &out->destination_port);
}

static enum proxy_state parse_v1(struct span in, struct proxy_header *out, size_t *took, const char **why)
{
    struct span head = span_first(in, PROXY_V1_MAX);
    size_t end = span_search(head, SPAN("\r\n"));

    if (span_find(span_first(head, end), '\n') != SPAN_NPOS)
        return bad(why, "a line of version 1 that does not end in CRLF");
    if (end == SPAN_NPOS)
        return head.len < PROXY_V1_MAX ? PROXY_MORE : bad(why, "a line of version 1 of more than 107 bytes");
    if (!take_line(span_first(head, end), out))
        return bad(why, "a line of version 1 that does not follow its syntax");
    *took = end + 2;
    return PROXY_DONE;
}

/* ---- version 2 ---- */

static unsigned number16(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;

    return (unsigned)b[0] << 8 | b[1];
}

static uint32_t number32(const char *at)
{
    return (uint32_t)number16(at) << 16 | number16(at + 2);
}

static void take_pair(enum addr_family family, size_t size, const char *at, struct proxy_header *out)
{
    addr_from_bytes(family, at, &out->client);
    addr_from_bytes(family, at + size, &out->destination);
    out->client_port = number16(at + 2 * size);
    out->destination_port = number16(at + 2 * size + 2);
}

/* The length of the addresses; 0: there are none, or they are of no kind that a mail client can have. */
static size_t take_addresses(struct span block, unsigned family, struct proxy_header *out)
{
    size_t length = family == FAMILY_TCP4 ? LEN_IP4 : family == FAMILY_TCP6 ? LEN_IP6 : LEN_UNIX;

    if ((family != FAMILY_TCP4 && family != FAMILY_TCP6 && family != FAMILY_UNIX_STREAM) || block.len < length)
        return 0;
    if (family == FAMILY_TCP4)
        take_pair(ADDR_IP4, 4, block.ptr, out);
    else if (family == FAMILY_TCP6)
        take_pair(ADDR_IP6, 16, block.ptr, out);
    return length;
}

static bool cut_tlv(struct span *rest, enum tlv *type, struct span *value)
{
    enum { TLV_HEAD = 3 };

    if (rest->len < TLV_HEAD || rest->len - TLV_HEAD < number16(rest->ptr + 1))
        return false;
    *type = (enum tlv)(unsigned char)rest->ptr[0];
    *value = span_first(span_skip(*rest, TLV_HEAD), number16(rest->ptr + 1));
    *rest = span_skip(*rest, TLV_HEAD + value->len);
    return true;
}

/* Text for our log and header fields: what could not stand there is left out. */
static struct span text_of(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return SPAN("");
    return span_first(value, TEXT_MAX);
}

static bool take_ssl(struct span value, struct proxy_header *out)
{
    enum { SSL_HEAD = 5 };
    struct span part = { 0 };
    enum tlv type;

    if (value.len < SSL_HEAD)
        return false;
    unsigned client = (unsigned char)value.ptr[0];

    out->is_tls = client & CLIENT_SSL;
    out->is_certified = (client & (CLIENT_CERT_CONN | CLIENT_CERT_SESS)) && number32(value.ptr + 1) == 0;
    value = span_skip(value, SSL_HEAD);
    while (value.len) {
        if (!cut_tlv(&value, &type, &part))
            return false;
        if (type == TLV_SSL_VERSION)
            out->tls_version = text_of(part);
        else if (type == TLV_SSL_CN)
            out->tls_subject_cn = text_of(part);
        else if (type == TLV_SSL_CIPHER)
            out->tls_cipher = text_of(part);
    }
    return true;
}

/* Over the whole header, its own four bytes taken for zero. */
static bool is_sum_right(struct span header, struct span sum)
{
    size_t at = (size_t)(sum.ptr - header.ptr);
    uint32_t crc = crc32c(CRC32C_START, span_first(header, at));

    crc = crc32c(crc, SPAN("\0\0\0\0"));
    return crc32c(crc, span_skip(header, at + 4)) == number32(sum.ptr);
}

static const char *take_tlvs(struct span header, struct span rest, struct proxy_header *out)
{
    struct span value = { 0 };
    enum tlv type;

    while (rest.len) {
        if (!cut_tlv(&rest, &type, &value))
            return "a TLV that is longer than its header";
        if (type == TLV_CRC32C && (value.len != 4 || !is_sum_right(header, value)))
            return "a wrong checksum";
        if (type == TLV_UNIQUE_ID && value.len > UNIQUE_ID_MAX)
            return "a unique id of more than 128 bytes";
        if (type == TLV_SSL && !take_ssl(value, out))
            return "a TLV about SSL that does not follow its syntax";
        if (type == TLV_AUTHORITY)
            out->authority = text_of(value);
        else if (type == TLV_UNIQUE_ID)
            out->unique_id = value;
    }
    return NULL;
}

static enum proxy_state parse_v2(struct span in, struct proxy_header *out, size_t *took, const char **why)
{
    if (in.len < V2_HEAD)
        return PROXY_MORE;
    unsigned command = (unsigned char)in.ptr[12], family = (unsigned char)in.ptr[13];
    size_t total = V2_HEAD + number16(in.ptr + 14);

    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return bad(why, "an unknown version or command");
    if (total > PROXY_V2_MAX)
        return bad(why, "a header of more than 4096 bytes");
    if (in.len < total)
        return PROXY_MORE;
    struct span header = span_first(in, total), block = span_skip(header, V2_HEAD);

    *took = total;
    out->is_local = command == COMMAND_LOCAL || family == FAMILY_UNSPEC;
    if (out->is_local) /* the rest is to be ignored */
        return PROXY_DONE;
    size_t length = take_addresses(block, family, out);

    if (!length)
        return bad(why, "addresses that are not of TCP over IPv4 or IPv6, nor of a unix socket");
    *why = take_tlvs(header, span_skip(block, length), out);
    return *why ? PROXY_BAD : PROXY_DONE;
}

static bool is_prefix(struct span in, struct span whole)
{
    return span_starts(in, whole) || span_starts(whole, in);
}

enum proxy_state proxy_header_parse(struct span in, struct proxy_header *out, size_t *took, const char **why)
{
    const struct span binary = span_make(signature, SIGNATURE_LEN), text = SPAN("PROXY ");

    *out = (struct proxy_header){ 0 };
    *took = 0;
    *why = NULL;
    if (is_prefix(in, binary))
        return in.len < binary.len ? PROXY_MORE : parse_v2(in, out, took, why);
    if (is_prefix(in, text))
        return in.len < text.len ? PROXY_MORE : parse_v1(in, out, took, why);
    return bad(why, "no header of the PROXY protocol");
}
