/* net/dns_resolver.h - libunbound's context, set up as dns.c wants it; nobody else includes it. */
#ifndef NET_DNS_RESOLVER_H
#define NET_DNS_RESOLVER_H

#include "gateway/net/dns.h"

struct ub_ctx;

/* dns_resolver_new - NULL with a sentence for the operator in `error`. */
struct ub_ctx *dns_resolver_new(struct event_base *base, const struct dns_conf *conf, char *error, size_t size);

#endif
