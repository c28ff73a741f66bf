/* net/dns_conf.c - the section "dns" of gateway.conf. */
#include "gateway/net/dns.h"

#include "gateway/base/endpoint.h"

#define AT(member) offsetof(struct dns_conf, member)
static const struct conf_key keys[] = {
    { .name = "servers",
      .type = CONF_ENDPOINTS,
      .at = AT(servers),
      .help = "resolvers to ask, {\"127.0.0.1:53\"}; none: those of /etc/resolv.conf, or recurse" },
    { .name = "recurse",
      .type = CONF_BOOL,
      .at = AT(recurse),
      .initial = "no",
      .help = "with no servers: ask the DNS itself, from the roots (block lists refuse the big public resolvers)" },
    { .name = "dnssec",
      .type = CONF_BOOL,
      .at = AT(dnssec),
      .initial = "no",
      .help = "validate answers; only with recurse, or servers that pass DNSSEC records on: with others every look-up "
              "would fail" },
    { .name = "trust_anchor",
      .type = CONF_STR,
      .at = AT(trust_anchor),
      .initial = "/usr/share/dns/root.key",
      .help = "the root's keys, for dnssec (Debian's package dns-root-data)" },
    { .name = "timeout",
      .type = CONF_MS,
      .at = AT(timeout_ms),
      .initial = "5s",
      .least = "100ms",
      .most = "60s",
      .help = "how long one look-up may take, all tries together" },
    { .name = "cache",
      .type = CONF_BYTES,
      .at = AT(cache_bytes),
      .initial = "64MiB",
      .least = "1MiB",
      .most = "4GiB",
      .help = "memory for answers" },
    { .name = "inflight_most",
      .type = CONF_INT,
      .at = AT(inflight_most),
      .initial = "8192",
      .least = "64",
      .most = "65536",
      .help = "look-ups at once; more fail at once" },
    { 0 },
};

static const char *check(struct arena *a, void *values)
{
    const struct dns_conf *conf = values;

    (void)a;
    for (size_t i = 0; i < conf->servers.count; i++)
        if (conf->servers.items[i].addr.family == ADDR_NONE || !conf->servers.items[i].port)
            return "dns.servers takes addresses with a port, \"127.0.0.1:53\": a name could not be looked up";
    if (conf->servers.count && conf->recurse)
        return "dns.servers and dns.recurse exclude each other: forward to servers, or recurse";
    return NULL;
}

const struct conf_section dns_section = {
    .name = "dns", .help = "the resolver", .size = sizeof(struct dns_conf), .keys = keys, .check = check
};
