/* net/dns_resolver.c - libunbound's context and its options.
 *
 * What matters: the library's cache is tiny unless told; it answers some names by itself (test, private reverse
 * zones), which the configured servers may know better; it takes a server that was silent for a while for dead, for
 * 15 minutes (too long for the only forwarder); and it writes its complaints to standard error unless they are led
 * elsewhere.
 */
#include "gateway/net/dns_resolver.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unbound-event.h>
#include <unistd.h>

#include "gateway/base/bug.h"
#include "gateway/base/endpoint.h"
#include "gateway/base/log.h"

enum { SOCKETS_LEAST = 128, SOCKETS_MOST = 4096, VALUE_MAX = 128 };

/* The same for everybody. */
static const struct {
    const char *option, *value;
} options[] = {
    { "msg-cache-slabs:", "1" }, /* slabs are for threads: it has none */
    { "rrset-cache-slabs:", "1" },      { "infra-cache-slabs:", "1" },
    { "key-cache-slabs:", "1" },        { "do-not-query-localhost:", "no" },
    { "use-caps-for-id:", "no" }, /* 0x20: too many servers get it wrong for mail to depend on it */
    { "infra-keep-probing:", "yes" },   { "infra-host-ttl:", "60" },
    { "infra-cache-max-rtt:", "8000" }, /* a look-up that nobody can answer ends in finite time */
    { "minimal-responses:", "yes" },    { "rrset-roundrobin:", "no" },
};

/* Zones that libunbound would answer by itself, but the operator's servers may know; the private networks' have an
 * option of their own. A zone of our own without data takes the place of the built-in one ("nodefault" is not
 * understood by ub_ctx_set_option()). "localhost" and "onion" stay [RFC6761 6.3] [RFC7686 2]. */
static const char *const unblocked[] = {
    "test. transparent",
    "invalid. transparent",
    "home.arpa. transparent",
    "127.in-addr.arpa. transparent",
};

static bool fail(const char *what, int code, char *error, size_t size)
{
    snprintf(error, size, "the resolver: %s %s", what, ub_strerror(code));
    return false;
}

static bool set_one(struct ub_ctx *ub, const char *option, const char *value, char *error, size_t size)
{
    int code = ub_ctx_set_option(ub, option, value);

    return code ? fail(option, code, error, size) : true;
}

static bool set_number(struct ub_ctx *ub, const char *option, size_t value, char *error, size_t size)
{
    char text[VALUE_MAX];

    snprintf(text, sizeof text, "%zu", value);
    return set_one(ub, option, text, error, size);
}

/* each query under way has a socket of its own, with a port that nobody can guess; the streams need some, too */
static size_t sockets_most(void)
{
    struct rlimit limit = { 0 };
    size_t most = SOCKETS_MOST;

    if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur / 4 < most)
        most = (size_t)limit.rlim_cur / 4;
    return most < SOCKETS_LEAST ? SOCKETS_LEAST : most;
}

static bool set_options(struct ub_ctx *ub, const struct dns_conf *conf, char *error, size_t size)
{
    for (size_t i = 0; i < COUNT(options); i++)
        if (!set_one(ub, options[i].option, options[i].value, error, size))
            return false;
    return set_number(ub, "msg-cache-size:", conf->cache_bytes / 3, error, size) &&
           set_number(ub, "rrset-cache-size:", conf->cache_bytes / 3 * 2, error, size) &&
           set_number(ub, "outgoing-range:", sockets_most(), error, size) &&
           set_number(ub, "num-queries-per-thread:", (size_t)conf->inflight_most, error, size) &&
           set_one(ub, "module-config:", conf->dnssec ? "validator iterator" : "iterator", error, size);
}

/* for servers of the operator's, which are few and come back: a dead one is asked again after 15 seconds */
static bool set_forwarding(struct ub_ctx *ub, char *error, size_t size)
{
    for (size_t i = 0; i < COUNT(unblocked); i++)
        if (!set_one(ub, "local-zone:", unblocked[i], error, size))
            return false;
    return set_one(ub, "unblock-lan-zones:", "yes", error, size) &&
           set_one(ub, "insecure-lan-zones:", "yes", error, size) && set_one(ub, "infra-host-ttl:", "15", error, size);
}

static bool forward_to(struct ub_ctx *ub, const struct endpoint *server, char *error, size_t size)
{
    char ip[ADDR_TEXT_MAX], text[VALUE_MAX];

    if (server->addr.family == ADDR_NONE) {
        snprintf(error, size, "the resolver: dns.servers takes addresses, not \"%s\"",
                 server->host[0] ? server->host : server->path);
        return false;
    }
    snprintf(text, sizeof text, "%s@%u", addr_text(&server->addr, ip), server->port);
    int code = ub_ctx_set_fwd(ub, text);

    return code ? fail(text, code, error, size) : true;
}

static bool set_servers(struct ub_ctx *ub, const struct dns_conf *conf, char *error, size_t size)
{
    for (size_t i = 0; i < conf->servers.count; i++)
        if (!forward_to(ub, &conf->servers.items[i], error, size))
            return false;
    if (conf->servers.count)
        return set_forwarding(ub, error, size);
    if (conf->recurse)
        return true;
    int code = ub_ctx_resolvconf(ub, NULL);

    if (code)
        return fail("/etc/resolv.conf:", code, error, size);
    return set_forwarding(ub, error, size);
}

static bool set_anchor(struct ub_ctx *ub, const struct dns_conf *conf, char *error, size_t size)
{
    if (!conf->dnssec)
        return true;
    if (access(conf->trust_anchor, R_OK)) {
        snprintf(error, size, "the resolver: cannot read dns.trust_anchor %s; install dns-root-data, or dnssec = no",
                 conf->trust_anchor);
        return false;
    }
    int code = ub_ctx_add_ta_file(ub, conf->trust_anchor);

    return code ? fail(conf->trust_anchor, code, error, size) : true;
}

/* the library's own complaints, a line each */
static ssize_t to_log(void *cookie, const char *text, size_t bytes)
{
    struct span rest = span_make(text, bytes), line;

    (void)cookie;
    while (span_cut(&rest, '\n', &line))
        if (line.len)
            log_debug("dns", "%.*s", SPAN_ARG(line));
    return (ssize_t)bytes;
}

/* one for the process: a context may still write to it while it is deleted */
static FILE *log_stream(void)
{
    static FILE *stream;

    if (!stream) {
        stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = to_log });
        if (stream)
            setvbuf(stream, NULL, _IOLBF, 0);
    }
    return stream;
}

struct ub_ctx *dns_resolver_new(struct event_base *base, const struct dns_conf *conf, char *error, size_t size)
{
    struct ub_ctx *ub = ub_ctx_create_event(base);

    if (!ub) {
        snprintf(error, size, "the resolver: libunbound gives no context");
        return NULL;
    }
    ub_ctx_debugout(ub, log_stream());
    if (set_options(ub, conf, error, size) && set_servers(ub, conf, error, size) && set_anchor(ub, conf, error, size))
        return ub;
    ub_ctx_delete(ub);
    return NULL;
}
