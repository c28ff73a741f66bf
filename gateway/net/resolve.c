/* net/resolve.c - the addresses of a server that is configured by name. */
#include "gateway/net/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bug.h"
#include "gateway/base/clock.h"

/* What the worker has: nothing that the loop might free meanwhile. */
struct lookup {
    struct job job;        /* first: a job is its look-up */
    struct resolve *owner; /* NULL: it has gone */
    char *host;
    struct addr addrs[RESOLVE_MOST];
    size_t count;
    char error[200];
};

struct resolve {
    struct crew *crew;
    const char *host;
    loop_fn *fn;
    void *arg;
    struct lookup *lookup; /* under way */
    struct addr addrs[RESOLVE_MOST];
    size_t count;
    int64_t found_ms;
    char error[200];
};

static bool is_known(const struct lookup *l, const struct addr *a)
{
    for (size_t i = 0; i < l->count; i++)
        if (addr_eq(&l->addrs[i], a))
            return true;
    return false;
}

static void work(struct job *job)
{
    struct lookup *l = (struct lookup *)job;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    int failed = getaddrinfo(l->host, NULL, &hints, &list);

    if (failed) {
        snprintf(l->error, sizeof l->error, "%.100s: %s", l->host, gai_strerror(failed));
        return;
    }
    for (struct addrinfo *ai = list; ai && l->count < RESOLVE_MOST; ai = ai->ai_next) {
        struct addr a;

        addr_from_sockaddr(ai->ai_addr, &a, NULL);
        if (a.family != ADDR_NONE && !is_known(l, &a))
            l->addrs[l->count++] = a;
    }
    freeaddrinfo(list);
    if (!l->count)
        snprintf(l->error, sizeof l->error, "%.100s: no address", l->host);
}

static void lookup_free(struct lookup *l)
{
    free(l->host);
    free(l);
}

static void done(struct job *job)
{
    struct lookup *l = (struct lookup *)job;
    struct resolve *r = l->owner;

    if (r) {
        r->lookup = NULL;
        memcpy(r->error, l->error, sizeof r->error);
        if (l->count) {
            memcpy(r->addrs, l->addrs, sizeof r->addrs);
            r->count = l->count;
            r->found_ms = clock_mono_ms();
        }
    }
    lookup_free(l);
    if (r)
        r->fn(r->arg);
}

struct resolve *resolve_new(struct crew *crew, const char *host, loop_fn *fn, void *arg)
{
    struct resolve *r = mem_alloc(sizeof *r);

    *r = (struct resolve){ .crew = crew, .host = host, .fn = fn, .arg = arg };
    return r;
}

void resolve_free(struct resolve *r)
{
    if (r && r->lookup)
        r->lookup->owner = NULL;
    free(r);
}

bool resolve_start(struct resolve *r)
{
    if (r->lookup)
        return true;
    struct lookup *l = mem_alloc(sizeof *l);

    l->job.work = work;
    l->job.done = done;
    l->host = mem_dup(r->host);
    l->owner = r;
    if (!crew_give(r->crew, LANE_QUICK, &l->job)) {
        lookup_free(l);
        return false;
    }
    r->lookup = l;
    return true;
}

size_t resolve_count(const struct resolve *r)
{
    return r->count;
}

const struct addr *resolve_addr(const struct resolve *r, size_t index)
{
    if (index >= r->count)
        BUG("address %zu of %zu", index, r->count);
    return &r->addrs[index];
}

int64_t resolve_age_ms(const struct resolve *r)
{
    return r->count ? clock_mono_ms() - r->found_ms : INT64_MAX;
}

const char *resolve_error(const struct resolve *r)
{
    return r->error;
}
