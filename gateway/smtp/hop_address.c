/* smtp/hop_address.c - where a target is. */
#include "gateway/smtp/hop_address.h"

#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/net/resolve.h"
#include "gateway/smtp/hop_dane.h"

enum { RESOLVED_MS = 60 * 1000 };

struct hop_address {
    const struct hop_target *target;
    struct hop_dane *dane;   /* HOP_TLS_DANE */
    struct resolve *resolve; /* any other name */
};

struct hop_address *hop_address_new(const struct hop_settings *settings, loop_fn *fn, void *arg)
{
    struct hop_address *a = mem_alloc(sizeof *a);

    *a = (struct hop_address){ .target = settings->target };
    if (a->target->at.host[0] && settings->ways->tls == HOP_TLS_DANE)
        a->dane = hop_dane_new(settings->loop, settings->dns, a->target, fn, arg);
    else if (a->target->at.host[0])
        a->resolve = resolve_new(settings->resolver, a->target->at.host, fn, arg);
    return a;
}

void hop_address_free(struct hop_address *a)
{
    if (!a)
        return;
    resolve_free(a->resolve);
    hop_dane_free(a->dane);
    free(a);
}

bool hop_address_get(struct hop_address *a, size_t turn, struct endpoint *out, bool *is_stuck)
{
    *is_stuck = false;
    *out = a->target->at;
    if (a->dane && !hop_dane_is_fresh(a->dane)) {
        hop_dane_start(a->dane);
        return false;
    }
    if (a->resolve && resolve_age_ms(a->resolve) > RESOLVED_MS)
        *is_stuck = !resolve_start(a->resolve);
    if (a->resolve && !resolve_count(a->resolve))
        return false;
    if (a->dane)
        out->addr = *hop_dane_addr(a->dane, turn % hop_dane_count(a->dane));
    else if (a->resolve)
        out->addr = *resolve_addr(a->resolve, turn % resolve_count(a->resolve));
    out->host[0] = '\0';
    return true;
}

size_t hop_address_count(const struct hop_address *a)
{
    return a->dane ? hop_dane_count(a->dane) : a->resolve ? resolve_count(a->resolve) : 1;
}

const char *hop_address_error(const struct hop_address *a)
{
    if (a->dane)
        return hop_dane_is_fresh(a->dane) ? NULL : hop_dane_error(a->dane);
    return a->resolve && !resolve_count(a->resolve) ? resolve_error(a->resolve) : NULL;
}

struct tls_peer hop_address_peer(const struct hop_address *a)
{
    const char *host = a->target->at.host;

    return a->dane ? hop_dane_peer(a->dane) : (struct tls_peer){ .name = host[0] ? host : NULL };
}
