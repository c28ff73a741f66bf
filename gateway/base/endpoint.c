/* base/endpoint.c - where something listens. */
#include "gateway/base/endpoint.h"

#include <stdio.h>

static enum fault parse_port(struct span text, unsigned *out)
{
    uint64_t port = 0;
    enum fault fault = span_u64(text, 65535, &port);

    if (fault)
        return fault;
    *out = (unsigned)port;
    return FAULT_NONE;
}

static bool is_host_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_alnum(text.ptr[i]) && !strchr("-._", text.ptr[i]))
            return false;
    return text.len > 0 && text.ptr[0] != '-' && text.ptr[0] != '.';
}

static enum fault parse_host(struct span text, struct endpoint *out)
{
    if (!addr_parse(text, &out->addr))
        return FAULT_NONE;
    if (!is_host_name(text))
        return FAULT_SYNTAX;
    return span_copy(text, out->host, sizeof out->host);
}

static enum fault parse_path(struct span text, struct endpoint *out)
{
    return text.len ? span_copy(text, out->path, sizeof out->path) : FAULT_SYNTAX;
}

static enum fault parse_tcp(struct span text, unsigned default_port, struct endpoint *out)
{
    size_t colon = span_rfind(text, ':');
    bool is_bare_ip6 = colon != SPAN_NPOS && span_find(text, ':') != colon && text.ptr[0] != '[';
    bool is_literal_end = colon != SPAN_NPOS && colon > 0 && text.ptr[0] == '[' && text.ptr[colon - 1] != ']';
    struct span host = text;

    out->port = default_port;
    if (colon != SPAN_NPOS && !is_bare_ip6 && !is_literal_end) {
        enum fault fault = parse_port(span_skip(text, colon + 1), &out->port);

        if (fault)
            return fault;
        host = span_first(text, colon);
    } else if (!default_port) {
        return FAULT_SYNTAX;
    }
    return parse_host(host, out);
}

/* "25@host" or "host:25", as milters write them */
static enum fault parse_inet(struct span text, unsigned default_port, struct endpoint *out)
{
    size_t at = span_find(text, '@');

    if (at == SPAN_NPOS)
        return parse_tcp(text, default_port, out);
    enum fault fault = parse_port(span_first(text, at), &out->port);

    return fault ? fault : parse_host(span_skip(text, at + 1), out);
}

enum fault endpoint_parse(struct span text, unsigned default_port, struct endpoint *out)
{
    struct endpoint e = { 0 };
    enum fault fault = FAULT_NONE;

    if (!text.len)
        return FAULT_SYNTAX;
    if (span_starts(text, SPAN("unix:")))
        fault = parse_path(span_skip(text, 5), &e);
    else if (span_starts(text, SPAN("local:")))
        fault = parse_path(span_skip(text, 6), &e);
    else if (text.ptr[0] == '/')
        fault = parse_path(text, &e);
    else if (span_starts(text, SPAN("inet:")))
        fault = parse_inet(span_skip(text, 5), default_port, &e);
    else if (span_starts(text, SPAN("inet6:")))
        fault = parse_inet(span_skip(text, 6), default_port, &e);
    else
        fault = parse_tcp(text, default_port, &e);
    if (!fault)
        *out = e;
    return fault;
}

const char *endpoint_text(const struct endpoint *e, char *out)
{
    char ip[ADDR_TEXT_MAX];

    if (e->path[0])
        snprintf(out, ENDPOINT_TEXT_MAX, "unix:%s", e->path);
    else if (e->host[0])
        snprintf(out, ENDPOINT_TEXT_MAX, "%s:%u", e->host, e->port);
    else
        snprintf(out, ENDPOINT_TEXT_MAX, e->addr.family == ADDR_IP6 ? "[%s]:%u" : "%s:%u", addr_text(&e->addr, ip),
                 e->port);
    return out;
}

bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0 && a->port == b->port &&
           addr_eq(&a->addr, &b->addr);
}
