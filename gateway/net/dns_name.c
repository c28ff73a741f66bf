/* net/dns_name.c - domain names between text and wire. */
#include "gateway/net/dns_name.h"

#include <stdio.h>

enum { LABEL_MAX = 63, POINTER = 0xc0 };

/* A name that is being packed: `label` is where the length byte of the label at hand stands. */
struct packing {
    uint8_t *out;
    size_t len, label;
};

static bool pack_byte(struct packing *p, char byte)
{
    if (p->len - p->label > LABEL_MAX || p->len >= DNS_WIRE_MAX)
        return false;
    p->out[p->len++] = (uint8_t)ascii_lower(byte);
    return true;
}

static bool pack_dot(struct packing *p)
{
    size_t bytes = p->len - p->label - 1;

    if (bytes == 0 || p->len >= DNS_WIRE_MAX)
        return false;
    p->out[p->label] = (uint8_t)bytes;
    p->label = p->len++;
    return true;
}

/* the byte behind a backslash at text[*i]; *i ends on its last character */
static bool read_escape(struct span text, size_t *i, char *byte)
{
    unsigned value = 0;

    if (*i + 1 >= text.len)
        return false;
    if (!ascii_is_digit(text.ptr[*i + 1])) {
        *byte = text.ptr[++*i];
        return true;
    }
    if (*i + 3 >= text.len)
        return false;
    for (size_t k = 1; k <= 3; k++) {
        if (!ascii_is_digit(text.ptr[*i + k]))
            return false;
        value = value * 10 + (unsigned)(text.ptr[*i + k] - '0');
    }
    *byte = (char)value;
    *i += 3;
    return value <= 255;
}

static size_t pack(struct span text, bool has_escapes, uint8_t *out)
{
    struct packing p = { .out = out, .len = 1 };

    if (span_is(text, ".")) {
        out[0] = 0;
        return 1;
    }
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        bool is_dot = byte == '.';

        if (byte == '\\' && has_escapes && !read_escape(text, &i, &byte))
            return 0;
        if (is_dot ? !pack_dot(&p) : !pack_byte(&p, byte))
            return 0;
    }
    bool has_final_dot = p.len - p.label == 1 && p.label > 0;

    if (!has_final_dot && !pack_dot(&p))
        return 0;
    out[p.label] = 0;
    return p.len;
}

size_t dns_name_pack(struct span text, uint8_t out[DNS_WIRE_MAX])
{
    return pack(text, false, out);
}

size_t dns_name_pack_escaped(struct span text, uint8_t out[DNS_WIRE_MAX])
{
    return pack(text, true, out);
}

size_t dns_name_unpack(struct span packet, size_t at, uint8_t out[DNS_WIRE_MAX], size_t *next)
{
    const uint8_t *bytes = (const uint8_t *)packet.ptr;
    size_t len = 0, lowest = at; /* each pointer must go below the last one: no loops */
    size_t after_pointer = 0;

    for (;;) {
        if (at >= packet.len)
            return 0;
        size_t label = bytes[at];

        if (label >= POINTER) {
            if (at + 1 >= packet.len)
                return 0;
            size_t target = (label & 0x3f) << 8 | bytes[at + 1];

            if (target >= lowest)
                return 0;
            if (!after_pointer)
                after_pointer = at + 2;
            at = lowest = target;
            continue;
        }
        if (label > LABEL_MAX || label + 1 > packet.len - at || len + label + 1 > DNS_WIRE_MAX)
            return 0;
        out[len++] = (uint8_t)label;
        for (size_t i = 1; i <= label; i++)
            out[len++] = (uint8_t)ascii_lower((char)bytes[at + i]);
        at += label + 1;
        if (label == 0)
            break;
    }
    if (next)
        *next = after_pointer ? after_pointer : at;
    return len;
}

static bool is_plain(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == '/';
}

enum fault dns_name_text(const uint8_t *wire, char *out, size_t size)
{
    size_t len = 0;

    for (size_t label = *wire++; label; label = *wire++) {
        if (len && len + 1 < size)
            out[len++] = '.';
        for (; label; label--, wire++) {
            char c = ascii_lower((char)*wire);

            if (len + (is_plain(c) ? 1 : 4) >= size)
                return FAULT_TOO_LONG;
            if (is_plain(c))
                out[len++] = c;
            else
                len += (size_t)snprintf(out + len, 5, "\\%03u", *wire);
        }
    }
    out[len] = '\0';
    return FAULT_NONE;
}
