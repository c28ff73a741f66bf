/* base/addr.c - IP addresses and networks. */
#include "gateway/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "gateway/base/bug.h"

static unsigned family_bits(enum addr_family family)
{
    return family == ADDR_IP4 ? 32 : family == ADDR_IP6 ? 128 : 0;
}

void addr_from_bytes(enum addr_family family, const void *bytes, struct addr *out)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

    *out = (struct addr){ .family = family };
    if (family == ADDR_IP6 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        out->family = ADDR_IP4;
        memcpy(out->bytes, (const uint8_t *)bytes + sizeof mapped, 4);
    } else {
        memcpy(out->bytes, bytes, family_bits(family) / 8);
    }
}

static struct span without_brackets(struct span text)
{
    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        text = span_make(text.ptr + 1, text.len - 2);
        if (span_istarts(text, SPAN("IPv6:")))
            text = span_skip(text, 5);
    }
    return text;
}

enum fault addr_parse(struct span text, struct addr *out)
{
    char copy[ADDR_TEXT_MAX];
    uint8_t bytes[16];

    if (span_copy(without_brackets(text), copy, sizeof copy))
        return FAULT_SYNTAX;
    if (inet_pton(AF_INET, copy, bytes) == 1)
        addr_from_bytes(ADDR_IP4, bytes, out);
    else if (inet_pton(AF_INET6, copy, bytes) == 1)
        addr_from_bytes(ADDR_IP6, bytes, out);
    else
        return FAULT_SYNTAX;
    return FAULT_NONE;
}

enum fault addr_net_parse(struct span text, struct addr_net *out)
{
    struct span rest = text, host = { 0 };
    struct addr_net net = { 0 };
    uint64_t bits = 0;

    if (!span_cut(&rest, '/', &host) || addr_parse(host, &net.base))
        return FAULT_SYNTAX;
    net.bits = family_bits(net.base.family);
    if (rest.ptr) {
        enum fault fault = span_u64(rest, 128, &bits);

        if (fault)
            return fault;
        if (net.base.family == ADDR_IP4 && span_find(host, ':') != SPAN_NPOS)
            bits = bits >= 96 ? bits - 96 : 0; /* ::ffff:192.0.2.0/120 */
        if (bits > net.bits)
            return FAULT_RANGE;
        net.bits = (unsigned)bits;
    }
    net.base = addr_mask(&net.base, net.bits);
    *out = net;
    return FAULT_NONE;
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out, unsigned *port)
{
    unsigned found = 0;

    *out = (struct addr){ 0 };
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

        addr_from_bytes(ADDR_IP4, &in->sin_addr, out);
        found = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

        addr_from_bytes(ADDR_IP6, &in6->sin6_addr, out);
        found = ntohs(in6->sin6_port);
    }
    if (port)
        *port = found;
}

socklen_t addr_to_sockaddr(const struct addr *a, unsigned port, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){ 0 };
    if (a->family == ADDR_IP4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        memcpy(&in->sin_addr, a->bytes, 4);
        return sizeof *in;
    }
    if (a->family != ADDR_IP6)
        BUG("an address of no family");
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)port);
    memcpy(&in6->sin6_addr, a->bytes, 16);
    return sizeof *in6;
}

/* A number up to 255; returns where it ends. Texts of addresses are made many times for each message: no printf. */
static char *put_number(char *to, unsigned number)
{
    if (number >= 100)
        *to++ = (char)('0' + number / 100);
    if (number >= 10)
        *to++ = (char)('0' + number / 10 % 10);
    *to++ = (char)('0' + number % 10);
    return to;
}

static void put_ip4(char *to, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        to = put_number(to, bytes[i]);
        *to++ = i < 3 ? '.' : '\0';
    }
}

const char *addr_text(const struct addr *a, char *out)
{
    if (a->family == ADDR_NONE)
        return memcpy(out, "unknown", 8);
    if (a->family == ADDR_IP4)
        put_ip4(out, a->bytes);
    else if (!inet_ntop(AF_INET6, a->bytes, out, ADDR_TEXT_MAX))
        BUG("inet_ntop");
    return out;
}

const char *addr_net_text(const struct addr_net *n, char *out)
{
    char *to = out + strlen(addr_text(&n->base, out));

    *to++ = '/';
    *put_number(to, n->bits) = '\0';
    return out;
}

const char *addr_reversed(const struct addr *a, char *out)
{
    char *to = out;

    *to = '\0';
    if (a->family == ADDR_IP4) {
        snprintf(out, ADDR_REVERSED_MAX, "%u.%u.%u.%u", a->bytes[3], a->bytes[2], a->bytes[1], a->bytes[0]);
    } else if (a->family == ADDR_IP6) {
        for (int i = 15; i >= 0; i--) {
            static const char hex[] = "0123456789abcdef";

            *to++ = hex[a->bytes[i] & 15];
            *to++ = '.';
            *to++ = hex[a->bytes[i] >> 4];
            *to++ = i ? '.' : '\0';
        }
    }
    return out;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct addr addr_mask(const struct addr *a, unsigned bits)
{
    struct addr masked = *a;

    for (unsigned i = 0; i < 16; i++) {
        unsigned left = bits > i * 8 ? bits - i * 8 : 0;

        if (left < 8)
            masked.bytes[i] &= (uint8_t)(0xff00 >> left);
    }
    return masked;
}

bool addr_in(const struct addr *a, const struct addr_net *net)
{
    struct addr masked = addr_mask(a, net->bits);

    return addr_eq(&masked, &net->base);
}

static bool in_any(const struct addr *a, const struct addr_net *nets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (addr_in(a, &nets[i]))
            return true;
    return false;
}

static const struct addr_net loopback_nets[] = {
    { { ADDR_IP4, { 127 } }, 8 },
    { { ADDR_IP6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } }, 128 },
};

static const struct addr_net private_nets[] = {
    { { ADDR_IP4, { 0 } }, 8 },           { { ADDR_IP4, { 10 } }, 8 },
    { { ADDR_IP4, { 100, 64 } }, 10 },    { { ADDR_IP4, { 127 } }, 8 },
    { { ADDR_IP4, { 169, 254 } }, 16 },   { { ADDR_IP4, { 172, 16 } }, 12 },
    { { ADDR_IP4, { 192, 168 } }, 16 },   { { ADDR_IP6, { 0xfc } }, 7 },
    { { ADDR_IP6, { 0xfe, 0x80 } }, 10 }, { { ADDR_IP6, { 0 } }, 127 /* :: and ::1 */ },
};

bool addr_is_loopback(const struct addr *a)
{
    return in_any(a, loopback_nets, COUNT(loopback_nets));
}

bool addr_is_private(const struct addr *a)
{
    return in_any(a, private_nets, COUNT(private_nets));
}
