/* smtp/xclient.c - who the client really is, told by a peer that we trust. */
#include "gateway/smtp/xclient.h"

#include "gateway/base/bug.h"

enum fault xtext_decode(struct arena *a, struct span text, struct span *out)
{
    char *to = arena_alloc(a, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '+') {
            int high = i + 2 < text.len ? ascii_upper_hex(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? ascii_upper_hex(text.ptr[i + 2]) : -1;

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

enum { TEXT_MAX = 255 };

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
    return value.len > TEXT_MAX ? FAULT_TOO_LONG : FAULT_NONE;
}

static bool is_for_helo(char c)
{
    return c > ' ' && c <= '~' && !strchr("()<>@,;\\\"", c);
}

static enum fault set_helo(struct span value, struct span *out)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_for_helo(value.ptr[i]))
            return FAULT_SYNTAX;
    return set_text(value, out);
}

static enum fault set_proto(struct span value, bool *is_esmtp)
{
    *is_esmtp = span_iis(value, "ESMTP");
    return *is_esmtp || span_iis(value, "SMTP") || is_unknown(value) ? FAULT_NONE : FAULT_SYNTAX;
}

static enum fault set_source(struct span value, bool *is_local)
{
    *is_local = span_iis(value, "LOCAL");
    return *is_local || span_iis(value, "REMOTE") || is_unknown(value) ? FAULT_NONE : FAULT_SYNTAX;
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
    case XCLIENT_IDENT: return set_text(value, &x->ident);
    case XCLIENT_PROTO: return set_proto(value, &x->is_esmtp);
    case XCLIENT_SOURCE: return set_source(value, &x->is_local);
    }
    BUG("attribute %d", (int)which);
}

/* The other mail server has taken it from its client, whatever it is: mail must not wait for that client to mend its
 * name. */
static struct span washed(struct arena *a, struct span value)
{
    char *copy = arena_dup(a, span_first(value, TEXT_MAX));
    size_t len = value.len < TEXT_MAX ? value.len : TEXT_MAX;

    for (size_t i = 0; i < len; i++)
        if (!is_for_helo(copy[i]))
            copy[i] = '?';
    return span_make(copy, len);
}

/* Postfix forwards "=" as it is, which xtext does not allow. */
static struct span without_equals(struct arena *a, struct span text)
{
    char *copy = arena_dup(a, text);

    for (size_t i = 0; i < text.len; i++)
        if (copy[i] == '=')
            copy[i] = '?';
    return span_make(copy, text.len);
}

static enum fault take_attribute(struct arena *a, struct span word, enum xclient_command command, struct xclient *x)
{
    static const struct {
        const char *name;
        enum xclient_attribute which;
    } names[] = {
        { "ADDR", XCLIENT_ADDR },         { "NAME", XCLIENT_NAME },         { "PORT", XCLIENT_PORT },
        { "HELO", XCLIENT_HELO },         { "PROTO", XCLIENT_PROTO },       { "LOGIN", XCLIENT_LOGIN },
        { "DESTADDR", XCLIENT_DESTADDR }, { "DESTPORT", XCLIENT_DESTPORT }, { "IDENT", XCLIENT_IDENT },
        { "SOURCE", XCLIENT_SOURCE },
    };
    const unsigned texts = XCLIENT_NAME | XCLIENT_HELO | XCLIENT_IDENT;
    struct span name, value;

    span_cut(&word, '=', &name);
    if (!word.len || xtext_decode(a, command == XFORWARD_COMMAND ? without_equals(a, word) : word, &value))
        return FAULT_SYNTAX;
    for (size_t i = 0; i < COUNT(names); i++) {
        enum xclient_attribute which = names[i].which;

        if (!span_iis(name, names[i].name) || !(which & (unsigned)command))
            continue;
        x->given |= which;
        return set(x, which, command == XFORWARD_COMMAND && (which & texts) ? washed(a, value) : value);
    }
    return FAULT_UNKNOWN;
}

enum fault xclient_parse(struct arena *a, struct span argument, enum xclient_command command, struct xclient *out)
{
    struct xclient x = { .is_esmtp = true };
    struct span word;

    while (span_word(&argument, &word)) {
        enum fault fault = take_attribute(a, word, command, &x);

        if (fault)
            return fault;
    }
    if (!x.given)
        return FAULT_SYNTAX;
    *out = x;
    return FAULT_NONE;
}

void xclient_add(struct xclient *all, const struct xclient *more)
{
    unsigned old = all->given & ~more->given;
    struct xclient sum = *more;

    sum.given |= all->given;
    if (old & XCLIENT_ADDR)
        sum.addr = all->addr;
    if (old & XCLIENT_NAME)
        sum.name = all->name;
    if (old & XCLIENT_PORT)
        sum.port = all->port;
    if (old & XCLIENT_HELO)
        sum.helo = all->helo;
    if (old & XCLIENT_PROTO)
        sum.is_esmtp = all->is_esmtp;
    if (old & XCLIENT_LOGIN)
        sum.login = all->login;
    if (old & XCLIENT_DESTADDR)
        sum.destination = all->destination;
    if (old & XCLIENT_DESTPORT)
        sum.destination_port = all->destination_port;
    if (old & XCLIENT_IDENT)
        sum.ident = all->ident;
    if (old & XCLIENT_SOURCE)
        sum.is_local = all->is_local;
    *all = sum;
}
