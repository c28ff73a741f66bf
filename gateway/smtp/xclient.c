/* smtp/xclient.c - who the client really is, told by a peer that we trust. */
#include "gateway/smtp/xclient.h"

#include "gateway/base/bug.h"

static int hex_digit(char c)
{
    return ascii_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum fault xtext_decode(struct arena *a, struct span text, struct span *out)
{
    char *to = arena_alloc(a, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '+') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return FAULT_SYNTAX;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c <= ' ' || c > '~' || c == '=') {
            return FAULT_SYNTAX;
        }
        if ((unsigned char)c < ' ' || c == 0x7f)
            return FAULT_SYNTAX; /* nothing that we take has control characters */
        to[n++] = c;
    }
    *out = span_make(to, n);
    return FAULT_NONE;
}

static bool is_unknown(struct span value)
{
    return span_iis(value, "[UNAVAILABLE]") || span_iis(value, "[TEMPUNAVAIL]");
}

static enum fault set_addr(struct span value, struct addr *out)
{
    if (is_unknown(value))
        return FAULT_NONE;
    if (span_istarts(value, SPAN("IPV6:")))
        value = span_skip(value, 5);
    return addr_parse(value, out);
}

static enum fault set_port(struct span value, unsigned *out)
{
    uint64_t port = 0;
    enum fault fault = is_unknown(value) ? FAULT_NONE : span_u64(value, 65535, &port);

    *out = (unsigned)port;
    return fault;
}

static enum fault set_text(struct span value, struct span *out)
{
    if (!is_unknown(value))
        *out = value;
    return value.len > 255 ? FAULT_TOO_LONG : FAULT_NONE;
}

static enum fault set_helo(struct span value, struct span *out)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] <= ' ' || value.ptr[i] > '~' || strchr("()<>@,;\\\"", value.ptr[i]))
            return FAULT_SYNTAX;
    return set_text(value, out);
}

static enum fault set_proto(struct span value, bool *is_esmtp)
{
    *is_esmtp = span_iis(value, "ESMTP");
    return *is_esmtp || span_iis(value, "SMTP") || is_unknown(value) ? FAULT_NONE : FAULT_SYNTAX;
}

static enum fault set(struct xclient *x, enum xclient_attribute which, struct span value)
{
    switch (which) {
    case XCLIENT_ADDR: return set_addr(value, &x->addr);
    case XCLIENT_DESTADDR: return set_addr(value, &x->destination);
    case XCLIENT_PORT: return set_port(value, &x->port);
    case XCLIENT_DESTPORT: return set_port(value, &x->destination_port);
    case XCLIENT_NAME: return set_text(value, &x->name);
    case XCLIENT_HELO: return set_helo(value, &x->helo);
    case XCLIENT_LOGIN: return set_text(value, &x->login);
    case XCLIENT_PROTO: return set_proto(value, &x->is_esmtp);
    }
    BUG("attribute %d", (int)which);
}

static enum fault take_attribute(struct arena *a, struct span word, struct xclient *x)
{
    static const struct {
        const char *name;
        enum xclient_attribute which;
    } names[] = {
        { "ADDR", XCLIENT_ADDR },         { "NAME", XCLIENT_NAME },         { "PORT", XCLIENT_PORT },
        { "HELO", XCLIENT_HELO },         { "PROTO", XCLIENT_PROTO },       { "LOGIN", XCLIENT_LOGIN },
        { "DESTADDR", XCLIENT_DESTADDR }, { "DESTPORT", XCLIENT_DESTPORT },
    };
    struct span name, value;

    span_cut(&word, '=', &name);
    if (!word.len || xtext_decode(a, word, &value))
        return FAULT_SYNTAX;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!span_iis(name, names[i].name))
            continue;
        x->given |= names[i].which;
        return set(x, names[i].which, value);
    }
    return FAULT_UNKNOWN;
}

enum fault xclient_parse(struct arena *a, struct span argument, struct xclient *out)
{
    struct xclient x = { .is_esmtp = true };
    struct span word;

    while (span_word(&argument, &word)) {
        enum fault fault = take_attribute(a, word, &x);

        if (fault)
            return fault;
    }
    if (!x.given)
        return FAULT_SYNTAX;
    *out = x;
    return FAULT_NONE;
}
